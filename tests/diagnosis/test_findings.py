"""Networks made ill on purpose are found, and what is found is what was done; healthy ones are not accused."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from recurra.diagnosis import diagnose, examine
from recurra.diagnosis.advice import Advice
from recurra.diagnosis.examples import subject_of
from recurra.diagnosis.findings import _of_parallelism
from recurra.diagnosis.measures.parallelism import Parallelism, Timing
from recurra.diagnosis.measures.training import Course
from recurra.diagnosis.thresholds import THRESHOLDS
from recurra.diagnosis.training_findings import training_findings
from recurra.runs.events import ignore
from tests.diagnosis.made import graver, layer_of, subject_of_layer, trained


@pytest.fixture(scope="module")
def healthy():
    """Cell -> (run, data) of a training that went well."""
    return {cell: trained(cell) for cell in ("rnn", "lstm", "gru")}


def altered(network, change):
    """A copy of a network, `change` made to each of its recurrent weights by name."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            change(name, weight)
    return network


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_healthy_runs_get_a_clean_bill(healthy, cell):
    found = diagnose(*healthy[cell])
    assert graver(found) == set()
    assert found.healthy
    assert found.summary.startswith("Nothing was found wrong")


STACK = {"network.bidirectional": True, "network.num_layers": 2, "network.pooling": ["mean", "max"]}


@pytest.mark.parametrize(
    ("cell", "settings"),
    [
        ("rnn", STACK),
        ("lstm", STACK),
        ("gru", STACK),
        ("gru", {"network.layer_norm": True, "network.zoneout": 0.1}),
    ],
    ids=["rnn", "lstm", "gru", "variant"],
)
def test_other_healthy_networks_do_so_too(cell, settings):
    assert graver(diagnose(*trained(cell, seed=1, epochs=8, **settings))) == set()


def test_long_sequences_warn_of_what_a_plain_network_cannot_reach():
    found = examine(subject_of_layer(layer_of("RNN", 24), steps=200))
    assert graver(found) == {"vanishing gradient"}
    assert "LSTM" in found.findings[0].change
    assert graver(examine(subject_of_layer(layer_of("LSTM", 24, chrono_init=200), steps=200))) == set()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("RNN", {}),
        ("RNN", {"nonlinearity": "relu"}),
        ("LSTM", {}),
        ("LSTM", {"forget_bias": 1.0}),
        ("GRU", {}),
        ("GRU", {"chrono_init": 30}),
    ],
    ids=str,
)
def test_layers_as_they_begin_are_healthy(cell, options, seed):
    assert graver(examine(subject_of_layer(layer_of(cell, 24, seed=seed, **options), seed=seed))) == set()


@pytest.mark.parametrize("scale", [0.0, 0.02, 0.05])
def test_recurrent_weights_scaled_to_vanish_are_found(healthy, scale):
    run, data = healthy["rnn"]
    shrunk = altered(run.network, lambda name, w: w.mul_(scale) if "weight_hh" in name else w)
    found = examine(replace(subject_of(run, data, observer=ignore), network=shrunk))
    assert graver(found) == {"no recurrence"}
    (finding,) = [f for f in found.findings if f.severity == "problem"]
    assert re.match(r"Layer 1: [123] steps? back less than 0\.001 of the gradient is left", finding.says)
    assert "--cell gru" in finding.change


@pytest.mark.parametrize(("cell", "scale"), [("RNN", 6), ("LSTM", 16), ("GRU", 16)])
def test_recurrent_weights_scaled_to_explode_are_found(cell, scale):
    layer = layer_of(cell, 32)
    with torch.no_grad():
        layer.weight_hh_l0.mul_(scale)
    found = examine(subject_of_layer(layer, steps=40))
    assert "exploding gradient" in graver(found)
    exploding = next(f for f in found.findings if f.name == "exploding gradient")
    assert exploding.severity == "problem"
    assert exploding.value > THRESHOLDS.exploded


