"""Penn Treebank by words: the published network without dropout, and the defaults at its size.

    python benchmarks/ptb.py [zaremba default ...]

zaremba: two LSTM layers of 200 without dropout, trained as printed (Zaremba, Sutskever and Vinyals, arXiv:1409.2329,
"non-regularized"): SGD, 20 rows of 20 tokens, weights from (-0.1, 0.1), rate 1 halved in every epoch after the
fourth of 13, gradients clipped to 5. There the loss is summed over 20 steps, here it is their mean: the same with a
rate of 20 and a norm of 0.25. Printed test perplexity 114.5.

A killed trial goes on when the script is run again; every finished one is kept in benchmarks/results/ptb.jsonl; the
test part is opened by each of them once.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from trials import Trials, data_folder, table, trained

from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.files import fit_corpus
from recurra.runs.texts.run import TextRun

KINDS: dict[str, dict[str, Any]] = {
    "zaremba": {
        "network.cell": "lstm",
        "network.hidden_size": 200,
        "network.embedding_size": 200,
        "network.num_layers": 2,
        "network.tied": False,
        "network.embedding_dropout": 0.0,
        "network.input_dropout": 0.0,
        "network.dropout": 0.0,
        "network.output_dropout": 0.0,
        "network.initial_range": 0.1,
        "windows.rows": 20,
        "windows.steps": 20,
        "windows.vary": False,
        "training.optimizer": "sgd",
        "training.learning_rate": 20.0,
        "training.clip_norm": 0.25,
        "training.weight_decay": 0.0,
        "training.warmup": 0.0,
        "training.schedule": "halving",
        "training.hold_epochs": 4,
        "training.epochs": 13,
        "training.patience": 13,
    },
    "default": {},
}


def fitted(kind: str) -> TextRun:
    """Trained, the test part unopened; a killed training goes on from its checkpoint in `runs/ptb-KIND`."""
    folder = data_folder() / "ptb"
    options = TextFitOptions(settings=KINDS[kind], baselines=False, test_share=0)
    parts = {"validation": folder / "ptb.valid.txt"}
    return trained(fit_corpus, folder / "ptb.train.txt", options, place=f"ptb-{kind}", **parts)


def trial(kind: str) -> dict[str, Any]:
    """Fit, and score the test part once."""
    run = fitted(kind)
    best = run.history[run.metrics["training"]["best_epoch"] - 1]
    test = (data_folder() / "ptb" / "ptb.test.txt").read_text(encoding="utf-8")
    return {
        "perplexity": run.evaluate(test)[0].to_json(),
        "validation": best["validation"],
        "weights": run.metrics["training"]["weights"],
        "epochs": run.metrics["training"]["epochs"],
        "seconds": round(run.metrics["seconds"]["training"], 1),  # over all resumptions
    }


def main(kinds: list[str]) -> None:
    """Run what is missing, print the table."""
    trials = Trials("ptb")
    rows = []
    for kind in kinds:
        done = trials.run(kind, partial(trial, kind))
        score = done["perplexity"]
        interval = score["interval"]
        rows.append(
            [
                kind,
                f"{score['value']:.1f}",
                f"{interval['low']:.1f} to {interval['high']:.1f}",
                f"{done['validation']['perplexity']:.1f}",
                f"{done['weights']:,}",
                f"{done['seconds']:.0f} s",
            ]
        )
    print(table(["", "test perplexity", "95 % interval", "validation", "weights", "time"], rows))


if __name__ == "__main__":
    main(sys.argv[1:] or list(KINDS))
