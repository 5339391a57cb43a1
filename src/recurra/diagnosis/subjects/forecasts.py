"""Windows of series."""

from __future__ import annotations

from typing import Any

import torch

from recurra.data.series.collection import Series
from recurra.data.series.windows import WindowBatches
from recurra.diagnosis.examples import STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import FORECAST_REFERENCE, Subject
from recurra.errors import DataError
from recurra.networks.forecast_network import ForecastNetwork
from recurra.runs.events import Observer
from recurra.runs.forecasts.files import read_series
from recurra.runs.forecasts.preparation import with_truth
from recurra.runs.forecasts.run import ForecastRun
from recurra.tasks.forecasting.task import ForecastTask


def subject(run: ForecastRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    series = data if isinstance(data, Series) else run.last
    origins = run.every_origin(series)
    if not isinstance(data, Series) and (data is not None or not len(origins)):
        source = source_of(run, data, observer)
        series = read_series(source, run.config.data_schema, encoding=encoding, observer=observer)
        origins = run.every_origin(series)
    if len(origins):
        origins = with_truth(origins, series.targets, run.horizon)
    if len(origins) < 2:
        raise DataError(
            f"a window has {run.look_back} + {run.horizon} steps, and two of them are needed; the longest series "
            f"has {int(series.lengths.max(initial=0))}",
            where="DATA",
            fix="Give longer series.",
        )
    encoded = run.encoder.encode(series, run.horizon)
    every = WindowBatches(
        encoded, origins, look_back=run.look_back, horizon=run.horizon, batch_size=len(origins)
    )
    chosen = drawn(len(origins), run.config.options.seed)
    few = WindowBatches(
        encoded, origins[chosen], look_back=run.look_back, horizon=run.horizon, batch_size=len(chosen)
    )
    batch = next(few.evaluation())
    target = batch.target
    assert target is not None
    task = ForecastTask(run.config.settings.task.levels)
    return of_run(
        run,
        ForecastNetwork,
        inputs=batch.inputs,
        loss=lambda output: task.loss(output, target),
        answer=lambda output: output.flatten(1),
        chance=task.chance(*map(torch.from_numpy, every.past_targets())),
        reference=FORECAST_REFERENCE,
        notes=taken(len(chosen), len(origins), "windows", False, STEPS),
    )
