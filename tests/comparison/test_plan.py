"""What is settled before trainings begin."""

import time
from types import SimpleNamespace

import pytest

from recurra.comparison.options import CELLS, comparison_options
from recurra.comparison.plan import (
    TOLERANCE,
    final_trials,
    learning_rates,
    make_plan,
    replanned,
    tuning_trials,
)
from recurra.errors import InputError
from recurra.runs.budget import Pace
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import SequenceFitting
from tests.runs.conftest import QUICK, examples_of, sentences

SETTINGS = QUICK | {"network.hidden_size": 24, "network.pairs": 0, "training.threads": 2}
THREE = ("rnn", "lstm", "gru")


@pytest.fixture(autouse=True)
def pace_by_size(monkeypatch):
    """A step takes a microsecond for each weight, whatever else the machine does."""

    def pace(network, *_, **__):
        step_s = 1e-6 * sum(p.numel() for p in network.parameters())
        return Pace(step_s=step_s, forward_s=step_s / 3, spent_s=0.0)

    monkeypatch.setattr("recurra.comparison.plan.measure_pace", pace)


@pytest.fixture(scope="module")
def fitting():
    examples, schema = examples_of(sentences(120), text="text", target="label")
    options = SequenceFitOptions(settings=SETTINGS, validation=0.2, baselines=False)
    made = SequenceFitting(examples, schema, options, None)
    made.prepare(None, lambda event: None)
    return made


def planned(fitting, started=0.0, **given):
    options = comparison_options(cells=given.pop("cells", THREE), budget=given.pop("budget", None), **given)
    return make_plan("sequences", fitting, options, started=started, observer=lambda event: None)


def test_equal_weights_are_within_two_per_cent_and_steps_are_the_same(fitting):
    plan = planned(fitting, weights=40_000)
    assert all(abs(each.weights / 40_000 - 1) <= TOLERANCE for each in plan.candidates)
    assert len({each.hidden_size for each in plan.candidates}) == 3
    assert {each.total_steps for each in plan.candidates} == {3 * len(fitting.training)}


def test_equal_time_is_turned_into_steps_by_the_pace(fitting):
    plan = planned(fitting, match="time")
    assert {each.hidden_size for each in plan.candidates} == {24}
    slowest = max(plan.candidates, key=lambda each: each.epoch_s)
    assert slowest.total_steps == pytest.approx(3 * len(fitting.training), abs=1)
    for each in plan.candidates:
        assert plan.training_s(each) <= 3 * slowest.epoch_s * 1.001
        assert each.total_steps == int(3 * slowest.epoch_s / each.epoch_s * len(fitting.training) + 1e-9)


def test_a_budget_is_shared_out(fitting, monkeypatch):
    monkeypatch.setattr("recurra.comparison.plan.time", SimpleNamespace(monotonic=lambda: 100.0))
    whole = planned(fitting)
    cost = sum(whole.training_s(each) for each in whole.candidates) * 6
    budget = 0.25 * cost
    for match in ("params", "time"):
        plan = planned(fitting, started=100.0, budget=budget, match=match)
        planned_s = 6 * sum(plan.training_s(each) for each in plan.candidates)
        assert planned_s <= budget or all(each.total_steps == 1 for each in plan.candidates)
    doubled = planned(fitting, started=100.0, budget=1e6)
    assert {each.total_steps for each in doubled.candidates} == {3 * len(fitting.training)}


@pytest.mark.parametrize("match", ["params", "time"])
@pytest.mark.parametrize("slower", [0.2, 1.0, 1.3, 4.0])
def test_what_is_left_of_a_budget_is_shared_out_by_the_pace_of_the_trials(
    fitting, match, slower, monkeypatch
):
    monkeypatch.setattr("recurra.comparison.plan.time", SimpleNamespace(monotonic=lambda: 100.0))
    whole = planned(fitting)
    budget = 4 * sum(whole.training_s(each) for each in whole.candidates)
    settings = fitting.settings.training
    plan = planned(fitting, started=100.0, budget=budget, match=match)
    trials = tuning_trials(plan, 0)
    expected_s = {each.cell: plan.training_s(each, "tuning") / each.total_steps for each in plan.candidates}
    spent_s = sum(slower * expected_s[trial.candidate.cell] * trial.total_steps for trial in trials)
    pace = {cell: [slower * each] * plan.options.trials for cell, each in expected_s.items()}
    found = replanned(plan, pace, epochs=settings.epochs, left_s=budget - spent_s)
    assert found.tuned_length == plan.length and plan.tuned_length is None
    takes_s = [found.training_s(each) for each in found.candidates]
    steps = [each.total_steps for each in found.candidates]
    assert len(set(steps)) == 1 if match == "params" else max(takes_s) <= 1.001 * found.length
    one = max(each.epoch_s / len(fitting.training) for each in found.candidates)
    if match == "time":
        assert min(takes_s) > found.length - one
    for each, before in zip(found.candidates, plan.candidates, strict=True):
        assert 0.5 * before.total_steps - 1 <= each.total_steps <= 1.5 * before.total_steps + 1
    if slower == 1.0:
        assert found.length == pytest.approx(plan.length, rel=0.2)
    if slower <= 1.3:
        assert spent_s + 3 * sum(takes_s) <= budget
    else:
        half = [int(0.5 * each.total_steps) for each in plan.candidates]
        assert steps == pytest.approx(half, abs=1), "no fewer than half, though it takes too long"
    assert replanned(plan, {}, epochs=settings.epochs, left_s=budget / 2) == plan, (
        "all of them may have failed"
    )


