"""Texts by character, in English, Russian and Chinese: bits per character, beside n-grams, and a sample of each.

    python benchmarks/characters.py [NAME ...]

shakespeare: tested on the last tenth of the text, as the networks in print are (Feng et al., arXiv:2410.01201, test
losses in nats: minGRU 1.548, minLSTM 1.555, Transformer 1.547, their best on that tenth); here each network opens it
once, with the weights that did best on the end of what is before it. Once with three layers of 384 units like theirs;
once, as crime and hongloumeng, with no option but that; and once with less to validate on: the play that the last tenth
is from begins in the validation part, from which the n-grams learn and the networks do not. A killed trial goes on when
the script is run again; every finished one is kept in benchmarks/results/characters.jsonl.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from trials import Trials, data_folder, table, trained

from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.files import fit_corpus

TEXTS = {
    "shakespeare, three layers of 384": "tinyshakespeare/input.txt",
    "shakespeare": "tinyshakespeare/input.txt",
    "shakespeare, a hundredth to validate": "tinyshakespeare/input.txt",
    "crime": "russian_text/crime_and_punishment_ru.txt",
    "hongloumeng": "chinese_text/hongloumeng_zh.txt",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "shakespeare, three layers of 384": {
        "test_share": 0.1,
        "settings": {
            "network.hidden_size": 384,
            "network.embedding_size": 384,
            "network.num_layers": 3,
            "network.dropout": 0.3,
            "network.output_dropout": 0.3,
            "training.epochs": 11,
        },
    },
    "shakespeare": {"test_share": 0.1},
    "shakespeare, a hundredth to validate": {"test_share": 0.1, "validation": 0.01},
    "crime": {},
    "hongloumeng": {},
}


def trial(name: str) -> dict[str, Any]:
    """Fit, and score the test part once; a killed one goes on from its checkpoint in `runs/characters-NAME`."""
    source, options = data_folder() / TEXTS[name], TextFitOptions(**OPTIONS[name])
    run = trained(
        fit_corpus, source, options, place=f"characters-{name.replace(', ', '-').replace(' ', '-')}"
    )
    best = run.history[run.metrics["training"]["best_epoch"] - 1]
    return {
        "scores": {score["name"]: score for score in run.metrics["test"]["scores"]},
        "baselines": {b["name"]: b["scores"][0]["value"] for b in run.metrics["baselines"]},
        "validation": best["validation"],
        "verdict": run.metrics["verdict"],
        "weights": run.metrics["training"]["weights"],
        "epochs": run.metrics["training"]["epochs"],
        "seconds": round(run.metrics["seconds"]["training"], 1),  # over all resumptions
    }


def main(names: list[str]) -> None:
    """Run what is missing, print the table."""
    trials = Trials("characters")
    rows = []
    for name in names:
        done = trials.run(name, partial(trial, name))
        bits, nats = done["scores"]["bits per character"], done["scores"]["nats per token"]
        baseline = min(done["baselines"], key=lambda of: done["baselines"][of])
        rows.append(
            [
                name,
                f"{bits['value']:.3f}",
                f"{bits['interval']['low']:.3f} to {bits['interval']['high']:.3f}",
                f"{nats['value']:.3f}",
                f"{done['baselines'][baseline]:.3f} ({baseline})",
                f"{done['weights']:,}",
                f"{done['seconds']:.0f} s",
            ]
        )
    header = ["", "bits per character", "95 % interval", "nats", "best baseline", "weights", "time"]
    print(table(header, rows))


if __name__ == "__main__":
    main(sys.argv[1:] or list(TEXTS))
