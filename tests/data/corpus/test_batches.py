"""Rows of a stream: every token once, foretold from the one before, in windows that resume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.corpus.batches import StreamBatches
from recurra.errors import InputError

STREAMS = st.integers(1, 400).flatmap(
    lambda n: st.tuples(
        st.just(n), st.integers(1, min(n, 9)), st.integers(1, 40), st.booleans(), st.integers(0, 3)
    )
)


def made(n, rows, steps, vary, seed):
    """Token k of the stream is k + 1, so what is read says where it stands."""
    return StreamBatches(np.arange(1, n + 1), begin=0, rows=rows, steps=steps, vary=vary, seed=seed)


@given(STREAMS)
def test_an_epoch_reads_every_row_in_order_and_foretells_the_next_token(stream):
    n, rows, *_ = stream
    batches = made(*stream)
    for epoch in (0, 1):
        found = list(batches.epoch(epoch))
        assert len(found) == len(batches)
        assert [batch.fresh for batch in found] == [True] + [False] * (len(found) - 1)
        read = np.concatenate([batch.inputs[0].numpy() for batch in found], axis=1)
        told = np.concatenate([batch.target.numpy() for batch in found], axis=1)
        np.testing.assert_array_equal(told, read + 1)
        assert (np.diff(read, axis=1) == 1).all()
        assert (np.diff(read[:, 0]) == read.shape[1]).all()
        left_over = n - read.size - read[0, 0]
        assert 0 <= left_over < rows
        assert sum(batch.steps for batch in found) == read.size


@given(STREAMS, st.integers(0, 30))
def test_an_epoch_goes_on_from_any_batch(stream, start):
    batches = made(*stream)
    whole, rest = list(batches.epoch(3)), list(batches.epoch(3, start))
    assert len(rest) == max(0, len(whole) - start)
    for a, b in zip(whole[start:], rest, strict=True):
        np.testing.assert_array_equal(a.target.numpy(), b.target.numpy())
        assert a.fresh == b.fresh


@given(STREAMS)
def test_evaluation_of_one_row_foretells_every_token_once(stream):
    n, _, steps, *_ = stream
    batches = StreamBatches(np.arange(1, n + 1), begin=0, rows=1, steps=steps, vary=False)
    told = [batch.target.numpy().ravel() for batch in batches.evaluation()]
    assert np.concatenate(told).tolist() == list(range(1, n + 1))


def test_epochs_begin_elsewhere_and_cut_elsewhere():
    batches = made(5000, 4, 70, True, 0)
    cuts = [tuple(batch.inputs[0].shape[1] for batch in batches.epoch(epoch)) for epoch in range(3)]
    begins = {int(next(iter(batches.epoch(epoch))).inputs[0][0, 0]) for epoch in range(3)}
    assert len(set(cuts)) == 3
    assert len(begins) == 3
    assert 60 < np.mean(cuts[0]) < 80


def test_too_little_text_is_refused():
    with pytest.raises(InputError, match="a token for each of 8 rows or more, found 5"):
        made(5, 8, 3, True, 0)
    with pytest.raises(InputError, match="expected 1 or more, found 2 and 0"):
        made(5, 2, 0, True, 0)
