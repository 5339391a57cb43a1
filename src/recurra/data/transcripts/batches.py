"""Batches of sequences with their texts: scaled as they are taken, changed a little where they are learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch

from recurra.data.batches import Batch, Batches, no_target, padded_steps
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.transcripts.alphabet import steps_needed
from recurra.data.transcripts.augmentation import Augmentation


class TranscriptBatches(Batches):
    """As `Batches`, but the sequences are raw, and their texts are of another length.

    A batch's inputs are (B, T, I) float32 scaled steps, 0 past the lengths, and (B,) lengths; its target is (B, S)
    int64 numbers of tokens, `no_target` past the end of each text.

    Args:
        sequences: N packed sequences (T, I) as they were read; never copied, so they may be a mapped file.
        texts: N packed texts, numbers of tokens; None where nothing is to be learned.
        scaling: of the steps.
        augmentation: of the batches of an epoch, drawn for each sequence from (seed, epoch, its place) alone; those of
            `evaluation` are as they were read.
        joined: steps that the network makes one of, of which a text needs some (`steps_needed`): they are left of a
            sequence however it is changed.
        between: (n,) tokens between the texts of two sequences that follow each other.
        sizes: `tokens_per_batch`, `max_batch`, `seed`, `mixing` as `Batches` has them.

    >>> sequences = Packed.from_list([np.ones((n, 2), dtype=np.float32) for n in (3, 5)])
    >>> texts = Packed.from_list([np.array([1]), np.array([2, 1])])
    >>> batches = TranscriptBatches(sequences, texts, NumberEncoder.fit(sequences))
    >>> next(batches.evaluation()).target
    tensor([[   2,    1],
            [   1, -100]])
    """

    def __init__(
        self,
        sequences: Packed,
        texts: Packed | None,
        scaling: NumberEncoder,
        *,
        augmentation: Augmentation | None = None,
        joined: int = 1,
        between: np.ndarray | None = None,
        **sizes: Any,
    ):
        super().__init__(sequences, texts, **sizes)
        self._texts, self._scaling, self._augmentation = texts, scaling, augmentation
        self._joined = joined
        self._between = np.zeros(0, dtype=np.int64) if between is None else between

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch `start` on."""
        if self._augmentation is None:
            yield from super().epoch(epoch, start)
            return
        for places in self.order(epoch)[start:]:
            changed = [self._changed(int(n), epoch) for n in places]
            steps, texts = ([each[side] for each in changed] for side in (0, 1))
            yield self._gathered(places, steps, Packed.from_list(texts))

    def part(self, share: float) -> Self:
        """See `Batches.part`."""
        count = max(1, round(share * len(self._sequences)))
        places = np.sort(np.random.default_rng(0).choice(len(self._sequences), count, replace=False))
        return type(self)(
            self._sequences.take(places),
            None if self._texts is None else self._texts.take(places),
            self._scaling,
            augmentation=self._augmentation,
            joined=self._joined,
            between=self._between,
            tokens_per_batch=self._tokens_per_batch,
            max_batch=self._max_batch,
            seed=self._seed,
            mixing=self._mixing,
        )

    def _batch(self, places: np.ndarray) -> Batch:
        """As they were read, scaled."""
        texts = None if self._texts is None else self._texts.take(places)
        return self._gathered(places, [self._scaled(self._sequences[n]) for n in places], texts)

    def _changed(self, n: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """(T, I) scaled steps and (S,) tokens of a sequence, as they are learned now.

        Another one may follow, if a full batch of such pairs has no more steps than it may have.
        """
        augmentation, rng = self._augmentation, np.random.default_rng([self._seed, epoch, n])
        assert augmentation is not None and self._texts is not None
        steps, text = self._shaped(n, rng), self._texts[n]
        if augmentation.follows(rng):
            other = int(rng.integers(len(self._sequences)))
            both = augmentation.followed(steps, self._shaped(other, rng))
            texts = np.concatenate([text, self._between, self._texts[other]])
            room = self._tokens_per_batch // self._max_batch
            if self._joined * steps_needed(texts) <= len(both) <= room:
                steps, text = both, texts
        return augmentation.masked(self._scaled(steps), rng), text

    def _shaped(self, n: int, rng: np.random.Generator) -> np.ndarray:
        assert self._augmentation is not None and self._texts is not None
        steps = self._sequences[n]
        steps = np.asarray(steps, dtype=np.promote_types(steps.dtype, np.float32))  # on disk they are float16
        return self._augmentation.shaped(steps, rng, self._joined * steps_needed(self._texts[n]))

    def _scaled(self, steps: np.ndarray) -> np.ndarray:
        return self._scaling.encode(Packed.end_to_end(steps, np.array([len(steps)]))).values

    def _gathered(self, places: np.ndarray, steps: list[np.ndarray], texts: Packed | None) -> Batch:
        packed = Packed.from_list(steps)
        every = np.arange(len(steps))
        values, lengths = packed.pad(every, int(padded_steps(packed.lengths.max())))
        target = None
        if texts is not None:
            width = max(1, int(texts.lengths.max()))
            target = torch.from_numpy(texts.pad(every, width, fill=no_target(np.dtype(np.int64)))[0])
        return Batch(
            inputs=(torch.from_numpy(values), torch.from_numpy(lengths)),
            target=target,
            index=places,
            steps=int(lengths.sum()),
        )
