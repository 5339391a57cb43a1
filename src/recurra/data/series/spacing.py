"""How often: the regular grid that times stand on, worked out from their spacings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recurra.data.series.frequency import WIDTHS, Frequency, of_months, of_width, parse_frequency
from recurra.data.series.grid import Grid, business_days, month_start, months_and_days, ticks
from recurra.errors import DataError, InputError

if TYPE_CHECKING:
    import polars as pl

_DAY = WIDTHS["d"]
_MOST = 0.5
_NEAR = 3  # steps
_WITHIN = "a time counts for the step that it falls into"
_MONTHLY = 27 * _DAY  # no month is shorter


def infer_grid(
    times: pl.Series,
    series: np.ndarray | None = None,
    *,
    frequency: str | None = None,
    where: str | None = None,
) -> tuple[Grid, str]:
    """The grid of `times`, and a phrase that says how it was judged.

    Spacings are those between neighbouring different times of one series, of all series together. Whole
    months, quarters and years are told by the day of the month, days without Saturdays and Sundays are
    business days; else the commonest spacing it is.

    Args:
        times: dates, datetimes or numbers, in any order, some perhaps repeated.
        series: (n,) int64 which series each belongs to; one where it is left out.
        frequency: what a person says of it; of numbers, their step.
        where: for messages.

    Raises:
        DataError: no two different times, or spacings of which fewer than half fit together.
        InputError: `frequency` is none, or of another kind than the times.

    >>> import polars as pl
    >>> from datetime import date
    >>> grid, why = infer_grid(pl.Series([date(2024, 3, 1), date(2024, 1, 1), date(2024, 2, 1)]))
    >>> grid.frequency, why
    ('1mo', 'all 2 spacings fit')
    """
    grid, why = _inferred(times, series, frequency, where)
    zone = getattr(times.dtype, "time_zone", None)
    return (grid if zone is None else grid.model_copy(update={"zone": zone})), why


def _inferred(
    times: pl.Series, series: np.ndarray | None, frequency: str | None, where: str | None
) -> tuple[Grid, str]:
    """By the clock that the times have, whatever its zone."""
    import polars as pl

    at = ticks(times, times.dtype.is_numeric(), where)
    order = np.argsort(at, kind="stable") if series is None else np.lexsort((at, series))
    at = at[order]
    one = np.ones(len(at) - 1, dtype=bool) if series is None else np.diff(series[order]) == 0
    spacings = np.diff(at)
    one &= spacings > 0
    if frequency is None and not one.any():
        raise DataError(
            "no series has two different times, so it cannot be told how often the steps are",
            where=where,
            fix="Give more rows, or say how often (--frequency 1h, 1d, 1mo, ...).",
        )
    if times.dtype.is_numeric():
        return _of_numbers(at, spacings[one], frequency, where)
    kind = "date" if times.dtype == pl.Date else "datetime"
    later = np.flatnonzero(one) + 1
    if frequency is not None:
        grid = _dated(kind, at, parse_frequency(frequency))
        if bool(grid.place(at)[1].all()) and not grid.within:
            return grid, "as asked"
        return _whole_periods(kind, at, parse_frequency(frequency)), f"as asked; {_WITHIN}"
    found, steps = _spacing(at, later, spacings[one])
    fit = float((steps > 0).mean())
    # Any times are multiples of something small: most neighbours must also be near each other.
    if float(((steps > 0) & (steps <= _NEAR)).mean()) < _MOST:
        raise _irregular(spacings[one], where)
    if fit == 1.0:
        why = f"all {len(later):,} spacings fit" if len(later) > 1 else "the only spacing"
    else:
        why = f"{100 * fit:.1f} % of {len(later):,} spacings fit"
    grid = _dated(kind, at, found)
    return grid, f"{why}; {_WITHIN}" if grid.within else why


def _spacing(at: np.ndarray, later: np.ndarray, spacings: np.ndarray) -> tuple[Frequency, np.ndarray]:
    """The likeliest frequency, and (m,) how many steps of it each spacing is; 0 where that is no whole number.

    Args:
        at: (n,) sorted microseconds, series after series.
        later: (m,) the place of the second time of each spacing.
        spacings: (m,) microseconds.
    """
    width = _commonest(spacings)
    multiple = _whole(spacings, width)
    if float(np.median(spacings)) >= _MONTHLY:
        month, day, last = months_and_days(at)
        steps = month[later] - month[later - 1]
        anchored = bool((day == np.minimum(_anchor(day, last), last)).all())
        # Days that drift through the months evenly are a spacing of days, not of months.
        if anchored or (not multiple.all() and bool((steps > 0).all())):
            months = _commonest(steps)
            return of_months(months), _whole(steps, months)
    if width == _DAY and bool((at % _DAY == at[0] % _DAY).all()):
        number, business = business_days(at // _DAY)
        steps = number[later] - number[later - 1]
        if bool(business.all()) and bool((spacings // _DAY > steps).any()):
            return Frequency(1, "b"), steps
    return of_width(width), multiple


def _dated(kind: str, at: np.ndarray, every: Frequency) -> Grid:
    """The grid of this frequency on which most of the times stand, from the first of those."""
    clock = at % _DAY
    day, within = None, False
    if every.width is not None:
        phase = at % every.width
    elif every.months is None:
        number, business = business_days(at // _DAY)
        phase = np.where(business, number % every.count * _DAY + clock, -1)
    else:
        month, days, last = months_and_days(at)
        day = _anchor(days, last)
        within = not bool((days == np.minimum(day, last)).all())
        if within:
            day = 31 if float(np.median(last - days)) <= 4 else 1 if float(np.median(days)) <= 4 else day
        phase = month % every.months * _DAY + (0 if within else clock)
    usual = _commonest(phase[phase >= 0]) if bool((phase >= 0).any()) else -1
    return _grid(kind, every, int(at[phase == usual].min()), day, within)


def _whole_periods(kind: str, at: np.ndarray, every: Frequency) -> Grid:
    """The grid of this frequency on which every time counts for the step it falls into: clock hours, days,
    weeks from Monday, months, quarters and years of the calendar, with the first of the times in step 0.
    """
    first = int(at.min())
    day = first // _DAY
    if every.months is not None:
        month = int(months_and_days(np.array([first]))[0][0]) // every.months * every.months
        return _grid(kind, every, int(month_start(np.array([month]))[0]) * _DAY, 1, True)
    if every.width is None or every.width % _DAY == 0:
        weeks = every.width is not None and every.width % WIDTHS["w"] == 0
        return _grid(kind, every, (day - (day + 3) % 7 if weeks else day) * _DAY, None, True)
    return _grid(kind, every, first // every.width * every.width, None, True)


def _grid(kind: str, every: Frequency, first: int, day: int | None, within: bool) -> Grid:
    whole_days = kind == "date" and (every.width is None or every.width % _DAY == 0)
    origin = np.datetime64(first, "us")
    return Grid(
        kind="date" if whole_days else "datetime",
        frequency=str(every),
        origin=str(origin.astype("datetime64[D]") if whole_days else origin).removesuffix(".000000"),
        day=day,
        within=within,
    )


def _anchor(day: np.ndarray, last: np.ndarray) -> int:
    """The day of the month that all times seem to mean; 31 where all are the ends of months."""
    return 31 if bool((day == last).all()) else int(day.max())


def _of_numbers(
    at: np.ndarray, spacings: np.ndarray, frequency: str | None, where: str | None
) -> tuple[Grid, str]:
    whole = at.dtype.kind in "iu" or bool((at % 1 == 0).all())
    if frequency is not None:
        try:
            step = float(frequency)
        except ValueError:
            step = 0.0
        if not (0 < step < np.inf):
            raise InputError(
                f"the times are plain numbers, and {frequency!r} is no number",
                where="--frequency",
                fix="Give the difference between one step and the next, or leave it out.",
            )
        steps = np.ones(1)
    elif whole:
        step = _commonest(spacings.astype(np.int64))
        steps = _whole(spacings, step)
    else:
        middle = float(np.median(spacings))
        steps = np.round(spacings / middle)
        steps = np.where(np.abs(spacings / middle - steps) <= 1e-3, steps, 0)
        step = float(f"{spacings[steps > 0].sum() / max(steps.sum(), 1):.12g}")
    if float(((steps > 0) & (steps <= _NEAR)).mean()) < _MOST:
        raise DataError(
            f"the numbers that order the rows are not evenly spaced (the commonest difference is "
            f"{step:g}, and few are near it)",
            where=where,
            fix="Give the step between them (--frequency STEP), or another time column (--time COLUMN); or ignore this "
            "one (--ignore), and the rows are the steps.",
        )
    whole = whole and step % 1 == 0
    origin = at.min()
    if len(spacings):
        phase = np.round((at - origin) / step % 1, 3) % 1
        values, counts = np.unique(phase, return_counts=True)
        origin = at[phase == values[np.argmax(counts)]].min()
    grid = Grid(origin=int(origin) if whole else float(origin), step=int(step) if whole else step)
    if frequency is None:
        return grid, "by their differences"
    if bool(grid.place(at)[1].all()):
        return grid, "as asked"
    begin = float(at.min()) // step * step
    grid = Grid(origin=int(begin) if whole else begin, step=grid.step, within=True)
    return grid, f"as asked; {_WITHIN}"


def _whole(spacings: np.ndarray, step: int) -> np.ndarray:
    return np.where(spacings % step == 0, spacings // step, 0)


def _commonest(values: np.ndarray) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _irregular(spacings: np.ndarray, where: str | None) -> DataError:
    found, counts = np.unique(spacings, return_counts=True)
    first = np.argsort(-counts, kind="stable")[:3]
    told = ", ".join(f"{of_width(int(found[i]))} ({100 * counts[i] / len(spacings):.0f} %)" for i in first)
    finest = int(np.gcd.reduce(found))
    common = of_width(finest if 5 * finest >= np.median(spacings) else int(found[first[0]]))
    return DataError(
        f"the times are not evenly spaced: the commonest spacings are {told}",
        where=where,
        fix=f"Say how often the steps are, such as --frequency {common}, and every time counts for the step "
        "that it falls into.",
    )
