"""`recurra explain`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recurra.cli.console import Watcher, number, plain, print_json
from recurra.cli.visible import visible
from recurra.errors import InputError
from recurra.explanation import Explanation, explain, run_to_explain
from recurra.explanation.result import Attribution, Course, Explained, GateCourse
from recurra.report import wording
from recurra.runs.events import Said
from recurra.storage import write_bytes

SHOWN = 40  # parts in a table; of more, the strongest
_STRONGEST = 15
_FOR, _AGAINST = "bold blue", "bold dark_orange"
_NOTABLE = 0.25  # of the strongest: below it a word has no colour
_LONGEST_NAME = 256  # bytes of a file's name
_BAR = 6  # signs
_GATES = 2  # columns in a terminal; all are on the page


def run_explain(
    run_folder: Path,
    given: str | None,
    *,
    data: str | None,
    rows: str | None,
    series: list[str] | None,
    of: str | None,
    page: Path | None,
    overwrite: bool,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Explain, print it, write the page where one is asked for."""
    if page is not None and page.suffix not in (".html", ".htm"):
        raise InputError(f"expected a name ending in .html, found {page.name!r}", where="--page")
    if page is not None and not page.absolute().parent.is_dir():
        raise InputError(
            "there is no such folder", where=str(page.parent), fix="Make it first, or choose another --page."
        )
    if page is not None and page.exists() and not overwrite:
        raise InputError(
            "this file is there already", where=str(page), fix="Choose another --page, or add --overwrite."
        )
    with Watcher(as_json=as_json) as watcher:
        run = run_to_explain(run_folder)
        found = explain(
            run,
            _input(given),
            data=data,
            rows=_numbers(rows),
            series=series,
            of=of,
            encoding=encoding,
            observer=watcher,
        )
        for note in found.notes:
            watcher(Said(note))
    if as_json:
        print_json(found.to_json())
    else:
        for example in found.examples:
            show(found, example, watcher.console)
    if page is not None:
        from recurra.report.explanation_page import explanation_page

        write_bytes(page, explanation_page(found).encode())
        watcher.console.print(f"The page is {plain(page)}.")


def _input(given: str | None) -> str | None:
    """The input as it was typed, or what standard input holds."""
    if given == "-":
        return sys.stdin.read().strip("\n")
    if given and len(os.fsencode(given)) < _LONGEST_NAME and Path(given).is_file():
        raise InputError("this is a file, not a text", where=given, fix=f"Say --data {given}.")
    return given


def _numbers(rows: str | None) -> list[int] | None:
    if rows is None:
        return None
    parts = [part.strip() for part in rows.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"expected numbers of rows with commas between them, found {rows!r}", where="--rows")
    return [int(part) for part in parts]


def show(found: Explanation, example: Explained, console: Console) -> None:
    """The answer; the text in colour; what is said as it is read, what mattered, and the gates; how sure that is."""
    attribution, several = example.attribution, len(example.columns) > 1
    console.print(f"\n[bold]{plain(example.name)}[/bold]  {plain(found.purpose)}: {plain(example.answer)}")
    console.print(
        f"Explained: {plain(attribution.of)}, {number(attribution.value)}; "
        f"with everything taken away it is {number(attribution.baseline_value)}."
    )
    if found.kind != "forecast" and not several:
        console.print()
        console.print(_coloured(example, attribution, blank=found.kind != "text"))
    console.print()
    if several:
        console.print(_columns(example, attribution))
        console.print()
    console.print(_parts(found, example))
    console.print(
        f"\n▲ for it, ▼ against it. Taken away, there stands {plain(attribution.baseline)}. "
        f"{plain(attribution.agreement.says)}"
    )
    console.print(_completeness(attribution))
    if example.gates:
        told = ", ".join(f"{_short(gate)} ({gate.layer})" for gate in example.gates[:_GATES])
        console.print(f"{told}: mean of that gate over the units; near 1 it {example.gates[0].does}.")
    if example.course is not None:
        console.print(f"{plain(example.course.how)}.")
    for note in example.notes:
        console.print(f"  {plain(note[:1].upper() + note[1:])}.")


def _completeness(attribution: Attribution) -> str:
    of = (
        f"{number(abs(attribution.gap))}, {abs(attribution.gap_share):.1%} of all that they attribute "
        f"({attribution.path_steps} points)"
    )
    if attribution.complete:
        return f"Integrated gradients add up to the whole difference but for {of}."
    return f"[yellow]![/yellow] Integrated gradients miss the whole difference by {of}: trust occlusion more."


