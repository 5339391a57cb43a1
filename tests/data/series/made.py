"""Series made for tests: unequal lengths, holes, covariates, a calendar."""

from __future__ import annotations

import numpy as np

from recurra.data.packed import Packed
from recurra.data.series import Grid, Series

DAYS = Grid(kind="date", frequency="1d", origin="2024-01-01")


def made_series(
    lengths,
    *,
    seed=0,
    holes=0.0,
    known=0,
    past=0,
    static=0,
    calendar=False,
    ahead=5,
    first=None,
    level=50.0,
    positive=False,
):
    """As many series as lengths; the first and the last target of each are there.

    Args:
        holes: share of targets that are missing.
        known, past, static: channels.
        ahead: steps for which known channels go on.
        first: step of the grid that each begins with; else other ones.
    """
    draw = np.random.default_rng(seed)
    lengths = np.asarray(lengths, dtype=np.int64)
    targets = []
    for n, length in enumerate(lengths):
        y = level * (n + 1) + 3 * np.sin(np.arange(length)) + draw.normal(size=length)
        y = np.exp(draw.normal(size=length)) if positive else y
        y[draw.random(length) < holes] = np.nan
        y[[0, -1]] = draw.uniform(1, 2, 2)
        targets.append(y[:, None])

    def channels(size, more):
        if not size:
            return None
        return Packed.from_list([draw.normal(size=(length + more, size)) for length in lengths])

    return Series(
        names=[f"s{n}" for n in range(len(lengths))],
        targets=Packed.from_list(targets),
        past=channels(past, 0),
        known=channels(known, ahead),
        static=draw.normal(size=(len(lengths), static)),
        first=3 * np.arange(len(lengths)) if first is None else np.asarray(first),
        parts=None,
        grid=DAYS if calendar else Grid(),
    )
