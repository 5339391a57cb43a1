"""The times of a column: dates, datetimes or numbers, whatever form people wrote them in."""

from __future__ import annotations

import numpy as np
import polars as pl

from recurra.data.series.grid import Grid, no_time
from recurra.data.sources.columns import missing
from recurra.data.sources.table import Table
from recurra.errors import DataError

_SAMPLED = 256
_STAMPS = ("time", "timestamp", "ts", "unix", "unixtime", "unixtimestamp", "epoch", "datetime", "date", "ds")
_STAMP_ENDS = ("time", "timestamp", "date")  # open_time, created_date
_YEAR = r"^(1[5-9]|2[01])\d\d$"
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = (
    r"(?:[ T](?<H>\d{1,2}):(?<M>\d{2})(?::(?<S>\d{2})(?<F>[.,]\d{1,9})?)?\s*(?<P>[AaPp][Mm])?"
    r"\s*(?<Z>Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?"
)
# Letters: y year, m month, d day, q quarter, w week of ISO 8601, n month by its name, a and b: a day and a
# month whose order is to be found out.
_DATES = {
    "year-month-day": r"(?<y>\d{4})(?<s>[-/.])(?<m>\d{1,2})[-/.](?<d>\d{1,2})",
    "yearmonthday": r"(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})",
    "year-month": r"(?<y>\d{4})[- ]?[-/.Mm](?<m>\d{1,2})",
    "short year-month": r"(?<y>\d{1,3})-(?<m>\d{1,2})",
    "day-month-year": r"(?<a>\d{1,2})[-/. ](?<b>\d{1,2})[-/. ](?<y>\d{4}|\d{2})",
    "month-year": r"(?<m>\d{1,2})[-/.](?<y>\d{4})",
    "year-quarter": r"(?<y>\d{4})[- ]?[Qq](?<q>[1-4])",
    "quarter-year": r"[Qq](?<q>[1-4])[- ]?(?<y>\d{4})",
    "year-week": r"(?<y>\d{4})-?W(?<w>\d{1,2})",
    "day name year": r"(?<d>\d{1,2})[- ](?<n>[A-Za-z]{3,9})[-, ]+(?<y>\d{4}|\d{2})",
    "name day year": r"(?<n>[A-Za-z]{3,9})[- ](?<d>\d{1,2}),? (?<y>\d{4})",
    "name year": r"(?<n>[A-Za-z]{3,9})[-, ]+(?<y>\d{4}|\d{2})",
}


def like_times(column: pl.Series, share: float = 0.9) -> bool:
    """Whether a column holds dates or datetimes, or strings that are plainly meant so.

    Args:
        share: of the first strings, those that must be times; the others may be mistakes.

    >>> like_times(pl.Series(["2010-01", "2010-02"])), like_times(pl.Series(["a1", "b2"]))
    (True, False)
    """
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return True
    if column.dtype != pl.String:
        return False
    cells = column.drop_nulls().head(_SAMPLED).alias("cell").to_frame()
    head = cells.filter(~missing(pl.col("cell")))["cell"].str.strip_chars()
    forms = [form for form in _DATES if len(head) and _matches(head, form).mean() >= share]
    return any(_read(head, form)[1].mean() >= share for form in forms)


def named_by_times(names: list[str]) -> list[str]:
    """Those of the names that are dates or years, as `times_in_names` reads them.

    >>> named_by_times(["id", "1/2/20", "1/3/20"])
    ['1/2/20', '1/3/20']
    """
    column = pl.Series("time", [name.strip() for name in names], dtype=pl.String)
    good = column.str.contains(_YEAR).to_numpy()
    for form in _DATES:
        matched = np.flatnonzero(_matches(column, form))
        if len(matched):
            good[matched] |= _read(column[matched], form)[1]
    return [name for name, one in zip(names, good, strict=True) if one]


