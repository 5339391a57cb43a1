"""From tables over time to runs: reading, working out the schema, telling it, and then the same as from memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from recurra.data.series.collection import Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.description import describe_series
from recurra.data.series.inference import infer_series_schema
from recurra.data.series.joining import continued
from recurra.data.series.reading import to_series
from recurra.data.sources import read
from recurra.errors import DataError
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.fit import fit
from recurra.runs.forecasts.run import ForecastRun, Forecasts
from recurra.runs.forecasts.scoring import BackTest
from recurra.runs.places import check_place


def fit_series(
    source: Any,
    options: ForecastFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    started: float | None = None,
    observer: Observer = ignore,
) -> ForecastRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file or a frame; see `recurra.data.sources.read`.
        test: another of these: what came after, to score on.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    started = time.monotonic() if started is None else started
    if out is not None:
        check_place(out, overwrite=overwrite, resume=resume)
    observer(PhaseStarted(f"Reading {source}" if isinstance(source, str | Path) else "Reading the data"))
    table = read(source, encoding=encoding)
    schema = infer_series_schema(table, options.data)
    series, report = to_series(table, schema)
    for line in describe_series(schema, series, report):
        observer(Said(line))
    tested_from = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}" if isinstance(test, str | Path) else "Reading the test data"))
        more = read_series(test, schema, encoding=encoding, observer=observer)
        tested_from = series.lengths.copy()
        series = continued(series, more, counted_anew=schema.time is None)
    return fit(
        series,
        schema,
        options,
        tested_from=tested_from,
        sources=[str(s) for s in (source, test) if isinstance(s, str | Path)],
        out=out,
        overwrite=overwrite,
        resume=resume,
        started=started,
        observer=observer,
    )


def read_series(
    source: Any, schema: SeriesSchema, *, encoding: str | None = None, observer: Observer = ignore
) -> Series:
    """Read `source` with a schema that is already known."""
    table = read(source, encoding=encoding)
    series, report = to_series(table, schema)
    for line in [*table.notes, *report.lines()]:
        observer(Said(line))
    return series


def back_test(run: ForecastRun, series: Series, observer: Observer = ignore) -> tuple[BackTest, Forecasts]:
    """Forecasts at every origin of `series` with a whole look-back before and a whole horizon after it.

    Raises:
        DataError: no series is long enough.
    """
    origins = run.every_origin(series)
    if not len(origins):
        raise DataError(
            f"a window has {run.look_back} + {run.horizon} steps, and the longest series "
            f"{int(series.lengths.max(initial=0))}",
            fix="Give longer series.",
        )
    test = BackTest(
        series,
        origins,
        horizon=run.horizon,
        season=run.config.data_schema.season,
        learned_until=series.lengths,
        levels=run.config.settings.task.levels,
        seed=run.config.options.seed,
    )
    return test, run.at(series, origins, observer)
