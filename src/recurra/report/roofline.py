"""The picture of `recurra bench`: how near every piece of work comes to what the machine can do."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recurra.bench.machine import Roof
from recurra.bench.measurement import OURS, Measurement
from recurra.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by colour-blind readers; markers do it in print.
_COLOURS = {"RNN": "#E69F00", "GRU": "#0072B2", "LSTM": "#D55E00"}
_MARKERS = {"RNN": "^", "GRU": "o", "LSTM": "s"}


def draw_roofline(measurements: Sequence[Measurement], roof: Roof, path: Path) -> Path:
    """The figure of `roofline_figure`, written to `path` as PNG."""
    stream = io.BytesIO()
    roofline_figure(measurements, roof).savefig(stream, format="png", dpi=130)
    write_bytes(path, stream.getvalue())
    return path


def roofline_figure(measurements: Sequence[Measurement], roof: Roof) -> Figure:
    """Multiplications a second over multiplications for each byte, both logarithmic, of training steps.

    Williams, Waterman & Patterson 2009, doi:10.1145/1498765.1498785.

    Filled marks are ours, open ones torch's, of the same layer one above the other. The roof is what large matrix
    products and a large copy reach; caches are faster than memory, so its slope is no border for what fits them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(7.4, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = [m for m in measurements if m.work == "training step"]
    intensities = [m.products / m.traffic for m in shown]
    knee = roof.products / roof.bytes
    low, high = min([knee, *intensities]) / 3, max([knee, *intensities]) * 2
    x = np.geomspace(low, high, 200)
    axes.plot(x, np.minimum(roof.products, roof.bytes * x) / 1e9, color="#000000", linewidth=1.2)
    axes.annotate(
        f"matrix products: {roof.products / 1e9:.0f} G/s",
        (high, roof.products / 1e9),
        ha="right",
        va="bottom",
        xytext=(0, 3),
        textcoords="offset points",
    )
    axes.annotate(
        f"memory: {roof.bytes / 1e9:.0f} GB/s",
        (low, roof.bytes * low / 1e9),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
    )
    for measurement, intensity in zip(shown, intensities, strict=True):
        colour, marker = _COLOURS[measurement.cell], _MARKERS[measurement.cell]
        for peer, face in ((OURS, colour), ("torch", "none")):
            rate = measurement.products / measurement.seconds[peer] / 1e9
            axes.plot(intensity, rate, marker, color=colour, markerfacecolor=face, markersize=7)
            if peer == OURS:
                axes.annotate(
                    str(measurement.units),
                    (intensity, rate),
                    xytext=(6, -3),
                    textcoords="offset points",
                    fontsize=8,
                )
    for cell, colour in _COLOURS.items():
        for peer, face in ((OURS, colour), ("torch", "none")):
            axes.plot([], [], _MARKERS[cell], color=colour, markerfacecolor=face, label=f"{cell}, {peer}")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="multiplications for each byte that must be read or written",
        ylabel="1,000 million multiplications a second",
        title="A training step, by units; the line is what the machine can do",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_ylim(top=1.8 * roof.products / 1e9)
    figure.legend(ncols=6, fontsize=8, frameon=False, loc="outside lower center")
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    return figure
