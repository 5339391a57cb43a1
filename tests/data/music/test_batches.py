"""Pieces in batches: what is read, what is foretold, how pieces are moved."""

import numpy as np
import pytest
import torch

from recurra.data.music.batches import FrameBatches, excerpts
from recurra.data.packed import Packed
from tests.data.music.made import rolls


def test_next_frame_is_the_target_and_padding_has_none():
    made = rolls(7)
    seen = set()
    for batch in FrameBatches(Packed.from_list(made), max_batch=3).epoch(0):
        frames, lengths = batch.inputs
        for row, n in enumerate(batch.index.tolist()):
            length = int(lengths[row])
            assert np.array_equal(frames[row, :length], made[n][:-1])
            assert np.array_equal(batch.target[row, :length], made[n][1:])
            assert not frames[row, length:].any() and batch.target[row, length:].isnan().all()
            seen.add(n)
    assert seen == set(range(7))


def test_pieces_are_moved_anew_in_every_epoch_and_never_off_the_piano():
    edge = np.zeros((4, 88), dtype=np.uint8)
    edge[:, [0, 86]] = 1
    silent = np.zeros((4, 88), dtype=np.uint8)
    made = Packed.from_list([edge, silent, *rolls(10)])
    batches = FrameBatches(made, transpose=5)
    shifts = np.stack([batches.shifts(epoch) for epoch in range(40)])
    assert set(np.unique(shifts[:, 0])) == {0, 1} and not shifts[:, 1].any()
    assert set(np.unique(shifts[:, 2:])) == set(range(-5, 6))
    moved = next(iter(batches.epoch(3)))
    for row, n in enumerate(moved.index.tolist()):
        length = int(moved.inputs[1][row])
        expected = np.roll(made[n], shifts[3, n], axis=1)
        assert np.array_equal(moved.inputs[0][row, :length], expected[:-1])
        assert moved.inputs[0][row, :length].sum() == made[n][:-1].sum()
    still = next(batches.evaluation())
    assert np.array_equal(still.inputs[0][0, : still.inputs[1][0]], made[still.index[0]][:-1])


def test_epoch_is_a_function_of_seed_and_number():
    made = Packed.from_list(rolls(20))
    one, other = (FrameBatches(made, transpose=4, max_batch=4, seed=3) for _ in range(2))
    whole, resumed = list(one.epoch(2)), list(other.epoch(2, start=2))
    assert all(torch.equal(a.inputs[0], b.inputs[0]) for a, b in zip(whole[2:], resumed, strict=True))
    assert not np.array_equal(one.shifts(2), one.reseeded(4).shifts(2))
    assert sum(map(len, one.part(0.5).epoch(0))) == 10


@pytest.mark.parametrize("frames", [2, 5, 7, 100])
def test_excerpts_foretell_every_frame_once(frames):
    made = Packed.from_list([np.arange(n)[:, None] for n in (2, 7, 8, 23)])
    found = excerpts(made, frames)
    assert found.lengths.max() <= frames and found.lengths.min() >= 2
    foretold = np.concatenate([found[n][1:, 0] for n in range(len(found))])
    assert foretold.tolist() == [*range(1, 2), *range(1, 7), *range(1, 8), *range(1, 23)]
