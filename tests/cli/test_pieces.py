"""Music on the command line: fit, evaluate, generate, info, report."""

import json
import re

import numpy as np
import pytest

from recurra.data.music import read_pieces, write_midi
from tests.cli.test_commands import recurra
from tests.data.music.made import midi_folder, roll

SMALL = ["--set", "network.hidden_size=8", "--set", "training.epochs=2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with MIDI files, a run on them, an opening and a text that is none."""
    folder = tmp_path_factory.mktemp("music")
    midi_folder(folder / "songs", 15)
    (folder / "songs" / "broken.mid").write_bytes(b"MThd?")
    write_midi(folder / "opening.mid", roll(10), frame="quarter")
    done = recurra("fit", folder / "songs", "--out", folder / "run", *SMALL)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_fit_tells_what_was_found_and_how_good_it_is(place):
    said = " ".join((place / "said.txt").read_text().split())
    assert "holds music: to be gone on with, as with --task generate" in said
    assert "15 pieces" in said and "a frame is a quarter note" in said and "left out: broken.mid" in said
    assert "NLL per frame on 3 test pieces" in said and "keys down at a time" in said
    page = (place / "run" / "report.html").read_text()
    assert "The music that it makes" in page and page.count("Piano roll of") == 2
    assert "songs, by quarter notes" in page


def test_opening_in_and_playable_midi_and_picture_out(place, tmp_path):
    asked = ["--prompt", place / "opening.mid", "--opening", 6, "--max-tokens", 9, "--seed", 1]
    files = ["--out", tmp_path / "piece.mid", "--picture", tmp_path / "piece.png"]
    done = recurra("generate", place / "run", *asked, *files)
    assert done.returncode == 0 and "6 frames read, 9 made, each a quarter note long" in done.stdout, (
        done.stderr
    )
    assert (tmp_path / "piece.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(recurra("generate", place / "run", *asked, "--json").stdout)
    assert told["opening"] == 6 and len(told["frames"]) == 15
    heard = read_pieces(tmp_path / "piece.mid", frame="quarter", fewest=1).roll(0)
    assert np.array_equal(heard[:6], roll(10)[:6])
    assert [(np.flatnonzero(frame) + 21).tolist() for frame in heard] == told["frames"][: len(heard)]
    assert not any(told["frames"][len(heard) :])
    again = recurra("generate", place / "run", *asked, *files)
    assert again.returncode == 2 and "this file is there already" in again.stderr


def test_without_files_the_notes_are_printed(place):
    done = recurra("generate", place / "run", "--max-tokens", 4)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 4
    assert all(re.fullmatch(r"–|([A-G][♯♭]?[0-8] ?)+", line) for line in done.stdout.splitlines())


def test_evaluate_info_and_report(place):
    told = json.loads(recurra("evaluate", place / "run", place / "songs", "--json").stdout)
    assert told["n"] == 15 and told["scores"][0]["name"] == "NLL per frame"
    assert "frames of music (quarter notes)" in recurra("info", place / "run").stdout
    assert recurra("report", place / "run").returncode == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["generate", "run", "--prompt", "la la"], "--prompt: expected a file of music"),
        (["generate", "run", "--prompt", "songs"], "expected one piece to go on with, found 15"),
        (["generate", "run", "--prompt", "songs/broken.mid"], "this is no MIDI file"),
        (
            ["generate", "run", "--top-p", "0.5"],
            "--top-p: this has no effect on a run for going on with pieces",
        ),
        (["generate", "run", "--top-k", "4"], "train with --set network.output=keys"),
        (["generate", "run", "--out", "piece.mp3"], "--out: expected a name that ends in .mid"),
        (["generate", "run", "--threshold", "2"], "threshold: expected a probability"),
        (["explain", "run", "x"], "this run is for going on with pieces of music"),
        (["predict", "run", "songs"], "Take `recurra generate` for it"),
        (["fit", "songs", "--target", "x"], "songs"),
        (["evaluate", "run", "opening.mid", "--encoding", "utf-8"], "there is no text in music"),
    ],
)
def test_calls_that_cannot_be_are_told(place, command, message):
    verb, *rest = command
    known = {"run", "songs", "songs/broken.mid", "opening.mid"}
    done = recurra(verb, *(place / each if each in known else each for each in rest))
    assert done.returncode == 2 and message in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr
