"""Seven networks on four sets of data at equal time: which to take, what it costs, how sure that is.

    python benchmarks/comparisons.py OUT [imdb trec etth1 shakespeare] [--budget 1h] [--seeds 3] [--trials 3] [--jobs 2]

Each comparison is `recurra.compare` with these cells, at equal time, in the budget (an hour where nothing is said); the
learning rates are chosen on validation, the test part is opened once for each scored training. IMDB: the official
parts, tuned on 5,000 reviews, scored trainings on all. TREC: the official parts. ETTh1: the oil temperature, 12/4/4
months, 24 steps. Tiny Shakespeare by character, the last tenth to test on. A killed script goes on trial by trial when
the same command is given again; a comparison that is there whole, in its folder in OUT, is only shown. Tables in
Markdown, for RESULTS.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from trials import data_folder, table

import recurra
from recurra.cli.console import Watcher, interval, number
from recurra.comparison.compare import SUMMARY
from recurra.comparison.summary import marks
from recurra.networks.config import cell_name
from recurra.report.writing import write_page
from recurra.storage import read_json

CELLS = ["rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer"]
PARTS = {"train": 8640, "validation": 2880, "test": 2880}  # hours of ETTh1


def imdb() -> dict[str, Any]:
    """Reviews, positive or negative."""
    train, test = (data_folder() / "imdb" / f"imdb_{part}.csv.gz" for part in ("train", "test"))
    return {"data": train, "test": test, "tune_on": 5000}


def trec() -> dict[str, Any]:
    """Questions in six classes."""
    return {"data": data_folder() / "trec" / "TREC.train", "test": data_folder() / "trec" / "TREC.test"}


def etth1() -> dict[str, Any]:
    """The first twenty months of the last column, each row with its part."""
    rows = pl.read_csv(data_folder() / "ett" / "ETTh1.csv")[: sum(PARTS.values())]
    parts = np.repeat(list(PARTS), list(PARTS.values()))
    frame = rows.select("date", "OT").with_columns(pl.Series("part", parts))
    return {"data": frame, "horizon": 24, "split": "part"}


def shakespeare() -> dict[str, Any]:
    """A million characters of plays."""
    text = data_folder() / "tinyshakespeare" / "input.txt"
    return {"data": text, "task": "generate", "test_share": 0.1}


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "imdb": imdb,
    "trec": trec,
    "etth1": etth1,
    "shakespeare": shakespeare,
}


def compared(name: str, out: Path, **asked: Any) -> dict[str, Any]:
    """The summary of one comparison: what is there already, or what comes of it, with its page."""
    if not (out / SUMMARY).exists():
        case = CASES[name]()
        resume = (out / "comparison.json").exists()
        with Watcher(as_json=True) as watcher:
            recurra.compare(
                case.pop("data"),
                cells=CELLS,
                match="time",
                out=out,
                resume=resume,
                observer=watcher,
                **case,
                **asked,
            )
        write_page(out)
    return read_json(out / SUMMARY)


def markdown(name: str, summary: dict[str, Any]) -> str:
    """Heading, circumstances, table, and the two sentences."""
    options, parts, machine = summary["options"], summary["parts"], summary["machine"]
    measure, told = summary["measure"], summary["recommendation"]
    header = [
        "",
        measure["name"],
        "95 % interval",
        "units",
        "weights",
        "training",
        "a step",
        "memory",
        "an example",
        "a step of a stream",
    ]
    rows, found = [], marks(summary)
    for row in summary["rows"]:
        mark = f" ({found[row['name']].replace('<', 'to take')})" if row["name"] in found else ""
        weights, answering_s = row["weights"], row.get("answering_s")
        costs = [
            "",
            "" if weights is None else f"{weights:,}",
            f"{row['train_s']:.1f} s",
            "",
            "",
            "" if answering_s is None else f"{1000 * answering_s / measure['test_examples']:.3g} ms",
            "",
        ]
        if row["network"]:
            low, high = row["train_range_s"]
            latency = row["stream_us"]
            costs = [
                str(row["hidden_size"]),
                f"{row['weights']:,}",
                f"{row['train_s']:.1f} s ({low:.1f} to {high:.1f})",
                f"{1000 * row['step_s']:.3g} ms",
                f"{row['memory_bytes'] / 2**20:.1f} MiB",
                "–" if row["forward_ms"] is None else f"{row['forward_ms']:.3g} ms",
                "–" if latency is None else f"{latency:.1f} µs",
            ]
        shown = cell_name(row["name"]) if row["network"] else row["name"]
        rows.append([shown + mark, number(row["value"]), interval(row), *costs])
    sizes = ", ".join(f"{parts.get(part, 0):,} {part}" for part in ("train", "validation", "test"))
    tuned = "" if options["tune_on"] is None else f" on {options['tune_on']:,} examples"
    budget = "no budget" if options["budget_s"] is None else f"a budget of {options['budget_s']:.0f} s"
    facts = (
        f"{summary['made'][:10]}; {sizes}; {options['seeds']} seeds, {options['trials']} learning rates "
        f"each{tuned}, equal time, {budget}, {options['jobs']} at a time; took {summary['seconds']:.0f} s; "
        f"{machine['system']}, {machine['processor']}, {machine['threads']} threads, "
        f"torch {summary['versions']['torch']}."
    )
    failed = [f"Left out: {cell_name(cell)}: {why}." for cell, why in summary["left_out"].items()]
    sentences = [told["reason"], told["doubt"], *failed]
    return "\n\n".join([f"**{name}**, {facts}", table(header, rows), *sentences])


def main() -> None:
    """Run what is missing, print every table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder of the comparisons")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(CASES)}; else all")
    parser.add_argument("--budget", default="1h", help="for each comparison")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=3, help="learning rates tried for each network")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    given = parser.parse_args()
    if strange := set(given.names) - CASES.keys():
        parser.error(f"expected {', '.join(CASES)}, found {', '.join(sorted(strange))}")
    asked = {name: getattr(given, name) for name in ("budget", "seeds", "trials", "jobs")}
    for name in given.names or CASES:
        print(markdown(name, compared(name, given.out / name, **asked)) + "\n", flush=True)


if __name__ == "__main__":
    main()
