"""What a run of forecasts keeps in its `config.json`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from recurra.data.series.definition import SeriesOptions, SeriesSchema
from recurra.networks.forecast_network import ForecastShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.forecasting.settings import ForecastSettings


class ForecastFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: what the columns mean.
        horizon: steps to forecast.
        look_back: steps that a forecast is made from; None decides by season, horizon and the series' lengths.
        validation: share of the steps that are not tested on, the last of them; None is a tenth, and at least a
            horizon.
        test_share: share of each series' steps, the last of them, and at least a horizon.
    """

    data: SeriesOptions = SeriesOptions()
    horizon: int = Field(ge=1)
    look_back: int | None = Field(default=None, ge=1)


class ForecastRunConfig(RunConfig):
    """Everything that is needed to use a run that forecasts series.

    Args:
        scaling: the series encoder.
        width_factors: (Q,) what the distances of the quantiles from the median are multiplied by, fitted on the
            validation part, before the latest errors are looked at; None where there was none.
    """

    kind: Literal["forecast"] = "forecast"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: ForecastFitOptions
    settings: ForecastSettings
    data_schema: SeriesSchema
    shape: ForecastShape
    scaling: dict[str, Any]
    width_factors: list[Annotated[float, Field(gt=0)]] | None = None
