"""Pieces in batches: at every frame the keys that are down, and as target those of the next frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import torch

from recurra.data.batches import Batch, Batches, padded_steps
from recurra.data.packed import Packed


def excerpts(rolls: Packed, frames: int) -> Packed:
    """The same pieces, those with more than so many `frames` cut into parts of like length; nothing is copied.

    The last frame of a part is the first one of the next: each frame but the first of a piece is foretold once.

    >>> excerpts(Packed.from_list([np.zeros((9, 88)), np.zeros((4, 88))]), 5).lengths.tolist()
    [5, 5, 4]
    """
    starts, lengths = [], []
    for start, length in zip(rolls.starts.tolist(), rolls.lengths.tolist(), strict=True):
        parts = max(1, -(-(length - 1) // (frames - 1)))
        borders = np.linspace(0, length - 1, parts + 1).round().astype(np.int64)
        starts.append(start + borders[:-1])
        lengths.append(np.diff(borders) + 1)
    return Packed(rolls.values, np.concatenate(starts), np.concatenate(lengths))


class FrameBatches(Batches):
    """Every piece once per epoch, in batches of like lengths; see `Batches` for their layout and order.

    Of a piece of n frames the first n - 1 are read and the last n - 1 foretold. Inputs are (B, T, 88) float32, 0 past
    the lengths, and (B,) int64 lengths; the target is (B, T, 88) float32, NaN past the lengths.

    In training a piece is moved by as many semitones as (seed, epoch) draw for it, up to `transpose` in either
    direction, less where a key would fall off the piano.

    Args:
        rolls: N packed rolls, values (frames, 88); of two frames or more each.
        transpose: semitones.
        tokens_per_batch: frames in a batch, padding included.
        max_batch, seed, mixing: as `Batches` has them.

    >>> roll = np.eye(88, dtype=np.uint8)[[60, 62, 64]]
    >>> batch = next(FrameBatches(Packed.from_list([roll])).evaluation())
    >>> batch.inputs[0].argmax(2).tolist(), batch.target.argmax(2).tolist()
    ([[60, 62]], [[62, 64]])
    """

    def __init__(
        self,
        rolls: Packed,
        *,
        transpose: int = 0,
        tokens_per_batch: int = 12_800,
        max_batch: int = 128,
        seed: int = 0,
        mixing: float = 0.1,
    ):
        read = Packed(rolls.values, rolls.starts, rolls.lengths - 1)
        super().__init__(
            read, tokens_per_batch=tokens_per_batch, max_batch=max_batch, seed=seed, mixing=mixing
        )
        self._rolls, self._transpose = rolls, transpose
        used = np.stack([rolls[n].any(axis=0) for n in range(len(rolls))])
        # The empty keys below and above each piece; one without any note has nothing to move.
        empty = ~used.any(axis=1)
        self._below = np.where(empty, 0, used.argmax(axis=1))
        self._above = np.where(empty, 0, used[:, ::-1].argmax(axis=1))

    def shifts(self, epoch: int) -> np.ndarray:
        """(N,) semitones that each piece is moved up in an epoch of training."""
        rng = np.random.default_rng([self._seed, epoch, 1])
        drawn = rng.integers(-self._transpose, self._transpose, len(self._rolls), endpoint=True)
        return np.clip(drawn, -self._below, self._above)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch `start` on, a function of these numbers alone."""
        shifts = self.shifts(epoch)
        for places in self.order(epoch)[start:]:
            yield self._moved(places, shifts[places])

    def part(self, share: float) -> Self:
        """Such a share of the pieces, at least one, drawn once for all seeds; nothing is copied."""
        count = max(1, round(share * len(self._rolls)))
        places = np.sort(np.random.default_rng(0).choice(len(self._rolls), count, replace=False))
        return type(self)(
            self._rolls.take(places),
            transpose=self._transpose,
            tokens_per_batch=self._tokens_per_batch,
            max_batch=self._max_batch,
            seed=self._seed,
            mixing=self._mixing,
        )

    def _batch(self, places: np.ndarray) -> Batch:
        return self._moved(places, np.zeros(len(places), dtype=np.int64))

    def _moved(self, places: np.ndarray, shifts: np.ndarray) -> Batch:
        """The pieces at `places`, each so many semitones higher."""
        lengths = self._lengths[places]
        width = int(padded_steps(lengths.max()))
        frames = self._rolls.pad(places, width + 1)[0].astype(np.float32)
        for row, shift in enumerate(shifts):
            if shift:
                frames[row] = np.roll(frames[row], shift, axis=1)  # the keys that go round are empty
        target = np.where((np.arange(width) < lengths[:, None])[..., None], frames[:, 1:], np.float32("nan"))
        read = frames[:, :-1]
        read[np.arange(width) >= lengths[:, None]] = 0  # the last frame of each is only foretold
        return Batch(
            inputs=(torch.from_numpy(np.ascontiguousarray(read)), torch.from_numpy(lengths)),
            target=torch.from_numpy(target),
            index=places,
            steps=int(lengths.sum()),
        )
