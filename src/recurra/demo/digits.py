"""Handwritten digits read row by row: 1,797 images of 8 x 8 pixels that scikit-learn carries.

(Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI; the test part of it.)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema import Schema
from recurra.networks.config import NetworkShape
from recurra.networks.sizing import hidden_size_for
from recurra.runs.events import Observer, Said
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from recurra.runs.sequences.run import SequenceRun
from recurra.storage import make_folder, write_json
from recurra.tasks.defaults import default_settings

CELLS = ("rnn", "lstm", "gru")
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


@dataclass(frozen=True)
class Compared:
    """One network of the demo in a line."""

    cell: str
    hidden_size: int
    weights: int
    accuracy: dict[str, Any]
    training_s: float
    best_epoch: int


def compare_on_digits(
    out: Path, *, seed: int, observer: Observer
) -> tuple[dict[str, Any], dict[str, SequenceRun]]:
    """Train the three networks on the same split, with the same number of weights.

    Leaves a run folder for each and a `summary.json` in `out`.
    """
    examples, schema = digits()
    assert examples.sequences is not None
    make_folder(out)
    runs: dict[str, SequenceRun] = {}
    for cell in CELLS:
        settings = SETTINGS | {"network.cell": cell}
        hidden = _hidden_size(settings, examples.sequences.lengths)
        observer(Said(f"{cell.upper()}, {hidden} units"))
        runs[cell] = fit(
            examples,
            schema,
            SequenceFitOptions(settings=settings | {"network.hidden_size": hidden}, seed=seed),
            sources=["scikit-learn's digits"],
            out=out / cell,
            observer=observer,
        )
        if runs[cell].metrics["training"]["stopped"] == "interrupted":
            raise KeyboardInterrupt
    networks = [
        Compared(
            cell=cell,
            hidden_size=run.config.settings.network.hidden_size,
            weights=run.metrics["training"]["weights"],
            accuracy=run.metrics["test"]["scores"][0],
            training_s=run.metrics["seconds"]["training"],
            best_epoch=run.metrics["training"]["best_epoch"],
        )
        for cell, run in runs.items()
    ]
    first = next(iter(runs.values())).metrics
    summary = {
        "data": "1,797 handwritten digits of 8 x 8 pixels, read as 8 steps of 8 pixels",
        "parts": next(iter(runs.values())).config.parts,
        "seed": seed,
        "networks": [asdict(network) for network in networks],
        "baselines": first["baselines"],
    }
    write_json(out / "summary.json", summary)
    return summary, runs


def _hidden_size(settings: dict[str, Any], lengths: np.ndarray) -> int:
    network = default_settings("features", lengths).changed(settings).network
    shape = NetworkShape(input="features", input_size=8, output_size=10)
    return hidden_size_for(WEIGHTS, network, shape)
