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
from recurra.demo.cells import compare_cells, with_baselines
from recurra.networks.forecast_network import ForecastNetwork
from recurra.networks.sizing import hidden_size_for
from recurra.runs.events import Observer, ignore
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.fit import ForecastFitting, fit
from recurra.runs.forecasts.run import ForecastRun

DATA = "sunspot numbers of 1700 to 2008, a number a year, forecast 11 years ahead"
HORIZON = 11
WEIGHTS = 20_000
SETTINGS: dict[str, Any] = {"training.epochs": 40, "training.patience": 40}


def sunspots() -> tuple[Series, SeriesSchema]:
    """The series that the package carries; see `data/README.md` for its source."""
    with as_file(files("recurra.demo") / "data" / "sunspots.csv") as path:
        table = read(path)
    schema = infer_series_schema(table, SeriesOptions(time="year", target="sunspots"))
    return to_series(table, schema)[0], schema


def compare_on_sunspots(
    out: Path, *, seed: int, observer: Observer
) -> tuple[dict[str, Any], dict[str, ForecastRun]]:
    """The three networks, their runs and summary in `out`."""
    series, schema = sunspots()

    def options(cell: str, **settings: Any) -> ForecastFitOptions:
        return ForecastFitOptions(
            data=SeriesOptions(time="year", target="sunspots"),
            horizon=HORIZON,
            settings=SETTINGS | {"network.cell": cell} | settings,
            seed=seed,
            baselines=with_baselines(cell),
        )

    def hidden_size(cell: str) -> int:
        fitting = ForecastFitting(series, schema, options(cell), None)
        fitting.prepare(None, ignore)
        config, shape = fitting.prepared.settings.network, fitting.prepared.shape
        return hidden_size_for(
            WEIGHTS, lambda size: ForecastNetwork(config.model_copy(update={"hidden_size": size}), shape)
        )

    def train(cell: str, size: int, place: Path, observer: Observer) -> ForecastRun:
        asked = options(cell, **{"network.hidden_size": size})
        return fit(series, schema, asked, sources=["sunspots.csv"], out=place, observer=observer)

    return compare_cells(DATA, hidden_size, train, out, observer)
