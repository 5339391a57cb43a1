"""Notes in time to frames: how long a frame is, and which keys are down in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.music.midi import Performance
from recurra.data.music.pieces import KEYS, LOWEST, MOST_FRAMES
from recurra.errors import DataError

NoteValue = Literal["half", "quarter", "eighth", "sixteenth", "thirty-second"]
# In quarter notes.
NOTE_VALUES: dict[NoteValue, float] = {
    "half": 2.0,
    "quarter": 1.0,
    "eighth": 0.5,
    "sixteenth": 0.25,
    "thirty-second": 0.125,
}
_USUAL: tuple[NoteValue, ...] = ("quarter", "eighth", "sixteenth")  # that data decide between
_NEAR = 0.1  # of a frame: how far from its border a note may begin and still be on it
_HALF = 0.5 + 1e-9  # of a step; a little more, for half a step is not always exact as a float
_ENOUGH = 0.95  # of the notes are on the borders of frames


class RollConfig(BaseModel):
    """How music becomes frames, and how pieces are varied in training."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    frame: Literal["auto"] | NoteValue = Field(
        default="auto", description=f"note value of a frame: auto, {', '.join(get_args(NoteValue))}"
    )
    excerpt: int = Field(
        default=500,
        ge=2,
        description="frames of a piece that are trained on in one go; longer ones are cut into parts of like length",
    )
    transpose: int = Field(
        default=0,
        ge=0,
        le=12,
        description="semitones up or down, at most, by which a piece is moved, anew in every epoch of training",
    )


def usual_frame(performances: Sequence[Performance]) -> tuple[NoteValue, str]:
    """The longest of quarter, eighth and sixteenth on whose borders nearly all notes begin and end, and why.

    >>> note = np.array([0.0, 1.0, 1.5])
    >>> usual_frame([Performance(note, note + 0.5, np.array([60, 62, 64]), np.full(3, 80))])
    ('eighth', '100 % of the notes begin and end on its borders')
    """
    times = np.concatenate([np.concatenate([each.begin, each.end]) for each in performances])
    shares = {}
    for value in _USUAL:
        place = times / NOTE_VALUES[value]
        shares[value] = float((np.abs(place - np.round(place)) <= _NEAR).mean())
        if shares[value] >= _ENOUGH:
            return value, f"{100 * shares[value]:.0f} % of the notes begin and end on its borders"
    last = _USUAL[-1]
    return last, f"no longer one fits: {100 * shares[last]:.0f} % of the notes begin and end on its borders"


def nearest_borders(performance: Performance, steps: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64 the steps that notes begin at, and those that they have ended at, one later at least.

    Half way between two the later one is taken, always: notes that follow each other off the beat stay one after the
    other.

    Args:
        steps: in a quarter note.

    >>> off = np.array([0.5, 1.5, 2.5])
    >>> nearest_borders(Performance(off, off + 1, np.array([60, 62, 64]), np.full(3, 80)), 1)
    (array([1, 2, 3]), array([2, 3, 4]))
    """
    begin = np.floor(performance.begin * steps + _HALF).astype(np.int64)
    end = np.floor(performance.end * steps + _HALF).astype(np.int64)
    return begin, np.maximum(end, begin + 1)


def to_roll(performance: Performance, frame: NoteValue, origin: str) -> np.ndarray:
    """(T, 88) uint8: the keys that are down in each frame, from the beginning of the file to its last note.

    A note goes from the border nearest to its beginning to that nearest to its end, one frame at least; half way
    between two it is the later one. A key that is struck again while it is down, or at once after, is down
    throughout: a roll does not tell.

    Raises:
        DataError: the piece would have more frames than any has.
    """
    begin, end = nearest_borders(performance, 1 / NOTE_VALUES[frame])
    if end.max() > MOST_FRAMES:
        raise DataError(
            f"its last note ends after {end.max():,.0f} frames, more than the {MOST_FRAMES:,} that a piece may have",
            where=origin,
            fix="Look for a note that never ends, or take longer frames (--set rolls.frame=quarter).",
        )
    roll = np.zeros((int(end.max()), KEYS), dtype=np.uint8)
    keys = performance.pitch - LOWEST
    for a, b, key in zip(begin, end, keys, strict=True):
        roll[a:b, key] = 1
    return roll