def times_in_names(names: list[str]) -> pl.Series | None:
    """The times that columns are named by, dates or years; None where one is named otherwise.

    >>> times_in_names(["1960", "1961"]).to_list(), times_in_names(["V1", "V2"])
    ([1960, 1961], None)
    """
    column = pl.Series("time", [name.strip() for name in names], dtype=pl.String)
    if not len(column):
        return None
    if column.str.contains(_YEAR).all():
        return column.cast(pl.Int64)
    if not any(bool(_matches(column, form).all()) for form in _DATES):
        return None
    return read_times(Table(column.to_frame(), "the names of the columns", "names"), "time")


def read_times(table: Table, name: str, grid: Grid | None = None) -> pl.Series:
    """(rows,) dates, datetimes or numbers of a column; dates where no row has a clock.

    Strings may be written year first (2010-12-31, 2010/12/31 23:59, 20101231, 2010-12, 2010Q4, 2010-W52), day
    or month first (31/12/2010, 12/31/2010, told apart by the numbers, or by which is evenly spaced), or with
    the month by its English name (31 Dec 2010, Dec 2010). Whole numbers of eight digits that all are dates
    (20101231) are dates, as are those of six digits that all are months of several years (201012); those that
    count seconds, or milli-, micro- or nanoseconds, since 1970, in a column that its name says to be times, are
    datetimes.

    Of times with one offset from UTC (+01:00) their own clock counts. Times with several offsets, as where a clock
    was put forward, are turned into UTC and have that zone; those among them without an offset are UTC already.

    Args:
        grid: that the times are to stand on, where that is settled: numbers are then read as it has them, and offsets
            count where it has a zone.

    Raises:
        DataError: a row has no time, or is not written as the others are, or day and month cannot be told
            apart; with the row.

    >>> read_times(Table(pl.DataFrame({"t": ["31/12/2010", "01/01/2011"]}), "x", "csv"), "t").to_list()
    [datetime.date(2010, 12, 31), datetime.date(2011, 1, 1)]
    """
    column = table.frame[name]
    where = f"{table.origin}, column {name!r}"
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.dtype == pl.String:
        column = column.to_frame().select(
            pl.when(~missing(pl.col(name))).then(pl.col(name).str.strip_chars())
        )
        column = column.to_series()
    if column.null_count():
        raise no_time(int(column.is_null().arg_true()[0]) + 1, where)
    if column.dtype == pl.String:
        return _parsed(column, table.origin, name, grid)
    if column.dtype.is_numeric():
        infinite = ~np.isfinite(column.to_numpy())
        if infinite.any():
            raise no_time(int(np.argmax(infinite)) + 1, where)
        if grid is not None and grid.kind == "number":
            return column
        few = grid is not None
        for found in (_written_as_days(column), _written_as_months(column, few), _since_1970(column)):
            if found is not None:
                return found
        return column
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return column
    raise DataError(
        f"this column holds no times (its type is {column.dtype})",
        where=where,
        fix="Name a column of dates or numbers (--time COLUMN).",
    )


def _written_as_days(column: pl.Series) -> pl.Series | None:
    """Dates written as whole numbers of eight digits, 20101231; None where one of them is none."""
    values = column.to_numpy()
    if not len(values) or values.min() < 1700_01_01 or values.max() > 2199_12_31 or (values % 1 != 0).any():
        return None
    text = column.cast(pl.Int64).cast(pl.String)
    times, good, *_ = _read(text, "yearmonthday")
    return _series(times, clock=False) if good.all() else None


def _written_as_months(column: pl.Series, few: bool) -> pl.Series | None:
    """First days of months written as whole numbers of six digits, 201012; None where one of them is none.

    Args:
        few: whether one month is enough; else there must be three, of more than one year, as counts of things may
            look like that.
    """
    values = column.to_numpy()
    if not len(values) or values.min() < 1500_01 or values.max() > 2199_12 or (values % 1 != 0).any():
        return None
    year, month = np.divmod(values.astype(np.int64), 100)
    days, good = _days(year, month, np.ones_like(month))
    if not good.all() or not (few or (len(np.unique(values)) >= 3 and len(np.unique(year)) > 1)):
        return None
    return _series(days * 86_400_000_000, clock=False)


