"""Text to be written on, and `recurra generate`, as a person meets them."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_commands import recurra
from tests.runs.conftest import sentences

WORDS = "the cat sat on a mat and the dog lay by the door while a bird sang in the tree\n"
NOVEL = "".join(WORDS[k % 40 :] + WORDS[: k % 31] + "\n" for k in range(60))
QUICK = ["--set", "network.hidden_size=8", "--set", "network.embedding_size=8", "--set", "training.epochs=1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a text, and a run trained on it without a word on what to do with it."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "novel.txt").write_text(NOVEL)
    done = recurra("fit", folder / "novel.txt", "--out", folder / "run", *QUICK)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_text_without_labels_is_written_on_and_said_to_be(place):
    said = (place / "said.txt").read_text()
    assert "novel.txt has a label: to be written on, as with --task generate" in " ".join(said.split())
    assert "recurra generate" in said


def test_it_is_the_run_that_the_task_by_name_gives(place, tmp_path):
    done = recurra("fit", place / "novel.txt", "--task", "generate", "--out", tmp_path / "run", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "no line of" not in done.stdout
    weights = [(folder / "model.safetensors").read_bytes() for folder in (place / "run", tmp_path / "run")]
    assert weights[0] == weights[1]


def test_generate_goes_on_from_the_prompt(place):
    done = recurra("generate", place / "run", "--prompt", "the ", "--max-tokens", "5", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["text"]) == 5
    again = recurra("generate", place / "run", "--prompt", "the ", "--max-tokens", "5")
    assert again.stdout == f"the {json.loads(done.stdout)['text']}\n"
    likeliest = [
        recurra("generate", place / "run", "--prompt", "the ", "--temperature", "0", "--seed", seed).stdout
        for seed in ("1", "2")
    ]
    assert likeliest[0] == likeliest[1], "a 0 was said"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            ["fit", "novel.txt", "--task", "generte"],
            "expected classify, regress, tag,",
        ),
        (["fit", "novel.txt", "--task", "classify"], "say --task generate"),
        (["fit", "novel.txt", "--target", "label"], "there is no column 'label'"),
        (["fit", "anaphora.txt"], "say --task generate"),
        (["fit", "-"], "say --task generate"),
        (["fit", "folder"], "say --task generate"),
        (["fit", "novel.txt", "--set", "text.level=word"], "there is no setting 'text.level'"),
        (["predict", "run", "novel.txt"], "Take `recurra generate` for it"),
        (["forecast", "run"], "Take `recurra generate` for this one"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(place, monkeypatch, command, message):
    monkeypatch.chdir(place)
    (place / "anaphora.txt").write_text("and a cat\nor a dog\n" * 10)
    (place / "folder").mkdir(exist_ok=True)
    done = recurra(*command, "--out", "new", stdin=NOVEL) if command[0] == "fit" else recurra(*command)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (place / "new").exists()


def test_labelled_tables_are_classified_as_before(place, tmp_path):
    labelled = [f"{row['label']}\t{row['text']}\n" for row in sentences(80)]
    (tmp_path / "labelled.txt").write_text("".join(labelled))
    done = recurra("fit", tmp_path / "labelled.txt", "--out", tmp_path / "run", *QUICK, "--no-baselines")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "config.json").read_text())["kind"] == "sequence"
