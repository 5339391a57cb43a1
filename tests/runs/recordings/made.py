"""Small sets of recordings, and of numeric sequences, with texts that a small network learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tests.data.audio.made import spoken, texts, written

SMALL = {
    "network.hidden_size": 16,
    "network.num_layers": 1,
    "network.convolution_size": 16,
    "transcript.level": "word",
    "audio.mels": 12,
    "batches.max_batch": 8,
    "augment.time_masks": 0,
    "augment.band_masks": 0,
    "network.cell": "gru",
    "network.dropout": 0.0,
    "training.epochs": 50,
    "training.learning_rate": 0.02,
    "training.threads": 1,
}


def sound_folder(folder: Path, count: int = 80) -> Path:
    """Tones one after the other, a table of what they say; two in three to learn from."""
    folder.mkdir(parents=True, exist_ok=True)
    said = texts(count)
    for n, text in enumerate(said):
        written(folder / f"{n}.wav", spoken(text, seed=n))
    parts = ["train" if n % 3 else "test" for n in range(count)]
    pl.DataFrame({"file": [f"{n}.wav" for n in range(count)], "text": said, "part": parts}).write_csv(
        folder / "texts.csv"
    )
    return folder


def strokes(count: int = 60) -> pl.DataFrame:
    """Strokes up (a), down (b) and level (c), six steps each, between them a step far off."""
    draw = np.random.default_rng(0)
    slopes, rows = {"a": 1.0, "b": -1.0, "c": 0.0}, []
    for _ in range(count):
        text = "".join(draw.choice(list(slopes), draw.integers(1, 4)))
        steps: list[list[float]] = []
        for letter in text:
            steps += [[float(k), slopes[letter] * k + 0.1 * draw.standard_normal()] for k in range(6)] + [
                [0.0, 9.0]
            ]
        rows.append({"points": steps, "text": text})
    return pl.DataFrame(rows)
