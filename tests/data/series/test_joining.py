"""Series that go on: nothing is lost where they meet, and nothing is counted twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.series import SeriesOptions, infer_series_schema, to_series
from recurra.data.series.joining import continued, last_steps
from recurra.data.sources import read
from recurra.errors import DataError
from tests.data.series.made import made_series


def split(series, at):
    """The same series before and from step `at` of each on."""
    first = replace(
        series,
        targets=replace(series.targets, lengths=np.array(at)),
        past=None if series.past is None else replace(series.past, lengths=np.array(at)),
    )
    at = np.array(at)

    def rest(packed):
        return (
            None
            if packed is None
            else replace(packed, starts=packed.starts + at, lengths=packed.lengths - at)
        )

    second = replace(
        series,
        targets=rest(series.targets),
        past=rest(series.past),
        known=rest(series.known),
        first=series.first + at,
    )
    return first, second


def equal(a, b):
    for name in ("targets", "past", "known"):
        p, q = getattr(a, name), getattr(b, name)
        assert (p is None) == (q is None)
        for n in range(0 if p is None else len(p)):
            assert np.array_equal(p[n], q[n], equal_nan=True), name
    assert np.array_equal(a.first, b.first)


@given(st.lists(st.integers(2, 20), min_size=1, max_size=3), st.data())
def test_series_that_were_cut_are_whole_again(lengths, data):
    series = made_series(lengths, holes=0.2, known=1, past=2)
    first, second = split(series, [data.draw(st.integers(1, n - 1)) for n in lengths])
    equal(continued(first, second), series)


def test_steps_between_are_missing_and_what_is_known_ahead_of_them_stays():
    series = made_series([20], known=1, past=1)
    first, second = split(series, [8])
    first = replace(first, known=replace(first.known, lengths=np.array([10])))
    later = last_steps(second, 9)
    whole = continued(first, later)
    assert whole.lengths.tolist() == [20]
    assert np.isnan(whole.targets[0][8:11, 0]).all()
    assert np.array_equal(whole.targets[0][11:], series.targets[0][11:])
    assert np.array_equal(whole.known[0][:10], series.known[0][:10])
    assert np.isnan(whole.known[0][10]).all()
    assert np.array_equal(whole.known[0][11:], series.known[0][11:])
    assert np.isnan(whole.past[0][8:11]).all()


def test_steps_that_are_there_already_and_unknown_series_are_refused():
    series = made_series([20, 20])
    first, second = split(series, [8, 8])
    with pytest.raises(DataError, match="'s0' goes on 12 steps before its own end"):
        continued(series, second)
    with pytest.raises(DataError, match="'new' is not among those to go on from"):
        continued(first, replace(second, names=["s0", "new"]))
    alone = continued(first, second.take(np.array([1])))
    assert alone.lengths.tolist() == [8, 20]


def test_steps_numbered_anew_follow_the_last_one():
    series = made_series([10, 7], first=[0, 2])
    more = made_series([4, 3], first=[0, 1], seed=1)
    each = continued(series, more, series.lengths)
    assert each.lengths.tolist() == [14, 11]
    assert np.array_equal(each.targets[0][10:], more.targets[0])
    assert np.isnan(each.targets[1][7, 0])
    assert np.array_equal(each.targets[1][8:], more.targets[1])


def test_rows_named_by_times_go_on_where_their_dates_say():
    days = [f"2024-01-{d:02}" for d in range(1, 31)]
    values = np.arange(60.0).reshape(2, 30)

    def table(begin, end):
        return read({"shop": ["a", "b"]} | {days[d]: values[:, d].tolist() for d in range(begin, end)})

    schema = infer_series_schema(table(0, 20), SeriesOptions())
    first, second = (to_series(table(*ends), schema)[0] for ends in ((0, 20), (22, 30)))
    whole = continued(first, second)
    assert whole.lengths.tolist() == [30, 30]
    assert np.isnan(whole.targets[1][20:22, 0]).all()
    assert whole.targets[1][22:, 0].tolist() == values[1, 22:].tolist()


@given(st.lists(st.integers(3, 20), min_size=1, max_size=3), st.integers(1, 25), st.integers(0, 50))
def test_the_last_steps_begin_with_a_target_that_is_there(lengths, steps, seed):
    series = made_series(lengths, holes=0.5, known=1, past=1, seed=seed)
    kept = last_steps(series, steps)
    for n, length in enumerate(lengths):
        skipped = length - kept.lengths[n]
        assert np.array_equal(kept.targets[n], series.targets[n][skipped:], equal_nan=True)
        assert np.array_equal(kept.past[n], series.past[n][skipped:])
        assert np.array_equal(kept.known[n], series.known[n][skipped:])
        assert kept.first[n] == series.first[n] + skipped
        assert kept.lengths[n] >= min(steps, length)
        assert not np.isnan(kept.targets[n][0, 0])
        between = series.targets[n][skipped + 1 : max(length - steps, 0) + 1, 0]
        assert np.isnan(between).all()  # no more than needed
