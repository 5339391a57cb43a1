"""Some sequences that were written down: what the network read, what it wrote, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recurra.report import drawing
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles
from recurra.runs.recordings.examples import Shown

if TYPE_CHECKING:
    from markupsafe import Markup

_MANY = 24  # tokens, from which on they are written smaller

_LABELLED = 8  # numbers of a step that each get their own mark


def section(run: RunFiles) -> Section | None:
    """A figure for each sequence that the run kept, right ones first."""
    found = [Shown.from_json(record) for record in run.metrics.get("transcriptions", [])]
    if not found:
        return None
    return Section(
        "transcriptions",
        "What it writes down",
        render(
            "transcriptions.html",
            sound=found[0].seconds is not None,
            examples=[(_drawn(example, k), example) for k, example in enumerate(found)],
        ),
    )


def _drawn(example: Shown, k: int) -> Markup:
    """The steps above, blank and tokens below, on one axis."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 3.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    steps, joined = len(example.steps), len(example.blank)
    end = steps if example.seconds is None else example.seconds
    # One colour, more or less of it: it stands on a light page and on a dark one.
    shade = LinearSegmentedColormap.from_list("shade", [(0.0, 0.45, 0.7, 0.0), (0.0, 0.45, 0.7, 1.0)])
    above.imshow(
        example.steps.T,
        aspect="auto",
        origin="lower",
        cmap=shade,
        extent=(0, end, 0, example.steps.shape[1]),
        interpolation="nearest",
        vmin=0,
        vmax=1,
    )
    above.set_ylabel("band" if example.seconds is not None else "number")
    if (channels := example.steps.shape[1]) <= _LABELLED:
        above.set_yticks(np.arange(channels) + 0.5, labels=[str(k) for k in range(1, channels + 1)])
    width = end / joined
    middle = (np.arange(joined) + 0.5) * width
    below.fill_between(middle, example.blank, step="mid", color=drawing.LINE, alpha=0.5, linewidth=0)
    size = 9 if len(example.fired) <= _MANY else 6
    for token, step, p in example.fired:
        below.bar([middle[step]], [p], width=width, color=drawing.ORANGE)
        below.annotate(
            "␣" if token == " " else token,
            (middle[step], p),
            textcoords="offset points",
            xytext=(0, 2),
            ha="center",
            color=drawing.INK,
            fontsize=size,
        )
    below.set(
        xlim=(0, end),
        ylim=(0, 1.3),
        yticks=(0, 0.5, 1),
        ylabel="probability",
        xlabel="step" if example.seconds is None else "seconds",
    )
    for panel in (above, below):
        for name, spine in panel.spines.items():
            spine.set_color(drawing.LINE)
            spine.set_visible(name in ("left", "bottom"))
    where = ", ".join(f"{token!r} at {middle[step]:.3g}" for token, step, _ in example.fired[:_MANY])
    return drawing.inline(
        figure, f"transcription {k}", f"{example.name}: the likeliest path writes {where or 'nothing'}."
    )
