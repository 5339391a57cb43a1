"""What a calendar says of a step: the hour of the day, the day of the week, the day of the year, as circles."""

from __future__ import annotations

import numpy as np

from recurra.data.series.frequency import WIDTHS
from recurra.data.series.grid import Grid, months_and_days

_DAY = WIDTHS["d"]


def calendar_features(grid: Grid, indices: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Sine and cosine of every cycle of the calendar that steps of this grid go through.

        sin(2 pi p), cos(2 pi p)   with p in [0, 1) how far the step is into the cycle

    Steps shorter than a day: the day, the week, the year. Days and business days: the week, the year. Weeks,
    months, quarters: the year. Years and plain numbers: none. A step that is a whole number of cycles leaves
    that cycle out.

    Args:
        indices: (n,) of the steps.

    Returns:
        (n, K) float32, and the K names.

    >>> grid = Grid(kind="date", frequency="1q", origin="2024-01-01", day=1)
    >>> features, names = calendar_features(grid, np.array([0, 1, 2, 3]))
    >>> names, np.round(features[:, 0]).tolist()
    (['sine of the year', 'cosine of the year'], [0.0, 1.0, 0.0, -1.0])
    """
    every, n = grid.every, len(indices)
    phases: dict[str, np.ndarray] = {}
    if every is not None:
        at = grid.ticks_of(np.asarray(indices, dtype=np.int64))
        days = at // _DAY
        if every.width is not None and every.width % _DAY:
            phases["the day"] = at % _DAY / _DAY
        if every.unit == "b" or (every.width is not None and every.width % WIDTHS["w"]):
            phases["the week"] = (days + 3) % 7 / 7  # 1970 began on a Thursday
        months = every.months
        if months is None:
            year = days.astype("datetime64[D]").astype("datetime64[Y]")
            first, following = (
                y.astype("datetime64[D]").astype(np.int64) for y in (year, year + np.timedelta64(1, "Y"))
            )
            phases["the year"] = (days - first) / (following - first)
        elif months % 12:
            phases["the year"] = months_and_days(at)[0] % 12 / 12
    if not phases:
        return np.zeros((n, 0), dtype=np.float32), []
    circles = [f(2 * np.pi * phase) for phase in phases.values() for f in (np.sin, np.cos)]
    names = [f"{f} of {cycle}" for cycle in phases for f in ("sine", "cosine")]
    return np.stack(circles, axis=1).astype(np.float32), names
