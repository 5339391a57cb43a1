"""Sequences laid end to end as they come: in memory while they are few, then in a file that is mapped."""

from __future__ import annotations

import tempfile
from typing import IO

import numpy as np

from recurra.data.packed import Packed

LARGE = 1 << 30  # bytes that are kept in memory


class Growing:
    """Packs sequences one by one.

    In memory they are float32. Once they are `large` bytes, they go to a file without a name as float16, which is
    mapped into memory and gone when nobody reads it any more. Logarithms of energies, between -16 and 16 or so, then
    are off by 0.4 hundredths at most.

    Args:
        channels: I, features of a step.
        large: bytes in memory.

    >>> growing = Growing(2)
    >>> growing.add(np.ones((3, 2)))
    >>> growing.packed().lengths
    array([3])
    """

    def __init__(self, channels: int, large: int = LARGE):
        self.channels, self.large = channels, large
        self._lengths: list[int] = []
        self._parts: list[np.ndarray] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def add(self, sequence: np.ndarray) -> None:
        """Take in (steps, I)."""
        self._lengths.append(len(sequence))
        self._bytes += sequence.size * 4
        self._parts.append(sequence.astype(np.float32))
        if self._file is None and self._bytes > self.large:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as what is mapped from it
        if self._file is not None:
            for part in self._parts:
                self._file.write(part.astype(np.float16).tobytes())
            self._parts.clear()

    def packed(self) -> Packed:
        """All that was taken in; no more can be after that."""
        lengths = np.array(self._lengths, dtype=np.int64)
        if self._file is None:
            empty = np.zeros((0, self.channels), dtype=np.float32)
            return Packed.end_to_end(np.concatenate([empty, *self._parts]), lengths)
        with self._file as file:  # what is mapped outlives it
            file.flush()
            shape = (int(lengths.sum()), self.channels)
            return Packed.end_to_end(np.memmap(file, dtype=np.float16, mode="r", shape=shape), lengths)
