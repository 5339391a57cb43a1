"""Pieces of music as piano rolls: at every frame, which of the 88 keys of a piano are down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recurra.data.packed import Packed

KEYS = 88
LOWEST = 21  # the MIDI number of the first of them, A0; the last is C8, 108
MOST_FRAMES = 100_000  # of a piece; the longest performances have a tenth of it
MOST_QUARTERS = MOST_FRAMES / 4  # quarter notes, where there are no frames: as many sixteenths


@dataclass(frozen=True)
class Pieces:
    """N pieces, end to end.

    Args:
        origin: the source's name, for messages.
        rolls: N packed rolls; values (frames, 88) uint8, 1 where a key is down.
        names: of the pieces.
        parts: (N,) of "train", "validation", "test", where the source says so; else None.
        frame: the note value that a frame lasts; None where the source does not say.
        tempo: quarter notes a minute, the median over the pieces; None where the source does not say.
        notes: plain sentences on what was found and decided, to be said aloud.
        warnings: the same, of what was left out.
    """

    origin: str
    rolls: Packed
    names: tuple[str, ...]
    parts: np.ndarray | None = None
    frame: str | None = None
    tempo: float | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rolls)

    def roll(self, n: int) -> np.ndarray:
        """(T, 88) uint8, piece `n`."""
        return self.rolls[n]

    def take(self, indices: np.ndarray) -> Pieces:
        """The pieces at `indices`, in that order."""
        parts = None if self.parts is None else self.parts[indices]
        names = tuple(self.names[n] for n in indices.tolist())
        return replace(self, rolls=self.rolls.take(indices), names=names, parts=parts)


def roll_of(frames: Sequence[Iterable[int]]) -> np.ndarray:
    """(T, 88) uint8 of the MIDI numbers that sound in each frame; those beyond the piano are left out.

    >>> roll_of([[60, 64], [], [21, 109]]).sum(1).tolist()
    [2, 0, 1]
    """
    roll = np.zeros((len(frames), KEYS), dtype=np.uint8)
    for frame, numbers in enumerate(frames):
        for number in numbers:
            if LOWEST <= number < LOWEST + KEYS:
                roll[frame, number - LOWEST] = 1
    return roll


def keys_down(roll: np.ndarray) -> list[list[int]]:
    """The MIDI numbers that sound in each frame of a roll, the way back from `roll_of`.

    >>> keys_down(roll_of([[60, 64], []]))
    [[60, 64], []]
    """
    return [(np.flatnonzero(frame) + LOWEST).tolist() for frame in roll]
