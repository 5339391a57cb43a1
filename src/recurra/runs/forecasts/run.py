"""A trained network that says how series go on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors

from recurra.data.packed import Packed
from recurra.data.series.collection import Series
from recurra.data.series.encoding import SeriesEncoder
from recurra.data.series.joining import last_steps
from recurra.data.series.windows import WindowBatches, origins_between
from recurra.errors import DataError, InputError, RunError
from recurra.networks.forecast_network import ForecastNetwork
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.forecasts.config import ForecastRunConfig
from recurra.runs.run import LAST, METRICS, MODEL, Run, check_files, read_history, read_network
from recurra.storage import read_json, write_bytes
from recurra.tasks.forecasting.calibration import (
    recent_factors,
    recent_horizons,
    recent_origins,
    widened,
)
from recurra.training.loop import outputs_over

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Forecasts:
    """How W windows go on.

    Args:
        origins: (W, 2) the series and the step that the horizon begins with.
        quantiles: (W, H, Q) in the series' own unit.
        levels: (Q,) rising.
    """

    origins: np.ndarray
    quantiles: np.ndarray
    levels: tuple[float, ...]

    @property
    def point(self) -> np.ndarray:
        """(W, H) medians."""
        return self.quantiles[:, :, self.levels.index(0.5)]


@dataclass(kw_only=True, repr=False)
class ForecastRun(Run[ForecastRunConfig, ForecastNetwork]):
    """A run that forecasts series.

    Args:
        encoder: the scaling.
        last: the last steps of the series it was made from, test part included: what a forecast goes on from.
        learned: (N,) the step of the grid with which the training part of each of them ends.
    """

    purpose = "for forecasts of series"
    verb = "forecast"

    encoder: SeriesEncoder
    last: Series
    learned: np.ndarray

    def _stages(self) -> NoReturn:
        raise InputError(
            "a forecast cannot run step by step: what it looks back on is first brought to the scale of its last value",
            fix="Give the newest values to `forecast`.",
        )

    @property
    def horizon(self) -> int:
        """Steps that are forecast."""
        return self.config.shape.horizon

    @property
    def look_back(self) -> int:
        """Steps that a forecast is made from."""
        return self.config.shape.look_back

    def at(self, series: Series, origins: np.ndarray, observer: Observer = ignore) -> Forecasts:
        """Forecasts of `series` at `origins` (W, 2), each from what stands before it; so are their intervals."""
        # What comes after the first origin of a series that was not learned says nothing of its scale.
        until = series.lengths.copy()
        np.minimum.at(until, origins[:, 0], origins[:, 1])
        encoded = self.encoder.encode(series, self.horizon, until=until)
        self._check_known(series, origins)
        levels, factors = self.config.settings.task.levels, self.config.width_factors
        recent = np.empty((0, 2), dtype=np.int64)
        if factors is not None:
            earliest = np.maximum(self.look_back, self._learned_of(series) - series.first)
            recent = recent_origins(origins, series.first, earliest, self.horizon)

        def quantiles_at(asked: np.ndarray, done: int) -> tuple[np.ndarray, np.ndarray]:
            """What the network says of windows, and what came after them."""
            batches = WindowBatches(
                encoded,
                asked,
                look_back=self.look_back,
                horizon=self.horizon,
                batch_size=self.config.settings.windows.batch_size,
            )

            def told(more: int) -> None:
                observer(Measured(done + more, len(origins) + len(recent)))

            return outputs_over(self.network, batches, "float32", told).numpy(), batches.truth()

        quantiles, _ = quantiles_at(origins, 0)
        if factors is not None:
            of_each = np.asarray([factors])
            if len(recent):
                seen, truth = quantiles_at(recent, len(origins))
                of_each = recent_factors(origins, recent, truth, seen, levels, factors)
            quantiles = widened(quantiles, levels, of_each[:, None, :])
        return Forecasts(origins, encoded.unscaled(quantiles, origins[:, 0]), levels)

    def ahead(self, series: Series | None = None, observer: Observer = ignore) -> Forecasts:
        """How each series goes on after its last step; None: those of training."""
        series = self.last if series is None else series
        short = [name for name, n in zip(series.names, series.lengths, strict=True) if n < self.look_back]
        if short:
            raise DataError(
                f"a forecast is made from {self.look_back} steps, and the series {short[0]!r} has fewer"
                + (f", as {len(short) - 1:,} others have" if len(short) > 1 else ""),
                fix="Give longer series.",
            )
        origins = np.stack([np.arange(len(series)), series.lengths], axis=1)
        self._check_known(series, origins)
        self._check_filled(series, origins)
        return self.at(series, origins, observer)

    def every_origin(self, series: Series) -> np.ndarray:
        """(W, 2) all origins of `series` with a whole look-back before and a whole horizon after them."""
        return origins_between(np.full(len(series), self.look_back), series.lengths - self.horizon)

    def table(self, series: Series, forecasts: Forecasts) -> pl.DataFrame:
        """A row for each step of each forecast: series, time, forecast, and its other quantiles."""
        import polars as pl

        n, origin = forecasts.origins.T
        steps = (series.first[n] + origin)[:, None] + np.arange(self.horizon)
        name, schema = "series", self.config.data_schema
        columns: dict[str, Any] = {
            schema.id or name: np.repeat(np.array(series.names, dtype=object), self.horizon).astype(str),
            schema.time or "step": series.grid.in_zone(series.grid.times_of(steps.ravel())),
            "forecast": forecasts.point.ravel(),
        }
        columns |= {
            f"q{round(100 * level, 6):g}": forecasts.quantiles[:, :, k].ravel()
            for k, level in enumerate(forecasts.levels)
            if level != 0.5
        }
        return pl.DataFrame(columns)

    def _learned_of(self, series: Series) -> np.ndarray:
        """(N,) the step of the grid up to which each series was learned from; its first where it was not."""
        ends = dict(zip(self.last.names, self.learned.tolist(), strict=True))
        return np.array(
            [ends.get(name, first) for name, first in zip(series.names, series.first.tolist(), strict=True)]
        )

    def _check_known(self, series: Series, origins: np.ndarray) -> None:
        """Refuse a forecast for which what is known ahead does not reach far enough."""
        if series.known is None:
            return
        lacking = origins[:, 1] + self.horizon - series.known.lengths[origins[:, 0]]
        if (lacking > 0).any():
            worst = int(np.argmax(lacking))
            raise DataError(
                f"{', '.join(self.config.data_schema.known)} must be known {self.horizon} steps ahead, and of the "
                f"series {series.names[origins[worst, 0]]!r} the last {int(lacking[worst])} of them are not there",
                fix="Add rows for the steps to forecast, with these columns filled and the target empty.",
            )

    def _check_filled(self, series: Series, origins: np.ndarray) -> None:
        """Refuse a forecast for which a number that is to be known ahead is missing; a text may be: it is none then."""
        if series.known is None:
            return
        begin = series.known.starts[origins[:, 0]] + origins[:, 1]
        blank = np.isnan(series.known.values[begin[:, None] + np.arange(self.horizon)]).sum(axis=1)
        if blank.any():
            worst, channel = np.unravel_index(np.argmax(blank), blank.shape)
            schema = self.config.data_schema
            raise DataError(
                f"{schema.channels(schema.known)[channel]} must be known {self.horizon} steps ahead, and of the "
                f"series {series.names[origins[worst, 0]]!r} {blank[worst, channel]} of them have no value",
                fix="Fill the column in for every step to forecast; each needs a row, with the target empty.",
            )

    def _write_encoders(self, folder: Path) -> list[str]:
        steps = self.look_back
        if self.config.width_factors is not None:
            steps += (recent_horizons(len(self.last)) + 1) * self.horizon
        write_bytes(folder / LAST, _series_to_bytes(last_steps(self.last, steps), self.learned))
        return [LAST]


def load_run(folder: Path) -> ForecastRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, ForecastRunConfig)
    check_files(folder, config, {LAST})
    encoder = SeriesEncoder.from_json(config.scaling)
    levels, factors = config.settings.task.levels, config.width_factors
    fits = len(encoder.means) == config.shape.series and config.shape.levels == levels
    if not fits or (factors is not None and len(factors) != len(levels)):
        raise RunError(
            "the scaling, the levels or their factors do not fit the network",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    make = partial(ForecastNetwork, config.settings.network, config.shape)
    last, learned = _read_series(folder / LAST, config)
    return ForecastRun(
        config=config,
        network=read_network(folder / MODEL, make),
        encoder=encoder,
        last=last,
        learned=learned,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )


def _series_to_bytes(series: Series, learned: np.ndarray) -> bytes:
    arrays: dict[str, np.ndarray] = {
        "first": series.first,
        "learned": learned,
        "static": np.ascontiguousarray(series.static),
    }
    for name in ("targets", "past", "known"):
        packed = getattr(series, name)
        if packed is not None:
            narrow = packed.narrowed()
            arrays |= {
                f"{name}.values": np.ascontiguousarray(narrow.values),
                f"{name}.starts": np.ascontiguousarray(narrow.starts),
                f"{name}.lengths": np.ascontiguousarray(narrow.lengths),
            }
    return to_safetensors(arrays, metadata={"names": json.dumps(series.names)})


def _read_series(path: Path, config: ForecastRunConfig) -> tuple[Series, np.ndarray]:
    """The last steps, and where the training part of each series ends."""
    try:
        with safe_open(path, framework="np") as stream:
            found = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            names = json.loads((stream.metadata() or {})["names"])

        def packed(name: str) -> Packed | None:
            if f"{name}.values" not in found:
                return None
            values, starts, lengths = (found[f"{name}.{part}"] for part in ("values", "starts", "lengths"))
            if len(starts) != len(names) or ((starts < 0) | (starts + lengths > len(values))).any():
                raise ValueError(f"{name} does not fit its values")
            return Packed(values, starts, lengths)

        targets = packed("targets")
        of_series = (found["first"], found["static"], found["learned"])
        if targets is None or any(len(each) != len(names) for each in of_series):
            raise ValueError("the series do not fit their names")
        last = Series(
            names=[str(name) for name in names],
            targets=targets,
            past=packed("past"),
            known=packed("known"),
            static=found["static"],
            first=found["first"],
            parts=None,
            grid=config.data_schema.grid,
        )
        return last, found["learned"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
        raise RunError(
            f"the last steps of the series cannot be read ({error})",
            where=str(path),
            fix="Restore the file, or train the run again.",
        ) from error
