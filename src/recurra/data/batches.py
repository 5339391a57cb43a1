"""Batches of like lengths: as many in every epoch, in an order that (seed, epoch) alone decides."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch

from recurra.data.packed import Packed
from recurra.errors import InputError

_EVALUATION_FACTOR = 4  # without gradients and optimiser, batches may be larger


@dataclass(frozen=True)
class Batch:
    """B examples as the network reads them.

    Args:
        inputs: what the network is called with, in that order.
        target: what the loss compares its output with, or None where there are no targets.
        index: (B,) int64 NumPy, the places of the examples in their whole.
        steps: valid steps in it, the measure of its work.
        fresh: None where no state is carried from batch to batch; else whether the state starts anew here.
    """

    inputs: tuple[torch.Tensor, ...]
    target: torch.Tensor | None
    index: np.ndarray
    steps: int
    fresh: bool | None = None

    def __len__(self) -> int:
        return len(self.index)


class BatchSource(Protocol):
    """Where training and evaluation get their batches from."""

    def __len__(self) -> int:
        """Batches in every epoch."""
        ...

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch `start` on, a function of these two numbers alone."""
        ...

    def evaluation(self) -> Iterator[Batch]:
        """Every example once, in an order that never changes."""
        ...

    def reseeded(self, seed: int) -> Self:
        """The same batches, in the order that another seed gives."""
        ...

    def part(self, share: float) -> Self:
        """Such a share of the examples, always the same ones, for work that need not see all."""
        ...


