"""Sequences of unequal length in one flat array: no list of small tensors, no padding at rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Packed:
    """N sequences laid end to end.

    Args:
        values: (total steps,) token ids, or (total steps, I) features.
        offsets: (N + 1,) int64; sequence n is `values[offsets[n]:offsets[n + 1]]`.

    >>> p = Packed.from_list([np.array([1, 2, 3]), np.array([4])])
    >>> p.lengths
    array([3, 1])
    >>> p.pad(np.array([1, 0]))[0]
    array([[4, 0, 0],
           [1, 2, 3]])
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_list(cls, sequences: Sequence[np.ndarray]) -> Packed:
        """Lay `sequences` end to end; they share a dtype and all axes but the first."""
        offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(s) for s in sequences], out=offsets[1:])
        return cls(np.concatenate(sequences) if len(sequences) else np.zeros(0), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, n: int) -> np.ndarray:
        return self.values[self.offsets[n] : self.offsets[n + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """(N,) valid steps of each sequence."""
        return np.diff(self.offsets)

    def take(self, indices: np.ndarray) -> Packed:
        """The sequences at `indices`, packed again in that order."""
        indices = np.asarray(indices, dtype=np.int64)
        lengths = self.lengths[indices]
        offsets = np.zeros(len(indices) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        steps = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return Packed(self.values[steps], offsets)

    def pad(self, indices: np.ndarray, steps: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """A batch: (B, T) or (B, T, I) values padded with zeros, and (B,) lengths.

        Args:
            indices: (B,) the sequences.
            steps: T, no less than the longest of them; else that.
        """
        chosen = self.take(indices)
        lengths = chosen.lengths
        width = int(lengths.max(initial=0)) if steps is None else steps
        batch = np.zeros((len(lengths), width, *self.values.shape[1:]), dtype=self.values.dtype)
        batch[np.arange(width) < lengths[:, None]] = chosen.values
        return batch, lengths