def test_what_is_not_trained_any_more_takes_no_share(fitting):
    whole = planned(fitting)
    budget = 4 * sum(whole.training_s(each) for each in whole.candidates)
    plan = planned(fitting, started=time.monotonic(), budget=budget)
    pace = {c.cell: [plan.training_s(c, "tuning") / c.total_steps] for c in plan.candidates}
    both, one = (
        replanned(plan, kept, epochs=50, left_s=0.6 * budget) for kept in (pace, {"rnn": pace["rnn"]})
    )
    assert one.length == pytest.approx(1.5 * plan.length) and both.length < 1.2 * plan.length


@pytest.mark.parametrize("match", ["params", "time"])
def test_a_budget_that_is_gone_leaves_a_step_each_and_says_so(fitting, match):
    told = []
    options = comparison_options(cells=THREE, budget=1.0, match=match)
    plan = make_plan("sequences", fitting, options, started=time.monotonic() - 2, observer=told.append)
    assert {each.total_steps for each in plan.candidates} == {1} and plan.length > 0
    assert any("nothing of the budget is left" in getattr(event, "text", "") for event in told)
    pace = {each.cell: [1.0] for each in plan.candidates}
    found = replanned(plan, pace, epochs=3, left_s=-5.0)
    assert {each.total_steps for each in found.candidates} == {1}


def test_jobs_share_the_threads(fitting):
    assert planned(fitting, jobs=2, cells="gru").threads == 1


def test_trials_are_tuned_on_one_seed_and_scored_on_others(fitting):
    plan = planned(fitting, cells="gru,rnn", trials=2, seeds=2)
    tuning = tuning_trials(plan, seed=7)
    assert [trial.name for trial in tuning] == [
        "gru-tuning-1",
        "rnn-tuning-1",
        "gru-tuning-2",
        "rnn-tuning-2",
    ]
    assert {trial.seed for trial in tuning} == {7}
    final = final_trials(plan, 7, {"gru": 0.1, "rnn": 0.2})
    assert [(t.name, t.learning_rate) for t in final] == [
        ("gru-seed-8", 0.1),
        ("rnn-seed-8", 0.2),
        ("gru-seed-9", 0.1),
        ("rnn-seed-9", 0.2),
    ]
    assert tuning_trials(planned(fitting, cells="gru", trials=1), 0) == []


def test_tuning_on_a_part_reads_it_as_often_and_leaves_more_of_the_budget(fitting, monkeypatch):
    monkeypatch.setattr("recurra.comparison.plan.time", SimpleNamespace(monotonic=lambda: 100.0))
    pace = Pace(step_s=0.01, forward_s=1e-6, spent_s=0.0)
    monkeypatch.setattr("recurra.comparison.plan.measure_pace", lambda *_, **__: pace)
    train = fitting.new_config([]).parts["train"]
    asked = {"cells": "gru,rnn", "started": 100.0}
    whole, part = (planned(fitting, **asked, **more) for more in ({}, {"tune_on": train // 4}))
    assert part.tuning_share == pytest.approx(0.25)
    trial = tuning_trials(part, 0)[0]
    assert trial.total_steps == round(0.25 * trial.candidate.total_steps)
    assert final_trials(part, 0, {"gru": 0.1})[0].total_steps == trial.candidate.total_steps
    one = part.candidates[0]
    assert part.training_s(one, "tuning") < 0.5 * part.training_s(one)
    assert planned(fitting, tune_on=10 * train, **asked).tuning_share == 1
    budget = 3 * sum(whole.training_s(each) for each in whole.candidates)
    for match in ("params", "time"):
        more, less = (
            planned(fitting, budget=budget, match=match, **asked, **given)
            for given in ({"tune_on": train // 4}, {})
        )
        assert sum(c.total_steps for c in more.candidates) > sum(c.total_steps for c in less.candidates)
    own = fitting.again({}, 3, share=0.25)
    other = fitting.again({}, 4, share=0.25)
    read = [sum(len(batch) for batch in each.training.epoch(0)) for each in (own, other)]
    assert read == [round(0.25 * train)] * 2


def test_learning_rates_lie_around_the_default():
    assert learning_rates(1e-3, 1) == (1e-3,)
    assert learning_rates(1.0, 5) == pytest.approx((1, 10**-0.5, 10**0.5, 0.1, 10))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"cells": "gru,xyz"}, r"expected one or several different ones of .*, found 'xyz'"),
        ({"cells": "gru,gru"}, "different ones"),
        ({"cells": []}, "found none"),
        ({"cells": 5}, "found '5'"),
        ({"weights": 99_999_999_999_999}, "--weights: 99999999999999 does not fit"),
        ({"match": "size"}, "--match: 'size' does not fit"),
        ({"seeds": 0}, "--seeds: 0 does not fit"),
        ({"budget": "soon"}, "--budget: expected a time above zero"),
        ({"weights": 100, "match": "time"}, "--weights"),
        ({"tune_on": 100, "trials": 1}, "--tune-on: with --trials 1"),
    ],
)
def test_options_that_cannot_be_are_refused(given, match):
    with pytest.raises(InputError, match=match):
        comparison_options(**({"cells": None, "budget": None} | given))


def test_a_network_that_there_is_no_memory_for_cannot_take_part(fitting, monkeypatch):
    def no_room(*_, **__):
        raise RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes."
        )

    monkeypatch.setattr(type(fitting), "network", no_room)
    with pytest.raises(InputError, match=r"none of the networks can be made.*no memory here"):
        planned(fitting, cells=["gru"])


def test_every_cell_takes_part_where_nothing_is_said():
    assert comparison_options(cells=None, budget=None).cells == CELLS
    assert {"rnn", "lstm", "gru"} <= set(CELLS)
