"""The baselines reach what was published for them; runs where RECURRA_DATA names the folder of data sets."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.tasks.baselines import run_baselines

DATA = os.environ.get("RECURRA_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="RECURRA_DATA is not set")


def read_ts(name: str, part: str) -> Examples:
    text = (Path(DATA or "") / name / f"{name}_{part}.ts").read_text()
    lines = text[text.lower().index("@data") :].split("\n")[1:]
    parts, targets = [], []
    for line in filter(None, map(str.strip, lines)):
        *channels, target = line.split(":")
        parts.append(np.array([channel.split(",") for channel in channels], dtype=np.float32).T)
        targets.append(target)
    return Examples(None, Packed.from_list(parts), np.array(targets, dtype=object), np.arange(len(targets)))


@pytest.mark.parametrize(
    ("name", "published"),
    [("GunPoint", 0.913), ("ItalyPowerDemand", 0.955), ("OSULeaf", 0.521), ("ArrowHead", 0.800)],
)
def test_nearest_neighbour_of_the_ucr_archive(name, published):
    train, test = read_ts(name, "TRAIN"), read_ts(name, "TEST")
    near = run_baselines(train, test, sorted(set(train.targets)))[1]
    assert near.scores[0].value == pytest.approx(published, abs=0.0006)


def test_sequences_of_unequal_length_and_many_features():
    train, test = read_ts("JapaneseVowels", "TRAIN"), read_ts("JapaneseVowels", "TEST")
    _, near, linear = run_baselines(train, test, sorted(set(train.targets)))
    assert near.scores[0].value > 0.94
    assert linear.scores[0].value > 0.97


@pytest.mark.full
def test_tfidf_pairs_on_imdb():
    import polars as pl

    def read(part: str) -> Examples:
        frame = pl.read_csv(Path(DATA or "") / "imdb" / f"imdb_{part}.csv.gz", columns=["label", "text"])
        texts, labels = (frame[name].cast(pl.String).to_numpy().astype(object) for name in ("text", "label"))
        return Examples(texts, None, labels, np.arange(len(frame)))

    train, test = read("train"), read("test")
    linear = run_baselines(train, test, sorted(set(train.targets)))[1]
    assert linear.scores[0].value >= 0.907
