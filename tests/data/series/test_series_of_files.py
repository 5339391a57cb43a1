from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from recurra.data.series import SeriesOptions, infer_series_schema, to_series
from recurra.data.sources import read

FOLDER = os.environ.get("RECURRA_DATA")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="RECURRA_DATA is not set")


def load(name: str, **options):
    table = read(Path(FOLDER or "") / name)
    schema = infer_series_schema(table, SeriesOptions(**options))
    return schema, *to_series(table, schema)


@pytest.mark.parametrize(
    ("name", "series", "steps", "missing", "frequency", "season", "first", "after"),
    [
        ("ett/ETTh1.csv", 7, 17_420, 0, "1h", 24, datetime(2016, 7, 1), datetime(2018, 6, 26, 20)),
        ("classic_series/airline-passengers.csv", 1, 144, 0, "1mo", 12, date(1949, 1, 1), date(1961, 1, 1)),
        ("classic_series/monthly-sunspots.csv", 1, 2820, 0, "1mo", 12, date(1749, 1, 1), date(1984, 1, 1)),
        (
            "classic_series/monthly_champagne_sales.csv",
            1,
            105,
            0,
            "1mo",
            12,
            date(1964, 1, 1),
            date(1972, 10, 1),
        ),
        ("classic_series/shampoo.csv", 1, 36, 0, "1mo", 12, date(1, 1, 1), date(4, 1, 1)),
        # The last days of the leap years 1984 and 1988 are not in these files.
        (
            "classic_series/daily-min-temperatures.csv",
            1,
            3652,
            2,
            "1d",
            7,
            date(1981, 1, 1),
            date(1991, 1, 1),
        ),
        (
            "classic_series/daily-max-temperatures.csv",
            1,
            3652,
            2,
            "1d",
            7,
            date(1981, 1, 1),
            date(1991, 1, 1),
        ),
        (
            "classic_series/daily-total-female-births.csv",
            1,
            365,
            0,
            "1d",
            7,
            date(1959, 1, 1),
            date(1960, 1, 1),
        ),
        ("exchange_rate/exchange_rate.txt.gz", 8, 7588, 0, "", 1, 1, 7589),
        ("stocks/sp500-2000.csv", 6, 5295, 190, "1b", 5, date(2000, 1, 3), date(2020, 4, 20)),
        ("stocks/co2-concentration.csv", 2, 746, 5, "1mo", 12, date(1958, 3, 1), date(2020, 5, 1)),
    ],
)
def test_files_need_no_option(name, series, steps, missing, frequency, season, first, after):
    schema, found, report = load(name)
    assert (schema.layout, len(found), schema.grid.frequency, schema.season) == (
        "wide",
        series,
        frequency,
        season,
    )
    assert found.lengths.tolist() == [steps] * series
    assert [int(np.isnan(found.targets[n]).sum()) for n in range(series)] == [missing] * series
    assert sum(report.gaps.values()) == missing
    assert found.grid.times_of(np.array([0, steps])).to_list() == [first, after]
    assert schema.set_aside == {}
    rows = read(Path(FOLDER or "") / name).frame.height
    assert rows == steps - missing


def test_m4_rows_are_series():
    schema, train, report = load("m4_weekly/Weekly-train.csv")
    assert (schema.layout, schema.id, len(train)) == ("rows", "V1", 359)
    assert (train.names[0], train.names[1], train.names[-1]) == ("W1", "W2", "W359")
    assert (train.lengths.min(), train.lengths.max(), train.lengths.sum()) == (80, 2597, 366_912)
    assert not np.isnan(train.targets.values).any()
    assert not report.lines()
    test, _ = to_series(read(Path(FOLDER or "") / "m4_weekly/Weekly-test.csv"), schema)
    assert test.names == train.names
    assert (test.lengths == 13).all()
    assert test.targets[0][0, 0] == 35397.16


def test_values_are_those_of_the_file():
    table = read(Path(FOLDER or "") / "ett/ETTh1.csv")
    _, series, _ = load("ett/ETTh1.csv", target="OT", past=["HUFL"])
    np.testing.assert_array_equal(series.targets[0][:, 0], table.frame["OT"].to_numpy())
    np.testing.assert_array_equal(series.past[0][:, 0], table.frame["HUFL"].to_numpy())
