"""Music of a run's own beside that of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.music.events import EventCodec
from recurra.data.music.quantisation import to_roll
from recurra.data.packed import Packed
from recurra.runs.performances.run import PerformanceRun
from recurra.tasks.music.likeness import side_by_side

FRAME = "sixteenth"  # that both are cut into to be compared and drawn
OPENING = 8.0  # quarter notes of a piece that are read before it is gone on with
_PIECES, _EVENTS = 8, 500  # that are gone on with, and events of each at most


def beside_the_data(run: PerformanceRun, pieces: Packed, *, temperature: float = 1.0) -> dict[str, Any]:
    """Some pieces gone on with from their first two bars, and what they and their true endings are like.

    Temperature 1: what is drawn is then what the network believes, and differences are its own.

    Args:
        pieces: events of pieces of the data; of each the opening is read, and as many events made as follow, up to 500.

    Returns:
        See `recurra.tasks.music.likeness.side_by_side`.
    """
    seed, codec = run.config.options.seed, run.codec
    count = min(_PIECES, len(pieces))
    chosen = np.sort(np.random.default_rng(seed).choice(len(pieces), count, replace=False))
    openings, made, true = [], [], []
    for n in chosen.tolist():
        ids = pieces[n]
        opening = codec.first(ids, OPENING)
        if 2 * len(opening) > len(ids):  # half of a short piece is its opening
            opening = ids[: max(1, len(ids) // 2)]
        follows = ids[len(opening) : len(opening) + _EVENTS]
        drawn = run.generate(opening, max_tokens=len(follows), temperature=temperature, seed=seed + n)
        before, frames = None, 0
        for after, kept in ((drawn, made), (follows, true)):
            roll = roll_of_events(codec, np.concatenate([opening, after]))
            frames = min(len(roll), round(codec.steps_passed(opening) / codec.config.steps * 4))
            kept.append(roll[frames:] if frames < len(roll) else np.zeros((1, 88), dtype=np.uint8))
            before = roll[:frames]
        openings.append(before)
    return side_by_side(openings, made, true, frame=FRAME, temperature=temperature)


def roll_of_events(codec: EventCodec, ids: np.ndarray) -> np.ndarray:
    """(T, 88) uint8, the keys that are down in each sixteenth; one silent frame where there is no note."""
    played = codec.decode(ids)
    if not len(played):
        return np.zeros((1, 88), dtype=np.uint8)
    return to_roll(played, FRAME, "events")
