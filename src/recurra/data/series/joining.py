"""Series that go on: what was measured later behind what was there, and the last steps alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recurra.data.packed import Packed
from recurra.data.series.collection import Series
from recurra.errors import DataError


def continued(series: Series, more: Series, zero: np.ndarray | None = None) -> Series:
    """Each series with the steps of the same name in `more` behind it, NaN between them; others stay as they are.

    What is known ahead of the first data gives way to what stands in the second, but between the two it stays.

    Args:
        more: later steps of some of the series.
        zero: (N,) the step of each series that step 0 of `more` is, where that is numbered anew; None: both are
            numbered alike, as dates are.

    Raises:
        DataError: a series of `more` that is not there, or begins before the end of its own.
    """
    place = {name: n for n, name in enumerate(series.names)}
    if unknown := [name for name in more.names if name not in place]:
        raise DataError(
            f"the series {unknown[0]!r} is not among those to go on from", fix="Give the same series."
        )
    of = {place[name]: m for m, name in enumerate(more.names)}
    ends = series.first + series.lengths
    shift = np.zeros(len(series), dtype=np.int64) if zero is None else series.first + zero
    gaps = {n: int(shift[n] + more.first[m] - ends[n]) for n, m in of.items()}
    for n, gap in gaps.items():
        if gap < 0:
            raise DataError(
                f"the series {series.names[n]!r} goes on {-gap} steps before its own end",
                fix="Give only what comes after the data to learn from.",
            )

    def joined(before: Packed | None, after: Packed | None) -> Packed | None:
        if before is None or after is None:
            return None
        parts = []
        for n, length in enumerate(series.lengths):
            own = before[n] if n not in of else before[n][: length + gaps[n]]
            parts.append(own)
            if n in of:
                shape = (length + gaps[n] - len(own), *own.shape[1:])
                parts.append(np.full(shape, np.nan, dtype=own.dtype))
                parts.append(after[of[n]])
        lengths = [
            len(before[n]) if n not in of else length + gaps[n] + len(after[of[n]])
            for n, length in enumerate(series.lengths)
        ]
        return Packed.end_to_end(np.concatenate(parts), np.array(lengths))

    targets = joined(series.targets, more.targets)
    assert targets is not None
    return replace(
        series,
        targets=targets,
        past=joined(series.past, more.past),
        known=joined(series.known, more.known),
        parts=None,
    )


def last_steps(series: Series, steps: int) -> Series:
    """The last `steps` of each series, fewer where there are fewer; beginning with one that is there.

    What is known ahead stays.
    """
    skipped = np.maximum(0, series.lengths - steps)
    for n in np.flatnonzero(skipped).tolist():
        there = np.flatnonzero(~np.isnan(series.targets[n][: skipped[n] + 1, 0]))
        skipped[n] = there[-1]

    def of(packed: Packed | None) -> Packed | None:
        return (
            None
            if packed is None
            else Packed(packed.values, packed.starts + skipped, packed.lengths - skipped)
        )

    targets = of(series.targets)
    assert targets is not None
    return replace(
        series,
        targets=targets,
        past=of(series.past),
        known=of(series.known),
        parts=of(series.parts),
        first=series.first + skipped,
    )
