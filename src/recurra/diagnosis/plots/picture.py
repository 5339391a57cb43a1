"""One picture of a diagnosis, or a figure of one of its panels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from recurra.diagnosis.plots.panels import PANELS
from recurra.diagnosis.result import Diagnosis
from recurra.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS, _WIDTH, _HEIGHT = 2, 6.2, 3.6


def draw(diagnosis: Diagnosis, path: Path) -> Path:
    """All panels for which there is something to show, written to `path` as PNG."""
    stream = io.BytesIO()
    diagnosis_figure(diagnosis).savefig(stream, format="png", dpi=130)
    write_bytes(path, stream.getvalue())
    return path


def panels_of(diagnosis: Diagnosis) -> list[str]:
    """The names of the panels for which there is something to show."""
    return [name for name, panel in PANELS.items() if panel.shows(diagnosis)]


def diagnosis_figure(diagnosis: Diagnosis) -> Figure:
    """All panels, two beside each other."""
    shown = panels_of(diagnosis)
    rows = -(-len(shown) // _COLUMNS)
    figure = _figure(_COLUMNS * _WIDTH, rows * _HEIGHT)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for name, own in zip(shown, axes, strict=False):
        PANELS[name].draw(own, diagnosis)
    for own in axes[len(shown) :]:
        own.set_axis_off()
    return figure


def panel_figure(name: str, diagnosis: Diagnosis) -> Figure:
    """One of `panels_of` by itself; `PANELS[name].says` tells in words what it shows."""
    figure = _figure(_WIDTH, _HEIGHT)
    PANELS[name].draw(figure.add_subplot(), diagnosis)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
