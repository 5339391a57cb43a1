"""Text of strangers for a terminal: names and labels of a file may hold what a terminal would obey."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from pathlib import Path
from typing import TextIO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of standard output that takes no more

# Control characters but tab and line end, other breaks of lines, changes of direction, halves of characters.
_OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")


def visible(text: object) -> str:
    r"""`text` with these escaped, as Python writes them.

    >>> print(visible("\x1b[31mred\n\tpure"))
    \x1b[31mred
        pure
    """
    return _OBEYED.sub(lambda found: repr(found[0])[1:-1], str(text))


def put(text: str) -> None:
    """Write an answer on standard output: as it is for a program or a file, `visible` for a terminal."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def ready(stream: TextIO | None) -> TextIO:
    """Standard output that takes every text: in UTF-8, as files are written, where it goes into a file or a program,
    whatever the locale says; a terminal shows as escapes what it cannot write. Names of files keep their bytes.

    Where Python was told not to buffer, a text of which the system takes only a part would be cut off without a word:
    it is buffered by lines instead. Where there is none (`>&-`), what is printed goes nowhere, as in Python.
    """
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):  # one that takes every text as it is
        return stream
    if isinstance(stream.buffer, io.RawIOBase):
        stream = open(stream.fileno(), "w", buffering=1, encoding=stream.encoding, closefd=False)  # noqa: SIM115
    if stream.isatty():
        stream.reconfigure(errors="backslashreplace")
    else:
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    return stream


def discard(stream: TextIO) -> None:
    """Drop what `stream` still holds and cannot write, which Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
