"""Sunspot numbers of 309 years, forecast eleven years ahead: about one cycle of the sun."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from recurra.data.series.collection import Series
from recurra.data.series.definition import SeriesOptions, SeriesSchema
from recurra.data.series.inference import infer_series_schema
from recurra.data.series.reading import to_series
from recurra.data.sources import read
from recurra.demo.cells import compare_cells
from recurra.runs.events import Observer
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.fit import ForecastFitting
from recurra.runs.forecasts.run import ForecastRun

DATA = "sunspot numbers of 1700 to 2008, a number a year, forecast 11 years ahead"
DEFINITION = SeriesOptions(time="year", target="sunspots")
HORIZON = 11
WEIGHTS = 20_000
SETTINGS: dict[str, Any] = {"training.epochs": 40, "training.patience": 40}


def sunspots() -> tuple[Series, SeriesSchema]:
    """The series that the package carries; see `data/README.md` for its source."""
    with as_file(files("recurra.demo") / "data" / "sunspots.csv") as path:
        table = read(path)
    schema = infer_series_schema(table, DEFINITION)
    return to_series(table, schema)[0], schema


def compare_on_sunspots(
    out: Path, *, seed: int, observer: Observer
) -> tuple[dict[str, Any], dict[str, ForecastRun]]:
    """The three networks, their runs and summary in `out`."""
    series, schema = sunspots()

    def fitting(settings: dict[str, Any], baselines: bool) -> ForecastFitting:
        options = ForecastFitOptions(
            data=DEFINITION, horizon=HORIZON, settings=SETTINGS | settings, seed=seed, baselines=baselines
        )
        return ForecastFitting(series, schema, options, None)

    return compare_cells(DATA, fitting, WEIGHTS, sources=["sunspots.csv"], out=out, observer=observer)