def _since_1970(column: pl.Series) -> pl.Series | None:
    """Datetimes of seconds, or thousandths, millionths or billionths of one, since 1970, of years from 2000 on; None
    where they mean something else.
    """
    plain = "".join(filter(str.isalnum, column.name.lower()))
    values = column.to_numpy()
    if not (plain in _STAMPS or plain.endswith(_STAMP_ENDS)) or not len(values) or (values % 1 != 0).any():
        return None
    for a_second in (1, 1_000, 1_000_000, 1_000_000_000):
        if values.min() >= 946_684_800 * a_second and values.max() < 4_102_444_800 * a_second:
            seconds, rest = np.divmod(values.astype(np.int64), a_second)
            stamps = seconds * 1_000_000 + rest * 1_000_000 // a_second
            return pl.Series("time", stamps).cast(pl.Datetime("us"))
    return None


def _parsed(column: pl.Series, origin: str, name: str, grid: Grid | None) -> pl.Series:
    """Strings to times, by the form that most of the first of them have."""
    where = f"{origin}, column {name!r}"
    head = column.head(_SAMPLED)
    forms = {form: int(_matches(head, form).sum()) for form in _DATES}
    form = max(forms, key=lambda f: forms[f])
    if not forms[form]:
        raise DataError(
            f"{column[0]!r} (row 1) is no time in a form that is known",
            where=where,
            fix="Write times as 2024-12-31 or 2024-12-31 23:59:59, as 2024-12, or as numbers.",
        )
    times, good, clock, ahead = _read(column, form, where)
    if not good.all():
        bad = np.flatnonzero(~good)
        more = f" (and {len(bad) - 1} more such rows)" if len(bad) > 1 else ""
        raise DataError(
            f"{column[int(bad[0])]!r} is no time of the form {form}, as the others are{more}",
            where=f"{origin}, row {bad[0] + 1}, column {name!r}",
            fix="Mend it, or leave the row out.",
        )
    offsets = np.unique(ahead[~np.isnan(ahead)])
    if len(offsets) > 1 if grid is None else len(offsets) > 0 and grid.zone is not None:
        utc = times - np.nan_to_num(ahead).astype(np.int64)
        return _series(utc, clock).dt.replace_time_zone("UTC")
    return _series(times, clock)


def _series(times: np.ndarray, clock: bool) -> pl.Series:
    found = pl.Series("time", times).cast(pl.Datetime("us"))
    return found if clock else found.cast(pl.Date)


def _matches(column: pl.Series, form: str) -> np.ndarray:
    return column.str.contains(_whole(form)).to_numpy()


def _whole(form: str) -> str:
    return "^" + _DATES[form] + _CLOCK + "$"


