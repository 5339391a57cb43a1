"""A target at every step, from a table to a run and its answers."""

import numpy as np
import polars as pl
import pytest

from recurra.comparison.compare import compare
from recurra.data.schema import SchemaOptions, infer_schema, to_examples
from recurra.data.sources import read
from recurra.diagnosis import diagnose
from recurra.errors import DataError, InputError
from recurra.runs.events import ignore
from recurra.runs.fitting import carry_out
from recurra.runs.loading import load
from recurra.runs.tags.config import TagFitOptions
from recurra.runs.tags.files import fit_tags, opened
from recurra.runs.tags.fit import TagFitting
from recurra.statistics.repeated import RepeatedScores

QUICK = {"network.hidden_size": 8, "training.epochs": 3, "network.cell": "gru"}
TARGETS = {"classes": "state", "labels": ["a", "b"], "number": "sum"}


def table(pieces=60, seed=0):
    """Random walks: whether each is above 0, also as two columns of 0 and 1, and where it is."""
    draw = np.random.default_rng(seed)
    rows = []
    for piece in range(pieces):
        x = draw.normal(size=draw.integers(4, 12)).round(3)
        for step, (change, at) in enumerate(zip(x, x.cumsum().round(3), strict=True)):
            rows.append((f"p{piece}", step, change, "up" if at > 0 else "down", at > 0, change > 0, at))
    frame = pl.DataFrame(rows, orient="row", schema=["piece", "t", "x", "state", "a", "b", "sum"])
    return frame.with_columns(pl.col("a", "b").cast(pl.Int8))


def options(target, **more):
    data = SchemaOptions(task="tag", id="piece", time="t", features=["x"], target=TARGETS[target])
    return TagFitOptions(data=data, settings=QUICK, **more)


@pytest.fixture(scope="module")
def fittings():
    made = {}
    for target in TARGETS:
        fitting, _ = opened(table(), options(target, validation=0.2))
        made[target] = fitting, carry_out(fitting)
    return made


def test_rows_in_any_order_become_sequences_with_their_targets():
    frame = table(5).sample(fraction=1.0, shuffle=True, seed=1)
    schema = infer_schema(read(frame), options("number").data)
    examples, _ = to_examples(read(frame), schema)
    steps = examples.steps
    for n in range(len(examples)):
        places = steps.places[n]
        assert np.allclose(np.cumsum(examples.sequences[n][:, 0]), steps.targets[places], atol=1e-2)
        assert np.allclose(frame["x"].to_numpy()[steps.rows[places] - 1], examples.sequences[n][:, 0])
        assert frame["t"].to_numpy()[steps.rows[places] - 1].tolist() == list(range(len(places)))


def test_steps_without_a_target_are_told_and_count_for_nothing():
    frame = table().with_columns(pl.when(pl.col("t") == 2).then(None).otherwise(pl.col("sum")).alias("sum"))
    told = []
    fitting, _ = opened(
        frame, options("number"), observer=lambda event: told.append(getattr(event, "text", ""))
    )
    assert any("read, but neither learned from nor scored, no target" in text for text in told)
    run = carry_out(fitting)
    assert run.metrics["test"]["steps"] < sum(len(p) for p in run.predict(fitting.prepared.parts["test"]))


@pytest.mark.parametrize("target", TARGETS)
def test_outputs_of_labels_begin_at_their_shares(fittings, target):
    fitting, run = fittings[target]
    bias = fitting.network(None, ignore, anew=True).head[-1].bias
    if target == "labels":
        shares = fitting.prepared.labels["train"].those_known.mean(0)
        assert bias.sigmoid().detach().numpy() == pytest.approx(shares, abs=1e-5)
        other = fitting.network(run, ignore, anew=True).head[-1].bias
        assert other.tolist() == run.network.head[-1].bias.tolist()
    else:
        assert fitting.network(None, ignore, anew=True).head[-1].bias.tolist() == bias.tolist()


