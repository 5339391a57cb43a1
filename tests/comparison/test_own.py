"""Comparisons in which a user's own modules take part."""

import json

import pytest
import torch
from torch import nn

import recurra
from recurra.comparison.trials import check_importable
from recurra.errors import InputError
from recurra.report.writing import write_page
from recurra.runs.events import Said
from tests.comparison.test_compare import FEW, TEXTS, TINY
from tests.runs.conftest import sentences
from tests.runs.forecasts.made import daily


class Sums(nn.Linear):
    """The mean of what was read so far, through a matrix and a bend: causal, and not a cell."""

    def forward(self, input, lengths):
        steps = torch.arange(1, input.size(1) + 1)[:, None]
        return super().forward(input).tanh().cumsum(1) / steps


class Fixed(Sums):
    """Five units, whatever is asked for."""

    def __init__(self, input_size, units):
        super().__init__(input_size, 5)


class Leaky(Sums):
    def forward(self, input, lengths):
        return super().forward(input.flip(1), lengths).flip(1)


@pytest.fixture(autouse=True)
def measured_in_short(monkeypatch):
    monkeypatch.setattr("recurra.comparison.plan._PACE_S", 0.3)
    monkeypatch.setattr("recurra.comparison.costs.LENGTHS", (4, 8))


def compared(out=None, **given):
    both = {"cells": "gru", "encoders": {"sums": Sums, "fixed": Fixed}, "settings": TEXTS, "weights": 4000}
    asked = FEW | both | given
    return recurra.compare(sentences(90), text="text", target="label", out=out, **asked)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recurra.comparison.plan._PACE_S", 0.3)
        patch.setattr("recurra.comparison.costs.LENGTHS", (4, 8))
        events = []
        out = tmp_path_factory.mktemp("own") / "reviews"
        return compared(out, trials=1, observer=events.append), events


def test_they_stand_in_the_table_like_any_other(found):
    result, events = found
    rows = {row["name"]: row for row in result.summary["rows"] if row["network"]}
    assert set(rows) == {"gru", "sums", "fixed"} == set(result.runs)
    assert rows["sums"]["weights"] == pytest.approx(rows["gru"]["weights"], rel=0.02)
    assert rows["sums"]["runs"] == ["sums-seed-1", "sums-seed-2", "sums-seed-3"]
    assert len(result.summary["pairs"]) == 6
    held = " ".join(result.summary["held_equal"])
    assert f"but for fixed ({rows['fixed']['weights']:,}), without a width to change" in held
    said = [event.text for event in events if isinstance(event, Said)]
    assert any(text.startswith("fixed: it has no width to change") for text in said)
    page = write_page(result.path).read_text()
    assert "sums" in page
    assert "without a width to change" in page


def test_their_runs_load_with_the_class_and_say_so_without(found):
    result, _ = found
    place = result.path / "sums-seed-1"
    assert json.loads((place / "config.json").read_text())["settings"]["network"]["cell"] == "own:sums"
    with pytest.raises(InputError, match=r"recurra.load\(RUN, encoders=\{'sums': YourClass\}\)"):
        recurra.load(place)
    texts = ["w1 w2 fine", "cold w3"]
    run = recurra.load(place, encoders={"sums": Sums})
    again = result.runs["sums"][0].predict_proba(texts)
    assert run.predict_proba(texts) == pytest.approx(again, abs=1e-6)
    with pytest.raises(InputError, match="cannot run step by step"):
        run.stream()


def test_a_comparison_goes_on_with_them_and_not_without(found):
    result, _ = found
    again = compared(result.path, trials=1, resume=True)
    assert [r["by_seed"] for r in again.summary["rows"]] == [r["by_seed"] for r in result.summary["rows"]]
    with pytest.raises(InputError, match="began with encoders"):
        compared(result.path, trials=1, encoders={"sums": Sums}, resume=True)


@pytest.mark.full
def test_several_at_a_time_import_them(tmp_path, found):
    ours = compared(tmp_path / "out", trials=1, jobs=2).summary["rows"]
    assert [r["by_seed"] for r in ours] == [r["by_seed"] for r in found[0].summary["rows"]]


def test_what_no_other_process_can_import_is_refused_with_several_jobs():
    with pytest.raises(InputError, match=r"encoders\['mine'\]: .*every process imports it"):
        compared(encoders={"mine": lambda inputs, units: Sums(inputs, 2 * units)}, jobs=2)
    check_importable({"sums": Sums})


def test_a_module_that_breaks_its_promises_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(InputError, match="padding leaks"):
        compared(tmp_path / "out", encoders={"leaky": Leaky})
    assert not (tmp_path / "out").exists()


def test_texts_take_them():
    text = "the cat sat on the mat and the dog sat on the log.\n" * 60
    own = FEW | {"cells": [], "encoders": {"sums": Sums}, "trials": 1, "seeds": 1}
    small = TINY | {"network.embedding_size": 6, "windows.steps": 20}
    found = recurra.compare(text, settings=small, **own)
    assert found.runs["sums"][0].generate("the", max_tokens=3)


def test_forecasts_take_them():
    asked = {"time": "day", "target": "s0", "horizon": 5, "look_back": 9, "test_share": 0.4}
    own = {"cells": [], "encoders": {"sums": Sums}, "trials": 1, "seeds": 1}
    found = recurra.compare(daily(120), settings=TINY, **asked, **own)
    assert len(found.runs["sums"][0].ahead().point[0]) == 5
