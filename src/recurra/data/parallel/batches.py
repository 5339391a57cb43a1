"""Batches of pairs, of like lengths on both sides."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch

from recurra.data.batches import Batch, Batches, no_target, padded_steps
from recurra.data.packed import Packed
from recurra.errors import InputError


class PairBatches:
    """Every pair once per epoch, in batches of like lengths, as `Batches` lays them out.

    A batch's inputs are sources (B, S) int64 with their (B,) lengths, and (B, T) int64 what the decoder reads: the
    boundary, then the target's ids. Its target is (B, T): the target's ids, then the boundary; `no_target` behind it.
    A pair counts as long as its longer side.

    Args:
        sources, targets: N packed texts as ids, targets without boundaries.
        boundary: the id that begins and ends a target.
        tokens_per_batch, max_batch, seed, mixing: see `Batches`.

    Raises:
        InputError: no pairs, another number of targets than sources, or a limit that cannot be.

    >>> texts = Packed.from_list([np.array([2, 3]), np.array([4])])
    >>> (batch,) = PairBatches(texts, texts, boundary=9).epoch(0)
    >>> batch.inputs[2].tolist(), batch.target.tolist()
    ([[9, 2, 3], [9, 4, 0]], [[2, 3, 9], [4, 9, -100]])
    """

    def __init__(
        self,
        sources: Packed,
        targets: Packed,
        *,
        boundary: int,
        tokens_per_batch: int = 12_800,
        max_batch: int = 128,
        seed: int = 0,
        mixing: float = 0.1,
    ):
        if len(sources) != len(targets):
            raise InputError(f"expected {len(sources)} targets, found {len(targets)}", where="targets")
        self._sources, self._targets, self._boundary, self._seed = sources, targets, boundary, seed
        self._limits: dict[str, Any] = {
            "tokens_per_batch": tokens_per_batch,
            "max_batch": max_batch,
            "mixing": mixing,
        }
        # The order is that of sequences as long as the longer side: overlapping ones of one array of nothing.
        lengths = np.maximum(sources.lengths, targets.lengths + 1)
        nothing = np.zeros(int(lengths.max(initial=0)), dtype=np.int8)
        shapes = Packed(nothing, np.zeros(len(lengths), dtype=np.int64), lengths)
        self._layout = Batches(shapes, seed=seed, **self._limits)

    def __len__(self) -> int:
        """Batches in every epoch."""
        return len(self._layout)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch `start` on."""
        for places in self._layout.order(epoch)[start:]:
            yield self._batch(places)

    def evaluation(self) -> Iterator[Batch]:
        """Every pair once, longest first, unshuffled, in larger batches."""
        for batch in self._layout.evaluation():
            yield self._batch(batch.index)

    def reseeded(self, seed: int) -> Self:
        """The same pairs in the order of another seed; nothing is copied."""
        other = copy.copy(self)
        other._seed, other._layout = seed, self._layout.reseeded(seed)
        return other

    def part(self, share: float) -> Self:
        """Such a share of the pairs, at least one, drawn once for all seeds; nothing is copied."""
        count = max(1, round(share * len(self._sources)))
        places = np.sort(np.random.default_rng(0).choice(len(self._sources), count, replace=False))
        return type(self)(
            self._sources.take(places),
            self._targets.take(places),
            boundary=self._boundary,
            seed=self._seed,
            **self._limits,
        )

    def _batch(self, places: np.ndarray) -> Batch:
        width = int(padded_steps(self._sources.lengths[places].max()))
        source, lengths = self._sources.pad(places, width)
        width = int(padded_steps(self._targets.lengths[places].max() + 1))
        said, ends = self._targets.pad(places, width - 1)
        rows = np.arange(len(places))
        read = np.concatenate([np.full((len(places), 1), self._boundary), said], axis=1)
        target = np.concatenate([said, np.zeros((len(places), 1), said.dtype)], axis=1).astype(np.int64)
        target[rows, ends] = self._boundary
        target[np.arange(width) > ends[:, None]] = no_target(target.dtype)
        return Batch(
            inputs=(
                torch.from_numpy(source.astype(np.int64)),
                torch.from_numpy(lengths),
                torch.from_numpy(read.astype(np.int64)),
            ),
            target=torch.from_numpy(target),
            index=places,
            steps=int(lengths.sum() + ends.sum() + len(places)),
        )