class Batches:
    """Every sequence once per epoch, in batches of like lengths.

    A batch's inputs are (B, T) int64 ids or (B, T, I) float32, 0 past the lengths, and (B,) int64 lengths, 0
    allowed. T is the longest of them, at least 1, rounded up by `padded_steps`. Its target is (B,) or (B, K);
    of a target at every step (B, T) or (B, T, K), past the lengths as where there is none: `no_target`.

    The number of batches and their sizes are settled once: the sequences are laid out by falling length and
    cut so that each batch keeps both limits, evenly, so that none is left much smaller than its
    neighbours. An epoch fills these places anew. It sorts by

        key_n = length_n + u_n (mixing * length_n + 1),   u_n uniform in [0, 1) from (seed, epoch)

    so that neighbours in length change places, and takes the batches in shuffled order. Where the layout has
    a sequence of length l, an epoch has none longer than l + ceil(mixing * l); the limits are kept for
    that length, and so in every epoch.

    Args:
        sequences: N packed sequences, ids or features.
        target: (N,) or (N, K) encoded targets, N packed ones of as many steps as the sequences, or None.
        tokens_per_batch: B * T is at most this, padding included; one longer sequence stands alone.
        max_batch: B is at most this.
        seed: decides, with the epoch's number, the order and the mixing.
        mixing: how far a sequence may stray from its length, as a share of it.
        finish: what becomes of each batch before it is handed out, a function of the batch alone that other processes
            can have, too; None: it stays as it is.

    Raises:
        InputError: no sequences, targets of another number, a limit below 1, or mixing below 0.

    >>> batches = Batches(Packed.from_list([np.arange(n) for n in (5, 0, 3, 4)]), None,
    ...                   tokens_per_batch=10, max_batch=2, seed=0)
    >>> len(batches), sorted(n for batch in batches.epoch(7) for n in batch.index.tolist())
    (2, [0, 1, 2, 3])
    """

    def __init__(
        self,
        sequences: Packed,
        target: np.ndarray | Packed | None = None,
        *,
        tokens_per_batch: int = 12_800,
        max_batch: int = 128,
        seed: int = 0,
        mixing: float = 0.1,
        finish: Callable[[Batch], Batch] | None = None,
    ):
        if len(sequences) == 0:
            raise InputError("expected sequences to make batches of, found none", where="sequences")
        if target is not None and len(target) != len(sequences):
            raise InputError(f"expected {len(sequences)} targets, found {len(target)}", where="target")
        for name, limit in (("tokens_per_batch", tokens_per_batch), ("max_batch", max_batch)):
            if limit < 1:
                raise InputError(f"expected 1 or more, found {limit}", where=name)
        if not mixing >= 0:
            raise InputError(f"expected 0 or more, found {mixing}", where="mixing")
        self._sequences, self._target = sequences, target
        self._seed, self._mixing, self._finish = seed, mixing, finish
        self._tokens_per_batch, self._max_batch = tokens_per_batch, max_batch
        self._lengths = sequences.lengths
        falling = np.sort(self._lengths)[::-1]
        # The longest that mixing can bring to a place: see the class.
        reach = np.minimum(falling + np.ceil(mixing * falling).astype(np.int64), falling[0])
        self._borders = _layout(reach, tokens_per_batch, max_batch)

    def __len__(self) -> int:
        """Batches in every epoch."""
        return len(self._borders) - 1

    def order(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch as arrays of places, in the order in which they are taken."""
        rng = np.random.default_rng([self._seed, epoch])
        stray = rng.random(len(self._lengths)) * (self._mixing * self._lengths + 1)
        places = _by_falling(self._lengths + stray)
        batches = np.split(places, self._borders[1:-1])
        return [batches[k] for k in rng.permutation(len(batches))]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch `start` on; a resumed run needs no more than these numbers."""
        for places in self.order(epoch)[start:]:
            yield self._batch(places)

    def reseeded(self, seed: int) -> Self:
        """The same sequences in the order of another seed; nothing is copied."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def part(self, share: float) -> Self:
        """Such a share of the sequences, at least one, drawn once for all seeds; nothing is copied.

        >>> sequences = Packed.from_list([np.arange(n) for n in range(1, 9)])
        >>> [len(b) for b in Batches(sequences, None, max_batch=8).part(0.5).epoch(0)]
        [4]
        """
        count = max(1, round(share * len(self._sequences)))
        places = np.sort(np.random.default_rng(0).choice(len(self._sequences), count, replace=False))
        target = self._target
        if target is not None:
            target = target.take(places) if isinstance(target, Packed) else target[places]
        return type(self)(
            self._sequences.take(places),
            target,
            tokens_per_batch=self._tokens_per_batch,
            max_batch=self._max_batch,
            seed=self._seed,
            mixing=self._mixing,
            finish=self._finish,
        )

    def evaluation(self) -> Iterator[Batch]:
        """Every sequence once, longest first, unshuffled, in batches four times as large."""
        places = _by_falling(self._lengths)
        tokens, size = _EVALUATION_FACTOR * self._tokens_per_batch, _EVALUATION_FACTOR * self._max_batch
        for batch in np.split(places, _layout(self._lengths[places], tokens, size)[1:-1]):
            yield self._batch(batch)

    def padding_share(self, epoch: int = 0) -> float:
        """The share of an epoch's steps that are padding."""
        padded = sum(len(b) * int(padded_steps(self._lengths[b].max())) for b in self.order(epoch))
        return 1.0 - float(self._lengths.sum()) / padded

    def _batch(self, places: np.ndarray) -> Batch:
        width = int(padded_steps(self._lengths[places].max()))
        values, lengths = self._sequences.pad(places, width)
        target = self._target
        if isinstance(target, Packed):
            target = target.pad(places, width, fill=no_target(target.values.dtype))[0]
        elif target is not None:
            target = target[places]
        dtype = np.int64 if np.issubdtype(values.dtype, np.integer) else np.float32
        batch = Batch(
            inputs=(torch.from_numpy(values.astype(dtype, copy=False)), torch.from_numpy(lengths)),
            target=None if target is None else torch.from_numpy(target),
            index=places,
            steps=int(lengths.sum()),
        )
        return batch if self._finish is None else self._finish(batch)


def no_target(dtype: np.dtype) -> float:
    """What stands at a step without a target: NaN among numbers, among classes torch's own -100.

    >>> no_target(np.dtype(np.int64)), no_target(np.dtype(np.float32))
    (-100, nan)
    """
    return -100 if np.issubdtype(dtype, np.integer) else float("nan")


def padded_steps(lengths: np.ndarray) -> np.ndarray:
    """The T that sequences of `lengths` are padded to: up to a sixteenth more, so that few different T occur.

    Every new shape costs memory that the allocator does not give back: on IMDB about 300 MB an epoch.

    >>> padded_steps(np.array([0, 1, 31, 33, 130, 400]))
    array([  1,   1,  31,  34, 136, 400])
    """
    lengths = np.maximum(lengths, 1)
    unit = np.maximum(1, 2 ** np.floor(np.log2(lengths)).astype(np.int64) // 16)
    return -(-lengths // unit) * unit


def _by_falling(keys: np.ndarray) -> np.ndarray:
    return np.argsort(-keys, kind="stable")


def _layout(falling: np.ndarray, tokens: int, size: int) -> np.ndarray:
    """Borders of batches over falling lengths: as few as both limits allow, and then as even as may be."""
    widths = padded_steps(falling)
    fewest = _cut(widths, tokens, size)
    # The same number of batches may do under tighter limits, which take the slack out of the last one.
    low, high, borders = 0.0, 1.0, fewest
    for _ in range(12):
        middle = (low + high) / 2
        tried = _cut(widths, middle * tokens, middle * size)
        if len(tried) <= len(fewest):
            high, borders = middle, tried
        else:
            low = middle
    return borders


def _cut(widths: np.ndarray, tokens: float, size: float) -> np.ndarray:
    """Greedy borders: a batch starts at its longest sequence, which decides how many stand beside it."""
    borders = [0]
    while borders[-1] < len(widths):
        count = max(1, int(min(size, tokens // widths[borders[-1]])))
        borders.append(min(borders[-1] + count, len(widths)))
    return np.array(borders)
