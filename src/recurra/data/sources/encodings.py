"""Bytes on disk to UTF-8 bytes in memory: compression, byte order marks, old encodings, binary files."""

from __future__ import annotations

import codecs
import gzip
import re
import sys
import zlib
from pathlib import Path

from recurra.errors import DataError
from recurra.storage import missing_file

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"PK\x03\x04", "a ZIP archive (also XLSX, NPZ, DOCX)"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"\x80\x04", "a Python pickle"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (XLS, DOC)"),
    (b"RIFF", "a sound or video file"),
)
# Told apart reliably on whole words of their scripts; given every codec it knows, charset-normalizer
# prefers near relatives (cp1125 for cp866, mac_greek for cp1253).
_CANDIDATES = [
    *("gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "cp866", "cp1252"),
    *("cp1250", "iso8859_2", "cp1254", "cp1253", "cp1255", "cp1256", "cp1257", "cp874"),
]
_SAMPLE = 64_000


def load(path: Path | None, origin: str, *, empty: bool = False) -> bytes:
    """The bytes of a file, or of standard input where `path` is None; gzip is unpacked by its magic number.

    Args:
        empty: whether the file may be empty.

    Raises:
        DataError: the file is missing, a folder, unreadable or empty, or the gzip data are broken.
    """
    try:
        data = sys.stdin.buffer.read() if path is None else path.read_bytes()
    except FileNotFoundError:
        raise missing_file(path or Path("-")) from None
    except IsADirectoryError:
        raise DataError("this is a folder, a file was expected", where=origin) from None
    except PermissionError:
        raise DataError("the file may not be read", where=origin, fix="Check its permissions.") from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=origin) from None
    if data[:2] == b"\x1f\x8b":
        data = _unpack(data, origin)
    if not empty:
        refuse_empty(data, origin)
    return data


def refuse_empty(data: bytes, origin: str) -> None:
    """Raise if there is nothing but white space in `data`."""
    if not data.strip():
        raise DataError("the file is empty", where=origin, fix="Give a file that holds records.")


def _unpack(data: bytes, origin: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        # A streaming pass tells how far the data are good.
        unpacked = zlib.decompressobj(wbits=31)
        try:
            good = len(unpacked.decompress(data))
        except zlib.error:
            good = 0
        upto = f"; {good:,} bytes could be unpacked before the break" if good else ""
        raise DataError(
            f"the gzip data are broken or cut off{upto}",
            where=origin,
            fix="Fetch or pack the file again.",
        ) from None


def to_utf8(data: bytes, origin: str, encoding: str | None = None) -> tuple[bytes, list[str]]:
    """`data` as UTF-8 without a byte order mark, and what was decided about its encoding.

    A byte order mark is believed first, then valid UTF-8. Otherwise: UTF-8 with a few damaged bytes stays
    UTF-8; text that is nearly all ASCII is read as Windows-1252 (there is too little to tell the Western
    encodings apart, and it holds Latin-1's letters); anything else is left to charset-normalizer.

    Raises:
        DataError: binary data, or bytes that do not fit the forced `encoding`.

    >>> to_utf8("Zürich".encode("latin-1"), "f.csv")[0].decode()
    'Zürich'
    """
    if encoding is not None:
        return _forced(data, origin, encoding), [f"read as {encoding}, as asked"]
    for mark, name in _MARKS:
        if data.startswith(mark):
            if name == "utf-8":
                data, note = data[len(mark) :], []
                break
            return _forced(data, origin, name), [f"read as {name.upper()}, by its byte order mark"]
    else:
        note = []
    _refuse_binary(data, origin)
    try:
        if not data.isascii():
            data.decode("utf-8")
        return data, note
    except UnicodeDecodeError as error:
        first = error.start
    line = data.count(b"\n", 0, first) + 1
    patched = data.decode("utf-8", errors="replace")
    damaged = patched.count("\ufffd")
    high = re.findall(rb"[\x80-\xff]+", data)
    if sum(map(len, high)) > 20 * damaged:
        note = f"{damaged} damaged characters in UTF-8 text, the first in line {line}: shown as \ufffd"
        return patched.encode(), [note]
    del patched
    name = _detect(data, high)
    note = f"not UTF-8 (line {line}): read as {name}; --encoding forces another"
    return data.decode(name).encode(), [note]


def _forced(data: bytes, origin: str, encoding: str) -> bytes:
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode()
    except LookupError:
        raise DataError(
            f"there is no encoding named {encoding!r}",
            where=origin,
            fix="Examples: utf-8, cp1252, cp1251, gb18030.",
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data.count(b"\n", 0, start) + 1
        raise DataError(
            f"the bytes in line {line} are not {encoding}",
            where=origin,
            fix="Leave the encoding out to have it detected, or name another.",
        ) from None


def _detect(data: bytes, high: list[bytes]) -> str:
    """The likeliest old encoding; `high` are the runs of bytes beyond ASCII.

    Accents of Western languages are rare and stand alone between ASCII letters; other scripts come in runs.
    """
    total = sum(map(len, high))
    in_runs = sum(len(run) for run in high if len(run) >= 3)
    if total >= 0.1 * len(data) or in_runs > 0.2 * total:
        from charset_normalizer import from_bytes

        sample, size = [], 0
        for line in data.split(b"\n"):
            if not line.isascii():
                sample.append(line)
                size += len(line)
                if size > _SAMPLE:
                    break
        for match in from_bytes(b"\n".join(sample), cp_isolation=_CANDIDATES):
            if _fits(data, match.encoding):
                return match.encoding
    return "cp1252" if _fits(data, "cp1252") else "latin-1"


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_binary(data: bytes, origin: str) -> None:
    fix = "Give a text file: CSV, TSV, JSON lines, .ts or plain lines; or Parquet."
    for magic, name in _BINARY:
        if data.startswith(magic):
            raise DataError(f"this is {name}, not a table of text", where=origin, fix=fix)
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        few = data.count(b"\0") < 0.001 * len(data)
        hint = "Remove the NUL bytes." if few else f"{fix} If it is UTF-16, say encoding utf-16-le."
        raise DataError(f"line {line} holds a NUL byte: a binary file?", where=origin, fix=hint)
    head = data[:4096]
    control = len(re.findall(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", head))
    if control > max(16, 0.05 * len(head)):
        raise DataError("this looks like a binary file, not text", where=origin, fix=fix)
