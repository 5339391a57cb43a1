"""Small tables over time for tests of whole runs, and quick trainings on them."""

from __future__ import annotations

import numpy as np
import polars as pl

from recurra.data.series import SeriesOptions, infer_series_schema, to_series
from recurra.data.sources import read
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.fit import fit

QUICK = {"network.hidden_size": 6, "training.epochs": 3, "training.threads": 1}


def daily(days=90, series=1, seed=0, holes=0):
    """Series "s0", "s1", ... of a week's wave and noise, with a price of the day; wide, a row for each day."""
    draw = np.random.default_rng(seed)
    t = np.arange(days)
    begin = np.datetime64("2024-01-01")
    columns = {
        f"s{n}": 20 * (n + 1) + 5 * np.sin(2 * np.pi * (t + n) / 7) + draw.normal(size=days)
        for n in range(series)
    }
    for column in columns.values():
        column[draw.choice(np.arange(1, days - 1), holes, replace=False)] = np.nan
    return pl.DataFrame(
        {"day": (begin + t).astype("datetime64[D]"), **columns, "price": (t % 5).astype(float)}
    )


def loaded(frame, **roles):
    """(series, schema) of a frame; the target is every column of the form "s0" where none is named."""
    roles = {"target": [name for name in frame.columns if name.startswith("s")], **roles}
    table = read(frame)
    schema = infer_series_schema(table, SeriesOptions(**roles))
    return to_series(table, schema)[0], schema


def options(**given):
    """Options of a quick training."""
    settings = QUICK | given.pop("settings", {})
    return ForecastFitOptions(
        **{"horizon": 5, "look_back": 9, "baselines": False, "settings": settings} | given
    )


def trained(frame, roles=None, out=None, observer=lambda _: None, **given):
    """A run on a frame."""
    series, schema = loaded(frame, **(roles or {}))
    return fit(series, schema, options(**given), out=out, observer=observer)
