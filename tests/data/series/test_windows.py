"""Windows are cut where their definition says, and read nothing past their origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.series.encoding import SeriesEncoder
from recurra.data.series.windows import WindowBatches, origins_between
from recurra.errors import InputError
from tests.data.series.made import made_series


@st.composite
def cut(draw):
    """Series of unequal length with gaps, and windows of them at awkward sizes."""
    look_back, horizon = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    least = look_back + horizon
    lengths = draw(st.lists(st.integers(least, least + 9), min_size=1, max_size=4))
    series = made_series(
        lengths,
        seed=draw(st.integers(0, 99)),
        holes=draw(st.sampled_from([0.0, 0.3])),
        known=draw(st.integers(0, 2)),
        past=draw(st.integers(0, 1)),
        static=draw(st.integers(0, 2)),
        calendar=draw(st.booleans()),
    )
    origins = origins_between(np.full(len(series), look_back), series.lengths - horizon)
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series, horizon)
    options = {"look_back": look_back, "horizon": horizon, "batch_size": draw(st.integers(1, 9))}
    return encoded, origins, options


@settings(max_examples=50)
@given(cut())
def test_windows_equal_the_definition_cut_by_hand(case):
    encoded, origins, options = case
    batches = WindowBatches(encoded, origins, **options)
    seen = []
    for batch in batches.evaluation():
        past, future, identity, static = (each.numpy() for each in batch.inputs)
        for row, place in enumerate(batch.index):
            n, origin = origins[place]
            before, after = (
                slice(origin - options["look_back"], origin),
                slice(origin, origin + options["horizon"]),
            )
            own = [encoded.targets] + [p for p in (encoded.past,) if p is not None]
            ahead = [p for p in (encoded.known, encoded.calendar) if p is not None]
            assert np.array_equal(past[row], np.concatenate([p[n][before] for p in own + ahead], axis=1))
            wanted = np.concatenate([p[n][after] for p in ahead], axis=1) if ahead else future[row]
            assert np.array_equal(future[row], wanted)
            assert future.shape[1:] == (options["horizon"], encoded.known_size)
            assert np.array_equal(batch.target[row], encoded.truth[n][after, 0], equal_nan=True)
            assert identity[row] == n + 1
            assert np.array_equal(static[row], encoded.static[n])
        seen += batch.index.tolist()
    assert seen == list(range(len(origins)))
    past, truth = batches.past_targets(2)
    assert np.array_equal(truth, batches.truth()[::2], equal_nan=True)
    assert not np.isnan(past).any()


@settings(max_examples=50)
@given(cut(), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_covers_every_window_once_and_goes_on_from_anywhere(case, epoch, start):
    encoded, origins, options = case
    batches = WindowBatches(encoded, origins, seed=3, **options)
    whole = list(batches.epoch(epoch))
    assert len(whole) == len(batches)
    assert sorted(np.concatenate([b.index for b in whole]).tolist()) == list(range(len(origins)))
    again = list(WindowBatches(encoded, origins, seed=3, **options).epoch(epoch, start))
    for first, second in zip(whole[start:], again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first.inputs, second.inputs, strict=True))
        assert torch.equal(first.target.nan_to_num(9.0), second.target.nan_to_num(9.0))


def test_epochs_and_seeds_have_orders_of_their_own():
    series = made_series([60])
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series)
    origins = origins_between(np.array([4]), series.lengths - 2)

    def order(seed, epoch):
        batches = WindowBatches(encoded, origins, look_back=4, horizon=2, batch_size=8, seed=seed)
        return np.concatenate([b.index for b in batches.epoch(epoch)]).tolist()

    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_of_more_windows_than_asked_an_epoch_takes_some_and_others_next_time():
    series = made_series([60])
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series)
    origins = origins_between(np.array([4]), series.lengths - 2)
    batches = WindowBatches(encoded, origins, look_back=4, horizon=2, batch_size=8, most=20)
    first, second = (np.concatenate([b.index for b in batches.epoch(e)]) for e in (0, 1))
    assert len(batches) == 3
    assert len(set(first.tolist())) == 20
    assert set(first.tolist()) != set(second.tolist())
    assert sum(len(b) for b in batches.evaluation()) == len(origins)


@settings(max_examples=50)
@given(cut(), st.sampled_from([np.nan, 1e30, -1e30]))
def test_inputs_read_no_target_or_past_covariate_from_the_origin_on(case, poison):
    encoded, origins, options = case
    place = int(np.argmax(origins[:, 1]))
    n, origin = origins[place]
    at = encoded.targets.starts[n] + origin
    end = encoded.targets.starts[n] + encoded.targets.lengths[n]
    spoilt = {}
    for name in ("targets", "truth", "past"):
        packed = getattr(encoded, name)
        if packed is not None:
            values = packed.values.copy()
            begin = packed.starts[n] + origin
            values[begin : begin + end - at] = poison
            spoilt[name] = replace(packed, values=values)
    one = origins[place : place + 1]
    (clean,) = WindowBatches(encoded, one, **options).evaluation()
    (dirty,) = WindowBatches(replace(encoded, **spoilt), one, **options).evaluation()
    assert all(torch.equal(a, b) for a, b in zip(clean.inputs, dirty.inputs, strict=True))


def test_steps_past_the_end_of_a_series_are_missing_truths():
    series = made_series([6, 9])
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series, 4)
    (batch,) = WindowBatches(
        encoded, np.array([[0, 6], [1, 7]]), look_back=3, horizon=4, batch_size=2
    ).evaluation()
    assert torch.isnan(batch.target).tolist() == [[True] * 4, [False, False, True, True]]


@pytest.mark.parametrize("origin", [2, 7, -1])
def test_an_origin_outside_of_its_series_is_refused(origin):
    series = made_series([9, 6])
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series)
    with pytest.raises(InputError, match=rf"from step 3 to the end of their series, 6, found {origin}"):
        WindowBatches(encoded, np.array([[0, 8], [1, origin]]), look_back=3, horizon=1, batch_size=1)


def test_no_windows_are_refused():
    series = made_series([5])
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series)
    with pytest.raises(InputError, match="expected windows"):
        WindowBatches(encoded, np.zeros((0, 2), dtype=np.int64), look_back=2, horizon=2, batch_size=4)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-3, 12)), min_size=1, max_size=5),
    st.integers(1, 4),
)
def test_origins_are_those_of_a_loop(ends, stride):
    first, last = np.array(ends).T
    wanted = [[n, k] for n, (a, b) in enumerate(ends) for k in range(a, b + 1, stride)]
    assert origins_between(first, last, stride).tolist() == wanted