@pytest.mark.parametrize(("cell", "scale"), [("lstm", 1.0), ("gru", 0.1)])
def test_a_forget_bias_of_minus_five_is_found(healthy, cell, scale):
    run, data = healthy[cell]

    def close(name, weight):
        if "bias" in name and "encoder" in name:
            weight[16:32] = -5 if "bias_ih" in name else 0
        if "weight_hh" in name:
            weight.mul_(scale)

    found = examine(replace(subject_of(run, data, observer=ignore), network=altered(run.network, close)))
    assert "closed gate" in graver(found)
    closed = next(f for f in found.findings if f.name == "closed gate")
    assert closed.value < 1.1
    assert "--set training.learning_rate=0.0002" in closed.change


@pytest.mark.parametrize(("scale", "expected"), [(1.02, set()), (0.3, {"closed gate"})])
def test_a_gru_with_its_update_gate_shut_is_ill_only_where_its_weights_carry_nothing(scale, expected):
    layer = layer_of("GRU", inputs=2)
    with torch.no_grad():
        layer.weight_hh_l0[:32] *= 0.1
        layer.weight_ih_l0[:32] *= 0.1
        layer.weight_ih_l0[32:] *= 0.3
        layer.bias_ih_l0[:] = torch.tensor([6.0, -6.0, 0.0]).repeat_interleave(16)  # r is 1, z is 0
        layer.bias_hh_l0[:] = 0
        layer.weight_hh_l0[32:] = scale * torch.linalg.qr(torch.randn(16, 16))[0]
    found = examine(subject_of_layer(layer, steps=40))
    assert graver(found) & {"closed gate"} == expected
    (told,) = (each for each in found.findings if each.name == "time constants")
    assert "leak of its gate alone" in told.says


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_learning_rate_that_is_too_high_is_found(cell):
    found = diagnose(*trained(cell, epochs=8, **{"training.learning_rate": 1.0}))
    assert "learning rate too high" in graver(found)
    assert "--set training.learning_rate=0.1" in next(
        f.change for f in found.findings if f.name == "learning rate too high"
    )


def test_a_learning_rate_that_is_too_low_is_found():
    found = diagnose(*trained("gru", epochs=4, **{"training.learning_rate": 1e-5}))
    assert "learning rate too low" in graver(found)


def test_shuffled_labels_are_found():
    run, data = trained(
        "gru", shuffled=True, epochs=45, **{"network.dropout": 0, "training.learning_rate": 0.01}
    )
    found = diagnose(run, data)
    assert "memorised" in graver(found)
    assert not graver(found) & {"learning rate too high", "learning rate too low", "underfitting"}


def test_dead_relu_units_are_found():
    layer = layer_of("RNN", 32, nonlinearity="relu")
    with torch.no_grad():
        layer.bias_ih_l0[:16] = -20
    found = examine(subject_of_layer(layer))
    assert "dead units" in graver(found)
    assert any("50% of the ReLU units" in f.says for f in found.findings)


def test_saturated_units_and_constant_answers_are_found():
    layer = layer_of("RNN", 32)
    with torch.no_grad():
        layer.bias_ih_l0[:] = 100
    assert {"saturated units", "constant answer"} <= graver(examine(subject_of_layer(layer)))


def test_inputs_that_overflow_are_found():
    subject = subject_of_layer(layer_of("GRU"))
    x = subject.inputs[0].clone()
    x[0, 3] = torch.nan
    found = examine(replace(subject, inputs=(x,)))
    assert "answers not finite" in graver(found)


@pytest.mark.parametrize(
    ("of_batch", "of_steps", "meaning"),
    [
        (2.0, 4.1, "Steps wait for each other"),
        (7.8, 4.0, "side by side cost"),
        (84, 75, None),
        (3, 6.5, None),
    ],
)
def test_times_that_only_a_busy_machine_explains_are_passed_over(of_batch, of_steps, meaning):
    timings = [Timing(64, 8, 1.0), Timing(64, 64, of_batch), Timing(256, 8, of_steps)]
    measures = SimpleNamespace(parallelism=Parallelism("native", 2, timings))
    found = list(_of_parallelism(measures, SimpleNamespace(larger_batches=lambda: "larger ones")))
    assert len(found) == (meaning is not None)
    assert all(meaning in finding.means for finding in found)


