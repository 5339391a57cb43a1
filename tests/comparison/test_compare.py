"""Whole comparisons on tiny made-up data: each kind of run, files, resuming, errors."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import recurra
from recurra.comparison import compare as compare_module
from recurra.comparison import trials as trials_module
from recurra.errors import InputError, RunError, TrainingError
from recurra.runs.events import Said
from recurra.runs.sequences.fit import SequenceFitting
from tests.runs.conftest import QUICK, sentences
from tests.runs.forecasts.made import daily

TINY = {"training.threads": 1, "network.hidden_size": 6, "training.epochs": 2}
TEXTS = QUICK | TINY | {"network.pairs": 0}
FEW = {"cells": ["rnn", "gru"], "trials": 2, "seeds": 3}


@pytest.fixture(autouse=True)
def measured_in_short(monkeypatch):
    monkeypatch.setattr("recurra.comparison.plan._PACE_S", 0.3)
    monkeypatch.setattr("recurra.comparison.costs.LENGTHS", (4, 8))


def reviews(out=None, **given):
    asked = FEW | {"settings": TEXTS, "text": "text", "target": "label", "out": out} | given
    return recurra.compare(sentences(90), **asked)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recurra.comparison.plan._PACE_S", 0.3)
        patch.setattr("recurra.comparison.costs.LENGTHS", (4, 8))
        events = []
        out = tmp_path_factory.mktemp("compared") / "reviews"
        return reviews(out, observer=events.append, command="recurra compare reviews.csv"), out, events


def test_a_comparison_leaves_runs_that_load_and_a_summary(compared):
    found, out, _ = compared
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads(json.dumps(found.summary))
    networks = [row for row in summary["rows"] if row["network"]]
    assert {row["name"] for row in networks} == {"rnn", "gru"}
    for row in networks:
        assert row["runs"] == [f"{row['name']}-seed-{seed}" for seed in (1, 2, 3)]
        scores = []
        for name, curve in zip(row["runs"], row["curves"], strict=True):
            run = recurra.load(out / name)
            assert run.metrics["training"]["weights"] == row["weights"]
            assert run.config.settings.training.learning_rate == row["learning_rate"]
            assert curve["epochs"] == run.history
            assert run.metrics["baselines"]
            scores.append(run.metrics["test"]["scores"][0]["value"])
        assert row["by_seed"] == pytest.approx(scores)
        assert row["value"] == pytest.approx(np.mean(scores))
        assert row["interval"]["low"] < row["value"] < row["interval"]["high"]
        assert row["memory_bytes"] > 16 * row["weights"] and row["forward_ms"] > 0
        assert [each["steps"] for each in row["over_length"]] == [4, 8]
        assert row["stream_us"] is None
        assert "both ends" in row["stream"]
    assert len(summary["pairs"]) == 3
    assert len(summary["tuning"]) == 4
    assert summary["command"] == "recurra compare reviews.csv"
    assert summary["versions"]["torch"]
    assert found.recommendation.count(".") >= 2
    assert found.path == out
    assert found.best in repr(found) and len(repr(found)) < 300


def test_a_trial_is_told_in_one_line(tmp_path):
    settings = TEXTS | {"training.epochs": 30, "training.patience": 1, "training.learning_rate": 0.1}
    found = reviews(tmp_path / "compared", settings=settings, seeds=1)
    notes = found.summary["notes"]
    early = [note for note in notes if "stopped early" in note]
    assert early and all(" of " in note for note in early)
    stopped = [run.metrics["training"]["stopped"] for runs in found.runs.values() for run in runs]
    assert sum("seed 1" in note for note in early) == stopped.count("early")


def test_all_networks_see_the_same_parts(compared):
    found, _, _ = compared
    runs = [run for own in found.runs.values() for run in own]
    assert len({run.config.fingerprint for run in runs}) == 1
    assert {run.config.options.split_seed for run in runs} == {0}
    assert len({run.metrics["test"]["n"] for run in runs}) == 1


def test_each_network_takes_the_learning_rate_with_the_lowest_validation_loss(compared):
    found, _, _ = compared
    for row in found.summary["rows"]:
        if row["network"]:
            own = [t for t in found.summary["tuning"] if t["cell"] == row["name"]]
            assert row["learning_rate"] == min(own, key=lambda t: t["validation_loss"])["learning_rate"]


def test_what_was_held_equal_is_said(compared):
    held = " ".join(compared[0].summary["held_equal"])
    for word in (
        "Data:",
        "Size:",
        "Length:",
        "Tuning: 2 learning rates",
        "Seeds: 3",
        "Test part: opened once",
        "fewer where validation no longer gets better",
    ):
        assert word in held


@pytest.mark.parametrize("match", ["params", "time"])
def test_where_nothing_is_validated_nothing_is_said_of_it(match):
    held = " ".join(reviews(trials=1, validation=0, match=match).summary["held_equal"])
    assert "there was no validation part" in held
    assert "no longer gets better" not in held


def test_the_time_left_and_every_trial_are_told(compared):
    said = [event.text for event in compared[2] if isinstance(event, Said)]
    assert any(text.startswith("4 of 4: GRU, learning rate") for text in said)
    assert any(text.startswith("6 of 6: GRU, seed 3: accuracy") for text in said)


def test_the_test_part_stays_closed_until_all_choices_are_made(monkeypatch, tmp_path):
    order = []
    for name in ("_tune", "_final"):
        wrapped = getattr(trials_module, name)

        def spy(own, *given, name=name, wrapped=wrapped):
            result = wrapped(own, *given)
            order.append((name, own.contributions is not None))
            return result

        monkeypatch.setattr(trials_module, name, spy)
    reviews(tmp_path / "out", seeds=1)
    assert order == [("_tune", False)] * 4 + [("_final", True)] * 2


def test_an_interrupted_comparison_goes_on_where_it_was(monkeypatch, tmp_path, compared):
    whole, _, _ = compared
    wrapped, count = trials_module._final, []

    def killed(*given):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        return wrapped(*given)

    with monkeypatch.context() as patch:
        patch.setattr(trials_module, "_final", killed)
        with pytest.raises(KeyboardInterrupt):
            reviews(tmp_path / "out")
    assert not (tmp_path / "out" / "summary.json").exists()
    with monkeypatch.context() as patch:
        patch.setattr(trials_module, "_tune", lambda *_: pytest.fail("tuned again"))
        patch.setattr(compare_module, "make_plan", lambda *_, **__: pytest.fail("planned again"))
        again = reviews(tmp_path / "out", resume=True)
    for ours, theirs in zip(again.summary["rows"], whole.summary["rows"], strict=True):
        assert ours["by_seed"] == theirs["by_seed"]
    assert again.summary["pairs"] == whole.summary["pairs"]
    noted = json.loads((tmp_path / "out" / "trials" / "sessions.json").read_text())["seconds"]
    assert len(noted) == 2
    assert again.summary["seconds"] >= sum(noted)


def test_times_agree_with_each_other_and_say_how_far_they_wandered(compared):
    found, out, _ = compared
    for row in found.summary["rows"]:
        if row["network"]:
            assert row["train_s"] == pytest.approx(row["step_s"] * row["steps"])
            own = [recurra.load(out / name).metrics["seconds"]["training"] for name in row["runs"]]
            assert row["train_range_s"] == [min(own), max(own)]
            assert row["slowdown"] >= 1


@pytest.mark.full
def test_several_at_a_time_give_the_numbers_of_one_at_a_time(tmp_path, compared):
    found = reviews(tmp_path / "out", jobs=2)
    for ours, theirs in zip(found.summary["rows"], compared[0].summary["rows"], strict=True):
        assert ours["by_seed"] == theirs["by_seed"]


def test_resuming_something_else_is_refused_first(compared, monkeypatch):
    out = compared[1]
    with monkeypatch.context() as patch:
        patch.setattr(SequenceFitting, "prepare", lambda *_: pytest.fail("prepared before it was refused"))
        with pytest.raises(InputError, match="began with seeds = 3, found 4"):
            reviews(out, resume=True, seeds=4)
    monkeypatch.setattr(
        SequenceFitting, "fit_baselines", lambda *_: pytest.fail("fitted before it was refused")
    )
    with pytest.raises(InputError, match=r"began with validation = 0\.2, found 0\.3"):
        reviews(out, resume=True, validation=0.3)
    other = sentences(90, seed=5)
    asked = FEW | {"settings": TEXTS, "text": "text", "target": "label", "out": out, "resume": True}
    with pytest.raises(RunError, match="the data is not the data"):
        recurra.compare(other, **asked)
    with pytest.raises(InputError, match="this place is taken"):
        reviews(out)


def test_there_is_nothing_to_resume(tmp_path):
    with pytest.raises(InputError, match="no comparison to resume here"):
        reviews(tmp_path / "new", resume=True)
    with pytest.raises(InputError, match="no comparison to resume"):
        reviews(resume=True)


def test_what_is_damaged_of_a_comparison_is_named_with_what_to_do(compared, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(compared[1], out)
    trials = out / "trials"
    sums, record, sessions = (
        trials / "gru-seed-1.safetensors",
        trials / "gru-seed-1.json",
        trials / "sessions.json",
    )
    for content in (b"nothing", None):
        sums.unlink() if content is None else sums.write_bytes(content)
        with pytest.raises(
            RunError, match=r"gru-seed-1\.safetensors: .* Delete trials/gru-seed-1\.json and resume"
        ):
            reviews(out, resume=True)
    record.write_text("[]")
    with pytest.raises(RunError, match="no record of that trial"):
        reviews(out, resume=True)
    record.unlink()
    for content in ("[3]", '{"seconds": ["x"]}', "{}", "{"):
        sessions.write_text(content)
        with pytest.raises(RunError, match=r"sessions\.json: .* Delete it and resume"):
            reviews(out, resume=True)
    sessions.unlink()
    again = reviews(out, resume=True)
    assert [row["by_seed"] for row in again.summary["rows"]] == [
        row["by_seed"] for row in compared[0].summary["rows"]
    ]


def test_trials_without_their_plan_are_not_taken_over(compared, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(compared[1], out)
    (out / "comparison.json").unlink()
    with pytest.raises(RunError, match=r"comparison\.json"):
        reviews(out, resume=True)


def test_a_network_that_cannot_be_trained_is_left_out_and_said(monkeypatch, tmp_path):
    wrapped = trials_module._tune

    def broken(own, trial, *given):
        if trial.candidate.cell == "rnn":
            raise TrainingError("the loss was not finite at step 1, before an epoch was complete")
        return wrapped(own, trial, *given)

    monkeypatch.setattr(trials_module, "_tune", broken)
    found = reviews(tmp_path / "out", seeds=1)
    assert set(found.runs) == {"gru"}
    assert "not finite at step 1" in found.summary["left_out"]["rnn"]


def test_forecasts_are_compared_in_memory():
    frame = daily(120)
    roles = {"time": "day", "target": "s0", "horizon": 5, "look_back": 9}
    passed = roles | {"test_share": 0.4, "settings": TINY} | FEW | {"trials": 1}
    found = recurra.compare(frame, **passed)
    assert found.path is None
    assert found.summary["command"] is None
    names = {"recurra": SimpleNamespace(compare=lambda data, **given: (data, given)), "data": frame}
    data, given = eval(found.summary["call"], names)
    assert data is frame and given == {name: passed[name] for name in given}
    assert passed.keys() == given.keys()
    assert found.summary["task"] == "forecast"
    assert found.summary["measure"]["name"] == "MASE"
    assert {"last value", "last season"} <= {row["name"] for row in found.summary["rows"]}
    for own in found.runs.values():
        assert [len(run.ahead().point[0]) for run in own] == [5, 5, 5]


def test_a_budget_is_planned_anew_once_the_learning_rates_are_chosen(tmp_path):
    asked = FEW | {"text": "text", "target": "label", "settings": TEXTS, "match": "time", "budget": 8.0}
    found = recurra.compare(sentences(60), out=tmp_path, **asked)
    plan = json.loads((tmp_path / "comparison.json").read_text())
    assert plan["tuned_length"] > 0
    rows = {row["name"]: row for row in found.summary["rows"]}
    for each in plan["candidates"]:
        assert rows[each["cell"]]["epoch_s"] == each["epoch_s"]
        assert rows[each["cell"]]["steps"] <= each["total_steps"]
    assert any("at which learning rates were tried" in sentence for sentence in found.summary["held_equal"])
    (tmp_path / "trials" / "gru-seed-3.json").unlink()
    again = recurra.compare(sentences(60), out=tmp_path, resume=True, **asked)
    assert json.loads((tmp_path / "comparison.json").read_text()) == plan
    assert again.summary["rows"][0]["by_seed"] == found.summary["rows"][0]["by_seed"]


def test_texts_are_compared_and_stream():
    text = "the cat sat on the mat and the dog sat on the log.\n" * 60
    found = recurra.compare(
        text, settings=TINY | {"network.embedding_size": 6, "windows.steps": 20}, match="time", **FEW
    )
    assert found.summary["task"] == "generate"
    assert found.summary["measure"]["higher_is_better"] is False
    for row in found.summary["rows"]:
        if row["network"]:
            assert row["stream_us"] > 0 and row["forward_ms"] is None
    assert any("Time:" in sentence for sentence in found.summary["held_equal"])


def test_a_test_part_and_a_validation_part_are_needed():
    with pytest.raises(InputError, match="there is no test part"):
        reviews(test_share=0.0)
    with pytest.raises(InputError, match="learning rates are chosen on a validation part"):
        reviews(validation=0.0)


def test_examples_of_one_group_are_drawn_together():
    """Of few speakers nothing is told, however many examples there are of each."""
    data = [row | {"speaker": f"s{n % 12}"} for n, row in enumerate(sentences(120))]
    found = recurra.compare(
        data, **FEW | {"settings": TEXTS, "trials": 1}, text="text", target="label", group="speaker"
    )
    assert found.summary["measure"]["tested"].endswith("groups")
    assert "over seeds and test groups together" in found.summary["measure"]["interval"]
    assert any("test examples are of" in note for note in found.summary["notes"])


@pytest.mark.parametrize("content", ["[]", "3", "{}", "{"])
def test_a_plan_that_is_none_is_told(tmp_path, content):
    (tmp_path / "comparison.json").write_text(content)
    with pytest.raises(RunError, match=r"comparison\.json"):
        recurra.compare(sentences(20), out=tmp_path, resume=True, **FEW)
