"""Music from a file to a run, its scores, and music of its own."""

import json

import numpy as np
import pytest

from recurra.comparison.compare import compare
from recurra.data.music import keys_down, read_pieces
from recurra.diagnosis import diagnose
from recurra.errors import DataError, InputError, RunError
from recurra.runs.events import Said
from recurra.runs.fitting import carry_out
from recurra.runs.loading import load
from recurra.runs.pieces.config import PieceFitOptions
from recurra.runs.pieces.files import fit_pieces, opened
from recurra.statistics.repeated import RepeatedScores
from tests.data.music.made import chorales, midi_folder, rolls

QUICK = {
    "network.cell": "gru",
    "network.hidden_size": 24,
    "network.dropout": 0.0,
    "network.input_dropout": 0.0,
    "training.epochs": 30,
    "training.learning_rate": 0.02,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return chorales(tmp_path_factory.mktemp("music") / "chorales.json")


@pytest.fixture(scope="module")
def fitted(data):
    told = []
    fitting, _ = opened(data, PieceFitOptions(settings=QUICK))
    run = carry_out(fitting, observer=lambda event: told.append(getattr(event, "text", "")))
    return fitting, run, told


def test_parts_of_the_data_are_kept_and_nothing_is_taken_for_granted_unsaid(fitted):
    _, run, told = fitted
    assert run.config.parts == {"train": 20, "validation": 5, "test": 5}
    assert any("taken for a quarter note" in text for text in told)
    assert any("the first frame of a piece is only read" in text for text in told)
    assert run.metrics["test"]["frames"] == sum(len(roll) - 1 for roll in rolls(30)[-5:])


def test_network_learns_a_circle_of_chords_and_says_how_it_stands(fitted):
    _, run, _ = fitted
    nll = run.metrics["test"]["scores"][0]
    trivial = run.metrics["baselines"][0]["scores"][0]
    assert nll["name"] == trivial["name"] == "NLL per frame" and nll["value"] < trivial["value"] / 2
    assert (
        run.metrics["standing"]["is"] in ("better", "tie", "worse")
        and "NLL per frame" in run.metrics["verdict"]
    )
    music = run.metrics["music"]
    assert music["pieces"] == 5 and music["data"]["keys_down"] == 3


def test_contributions_add_up_to_the_headline_score(fitted):
    fitting, run, _ = fitted
    columns = [fitting.contributions[None], *(sums[None] for _, sums in fitting.of_baselines())]
    scores = RepeatedScores(fitting.measure(), columns, [True, False, False, False])
    assert np.isclose(scores.mean(0), run.metrics["test"]["scores"][0]["value"])
    assert np.isclose(scores.mean(2), fitting.of_baselines()[1][0].scores[0].value)


def test_run_is_the_same_after_a_way_through_its_folder(fitted, tmp_path):
    fitting, run, _ = fitted
    back = load(run.save(tmp_path / "run"))
    one, other = (each.evaluate(fitting.parts["test"])[0].value for each in (run, back))
    assert one == other == run.metrics["test"]["scores"][0]["value"]
    assert np.array_equal(run.generate(frames=20, seed=3), back.generate(frames=20, seed=3))


def test_stream_says_at_every_frame_what_the_whole_piece_says(data):
    fitting, _ = opened(data, PieceFitOptions(settings=QUICK | {"network.output": "keys"}, baselines=False))
    run = carry_out(fitting)
    roll = fitting.parts["test"][0]
    stream = run.stream()
    p = np.stack([stream.step(frame.astype(np.float32)) for frame in roll[:-1]])
    nats = -np.log(np.where(roll[1:] > 0, p, 1 - p)).sum()
    assert nats == pytest.approx(run.sums(fitting.parts["test"])[0, 1], rel=1e-4)
    assert run.generate(frames=6, most=2).sum(1).max() <= 2


def test_chords_have_no_probability_of_single_keys_and_say_so(fitted):
    _, run, _ = fitted
    with pytest.raises(InputError, match="the keys of a chord depend on each other"):
        run.stream()
    with pytest.raises(InputError, match="top_k: keys are drawn one after the other"):
        run.generate(most=4)


@pytest.mark.parametrize("cell", ["gru", "tcn", "transformer"])
def test_every_cell_goes_on_with_an_opening(data, cell):
    settings = QUICK | {"network.hidden_size": 8, "training.epochs": 1, "network.cell": cell}
    run = fit_pieces(data, PieceFitOptions(settings=settings, baselines=False))
    opening = rolls(1)[0]
    made = run.generate(opening, frames=5)
    assert made.shape == (5, 88) and made.dtype == np.uint8
    assert np.array_equal(made, run.generate(opening, frames=9)[:5])
    with pytest.raises(InputError, match=r"expected frames of 88 keys, found shape \(3, 4\)"):
        run.generate(np.zeros((3, 4)))
    for other in (opening * 90, opening * 0.3, opening > 0, opening.tolist()):
        assert np.array_equal(run.generate(other, frames=5), made)
    for broken in (np.nan, np.inf, None):
        with pytest.raises(InputError, match="opening: expected 0 and 1"):
            run.generate(np.where(opening > 0, broken, 0))


def test_midi_files_are_split_by_pieces_and_give_frame_and_tempo(tmp_path):
    folder = midi_folder(tmp_path / "songs", 12, frame="sixteenth", tempo=150)
    settings = QUICK | {"training.epochs": 1, "rolls.frame": "sixteenth", "rolls.transpose": 3}
    run = fit_pieces(folder, PieceFitOptions(settings=settings, validation=0.2))
    assert run.config.data_schema.frame == "sixteenth" and run.config.data_schema.known
    assert run.config.data_schema.tempo == pytest.approx(150, rel=1e-4)
    assert sum(run.config.parts.values()) == 12


def test_long_pieces_are_learned_in_parts_and_scored_whole(data):
    settings = QUICK | {"training.epochs": 1, "rolls.excerpt": 6}
    fitting, _ = opened(data, PieceFitOptions(settings=settings, baselines=False))
    run = carry_out(fitting)
    learned = sum(batch.steps for batch in fitting.training.epoch(0))
    assert learned == int((fitting.parts["train"].lengths - 1).sum())
    assert len(run.sums(fitting.parts["test"])) == 5


def test_resumed_training_is_the_uninterrupted_one(data, tmp_path):
    options = PieceFitOptions(settings=QUICK | {"training.epochs": 3, "rolls.transpose": 4}, baselines=False)
    whole = fit_pieces(data, options, out=tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(event):
        if getattr(event, "epoch", None) == 2:
            raise Killed

    with pytest.raises(Killed):
        fit_pieces(data, options, out=tmp_path / "killed", observer=kill)
    again = fit_pieces(data, options, out=tmp_path / "killed", resume=True)
    assert again.metrics["test"] == whole.metrics["test"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network.bidirectional": True}, "must not read from the end"),
        ({"rolls.frame": "breve"}, "rolls.frame = 'breve' does not fit"),
        ({"rolls.transpose": 40}, "rolls.transpose = 40 does not fit"),
    ],
)
def test_settings_that_make_no_sense_are_refused(data, change, message):
    with pytest.raises(InputError, match=message):
        fit_pieces(data, PieceFitOptions(settings=change))


def test_too_little_music_and_two_test_parts_are_told(data, tmp_path):
    (tmp_path / "one.json").write_text(json.dumps([[[60], [62], [64]]]))
    with pytest.raises(DataError, match="one piece cannot be both learned from and tested on"):
        fit_pieces(tmp_path / "one.json", PieceFitOptions(settings=QUICK))
    with pytest.raises(InputError, match="has a test part of its own, and --test gives another one"):
        fit_pieces(data, PieceFitOptions(settings=QUICK), test=tmp_path / "one.json")
    with pytest.raises(InputError, match="--encoding: there is no text in music"):
        fit_pieces(data, PieceFitOptions(settings=QUICK), encoding="utf-8")


def test_altered_run_is_refused(fitted, tmp_path):
    _, run, _ = fitted
    place = run.save(tmp_path / "run")
    config = json.loads((place / "config.json").read_text())
    config["shape"]["output_size"] = 12
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="reads and gives 88 keys"):
        load(place)


