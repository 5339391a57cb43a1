"""Forecasts of the test part as people look at them, and how the error grows with the distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.report import drawing
from recurra.report.forecasts import draw_example
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles
from recurra.runs.forecasts.examples import Example

if TYPE_CHECKING:
    from markupsafe import Markup

_STEPS = 6  # of the horizon in the table


def section(run: RunFiles) -> Section | None:
    """A figure for each window that the run kept, and the headline measure by step ahead."""
    examples = [Example.from_json(record) for record in run.metrics.get("examples", [])]
    part = run.metrics.get("test") if run.config.kind == "forecast" else None
    if not examples and part is None:
        return None
    return Section(
        "forecasts",
        "What its forecasts look like",
        render(
            "forecasts.html",
            tested=part is not None,
            figures=[_window(example, k) for k, example in enumerate(examples)],
            growth=None if part is None else _growth(part["per_step"], part["scores"][0]["name"]),
        ),
    )


def _growth(steps: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The measure by step ahead: drawn, and some of it in a table."""
    every = -(-len(steps) // _STEPS)
    drawn = len(steps) > 2 and all(row[name] is not None for row in steps)
    figure = _by_step(steps, name) if drawn else None
    return {"name": name, "figure": figure, "steps": steps[every - 1 :: every]}


def _window(example: Example, k: int) -> tuple[Markup, str]:
    figure, panel = drawing.new_figure(height=3)
    draw_example(panel, example)
    panel.set_title("", loc="left")
    drawing.legend(figure, panel)
    step = "" if example.dated else "step "
    first, last = (f"{step}{example.times[place]}" for place in (len(example.history), -1))
    alt = (
        f"Forecast of {example.series} for {len(example.point)} steps from {first} to {last}: "
        f"{example.point[0]:.4g} at first, {example.point[-1]:.4g} at last. {_outcome(example)}"
    )
    return drawing.inline(figure, f"forecast {k}", alt.strip()), f"{example.series}, from {first}"


def _outcome(example: Example) -> str:
    """How far off it was, and how much of what came its intervals held."""
    known = np.isfinite(example.truth)
    if not known.any():
        return ""
    came, point = example.truth[known], example.point[: len(known)][known]
    said = [f"On average it is off by {np.abs(came - point).mean():.3g}."]
    for share, (low, high) in example.intervals.items():
        held = (low[: len(known)][known] <= came) & (came <= high[: len(known)][known])
        said.append(f"The {100 * share:g} % interval holds {held.sum()} of {len(came)} values.")
    return " ".join(said)


def _by_step(steps: list[dict[str, Any]], name: str) -> Markup:
    from matplotlib.ticker import MaxNLocator

    values = np.array([row[name] for row in steps], dtype=float)
    figure, panel = drawing.new_figure()
    few = "o" if len(steps) < 30 else ""
    panel.plot([row["step"] for row in steps], values, color=drawing.BLUE, marker=few, markersize=3)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.set(xlabel="step ahead", ylabel=name)
    panel.set_ylim(0, 1.1 * values.max() or 1)
    return drawing.inline(
        figure,
        "error by step",
        f"{name} goes from {values[0]:.4g} one step ahead to {values[-1]:.4g} {len(values)} steps ahead.",
    )
