"""The page of a diagnosis, made of `diagnosis.json` alone: what was found, what to change, all that was measured."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recurra.diagnosis.plots.panels import PANELS
from recurra.diagnosis.result import Diagnosis
from recurra.report import diagnosis_tables, drawing
from recurra.report.findings import lead_of, shown
from recurra.report.page import Section, render, render_page
from recurra.report.sections import reproduction
from recurra.report.tables import Table

if TYPE_CHECKING:
    from markupsafe import Markup

_NOTE = (
    "Numbers are of the examples named at the top; all of them, and the bounds that they were held against, are in "
    "diagnosis.json."
)


def diagnosis_page(diagnosis: Diagnosis) -> str:
    """The page as HTML, complete in itself; the same diagnosis gives the same bytes."""
    about = ", ".join(Path(source).name for source in diagnosis.sources) or "data given in Python"
    title = f"Diagnosis of a network of {diagnosis.cell} layers"
    return render_page(title, about, lead_of(diagnosis), _sections(diagnosis), intervals=_NOTE)


def _sections(diagnosis: Diagnosis) -> list[Section]:
    """In the order of the page; what was not measured has none."""
    tables = diagnosis_tables
    measured = [
        ("gradient", "The gradient over time", ("carried", "loss"), tables.reaches, tables.gradients),
        ("memory", "How far back the answer depends on the input", ("memory",), None, tables.memory),
        ("gates", "Gates and states", ("gates", "constants", "heat", "kept"), tables.units, tables.values),
        ("training", "How it was trained", ("training", "steps"), None, tables.training),
        ("time", "Time against length and batch", ("times",), tables.times, None),
        ("capacity", "What the cell can learn to remember", ("capacity",), tables.capacity, None),
    ]
    found = [Section("findings", "What was found", shown(diagnosis.findings, diagnosis.summary))]
    for name, title, panels, table, numbers in measured:
        figures = [_figure(panel, diagnosis) for panel in panels if PANELS[panel].shows(diagnosis)]
        if figures:
            body = render(
                "measured.html",
                figures=figures,
                tables=_html([] if table is None else table(diagnosis)),
                numbers=_html([] if numbers is None else numbers(diagnosis)),
            )
            found.append(Section(name, title, body))
    asked_in_python = "This diagnosis was asked for from Python, not by a command."
    found.append(
        reproduction.again(diagnosis.command, asked_in_python, [], diagnosis.versions, diagnosis.machine)
    )
    return found


def _html(tables: Iterable[Table]) -> list[Markup]:
    return [table.html() for table in tables]


def _figure(name: str, diagnosis: Diagnosis) -> tuple[Markup, str, str]:
    """One of the diagnosis's own panels in the page's colours, its title and how it is read."""
    figure, axes = drawing.new_figure(height=_height(name, diagnosis))
    panel = PANELS[name]
    panel.draw(axes, diagnosis)
    title = axes.get_title()
    axes.set_title("")
    own = axes.get_legend()
    if own is not None:
        own.remove()
        drawing.legend(figure, axes)
    return drawing.inline(figure, name, panel.says(diagnosis)), title, panel.reads


def _height(name: str, diagnosis: Diagnosis) -> float:
    """Inches: boxes stand under each other, a row for each gate."""
    rows = sum(len(layer.values) for layer in diagnosis.measures.gates[:4]) if name == "gates" else 0
    return max(2.9, 0.8 + 0.22 * rows)
