"""The pictures of the demo: how the networks learned and how they do on the test part, and what they forecast."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.runs.forecasts.run import ForecastRun
from recurra.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by colour-blind readers; line styles and marks do it in print.
LOOKS = {
    "rnn": {"color": "#D55E00", "linestyle": ":", "marker": "s"},
    "lstm": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "gru": {"color": "#009E73", "linestyle": "--", "marker": "^"},
}


def draw_learning(summary: dict[str, Any], runs: dict[str, Any], measure: str, path: Path) -> Path:
    """Validation over the epochs, and test scores with intervals beside the baselines; PNG in `path`.

    Args:
        measure: what is shown of each epoch.
    """
    from matplotlib.ticker import MaxNLocator

    figure = _figure(10, 4.2)
    curves, scores = figure.subplots(1, 2, width_ratios=(1.25, 1))
    for cell, run in runs.items():
        values = [record["validation"][measure] for record in run.history]
        every = max(1, len(values) // 5)
        curves.plot(range(1, len(values) + 1), values, label=cell.upper(), markevery=every, **LOOKS[cell])
    curves.xaxis.set_major_locator(MaxNLocator(integer=True))
    curves.set(xlabel="epoch", ylabel=f"validation: {measure}", title="How they learn")
    curves.grid(alpha=0.3)
    curves.legend()

    trivial, *rivals = summary["baselines"]
    rows = [(n["cell"].upper(), n["score"], LOOKS[n["cell"]]["color"]) for n in summary["networks"]]
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
    name = rows[0][1]["name"]
    scores.set(
        xlabel=f"test: {name}, 95 % interval\n({trivial['name']}: {trivial['scores'][0]['value']:.3f})",
        title="How well they do",
        ylim=(-0.6, len(rows) - 0.3),
    )
    scores.grid(axis="x", alpha=0.3)
    return _written(figure, path)


def draw_forecasts(runs: dict[str, ForecastRun], path: Path) -> Path:
    """The last two horizons of the test part as each network forecast them, with what came; PNG in `path`."""
    from recurra.report.forecasts import draw_window

    figure = _figure(10, 2.3 * len(runs) + 0.6)
    panels = figure.subplots(len(runs), 2, squeeze=False, sharey=True)
    for row, (cell, run) in zip(panels, runs.items(), strict=True):
        end, horizon = int(run.last.lengths[0]), run.horizon
        origins = np.array([[0, end - 2 * horizon], [0, end - horizon]])
        forecasts = run.at(run.last, origins)
        for k, panel in enumerate(row):
            draw_window(panel, run.last, forecasts, k, season=run.config.data_schema.season)
            panel.set_title(cell.upper(), fontsize="medium", loc="left")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return _written(figure, path)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _written(figure: Figure, path: Path) -> Path:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150)
    write_bytes(path, stream.getvalue())
    return path
