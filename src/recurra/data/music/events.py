"""Music as a sequence of events: keys that are struck, how long they stay down, how hard, and time that passes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.music.midi import Performance
from recurra.data.music.pieces import KEYS, LOWEST
from recurra.data.music.quantisation import nearest_borders
from recurra.errors import InputError

BEGIN = 1  # of a piece; id 0 is padding, as in texts
_KEY = 2
_LASTS = _KEY + KEYS
_MIDDLE = 64  # velocity, where nothing was said


class EventConfig(BaseModel):
    """How music becomes events."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: int = Field(
        default=24,
        ge=1,
        le=480,
        description="of time in a quarter note; 24 hold triplets and sixteenths exactly",
    )
    longest: int = Field(
        default=96, ge=1, le=480, description="steps that one event can wait; longer is several"
    )
    velocities: int = Field(
        default=16, ge=1, le=127, description="classes of how hard is struck; 1 leaves it out"
    )


class EventCodec:
    """Notes to ids of events and back.

    Like Performance RNN (Oore et al., arXiv:1808.03715), with two changes. Time is counted in parts of a quarter note
    instead of milliseconds, so that the music does not hang on the tempo of its file. And a note says how long it lasts
    when it begins, as in REMI (Huang & Yang, arXiv:2002.00212), instead of ending by an event of its own: no key stays
    down because its end was forgotten.

        0                padding
        1                a piece begins
        2 .. 89          a key of the piano is struck
        90 ..            and stays down for a step of time, two, up to `longest`; several events add up
        behind these     so many steps pass before the next event; several add up
        behind these     what is struck from here on has a velocity of this class

    Keys that are struck at once follow each other by their pitch. A note ends at the latest when its key is struck
    again. A velocity is said where it changes.

    Args:
        config: the choices.

    >>> codec = EventCodec(EventConfig(velocities=1))
    >>> two = np.array([60, 64])
    >>> ids = codec.encode(Performance(np.array([0.0, 1.0]), np.array([1.0, 4.0]), two, np.full(2, 80)))
    >>> codec.names(ids)
    ['begin', 'key 60', 'lasts 24', 'wait 24', 'key 64', 'lasts 72']
    >>> codec.decode(ids).end.tolist()
    [1.0, 4.0]
    """

    level: Literal["event"] = "event"

    def __init__(self, config: EventConfig):
        self.config = config
        self._wait = _LASTS + config.longest
        self._loud = self._wait + config.longest
        self.vocabulary_size = self._loud + (config.velocities if config.velocities > 1 else 0)

    def encode(self, played: Performance) -> np.ndarray:
        """(n,) int32 ids, the beginning first."""
        begin, end = nearest_borders(played, self.config.steps)
        key, loud = played.pitch - LOWEST, self._classes(played.velocity)
        end = _cut_where_struck_again(begin, end, key)
        notes = np.stack([begin, key, end, loud])[:, end > begin]
        ids, now, said = [BEGIN], 0, self._classes(np.array([_MIDDLE]))[0]
        for begins, which, ends, how in notes[:, np.lexsort(notes[1::-1])].T.tolist():
            ids += self._steps(begins - now, self._wait)
            now = begins
            if how != said and self.config.velocities > 1:
                ids.append(self._loud + how)
                said = how
            ids += [_KEY + which, *self._steps(ends - begins, _LASTS)]
        return np.array(ids, dtype=np.int32)

    def decode(self, ids: Iterable[int], *, tempo: float = 120.0) -> Performance:
        """The notes of events in whatever order: a key whose length is not said stays down for one step, and a length
        without a key says nothing. A beginning in the middle begins nothing anew.

        Raises:
            InputError: an id that there is not.
        """
        notes: list[list[int]] = []
        now, loud, struck = 0, _MIDDLE, False
        for event in map(int, ids):
            if not 0 <= event < self.vocabulary_size:
                raise InputError(
                    f"expected events from 0 to {self.vocabulary_size - 1}, found {event}", where="ids"
                )
            if _LASTS <= event < self._wait:
                if struck:
                    notes[-1][2] += event - _LASTS + 1
                continue
            struck = _KEY <= event < _LASTS
            if struck:
                notes.append([now, event - _KEY, 0, loud])
            elif event >= self._loud:
                loud = self._velocity(event - self._loud)
            elif event >= self._wait:
                now += event - self._wait + 1
        begin, key, length, velocity = np.array(sorted(notes), dtype=np.int64).reshape(-1, 4).T
        end = _cut_where_struck_again(begin, begin + np.maximum(length, 1), key)
        kept = end > begin
        steps = self.config.steps
        return Performance(begin[kept] / steps, end[kept] / steps, key[kept] + LOWEST, velocity[kept], tempo)

    def characters(self, ids: np.ndarray) -> None:
        """None: events are no text, see `recurra.tasks.generation.metrics`."""

    def steps_passed(self, ids: Iterable[int]) -> int:
        """Of time, over some events."""
        return sum(event - self._wait + 1 for event in map(int, ids) if self._wait <= event < self._loud)

    def first(self, ids: np.ndarray, quarters: float) -> np.ndarray:
        """The events of so many quarter notes from the beginning; what is struck at their end is out."""
        waits = np.where((ids >= self._wait) & (ids < self._loud), ids - self._wait + 1, 0)
        return ids[np.cumsum(waits) <= quarters * self.config.steps - (waits == 0)]

    def names(self, ids: Iterable[int]) -> list[str]:
        """Events as people read them."""
        return [self._name(event) for event in map(int, ids)]

    def _name(self, event: int) -> str:
        if event < _KEY:
            return "begin" if event == BEGIN else "padding"
        if event >= self._loud:
            return f"velocity {self._velocity(event - self._loud)}"
        if event >= self._wait:
            return f"wait {event - self._wait + 1}"
        return f"lasts {event - _LASTS + 1}" if event >= _LASTS else f"key {event - _KEY + LOWEST}"

    def _steps(self, steps: int, first: int) -> list[int]:
        """Events that add up to so many steps, those of one step being `first`."""
        whole, rest = divmod(steps, self.config.longest)
        return [first + self.config.longest - 1] * whole + ([first + rest - 1] if rest else [])

    def _classes(self, velocity: np.ndarray) -> np.ndarray:
        """0 to `velocities` - 1 for velocities from 1 to 127."""
        return np.clip(velocity.astype(np.int64) - 1, 0, 126) * self.config.velocities // 127

    def _velocity(self, loud: int) -> int:
        """The middle of a class."""
        low, high = (-(-127 * border // self.config.velocities) for border in (loud, loud + 1))
        return (low + high - 1) // 2 + 1


def _cut_where_struck_again(begin: np.ndarray, end: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The ends of notes, none later than the next beginning of its key; notes that begin at once end there, too."""
    order = np.lexsort((end, begin, key))
    following = np.full(len(key), np.iinfo(np.int64).max)
    same = key[order][1:] == key[order][:-1]
    following[order[:-1][same]] = begin[order[1:]][same]
    return np.minimum(end, following)