def _read(
    column: pl.Series, form: str, where: str | None = None
) -> tuple[np.ndarray, np.ndarray, bool, np.ndarray]:
    """(n,) int64 microseconds since 1970, (n,) bool whether the string is a time of this form, whether any has a
    clock, and (n,) how many microseconds that is ahead of UTC, NaN where it does not say.

    Args:
        where: for the error where day and month cannot be told apart; None takes either.
    """
    # Many rows share few times in tables of many series; each is read once.
    values = column.unique(maintain_order=True)
    parts = values.str.extract_groups(_whole(form)).struct.unnest()
    part = {name: parts[name] for name in parts.columns}
    ones = np.ones(len(values), dtype=np.int64)

    def whole(name: str, default: int) -> np.ndarray:
        if name not in part:
            return ones * default
        return part[name].cast(pl.Int64, strict=False).fill_null(default).to_numpy()

    year = whole("y", -1)
    if "y" in part and form != "short year-month":
        short = (part["y"].str.len_chars() == 2).fill_null(False).to_numpy()
        year = np.where(short, np.where(year < 69, 2000, 1900) + year, year)
    good = year >= 0
    clock, in_range = _clock(part, whole)
    good &= in_range
    if "a" in part:
        order = _day_first(year, whole("a", 0), whole("b", 0), clock, good, where)
        day, month = (whole("a", 0), whole("b", 0)) if order else (whole("b", 0), whole("a", 0))
    elif "n" in part:
        names = part["n"].str.slice(0, 3).str.to_lowercase().to_list()
        month = np.array([_NAMES.index(name) + 1 if name in _NAMES else 0 for name in names], dtype=np.int64)
        day = whole("d", 1)
    else:
        month = whole("q", 1) * 3 - 2 if "q" in part else whole("m", 1)
        day = whole("d", 1)
    days, exists = _days(year, month, day)
    if "w" in part:
        # The week of ISO 8601 that holds the 4th of January is the first.
        fourth, _ = _days(year, ones, ones * 4)
        days = fourth - (fourth + 3) % 7 + 7 * (whole("w", 1) - 1)
        # A week is of the year that its Thursday is in: not every year has a 53rd.
        new_year, _ = _days(year + 1, ones, ones)
        exists = (whole("w", 0) >= 1) & (days + 3 < new_year)
    good &= exists
    times = np.where(good, days, 0) * 86_400_000_000 + clock
    has_clock = "H" in part and part["H"].null_count() < len(values)
    ahead = _ahead(part["Z"])
    if len(values) == len(column):
        return times, good, has_clock, ahead
    table = pl.DataFrame({"text": values, "time": times, "good": good, "ahead": ahead})
    joined = column.alias("text").to_frame().join(table, on="text", how="left", maintain_order="left")
    time, right, ahead = (joined[name].to_numpy() for name in ("time", "good", "ahead"))
    return time, right, has_clock, ahead


def _clock(part: dict[str, pl.Series], whole) -> tuple[np.ndarray, np.ndarray]:
    """(n,) microseconds since midnight, and whether hour, minute and second are in their ranges."""
    hour, minute, second = whole("H", 0), whole("M", 0), whole("S", 0)
    half = part["P"].str.to_lowercase()
    hour = np.where(half.is_not_null().to_numpy(), hour % 12, hour)
    hour = hour + 12 * (half == "pm").fill_null(False).to_numpy()
    fraction = part["F"].str.slice(1).str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False)
    good = (hour < 24) & (minute < 60) & (second < 60)
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction.fill_null(0).to_numpy(), good


def _ahead(offset: pl.Series) -> np.ndarray:
    """(n,) microseconds of "+01:00", "-0530", "Z"; NaN where there is none."""
    digits = offset.str.replace_all(r"\D", "")
    hours, minutes = (digits.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (0, 2))
    found = (
        (hours * 60 + minutes).to_numpy()
        * 60e6
        * np.where(offset.str.starts_with("-").fill_null(False), -1, 1)
    )
    return np.where(offset.is_null(), np.nan, found)


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) days since 1970, and (n,) bool: whether there is such a day."""
    start = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first = start.astype("datetime64[D]").astype(np.int64)
    last = (start + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64)
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last - first)
    return first + day - 1, good


def _day_first(
    year: np.ndarray, a: np.ndarray, b: np.ndarray, clock: np.ndarray, good: np.ndarray, where: str | None
) -> bool:
    """Whether the first of two numbers is the day: the one that goes above 12, else the evener spacing."""
    if a[good].max(initial=0) > 12 or b[good].max(initial=0) > 12:
        return bool(a[good].max(initial=0) > 12)
    even = []
    for day, month in ((a, b), (b, a)):
        times = np.unique((_days(year, month, day)[0] * 86_400_000_000 + clock)[good])
        spacings = np.diff(times)
        in_months = np.diff(np.unique((year * 12 + month)[good & (day == day[0])]))
        shares = [
            np.unique(s, return_counts=True)[1].max(initial=0) / max(len(times) - 1, 1)
            for s in (spacings, in_months)
        ]
        even.append(max(shares))
    if where is not None and even[0] == even[1] and bool((a != b)[good].any()):
        raise DataError(
            f"day and month cannot be told apart in {a[good][0]:02}/{b[good][0]:02}/{year[good][0]}: no number "
            "is above 12",
            where=where,
            fix="Write the year first: 2024-12-31.",
        )
    return even[0] > even[1]
