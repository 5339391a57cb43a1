"""Answers to test sources beside their references, and where the network looked while it wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recurra.report import drawing
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles
from recurra.report.tables import Table

if TYPE_CHECKING:
    from markupsafe import Markup

_FAINT = 0.02  # a weight that would not be seen
_INCHES = 0.19  # of a place in a picture
_ENDS = "∎"


def section(run: RunFiles) -> Section | None:
    """Samples in a table, a picture for each alignment that the run kept, and how scores were computed."""
    if run.config.kind != "pair" or run.scored is None:
        return None
    name, part = run.scored
    samples = part.get("samples", [])
    rows = [[each["source"], each["reference"], each["answer"]] for each in samples]
    table = Table(
        f"{len(samples)} of {part['n']:,} {name} pairs, spread over them",
        ["source", "reference", "answer"],
        rows,
        words={1, 2},
        stacked=True,
    )
    return Section(
        "translations",
        "What it writes",
        render(
            "translations.html",
            table=table.html() if samples else None,
            figures=[_picture(each, k) for k, each in enumerate(part.get("alignments", []))],
            signatures=run.metrics.get("signatures", {}),
            blind=run.config.settings.network.attention == "none",
        ),
    )


def _picture(record: dict[str, Any], k: int) -> tuple[Markup, str]:
    """A square for each id of the answer and of the source, the stronger the more it was looked at."""
    from matplotlib.patches import Rectangle

    source, answer, weights = record["source"], record["answer"], record["weights"]
    figure, panel = drawing.new_figure(height=1.3 + _INCHES * len(answer))
    panel.grid(visible=False)
    for t, row in enumerate(weights):
        for s, weight in enumerate(row):
            if weight > _FAINT:
                panel.add_patch(
                    Rectangle(
                        (s - 0.5, t - 0.5), 1, 1, color=drawing.BLUE, alpha=min(1.0, weight), linewidth=0
                    )
                )
    panel.set_xlim(-0.5, len(source) - 0.5)
    panel.set_ylim(len(answer) - 0.5, -0.5)
    panel.set_xticks(range(len(source)), [_shown(piece) for piece in source], rotation=90, fontsize=8)
    panel.set_yticks(range(len(answer)), [_shown(piece) for piece in answer], fontsize=8)
    panel.xaxis.tick_top()
    panel.tick_params(length=0)
    for name, spine in panel.spines.items():
        spine.set_visible(name in ("left", "top"))
    said = "".join(answer).replace(_ENDS, "").strip()
    return drawing.inline(figure, f"alignment {k}", _alt(source, answer, weights)), f"“{said}”"


def _alt(source: list[str], answer: list[str], weights: list[list[float]]) -> str:
    """At which part of the source each part of the answer looked most."""
    best = [source[max(range(len(row)), key=row.__getitem__)] for row in weights]
    told = ", ".join(f"{_shown(said)} at {_shown(at)}" for said, at in zip(answer, best, strict=True))
    return f"Where each part of the answer looked most: {told}."


def _shown(piece: str) -> str:
    """A part of a text as a label: no dollar begins a formula, and blanks alone are seen."""
    return piece.strip().replace("$", r"\$") or "␣"
