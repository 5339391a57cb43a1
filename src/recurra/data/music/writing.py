"""Frames and notes to a MIDI file that plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recurra.data.music.midi import Performance, symusic
from recurra.data.music.pieces import KEYS, LOWEST
from recurra.data.music.quantisation import NOTE_VALUES, NoteValue
from recurra.errors import InputError
from recurra.storage import write_bytes

_QUARTER = 480  # ticks
_VELOCITY = 80
TEMPO = 100.0  # quarter notes a minute, where nothing says


def write_midi(
    path: Path, roll: np.ndarray, *, frame: NoteValue, tempo: float = TEMPO, program: int = 0
) -> Path:
    """Write a roll as a MIDI file of one track.

    A key that is down in neighbouring frames is one long note: a roll does not tell a held note from one struck
    again. `recurra.data.music.read_pieces` with the same frame gives the roll back, but for silent frames at its end.

    Args:
        roll: (T, 88), not 0 where a key is down.
        frame: the note value that a frame lasts.
        tempo: quarter notes a minute.
        program: the instrument, 0 to 127 as General MIDI counts; 0 is a grand piano.

    Raises:
        InputError: another shape, a tempo or an instrument that MIDI does not have, or symusic is not installed.
        StorageError: it could not be written.
    """
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != KEYS:
        raise InputError(f"expected frames of {KEYS} keys, found shape {roll.shape}", where="roll")
    notes = np.array(held(roll), dtype=np.int64).reshape(-1, 3)
    length = NOTE_VALUES[frame]
    played = Performance(
        begin=notes[:, 0] * length,
        end=notes[:, 1] * length,
        pitch=notes[:, 2] + LOWEST,
        velocity=np.full(len(notes), _VELOCITY),
        tempo=tempo,
    )
    return write_notes(path, played, program=program)


def write_notes(path: Path, played: Performance, *, program: int = 0) -> Path:
    """Write notes as a MIDI file of one track.

    Args:
        program: the instrument, 0 to 127 as General MIDI counts; 0 is a grand piano.

    Raises:
        InputError: a tempo or an instrument that MIDI does not have, or symusic is not installed.
        StorageError: it could not be written.
    """
    if not 4 <= played.tempo <= 1000:
        raise InputError(
            f"expected from 4 to 1000 quarter notes a minute, found {played.tempo:g}", where="tempo"
        )
    if not 0 <= program <= 127:
        raise InputError(f"expected an instrument from 0 to 127, found {program}", where="program")
    library = symusic()
    score = library.Score(_QUARTER)
    score.tempos.append(library.Tempo(0, played.tempo))
    track = library.Track(name="Recurra", program=program, is_drum=False)
    ticks = np.stack([played.begin, played.end]) * _QUARTER
    begins, ends = np.round(ticks).astype(np.int64).tolist()
    for begin, end, pitch, velocity in zip(
        begins, ends, played.pitch.tolist(), played.velocity.tolist(), strict=True
    ):
        track.notes.append(library.Note(begin, max(1, end - begin), pitch, velocity))
    score.tracks.append(track)
    write_bytes(Path(path), score.dumps_midi())
    return Path(path)


def held(roll: np.ndarray) -> list[tuple[int, int, int]]:
    """Each note of a roll: its first frame, the frame after its last, its key; in order of time.

    >>> roll = np.zeros((4, 88))
    >>> roll[1:3, 5] = 1
    >>> held(roll)
    [(1, 3, 5)]
    """
    down = np.zeros((len(roll) + 2, roll.shape[1]), dtype=np.int8)
    down[1:-1] = roll != 0
    change = np.diff(down, axis=0)
    # Key by key, so that beginnings and ends stand in the same order.
    keys, begins = np.nonzero(change.T > 0)
    _, ends = np.nonzero(change.T < 0)
    order = np.lexsort((keys, begins))
    return [(int(begins[n]), int(ends[n]), int(keys[n])) for n in order]
