"""`recurra diagnose`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recurra.cli.console import Watcher, number, plain, print_json
from recurra.diagnosis import Diagnosis, diagnose
from recurra.diagnosis.result import Finding
from recurra.errors import InputError
from recurra.report.writing import write_page
from recurra.runs.events import Said
from recurra.runs.loading import load
from recurra.runs.run import DIAGNOSIS, DIAGNOSIS_PAGE
from recurra.storage import write_json

_MARKS = {"problem": "[red]problem[/red]", "warning": "[yellow]warning[/yellow]", "note": "[dim]note[/dim]"}


def run_diagnose(
    run_folder: Path,
    data: str | None,
    *,
    picture: Path | None,
    overwrite: bool,
    capacity: bool,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Measure, print what was found, leave `diagnosis.json` and a page in the run folder."""
    if picture is not None and picture.suffix != ".png":
        raise InputError(f"expected a name that ends in .png, found {picture.name!r}", where="--picture")
    if picture is not None and picture.exists() and not overwrite:
        raise InputError(
            "this file is there already",
            where=str(picture),
            fix="Choose another --picture, or add --overwrite.",
        )
    run = load(run_folder)
    with Watcher(as_json=as_json) as watcher:
        found = diagnose(run, data, capacity=capacity, encoding=encoding, observer=watcher)
        found = replace(found, command=["recurra", *sys.argv[1:]])
        for note in found.notes:
            watcher(Said(note))
    if as_json:
        print_json(found.to_json())
    else:
        show(found, watcher.console)
    write_json(run_folder / DIAGNOSIS, found.to_json())
    write_page(run_folder)
    watcher.console.print(f"All numbers are in {plain(run_folder / DIAGNOSIS)}.")
    watcher.console.print(f"The page about it is {plain(run_folder / DIAGNOSIS_PAGE)}.")
    if picture is not None:
        from recurra.diagnosis.plots.picture import draw

        draw(found, picture)
        watcher.console.print(f"The picture is {plain(picture)}.")


def show(found: Diagnosis, console: Console) -> None:
    """The layers in a table, then every finding with what it means and what to do."""
    console.print()
    console.print(_layers(found))
    console.print(f"\n[bold]{plain(found.summary)}[/bold]")
    for finding in found.findings:
        console.print(f"\n{_MARKS[finding.severity]}  {plain(finding.says)}")
        console.print(f"   {plain(_rest(finding))}")
    console.print()


def _rest(finding: Finding) -> str:
    return f"{finding.means} {finding.change}".strip()


def _layers(found: Diagnosis) -> Table:
    table = Table(box=None, pad_edge=False)
    columns = ("layer", "gradient reaches back", "before training", "time constant", "still", "dead")
    for column in columns:
        table.add_column(column, justify="left" if column == "layer" else "right")
    gates = {layer.name: layer for layer in found.measures.gates}
    vanished = found.thresholds["vanished"]
    for layer in found.measures.gradients:
        own, initial = gates[layer.name], layer.initial
        constant = own.typical_time_constant
        table.add_row(
            layer.name,
            _reach(layer.trained.carried, vanished),
            "–" if initial is None else _reach(initial.carried, vanished),
            "–" if constant is None else f"{number(constant)} steps",
            f"{own.still:.0%}",
            "–" if own.dead is None else f"{own.dead:.0%}",
        )
    return table


def _reach(curve: Any, vanished: float) -> str:
    gone, steps = curve.falls_below(vanished), len(curve.median)
    return f"all {steps} steps" if gone is None else f"{gone} of {steps} steps"
