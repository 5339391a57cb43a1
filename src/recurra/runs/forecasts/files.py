"""From tables over time to runs: reading, working out the schema, telling it, and then the same as from memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import numpy as np

from recurra.data.series.collection import Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.description import describe_series
from recurra.data.series.inference import infer_series_schema
from recurra.data.series.joining import continued
from recurra.data.series.reading import to_series
from recurra.data.sources import read
from recurra.errors import DataError, InputError
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.fit import ForecastFitting
from recurra.runs.forecasts.preparation import with_truth
from recurra.runs.forecasts.run import ForecastRun, Forecasts
from recurra.runs.forecasts.scoring import BackTest


def fit_series(
    source: Any,
    options: ForecastFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> ForecastRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file or a frame; see `recurra.data.sources.read`.
        test: another of these: what came after, to score on. Where steps are told by no times it follows right
            behind.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: ForecastFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[ForecastFitting, list[str]]:
    """The training that `fit_series` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_series`, which also says what is raised.
    """
    if test is not None:
        if options.data.split is not None:
            raise InputError(
                "the test data are those of --test", where="--split", fix="Give one of the two, not both."
            )
        options.refuse("test_share", why="the test data are those of --test")
    observer(PhaseStarted(f"Reading {source}" if isinstance(source, str | Path) else "Reading the data"))
    table = read(source, encoding=encoding)
    schema = infer_series_schema(table, options.data)
    series, report = to_series(table, schema)
    for line in describe_series(schema, series, report, table):
        observer(Said(line))
    if series.parts is not None:
        options.refuse("validation", "test_share", why=f"the parts are those of the column {schema.split!r}")
    tested_from = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}" if isinstance(test, str | Path) else "Reading the test data"))
        more = read_series(test, schema, encoding=encoding, observer=observer)
        tested_from = series.lengths.copy()
        series = continued(series, more, _begin(series, schema))
        if (series.lengths - tested_from).max() < options.horizon:
            raise DataError(
                f"{options.horizon} steps are to be forecast, and the longest series goes on for "
                f"{int((series.lengths - tested_from).max())}",
                where="--test",
                fix="Give as many steps as the horizon has, or more.",
            )
    sources = [str(s) for s in (source, test) if isinstance(s, str | Path)]
    return ForecastFitting(series, schema, options, tested_from), sources


def _begin(series: Series, schema: SeriesSchema) -> np.ndarray | None:
    """(N,) the step of each series with which later data begin; None where times say so."""
    if schema.time is not None or schema.times_in_names:
        return None
    if schema.layout == "wide":  # the series share their rows
        return (series.first + series.lengths).max() - series.first
    return series.lengths


def read_series(
    source: Any, schema: SeriesSchema, *, encoding: str | None = None, observer: Observer = ignore
) -> Series:
    """Read `source` with a schema that is already known.

    Raises:
        DataError: a column is not there, or as `recurra.data.series.reading.to_series`.
    """
    table = read(source, encoding=encoding)
    series, report = to_series(table, schema)
    for line in [*table.notes, *report.lines()]:
        observer(Said(line))
    return series


def back_test(run: ForecastRun, series: Series, observer: Observer = ignore) -> tuple[BackTest, Forecasts]:
    """Forecasts at every origin of `series` with a whole look-back before and a whole horizon after it.

    Errors are scaled (MASE) by the seasonal naive forecast over all of `series`, for there is no training part
    among them: compare such scores with each other on the same data, not with those of `recurra fit`.

    Raises:
        DataError: no series is long enough, or nothing is there to compare with.
    """
    origins = run.every_origin(series)
    if not len(origins):
        raise DataError(
            f"a window has {run.look_back} + {run.horizon} steps, and the longest series "
            f"{int(series.lengths.max(initial=0))}",
            fix="Give longer series.",
        )
    origins = with_truth(origins, series.targets, run.horizon)
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
