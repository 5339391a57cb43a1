"""`recurra explain` as a person meets it."""

from __future__ import annotations

import json
import re

import pytest

from recurra.data.corpus import read_corpus
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import fit as fit_text
from tests.cli.test_commands import recurra, write_csv
from tests.cli.test_texts import NOVEL
from tests.runs.conftest import examples_of, sentences
from tests.runs.forecasts.made import daily
from tests.runs.forecasts.made import trained as forecaster

TEXT = "w1 fine w2 dull w3 [0] w4"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with runs of texts, numbers, forecasts and writing."""
    folder = tmp_path_factory.mktemp("explain")
    write_csv(folder / "reviews.csv", sentences(120))
    waves = [{"a": [k % 3 * 1.0, 1.0, 2.0], "b": [0.5, k % 5 * 1.0, 1.0], "y": str(k % 3)} for k in range(60)]
    (folder / "waves.jsonl").write_text("".join(json.dumps(row) + "\n" for row in waves))
    daily().write_csv(folder / "days.csv")
    (folder / "novel.txt").write_text(NOVEL)
    small = {"network.hidden_size": 8, "training.epochs": 1, "training.threads": 1}
    of_words = small | {"network.embedding_size": 8}
    for name, rows, target, settings in (
        ("words", sentences(120), "label", of_words),
        ("numbers", waves, "y", small),
    ):
        examples, schema = examples_of(rows, target=target)
        options = SequenceFitOptions(settings=settings, baselines=False)
        fit(examples, schema, options).save(folder / "some" / name)
    forecaster(daily(), {"target": ["s0"]}).save(folder / "some" / "forecasts")
    options = TextFitOptions(settings=of_words, baselines=False)
    fit_text(read_corpus(NOVEL), options).save(folder / "some" / "texts")
    return folder


def test_a_text_is_told_word_by_word(place):
    done = recurra("explain", place / "some" / "words", TEXT)
    assert done.returncode == 0, done.stderr
    for word in ("nothing yet", "fine", "dull", "probability of", "taken away", "integrated", "The two ways"):
        assert word in done.stdout
    assert re.search(r"[▲▼] [+−]\d", done.stdout), "the sign and the number stand there without colour, too"
    assert "[bold" not in done.stdout and "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "parts", "columns"),
    [
        ("words", [TEXT], 9, ["text"]),
        ("words", ["--data", "reviews.csv", "--rows", "2,7"], None, ["text"]),
        ("numbers", ["[[1, 2], [null, 4], [2, 2.5]]"], 3, ["a", "b"]),
        ("numbers", ["--data", "waves.jsonl", "--rows", "5"], 3, ["a", "b"]),
        ("forecasts", [], 14, None),
        ("forecasts", ["--data", "days.csv", "--series", "s0", "--of", "2"], 14, None),
        ("texts", ["the cat"], 7, ["text"]),
        ("texts", ["--data", "novel.txt", "--rows", "1"], None, ["text"]),
    ],
)
def test_json_tells_of_every_kind_of_run_what_the_terminal_tells(
    place, monkeypatch, name, arguments, parts, columns
):
    monkeypatch.chdir(place)
    done = recurra("explain", f"some/{name}", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    for example in content["examples"]:
        own = example["attribution"]
        assert (
            len(own["occlusion"])
            == len(own["integrated"])
            == len(example["parts"])
            == (parts or len(example["parts"]))
        )
        assert all(len(row) == len(example["columns"]) for row in own["occlusion"])
        assert columns is None or example["columns"] == columns
    shown = recurra("explain", f"some/{name}", *arguments)
    assert shown.returncode == 0, shown.stderr
    assert all(example["name"] in shown.stdout for example in content["examples"])
    if "--rows" in arguments and name == "words":
        assert [example["name"] for example in content["examples"]] == ["row 2", "row 7"]


def test_standard_input_is_read_and_the_first_rows_are_taken_where_none_are_named(place):
    piped = recurra("explain", place / "some" / "words", "-", "--json", stdin=TEXT + "\n")
    given = recurra("explain", place / "some" / "words", TEXT, "--json")
    assert json.loads(piped.stdout) == json.loads(given.stdout)
    rows = recurra("explain", place / "some" / "words", "--data", place / "reviews.csv")
    assert "of 120 rows the first 3 are explained" in rows.stdout


def test_a_page_is_written_where_it_is_asked_for_and_nothing_is_overwritten(place, tmp_path):
    page, run = tmp_path / "why.html", place / "some" / "words"
    before = sorted(path.name for path in run.iterdir())
    done = recurra("explain", run, TEXT, "--page", page)
    assert done.returncode == 0, done.stderr
    assert "<!DOCTYPE html>" in page.read_text() and f"The page is {page}" in done.stdout
    assert sorted(path.name for path in run.iterdir()) == before
    again = recurra("explain", run, TEXT, "--page", page)
    assert again.returncode == 2 and "add --overwrite" in again.stderr
    assert recurra("explain", run, TEXT, "--page", page, "--overwrite").returncode == 0


def test_a_text_that_a_terminal_would_obey_is_made_visible(place):
    done = recurra("explain", place / "some" / "texts", "the \x1b[31mcat\x9b31m")
    assert done.returncode == 0, done.stderr
    assert not {"\x1b", "\x9b"} & set(done.stdout)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["nowhere", TEXT], "there is no such file"),
        (["some", TEXT], "this folder is no run, but holds some"),
        (["reviews.csv", TEXT], "this is not a run folder"),
        (["some/words"], "there is nothing to explain"),
        (["some/words", ""], "holds no word"),
        (["some/words", "reviews.csv"], "Say --data reviews.csv"),
        (["some/words", TEXT, "--rows", "1"], "Give one"),
        (["some/words", "--data", "nowhere.csv"], "there is no such file"),
        (["some/words", "--data", "days.csv"], "is not there"),
        (["some/words", "--data", "reviews.csv", "--rows", "0"], "there is no 0 among the 120 rows"),
        (["some/words", "--data", "reviews.csv", "--rows", "500"], "there is no 500 among the 120 rows"),
        (["some/words", "--data", "reviews.csv", "--rows", "one"], "expected numbers of rows"),
        (["some/words", TEXT, "--of", "so-so"], "there is no class 'so-so'"),
        (["some/words", TEXT, "--series", "s0"], "no effect on a run for classes"),
        (["some/words", TEXT, "--page", "why.pdf"], "ending in .html"),
        (["some/words", TEXT, "--page", "nowhere/why.html"], "choose another --page"),
        (["some/texts", "the", "--of", ""], "found ''"),
        (["some/numbers", "a film"], "reads numeric sequences, found a text"),
        (["some/numbers", "[[1, 2, 3]]"], "expected 2 channels"),
        (["some/numbers", "[[1, 2], [3]]"], "expected one sequence"),
        (["some/numbers", "[[[1]]]"], "expected one sequence"),
        (["some/forecasts", "1"], "no effect on a run for forecasts"),
        (["some/forecasts", "--rows", "1"], "Choose by name with --series"),
        (["some/forecasts", "--of", "6"], "a step ahead from 1 to 5"),
        (["some/forecasts", "--data", "reviews.csv"], "s0"),
        (["some/texts", ""], "the text is empty"),
        (["some/texts", "the", "--of", "cat"], "expected one"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(place, monkeypatch, command, message):
    monkeypatch.chdir(place)
    done = recurra("explain", *command)
    assert done.returncode == 2, done.stdout
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
