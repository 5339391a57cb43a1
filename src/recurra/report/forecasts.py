"""The picture of a forecast: history, forecast, interval, and what came after where it is known."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.data.series.collection import Series
from recurra.runs.forecasts.examples import Example
from recurra.runs.forecasts.run import Forecasts
from recurra.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.dates import AutoDateLocator
    from matplotlib.figure import Figure
    from matplotlib.ticker import Formatter

_MOST_PANELS, _MOST_LETTERS = 6, 50
_MORE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Zen Hei",
)
# Okabe & Ito's colours, told apart by colour-blind readers; line styles do it in print.
_HISTORY, _FORECAST, _TRUTH = "#000000", "#0072B2", "#D55E00"


def draw(series: Series, forecasts: Forecasts, path: Path, *, season: int = 1) -> Path:
    """The figure of `forecast_figure`, written to `path` as PNG."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # A name in letters that no font here has is drawn as boxes; the forecast is no worse for it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        forecast_figure(series, forecasts, season=season).savefig(stream, format="png", dpi=130)
    write_bytes(path, stream.getvalue())
    return path


def forecast_figure(series: Series, forecasts: Forecasts, *, season: int = 1) -> Figure:
    """A panel for each forecast, at most six.

    Args:
        series: what the forecasts are of.
        forecasts: at most one window of each is shown well.
        season: steps; a few of them, or three horizons, are shown as history.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = range(min(len(forecasts.origins), _MOST_PANELS))
    columns = 1 if len(shown) == 1 else 2
    rows = -(-len(shown) // columns)
    figure = Figure(
        figsize=(5.2 * columns + (2 if columns == 1 else 0), 2.6 * rows + 0.6), layout="constrained"
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    for k in shown:
        draw_window(panels[k], series, forecasts, k, season)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def draw_window(panel: Axes, series: Series, forecasts: Forecasts, k: int, season: int) -> None:
    """The forecast number `k` into `panel`, with a few seasons before it."""
    draw_example(panel, Example.of(series, forecasts, k, season))


def draw_example(panel: Axes, example: Example) -> None:
    """One window into `panel`: what was before it, its interval, and what came where that is known."""
    origin, horizon = len(example.history), len(example.point)
    times = example.times

    def line(start: int, shown: np.ndarray, **style: Any) -> None:
        # A single value has no line.
        panel.plot(times[start : start + len(shown)], shown, marker="o" if len(shown) == 1 else "", **style)

    line(0, example.history, color=_HISTORY, linewidth=1, label="history")
    between, width = (panel.fill_between, 0) if horizon > 1 else (panel.vlines, 8)
    for share, (low, high) in example.intervals.items():
        between(
            times[origin:],
            low,
            high,
            color=_FORECAST,
            alpha=0.2,
            linewidth=width,
            label=f"{100 * share:g} % interval",
        )
    line(origin, example.point, color=_FORECAST, linestyle="--", linewidth=1.5, label="forecast")
    if len(example.truth):
        line(origin, example.truth, color=_TRUTH, linewidth=1.2, label="what came")
    panel.set_title(_short(example.series), fontsize="medium", loc="left", parse_math=False, family=_fonts())
    panel.grid(alpha=0.3)
    panel.tick_params(axis="x", labelsize="small")
    if example.dated:
        locator = date_locator()
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(date_formatter())


def date_locator() -> AutoDateLocator:
    """Where ticks of dates stand: seven at most, and two at least on spans from some microseconds to millennia."""
    from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator

    # With more than three at least, some spans (three to five years in months) are too long for the coarsest
    # interval of one unit and too short for the next unit, and matplotlib warns.
    locator = AutoDateLocator(minticks=3, maxticks=7)
    for unit in (MINUTELY, SECONDLY):  # without 2, seven minutes would have the one tick of a multiple of 5
        locator.intervald[unit] = [1, 2, 5, 10, 15, 30]
    return locator


def date_formatter() -> Formatter:
    """What stands at ticks of dates: the day, month or time, and below it, where it changes, what that is of.

    An axis so says all by itself: matplotlib's own concise form names the year or month of its last tick alone,
    which may be one that the data never reach.
    """
    from matplotlib.dates import num2date
    from matplotlib.ticker import Formatter

    class Dates(Formatter):
        def format_ticks(self, values: Sequence[float]) -> list[str]:
            return _dates(num2date(values))

        def __call__(self, x: float, pos: int | None = None) -> str:
            return num2date(x).isoformat(" ", "minutes")

    return Dates()


def _dates(times: Sequence[datetime]) -> list[str]:
    """A label for each tick.

    >>> _dates([datetime(1959, 12, 15), datetime(1959, 12, 22), datetime(1960, 1, 1)])
    ['15 Dec\\n1959', '22 Dec', '1 Jan\\n1960']
    >>> _dates([datetime(1959, 7, 1), datetime(1960, 1, 1)]), _dates([datetime(1958, 1, 1), datetime(1960, 1, 1)])
    (['Jul\\n1959', 'Jan\\n1960'], ['1958', '1960'])
    """
    if all((t.month, t.day, t.hour, t.minute, t.second) == (1, 1, 0, 0, 0) for t in times):
        return [str(t.year) for t in times]
    if all((t.hour, t.minute, t.second) == (0, 0, 0) for t in times):
        months = all(t.day == 1 for t in times)
        parts = [(f"{t:%b}" if months else f"{t.day} {t:%b}", str(t.year)) for t in times]
    else:
        exact = any(t.second for t in times)
        parts = [(f"{t:%H:%M:%S}" if exact else f"{t:%H:%M}", f"{t.day} {t:%b} {t.year}") for t in times]
    before = ["", *(of for _, of in parts)]
    return [own if of == last else f"{own}\n{of}" for (own, of), last in zip(parts, before, strict=False)]


def _short(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 1] + "…"


def _fonts() -> list[str]:
    """Matplotlib's own font, and those installed here that have what it lacks: Chinese, Japanese, Korean."""
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(name for name in _MORE_FONTS if name in there)]
