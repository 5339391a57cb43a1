"""Batches of captions of like lengths, each with its image or vector."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch

from recurra.data.batches import Batch, Batches, no_target, padded_steps
from recurra.data.packed import Packed
from recurra.errors import InputError


class CaptionBatches:
    """Every caption once per epoch, in batches of like lengths, as `Batches` lays them out.

    A batch's inputs are (B, I) float32, images or vectors, and (B, T) int64 what the decoder reads: the boundary, then
    the caption's ids. Its target is (B, T): the caption's ids, then the boundary; `no_target` behind it.

    Args:
        inputs: N sequences of one step.
        captions: M packed captions as ids, without boundaries.
        owners: (M,) the place of each caption's input.
        boundary: the id that begins and ends a caption.
        tokens_per_batch, max_batch, seed, mixing: see `Batches`.

    Raises:
        InputError: no captions, another number of owners, or a limit that cannot be.

    >>> inputs = Packed.from_list([np.zeros((1, 4), dtype=np.float32)])
    >>> said = Packed.from_list([np.array([2, 3]), np.array([4])])
    >>> (batch,) = CaptionBatches(inputs, said, np.array([0, 0]), boundary=9).epoch(0)
    >>> batch.inputs[0].shape, batch.inputs[1].tolist(), batch.target.tolist()
    (torch.Size([2, 4]), [[9, 2, 3], [9, 4, 0]], [[2, 3, 9], [4, 9, -100]])
    """

    def __init__(
        self,
        inputs: Packed,
        captions: Packed,
        owners: np.ndarray,
        *,
        boundary: int,
        tokens_per_batch: int = 12_800,
        max_batch: int = 128,
        seed: int = 0,
        mixing: float = 0.1,
    ):
        if len(captions) != len(owners):
            raise InputError(f"expected {len(captions)} owners, found {len(owners)}", where="owners")
        self._inputs, self._captions, self._owners = inputs, captions, owners
        self._boundary, self._seed = boundary, seed
        self._limits: dict[str, Any] = {
            "tokens_per_batch": tokens_per_batch,
            "max_batch": max_batch,
            "mixing": mixing,
        }
        ends = Packed(captions.values, captions.starts, captions.lengths + 1)
        self._layout = Batches(ends, seed=seed, **self._limits)

    def __len__(self) -> int:
        """Batches in every epoch."""
        return len(self._layout)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch `start` on."""
        for places in self._layout.order(epoch)[start:]:
            yield self._batch(places)

    def evaluation(self) -> Iterator[Batch]:
        """Every caption once, in the order of the first epoch; as many as in training, for images are large."""
        for places in self._layout.reseeded(0).order(0):
            yield self._batch(places)

    def reseeded(self, seed: int) -> Self:
        """The same captions in the order of another seed; nothing is copied."""
        other = copy.copy(self)
        other._seed, other._layout = seed, self._layout.reseeded(seed)
        return other

    def part(self, share: float) -> Self:
        """Such a share of the captions, at least one, drawn once for all seeds; nothing is copied."""
        count = max(1, round(share * len(self._captions)))
        places = np.sort(np.random.default_rng(0).choice(len(self._captions), count, replace=False))
        return type(self)(
            self._inputs,
            self._captions.take(places),
            self._owners[places],
            boundary=self._boundary,
            seed=self._seed,
            **self._limits,
        )

    def _batch(self, places: np.ndarray) -> Batch:
        inputs, _ = self._inputs.pad(self._owners[places], 1)
        width = int(padded_steps(self._captions.lengths[places].max() + 1))
        said, ends = self._captions.pad(places, width - 1)
        rows = np.arange(len(places))
        read = np.concatenate([np.full((len(places), 1), self._boundary), said], axis=1)
        target = np.concatenate([said, np.zeros((len(places), 1), said.dtype)], axis=1).astype(np.int64)
        target[rows, ends] = self._boundary
        target[np.arange(width) > ends[:, None]] = no_target(target.dtype)
        return Batch(
            inputs=(
                torch.from_numpy(inputs[:, 0].astype(np.float32, copy=False)),
                torch.from_numpy(read.astype(np.int64)),
            ),
            target=torch.from_numpy(target),
            index=places,
            steps=int(ends.sum() + len(places)),
        )
