"""What led to the defaults: choices scored on a part of the training files of real sets; no test file is opened.

    python benchmarks/defaults.py [texts|numbers|imdb]

Every trial is kept in benchmarks/results/defaults_GRID.jsonl; a killed script goes on where it was.
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial
from typing import Any

from trials import Trials, data_folder, table

from recurra.data.schema import SchemaOptions, infer_schema, to_examples
from recurra.data.sources import read
from recurra.data.splits import make_split
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit

NUMBERS = ("JapaneseVowels", "ItalyPowerDemand", "GunPoint", "OSULeaf", "ArrowHead")
FILES = {"imdb": "imdb/imdb_train.csv.gz", "trec": "trec/TREC.train", "mpqa": "mpqa/mpqa.all"} | {
    name: f"{name}/{name}_TRAIN.ts" for name in NUMBERS
}
HELD_OUT = {"imdb": 0.2}  # of the training file; a third of the others

# Each choice is one change of the default settings; "default" is none.
TEXTS: dict[str, dict[str, Any]] = {
    "default": {},
    "no pairs": {"network.pairs": 0},
    "random embedding": {"network.embedding_init": "random"},
    "pooling mean": {"network.pooling": ["mean"]},
    "pooling max": {"network.pooling": ["max"]},
    "gru": {"network.cell": "gru"},
    "learning rate 1e-3": {"training.learning_rate": 1e-3},
    "word dropout 0": {"network.word_dropout": 0.0},
    "input dropout 0.4": {"network.input_dropout": 0.4},
}
IMDB: dict[str, dict[str, Any]] = {
    "default": {},
    "400 words": {"text.max_steps": 400},
    "128 units": {"network.hidden_size": 128},
    "no pairs": {"network.pairs": 0},
}
UNSMOOTHED = {"task.label_smoothing": 0.0}
SEQUENCES: dict[str, dict[str, Any]] = {
    "default": {},
    "no label smoothing": UNSMOOTHED,
    "no label smoothing, dropout 0.5": UNSMOOTHED | {"network.dropout": 0.5},
    "no convolutions": {"network.convolutions": []},
    "one layer": {"network.num_layers": 1},
    "learning rate 5e-3": {"training.learning_rate": 5e-3},
}


def trial(name: str, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Fit on a part of the training file, score on the rest of it."""
    source = read(str(data_folder() / FILES[name]))
    schema = infer_schema(source, SchemaOptions())
    examples, _ = to_examples(source, schema)
    split = make_split(examples, seed=seed, test=HELD_OUT.get(name, 1 / 3), validation=0)
    started = time.monotonic()
    run = fit(
        examples.take(split.train),
        schema,
        SequenceFitOptions(settings=settings, seed=seed, baselines=False),
        test=examples.take(split.test),
    )
    if run.metrics["training"]["stopped"] == "interrupted":
        sys.exit("interrupted: this trial is not kept")
    return {
        "scores": {score["name"]: score["value"] for score in run.metrics["test"]["scores"]},
        "best_epoch": run.metrics["training"]["best_epoch"],
        "epochs": run.metrics["training"]["epochs"],
        "seconds": round(time.monotonic() - started, 1),
        "settings": settings,
    }


def show(trials: Trials, names: tuple[str, ...], choices: dict, seeds: range) -> None:
    """Run what is missing of a grid and print its table: accuracy in %, mean over seeds; mean seconds."""
    rows = []
    for choice, settings in choices.items():
        row = [choice]
        for name in names:
            done = [
                trials.run(f"{name} · {choice} · seed {seed}", partial(trial, name, settings, seed))
                for seed in seeds
            ]
            accuracy = statistics.mean(d["scores"]["accuracy"] for d in done)
            row.append(f"{100 * accuracy:.1f} ({statistics.mean(d['seconds'] for d in done):.0f} s)")
        rows.append(row)
    print(table(["choice", *names], rows))


def main(grids: list[str]) -> None:
    """The grids by name."""
    for grid in grids:
        trials = Trials(f"defaults_{grid}")
        if grid == "numbers":
            show(trials, NUMBERS, SEQUENCES, range(2))
        elif grid == "texts":
            show(trials, ("trec", "mpqa"), TEXTS, range(2))
        else:
            show(trials, ("imdb",), IMDB, range(1))


if __name__ == "__main__":
    main(sys.argv[1:] or ["numbers", "texts", "imdb"])
