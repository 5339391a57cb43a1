"""`recurra fit` with no option on real data, three seeds each, beside its baselines.

    python benchmarks/accuracy.py [imdb|trec|mpqa|JapaneseVowels|...]

Each trial is the whole command from the shell prompt. Every finished one is kept in
benchmarks/results/accuracy.jsonl; a killed script goes on where it was.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from trials import Trials, data_folder, run_command, table

SETS = {
    "imdb": ["imdb/imdb_train.csv.gz", "--test", "imdb/imdb_test.csv.gz"],
    "trec": ["trec/TREC.train", "--test", "trec/TREC.test"],
    "mpqa": ["mpqa/mpqa.all"],
} | {
    name: [f"{name}/{name}_TRAIN.ts", "--test", f"{name}/{name}_TEST.ts"]
    for name in ("JapaneseVowels", "ItalyPowerDemand", "GunPoint", "OSULeaf", "ArrowHead")
}
SEEDS = (0, 1, 2)


def trial(name: str, seed: int) -> dict[str, Any]:
    """One `recurra fit`; what is kept of it."""
    arguments = [str(data_folder() / part) if "/" in part else part for part in SETS[name]]
    with tempfile.TemporaryDirectory() as place:
        done = run_command(["fit", *arguments, "--seed", str(seed), "--out", str(Path(place) / "run")])
    result = done.pop("result")
    return done | {
        "test": result["test"]["scores"],
        "validation": result["validation"]["scores"][0] if "validation" in result else None,
        "baselines": [
            {"name": b["name"], "score": b["scores"][0], "seconds": b["seconds"]} for b in result["baselines"]
        ],
        "training": result["training"],
        "seconds_of": result["seconds"],
        "verdict": result["verdict"],
    }


def main(names: list[str]) -> None:
    """Run what is not done yet, and print the table."""
    trials = Trials("accuracy")
    rows = []
    for name in names:
        done = [trials.run(f"{name} seed {seed}", lambda n=name, s=seed: trial(n, s)) for seed in SEEDS]
        first = done[0]["test"][0]
        scores = [d["test"][0]["value"] for d in done]
        rows.append(
            [
                name,
                f"{100 * statistics.mean(scores):.2f}",
                ", ".join(f"{100 * score:.2f}" for score in scores),
                f"{100 * first['interval']['low']:.1f} to {100 * first['interval']['high']:.1f}",
                "; ".join(
                    f"{b['name']} {100 * b['score']['value']:.2f} ({b['seconds']:.0f} s)"
                    for b in done[0]["baselines"]
                ),
                f"{statistics.median(d['seconds'] for d in done):.0f} s",
                f"{max(d['peak_memory_mb'] for d in done)} MB",
            ]
        )
    header = [
        "data",
        "accuracy, mean",
        "seeds 0, 1, 2",
        "95 % (seed 0)",
        "baselines (time)",
        "command",
        "memory",
    ]
    print(table(header, rows))


if __name__ == "__main__":
    main(sys.argv[1:] or list(SETS))
