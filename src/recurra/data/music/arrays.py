"""Piano rolls in files of arrays (.mat, .npz) and chorales as lists of notes (.json); nothing in them is executed."""

from __future__ import annotations

import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from recurra.data.music.pieces import KEYS, LOWEST, roll_of
from recurra.data.schema.names import part_of
from recurra.errors import DataError

_MIDI = 128
Found = list[tuple[str, str | None, np.ndarray]]  # name, part, roll
# What the readers stumble over where bytes are wrong: lengths that cannot be, headers cut off, shapes beyond memory.
_STUMBLES = (
    ValueError,
    TypeError,
    LookupError,
    NameError,
    EOFError,
    OSError,
    SyntaxError,
    MemoryError,
    zlib.error,
    tokenize.TokenError,
)
_ROLLS = (
    f"Give matrices with a row for each frame and {KEYS} columns, one for each key of a piano, or {_MIDI}."
)


def from_mat(data: bytes, origin: str) -> tuple[Found, int]:
    """The rolls of a MATLAB file: cells or matrices, the part by the beginning of a variable's name (`traindata`); and
    notes beyond the piano.

    Raises:
        DataError: the file is broken, of MATLAB 7.3, or holds no rolls.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(io.BytesIO(data))
    except NotImplementedError as error:
        raise DataError(
            "this is a file of MATLAB 7.3, which is not read", where=origin, fix="Save it with -v7."
        ) from error
    except (MatReadError, *_STUMBLES) as error:
        raise DataError(
            f"the file is broken, or not one of MATLAB ({error})",
            where=origin,
            fix="Save it anew with -v7.",
        ) from error
    arrays = {name: value for name, value in content.items() if not name.startswith("__")}
    return _named(arrays, origin)


def from_npz(data: bytes, origin: str) -> tuple[Found, int]:
    """The rolls of a NumPy archive: (T, 88) arrays, or (N, T, 88), the part by the beginning of an array's name; and
    notes beyond the piano.

    Raises:
        DataError: the file is broken or holds no rolls, or pickled objects, which would be executed.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise DataError(
            "the archive is broken, or none of NumPy", where=origin, fix="Save it anew with np.savez."
        )
    arrays = {}
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            for name in archive.files:
                arrays[name] = archive[name]
    except (zipfile.BadZipFile, *_STUMBLES) as error:
        if "Object arrays" in str(error):
            raise DataError(
                "it holds pickled objects, and reading these would execute what is in them",
                where=origin,
                fix="Save each piece as an array of numbers, or the pieces as JSON: lists of MIDI numbers.",
            ) from error
        raise DataError(f"the archive is broken ({error})", where=origin, fix="Save it anew.") from error
    return _named(arrays, origin)


def from_json(data: bytes, origin: str) -> tuple[Found, int]:
    """Pieces as lists of frames, each a list of MIDI numbers (-1, null and NaN are none); and notes beyond the piano.

    The outermost level may be an object with a list of pieces for each part.

    Raises:
        DataError: it is not JSON, or not of that form; with the piece and the frame.
    """
    try:
        content = json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"this is not valid JSON ({error})", where=origin) from error
    parts = content if isinstance(content, dict) else {"": content}
    found: Found = []
    beyond = 0
    for name, pieces in parts.items():
        if not isinstance(pieces, list):
            raise _not_chorales(origin, f"{name!r} holds no list of pieces")
        for number, piece in enumerate(pieces, 1):
            label = f"{name} {number}".strip()
            if not isinstance(piece, list):
                raise _not_chorales(origin, f"piece {label} is no list of frames")
            frames = [_numbers(frame, origin, label, k) for k, frame in enumerate(piece, 1)]
            roll = roll_of(frames)
            beyond += sum(len(set(frame)) for frame in frames) - int(roll.sum())
            found.append((label, part_of(name) if name else None, roll))
    return found, beyond


