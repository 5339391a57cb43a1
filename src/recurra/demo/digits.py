"""Handwritten digits read row by row: 1,797 images of 8 x 8 pixels that scikit-learn carries.

(Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI; the test part of it.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema import Schema
from recurra.demo.cells import compare_cells
from recurra.runs.events import Observer
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import SequenceFitting
from recurra.runs.sequences.run import SequenceRun

DATA = "1,797 handwritten digits of 8 x 8 pixels, read as 8 steps of 8 pixels"
WEIGHTS = 20_000
SETTINGS = {
    "network.num_layers": 1,
    "network.bidirectional": False,
    "network.pooling": ["last"],
    "network.dropout": 0.2,
    "network.input_dropout": 0.0,
    "network.segment": 1,
    "training.epochs": 25,
    "training.patience": 25,
    "training.learning_rate": 5e-3,
    "batches.max_batch": 64,
}


def digits() -> tuple[Examples, Schema]:
    """The digits as sequences of 8 steps (rows from the top) of 8 features (pixels, 0 to 16)."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    values = images.reshape(-1, 8).astype(np.float32)
    examples = Examples(
        texts=None,
        sequences=Packed.end_to_end(values, np.full(len(labels), 8)),
        targets=np.array([str(label) for label in labels], dtype=object),
        rows=np.arange(1, len(labels) + 1),
    )
    schema = Schema(
        task="classify",
        target_kind="multiclass",
        input="sequence",
        layout="lists",
        features=[f"pixel {k}" for k in range(1, 9)],
        channels=[f"pixel {k}" for k in range(1, 9)],
        target=["digit"],
        classes=[str(k) for k in range(10)],
    )
    return examples, schema


def compare_on_digits(
    out: Path, *, seed: int, observer: Observer
) -> tuple[dict[str, Any], dict[str, SequenceRun]]:
    """The three networks, their runs and summary in `out`."""
    examples, schema = digits()

    def fitting(settings: dict[str, Any], baselines: bool) -> SequenceFitting:
        options = SequenceFitOptions(settings=SETTINGS | settings, seed=seed, baselines=baselines)
        return SequenceFitting(examples, schema, options, None)

    return compare_cells(
        DATA, fitting, WEIGHTS, sources=["scikit-learn's digits"], out=out, observer=observer
    )
