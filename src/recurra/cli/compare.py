"""`recurra compare`."""

from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from recurra.cli.console import Watcher, interval, number, plain, print_json
from recurra.cli.fit import free_place, parse_assignments
from recurra.comparison.compare import compare
from recurra.comparison.place import PLAN
from recurra.comparison.summary import marks
from recurra.comparison.trials import TRIALS
from recurra.errors import InputError
from recurra.networks.config import cell_name
from recurra.report.writing import write_page


def run_compare(
    data: str,
    *,
    out: Path | None,
    roles: dict[str, Any],
    own: list[str],
    assignments: list[str],
    options: dict[str, Any],
    as_json: bool,
    **asked: Any,
) -> None:
    """Compare, print the table and the two sentences."""
    place = out if out is not None or asked["resume"] else free_place(data, "-compared")
    encoders = dict(map(_imported, own))
    with Watcher(as_json=as_json) as watcher:
        try:
            found = compare(
                data,
                out=place,
                encoders=encoders,
                settings=parse_assignments(assignments),
                command=shlex.join(["recurra", *sys.argv[1:]]),
                observer=watcher,
                **asked,
                **options,
                **{name: value for name, value in roles.items() if value is not None},
            )
        except KeyboardInterrupt:
            watcher.console.print(_how_to_go_on(place))
            raise
        if not as_json:
            show(found.summary, watcher)
        assert place is not None
        page = write_page(place)
        if as_json:
            print_json(found.summary | {"folder": str(place), "report": str(page)})
            return
        watcher.console.print(f"\nRuns and summary.json are in {place}, and a page about it in {page}.")
        best = next(row for row in found.summary["rows"] if row["network"])
        watcher.console.print(
            f"The best network's runs: {', '.join(str(place / run) for run in best['runs'])}"
        )


def _imported(given: str) -> tuple[str, Any]:
    """`mine=package.module:Mine` to the name and what is found there; modules of the working folder are found, too.

    Raises:
        InputError: nothing of that name, or another form.
    """
    name, _, place = given.partition("=")
    module, _, attribute = place.partition(":")
    if not (name and module and attribute):
        raise InputError(
            f"expected NAME=MODULE:CLASS, found {given!r}",
            where="--own",
            fix="For example --own mine=networks:Mine.",
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return name, getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"there is no {attribute} to import: {error}", where=f"--own {given}") from error


def _how_to_go_on(place: Path | None) -> str:
    """After Ctrl-C: what is kept, and what to call."""
    if place is None or not (place / PLAN).exists():
        return "Interrupted before the first training, so nothing is lost: to begin anew, repeat the command."
    ended = len(list((place / TRIALS).glob("*-*.json")))
    trainings = "one training" if ended == 1 else f"{ended} trainings"
    return (
        f"Interrupted; {trainings} that ended {'is' if ended == 1 else 'are'} kept, and what was trained of the one at "
        f"work. To go on, repeat the command with --out {place} --resume."
    )


def show(summary: dict[str, Any], watcher: Watcher) -> None:
    """The table, what was held equal, and the recommendation."""
    print_ = watcher.console.print
    print_()
    print_(_scores(summary))
    print_()
    print_(_costs(summary))
    print_()
    for sentence in summary["held_equal"]:
        print_(f"  {plain(sentence)}")
    for cell, why in summary["left_out"].items():
        print_(f"  Left out: {cell_name(cell)}: {plain(why)}")
    print_(f"\n{plain(summary['recommendation']['reason'])}")
    print_(plain(summary["recommendation"]["doubt"]))


def _scores(summary: dict[str, Any]) -> Table:
    """A row for everybody, the best first; the one to take is marked, and those that tie with it."""
    measure, found = summary["measure"], marks(summary)
    title = f"{measure['name']} on {measure['tested']}, the mean of the seeds"
    table = _table(title, ("score", "95 % interval", "training"))
    for row in summary["rows"]:
        improving = "+" if row["network"] and row["still_improving"] else ""
        name = " ".join(filter(None, (_name(row), found.get(row["name"], ""), improving)))
        table.add_row(name, number(row["value"]), interval(row), f"{row['train_s']:.1f} s")
    said = {
        "<": "< to take",
        "=": "= not told apart from it",
        "?": "? seems to differ, not surely",
        "~": "~ seeds too far apart to tell",
    }
    shown = [text for mark, text in said.items() if mark in found.values()]
    if any(row["network"] and row["still_improving"] for row in summary["rows"]):
        shown.append("+ still improving when training ended")
    table.caption = "\n".join(shown)
    table.caption_justify = "left"
    return table


def _costs(summary: dict[str, Any]) -> Table:
    """What each network costs, and the best baseline as far as it was measured."""
    table = _table("Cost", ("units", "weights", "step", "memory", "example", "stream"))
    table.caption = "step, memory: of training; example: its answer,\namong many; stream: a step of one"
    table.caption_justify = "left"
    examples = summary["measure"]["test_examples"]
    baseline = next((row for row in summary["rows"] if not row["network"]), None)
    for row in summary["rows"]:
        if row is baseline:
            weights, answering_s = row["weights"], row["answering_s"]
            answer = "–" if answering_s is None else f"{1000 * answering_s / examples:.3g} ms"
            table.add_row(_name(row), "–", "–" if weights is None else f"{weights:,}", "–", "–", answer, "–")
        elif row["network"]:
            latency = row["stream_us"]
            table.add_row(
                _name(row),
                str(row["hidden_size"]),
                f"{row['weights']:,}",
                f"{1000 * row['step_s']:.3g} ms",
                f"{row['memory_bytes'] / 2**20:.1f} MiB",
                "–" if row["forward_ms"] is None else f"{row['forward_ms']:.3g} ms",
                "–" if latency is None else f"{latency:.1f} µs",
            )
    return table


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=plain(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")  # names may be long: they wrap, numbers never
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _name(row: dict[str, Any]) -> str:
    return plain(cell_name(row["name"]) if row["network"] else row["name"])