def test_compare_and_diagnose(data, tmp_path):
    found = compare(
        data,
        task="generate",
        cells=["rnn", "gru"],
        weights=4000,
        seeds=2,
        trials=1,
        settings={"training.epochs": 2},
        out=tmp_path / "comparison",
    )
    assert {*found.runs} == {"rnn", "gru"}
    run = load(found.runs["gru"][0].path)
    for given in (None, read_pieces(data)):
        diagnosed = diagnose(run, given)
        assert any("the last frame" in note for note in diagnosed.notes)


def test_one_piece_is_learned_where_nothing_is_held_out(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps([keys_down(rolls(1)[0])]))
    settings = QUICK | {"training.epochs": 1}
    run = fit_pieces(tmp_path / "one.json", PieceFitOptions(settings=settings, test_share=0.0))
    assert "test" not in run.metrics and run.metrics["music"]["part"] == "train"
    tested = fit_pieces(tmp_path / "one.json", PieceFitOptions(settings=settings), test=tmp_path / "one.json")
    assert tested.metrics["test"]["n"] == 1


def test_pieces_of_the_test_part_that_were_learned_from_are_told(tmp_path):
    made = [keys_down(each) for each in rolls(6)]
    (tmp_path / "train.json").write_text(json.dumps(made[:5]))
    (tmp_path / "test.json").write_text(json.dumps(made[4:]))
    told = []
    opened(tmp_path / "train.json", PieceFitOptions(), test=tmp_path / "test.json", observer=told.append)
    said = "1 of the 2 test pieces also stand in the training data, and are scored, too"
    assert Said(said, "warning") in told


def test_test_files_are_read_in_frames_of_the_length_that_the_run_tells(tmp_path):
    """Rolls do not say how long a frame lasts: what is taken for granted holds for MIDI to score on, too."""
    (tmp_path / "train.json").write_text(json.dumps([keys_down(each) for each in rolls(8)]))
    folder = midi_folder(tmp_path / "test", 4)
    settings = QUICK | {"training.epochs": 1}
    for asked, frame in (({}, "quarter"), ({"rolls.frame": "sixteenth"}, "sixteenth")):
        run = fit_pieces(tmp_path / "train.json", PieceFitOptions(settings=settings | asked), test=folder)
        assert run.config.data_schema.frame == frame
        again = run.evaluate(read_pieces(folder, frame=frame).rolls)
        assert again[0].value == pytest.approx(run.metrics["test"]["scores"][0]["value"])


def test_of_test_data_with_parts_of_their_own_the_test_part_is_scored(data, tmp_path):
    (tmp_path / "train.json").write_text(json.dumps([keys_down(each) for each in rolls(8)]))
    told = []
    fitting, _ = opened(tmp_path / "train.json", PieceFitOptions(), test=data, observer=told.append)
    assert len(fitting.given) == 5
    assert Said("the test part alone is scored, 5 of 30 pieces") in told
