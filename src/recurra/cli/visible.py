"""Text of strangers for a terminal: names and labels of a file may hold what a terminal would obey."""

from __future__ import annotations

import re
import sys

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
