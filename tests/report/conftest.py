"""Small runs of every kind, made by the command once for all tests of this folder."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from tests.cli.test_commands import recurra, write_csv
from tests.cli.test_texts import NOVEL
from tests.runs.conftest import sentences, waves
from tests.runs.forecasts.made import daily
from tests.runs.pairs.made import table

KINDS = ["classes", "labels", "numbers", "forecasts", "texts", "pairs"]
SMALL = ["--set", "network.hidden_size=8", "--set", "training.epochs=3"]
# Until a small translator has learned to end: its answers are then short enough to be drawn.
LEARNING = [word for name in ("network.cell=gru", "tokens.level=word", "batches.max_batch=4",
            "training.learning_rate=0.03") for word in ("--set", name)]  # fmt: skip
# What a browser, or a careless template, might take for more than a name.
HOSTILE = '<script>alert("1")</script>'


def labelled(n=60):
    """Sentences with two labels, each said by a word."""
    return [
        {"text": row["text"] + " red" * (k % 2), "bad": int(row["label"] == "bad"), "red": k % 2}
        for k, row in enumerate(sentences(n))
    ]


def wave_lines(n=60):
    return "".join(
        json.dumps({"a": s[:, 0].tolist(), "b": s[:, 1].tolist(), "y": float(y)}) + "\n"
        for s, y in zip(*waves(n), strict=True)
    )


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Kind -> a run folder, with its page. One class of the first has a hostile name, two test rows are copies."""
    folder = tmp_path_factory.mktemp("pages")
    rows = sentences(120)
    for row in rows[::3]:
        row["label"] = HOSTILE
    write_csv(folder / "reviews.csv", rows)
    write_csv(
        folder / "held_out.csv",
        sentences(40, seed=6)[:-2] + [row for row in rows if row["label"] == "good"][:2],
    )
    write_csv(folder / "labelled.csv", labelled())
    (folder / "waves.jsonl").write_text(wave_lines())
    daily(series=2, holes=3).write_csv(folder / "days.csv")
    (folder / "novel.txt").write_text(NOVEL)
    table(200).with_columns(pl.col("en").str.replace("dog", HOSTILE, literal=True)).write_ndjson(
        folder / "pairs.jsonl"
    )
    commands = {
        "classes": ["reviews.csv", "--test", folder / "held_out.csv", "--set", "network.embedding_size=8"],
        "labels": ["labelled.csv", "--target", "bad", "--target", "red", "--set", "network.embedding_size=8"],
        "numbers": ["waves.jsonl", "--target", "y", "--validation", "0.2"],
        "forecasts": ["days.csv", "--horizon", "5", "--look-back", "9", "--target", "s0", "--target", "s1"],
        "texts": ["novel.txt", "--set", "network.embedding_size=8"],
        "pairs": ["pairs.jsonl", "--task", "translate", "--test-share", "0.3", *LEARNING],
    }
    for kind in KINDS:
        data, *options = commands[kind]
        done = recurra("fit", folder / data, *SMALL, *options, "--out", folder / kind)
        assert done.returncode == 0, done.stderr
    return {kind: folder / kind for kind in KINDS}


@pytest.fixture(scope="session")
def diagnosed(runs, tmp_path_factory):
    """A run that has been diagnosed, with both pages."""
    folder = shutil.copytree(runs["classes"], tmp_path_factory.mktemp("diagnosed") / "run")
    done = recurra("diagnose", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"The page about it is {folder / 'diagnosis.html'}."
    return folder


@pytest.fixture(scope="session")
def compared(tmp_path_factory):
    """The folder of a small comparison, with its page; one cell cannot take part at this size."""
    folder = tmp_path_factory.mktemp("compared")
    write_csv(folder / "reviews.csv", sentences(100))
    cells = ["--cells", "rnn,gru,mingru,transformer", "--trials", "2", "--seeds", "3"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("recurra.comparison.plan._PACE_S", 0.3)
        patched.setattr("recurra.comparison.costs.LENGTHS", (4, 8))
        small = [*SMALL, "--set", "network.embedding_size=8", "--set", "network.pairs=0"]
        done = recurra("compare", folder / "reviews.csv", *cells, *small, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return folder / "out"