def _strength(example: Explained) -> list[float]:
    """(P,) occlusion of each part, in all columns; 0 of one that was not looked at."""
    return [value or 0.0 for value in example.attribution.parts]


def _coloured(example: Explained, attribution: Attribution, *, blank: bool) -> Text:
    """The text; words that mattered in colour, and with a sign for eyes and terminals without."""
    strength = _strength(example)
    largest = max(map(abs, strength), default=0.0)
    text = Text()
    for part, value in zip(example.parts, strength, strict=True):
        if largest > 0 and abs(value) >= _NOTABLE * largest:
            text.append(f"{_mark(value)}{visible(part.text)}", style=_FOR if value > 0 else _AGAINST)
        else:
            text.append(visible(part.text))
        text.append(" " if blank else "")
    return text


def _columns(example: Explained, attribution: Attribution) -> Table:
    """A row for each column, the strongest first; of many these alone."""
    count = len(example.columns)
    table = Table(
        box=None,
        pad_edge=False,
        caption=None if count <= _STRONGEST else f"the {_STRONGEST} strongest of {count} columns",
    )
    table.add_column("column")
    for name in ("taken away", "integrated gradients"):
        table.add_column(name, justify="right", no_wrap=True)
    order = sorted(range(count), key=lambda c: -abs(attribution.columns[c]))
    largest = max(map(abs, [*attribution.columns, *attribution.sums]))
    for c in order[:_STRONGEST]:
        table.add_row(
            plain(example.columns[c]),
            _signed(attribution.columns[c], largest),
            _signed(attribution.sums[c], largest),
        )
    return table


def _parts(found: Explanation, example: Explained) -> Table:
    """A row for each part in its order; of many the strongest ones."""
    strength, course, attribution = _strength(example), example.course, example.attribution
    largest = max(abs(v or 0.0) for p in range(len(strength)) for v in (strength[p], attribution.of_part(p)))
    chosen: Sequence[int] = range(len(example.parts))
    if len(chosen) > SHOWN:
        chosen = sorted(sorted(chosen, key=lambda p: -abs(strength[p]))[:_STRONGEST])
    every = len(chosen) == len(example.parts)
    table = Table(
        box=None,
        pad_edge=False,
        caption=None if every else f"the {len(chosen)} strongest of {len(example.parts)}",
    )
    table.add_column("lag" if found.kind == "forecast" else "part", no_wrap=True, max_width=26)
    if course is not None:
        table.add_column(plain(course.of if len(course.of) < 26 else "probability"), no_wrap=True)
        table.add_column("likeliest" if found.kind == "text" else "says", no_wrap=True, max_width=12)
    for name in ("taken away", "integrated"):
        table.add_column(name, justify="right", no_wrap=True)
    for gate in example.gates[:_GATES]:
        table.add_column(_short(gate), justify="right", no_wrap=True)
    if course is not None and course.before is not None:
        table.add_row("[dim]nothing yet[/dim]", _bar(course, course.before))
    for p in chosen:
        part = example.parts[p]
        cells = [plain(_seen(part.text)) + ("" if part.known else " [dim](unknown)[/dim]")]
        if course is not None:
            cells += [_bar(course, course.values[p]), plain(_seen(course.says[p]))]
        cells += [_signed(attribution.parts[p], largest), _signed(attribution.of_part(p), largest)]
        cells += [
            "–" if gate.values[p] is None else f"{gate.values[p]:.2f}" for gate in example.gates[:_GATES]
        ]
        table.add_row(*cells)
    return table


def _short(gate: GateCourse) -> str:
    """A gate's name with the number of its layer, and an arrow where that reads backwards."""
    return f"{gate.gate} {gate.layer.replace('layer ', '').replace(' backwards', '←')}"


def _seen(text: str) -> str:
    """Blanks alone get a sign."""
    return text if text.strip() else "␣" * max(1, len(text))


def _bar(course: Course, value: float) -> str:
    if not course.share:
        return number(value)
    filled = round(_BAR * value)
    return f"{'█' * filled}[dim]{'░' * (_BAR - filled)}[/dim] {value:.3f}"


def _mark(value: float) -> str:
    return "▲" if value > 0 else "▼"


def _signed(value: float | None, largest: float) -> str:
    told = wording.signed(value, largest)
    if not value or told == "0":
        return told
    style = _FOR if value > 0 else _AGAINST
    return f"[{style}]{_mark(value)} {told}[/{style}]"
