"""MIDI files, folders of them and files of piano rolls to pieces."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from recurra.data.music.arrays import Found, from_json, from_mat, from_npz, looks_like_chorales
from recurra.data.music.midi import Performance, read_midi
from recurra.data.music.pieces import KEYS, LOWEST, Pieces
from recurra.data.music.quantisation import NOTE_VALUES, NoteValue, to_roll, usual_frame
from recurra.data.packed import Packed
from recurra.data.schema.names import part_in
from recurra.data.sources.encodings import load
from recurra.data.sources.table import listed
from recurra.errors import DataError, InputError

MIDI = (".mid", ".midi", ".kar")
_ARRAYS = (".mat", ".npz")
_FEWEST = 2  # frames: the first one is only read, so one alone foretells nothing
_NAMED = 4  # files that a line names
_OF_NO_PART = "it is of none of the parts that the others are of"
_T = TypeVar("_T")
Midi = list[tuple[str, str | None, Performance]]  # name, part, notes
_HOLDS = "Give a folder of MIDI files, a .mat or .npz file of rolls, or a .json file of chorales."


def recognise(data: Any, roles: dict[str, Any], encoding: str | None) -> str | None:
    """What is to be told of data that are music, or are said to be (--level frames); None: they are not, or something
    is said of their columns.

    Raises:
        InputError: there is no such level.
    """
    said, level = {name for name, value in roles.items() if value not in (None, [], "")}, roles.get("level")
    forced = level == "frames" and _is_path(data)
    if said - {"level"} or level == "events" or not (forced or is_music(data)):
        return None
    if level not in (None, "frames"):
        raise InputError(f"expected frames or events, found {level!r}", where="--level")
    return f"{data} holds music: to be gone on with, as with --task generate"


def _is_path(source: Any) -> bool:
    return isinstance(source, str | os.PathLike) and source != "-" and "\n" not in str(source)


def is_music(source: Any) -> bool:
    """Whether a source is music: by its name (.mid, .midi, .kar, .mat, .npz), as JSON by what it holds, as a folder by
    MIDI files in it.
    """
    if not _is_path(source):
        return False
    path = Path(source)
    if path.is_dir():
        return any(_is_midi(file) for file in path.rglob("*"))
    ending = path.suffix.lower()
    if ending in MIDI or ending in _ARRAYS:
        return True
    return ending == ".json" and path.is_file() and looks_like_chorales(path.read_bytes())


def read_pieces(source: str | os.PathLike[str], *, frame: str = "auto", fewest: int = _FEWEST) -> Pieces:
    """Read pieces of music.

    - `.mid`, `.midi`, `.kar`, or a folder of them, however deep: all tracks but the drums together, cut into frames.
      Broken files and files without notes are left out and told. In folders named train, valid and test lie these
      parts; what lies in none of them is left out, too.
    - `.mat` (also cells, as the four sets of Boulanger-Lewandowski et al., arXiv:1206.6392, are kept), `.npz`: (T, 88)
      matrices, or (T, 128) of all MIDI numbers, the part by the name (`traindata`).
    - `.json`: lists of frames, each a list of MIDI numbers; of all pieces, or of those of each part.

    Args:
        frame: the note value that MIDI files are cut into; "auto": the longest of quarter, eighth and sixteenth that
            fits the notes. Of rolls it is taken as what their frames last.
        fewest: frames; shorter pieces are left out and told.

    Raises:
        DataError: nothing in it can be used, or it cannot be read; where, and what to do.
        InputError: a MIDI file, and symusic is not installed.
    """
    path = Path(source)
    ending = path.suffix.lower()
    if path.is_dir() or ending in MIDI:
        return _from_midi(path, frame, fewest)
    data = load(path, path.name)
    if ending == ".mat":
        found, beyond = from_mat(data, path.name)
    elif ending == ".npz":
        found, beyond = from_npz(data, path.name)
    elif ending == ".json":
        found, beyond = from_json(data, path.name)
    else:
        raise DataError("this is neither MIDI nor a file of piano rolls", where=path.name, fix=_HOLDS)
    found, stray = _in_parts(found)
    warnings = told_broken(dict.fromkeys(stray, _OF_NO_PART))
    if beyond:
        warnings.append(f"{beyond:,} notes above or below the piano are left out")
    known = None if frame == "auto" else frame
    return _gathered(path.name, found, known, None, [], warnings, fewest)


def _is_midi(file: Path) -> bool:
    return file.suffix.lower() in MIDI and not file.name.startswith(".") and file.is_file()


def read_midi_files(path: Path, longest: float = np.inf) -> tuple[str, Midi, dict[str, str]]:
    """A MIDI file, or all in a folder: a name for the whole, the notes of each, and why others cannot be used.

    Args:
        longest: quarter notes after which the last note of a file has ended.

    Raises:
        DataError: there are none, none can be used, or the one that there is cannot.
        InputError: symusic is not installed.
    """
    files = sorted(file for file in path.rglob("*") if _is_midi(file)) if path.is_dir() else [path]
    if not files:
        raise DataError("there are no MIDI files in this folder", where=path.name, fix=_HOLDS)
    folder = path if path.is_dir() else path.parent
    found: Midi = []
    broken: dict[str, str] = {}
    for file in files:
        inner = file.relative_to(folder)
        try:
            performance = read_midi(load(file, str(inner)), str(inner))
            _refuse_longer(performance, longest, str(inner))
        except DataError as error:
            if len(files) == 1:
                raise
            broken[str(inner)] = error.problem
            continue
        found.append((str(inner), part_in(inner), performance))
    if not found:
        name, problem = next(iter(broken.items()))
        raise DataError(
            f"none of its {len(files):,} MIDI files can be used; {name}: {problem}",
            where=path.name,
            fix=_HOLDS,
        )
    found, stray = _in_parts(found)
    return path.name, found, broken | dict.fromkeys(stray, _OF_NO_PART)


def _refuse_longer(performance: Performance, longest: float, origin: str) -> None:
    end = performance.end.max()
    if end > longest:
        raise DataError(
            f"its last note ends after {end:,.0f} quarter notes, more than the {longest:,.0f} that a piece may last",
            where=origin,
            fix="Look for a note that stands far away, or never ends.",
        )


def _from_midi(path: Path, frame: str, fewest: int) -> Pieces:
    """All files cut into frames, those that cannot be used told together."""
    origin, read, broken = read_midi_files(path)
    performances = [performance for _, _, performance in read]
    value, notes = _frame(frame, performances)
    found: Found = []
    for name, part, performance in read:
        try:
            found.append((name, part, to_roll(performance, value, name)))
        except DataError as error:
            if len(read) == 1:
                raise
            broken[name] = error.problem
    warnings = [*told_broken(broken), *told_left_out(performances)]
    tempo = float(np.median([performance.tempo for performance in performances]))
    return _gathered(origin, found, value, tempo, notes, warnings, fewest)


def _in_parts(found: list[tuple[str, str | None, _T]]) -> tuple[list[tuple[str, str | None, _T]], list[str]]:
    """The pieces of parts, and the names of those that are of none; all pieces where there are no two parts, one of
    them for training.
    """
    parts = {part for _, part, _ in found if part is not None}
    if len(parts) < 2 or "train" not in parts:
        return found, []
    return [each for each in found if each[1] is not None], [name for name, part, _ in found if part is None]


def _frame(asked: str, performances: Sequence[Performance]) -> tuple[NoteValue, list[str]]:
    """The note value of a frame, and what to say of it."""
    chosen: NoteValue | None = next((value for value in NOTE_VALUES if value == asked), None)
    why = "as asked"
    if chosen is None:
        chosen, why = usual_frame(performances)
    notes = [f"a frame is {'an' if chosen[0] in 'e' else 'a'} {chosen} note ({why})"]
    if any(performance.tempos > 1 for performance in performances):
        notes.append("changes of tempo move nothing: frames are counted in notes, not in seconds")
    return chosen, notes


def told_broken(broken: dict[str, str]) -> list[str]:
    """Files that cannot be used, and why, in sentences."""
    lines = [f"left out: {name}: {problem}" for name, problem in list(broken.items())[:_NAMED]]
    if len(broken) > _NAMED:
        lines.append(f"left out: {len(broken) - _NAMED} more files that cannot be used")
    return lines


def told_left_out(performances: Sequence[Performance]) -> list[str]:
    """Notes that are left out, in sentences."""
    drums = sum(performance.drums for performance in performances)
    beyond = sum(performance.beyond for performance in performances)
    lines = [f"{drums:,} notes of drums are left out: they have no pitch"] if drums else []
    return lines + ([f"{beyond:,} notes above or below the piano are left out"] if beyond else [])


def _gathered(
    origin: str,
    found: Found,
    frame: str | None,
    tempo: float | None,
    notes: list[str],
    warnings: list[str],
    fewest: int,
) -> Pieces:
    """All that were found, but those that are too short."""
    short = [name for name, _, roll in found if len(roll) < fewest]
    kept = [(name, part, roll) for name, part, roll in found if len(roll) >= fewest]
    if short:
        warnings = [*warnings, f"left out: {listed(short, _NAMED)}, shorter than {fewest} frames"]
    if not kept:
        raise DataError(f"no piece has {fewest} frames or more", where=origin, fix=_HOLDS)
    parts = parts_of([part for _, part, _ in kept])
    rolls = Packed.from_list([roll for _, _, roll in kept])
    notes = [*_told_found(rolls, parts), *notes]
    return Pieces(
        origin, rolls, tuple(name for name, _, _ in kept), parts, frame, tempo, tuple(notes), tuple(warnings)
    )


def parts_of(named: Sequence[str | None]) -> np.ndarray | None:
    """(N,) the part of each piece, where each has one and they differ; else None."""
    if None in named or len(set(named)) < 2:
        return None
    return np.array(named, dtype=object)


def told_parts(parts: np.ndarray) -> str:
    """Which parts the data have, in a sentence."""
    counts = {part: int((parts == part).sum()) for part in ("train", "validation", "test")}
    shared = ", ".join(f"{count:,} {part}" for part, count in counts.items() if count)
    return f"its own parts are kept: {shared}"


def _told_found(rolls: Packed, parts: np.ndarray | None) -> list[str]:
    used = np.flatnonzero(rolls.values.any(axis=0))
    frames = len(rolls.values)
    said = f"{len(rolls):,} piece{'s' * (len(rolls) > 1)}, {frames:,} frames of {KEYS} keys"
    if len(used):
        said += (
            f"; {rolls.values.sum() / frames:.1f} keys down at a time, from {name_of(int(used[0]) + LOWEST)} "
            f"to {name_of(int(used[-1]) + LOWEST)}"
        )
    notes = [said]
    if parts is not None:
        notes.append(told_parts(parts))
    return notes


def name_of(number: int) -> str:
    """A MIDI number as musicians write it, middle C being C4.

    >>> name_of(60), name_of(21), name_of(108)
    ('C4', 'A0', 'C8')
    """
    return f"{'C C♯ D E♭ E F F♯ G A♭ A B♭ B'.split()[number % 12]}{number // 12 - 1}"
