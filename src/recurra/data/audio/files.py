"""Files of sound, read in pieces: any rate, depth and number of channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from recurra.errors import InputError

ENDINGS = (".wav", ".flac")
_HEAD = 200
_BLOCK = 1 << 16  # samples of each channel read at a time
_UNKNOWN = 0x7FFF0000  # bytes from which on a WAV's length is that of a writer who could not know it
_SLIP = 64  # bytes: some writers count the head of the file, too
QUIET = 1e-4  # between the lowest and the highest sample: less than that is silence


class BadRecording(Exception):
    """A file that holds no sound to read; what is wrong with it, in a few words."""


def is_sound(name: str | Path) -> bool:
    """Whether a file's name says that it is a recording.

    >>> is_sound("a/Hello.WAV"), is_sound("hello.txt")
    (True, False)
    """
    return str(name).lower().endswith(ENDINGS)


def names_sound(column: pl.Series) -> bool:
    """Whether most cells are names of recordings, whatever blanks stand around them; the first 200 are looked at.

    >>> names_sound(pl.Series(["a.wav", " b.flac", None])), names_sound(pl.Series(["a film", "a.wav"]))
    (True, False)
    """
    if column.dtype != pl.String:
        return False
    head = column.drop_nulls().head(_HEAD).str.strip_chars().to_list()
    return 2 * sum(map(is_sound, head)) > len(head)


def head_of(path: Path) -> tuple[int, float]:
    """Samples per second, and seconds, from the file's head alone.

    Raises:
        BadRecording: it is not there, no recording, or cut off.
        InputError: the extra `audio` is not installed.
    """
    with _opened(path) as file:
        return int(file.samplerate), file.frames / file.samplerate


def pieces(path: Path, rate: int) -> Iterator[np.ndarray]:
    """The samples of a file brought to `rate`, its channels mixed to one: (n,) float32, piece by piece.

    Raises:
        BadRecording: it is not there, no recording, cut off, broken in the middle, empty, or without any sound; naming
            which, as soon as it is known.
        InputError: the extra `audio` is not installed.
    """
    resampler = None
    low, high, count = np.inf, -np.inf, 0
    with _opened(path) as file:
        if file.samplerate != rate:
            resampler = resampling(int(file.samplerate), rate)
        while True:
            try:
                block = file.read(_BLOCK, dtype="float32", always_2d=True)
            except _sound().SoundFileError as error:
                raise BadRecording("broken in the middle") from error
            if not len(block):
                break
            mixed = block.mean(axis=1, dtype=np.float32)
            if not np.isfinite(mixed).all():
                raise BadRecording("holds samples that are no finite numbers")
            low, high, count = min(low, float(mixed.min())), max(high, float(mixed.max())), count + len(mixed)
            yield mixed if resampler is None else resampler.resample_chunk(mixed)
        if resampler is not None:
            yield resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if not count:
        raise BadRecording("empty")
    if high - low < QUIET:
        raise BadRecording("silent")


def resampling(before: int, after: int) -> Any:
    """What brings samples from one rate to another, piece by piece: `resample_chunk(samples, last=False)`.

    Raises:
        InputError: the rate before is none, or the extra `audio` is not installed.
    """
    if not before > 0:
        raise InputError(f"expected samples per second, found {before}", where="rate")
    return _module("soxr").ResampleStream(before, after, 1, dtype="float32", quality="HQ")


def _opened(path: Path) -> Any:
    try:
        if not path.stat().st_size:
            raise BadRecording("empty")
        if _is_cut_off(path):
            raise BadRecording("cut off before its end")
        return _sound().SoundFile(path)
    except OSError as error:
        raise BadRecording(
            "not there" if isinstance(error, FileNotFoundError) else "cannot be opened"
        ) from error
    except _sound().SoundFileError as error:
        raise BadRecording("broken, or no recording") from error


def _is_cut_off(path: Path) -> bool:
    """Whether a WAV holds less sound than its head says: libsndfile reads what there is as if it were all."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return path.stat().st_size - file.tell() + _SLIP < size < _UNKNOWN
            file.seek(size + size % 2, 1)
    return False


def _sound() -> ModuleType:
    return _module("soundfile")


def _module(name: str) -> ModuleType:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"recordings need {name}, which is not installed", fix="Install it: pip install 'recurra[audio]'."
        ) from error