def course(
    training,
    validation=None,
    *,
    chance=1.0,
    data=(None, None),
    update=0.005,
    clipped=0.1,
    norm=0.5,
    stopped="finished",
):
    n = len(training)
    return Course(
        training_loss=training,
        validation_loss=validation or [None] * n,
        learning_rate=[1e-3] * n,
        gradient_norm=[norm] * n,
        clipped_share=[clipped] * n,
        update_ratio=[update] * n,
        training_chance=chance,
        validation_chance=None if validation is None else chance,
        data_loss=data[0],
        data_chance=data[1],
        reference="a constant answer",
        stopped=stopped,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (course([0.9, 0.5, 0.3], [0.8, 0.5, 0.4]), set()),
        (course([0.9, 0.5, 0.3]), set()),
        (course([0.9, 0.5, 0.3], chance=None), set()),
        (course([0.9, 0.4, 0.1], [1.0, 0.98, 1.4]), {"memorised"}),
        (course([1.0, 0.99, 0.98], [1.0, 1.0, 0.99]), {"underfitting"}),
        (course([1.0, 0.99, 0.98]), {"underfitting"}),
        (course([0.9, 0.5, 0.1], [0.9, 0.8, 0.9]), {"overfitting"}),
        (course([0.9, 0.5, 0.3], [0.8, 0.4, 0.6]), {"validation loss rose"}),
        (course([0.9, 0.5, 0.3], [0.8, 0.5, 0.4], data=(0.4, 0.1)), {"no better than chance"}),
        (course([0.9, 0.5, 0.3], data=(0.4, 0.1)), {"no better than chance"}),
        (course([0.9, 0.5, 0.3], data=(0.4, 1.0)), set()),
        (course([0.9, 0.5, 0.8], [0.9, 0.5, 0.8], update=0.1), {"learning rate too high"}),
        (course([0.9, 0.5, 0.3], [0.8, 0.5, 0.4], update=0.1), set()),
        (course([1.0, 1.0, 0.99], [1.0, 1.0, 0.99], update=1e-5), {"learning rate too low"}),
        (course([0.9, 0.5, 0.3], [0.8, 0.5, 0.4], clipped=1.0, norm=50.0), {"clipping"}),
        (course([0.9, 0.5, 0.3], [0.8, 0.5, 0.4], stopped="not finite at step 9"), {"loss not finite"}),
    ],
)
def test_what_a_course_says(given, expected):
    advice = Advice({"training.learning_rate": 1e-3, "training.clip_norm": 1.0, "network.hidden_size": 8})
    assert {finding.name for finding in training_findings(given, advice)} == expected


def test_old_histories_without_sizes_of_updates_are_read():
    old = replace(course([0.9, 0.5, 0.3], [0.8, 0.5, 0.4]), update_ratio=[None, None, None])
    assert old.largest_update is None
    assert list(training_findings(old, Advice({}))) == []


def test_only_options_that_the_run_has_are_named(healthy):
    for run, _ in healthy.values():
        settings = run.config.settings
        advice = Advice(settings.flat())
        said = [
            advice.rate(0.1),
            advice.longer_memory(),
            advice.open_gate(forget=True),
            advice.units(),
            advice.larger_batches(),
            advice.more_dropout(),
            advice.longer(),
            advice.smaller(),
            advice.steadier_recurrence(),
        ]
        options = re.findall(r"--set ([\w.]+)=([\w.,]+?)(?=[,.)]?(?:\s|$)|\))", " ".join(said))
        assert len(options) > 8
        for name, value in options:
            settings.changed({name: value})
