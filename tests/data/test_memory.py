"""Objects to tables: dates in an index are kept, as are times in every unit of NumPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recurra.data.sources import read
from recurra.errors import DataError

MONTHS = pd.date_range("2020-01-01", periods=3, freq="MS")


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        (pd.DataFrame({"y": [1.0, 2, 3]}, index=MONTHS), ["time", "y"]),
        (pd.DataFrame({"y": [1.0, 2, 3]}, index=MONTHS.rename("month")), ["month", "y"]),
        (pd.DataFrame({"y": [1.0, 2, 3]}, index=MONTHS.to_period("M")), ["time", "y"]),
        (pd.Series([1.0, 2, 3], index=MONTHS), ["time", "value"]),
        (pd.Series([1.0, 2, 3], index=MONTHS, name="load"), ["time", "load"]),
    ],
)
def test_dates_of_an_index_are_a_column(source, columns):
    frame = read(source).frame
    assert frame.columns == columns
    assert [str(time)[:7] for time in frame[columns[0]]] == ["2020-01", "2020-02", "2020-03"]


def test_an_index_of_names_and_dates_gives_both():
    index = pd.MultiIndex.from_product([["a", "b"], MONTHS], names=["id", None])
    frame = read(pd.DataFrame({"y": np.arange(6.0)}, index=index)).frame
    assert frame.columns == ["id", "time", "y"]
    assert frame["id"].to_list() == ["a"] * 3 + ["b"] * 3


def test_an_index_that_holds_no_dates_or_has_a_column_of_its_name_adds_none():
    assert read(pd.DataFrame({"y": [1.0, 2]}, index=[7, 9])).frame.columns == ["y"]
    taken = pd.DataFrame({"time": [1, 2, 3], "y": [1.0, 2, 3]}, index=MONTHS)
    assert read(taken).frame["time"].to_list() == [1, 2, 3]
    assert read(pd.Series(["a", "b", "c"], index=MONTHS)).frame.columns == ["text"]


@pytest.mark.parametrize("unit", ["Y", "M", "D", "h", "m", "s", "ms", "us", "ns"])
def test_times_of_every_unit_are_taken(unit):
    times = np.array(["2020", "2021", "NaT"], dtype=f"datetime64[{unit}]")
    column = read({"time": times, "y": [1, 2, 3]}).frame["time"]
    assert [None if t is None else str(t)[:10] for t in column] == ["2020-01-01", "2021-01-01", None]


@pytest.mark.parametrize("source", [np.array([1.0, 2.0]), [1, 2.0], pl.Series([1.0, 2.0])])
def test_numbers_alone_are_a_column(source):
    frame = read(source).frame
    assert frame.columns == ["value"]
    assert frame["value"].to_list() == [1.0, 2.0]


def test_what_is_masked_is_missing():
    masked = np.ma.masked_array([1.5, 999.0], mask=[False, True])
    for source in (masked, {"value": masked}, masked[:, None]):
        assert read(source).frame.to_series().fill_nan(None).to_list() == [1.5, None]


def test_what_makes_no_table_is_told():
    with pytest.raises(DataError, match="4 axes makes no table"):
        read(np.zeros((1, 1, 1, 1)))
    with pytest.raises(DataError, match="is not a table"):
        read(object())
