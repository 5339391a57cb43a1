"""MIDI files to notes, by symusic: of every track but the drums, in quarter notes from the beginning."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from recurra.data.music.pieces import KEYS, LOWEST
from recurra.errors import DataError, InputError

_LONGEST_REASON = 90  # letters of what the reader says


@dataclass(frozen=True)
class Performance:
    """The notes of one MIDI file.

    Args:
        begin, end: (n,) float64, quarter notes from the beginning of the file.
        pitch: (n,) int64 MIDI numbers, all of them keys of a piano.
        velocity: (n,) int64 how hard each is struck, 1 to 127.
        tempo: quarter notes a minute, that which holds for most of the file.
        tempos: how often the tempo is set.
        drums: notes of the drum channel, which are left out.
        beyond: notes above or below the piano, which are left out.
    """

    begin: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    tempo: float = 120.0
    tempos: int = 1
    drums: int = 0
    beyond: int = 0

    def __len__(self) -> int:
        return len(self.pitch)


def read_midi(data: bytes, origin: str) -> Performance:
    """The notes in the bytes of a MIDI file, format 0 or 1.

    Time is counted in quarter notes, so that changes of tempo move nothing. Drums (channel 10) have no pitch and are
    left out.

    Raises:
        DataError: the file is broken or no MIDI file, or holds no note of a pitch on a piano.
        InputError: symusic is not installed.
    """
    score = _score(data, origin)
    quarter = score.ticks_per_quarter
    columns: list[np.ndarray] = [np.zeros((0, 4), dtype=np.int64)]
    drums = 0
    for track in score.tracks:
        found = track.notes.numpy()
        if track.is_drum:
            drums += len(found["pitch"])
            continue
        times = found["time"].astype(np.int64)
        columns.append(
            np.stack([times, times + found["duration"], found["pitch"], found["velocity"]], axis=1).astype(
                np.int64
            )
        )
    notes = np.concatenate(columns)
    on_piano = (notes[:, 2] >= LOWEST) & (notes[:, 2] < LOWEST + KEYS) & (notes[:, 0] >= 0)
    beyond, notes = int((~on_piano).sum()), notes[on_piano]
    if not len(notes):
        only = "drums alone" if drums else "notes beyond the piano alone" if beyond else "no notes"
        raise DataError(f"the file holds {only}", where=origin, fix="Give a file with notes of a pitch.")
    order = np.lexsort((notes[:, 2], notes[:, 0]))
    begin, end, pitch, velocity = notes[order].T
    tempo, tempos = _tempo([(each.time, each.qpm) for each in score.tempos], int(end.max()))
    return Performance(begin / quarter, end / quarter, pitch, velocity, tempo, tempos, drums, beyond)


def symusic() -> ModuleType:
    """The library, imported when it is needed.

    Raises:
        InputError: it is not installed.
    """
    try:
        import symusic as library
    except ImportError:
        raise InputError(
            "MIDI files need symusic, which is not installed", fix="Install it: pip install 'recurra[music]'."
        ) from None
    return library


def _score(data: bytes, origin: str):
    library = symusic()
    try:
        score = library.Score.from_midi(data)
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        # What symusic's reader of MIDI raises; its sentence says where the bytes stop making sense.
        said = str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error").split("\n")[0]
        raise DataError(
            f"this is no MIDI file, or a broken one ({said[:_LONGEST_REASON].rstrip(' .!')})",
            where=origin,
            fix="Open it in a program for music and export it anew.",
        ) from error
    if score.ticks_per_quarter < 1:
        raise DataError("its time is not counted in parts of a quarter note", where=origin)
    return score


def _tempo(changes: list[tuple[int, float]], end: int) -> tuple[float, int]:
    """The tempo that holds for most of the ticks up to `end`, and how often one is set; 120 where none is, as MIDI
    has it.
    """
    set_ = sorted((time, tempo) for time, tempo in changes if tempo > 0)
    if not set_:
        return 120.0, 0
    borders = [*[time for time, _ in set_][1:], max(end, set_[-1][0])]
    lasting: dict[float, int] = {}
    for (begin, tempo), until in zip(set_, borders, strict=True):
        lasting[tempo] = lasting.get(tempo, 0) + until - begin
    return max(lasting, key=lambda tempo: lasting[tempo]), len(set_)
