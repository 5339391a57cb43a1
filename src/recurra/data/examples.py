"""What every reader and schema ends in: typed examples, still as people wrote them, not yet encoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from recurra.data.packed import Packed


@dataclass(frozen=True)
class Steps:
    """What is known of each step of N sequences, where every step has a target of its own.

    Args:
        places: N packed sequences of places in the arrays below, as many steps as the sequences have.
        rows: the number of the record of each step in its source, counted from 1 without the header.
        targets: class names as objects, (..., K) bool for several labels, or float64; None where nothing is to be
            learned.
        known: bool, the steps that have a target; what stands in `targets` elsewhere says nothing.
    """

    places: Packed
    rows: np.ndarray
    targets: np.ndarray | None = None
    known: np.ndarray | None = None

    def take(self, indices: np.ndarray) -> Steps:
        """Those of the sequences at `indices`, in that order."""
        return replace(self, places=self.places.take(indices))

    def in_order(self) -> np.ndarray:
        """(steps,) the places of all steps, sequence after sequence."""
        return self.places.flat()[0]


@dataclass(frozen=True)
class Examples:
    """N sequences with what is known of each of them.

    Exactly one of `texts` and `sequences` is given. Every per-example array has N entries.

    Args:
        texts: (N,) object array of str.
        sequences: N numeric sequences, values (steps, I) float32 or float64, as `recurra.data.numbers.compact` has it;
            NaN marks a missing value.
        targets: (N,) object array of class names, (N, K) bool for several labels, or (N,) float64 for
            regression; None where nothing is to be learned (prediction).
        rows: (N,) int64, the number of the record in its source, counted from 1 without the header.
        parts: (N,) of "train", "validation", "test", where the source says so; else None.
        speakers: (N,) object array, who speaks in each, None where that is not known; None of what is no speech.
        names: (N,) object array, what each is called in its source, such as the name of its file.
        groups: (N,) object array; examples of one group never come to stand on both sides of a split.
        stretches: (N,) int64, of windows of a stream; see `recurra.data.schema.sequences.stretches`.
        steps: of sequences with a target at every step; `targets` is then None.
    """

    texts: np.ndarray | None
    sequences: Packed | None
    targets: np.ndarray | None
    rows: np.ndarray
    parts: np.ndarray | None = None
    groups: np.ndarray | None = None
    stretches: np.ndarray | None = None
    names: np.ndarray | None = None
    speakers: np.ndarray | None = None
    steps: Steps | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def clusters(self) -> np.ndarray | None:
        """(N,) the same for examples that depend on each other, so that intervals are over these: of one group or,
        where none are given, of one stretch of a stream; None where each stands for itself.
        """
        return self.stretches if self.groups is None else self.groups

    def inputs(self) -> list[str | bytes]:
        """(N,) keys of the inputs, equal for examples with exactly the same one: the text, or a hash."""
        if self.texts is not None:
            return self.texts.tolist()
        packed = self.sequences
        if packed is None:
            return []
        parts = (np.ascontiguousarray(packed[n]).tobytes() for n in range(len(packed)))
        return [hashlib.blake2b(part, digest_size=16).digest() for part in parts]

    def take(self, indices: np.ndarray) -> Examples:
        """The examples at `indices`, in that order."""

        def at(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[indices]

        return replace(
            self,
            texts=at(self.texts),
            sequences=None if self.sequences is None else self.sequences.take(indices),
            targets=at(self.targets),
            rows=self.rows[indices],
            parts=at(self.parts),
            groups=at(self.groups),
            stretches=at(self.stretches),
            names=at(self.names),
            speakers=at(self.speakers),
            steps=None if self.steps is None else self.steps.take(indices),
        )