@pytest.mark.parametrize("target", TARGETS)
def test_contributions_add_up_to_the_headline_scores(fittings, target):
    fitting, run = fittings[target]
    columns = [fitting.contributions[None], *(sums[None] for _, sums in fitting.of_baselines())]
    scores = RepeatedScores(fitting.measure(), columns, [True, False, False])
    headline = run.metrics["test"]["scores"][0]
    assert fitting.measure().name == headline["name"]
    assert np.isclose(scores.mean(0), headline["value"])
    assert np.isclose(scores.mean(2), fitting.of_baselines()[1][0].scores[0].value)
    evaluated = run.evaluate(fitting.prepared.parts["test"])[0]
    assert np.isclose(evaluated.value, headline["value"])


@pytest.mark.parametrize("target", TARGETS)
def test_a_saved_run_answers_as_before_and_a_stream_as_the_whole(fittings, target, tmp_path):
    run = fittings[target][1]
    run.save(tmp_path / "run")
    again = load(tmp_path / "run")
    sequences = [np.random.default_rng(n).normal(size=(n + 2, 1)) for n in range(4)]
    answer = run.predict if target == "number" else run.predict_proba
    for whole, other, alone in zip(
        answer(sequences),
        (again.predict if target == "number" else again.predict_proba)(sequences),
        [answer([each])[0] for each in sequences],
        strict=True,
    ):
        assert np.array_equal(whole, other)
        np.testing.assert_allclose(whole, alone, atol=1e-5)
    stream = again.stream()
    found = np.stack([stream.step(step) for step in sequences[3]])
    whole = answer(sequences)[3]
    np.testing.assert_allclose(found.reshape(whole.shape), whole, atol=2e-5)
    assert len(run.predict(sequences)[3]) == 5


def test_a_class_that_training_did_not_hold_is_told_and_not_scored():
    frame = table().with_columns(
        part=pl.when(pl.col("piece") == "p3").then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    odd = (
        pl.when((pl.col("piece") == "p3") & (pl.col("t") == 1))
        .then(pl.lit("else"))
        .otherwise(pl.col("state"))
    )
    data = options("classes").data.model_copy(update={"split": "part"})
    told = []
    fitting, _ = opened(frame.with_columns(state=odd), TagFitOptions(data=data, settings=QUICK))
    run = carry_out(fitting, observer=lambda event: told.append(getattr(event, "text", "")))
    assert any("does not occur in the training part (in the test part)" in text for text in told)
    assert run.metrics["test"]["steps"] == frame.filter(piece="p3").height - 1
    assert run.classes == ["down", "up"]


def test_it_learns_what_no_last_steps_tell():
    data = options("classes").data
    settings = QUICK | {"network.hidden_size": 16, "training.epochs": 60, "training.learning_rate": 0.01}
    frame = table(200)
    run = fit_tags(frame, TagFitOptions(data=data, settings=settings, seed=1))
    network = run.metrics["test"]["scores"][0]["value"]
    assert network > 0.97
    assert network > max(each["scores"][0]["value"] for each in run.metrics["baselines"])


def test_compare_and_diagnose(tmp_path):
    roles = {"id": "piece", "time": "t", "features": "x", "target": ["a", "b"]}
    found = compare(
        table(80), task="tag", cells="gru,tcn", trials=2, seeds=1, settings=QUICK | {"training.epochs": 2},
        out=tmp_path / "compared", **roles,
    )  # fmt: skip
    assert found.summary["task"] == "tag" and found.summary["measure"]["name"] == "NLL per step"
    assert found.runs["gru"][0].config.shape.output_size == 2
    diagnosis = diagnose(found.runs["gru"][0], data=opened(table(30, seed=5), options("labels"))[0].examples)
    assert diagnosis.cell == "GRU" and any("last step with a target" in note for note in diagnosis.notes)


def test_what_cannot_be_tagged_is_said():
    with pytest.raises(InputError, match="a target at every step is read where a row is a step"):
        opened(table().select("x", "sum", "state"), TagFitOptions(data=SchemaOptions(
            task="tag", features=["x"], target="state", layout="stream", window=5)))  # fmt: skip
    with pytest.raises(DataError, match="--task tag"):
        infer_schema(read(table()), SchemaOptions(id="piece", features=["x"], target="state"))
    fitting = TagFitting(*_examples_without_targets(), options("classes"), None)
    with pytest.raises(DataError, match="no target to compare with"):
        fitting.prepare(None, lambda event: None)


def _examples_without_targets():
    frame = read(table())
    schema = infer_schema(frame, options("classes").data)
    return to_examples(frame, schema, need_targets=False)[0], schema
