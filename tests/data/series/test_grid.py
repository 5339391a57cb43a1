"""Grids: every time on one has a number and comes back from it; spacings are judged as people would."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recurra.data.series.frequency import default_season, parse_frequency
from recurra.data.series.grid import Grid
from recurra.data.series.spacing import infer_grid
from recurra.data.series.times import like_times, read_times
from recurra.data.sources import Table, read
from recurra.errors import DataError, InputError

FREQUENCIES = ["100ms", "1s", "1min", "15min", "1h", "6h", "1d", "10d", "1b", "2b", "1w", "2w"]
MONTHS = ["1mo", "2mo", "1q", "2q", "1y", "2y"]


def grid_from(every: str, at: datetime, kind: str) -> Grid:
    months = parse_frequency(every).months is not None
    if every.endswith("b"):
        at += timedelta(days=-max(at.weekday() - 4, 0))
    if kind == "date":
        return Grid(
            kind="date", frequency=every, origin=at.date().isoformat(), day=at.day if months else None
        )
    return Grid(kind="datetime", frequency=every, origin=at.isoformat(), day=at.day if months else None)


@st.composite
def grids(draw) -> Grid:
    kind = draw(st.sampled_from(["datetime", "date", "number"]))
    if kind == "number":
        whole = st.integers(-3000, 3000), st.integers(1, 500)
        real = st.floats(-1e3, 1e3), st.floats(0.01, 1e3)
        origin, step = draw(st.one_of(st.tuples(*whole), st.tuples(*real)))
        return Grid(origin=origin, step=step)
    every = draw(st.sampled_from([*FREQUENCIES, *MONTHS]))
    at = draw(st.datetimes(datetime(1800, 1, 1), datetime(2100, 1, 1)))
    if kind == "date" and parse_frequency(every).unit in ("ms", "s", "min", "h"):
        every = "1d"
    return grid_from(every, at, kind)


@given(grids(), st.lists(st.integers(-900, 900), min_size=1))
def test_every_step_has_a_time_and_every_time_its_step(grid, indices):
    times = grid.times_of(np.array(indices))
    assert grid.index_of(times).tolist() == indices
    again = grid.times_of(grid.index_of(times))
    assert again.dtype == times.dtype
    assert again.to_list() == times.to_list()
    assert len(set(times.to_list())) == len(set(indices))
    assert sorted(times.to_list()) == grid.times_of(np.sort(indices)).to_list()
    assert Grid.model_validate_json(grid.model_dump_json()) == grid


@given(grids().filter(lambda grid: grid.kind != "number"), st.integers(40, 60), st.data())
def test_a_grid_is_found_again_from_its_times(grid, steps, data):
    """With holes, in any order: the same times have the same distances in steps."""
    # Ten neighbours, or days might by chance be those without a weekend.
    kept = sorted({*range(10), *data.draw(st.lists(st.integers(0, steps - 1), min_size=steps // 2))})
    if np.median(np.diff(kept)) > 1:
        return
    times = grid.times_of(np.array(kept))
    if grid.every.unit == "b" and grid.every.count == 2:
        return  # every other business day is a mixture of 2 and 4 days: it is only taken when asked for
    found, _ = infer_grid(times.sample(fraction=1.0, shuffle=True, seed=0))
    index = found.index_of(times)
    multiple = np.diff(index) / np.diff(kept)
    assert found.kind == grid.kind
    assert (multiple == multiple[0]).all() and multiple[0] >= 1
    assert found.frequency == grid.frequency


@pytest.mark.parametrize("every", [*FREQUENCIES, *MONTHS])
def test_frequencies_are_written_as_read(every):
    grid = grid_from(every, datetime(2020, 1, 6), "datetime")
    found, why = infer_grid(grid.times_of(np.arange(30)), frequency=every)
    assert (found.frequency, why) == (str(parse_frequency(every)), "as asked")
    assert found.index_of(grid.times_of(np.arange(5))).tolist() == [0, 1, 2, 3, 4]


def days(start: str, count: int, step: int = 1) -> pl.Series:
    return pl.Series([date.fromisoformat(start) + timedelta(days=step * i) for i in range(count)])


@pytest.mark.parametrize(
    ("times", "frequency"),
    [
        (days("2024-01-01", 30), "1d"),
        (days("2024-01-01", 30).filter(days("2024-01-01", 30).dt.weekday() < 6), "1b"),
        (days("2024-01-01", 5), "1d"),  # Monday to Friday: no weekend was seen
        (days("2024-01-01", 30, 7), "1w"),
        (days("2024-01-01", 30, 28), "4w"),
        (days("2024-01-01", 30, 30), "30d"),
        (pl.Series([date(1950 + i, 6, 30) for i in range(9)]), "1y"),
        (pl.Series([date(2001, m, 28 + (m != 2) * 2) for m in (2, 3, 4, 6)]), "1mo"),
        (pl.Series([date(2001, 3 * q, 30 + (q in (1, 4))) for q in range(1, 5)]), "1q"),
        # Last trading days: no two in a month, never on the same day.
        (pl.Series([date(2024, m, d) for m, d in enumerate((31, 29, 28, 30, 31, 28, 31, 30), 1)]), "1mo"),
    ],
)
def test_spacings_of_days(times, frequency):
    grid, _ = infer_grid(times)
    assert (grid.kind, grid.frequency) == ("date", frequency)
    index = grid.index_of(times)
    assert index[0] == 0 and (np.diff(index) >= 1).all()


def test_month_ends_stay_month_ends():
    grid, _ = infer_grid(pl.Series([date(2023, 2, 28), date(2023, 3, 31), date(2023, 4, 30)]))
    assert grid.times_of(np.array([3, 12])).to_list() == [date(2023, 5, 31), date(2024, 2, 29)]
    grid, _ = infer_grid(pl.Series([date(2023, 1, 30), date(2023, 2, 28), date(2023, 3, 30)]))
    assert grid.times_of(np.array([3, 13])).to_list() == [date(2023, 4, 30), date(2024, 2, 29)]


def test_varying_days_of_the_month_stand_for_their_month():
    times = pl.Series([date(2024, m, d) for m, d in enumerate((31, 29, 28, 30, 31, 28), 1)])
    grid, _ = infer_grid(times)
    assert grid.within
    assert grid.index_of(times).tolist() == list(range(6))
    assert grid.times_of(np.array([6])).to_list() == [date(2024, 7, 31)]


def test_numbers_are_years_and_counters():
    grid, _ = infer_grid(pl.Series([1949, 1951, 1950, 1953]))
    assert (grid.frequency, grid.origin, grid.step) == ("", 1949, 1)
    times = grid.times_of(np.array([5]))
    assert (times.dtype, times.to_list()) == (pl.Int64, [1954])
    grid, _ = infer_grid(pl.Series(np.arange(1000) * 0.1))
    assert grid.step == 0.1
    assert grid.index_of(pl.Series([0.3, 99.9])).tolist() == [3, 999]


def test_series_are_judged_together_and_apart():
    hours = [datetime(2024, 1, 1) + timedelta(hours=h) for h in range(6)]
    times, series = pl.Series([*hours, *hours]), np.repeat([0, 1], 6)
    assert infer_grid(times, series)[0].frequency == "1h"
    half = pl.Series([*hours, *[h + timedelta(minutes=30) for h in hours]])
    grid, _ = infer_grid(half, series)
    with pytest.raises(DataError, match=r"rows 7, 8, .*off the grid.*every hour"):
        grid.index_of(half)


def test_uneven_spacings_are_told():
    times = pl.Series([datetime(2024, 1, 1) + timedelta(hours=h * h) for h in range(20)])
    with pytest.raises(DataError, match=r"not evenly spaced.*--frequency 1h"):
        infer_grid(times)
    assert infer_grid(times, frequency="1h")[0].index_of(times).tolist() == [h * h for h in range(20)]
    with pytest.raises(DataError, match=r"two different times"):
        infer_grid(times[:1])
    assert infer_grid(times[:1], frequency="1h")[0].frequency == "1h"


def test_asked_for_times_count_for_the_step_they_fall_into():
    tens = [datetime(2024, 1, 1) + timedelta(minutes=10 * i, seconds=7 * i % 60) for i in range(50)]
    grid, why = infer_grid(pl.Series(tens), frequency="10min")
    assert grid.index_of(pl.Series(tens)).tolist() == [(t - tens[0]) // timedelta(minutes=10) for t in tens]
    assert why == "as asked; a time counts for the step that it falls into"
    hours = pl.Series([datetime(2024, 1, 1, 5) + timedelta(hours=h) for h in range(24 * 100)])
    for every, name in (("1d", "date"), ("1w", "week"), ("1mo", "month"), ("1q", "quarter")):
        grid, _ = infer_grid(hours, frequency=every)
        index = grid.index_of(hours)
        of_calendar = {"date": hours.dt.date(), "week": hours.dt.week()}.get(name)
        of_calendar = getattr(hours.dt, name)() if of_calendar is None else of_calendar
        assert (index + 1).tolist() == of_calendar.rank("dense").to_list()
        assert (grid.times_of(index) <= hours).all()
    shifted = [date(2024, 1, 1) + timedelta(days=7 * w + (w % 9 == 4)) for w in range(40)]
    assert infer_grid(pl.Series(shifted), frequency="1w")[0].index_of(pl.Series(shifted)).tolist() == list(
        range(40)
    )
    weekend = pl.Series([date(2024, 1, 5), date(2024, 1, 6), date(2024, 1, 8)])
    assert infer_grid(weekend, frequency="1b")[0].index_of(weekend).tolist() == [0, 0, 1]
    numbers = pl.Series([0.0, 1.4, 2.9, 4.0])
    assert infer_grid(numbers, frequency="2")[0].index_of(numbers).tolist() == [0, 0, 1, 2]


def test_off_the_grid_is_told_with_rows():
    grid = Grid(kind="datetime", frequency="1h", origin="2024-01-01T00:00:00")
    times = pl.Series([datetime(2024, 1, 1, 1), datetime(2024, 1, 1, 1, 30)])
    with pytest.raises(
        DataError, match=r"x.csv: 2024-01-01 01:30 \(row 8\) is off the grid.*2024-01-01 00:00"
    ):
        grid.index_of(times, rows=np.array([3, 7]), where="x.csv")
    with pytest.raises(DataError, match="dates were expected"):
        grid.index_of(pl.Series([1, 2]))
    with pytest.raises(DataError, match="numbers were expected"):
        Grid().index_of(times)
    business = Grid(kind="date", frequency="1b", origin="2024-01-05")
    assert business.index_of(pl.Series([date(2024, 1, 8), date(2024, 1, 4)])).tolist() == [1, -1]
    with pytest.raises(DataError, match="2024-01-06"):
        business.index_of(pl.Series([date(2024, 1, 6)]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "date", "frequency": "", "origin": "2024-01-01"},
        {"kind": "date", "frequency": "1mo", "origin": "2024-01-01"},
        {"kind": "date", "frequency": "1d", "origin": "yesterday"},
        {"kind": "number", "frequency": "1d"},
        {"kind": "number", "step": 0},
        {"kind": "number", "origin": "nan"},
        {"other": 1},
    ],
)
def test_a_grid_from_a_stranger_is_checked(wrong):
    with pytest.raises((ValidationError, InputError)):
        Grid.model_validate(wrong)


def test_frequencies_that_say_nothing():
    for text in ("", "often", "0d", "m", "-1d", "1.5h"):
        with pytest.raises(InputError, match="--frequency"):
            parse_frequency(text)
    assert [default_season(f) for f in ("30min", "1min", "1s", "2h", "5h", "2mo", "5mo")] == [
        48, 1440, 3600, 12, 1, 6, 1,
    ]  # fmt: skip


def parsed(*cells: str) -> list:
    return read_times(read({"t": list(cells)}), "t").to_list()


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["2010-12-31", "2011-1-1"], date(2010, 12, 31)),
        (["2010/12/31 23:59", "2011/01/01 00:00"], datetime(2010, 12, 31, 23, 59)),
        (["2016-07-01 00:00:00", "2016-07-01 01:00:00"], datetime(2016, 7, 1)),
        (["2016-07-01T01:00:00.25Z", "2016-07-01T02:00:00.5Z"], datetime(2016, 7, 1, 1, 0, 0, 250_000)),
        (["2016-07-01 01:00:00+02:00", "2016-07-01"], datetime(2016, 7, 1, 1)),
        (["31/12/2010", "01/01/2011"], date(2010, 12, 31)),
        (["12/31/2010", "01/01/2011"], date(2010, 12, 31)),
        (["31.12.10", "01.01.11"], date(2010, 12, 31)),
        (["1/1/2010 1:00 PM", "1/13/2010 12:30 AM"], datetime(2010, 1, 1, 13)),
        (["1949-01", "1949-02"], date(1949, 1, 1)),
        (["1-12", "2-01"], date(1, 12, 1)),
        (["2010Q4", "2011Q1"], date(2010, 10, 1)),
        (["2010M12", "2011M01"], date(2010, 12, 1)),
        (["2020-W53", "2021-W01"], date(2020, 12, 28)),
        (["Dec 2010", "January 2011"], date(2010, 12, 1)),
        (["31 Dec 2010", "1 Jan 2011"], date(2010, 12, 31)),
        (["Dec-10", "Jan-11"], date(2010, 12, 1)),
    ],
)
def test_forms_of_dates(cells, first):
    assert like_times(pl.Series(cells))
    assert parsed(*cells)[0] == first
    assert type(parsed(*cells)[0]) is type(first)


def test_day_and_month_are_told_by_what_is_even():
    daily = [f"{d.month}/{d.day}/{d.year}" for d in days("2010-01-01", 12).to_list()]
    with pytest.raises(DataError, match="cannot be told apart"):  # or the first of every month
        parsed(*daily)
    monthly = [f"01/{m:02}/{y}" for y in (2010, 2011) for m in range(1, 13)]
    assert parsed(*monthly)[1] == date(2010, 2, 1)
    with pytest.raises(DataError, match=r"cannot be told apart in 01/02/2010"):
        parsed("01/02/2010", "05/06/2010")


def test_broken_times_are_told_with_their_row():
    with pytest.raises(DataError, match=r"row 2, column 't': '2010-02-30'"):
        parsed("2010-01-30", "2010-02-30", "2010-03-30")
    with pytest.raises(DataError, match=r"no time in row 2"):
        parsed("2010-01-30", "NA")
    with pytest.raises(DataError, match=r"'soon' \(row 1\)"):
        parsed("soon", "later")
    with pytest.raises(DataError, match=r"row 3.*'x' is no time of the form year-month,.*1 more"):
        parsed("2010-01", "2010-02", "x", "y")
    with pytest.raises(DataError, match="no time in row 1"):
        read_times(Table(pl.DataFrame({"t": [float("nan"), 1.0]}), "x", "csv"), "t")


def test_only_years_with_a_53rd_week_have_one():
    for year in range(2003, 2010):
        last = date(year, 12, 28).isocalendar().week  # this day is always in the last
        assert parsed(f"{year}-W{last}", f"{year + 1}-W01")[0] == date.fromisocalendar(year, last, 1)
        with pytest.raises(DataError, match=f"row 2, column 't': '{year}-W{last + 1}' is no time"):
            parsed(f"{year}-W01", f"{year}-W{last + 1}")


def test_whole_numbers_that_are_all_dates_are_dates():
    table = read({"t": [20240130, 20240131, 20240201]})
    assert read_times(table, "t").to_list() == [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1)]
    assert read_times(read({"t": [20240130, 20240132]}), "t").to_list() == [20240130, 20240132]


def test_whole_numbers_that_are_all_months_are_dates():
    months = [100 * year + month for year in (2000, 2001) for month in range(1, 13)]
    times = read_times(read({"month": months}), "month")
    assert times[:2].to_list() == [date(2000, 1, 1), date(2000, 2, 1)]
    grid, _ = infer_grid(times)
    assert grid.frequency == "1mo"
    for others in ([200001, 200002, 200013], list(range(200001, 200013)), [200012, 200101], [149912, 150001]):
        assert read_times(read({"t": others}), "t").to_list() == others
    # A few of them are months where others are already, and numbers where those are.
    assert read_times(read({"t": [200201]}), "t", grid).to_list() == [date(2002, 1, 1)]
    assert read_times(read({"t": months}), "t", Grid(origin=200001)).to_list() == months


def test_seconds_since_1970_are_datetimes_where_the_name_says_times():
    stamps = [1_704_067_200 + 3600 * h for h in range(3)]
    first = datetime(2024, 1, 1)
    assert read_times(read({"timestamp": stamps}), "timestamp")[0] == first
    assert read_times(read({"ts": [1000 * s for s in stamps]}), "ts")[0] == first
    for name, parts in (("open_time", 1000), ("Date", 1), ("ts", 10**6), ("timestamp", 10**9)):
        given = [parts * s for s in stamps]
        assert read_times(read({name: given}), name).to_list()[1:] == [
            datetime(2024, 1, 1, h) for h in (1, 2)
        ]
    assert read_times(read({"ts": [10**9 * s + 1500 for s in stamps]}), "ts")[0] == datetime(
        2024, 1, 1, 0, 0, 0, 1
    )
    assert read_times(read({"count": stamps}), "count").to_list() == stamps
    assert read_times(read({"time": [0, 1, 2]}), "time").to_list() == [0, 1, 2]


def test_times_with_a_zone_keep_their_clock():
    times = pl.Series([datetime(2024, 1, 1, h) for h in range(3)]).dt.replace_time_zone("Europe/Berlin")
    grid, _ = infer_grid(times)
    assert grid.times_of(np.array([0])).to_list() == [datetime(2024, 1, 1)]


SPRING = [
    "2024-03-31T00:00+01:00",
    "2024-03-31T01:00+01:00",
    "2024-03-31T03:00+02:00",
    "2024-03-31T04:00+0200",
]


def test_times_with_several_offsets_are_turned_into_utc():
    times = read_times(read({"t": SPRING}), "t")
    assert times.dt.replace_time_zone(None)[0] == datetime(2024, 3, 30, 23)
    grid, why = infer_grid(times)
    assert (grid.zone, grid.frequency, why) == ("UTC", "1h", "all 3 spacings fit")
    assert grid.index_of(times).tolist() == [0, 1, 2, 3]
    few = read_times(read({"t": ["2024-04-01 02:30-03:30"]}), "t", grid)
    assert grid.index_of(few).tolist() == [31]
    mixed = parsed(
        "2024-01-01 00:00Z", "2024-01-01 06:00 +05:00", "2024-01-01 02:00", "2023-12-31 23:30 -0330"
    )
    assert [time.hour for time in mixed] == [0, 1, 2, 3]


def test_times_with_one_offset_keep_their_clock():
    assert parsed("2024-01-01 00:00+05:00", "2024-01-01 01:00+05:00")[0] == datetime(2024, 1, 1)
    old = Grid(kind="datetime", frequency="1h", origin="2024-01-01")
    assert read_times(read({"t": SPRING}), "t", old)[2] == datetime(2024, 3, 31, 3)


def test_times_of_another_zone_are_turned_into_that_of_the_grid():
    hours = pl.Series([datetime(2024, 3, 30, h) for h in range(24)])
    berlin = hours.dt.replace_time_zone("Europe/Berlin")
    grid, _ = infer_grid(berlin)
    assert grid.zone == "Europe/Berlin"
    assert grid.index_of(berlin.dt.convert_time_zone("UTC")).tolist() == list(range(24))
    assert grid.index_of(hours).tolist() == list(range(24))
    assert grid.in_zone(grid.times_of(np.arange(24))).to_list() == berlin.to_list()
    gap = grid.in_zone(grid.times_of(np.array([25, 26, 27]))).dt.convert_time_zone("UTC")
    assert gap.dt.hour().to_list() == [0, 1, 1]
    with pytest.raises(ValidationError, match="no time zone 'Mars'"):
        Grid.model_validate(grid.model_dump() | {"zone": "Mars"})
