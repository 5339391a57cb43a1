"""MIDI files as performances: notes in time, to be turned into events, not cut into frames."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.music.midi import Performance
from recurra.data.music.pieces import MOST_QUARTERS
from recurra.data.music.reading import (
    MIDI,
    is_music,
    parts_of,
    read_midi_files,
    told_broken,
    told_left_out,
    told_parts,
)
from recurra.errors import DataError


@dataclass(frozen=True)
class Performances:
    """The notes of N pieces.

    Args:
        origin: the source's name, for messages.
        played: of each piece.
        names: of the pieces.
        parts: (N,) of "train", "validation", "test", where the source says so; else None.
        tempo: quarter notes a minute, the median over the pieces.
        notes: plain sentences on what was found, to be said aloud.
        warnings: the same, of what was left out.
    """

    origin: str
    played: tuple[Performance, ...]
    names: tuple[str, ...]
    parts: np.ndarray | None
    tempo: float
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.played)

    def take(self, indices: np.ndarray) -> Performances:
        """The pieces at `indices`, in that order."""
        parts = None if self.parts is None else self.parts[indices]
        played, names = (tuple(of[n] for n in indices.tolist()) for of in (self.played, self.names))
        return replace(self, played=played, names=names, parts=parts)


def recognise(data: Any, roles: dict[str, Any], encoding: str | None) -> str | None:
    """What is to be told of music that is asked for by events; None: it is not."""
    said = {name for name, value in roles.items() if value not in (None, [], "")}
    if said != {"level"} or roles["level"] != "events" or not is_music(data):
        return None
    return f"{data} holds music: to be gone on with event by event, as with --task generate"


def read_performances(source: str | os.PathLike[str]) -> Performances:
    """Read a MIDI file, or a folder of them, however deep.

    All tracks but the drums are one. Broken files, files without notes and files whose last note stands far away are
    left out and told; in folders named
    train, valid and test lie these parts, and what lies in none of them is left out, too.

    Raises:
        DataError: nothing in it can be used, it cannot be read, or it holds rolls, which have no events.
        InputError: symusic is not installed.
    """
    path = Path(source)
    if not path.is_dir() and path.suffix.lower() not in MIDI:
        raise DataError(
            "events are those of MIDI files, and this is none",
            where=path.name,
            fix="Give a folder of MIDI files, or foretell frames: --level frames.",
        )
    origin, read, broken = read_midi_files(path, MOST_QUARTERS)
    played = tuple(performance for _, _, performance in read)
    parts = parts_of([part for _, part, _ in read])
    quarters = sum(float(performance.end.max()) for performance in played)
    pieces = f"{len(played):,} piece{'s' * (len(played) > 1)}"
    notes = [f"{pieces}, {sum(map(len, played)):,} notes in {quarters:,.0f} quarter notes"]
    if parts is not None:
        notes.append(told_parts(parts))
    if any(performance.tempos > 1 for performance in played):
        notes.append("changes of tempo move nothing: time is counted in notes, not in seconds")
    return Performances(
        origin,
        played,
        tuple(name for name, _, _ in read),
        parts,
        float(np.median([performance.tempo for performance in played])),
        tuple(notes),
        (*told_broken(broken), *told_left_out(played)),
    )
