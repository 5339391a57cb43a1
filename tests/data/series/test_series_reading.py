"""Rows to series: the order of rows means nothing, holes stay holes, each series has what is its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.series import (
    Grid,
    SeriesOptions,
    SeriesSchema,
    calendar_features,
    describe_series,
    infer_series_schema,
    to_series,
)
from recurra.data.sources import Table, read
from recurra.errors import DataError, InputError

HOURS = [datetime(2024, 1, 1) + timedelta(hours=h) for h in range(200)]


def load(data, least=1, **options):
    table = read(data)
    schema = infer_series_schema(table, SeriesOptions(**options))
    assert SeriesSchema.model_validate_json(schema.model_dump_json()) == schema
    return schema, *to_series(table, schema, least=least)


def told(series) -> dict:
    """Everything a Series says, by name, as lists."""
    packs = {"past": series.past, "known": series.known, "parts": series.parts}
    return {
        name: {
            "first": int(series.first[n]),
            "targets": series.targets[n][:, 0].tolist(),
            "static": series.static[n].tolist(),
            **{key: packed[n].tolist() for key, packed in packs.items() if packed is not None},
        }
        for n, name in enumerate(series.names)
    }


def same(a, b) -> bool:
    return str(told(a)) == str(told(b)) and a.names == b.names and a.grid == b.grid


@st.composite
def long_tables(draw) -> dict:
    """Rows (id, step) -> values of up to three series of hours, with holes; a few values are missing."""
    rows = []
    for name in draw(st.sampled_from([["s9", "s10"], ["b", "a", "c"]])):
        steps = draw(st.lists(st.integers(0, 30), min_size=12, max_size=25, unique=True))
        rows += [(name, step) for step in sorted({*steps, 0, 1, 2, 3, 4, 5, 6, 7, 8})]
    cells = st.one_of(st.none(), st.integers(-5, 5).map(float))
    return {
        "id": [name for name, _ in rows],
        "step": [step for _, step in rows],
        "y": [float(draw(st.integers(1, 9))) if step == 0 else draw(cells) for _, step in rows],
        "z": draw(st.lists(cells, min_size=len(rows), max_size=len(rows))),
        "price": draw(st.lists(cells, min_size=len(rows), max_size=len(rows))),
        "day": draw(
            st.lists(st.sampled_from(["work", "feast", None]), min_size=len(rows), max_size=len(rows))
        ),
    }


SAID = {"id": "id", "target": "y", "known": ["price", "day"], "past": ["z"]}


def with_times(table: dict) -> pl.DataFrame:
    frame = pl.DataFrame(table, strict=False).with_columns(
        pl.col("y", "z", "price").cast(pl.Float64), pl.col("day").cast(pl.String)
    )
    hours = pl.Series("time", [HOURS[step] for step in table["step"]])
    return frame.drop("step").with_columns(hours)


@given(long_tables(), st.integers(0, 99))
def test_the_order_of_rows_means_nothing(table, seed):
    frame = with_times(table)
    schema, series, _ = load(frame, **SAID)
    schema_of_shuffled, shuffled, _ = load(frame.sample(fraction=1, shuffle=True, seed=seed), **SAID)
    assert schema == schema_of_shuffled
    assert same(series, shuffled)


@given(long_tables())
def test_every_step_holds_its_row_or_nothing(table):
    frame = with_times(table)
    schema, series, report = load(frame, **SAID)
    assert schema.channels(schema.known) == [
        "price",
        *(f"day = {d}" for d in schema.categories.get("day", [])),
    ]
    rows = {(row["id"], HOURS.index(row["time"])): row for row in frame.iter_rows(named=True)}
    ends = {name: max(step for i, step in rows if i == name) for name in frame["id"].unique()}
    for n, name in enumerate(series.names):
        first, length = int(series.first[n]), int(series.lengths[n])
        y, z, known = series.targets[n][:, 0], series.past[n], series.known[n]
        assert not np.isnan(y[[0, -1]]).any()
        assert len(z) == length <= len(known)
        for j in range(len(known)):
            row = rows.get((name, first + j), {})
            if j < length:
                np.testing.assert_equal(y[j], np.nan if row.get("y") is None else row["y"])
                np.testing.assert_equal(z[j, 0], np.nan if row.get("z") is None else row["z"])
            np.testing.assert_equal(known[j, 0], np.nan if row.get("price") is None else row["price"])
            said = [float(row.get("day") == value) for value in schema.categories.get("day", [])]
            assert known[j, 1:].tolist() == said
        later = [rows.get((name, first + j), {}) for j in range(len(known), ends[name] - first + 1)]
        assert all(row.get("price") is None and row.get("day") is None for row in later)
        assert all(rows.get((name, step), {}).get("y") is None for step in range(first + length, 31))
    assert sum(report.gaps.values()) == sum(ends[i] + 1 - sum(k == i for k, _ in rows) for i in ends)


@given(st.sets(st.integers(1, 98), max_size=40))
def test_dropped_rows_are_missing_steps(dropped):
    values = np.arange(100.0)
    kept = np.array([i for i in range(100) if i not in dropped])
    _, series, report = load({"time": [HOURS[i] for i in kept], "load": values[kept]})
    expected = np.where(np.isin(np.arange(100), kept), values, np.nan)
    np.testing.assert_array_equal(series.targets[0][:, 0], expected)
    assert sum(report.gaps.values()) == len(dropped)


def test_several_targets_of_one_id_share_their_covariates():
    table = {
        "t": HOURS[:6] * 2, "shop": ["b"] * 6 + ["a"] * 6, "sold": np.arange(12), "lost": [None] * 2 + [1.0] * 10,
        "price": np.arange(12) + 0.5, "area": [7] * 6 + [8] * 6,
    }  # fmt: skip
    schema, series, report = load(table, target=["sold", "lost"], known=["price"], static=["area"])
    assert (schema.layout, schema.id) == ("long", "shop")
    assert series.names == ["a / sold", "a / lost", "b / sold", "b / lost"]
    assert series.lengths.tolist() == [6, 6, 6, 4]
    assert series.first.tolist() == [0, 0, 0, 2]
    assert series.static.tolist() == [[8.0], [8.0], [7.0], [7.0]]
    assert series.known.values.shape == (12, 1)
    assert series.known[3].ravel().tolist() == [2.5, 3.5, 4.5, 5.5]
    assert report.trimmed == 2
    assert same(series.take(np.array([1, 3])).take(np.array([1])), series.take(np.array([3])))


def test_what_is_known_ahead_goes_on_after_the_last_target():
    table = {"t": HOURS[:9], "y": [None, 1, 2, 3, 4, 5, None, None, None], "price": [1.0] * 8 + [None]}
    _, series, report = load(table, target="y", known=["price"])
    assert (series.lengths.tolist(), series.known.lengths.tolist(), series.first.tolist()) == ([5], [7], [1])
    assert report.future == 2
    assert report.trimmed == 2
    _, series, report = load(table, target="y", past=["price"])
    assert (series.known, series.past.lengths.tolist(), report.trimmed) == (None, [5], 4)


def test_a_text_known_ahead_that_is_empty_after_the_last_target_is_told():
    table = {"t": HOURS[:8], "y": [*range(5), None, None, None], "x": range(8)}
    holes = ["sun", "rain", None, "sun", "rain", None, "sun", ""]
    _, series, report = load({**table, "w": holes}, target="y", known=["x", "w"])
    assert series.known[0][-3:].tolist() == [[5, 0, 0], [6, 0, 1], [7, 0, 0]]
    assert report.empty == {"w": 2}
    assert "w is empty at 2 steps after the last target, and counts as none there" in report.lines()


def test_repeated_times_are_averaged_and_told():
    table = {"t": [HOURS[i] for i in (0, 1, 2, 1, 3)], "y": [1.0, 2.0, 3.0, 4.0, None]}
    _, series, report = load(table)
    assert series.targets[0].ravel().tolist() == [1.0, 3.0, 3.0]
    assert report.repeated == [4]
    assert report.lines() == [
        "the rows were not in the order of time, and were sorted",
        "1 row falls on a step that has a row already, and was averaged with it: row 4",
        "1 step before the first target of a series or after its last has none, and are left out",
    ]
    table = {"t": [HOURS[i] for i in (0, 1, 1, 2)], "y": [1.0, None, 4.0, 5.0]}
    assert load(table)[1].targets[0].ravel().tolist() == [1.0, 4.0, 5.0]


def test_a_coarser_frequency_averages():
    _, series, report = load({"t": HOURS[:60], "y": np.arange(60.0)}, frequency="1d")
    assert series.targets[0].ravel().tolist() == [11.5, 35.5, 53.5]
    assert len(report.repeated) == 57
    assert series.grid.times_of(np.array([3])).to_list() == [datetime(2024, 1, 4)]


def test_series_too_short_are_set_aside_by_name():
    table = {"t": HOURS[:8] + HOURS[:3], "id": ["long"] * 8 + ["short"] * 3, "y": np.arange(11.0)}
    _, series, report = load(table, least=4)
    assert series.names == ["long"]
    assert report.lines() == ["1 series is set aside, with fewer than 4 targets: short (3)"]
    with pytest.raises(DataError, match=r"9 targets or more, and the longest, 'long', has 8 targets"):
        load(table, least=9)
    with pytest.raises(DataError, match=r"3 targets or more, and this one has 2 targets"):
        load({"t": HOURS[:3], "y": [1, None, 2]}, least=3)


def test_parts_are_those_of_the_rows_and_of_the_row_before_in_a_gap():
    table = {
        "t": [HOURS[i] for i in (0, 1, 3, 4, 6, 7)],
        "y": np.arange(6),
        "part": ["train", "Train", "val", "val", "test", "test"],
    }
    schema, series, _ = load(table, split="part")
    assert series.parts[0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert load(table)[0].set_aside == {"part": "says where a row belongs; --split part splits by it"}
    table["part"][2] = "later"
    with pytest.raises(DataError, match=r"row 3, column 'part': 'later' names no part"):
        load(table, split="part")
    del table["part"]
    assert to_series(read(table), schema)[0].parts is None


def test_rows_that_are_series():
    table = {
        "name": ["W10", "W9", "W1"],
        "x1": [1.0, None, 3.0],
        "x2": [4.0, 5, None],
        "x3": [6.0, None, None],
    }
    schema, series, _ = load({**table, "region": ["n", "s", "n"]}, static=["region"])
    assert (schema.layout, schema.id, schema.targets) == ("rows", "name", ["x1", "x2", "x3"])
    assert told(series) == {
        "W1": {"first": 0, "targets": [3.0], "static": [1.0, 0.0]},
        "W9": {"first": 1, "targets": [5.0], "static": [0.0, 1.0]},
        "W10": {"first": 0, "targets": [1.0, 4.0, 6.0], "static": [1.0, 0.0]},
    }
    more = read({"name": ["W2"], "region": ["n"], **{f"x{j}": [float(j)] for j in range(1, 6)}})
    assert to_series(more, schema)[0].targets[0].ravel().tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(DataError, match=r"rows 1, 3, column 'name'.*'W10' is there twice"):
        to_series(read({**table, "name": ["W10", "W9", "W10"], "region": ["n", "s", "n"]}), schema)
    with pytest.raises(InputError, match="--past"):
        load({**table, "z": [1, 2, 3]}, past=["z"])


def test_rows_whose_columns_are_named_by_times():
    table = {"country": ["B", "A"], "code": ["b", "a"]} | {f"2020-{m:02}": [m, None] for m in (1, 2, 4)}
    table["2020-05"] = [5, 5.5]
    schema, series, _ = load(table)
    assert (schema.layout, schema.id, schema.grid.frequency, schema.season) == ("rows", "country", "1mo", 12)
    np.testing.assert_array_equal(series.targets[1].ravel(), [1, 2, np.nan, 4, 5])
    assert (series.names, series.first.tolist(), series.targets[0].ravel().tolist()) == (
        ["A", "B"],
        [4, 0],
        [5.5],
    )
    assert "time: the names of the columns, 2020-01-01 to 2020-05-01" in describe_series(schema, series, _)
    later = {"country": ["A", "B"], "code": ["a", "b"], "2020-06": [6, 7], "2020-07": [8, 9]}
    more, _ = to_series(read(later), schema)
    assert (more.first.tolist(), more.targets[1].ravel().tolist()) == ([5, 5], [7, 9])
    days = {f"1/{d}/20": [1, 2] for d in range(10, 32)} | {f"2/{d}/20": [1, 2] for d in range(1, 9)}
    assert load({"place": ["a", "b"], "lat": [1.5, 2.5], **days})[1].lengths.tolist() == [30, 30]
    schema, series, _ = load({"name": list("ab"), **{str(year): [year, 1] for year in range(1960, 1970)}})
    assert (schema.grid.origin, schema.grid.frequency) == (1960, "")
    assert series.targets[0].ravel().tolist() == list(range(1960, 1970))


def test_lists_are_series():
    schema, series, report = load([np.arange(5.0), np.array([np.nan, 1.0, np.nan, 3.0])])
    assert (schema.layout, series.names) == ("rows", ["row 1", "row 2"])
    assert series.targets[0].ravel().tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(series.targets[1].ravel(), [1, np.nan, 3])
    assert (series.first.tolist(), report.missing) == ([0, 1], {"row 2": 1})


def test_rows_without_times_are_steps():
    _, series, _ = load({"a": [1.0, 2, None, 4], "b": [4.0, 3, 2, 1]})
    assert series.names == ["a", "b"]
    np.testing.assert_array_equal(series.targets[0].ravel(), [1, 2, np.nan, 4])
    assert series.grid.times_of(np.array([4])).to_list() == [5]
    schema, series, _ = load({"series_id": ["x", "y"] * 4, "v": np.arange(8.0)}, frequency="1h")
    assert (schema.layout, schema.season) == ("long", 24)
    assert series.targets[1].ravel().tolist() == [1, 3, 5, 7]


def test_frames_of_pandas():
    frame = pd.DataFrame({"ds": pd.date_range("2020-01-31", periods=9, freq="ME"), "y": range(9)})
    schema, series, _ = load(frame)
    assert (schema.time, schema.grid.frequency, len(series.targets[0])) == ("ds", "1mo", 9)
    assert series.grid.times_of(np.array([1])).to_list() == [datetime(2020, 2, 29)]
    frame["store"] = pd.Categorical(["x"] * 4 + ["y"] * 5)
    frame["ds"] = frame.groupby("store", observed=True).cumcount().map(lambda k: datetime(2020, 1, 1 + k))
    schema, series, _ = load(frame)
    assert (schema.id, series.names) == ("store", ["x", "y"])


class TestRoles:
    def test_the_id_is_the_column_within_which_times_do_not_repeat(self):
        table = {
            "when": HOURS[:20] * 3,
            "meter": [7] * 20 + [8] * 20 + [10] * 20,
            "kind": ["new"] * 40 + ["old"] * 20,
            "power": np.arange(60.0),
        }
        schema, series, _ = load(table)
        assert (schema.id, schema.targets, series.names) == ("meter", ["power"], ["7", "8", "10"])
        assert schema.set_aside == {"kind": "not asked for; --past reads it up to now, --known also ahead"}

    def test_two_columns_of_keys_are_asked_about(self):
        table = {
            "when": HOURS[:10] * 4,
            "shop": ["a"] * 20 + ["b"] * 20,
            "item": (["x"] * 10 + ["y"] * 10) * 2,
            "sold": np.arange(40.0),
        }
        with pytest.raises(
            DataError, match=r"no one column says of which.*shop \(2 values\), item \(2 values\)"
        ):
            load(table)
        with pytest.raises(DataError, match=r"several columns could say of which"):
            load(
                {
                    **table,
                    "p": [f"{i // 10}" + "p" for i in range(40)],
                    "q": [f"q{i // 5}" for i in range(40)],
                }
            )
        assert len(load(table, ignore=["shop", "item"])[2].repeated) == 30

    def test_several_targets_in_long_form_are_asked_about(self):
        table = {
            "when": HOURS[:9] * 2,
            "id": ["a"] * 9 + ["b"] * 9,
            "p": np.arange(18.0),
            "q": np.ones(18) * 2,
        }
        table["q"][0] = 1
        with pytest.raises(DataError, match=r"several columns could be the target.*p \(18 values\), q"):
            load(table)
        assert load({**table, "value": table["p"]})[0].targets == ["value"]

    def test_what_is_no_series_is_set_aside(self):
        table = {
            "index": np.arange(50),
            "date": HOURS[:50],
            "hour": [t.hour for t in HOURS[:50]],
            "unit": ["kW"] * 50,
            "version": [2] * 50,
            "remark": [f"r{i}" for i in range(50)],
            "load": np.arange(50.0),
        }
        schema, _, _ = load(table)
        assert schema.targets == ["load"]
        assert schema.set_aside == {
            "index": "counts the rows",
            "hour": "a part of the date; --known hour reads it",
            "unit": "the same in every row",
            "version": "the same in every row",
            "remark": "not asked for; --past reads it up to now, --known also ahead",
        }

    def test_a_column_of_too_many_texts_is_not_said_to_be_readable(self):
        table = {
            "date": HOURS[:120],
            "remark": [f"r{k}" for k in range(120)],
            "load": np.arange(120.0),
        }
        assert load(table)[0].set_aside == {"remark": "120 different texts, too many to be categories"}

    def test_a_constant_is_told_to_need_no_network(self):
        with pytest.raises(DataError, match=r"constant needs no network: .* \(--target COLUMN\): y\.$"):
            load({"t": HOURS[:6], "y": [5.0] * 6})
        assert load({"t": HOURS[:6], "y": [5.0] * 6}, target="y")[0].targets == ["y"]
        with pytest.raises(DataError, match=r"no column of numbers .* \(--target COLUMN\): s\.$"):
            load({"t": HOURS[:6], "s": list("abcdef")})

    def test_an_id_is_told_by_its_name_where_times_do_not_repeat(self):
        table = {"t": HOURS[:40], "ticker": ["B"] * 20 + ["A"] * 20, "close": np.arange(40.0)}
        _, series, _ = load(table)
        assert (series.names, series.lengths.tolist(), series.first.tolist()) == (
            ["A", "B"],
            [20, 20],
            [20, 0],
        )

    def test_years_are_times(self):
        schema, series, _ = load({"year": [1990, 1992, 1991], "a": [1.0, 3, 2], "b": [4.0, 6, 5]})
        assert (schema.time, schema.grid.frequency, schema.season) == ("year", "", 1)
        assert series.targets[0].ravel().tolist() == [1, 2, 3]
        assert series.grid.times_of(np.array([3])).to_list() == [1993]

    def test_two_columns_of_dates_are_asked_about(self):
        table = {"begin": HOURS[:5], "end": HOURS[1:6], "y": np.arange(5.0)}
        with pytest.raises(DataError, match=r"several columns hold dates.*begin, end"):
            load(table)
        assert load(table, time="end")[0].set_aside == {"begin": "another time"}
        assert load({**table, "date": HOURS[2:7]})[0].time == "date"

    def test_options_that_contradict(self):
        table = {"t": HOURS[:5], "y": np.arange(5.0), "x": np.arange(5.0)}
        with pytest.raises(DataError, match=r"'x' cannot be a covariate known ahead and a past covariate"):
            load(table, target="y", known=["x"], past=["x"])
        with pytest.raises(DataError, match=r"no column 'z'.*the target.*The columns are: t, y, x"):
            load(table, target="z")
        with pytest.raises(InputError, match="--static"):
            load(table, target="y", static=["x"])
        with pytest.raises(DataError, match="no column of numbers"):
            load({"t": HOURS[:5], "s": list("abcde")})
        with pytest.raises(DataError, match=r"column of numbers is the same in every row: x, y.*--target"):
            load({"t": HOURS[:5], "s": list("abcde"), "x": [1.0] * 5, "y": [2, None, 2, 2, 2]})


class TestBadInput:
    @pytest.mark.parametrize("name", ["series", "forecast", "q10", "q97.5"])
    def test_times_named_as_a_column_of_the_forecasts(self, name):
        with pytest.raises(DataError, match=f"column '{name}': a table of forecasts has this"):
            load({name: HOURS[:3], "y": range(3)}, target="y")

    def test_ids_named_as_a_column_of_the_forecasts(self):
        table = {"t": HOURS[:2] * 2, "y": range(4)}
        with pytest.raises(DataError, match="column 'forecast': a table of forecasts has this"):
            load({**table, "forecast": list("aabb")}, id="forecast", target="y")
        assert load({**table, "series": list("aabb")}, id="series", target="y")[0].id == "series"

    def test_text_among_numbers(self):
        table = {"t": HOURS[:12], "y": ["1.5"] * 11 + ["broken"]}
        with pytest.raises(DataError, match=r"row 12, column 'y': 'broken' is not a number"):
            load(table)

    def test_infinite_numbers(self):
        with pytest.raises(DataError, match=r"row 2, column 'y': an infinite number"):
            load({"t": HOURS[:3], "y": [1.0, np.inf, 2.0]})

    def test_numbers_too_large_to_be_squared(self):
        large = "expected numbers of at most 1e\\+150 in size, found a larger one"
        with pytest.raises(DataError, match=rf"row 2, column 'y': {large} \(2 such values in all\)"):
            load({"t": HOURS[:3], "y": [1.0, 1e200, -1e151]})
        with pytest.raises(DataError, match=rf"row 2, column 'V2': {large}"):
            load({"id": ["b", "a"], **{f"V{k}": [1.0, 10.0 ** (100 * k)] for k in (1, 2, 3)}})
        with pytest.raises(DataError, match=rf"row 2, column 'y': {large}"):
            load({"id": ["b", "a"], "y": [[1.0, 2.0], [3.0, 1e200]]})
        assert load({"t": HOURS[:3], "y": [1.0, 1e150, -1e150]})[1].targets[0][1] == 1e150

    def test_rows_without_time_or_id(self):
        with pytest.raises(DataError, match=r"column 't': there is no time in row 2"):
            load({"t": ["2020-01-01", None, "2020-01-03"], "y": [1, 2, 3]})
        with pytest.raises(DataError, match=r"row 2, column 'id': there is no series id"):
            load({"t": HOURS[:3], "id": ["a", None, "a"], "y": [1, 2, 3]}, id="id")

    def test_a_broken_date_is_no_reason_to_go_without_dates(self):
        days = [f"2020-01-{d:02}" for d in range(1, 21)]
        with pytest.raises(DataError, match=r"row 7, column 'when'.*'someday' is no time"):
            load({"when": [*days[:6], "someday", *days[7:]], "y": range(20)})
        with pytest.raises(DataError, match=r"column 'date': by its name.*'the first' \(row 1\)"):
            load({"date": ["the first", "the second", "the third"], "y": range(3)})
        assert load({"date": ["the first", "the second"], "y": range(2)}, ignore=["date"])[0].time is None

    def test_times_off_the_grid(self):
        times = [*HOURS[:9], HOURS[9] + timedelta(minutes=1)]
        schema = load({"t": HOURS[:9], "y": np.arange(9)})[0]
        with pytest.raises(DataError, match=r"2024-01-01 09:01 \(row 10\) is off the grid.*every hour"):
            to_series(read({"t": times, "y": np.arange(10)}), schema)

    def test_one_time_far_from_the_others(self):
        times = [*(datetime(2024, 1, 1) + timedelta(seconds=s) for s in range(50)), datetime(1970, 1, 1)]
        with pytest.raises(DataError, match=r"51 times from 1970-01-01 00:00 to .* every second"):
            load({"t": times, "y": np.arange(51)})

    def test_a_static_column_that_changes(self):
        table = {"t": HOURS[:4] * 2, "id": list("aaaabbbb"), "y": range(8), "s": [1, 1, 1, 1, 2, 2, 3, 2]}
        with pytest.raises(DataError, match=r"column 's': this static column changes within the series 'b'"):
            load(table, static=["s"], target="y")

    def test_columns_that_are_gone(self):
        schema = load({"t": HOURS[:4], "y": range(4)})[0]
        with pytest.raises(DataError, match=r"the column 'y' is not there.*t, x"):
            to_series(read({"t": HOURS[:4], "x": range(4)}), schema)

    def test_categories_not_seen_before(self):
        table = {"t": HOURS[:6], "y": range(6), "w": ["sun", "rain"] * 3}
        schema, _, _ = load(table, known=["w"])
        series, report = to_series(read({**table, "w": ["sun", "hail"] * 3}), schema)
        assert series.known[0][:2].tolist() == [[0, 1], [0, 0]]
        assert report.lines() == ["w: hail is none of its known values, and counts as none"]
        with pytest.raises(DataError, match="too many"):
            load({"t": HOURS, "y": range(200), "w": [f"w{i}" for i in range(200)]}, known=["w"])


def test_a_static_column_that_is_silent_on_a_series_is_told():
    rows = [(hour, name) for name in "abc" for hour in HOURS[:4]]
    area = [None if name == "b" else 7.0 for _, name in rows]
    table = {"t": [t for t, _ in rows], "id": [n for _, n in rows], "y": range(12), "area": area}
    _, series, report = load(table, id="id", target="y", static=["area"])
    assert np.isnan(series.static[:, 0]).tolist() == [False, True, False]
    assert report.lines() == ["area: it says nothing of b, and counts as its mean there"]


def test_it_is_told_before_anything_trains():
    table = read({"t": [*HOURS[:9], HOURS[10]], "y": np.arange(10.0), "x": np.arange(10.0), "s": ["a"] * 10})
    schema = infer_series_schema(table, SeriesOptions(target="y", past=["x"]))
    assert describe_series(schema, *to_series(table, schema), table) == [
        "the data given: 10 rows, 4 columns (python)",
        "series: 1 (a row is a time)",
        "  11 steps",
        "target: y (as asked)",
        "time: t (the column of dates), 2024-01-01 00:00 to 2024-01-01 10:00",
        "  every hour (all 9 spacings fit)",
        "season: 24 steps (usual of steps every hour)",
        "past: x",
        "1 step has no row, and is a missing value",
        "set aside: s (the same in every row)",
    ]


@pytest.mark.parametrize(
    ("frequency", "cycles"),
    [("1h", 3), ("1d", 2), ("1b", 2), ("1w", 1), ("1mo", 1), ("1q", 1), ("1y", 0), ("2h", 3)],
)
def test_calendar_of_a_frequency(frequency, cycles):
    day = 1 if frequency in ("1mo", "1q", "1y") else None
    grid = Grid(kind="datetime", frequency=frequency, origin="2024-01-01T00:00:00", day=day)
    features, names = calendar_features(grid, np.arange(-50, 50))
    assert features.shape == (100, 2 * cycles) == (100, len(names))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[:, ::2] ** 2 + features[:, 1::2] ** 2, 1, atol=1e-6)
    # The first of January 2024 was a Monday: every cycle begins with it.
    np.testing.assert_allclose(features[50], np.tile([0, 1], cycles), atol=1e-6)


def test_calendar_cycles_are_those_of_the_clock_and_the_week():
    grid = Grid(kind="datetime", frequency="6h", origin="2024-01-01T00:00:00")
    features, names = calendar_features(grid, np.array([1, 28 + 1, 2]))
    assert names[:2] == ["sine of the day", "cosine of the day"]
    np.testing.assert_allclose(features[:, 0], [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(features[0, :4], features[1, :4], atol=1e-2)
    assert calendar_features(Grid(), np.arange(3))[0].shape == (3, 0)


def test_dates_stay_dates():
    days = [date(2024, 1, 1) + timedelta(days=d) for d in range(10)]
    _, series, _ = load(Table(pl.DataFrame({"d": days, "y": range(10)}), "x", "parquet").frame)
    assert series.grid.times_of(np.array([10])).to_list() == [date(2024, 1, 11)]


def test_infinity_in_a_list_is_told_with_its_row():
    with pytest.raises(DataError, match=r"row 2, column .channel_1.: an infinite number"):
        load([np.arange(5.0), np.array([1.0, np.inf]), np.array([np.inf, 1.0])])


def test_hours_that_only_their_offset_tells_apart_are_not_averaged():
    start = datetime(2024, 10, 26, tzinfo=ZoneInfo("UTC"))
    zone = ZoneInfo("Europe/Berlin")  # whose clock is put back a day later
    times = [(start + timedelta(hours=h)).astimezone(zone).isoformat() for h in range(48)]
    schema, series, report = load({"time": times, "y": list(range(48))})
    assert series.targets[0].ravel().tolist() == list(range(48))
    assert not report.repeated and "in UTC, as they are written with several offsets" in schema.grid_why
    later = to_series(read({"time": times[-3:], "y": [1, 2, 3]}), schema)[0]
    assert later.first.tolist() == [45]
