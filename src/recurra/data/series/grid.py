"""The regular spacing of times: from a time to the number of its step, and back."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from recurra.data.series.frequency import WIDTHS, Frequency, parse_frequency
from recurra.data.sources.table import numbered
from recurra.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_DAY = WIDTHS["d"]
_NEAR = 1e-3  # of a step: how far plain numbers may be off and still stand on the grid


class Grid(BaseModel):
    """Steps at regular times, numbered from 0 at the origin; negative before it. JSON-safe.

    With width w of a step, time t has index k where

        t = origin + k w                                 of seconds to weeks, and of plain numbers
        t = the (k n)-th business day after the origin   of n business days, Monday to Friday
        t = day `day` of the (k m)-th month after it     of m months

    Args:
        kind: what times are: "datetime", "date" (days without a clock) or "number" (years, counters).
        frequency: as `parse_frequency` reads it; "" for numbers.
        origin: the time of step 0, of dates and datetimes as ISO 8601 has it.
        step: of numbers, the difference between neighbours.
        day: of months, quarters and years: the day of the month, or its last day where it has fewer; 31 is the
            end of months.
        within: every time from one step up to the next counts for the first of them, as do a month's days for the
            month; otherwise a time is either that of a step or off the grid.
        zone: the name of the time zone whose clock the times are of ("Europe/Berlin", "UTC"); times of other zones are
            turned into it. None where it is not known: times are then taken by the clock of their own zone.

    >>> import polars as pl
    >>> grid = Grid(kind="date", frequency="1mo", origin="2024-01-31", day=31)
    >>> grid.times_of(np.array([1, 2])).to_list()
    [datetime.date(2024, 2, 29), datetime.date(2024, 3, 31)]
    >>> grid.index_of(pl.Series([date(2025, 1, 31)]))
    array([12])
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["datetime", "date", "number"] = "number"
    frequency: str = ""
    origin: int | float | str = 0
    step: int | float = 1
    day: int | None = None
    within: bool = False
    zone: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Grid:
        if self.kind == "number":
            finite = not isinstance(self.origin, str) and math.isfinite(self.origin)
            if self.frequency or not finite or not (math.isfinite(self.step) and self.step > 0):
                raise ValueError("a grid of numbers has a number as origin, a positive step and no frequency")
            if self.zone is not None:
                raise ValueError("numbers have no time zone")
            return self
        if self.zone is not None and not _is_zone(self.zone):
            raise ValueError(f"there is no time zone {self.zone!r}")
        if not isinstance(self.origin, str):
            raise ValueError("the origin of a grid of dates is an ISO date")
        datetime.fromisoformat(self.origin)
        months = parse_frequency(self.frequency).months
        if (months is not None) != (self.day is not None) or not 1 <= (self.day or 1) <= 31:
            raise ValueError("a grid of months, and no other, has a day of the month")
        return self

    @property
    def every(self) -> Frequency | None:
        """The frequency in parts; None of numbers."""
        return parse_frequency(self.frequency) if self.frequency else None

    @property
    def words(self) -> str:
        """How often, for a sentence: "every 15 minutes"."""
        if self.every is not None:
            return f"every {self.every.words}"
        return "numbered steps" if self.step == 1 else f"numbers {self.step:g} apart"

    def index_of(
        self, times: pl.Series, *, rows: np.ndarray | None = None, where: str | None = None
    ) -> np.ndarray:
        """(n,) int64 index of each time.

        Args:
            times: dates, datetimes or numbers, as the grid's kind is; dates and datetimes may stand for each
                other.
            rows: (n,) index of each one's row, for messages; else its place.
            where: what the times are from, for messages.

        Raises:
            DataError: a time is missing, of another kind, or off the grid; with the rows.
        """
        index, on = self.place(ticks(times, self.kind == "number", where, self.zone))
        if not on.all():
            off = np.flatnonzero(~on)
            at = (off if rows is None else rows[off]) + 1
            raise DataError(
                f"{shown(times, int(off[0]))} ({numbered(sorted(at.tolist()))}) is off the grid of times: "
                f"{self.words}, such as {shown(self.times_of(np.zeros(1, dtype=np.int64)), 0)}",
                where=where,
                fix="Mend the times or leave these rows out; or say how often the steps are (--frequency), "
                "and every time counts for the step that it falls into.",
            )
        return index

    def place(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) int64 index of each of the `ticks`, and (n,) bool: whether it is on the grid."""
        if self.every is None:
            exact = (at - np.float64(self.origin)) / self.step
            index = np.floor(exact + _NEAR) if self.within else np.round(exact)
            return index.astype(np.int64), self.within | (np.abs(exact - index) <= _NEAR)
        origin = self._origin
        if self.every.width is not None:
            index, rest = np.divmod(at - origin, self.every.width)
            return index, self.within | (rest == 0)
        same_clock = at % _DAY == origin % _DAY
        if self.every.months is None:
            days = np.append(at, origin) // _DAY
            number, business = business_days(days)
            steps = number[:-1] - number[-1]
            fits = same_clock & business[:-1] & (steps % self.every.count == 0)
            return steps // self.every.count, self.within | fits
        month, day, last = months_and_days(np.append(at, origin))
        steps = month[:-1] - month[-1]
        fits = same_clock & (day == np.minimum(self.day or 31, last))[:-1] & (steps % self.every.months == 0)
        return steps // self.every.months, self.within | fits

    def times_of(self, indices: np.ndarray) -> pl.Series:
        """(n,) dates, datetimes or numbers of steps, named "time"; datetimes by the clock of their zone."""
        import polars as pl

        indices = np.asarray(indices, dtype=np.int64)
        if self.every is None:
            whole = isinstance(self.origin, int) and isinstance(self.step, int)
            times = np.asarray(self.origin) + indices * self.step
            return pl.Series("time", times, dtype=pl.Int64 if whole else pl.Float64)
        times = pl.Series("time", self.ticks_of(indices)).cast(pl.Datetime("us"))
        return times.cast(pl.Date) if self.kind == "date" else times

    def in_zone(self, times: pl.Series) -> pl.Series:
        """Datetimes of `times_of` with the time zone of the grid, if it has one; others as they are.

        An hour that the clock passes twice is the first; one that it leaves out is the one after it.
        """
        import polars as pl

        if self.zone is None or times.dtype == pl.Date:
            return times
        after = times.dt.offset_by("1h")
        found, next_ones = (
            each.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
            for each in (times, after)
        )
        return found.zip_with(found.is_not_null(), next_ones)

    def ticks_of(self, indices: np.ndarray) -> np.ndarray:
        """(n,) int64 microseconds since 1970 of steps; not for numbers."""
        assert self.every is not None
        origin = self._origin
        if self.every.width is not None:
            return origin + indices * self.every.width
        clock = origin % _DAY
        if self.every.months is None:
            number = business_days(np.array([origin // _DAY]))[0][0] + indices * self.every.count
            return (number // 5 * 7 + number % 5 - 3) * _DAY + clock
        month = months_and_days(np.array([origin]))[0][0] + indices * self.every.months
        first, following = month_start(month), month_start(month + 1)
        return (first + np.minimum(self.day or 31, following - first) - 1) * _DAY + clock

    @property
    def _origin(self) -> int:
        return (datetime.fromisoformat(str(self.origin)) - datetime(1970, 1, 1)) // datetime.resolution


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def ticks(times: pl.Series, numbers: bool, where: str | None = None, zone: str | None = None) -> np.ndarray:
    """(n,) int64 microseconds since 1970 of dates and datetimes, by the clock of their own zone; or numbers.

    Args:
        zone: by the clock of this one instead, of times whose own zone is known.

    Raises:
        DataError: a time is missing, or dates are given for numbers, or the reverse.
    """
    import polars as pl

    if times.null_count():
        raise no_time(int(times.is_null().arg_true()[0]) + 1, where)
    dated = times.dtype == pl.Date or isinstance(times.dtype, pl.Datetime)
    if dated == numbers or not (dated or times.dtype.is_numeric()):
        kinds = ("dates", "numbers") if numbers else ("something else", "dates")
        raise DataError(
            f"the times are {kinds[0]} (their type is {times.dtype}), and {kinds[1]} were expected",
            where=where,
            fix="Give times of the kind that the series had when it was first read.",
        )
    if not dated:
        return times.to_numpy()
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None:
        own = times if zone is None else times.dt.convert_time_zone(zone)
        times = own.dt.replace_time_zone(None)
    return times.cast(pl.Datetime("us")).to_physical().to_numpy()


def no_time(row: int, where: str | None) -> DataError:
    """The error for a row without a time."""
    return DataError(
        f"there is no time in row {row}, and the rows are ordered by it",
        where=where,
        fix="Fill it in, or leave the row out.",
    )


def shown(times: pl.Series, place: int) -> str:
    """One time as people write it.

    >>> import polars as pl
    >>> shown(pl.Series([datetime(2024, 1, 1, 6)]), 0), shown(pl.Series([date(2024, 1, 1)]), 0)
    ('2024-01-01 06:00', '2024-01-01')
    """
    time = times[place]
    if isinstance(time, datetime):
        return time.replace(tzinfo=None).isoformat(" ", "auto" if time.second else "minutes")
    return time.isoformat() if isinstance(time, date) else f"{time:g}" if time % 1 else str(int(time))


def business_days(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) count of business days since Monday before 1970, and (n,) bool: whether the day is one.

    Args:
        days: (n,) days since 1970-01-01, a Thursday.
    """
    week, weekday = np.divmod(days + 3, 7)
    return week * 5 + np.minimum(weekday, 4), weekday < 5


def months_and_days(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) months since January 1970, (n,) day of the month from 1, and (n,) days that month has."""
    days = at // _DAY
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first = month_start(month)
    return month, days - first + 1, month_start(month + 1) - first


def month_start(month: np.ndarray) -> np.ndarray:
    """(n,) days since 1970 of the first of each month, counted since January 1970."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
