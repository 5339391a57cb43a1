"""What music is like in a few numbers, so that generated pieces can be held against those of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recurra.data.music.pieces import LOWEST, keys_down
from recurra.data.music.writing import held

_SHOWN = 96  # frames of the pictures
_RANGE = (0.05, 0.95)  # of the notes: single ones at either end say little


@dataclass(frozen=True)
class NoteStatistics:
    """Numbers over the frames of some pieces.

    Args:
        keys_down: at a time, the mean.
        silent: share of frames without any.
        repeated: share of frames with the same keys as the one before.
        held_for: frames that a note lasts, the mean.
        lowest, highest: MIDI numbers between which nine of ten keys that are down lie.
        pitch_classes: twelve shares of the keys that are down, from C.
        intervals: seven shares of the pairs of keys that are down together, by their distance: 0 for octaves, 1 for
            semitones and major sevenths, up to 6 for tritones.
    """

    keys_down: float
    silent: float
    repeated: float
    held_for: float
    lowest: float
    highest: float
    pitch_classes: tuple[float, ...]
    intervals: tuple[float, ...]

    @classmethod
    def of(cls, rolls: Sequence[np.ndarray]) -> NoteStatistics:
        """Of rolls (T, 88), one or more; NaN where there is nothing to take a mean of.

        >>> chord = np.zeros((4, 88), dtype=np.uint8)
        >>> chord[:, [39, 43, 46]] = 1  # C, E and G, held
        >>> found = NoteStatistics.of([chord])
        >>> found.keys_down, found.repeated, found.held_for, found.intervals
        (3.0, 1.0, 4.0, (0.0, 0.0, 0.0, 0.33..., 0.33..., 0.33..., 0.0))
        """
        frames = np.concatenate([np.asarray(roll) > 0 for roll in rolls])
        same = np.concatenate([(roll[1:] == roll[:-1]).all(axis=1) for roll in rolls])
        lasting = [end - begin for roll in rolls for begin, end, _ in held(roll)]
        down = np.flatnonzero(frames.any(axis=0))
        counts = frames.sum(axis=0)
        numbers = np.repeat(np.arange(len(counts)) + LOWEST, counts)
        low, high = np.quantile(numbers, _RANGE) if len(numbers) else (np.nan, np.nan)
        classes = np.bincount((np.arange(len(counts)) + LOWEST) % 12, weights=counts, minlength=12)
        pairs = np.zeros(7)
        together = frames[:, down].astype(np.float64).T @ frames[:, down]
        upper = np.triu_indices(len(down), 1)
        distance = np.abs(down[upper[0]] - down[upper[1]]) % 12
        np.add.at(pairs, np.minimum(distance, 12 - distance), together[upper])
        return cls(
            keys_down=float(frames.sum(axis=1).mean()),
            silent=float((~frames.any(axis=1)).mean()),
            repeated=float(same.mean()) if len(same) else float("nan"),
            held_for=float(np.mean(lasting)) if lasting else float("nan"),
            lowest=float(low),
            highest=float(high),
            pitch_classes=_shares(classes),
            intervals=_shares(pairs),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain types only; a number that is not defined becomes None."""
        return {
            name: [*value] if isinstance(value, tuple) else None if np.isnan(value) else value
            for name, value in asdict(self).items()
        }


def side_by_side(
    openings: Sequence[np.ndarray],
    made: Sequence[np.ndarray],
    true: Sequence[np.ndarray],
    *,
    frame: str,
    temperature: float,
) -> dict[str, Any]:
    """What music that was made after some openings is like, beside what follows them in the data; JSON-safe.

    Args:
        openings, made, true: a roll of each piece, (T, 88).
        frame: the note value that a frame lasts.
        temperature: that it was made at.

    Returns:
        `data` and `generated`, statistics; `opening`, `made` and `true` of the first piece, at most 96 frames of them,
        as lists of MIDI numbers; how many `pieces` and `frames` there are.
    """
    return {
        "pieces": len(made),
        "frames": sum(map(len, made)),
        "frame": frame,
        "temperature": temperature,
        "data": NoteStatistics.of(true).to_json(),
        "generated": NoteStatistics.of(made).to_json(),
        "opening": keys_down(openings[0]),
        "made": keys_down(made[0][:_SHOWN]),
        "true": keys_down(true[0][:_SHOWN]),
    }


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """How much of two distributions is common: 1 where they are the same, 0 where they share nothing.

        sum_k min(a_k, b_k)

    >>> overlap([0.5, 0.5], [1.0, 0.0])
    0.5
    """
    return float(np.minimum(a, b).sum())


def _shares(counts: np.ndarray) -> tuple[float, ...]:
    return tuple((counts / max(counts.sum(), 1)).tolist())
