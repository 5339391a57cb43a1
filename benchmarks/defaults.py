"""What led to the defaults: choices tried on the validation parts of real sets; no test part is opened.

    python benchmarks/defaults.py [texts|numbers|imdb]

Every trial is kept in benchmarks/results/defaults.jsonl; a killed script goes on where it was.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import numpy as np
from trials import Trials, data_folder, table

from recurra.data.schema import SchemaOptions, infer_schema, to_examples
from recurra.data.sources import read
from recurra.runs.config import FitOptions
from recurra.runs.fit import fit

NUMBERS = ("JapaneseVowels", "ItalyPowerDemand", "GunPoint", "OSULeaf", "ArrowHead")
FILES = {"imdb": "imdb/imdb_train.csv.gz", "trec": "trec/TREC.train", "mpqa": "mpqa/mpqa.all"} | {
    name: f"{name}/{name}_TRAIN.ts" for name in NUMBERS
}

# Each choice is one change of the default settings; "default" is none.
TEXTS: dict[str, dict[str, Any]] = {
    "default": {},
    "gru": {"network.cell": "gru"},
    "rnn": {"network.cell": "rnn"},
    "random embedding": {"network.embedding_init": "random"},
    "64 units": {"network.hidden_size": 64},
    "two layers": {"network.num_layers": 2},
    "pooling mean": {"network.pooling": ["mean"]},
    "pooling max": {"network.pooling": ["max"]},
    "pooling attention": {"network.pooling": ["attention"]},
    "learning rate 1e-3": {"training.learning_rate": 1e-3},
    "learning rate 4e-3": {"training.learning_rate": 4e-3},
    "word dropout 0": {"network.word_dropout": 0.0},
    "word dropout 0.1": {"network.word_dropout": 0.1},
    "input dropout 0.4": {"network.input_dropout": 0.4},
    "weight decay 0.1": {"training.weight_decay": 0.1},
}
IMDB: dict[str, dict[str, Any]] = {
    name: TEXTS[name] for name in ("default", "random embedding", "64 units", "gru", "input dropout 0.4")
}
SEQUENCES: dict[str, dict[str, Any]] = {
    "default": {},
    "lstm": {"network.cell": "lstm"},
    "rnn": {"network.cell": "rnn"},
    "no segments": {"network.segment": 1},
    "one layer": {"network.num_layers": 1},
    "128 units": {"network.hidden_size": 128},
    "dropout 0.5": {"network.dropout": 0.5},
    "input dropout 0.2": {"network.input_dropout": 0.2},
    "pooling last": {"network.pooling": ["last"]},
    "pooling attention": {"network.pooling": ["attention"]},
    "learning rate 5e-3": {"training.learning_rate": 5e-3},
    "learning rate 1e-3": {"training.learning_rate": 1e-3},
}


def trial(name: str, settings: dict[str, Any], seed: int, validation: float) -> dict[str, Any]:
    """Fit on the training part, score on the validation part."""
    source = read(str(data_folder() / FILES[name]))
    schema = infer_schema(source, SchemaOptions())
    examples, _ = to_examples(source, schema)
    started = time.monotonic()
    run = fit(
        examples,
        schema,
        FitOptions(settings=settings, seed=seed, validation=validation, baselines=False),
        test=examples.take(np.array([], dtype=np.int64)),
    )
    if run.metrics["training"]["stopped"] == "interrupted":
        sys.exit("interrupted: this trial is not kept")
    best = run.history[run.metrics["training"]["best_epoch"] - 1]
    return {
        "score": run.metrics["validation"]["scores"][0]["value"],
        "loss": best["validation"]["loss"],
        "best_epoch": best["epoch"],
        "epochs": len(run.history),
        "seconds": round(time.monotonic() - started, 1),
        "settings": settings,
    }


def show(trials: Trials, names: tuple[str, ...], choices: dict, seeds: range, validation: float) -> None:
    """Run what is missing of a grid and print its table: accuracy (loss), means over seeds."""
    rows = []
    for choice, settings in choices.items():
        row = [choice]
        for name in names:
            done = [
                trials.run(
                    f"{name} · {choice} · seed {seed}",
                    lambda n=name, s=settings, k=seed: trial(n, s, k, validation),
                )
                for seed in seeds
            ]
            accuracy = statistics.mean(d["score"] for d in done)
            loss = statistics.mean(d["loss"] for d in done)
            row.append(
                f"{100 * accuracy:.1f} ({loss:.3f}, {statistics.mean(d['seconds'] for d in done):.0f} s)"
            )
        rows.append(row)
    print(table(["choice", *names], rows))


def main(grids: list[str]) -> None:
    """The grids by name."""
    trials = Trials("defaults")
    if "numbers" in grids:
        show(trials, NUMBERS, SEQUENCES, range(3), 0.3)
    if "texts" in grids:
        show(trials, ("trec", "mpqa"), TEXTS, range(2), 0.1)
    if "imdb" in grids:
        show(trials, ("imdb",), IMDB, range(1), 0.1)


if __name__ == "__main__":
    main(sys.argv[1:] or ["numbers", "texts", "imdb"])
