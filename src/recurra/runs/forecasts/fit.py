"""From series to a run that says how they go on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
import torch
from torch import nn

from recurra.data.batches import BatchSource
from recurra.data.series.collection import Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.windows import WindowBatches
from recurra.errors import RunError
from recurra.networks.forecast_network import ForecastNetwork, last_season, season_share
from recurra.runs.config import circumstances
from recurra.runs.events import Observer
from recurra.runs.fitting import Conduct, Fitting, carry_out
from recurra.runs.forecasts.config import ForecastFitOptions, ForecastRunConfig
from recurra.runs.forecasts.preparation import Prepared, prepare
from recurra.runs.forecasts.run import ForecastRun
from recurra.runs.forecasts.scoring import BackTest, score_run
from recurra.runs.run import Run
from recurra.runs.starting import start_from
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.forecasting.calibration import independent_horizons, width_factors
from recurra.tasks.forecasting.task import ForecastTask
from recurra.training.loop import History, outputs_over, seeded

_MOST_FOR_SHARE = 20_000  # windows


def fit(
    series: Series,
    schema: SeriesSchema,
    options: ForecastFitOptions,
    *,
    tested_from: np.ndarray | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> ForecastRun:
    """Train a network on `series` and back-test it beside its baselines.

    Args:
        tested_from: (N,) the step of each series that the test part begins with; None decides by shares.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(ForecastFitting(series, schema, options, tested_from), sources=sources, **conduct)


class ForecastFitting(Fitting[ForecastRunConfig, ForecastRun]):
    """How a network that forecasts series is made."""

    config_form = ForecastRunConfig
    network_form = ForecastNetwork
    options: ForecastFitOptions

    def __init__(
        self,
        series: Series,
        schema: SeriesSchema,
        options: ForecastFitOptions,
        tested_from: np.ndarray | None,
    ):
        self.series, self.schema, self.options = series, schema, options
        self.tested_from = tested_from
        self.prepared: Prepared
        self.test: BackTest | None = None

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """See `recurra.runs.forecasts.preparation`."""
        if init is not None and not isinstance(init, ForecastRun):
            raise RunError(
                f"the run to start from is {init.purpose}", where="--init", fix="Give one that forecasts."
            )
        prepared = prepare(
            self.series,
            self.schema.season,
            self.options,
            tested_from=self.tested_from,
            init=init,
            observer=observer,
        )
        self.prepared = prepared
        self.settings, self.shape = prepared.settings, prepared.shape
        self.objective = ForecastTask(prepared.settings.task.levels)
        self.training, self.validation = prepared.training, prepared.validation
        self.fingerprint = prepared.fingerprint
        window = prepared.shape.look_back + prepared.shape.horizon
        self.validation_steps = window * (
            0 if prepared.validation is None else len(prepared.validation.origins)
        )
        self.final_steps = window * len(prepared.test_origins)
        if len(prepared.test_origins):
            self.test = BackTest(
                prepared.series,
                prepared.test_origins,
                horizon=prepared.shape.horizon,
                season=self.schema.season,
                learned_until=prepared.parts.validation,
                levels=prepared.settings.task.levels,
                seed=self.options.seed,
            )

    def chance(self, batches: BatchSource) -> float:
        """See `ForecastTask.chance`."""
        assert isinstance(batches, WindowBatches) and isinstance(self.objective, ForecastTask)
        return self.objective.chance(*map(torch.from_numpy, batches.past_targets()))

    def new_config(self, sources: list[str]) -> ForecastRunConfig:
        """Settings, schema and scaling."""
        prepared = self.prepared
        held = 0 if prepared.validation is None else len(prepared.validation.origins)
        return ForecastRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={
                "train": len(prepared.training.origins),
                "validation": held,
                "test": len(prepared.test_origins),
            },
            fingerprint=prepared.fingerprint,
            scaling=prepared.encoder.to_json(),
        )

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> ForecastNetwork:
        """Initialised by the seed, or from another run."""
        with seeded(self.options.seed):
            network = ForecastNetwork(self.settings.network, self.shape)
        if init is not None:
            start_from(network, init, observer)
        elif anew:
            _start_from_naive(network, self.prepared.training)
        return network.to(self.settings.training.device)

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On the same windows as the network will be."""
        if self.test is not None:
            self.test.run_baselines(time_limit_s, observer)

    def score(
        self, config: ForecastRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> ForecastRun:
        """A rolling back-test over the test part."""
        assert isinstance(network, ForecastNetwork)
        run = ForecastRun(
            config=config,
            network=network,
            encoder=self.prepared.encoder,
            last=self.prepared.series,
            learned=self.prepared.series.first + self.prepared.parts.train,
            history=[asdict(record) for record in history.records],
        )
        if self.validation is not None and len(self.settings.task.levels) > 1:
            _calibrate(run, self.prepared)
        run.metrics, forecasts = score_run(run, self.test, observer)
        if self.test is not None and forecasts is not None:
            self.contributions = self.test.contributions(forecasts)
        return run

    def measure(self) -> Measure:
        """MASE, or MAE."""
        assert self.test is not None
        return self.test.measure()

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        assert self.test is not None
        return self.test.of_baselines()


def _start_from_naive(network: ForecastNetwork, training: WindowBatches) -> None:
    """Begin between the last value and the last season, where that is best over the training windows."""
    if network.share is None:
        return
    every = -(-len(training.origins) // _MOST_FOR_SHARE)
    past, truth = training.past_targets(every)
    x = torch.from_numpy(past)
    seasonal = last_season(x, network.shape.season, network.shape.horizon)
    with torch.no_grad():
        network.share.copy_(season_share(x[:, -1:], seasonal, torch.from_numpy(truth)))


def _calibrate(run: ForecastRun, prepared: Prepared) -> None:
    """Make intervals as wide as the validation part says they must be, as far as it can tell."""
    assert prepared.validation is not None
    truth, origins = prepared.validation.truth(), prepared.validation.origins
    quantiles = outputs_over(run.network, prepared.validation, "float32").numpy()
    horizons = independent_horizons(origins, prepared.shape.horizon)
    factors = width_factors(truth, quantiles, prepared.settings.task.levels, horizons)
    run.config = run.config.model_copy(update={"width_factors": factors})
