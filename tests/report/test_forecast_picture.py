"""The picture of a forecast: a PNG in which nothing overlaps, whatever the times and the names are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.dates import date2num, num2date

from recurra.data.series import Grid
from recurra.report.forecasts import date_locator, draw, forecast_figure
from recurra.runs.forecasts.run import Forecasts
from tests.data.series.made import made_series

GRIDS = [
    Grid(),
    Grid(origin=1749, step=1),
    Grid(kind="date", frequency="1d", origin="2024-02-10"),
    Grid(kind="date", frequency="1mo", origin="0001-01-01", day=1),
    Grid(kind="date", frequency="1mo", origin="1949-01-01", day=1),
    Grid(kind="date", frequency="1y", origin="1900-12-31", day=31),
    Grid(kind="datetime", frequency="1h", origin="2018-06-20T03:00:00"),
    Grid(kind="datetime", frequency="15min", origin="2018-06-20T03:00:00"),
]


def made(count=1, grid=GRIDS[2], origin=60, horizon=7):
    series = replace(made_series([60 + 3 * n for n in range(count)], holes=0.1), grid=grid)
    spread = np.array([-2.0, 0.0, 2.0])
    quantiles = 50 + np.arange(horizon)[None, :, None] + np.broadcast_to(spread, (count, horizon, 3))
    origins = np.stack([np.arange(count), np.full(count, origin)], axis=1)
    return series, Forecasts(origins, quantiles, (0.1, 0.5, 0.9))


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: f"{grid.kind} {grid.frequency} {grid.origin}")
def test_labels_of_times_do_not_overlap(grid):
    figure = forecast_figure(*made(2, grid))  # side by side, where there is least room
    figure.canvas.draw()
    for panel in figure.axes:
        low, high = panel.get_xlim()
        labels = [
            tick.label1.get_window_extent()
            for tick in panel.xaxis.get_major_ticks()
            if low <= tick.get_loc() <= high and tick.label1.get_text()
        ]
        assert len(labels) >= 2
        for left, right in pairwise(labels):
            assert left.x1 < right.x0


def test_ticks_say_which_year_and_month_they_are_of():
    # Days of 1959, and a forecast whose axis reaches to the first of January.
    grid = Grid(kind="date", frequency="1d", origin="1959-11-05", day=None)
    figure = forecast_figure(*made(1, grid, origin=50, horizon=8))
    figure.canvas.draw()
    (panel,) = figure.axes
    labels = [tick.label1.get_text() for tick in panel.xaxis.get_major_ticks()]
    assert labels[0].endswith("1959") and panel.xaxis.get_offset_text().get_text() == ""
    for label, tick in zip(labels, panel.xaxis.get_major_ticks(), strict=True):
        day = num2date(tick.get_loc())
        assert label.split("\n")[0] == f"{day.day} {day:%b}"
        assert label.endswith("\n1960") is (day.date() == date(1960, 1, 1))


@given(
    start=st.datetimes(datetime(1000, 1, 1), datetime(5000, 1, 1)),
    exponent=st.floats(0, 9.5),  # a second to a century
)
@example(start=datetime(1949, 1, 1), exponent=8.1)  # four years, which matplotlib's own settings warn of
@example(start=datetime(2018, 6, 20, 3), exponent=2.6)  # seven minutes
def test_any_span_has_two_to_seven_ticks_without_a_warning(start, exponent):
    stop = start + timedelta(seconds=10**exponent)
    ticks = date_locator().tick_values(start, stop)
    between = (ticks >= date2num(start)) & (ticks <= date2num(stop))
    assert 2 <= between.sum() <= 7


@pytest.mark.parametrize(("frequency", "horizon"), [("1h", 1), ("1d", 1), ("1mo", 12), ("1q", 4)])
def test_a_picture_of_months_or_of_one_step_is_drawn_without_a_warning(frequency, horizon, tmp_path):
    day = 1 if frequency in ("1mo", "1q") else None
    grid = Grid(kind="datetime", frequency=frequency, origin="2018-06-20", day=day)
    draw(*made(2, grid, origin=50, horizon=horizon), tmp_path / "f.png", season=12)


def test_history_forecast_interval_and_truth_are_told_apart():
    series, forecasts = made(origin=50)
    (panel,) = forecast_figure(series, forecasts).axes
    lines = {line.get_label(): line for line in panel.get_lines()}
    assert set(lines) == {"history", "forecast", "what came"}
    assert len({line.get_color() for line in lines.values()}) == 3
    assert np.array_equal(lines["what came"].get_ydata(), series.targets[0][50:57, 0], equal_nan=True)
    assert np.array_equal(lines["forecast"].get_ydata(), forecasts.point[0])
    assert lines["history"].get_ydata()[-1] == series.targets[0][49, 0]
    assert [each.get_label() for each in panel.collections] == ["80 % interval"]


def test_a_forecast_of_one_step_can_be_seen():
    (panel,) = forecast_figure(*made(origin=50, horizon=1)).axes
    marked = {line.get_label() for line in panel.get_lines() if line.get_marker() == "o"}
    assert marked == {"forecast", "what came"}
    (interval,) = panel.collections
    assert interval.get_linewidth()[0] > 0
    assert np.array_equal(interval.get_segments()[0][:, 1], [48, 52])


@pytest.mark.parametrize(("count", "panels"), [(1, 1), (3, 3), (9, 6)])
def test_at_most_six_panels_are_drawn(count, panels, tmp_path):
    series, forecasts = made(count)
    titled = [axes for axes in forecast_figure(series, forecasts).axes if axes.get_title(loc="left")]
    assert len(titled) == panels
    path = draw(series, forecasts, tmp_path / "f.png")
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("name", ["$x$ and $y", r"$\frac$", "北京", "a" * 200, "100 %", ""])
def test_any_name_can_be_drawn(name, tmp_path):
    series, forecasts = made()
    draw(replace(series, names=[name]), forecasts, tmp_path / "f.png")
