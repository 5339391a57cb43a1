"""True numbers and the network's answers, side by side."""

from __future__ import annotations

import numpy as np

from recurra.report import drawing
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles


def section(run: RunFiles) -> Section | None:
    """A point for each example, on the diagonal where the answer is right."""
    if run.scored is None or not run.scored[1].get("pairs"):
        return None
    name, part = run.scored
    truth, said = np.array(part["pairs"], dtype=float).T
    figure, panel = drawing.new_figure(height=3.4)
    ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
    panel.plot(ends, ends, color=drawing.INK, linestyle=":", linewidth=1, label="exactly right")
    panel.plot(
        truth,
        said,
        "o",
        color=drawing.BLUE,
        markersize=4,
        alpha=0.6,
        markeredgewidth=0,
        label="a step" if run.config.kind == "tag" else "an example",
    )
    panel.set(xlabel="true", ylabel="answer")
    drawing.legend(figure, panel)
    off = np.abs(truth - said)
    alt = (
        f"True numbers from {truth.min():.4g} to {truth.max():.4g} against answers from {said.min():.4g} to "
        f"{said.max():.4g}; half of the answers are off by less than {np.median(off):.3g}."
    )
    count, counted = (part["steps"], "steps") if "steps" in part else (part["n"], "examples")
    caption = f"{len(truth):,} of {count:,} {name} {counted}: what is true, and what the network answers"
    return Section(
        "answers",
        "Answer by answer",
        render("figure.html", figure=drawing.inline(figure, "answers", alt), caption=caption),
    )
