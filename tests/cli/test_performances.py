"""Music event by event on the command line."""

import json

import pytest

from recurra.data.music import keys_down, write_midi
from recurra.data.music.performances import read_performances
from tests.cli.test_commands import recurra
from tests.data.music.made import chorales, midi_folder, roll

SMALL = [
    "--set",
    "network.hidden_size=16",
    "--set",
    "network.embedding_size=16",
    "--set",
    "training.epochs=2",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with MIDI files, a run on their events, an opening."""
    folder = tmp_path_factory.mktemp("music")
    midi_folder(folder / "songs", 15)
    chorales(folder / "chorales.json")
    write_midi(folder / "opening.mid", roll(10), frame="quarter", tempo=90)
    done = recurra("fit", folder / "songs", "--level", "events", "--out", folder / "run", *SMALL)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_fit_tells_what_was_found_and_how_good_it_is(place):
    said = " ".join((place / "said.txt").read_text().split())
    assert "event by event" in said and "15 pieces" in said and "test events" in said
    assert "keys down at a time" in said
    page = (place / "run" / "report.html").read_text()
    assert "The music that it makes" in page and "songs, event by event" in page
    assert "events of music" in recurra("info", place / "run").stdout


def test_opening_in_and_playable_midi_and_picture_out(place, tmp_path):
    asked = ["--prompt", place / "opening.mid", "--opening", 4, "--max-tokens", 40, "--seed", 1]
    files = ["--out", tmp_path / "piece.mid", "--picture", tmp_path / "piece.png"]
    done = recurra("generate", place / "run", *asked, *files)
    assert done.returncode == 0 and "events read" in done.stdout, done.stderr
    assert (tmp_path / "piece.png").read_bytes().startswith(b"\x89PNG")
    heard = read_performances(tmp_path / "piece.mid").played[0]
    assert sorted(heard.pitch[heard.begin == 0].tolist()) == keys_down(roll(1))[0]
    told = json.loads(recurra("generate", place / "run", *asked, "--json").stdout)
    assert sum(name.startswith("key") for name in told["events"]) >= len(heard)
    printed = recurra("generate", place / "run", "--max-tokens", 4).stdout
    assert len(printed.splitlines()) <= 4


def test_evaluate_on_other_files(place):
    told = json.loads(recurra("evaluate", place / "run", place / "songs", "--json").stdout)
    assert [score["name"] for score in told["scores"]] == ["perplexity", "nats per token"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["generate", "run", "--threshold", "0.1"], "--threshold: this has no effect on a run for going on"),
        (["generate", "run", "--prompt", "la"], "--prompt: expected a file of music"),
        (["generate", "run", "--prompt", "chorales.json"], "events are those of MIDI files"),
        (["fit", "chorales.json", "--level", "events"], "events are those of MIDI files"),
        (["fit", "songs", "--level", "sheets"], "--level"),
    ],
)
def test_calls_that_cannot_be_are_told(place, command, message):
    verb, *rest = command
    known = {"run", "songs", "chorales.json"}
    done = recurra(verb, *(place / each if each in known else each for each in rest))
    assert done.returncode == 2 and message in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr
