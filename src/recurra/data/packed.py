"""Sequences of unequal length in one flat array: no list of small tensors, no padding at rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Packed:
    """N sequences, each of them some neighbouring steps of one array.

    They may overlap, as windows of a stream do, and stand in any order; steps may belong to none of them.
    So to take some of them copies no values.

    Args:
        values: (steps,) token ids, or (steps, I) features.
        starts: (N,) int64.
        lengths: (N,) int64; sequence n is `values[starts[n] : starts[n] + lengths[n]]`.

    >>> p = Packed.from_list([np.array([1, 2, 3]), np.array([4])])
    >>> p.lengths
    array([3, 1])
    >>> p.pad(np.array([1, 0]))[0]
    array([[4, 0, 0],
           [1, 2, 3]])
    """

    values: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def from_list(cls, sequences: Sequence[np.ndarray]) -> Packed:
        """Lay `sequences` end to end; they share a dtype and all axes but the first."""
        values = np.concatenate(sequences) if len(sequences) else np.zeros(0)
        return cls.end_to_end(values, np.array([len(s) for s in sequences], dtype=np.int64))

    @classmethod
    def end_to_end(cls, values: np.ndarray, lengths: np.ndarray) -> Packed:
        """The first `lengths[0]` steps of `values`, then the next `lengths[1]`, and so on.

        >>> Packed.end_to_end(np.arange(5), np.array([2, 3]))[1]
        array([2, 3, 4])
        """
        lengths = np.asarray(lengths, dtype=np.int64)
        return cls(values, np.cumsum(lengths) - lengths, lengths)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, n: int) -> np.ndarray:
        return self.values[self.starts[n] : self.starts[n] + self.lengths[n]]

    @property
    def channels(self) -> int:
        """I, of sequences with features."""
        return self.values.shape[1]

    def take(self, indices: np.ndarray) -> Self:
        """The sequences at `indices`, in that order, over the same values."""
        return replace(self, starts=self.starts[indices], lengths=self.lengths[indices])

    def covered(self) -> np.ndarray:
        """(steps,) bool: the steps that belong to a sequence.

        >>> Packed(np.arange(5), np.array([1, 2]), np.array([2, 2])).covered()
        array([False,  True,  True,  True, False])
        """
        bins = len(self.values) + 1
        begun = np.bincount(self.starts, minlength=bins) - np.bincount(
            self.starts + self.lengths, minlength=bins
        )
        return np.cumsum(begun)[:-1] > 0

    def narrowed(self) -> Packed:
        """The same sequences over the steps that belong to one, each such step held once.

        >>> narrow = Packed(np.arange(5), np.array([1, 2]), np.array([2, 2])).narrowed()
        >>> narrow.values, narrow.starts
        (array([1, 2, 3]), array([0, 1]))
        """
        covered = self.covered()
        if covered.all():
            return self
        before = np.concatenate([[0], np.cumsum(covered)])
        return Packed(self.values[covered], before[self.starts], self.lengths)

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """The sequences end to end, and (N + 1,) offsets between which each stands; a copy if they stand otherwise.

        >>> Packed(np.arange(5), np.array([1, 2]), np.array([2, 2])).flat()
        (array([1, 2, 2, 3]), array([0, 2, 4]))
        """
        offsets = np.concatenate([[0], np.cumsum(self.lengths)])
        if len(self.values) == offsets[-1] and np.array_equal(self.starts, offsets[:-1]):
            return self.values, offsets
        steps = np.arange(offsets[-1]) + np.repeat(self.starts - offsets[:-1], self.lengths)
        return self.values[steps], offsets

    def pad(
        self, indices: np.ndarray, steps: int | None = None, *, fill: float = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """A batch: (B, T) or (B, T, I) values padded with `fill`, and (B,) lengths.

        Args:
            indices: (B,) the sequences.
            steps: T, no less than the longest of them; else that.
        """
        chosen = self.take(indices)
        width = int(chosen.lengths.max(initial=0)) if steps is None else steps
        batch = np.full((len(chosen), width, *self.values.shape[1:]), fill, dtype=self.values.dtype)
        batch[np.arange(width) < chosen.lengths[:, None]] = chosen.flat()[0]
        return batch, chosen.lengths
