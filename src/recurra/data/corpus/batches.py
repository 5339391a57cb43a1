"""A stream of ids in rows that are read side by side, a window at a time, each going on from the one before."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Self

import numpy as np
import torch

from recurra.data.batches import Batch
from recurra.errors import InputError

_HALF_SHARE = 0.05  # of windows that are half as long (Merity et al., arXiv:1708.02182, section 4.1)
_SPREAD = 1 / 14  # of a window's length: 5 of 70, as there
_LONG = 8  # steps; shorter windows do not vary


class StreamBatches:
    """Next-token prediction over one stream, its rows read in parallel with carried state.

    The stream is cut into `rows` pieces of equal length, one under the other; a batch is a window of them. An input
    is (B, T) int64 ids, its target the same a token later; the first token of all is foretold from `begin`.

    In an epoch of training the stream begins up to a window later than in another, and lengths of windows vary
    about `steps` as in AWD-LSTM, stretched so that every epoch has as many of them: no token always stands at
    the border of a window. What is left over at the end, fewer than `rows` tokens, is not read.

    Args:
        ids: (n,) the stream.
        begin: the id before the first.
        rows: B.
        steps: T, about.
        vary: False cuts every epoch alike, as evaluation is cut.
        seed: decides, with the epoch's number, where windows begin.

    Raises:
        InputError: fewer tokens than rows, or rows or steps below 1.

    >>> batches = StreamBatches(np.arange(1, 13), begin=0, rows=2, steps=3, vary=False)
    >>> first, second = batches.epoch(0)
    >>> first.inputs[0].tolist(), first.target.tolist(), second.fresh
    ([[0, 1, 2], [6, 7, 8]], [[1, 2, 3], [7, 8, 9]], False)
    """

    def __init__(
        self, ids: np.ndarray, *, begin: int, rows: int, steps: int, vary: bool = True, seed: int = 0
    ):
        if rows < 1 or steps < 1:
            raise InputError(f"expected 1 or more, found {rows} and {steps}", where="rows, steps")
        if len(ids) < rows:
            raise InputError(
                f"expected a token for each of {rows} rows or more, found {len(ids)} tokens",
                where="windows.rows",
                fix="Give more text, or fewer rows.",
            )
        self._ids = np.concatenate([[begin], ids]).astype(np.int64)
        self._rows, self._steps, self._vary, self._seed = rows, steps, vary, seed
        # Where an epoch may begin later, and still every one has as many windows.
        self._room = min(steps, (len(ids) - rows) // rows) if vary else 0
        self._count = max(1, math.ceil((len(ids) - self._room) // rows / steps))

    def __len__(self) -> int:
        """Batches in every epoch."""
        return self._count

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch `start` on."""
        rng = np.random.default_rng([self._seed, epoch])
        shift = int(rng.integers(0, self._room + 1)) if self._vary else 0
        columns = (len(self._ids) - 1 - shift) // self._rows
        if not self._vary:
            borders = np.minimum(np.arange(self._count + 1) * self._steps, columns)
        else:
            lengths = np.ones(self._count)
            if self._steps >= _LONG:
                lengths = np.where(rng.random(self._count) < _HALF_SHARE, 0.5, 1.0)
                # None is so short that it would vanish when all are stretched to fill the epoch.
                lengths = np.maximum(lengths + _SPREAD * rng.standard_normal(self._count), 1 / 3)
            borders = np.floor(np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum() * columns + 0.5)
        yield from self._cut(shift, columns, borders.astype(np.int64), start)

    def reseeded(self, seed: int) -> Self:
        """The same stream, cut where another seed says; nothing is copied."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def part(self, share: float) -> Self:
        """The beginning of the stream, such a share of it."""
        begin, ids = int(self._ids[0]), self._ids[1:]
        count = max(self._rows, round(share * len(ids)))
        given = {"rows": self._rows, "steps": self._steps, "vary": self._vary, "seed": self._seed}
        return type(self)(ids[:count], begin=begin, **given)

    def evaluation(self) -> Iterator[Batch]:
        """The stream from its beginning, in windows of equal length."""
        columns = (len(self._ids) - 1) // self._rows
        count = math.ceil(columns / self._steps)
        yield from self._cut(0, columns, np.minimum(np.arange(count + 1) * self._steps, columns), 0)

    def _cut(self, shift: int, columns: int, borders: np.ndarray, start: int) -> Iterator[Batch]:
        read = self._ids[shift : shift + self._rows * columns].reshape(self._rows, columns)
        told = self._ids[shift + 1 : shift + 1 + self._rows * columns].reshape(self._rows, columns)
        for k in range(start, len(borders) - 1):
            window = slice(int(borders[k]), int(borders[k + 1]))
            yield Batch(
                inputs=(torch.from_numpy(np.ascontiguousarray(read[:, window])),),
                target=torch.from_numpy(np.ascontiguousarray(told[:, window])),
                index=np.arange(self._rows),
                steps=self._rows * (window.stop - window.start),
                fresh=k == 0,
            )
