"""Two files that are aligned: line n of one is the source of line n of the other."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from recurra.data.sources.encodings import load, to_utf8
from recurra.errors import DataError, InputError

_ENOUGH = 50  # lines that lengths are compared over
_LIKELY, _UNLIKELY = 0.5, 0.25  # correlations of lengths


def read_lines(path: Path | None, origin: str, encoding: str | None) -> tuple[list[str], list[str]]:
    """The lines of a text file, blank ones too, and what was decided to read it.

    Lines end at CR, LF or CR LF only; there is none behind the last end.

    Raises:
        DataError: the file is missing, empty or binary.
    """
    data, notes = to_utf8(load(path, origin), origin, encoding)
    lines = re.split(r"\r\n|\r|\n", data.decode())
    if lines[-1] == "":
        lines.pop()
    return lines, notes


def check_aligned(sources: list[str], targets: list[str], source: str, target: str) -> list[str]:
    """What speaks against lines n being a pair, where it is not certain.

    Where translations are longer for longer sources, but only after one file is moved by a line, a line is missing in
    one of them.

    Raises:
        DataError: there are not as many lines in both.
    """
    if len(sources) != len(targets):
        raise DataError(
            f"expected as many lines as in {source} ({len(sources):,}), found {len(targets):,}",
            where=target,
            fix="Lines of the same number are a pair: look for a line too many or too few.",
        )
    if len(sources) < _ENOUGH:
        return []
    ours, theirs = (np.log1p([len(line) for line in lines]) for lines in (sources, targets))
    found = {
        -1: _correlation(ours[1:], theirs[:-1]),
        0: _correlation(ours, theirs),
        1: _correlation(ours[:-1], theirs[1:]),
    }
    best = max(found, key=lambda shift: found[shift])
    if best == 0 or found[best] < _LIKELY or found[0] > _UNLIKELY:
        return []
    return [
        f"line n of {source} seems to go with line n{best:+d} of {target}: their lengths agree then "
        f"(correlation {found[best]:.2f}, as they stand {found[0]:.2f}); look for a line too many or too few"
    ]


def partner(source: str, of: str, target: str) -> str:
    """The file of targets that goes with `source`, named as `target` is beside `of`: one word is another.

    >>> partner("data/test_2016.en.gz", "train.en", "train.de")
    'data/test_2016.de.gz'
    >>> partner("new_source.txt", "old_source.txt", "old_target.txt")
    'new_target.txt'

    Raises:
        InputError: it cannot be told from these names.
    """
    path, (ours, theirs) = (
        Path(source),
        (_words(Path(name).name.removesuffix(".gz")) for name in (of, target)),
    )
    words = _words(path.name)
    differ = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
    if len(ours) == len(theirs) and len(differ) == 1 and differ[0][0] in words:
        before, after = differ[0]
        last = len(words) - 1 - words[::-1].index(before)
        return str(path.with_name("".join([*words[:last], after, *words[last + 1 :]])))
    raise InputError(
        f"its targets cannot be found by name, as {Path(target).name} beside {Path(of).name} can",
        where=source,
        fix="Name both files as those are, or give a table whose columns are called source and target.",
    )


def _words(name: str) -> list[str]:
    """The words of a name, and what stands between them."""
    return re.split(r"([\W_]+)", name)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
