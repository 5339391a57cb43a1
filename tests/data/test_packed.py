"""Packed sequences: whatever way they lie over their values, each holds its own steps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.tasks.baselines.summary import resample, summary_features


@st.composite
def packs(draw) -> Packed:
    """Any sequences over 0 to 12 steps of two features: empty, overlapping, in any order, with steps left over."""
    steps = draw(st.integers(0, 12))
    starts = draw(st.lists(st.integers(0, steps), max_size=5))
    lengths = [draw(st.integers(0, steps - start)) for start in starts]
    values = np.arange(2.0 * steps).reshape(steps, 2) ** 1.5
    return Packed(values, np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64))


def listed(packed: Packed) -> list[list[list[float]]]:
    return [packed[n].tolist() for n in range(len(packed))]


@given(packs())
def test_every_form_holds_the_same_sequences(packed):
    assert listed(packed.narrowed()) == listed(packed)
    assert packed.narrowed().covered().all()
    values, offsets = packed.flat()
    assert [values[a:b].tolist() for a, b in pairwise(offsets)] == listed(packed)


@given(packs(), st.data())
def test_taking_and_padding_keep_order(packed, data):
    chosen = data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=6)) if len(packed) else []
    indices = np.array(chosen, dtype=np.int64)
    assert listed(packed.take(indices)) == [packed[n].tolist() for n in chosen]
    assert packed.take(indices).values is packed.values
    batch, lengths = packed.pad(indices, steps=15)
    assert batch.shape == (len(chosen), 15, 2)
    for row, length, n in zip(batch, lengths, chosen, strict=True):
        assert row[:length].tolist() == packed[n].tolist()
        assert not row[length:].any()


@given(packs())
def test_what_reads_them_sees_no_other_steps(packed):
    """Values in no sequence are poisoned: scaling, summaries and resampled copies do not change."""
    if not packed.lengths.sum():
        return
    values = packed.values.copy()
    values[~packed.covered()] = np.inf
    poisoned = Packed(values, packed.starts, packed.lengths)
    laid_out = Packed.from_list([packed[n] for n in range(len(packed))])
    encoder = NumberEncoder.fit(poisoned)
    assert listed(encoder.encode(poisoned)) == listed(encoder.encode(laid_out))
    np.testing.assert_array_equal(summary_features(poisoned), summary_features(laid_out))
    flat = np.zeros(2), np.ones(2)
    np.testing.assert_array_equal(resample(poisoned, 4, *flat), resample(laid_out, 4, *flat))


def test_a_step_that_windows_share_counts_once():
    windows = Packed(np.array([[0.0], [0.0], [0.0], [4.0]]), np.array([0, 1]), np.array([3, 3]))
    assert NumberEncoder.fit(windows).means.tolist() == [1.0]
