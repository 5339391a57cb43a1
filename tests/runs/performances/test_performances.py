"""Music event by event, from MIDI files to a run, its scores, and music of its own."""

import json

import numpy as np
import pytest

from recurra.comparison.compare import compare
from recurra.data.music.events import BEGIN
from recurra.diagnosis import diagnose
from recurra.errors import DataError, InputError, RunError
from recurra.runs.events import Said
from recurra.runs.fitting import carry_out
from recurra.runs.loading import load
from recurra.runs.performances.config import PerformanceFitOptions
from recurra.runs.performances.files import fit_performances, opened
from recurra.runs.pieces.config import PieceFitOptions
from recurra.runs.pieces.files import fit_pieces
from recurra.statistics.repeated import RepeatedScores
from tests.data.music.made import chorales, midi_folder

QUICK = {
    "network.cell": "gru",
    "network.hidden_size": 32,
    "network.embedding_size": 32,
    "training.epochs": 12,
    "training.learning_rate": 0.02,
    "windows.rows": 4,
    "windows.steps": 40,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return midi_folder(tmp_path_factory.mktemp("music") / "songs", 20)


@pytest.fixture(scope="module")
def fitted(data):
    fitting, _ = opened(data, PerformanceFitOptions(settings=QUICK))
    return fitting, carry_out(fitting)


def test_network_learns_the_events_and_says_how_it_stands(fitted):
    _, run = fitted
    names = [score["name"] for score in run.metrics["test"]["scores"]]
    assert names == ["perplexity", "nats per token"]
    found = run.metrics["test"]["scores"][0]["value"]
    unigram, ngram = (each["scores"][0]["value"] for each in run.metrics["baselines"])
    assert found < unigram / 2 and ngram < unigram
    assert run.metrics["standing"]["is"] in ("better", "tie", "worse")
    assert run.metrics["music"]["part"] == "test" and run.metrics["music"]["data"]["keys_down"] == 3


def test_pieces_stand_whole_on_one_side(fitted):
    fitting, run = fitted
    assert {name: len(each) for name, each in fitting.pieces.items()} == {
        "train": 14,
        "validation": 2,
        "test": 4,
    }
    assert all((ids == BEGIN).sum() == len(fitting.pieces[name]) for name, ids in fitting.streams.items())
    assert run.config.parts == {name: len(ids) for name, ids in fitting.streams.items()}


def test_contributions_add_up_to_the_headline_score(fitted):
    fitting, run = fitted
    columns = [fitting.contributions[None], *(sums[None] for _, sums in fitting.of_baselines())]
    scores = RepeatedScores(fitting.measure(), columns, [True, False, False])
    assert np.isclose(scores.mean(0), run.metrics["test"]["scores"][0]["value"])
    assert np.isclose(scores.mean(1), fitting.of_baselines()[0][0].scores[0].value)


def test_run_is_the_same_after_a_way_through_its_folder(fitted, tmp_path):
    fitting, run = fitted
    back = load(run.save(tmp_path / "run"))
    one, other = (each.evaluate(fitting.pieces["test"])[0].value for each in (run, back))
    assert one == other == run.metrics["test"]["scores"][0]["value"]
    assert np.array_equal(run.generate(max_tokens=20, seed=3), back.generate(max_tokens=20, seed=3))
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["settings"]["events"]["longest"] = 7
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="do not fit a network"):
        load(tmp_path / "run")


def test_stream_gives_the_probabilities_of_the_next_event(fitted):
    fitting, run = fitted
    ids = fitting.streams["test"][:30].astype(np.int64)
    stream, before = run.stream(), np.concatenate([[BEGIN], ids[:-1]])
    nats = [-np.log(stream.step(np.array(event))[after]) for event, after in zip(before, ids, strict=True)]
    assert np.allclose(nats, run.nats(fitting.streams["test"])[:30], atol=1e-4)


def test_music_goes_on_from_an_opening_and_ends_with_its_piece(fitted):
    fitting, run = fitted
    opening = run.codec.first(fitting.pieces["test"][0], 2)
    made = run.generate(opening, max_tokens=60, seed=1)
    assert len(made) <= 60 and BEGIN not in made and 0 not in made
    longer = run.generate(opening, max_tokens=90, seed=1)
    assert np.array_equal(longer[: len(made)], made)
    assert len(run.codec.decode(np.concatenate([opening, made])))


def test_transformer_reads_a_window_anew(data):
    settings = QUICK | {"training.epochs": 1, "network.cell": "transformer", "network.num_layers": 1}
    run = fit_performances(data, PerformanceFitOptions(settings=settings, baselines=False))
    assert len(run.generate(max_tokens=5, seed=2)) <= 5


def test_resumed_training_is_the_uninterrupted_one(data, tmp_path):
    options = PerformanceFitOptions(settings=QUICK | {"training.epochs": 2}, baselines=False)
    whole = fit_performances(data, options, out=tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(event):
        if getattr(event, "epoch", None) == 1:
            raise Killed

    with pytest.raises(Killed):
        fit_performances(data, options, out=tmp_path / "killed", observer=kill)
    again = fit_performances(data, options, out=tmp_path / "killed", resume=True)
    assert again.metrics["test"] == whole.metrics["test"]


def test_what_cannot_be_is_told(data, fitted, tmp_path):
    with pytest.raises(InputError, match="--encoding: there is no text in music"):
        fit_performances(data, PerformanceFitOptions(settings=QUICK), encoding="utf-8")
    with pytest.raises(DataError, match="events are those of MIDI files"):
        fit_performances(chorales(tmp_path / "c.json"), PerformanceFitOptions(settings=QUICK))
    place = fitted[1].save(tmp_path / "run")
    options = PieceFitOptions(settings={"network.hidden_size": 8}, init=str(place))
    with pytest.raises(RunError, match="the run to start from is for going on with music event by event"):
        fit_pieces(chorales(tmp_path / "c.json"), options)
    changed = PerformanceFitOptions(settings={"events.steps": 12}, init=str(place))
    with pytest.raises(InputError, match="the events are those of the run to start from"):
        fit_performances(data, changed)


def test_compare_and_diagnose(data, tmp_path):
    found = compare(
        data,
        task="generate",
        level="events",
        cells=["gru"],
        weights=8000,
        seeds=1,
        trials=1,
        settings=QUICK | {"training.epochs": 1},
        out=tmp_path / "comparison",
    )
    diagnosed = diagnose(load(found.runs["gru"][0].path), data)
    assert any("spread over the pieces" in note for note in diagnosed.notes)


def test_pieces_of_the_test_part_that_were_learned_from_are_told(tmp_path):
    midi_folder(tmp_path / "train", 5)
    other = midi_folder(tmp_path / "test", 1, frame="quarter")
    (other / "known.mid").write_bytes((tmp_path / "train" / "02.mid").read_bytes())
    told = []
    opened(tmp_path / "train", PerformanceFitOptions(), test=other, observer=told.append)
    said = "1 of the 2 test pieces also stand in the training data, and are scored, too"
    assert Said(said, "warning") in told