def looks_like_chorales(data: bytes) -> bool:
    """Whether JSON is a list of pieces, each a list of frames, each a list of notes, or an object of parts, each such a
    list. Of an object the first note decides, so that what is wrong further on is told with its place; in a list all
    are MIDI numbers, for numbers of other kinds may stand in lists, too.

    >>> looks_like_chorales(b'{"train": [[[], [60, 64]]]}'), looks_like_chorales(b'{"train": [{"a": 1}]}')
    (True, False)
    >>> looks_like_chorales(b"[[[], [60, 64]], []]"), looks_like_chorales(b"[[[0.5, 64]]]")
    (True, False)
    """
    try:
        content = json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return False
    if isinstance(content, dict):
        frames = _inside(_inside(content.values())) if all(map(part_of, content)) else ()
        return _is_number(next((note for note in _inside(frames) if not _is_none(note)), None))
    if not isinstance(content, list):
        return False
    frames = list(_inside(content))
    notes = [note for note in _inside(frames) if not _is_none(note)]
    return (
        bool(notes)
        and all(isinstance(each, list) for each in (*content, *frames))
        and all(_is_number(note) and 0 <= note < _MIDI and note % 1 == 0 for note in notes)
    )


def _inside(lists: Iterable[Any]) -> Iterator[Any]:
    """What some lists hold, one after the other; what is no list is passed over."""
    return (each for inner in lists if isinstance(inner, list) for each in inner)


def _is_none(value: Any) -> bool:
    return value is None or value == -1 or (isinstance(value, float) and math.isnan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(frame: Any, origin: str, piece: str, place: int) -> list[int]:
    """The MIDI numbers of one frame."""
    if not isinstance(frame, list):
        raise _not_chorales(origin, f"frame {place} of piece {piece} is no list of notes")
    numbers = []
    for value in frame:
        if _is_none(value):
            continue
        if not _is_number(value) or value != value // 1:
            raise _not_chorales(origin, f"{value!r:.40} in frame {place} of piece {piece} is no MIDI number")
        if not 0 <= value < _MIDI:
            raise _not_chorales(
                origin, f"{value:g} in frame {place} of piece {piece} is not from 0 to {_MIDI - 1}"
            )
        numbers.append(int(value))
    return numbers


def _not_chorales(origin: str, problem: str) -> DataError:
    return DataError(
        problem,
        where=origin,
        fix='Give pieces as lists of frames, each a list of MIDI numbers: {"train": [[[60, 64], [60]]], "test": ...}.',
    )


def _named(arrays: dict[str, Any], origin: str) -> tuple[Found, int]:
    """The rolls of arrays by name; cells (arrays of objects, as MATLAB's reader gives them) hold one each. And notes
    beyond the piano.
    """
    found: Found = []
    beyond = 0
    for name, value in arrays.items():
        part = part_of(name)
        for number, each in enumerate(_matrices(value), 1):
            roll, lost = _roll(each, f"{origin}, {name} {number}")
            found.append((f"{name} {number}", part, roll))
            beyond += lost
    if not found:
        raise DataError("there are no rolls in it", where=origin, fix=_ROLLS)
    return found, beyond


def _matrices(value: Any) -> list[Any]:
    array = np.asarray(value)
    if array.dtype == object:
        return [np.asarray(each) for each in array.ravel()]
    return list(array) if array.ndim == 3 else [array]


def _roll(array: np.ndarray, where: str) -> tuple[np.ndarray, int]:
    """(T, 88) uint8 from a matrix of as many columns, or of one for each MIDI number; and the notes beyond them."""
    if array.ndim != 2 or array.shape[1] not in (KEYS, _MIDI) or array.dtype.kind not in "buif":
        raise DataError(
            f"expected a roll of {KEYS} keys, found {array.dtype} of shape {array.shape}",
            where=where,
            fix=_ROLLS,
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError("expected 0 and 1, found NaN or infinite numbers", where=where)
    down = array > 0
    roll = down[:, LOWEST : LOWEST + KEYS] if array.shape[1] == _MIDI else down
    return roll.astype(np.uint8), int(down.sum() - roll.sum())
