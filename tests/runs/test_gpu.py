"""Every kind of run on a GPU: trained, scored, kept, and used on a machine that has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recurra
from recurra.comparison.costs import measure_costs
from recurra.diagnosis import diagnose
from recurra.runs.fitting import Fitting, carry_out
from recurra.runs.kinds import KINDS
from recurra.runs.loading import load
from recurra.runs.run import Run
from recurra.training.loop import History, StepDone
from tests.data.captions.made import write_scenes
from tests.data.music.made import chorales, midi_folder
from tests.runs.captions.test_caption_runs import SMALL as CAPTIONS
from tests.runs.conftest import QUICK, sentences, waves
from tests.runs.forecasts.made import QUICK as FORECASTS
from tests.runs.forecasts.made import daily
from tests.runs.pairs.made import QUICK as PAIRS
from tests.runs.pairs.made import table as pairs
from tests.runs.performances.test_performances import QUICK as PERFORMANCES
from tests.runs.pieces.test_pieces import QUICK as PIECES
from tests.runs.recordings.made import SMALL as RECORDINGS
from tests.runs.recordings.made import sound_folder
from tests.runs.sentences.made import QUICK as SENTENCES
from tests.runs.sentences.made import columns
from tests.runs.tags.test_tags import QUICK as TAGS
from tests.runs.tags.test_tags import options as tag_options
from tests.runs.tags.test_tags import table as steps
from tests.runs.texts.test_texts import SMALL as TEXTS
from tests.runs.texts.test_texts import TEXT

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
DEVICE = "cuda"
NEAR = 1e-4  # of what an example adds to the sums of the headline score, as a share of the largest of them


def tagged_words(folder: Path) -> Path:
    """A file of two columns."""
    (folder / "words.conll").write_text(columns(), encoding="utf-8")
    return folder / "words.conll"


def numbers(_: Path) -> dict[str, Any]:
    sequences, targets = waves(120)
    return {
        "a": [s[:, 0].tolist() for s in sequences],
        "b": [s[:, 1].tolist() for s in sequences],
        "y": targets,
    }


# name -> the kind of run, its data, what is said of them, quick settings
MADE: dict[str, tuple[str, Callable[[Path], Any], dict[str, Any], dict[str, Any]]] = {
    "sequences": ("sequences", lambda _: sentences(120), {"text": "text", "target": "label"}, QUICK),
    "numbers": ("sequences", numbers, {"target": "y"}, QUICK),
    "tags": ("tags", lambda _: steps(), tag_options("classes").data.model_dump(), TAGS),
    "sentences": ("sentences", tagged_words, {}, SENTENCES),
    "forecasts": ("forecasts", lambda _: daily(series=2), {"target": ["s0", "s1"]}, FORECASTS),
    "texts": ("texts", lambda _: TEXT, {}, TEXTS),
    "pairs": ("pairs", lambda _: pairs(), {}, PAIRS),
    "recordings": ("recordings", sound_folder, {"split": "part"}, RECORDINGS | {"training.epochs": 8}),
    "pieces": (
        "pieces",
        lambda folder: chorales(folder / "chorales.json"),
        {},
        PIECES | {"training.epochs": 4},
    ),
    "performances": (
        "performances",
        lambda folder: midi_folder(folder / "songs", 20),
        {},
        PERFORMANCES | {"training.epochs": 3},
    ),
    "captions": ("captions", write_scenes, {}, CAPTIONS),
}
OWN = {"forecasts": {"horizon": 5, "look_back": 9}}


def test_every_kind_is_here():
    assert {kind for kind, *_ in MADE.values()} == set(KINDS)


def prepared(name: str, folder: Path, **settings: Any) -> Fitting[Any, Any]:
    kind, make, roles, quick = MADE[name]
    form = KINDS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    options = form.options(
        data=form.data(**roles),
        settings=quick
        | {"training.device": DEVICE}
        | {each.replace("__", "."): v for each, v in settings.items()},
        **OWN.get(kind, {}),
    )
    return form.opened(make(folder), options)[0]


def weights(run: Run[Any, Any]) -> dict[str, torch.Tensor]:
    return {name: t.cpu() for name, t in run.network.state_dict().items()}


def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("name", MADE)
def test_a_run_is_the_same_on_a_machine_without_gpu(name, tmp_path, monkeypatch):
    fitting = prepared(name, tmp_path / "data", training__precision="float32")
    run = carry_out(fitting, out=tmp_path / "run")
    assert all(p.device.type == DEVICE for p in run.network.parameters())
    there = fitting.contributions
    without_gpu(monkeypatch)
    back = load(tmp_path / "run")
    assert all(p.device.type == "cpu" for p in back.network.parameters())
    fitting.score(back.config, back.network, History([], 0, 0, 0.0, "finished"), lambda _: None)
    here = fitting.contributions
    assert here is not None and there is not None and here.shape == there.shape
    scale = max(1.0, float(np.nanmax(np.abs(here))))
    assert np.nanmax(np.abs(here - there)) <= NEAR * scale


@pytest.mark.parametrize("name", MADE)
def test_what_follows_a_training_works_in_bfloat16(name, tmp_path):
    fitting = prepared(name, tmp_path / "data", training__precision="bfloat16")
    run = carry_out(fitting)
    assert all(np.isfinite(score["value"]) for score in run.metrics["test"]["scores"])
    costs = measure_costs(fitting, run, 1)
    assert costs["memory_bytes"] > 0 and len(costs["over_length"]) > 1
    again = tmp_path / "again"
    again.mkdir()
    diagnose(run, MADE[name][1](again))
    if KINDS[MADE[name][0]].name in ("texts", "performances", "pieces"):
        run.generate()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer"])
@pytest.mark.parametrize("name", ["sequences", "numbers", "tags", "sentences", "forecasts", "texts"])
def test_every_network_learns(name, cell, tmp_path):
    run = carry_out(prepared(name, tmp_path, network__cell=cell, training__epochs=2, network__hidden_size=8))
    assert all(np.isfinite(score["value"]) for score in run.metrics["test"]["scores"])


@pytest.mark.parametrize(("name", "asked"), [("sequences", "w1 fine w2"), ("texts", "the cat")])
def test_answers_are_explained(name, asked, tmp_path):
    (found,) = recurra.explain(carry_out(prepared(name, tmp_path)), asked).examples
    assert np.isfinite(found.attribution.gap)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("name", ["sequences", "tags", "texts"])
def test_a_killed_training_goes_on_to_the_same_numbers(name, tmp_path):
    def observe(event: object) -> None:
        if isinstance(event, StepDone) and event.step == 5:
            raise Killed

    often = {"training__checkpoint_every_s": 1e-9, "training__precision": "float32"}
    whole = carry_out(prepared(name, tmp_path / "a", **often))
    with pytest.raises(Killed):
        carry_out(prepared(name, tmp_path / "b", **often), out=tmp_path / "run", observer=observe)
    again = carry_out(prepared(name, tmp_path / "c", **often), out=tmp_path / "run", resume=True)
    assert again.metrics["training"]["steps"] == whole.metrics["training"]["steps"]
    for key, value in weights(whole).items():
        assert torch.equal(weights(again)[key], value), key


@pytest.mark.parametrize("name", MADE)
def test_twice_the_same_call_gives_the_same_numbers(name, tmp_path):
    one, two = (weights(carry_out(prepared(name, tmp_path / each))) for each in ("a", "b"))
    assert all(torch.equal(one[key], two[key]) for key in one)
