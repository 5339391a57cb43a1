"""All choices of one training on series, and the defaults, which depend on the data."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from recurra.networks.forecast_network import ForecastNetworkConfig
from recurra.tasks.settings import RoomsOfSettings
from recurra.training.config import TrainingConfig

_MANY_WINDOWS = 20_000


class ForecastConfig(BaseModel):
    """Choices of what is forecast, and how it is judged."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    levels: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.1, 0.5, 0.9), description="shares of the quantiles that are forecast; one half among them"
    )
    logarithm: bool | None = Field(
        default=None,
        description="forecast the logarithm; unset: where series vary in proportion to their level",
    )
    calendar: bool = Field(default=True, description="tell the network hour, weekday and time of the year")

    @field_validator("levels")
    @classmethod
    def _rising_around_one_half(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if 0.5 not in levels or list(levels) != sorted(set(levels)):
            raise ValueError("levels rise, and 0.5 is among them")
        return levels


class WindowConfig(BaseModel):
    """How windows are cut."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    batch_size: int = Field(default=256, ge=1, description="windows in a batch")
    most: int = Field(default=50_000, ge=1, description="windows in an epoch at most")


class ForecastSettings(RoomsOfSettings):
    """Every choice that a person can make about a training on series."""

    task: ForecastConfig = ForecastConfig()
    windows: WindowConfig = WindowConfig()
    network: ForecastNetworkConfig = ForecastNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_look_back(season: int, horizon: int, room: np.ndarray) -> int:
    """Steps to look back on where nobody says: two seasons and the horizon, where most series have so many.

    Args:
        room: (N,) steps of each training part less the horizon. Half of its median at most is looked back on, so that
            windows are left to learn from; by far too short series, at most a tenth of them, do not decide.

    >>> default_look_back(24, 24, np.array([10_000])), default_look_back(12, 12, np.array([91]))
    (72, 36)
    >>> default_look_back(1, 13, np.array([54, 300, 900])), default_look_back(52, 13, np.array([54, 300, 900]))
    (52, 54)
    """
    wanted = max(2 * season + horizon if season > 1 else 4 * horizon, 8)
    least = min(wanted, max(season, horizon))
    shortest = int(room.min())
    if shortest >= least:
        return max(least, min(wanted, shortest, int(np.median(room)) // 2))
    return max(1, min(wanted, int(np.quantile(room, 0.1)) // 2))


def default_forecast_settings(look_back: int, horizon: int, windows: int) -> ForecastSettings:
    """Settings for a number of training windows.

    Long windows are read in segments, so that the way of the gradient is about eight steps; short ones point by
    point. With few windows it helps to begin from the last season (ETTh1, 5,665 windows, 24 steps ahead, validation
    loss without and with it: oil temperature 0.121 and 0.119, load 0.593 and 0.508); with many the network finds the
    season itself, and the noise of one season's values is not in its way (all seven columns, 336 steps ahead: mean
    squared error 1.247 without, 1.278 with; 96 ahead: 0.661 and 0.668).
    """
    segment = max(1, min(look_back // 4, 48)) if look_back >= 24 else 1
    batch = max(16, min(256, windows // 20))
    epochs = max(10, min(100, round(3000 / max(1, min(windows, 50_000) / batch))))
    return ForecastSettings(
        windows=WindowConfig(batch_size=batch),
        network=ForecastNetworkConfig(segment=segment, seasonal=windows < _MANY_WINDOWS),
        training=TrainingConfig(epochs=epochs, learning_rate=1e-3, patience=max(5, epochs // 5)),
    )
