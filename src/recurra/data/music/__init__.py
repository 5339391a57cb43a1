"""Music: MIDI files and piano rolls to pieces of frames, and back to MIDI."""

from __future__ import annotations

from recurra.data.music.pieces import KEYS, LOWEST, Pieces, keys_down, roll_of
from recurra.data.music.quantisation import NOTE_VALUES, NoteValue, RollConfig
from recurra.data.music.reading import is_music, read_pieces
from recurra.data.music.writing import write_midi

__all__ = [
    "KEYS",
    "LOWEST",
    "NOTE_VALUES",
    "NoteValue",
    "Pieces",
    "RollConfig",
    "is_music",
    "keys_down",
    "read_pieces",
    "roll_of",
    "write_midi",
]
