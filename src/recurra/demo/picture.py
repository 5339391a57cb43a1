"""The picture of the demo: how the networks learned, and how they do on the test part."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from recurra.runs.sequences.run import SequenceRun
from recurra.storage import write_bytes

# Okabe & Ito's colours, told apart by colour-blind readers; line styles and marks do it in print.
LOOKS = {
    "rnn": {"color": "#D55E00", "linestyle": ":", "marker": "s"},
    "lstm": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "gru": {"color": "#009E73", "linestyle": "--", "marker": "^"},
}


def draw(summary: dict[str, Any], runs: dict[str, SequenceRun], path: Path) -> Path:
    """Two panels side by side, written to `path` as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    curves, scores = figure.subplots(1, 2, width_ratios=(1.25, 1))
    for cell, run in runs.items():
        accuracy = [record["validation"]["accuracy"] for record in run.history]
        curves.plot(range(1, len(accuracy) + 1), accuracy, label=cell.upper(), markevery=5, **LOOKS[cell])
    curves.set(xlabel="epoch", ylabel="validation accuracy", title="How they learn", ylim=(0, 1.02))
    curves.grid(alpha=0.3)
    curves.legend(loc="lower right")

    trivial, *rivals = summary["baselines"]
    rows = [(n["cell"].upper(), n["accuracy"], LOOKS[n["cell"]]["color"]) for n in summary["networks"]]
    rows += [(b["name"], b["scores"][0], "#555555") for b in rivals]
    for place, (_, score, color) in enumerate(reversed(rows)):
        low, high = score["interval"]["low"], score["interval"]["high"]
        scores.plot([low, high], [place, place], color=color, linewidth=2)
        scores.plot(score["value"], place, "o", color=color)
        scores.annotate(
            f"{score['value']:.3f}",
            (score["value"], place),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
        )
    scores.set_yticks(range(len(rows)), [name for name, _, _ in reversed(rows)])
    scores.set(
        xlabel=f"test accuracy, 95 % interval\n({trivial['name']}: {trivial['scores'][0]['value']:.3f})",
        title="How well they do",
        ylim=(-0.6, len(rows) - 0.3),
    )
    scores.grid(axis="x", alpha=0.3)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150)
    write_bytes(path, stream.getvalue())
    return path
