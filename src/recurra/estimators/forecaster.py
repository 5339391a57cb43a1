"""Forecasts of series, from a frame to a frame."""

from __future__ import annotations

import numbers
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from recurra.data.series.collection import Series
from recurra.data.series.definition import SeriesOptions
from recurra.data.series.description import describe_series
from recurra.data.series.inference import infer_series_schema
from recurra.data.series.reading import to_series
from recurra.data.sources import read
from recurra.errors import InputError
from recurra.estimators.base import RunEstimator
from recurra.estimators.record import stored_record
from recurra.runs.budget import parse_duration
from recurra.runs.events import PhaseStarted, Said
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.files import back_test, read_series
from recurra.runs.forecasts.fit import fit
from recurra.runs.forecasts.run import ForecastRun
from recurra.runs.loading import load_as
from recurra.tasks.forecasting.settings import ForecastSettings

if TYPE_CHECKING:
    import polars as pl


class Forecaster(RunEstimator):
    """How one or many series go on, by a recurrent network.

    Frames may be of polars or pandas (dates in the index count as a column), a dict of columns, or what else
    `recurra.data.sources.read` takes, files among it. They may be
        - wide: a row is a time, every target column a series;
        - long: a row is a time of one series, told by the column `id`;
        - rows: a row is a whole series.
    What is not said of the columns is worked out; `notes_` tells what was found. Times that have no row are
    missing values, as empty targets are.

    All steps are learned from but the last tenth, which is held out to stop in time and to fit the width of the
    intervals; nothing is held out to score on, which is what `back_test` on later data is for.

    Args:
        cell: "rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer" or "feedforward". None,
            here and below, is the default for these series.
        horizon: steps to forecast.
        look_back: steps that a forecast is made from.
        hidden_size: units per layer.
        num_layers: recurrent layers on top of each other.
        segment: steps of a series read, and forecast, at once.
        dropout: between layers and before the output.
        levels: shares of the quantiles, rising, 0.5 among them.
        epochs: passes over the training windows, at most.
        learning_rate: peak learning rate of AdamW.
        batch_size: windows in a batch.
        budget: seconds, or a text such as "10m", for the whole of `fit`; None trains for all epochs.
        validation: share of the steps held out, the last ones; 0 for none, None for a tenth and at least a horizon.
        settings: any other setting by its dotted name, such as {"network.normalisation": "standard"}.
        init: a run folder to take the first weights from.
        out: a new folder to write the run to; None writes nothing.
        random_state: seed; the same one gives the same network.
        verbose: print what happens.

    Attributes:
        run_: the trained network with all that belongs to it, see `recurra.runs.forecasts.run.ForecastRun`.
        history_: a dict per epoch: training loss, validation numbers, learning rate and more.
        notes_: what was said of the data and the training, a sentence each.
        seed_: the seed that was used.

    >>> t = np.arange(60)
    >>> frame = {"month": 1960.0 + t, "load": 10 + np.sin(t)}
    >>> model = Forecaster("gru", horizon=3, look_back=6, hidden_size=4, epochs=2, random_state=0)
    >>> model.fit(frame, time="month", target="load").predict().columns
    ['series', 'month', 'forecast', 'q10', 'q90']
    >>> model.predict()["month"].to_list()
    [2020, 2021, 2022]
    """

    _settings: ClassVar[dict[str, str]] = {
        "cell": "network.cell",
        "hidden_size": "network.hidden_size",
        "num_layers": "network.num_layers",
        "segment": "network.segment",
        "dropout": "network.dropout",
        "levels": "task.levels",
        "epochs": "training.epochs",
        "learning_rate": "training.learning_rate",
        "batch_size": "windows.batch_size",
    }
    _form = ForecastSettings
    run_: ForecastRun

    def __init__(
        self,
        cell: str | None = None,
        *,
        horizon: int,
        look_back: int | None = None,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        segment: int | None = None,
        dropout: float | None = None,
        levels: tuple[float, ...] | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        budget: float | str | None = None,
        validation: float | None = None,
        settings: dict[str, Any] | None = None,
        init: str | Path | None = None,
        out: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ):
        self.cell = cell
        self.horizon = horizon
        self.look_back = look_back
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.segment = segment
        self.dropout = dropout
        self.levels = levels
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.budget = budget
        self.validation = validation
        self.settings = settings
        self.init = init
        self.out = out
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        frame: Any,
        time: str | None = None,
        target: str | list[str] | None = None,
        id: str | None = None,
        known: list[str] | None = None,
        past: list[str] | None = None,
        static: list[str] | None = None,
        *,
        frequency: str | None = None,
        season: int | None = None,
        ignore: list[str] | None = None,
    ) -> Self:
        """Train on the series of `frame`.

        Args:
            time: the column of times.
            target: the column to forecast, or several.
            id: the column that says which series a row belongs to.
            known: columns known ahead of time, such as prices and holidays; `predict` needs them for the horizon.
            past: columns known only up to now.
            static: columns that say one thing of a whole series.
            frequency: how often steps are, such as "1h".
            season: steps of a season.
            ignore: columns not to use.

        Raises:
            DataError, InputError: the frame, a column or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        started = monotonic()
        options = self._options()
        out = self._place()
        notes: list[str] = []
        roles = SeriesOptions(
            time=time,
            target=target,
            id=id,
            known=_listed(known),
            past=_listed(past),
            static=_listed(static),
            frequency=frequency,
            season=season,
            ignore=_listed(ignore) or [],
        )
        self._tell(PhaseStarted("Reading the data"), notes)
        table = read(frame)
        schema = infer_series_schema(table, roles)
        series, report = to_series(table, schema)
        for line in describe_series(schema, series, report, table):
            self._tell(Said(line), notes)
        run = fit(
            series,
            schema,
            options.model_copy(update={"data": roles}),
            tested_from=series.lengths,
            sources=[str(frame)] if isinstance(frame, str | Path) else [],
            out=out,
            started=started,
            observer=lambda event: self._tell(event, notes),
        )
        self._take(run)
        self.notes_ = notes
        self._pandas = _of_pandas(frame)
        self._record_beside_run()
        return self

    def predict(self, frame: Any = None) -> pl.DataFrame | Any:
        """How each series goes on after its last target: a row for each step of each.

        Args:
            frame: series to go on from, with the columns of `fit`; None goes on from those of `fit`. Rows behind
                the last target, whose targets are empty, give what is known ahead.

        Returns:
            A frame of polars, of pandas where `frame` (or that of `fit`) is one: series, time, forecast, and a
            column for each other quantile, such as q10 and q90.

        Raises:
            DataError: a column is not there, a series is too short, or what is known ahead does not reach.
        """
        check_is_fitted(self, "run_")
        series = None if frame is None else self._series(frame)
        table = self.run_.table(self.run_.last if series is None else series, self.run_.ahead(series))
        return self._like(table, frame)

    def back_test(self, frame: Any) -> pl.DataFrame | Any:
        """Scores of forecasts from every origin of `frame` with a whole look-back before and a horizon after it.

        Steps that `fit` learned from should not be among those to forecast. MASE is scaled by the seasonal naive
        forecast over all of `frame`.

        Returns:
            A frame, as `predict` does: measure, score, and the ends of its 95 % interval, null where they
            cannot be told.

        Raises:
            DataError: no series is long enough.
        """
        import polars as pl

        check_is_fitted(self, "run_")
        test, forecasts = back_test(self.run_, self._series(frame))
        rows = []
        for score in test.scores(forecasts):
            known = [score.value, score.interval.low, score.interval.high]
            rows.append([score.name, *(float(x) if np.isfinite(x) else None for x in known)])
        names = {"measure": pl.String, "score": pl.Float64, "low": pl.Float64, "high": pl.Float64}
        return self._like(pl.DataFrame(rows, schema=names, orient="row"), frame)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A fitted forecaster from a run folder, whoever made it. Nothing in the folder is executed.

        Raises:
            RunError: no run folder, an altered one, or one that forecasts nothing.
        """
        run = load_as(path, ForecastRun)
        record = stored_record(Path(path), cls._name(), cls._get_param_names())
        options = run.config.options
        given = {
            "horizon": options.horizon,
            "look_back": options.look_back,
            "settings": options.settings,
            "random_state": options.seed,
            "validation": options.validation,
            "budget": options.budget_s,
            "init": options.init,
        }
        estimator = cls(**(given | ({} if record is None else record.params)))
        estimator._take(run)
        estimator.notes_ = []
        estimator._pandas = False
        return estimator

    def _options(self) -> ForecastFitOptions:
        for name in ("horizon", "look_back"):
            value = getattr(self, name)
            if value is None and name == "look_back":
                continue
            if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
                raise InputError(f"expected a whole number of steps, 1 or more, found {value!r}", where=name)
        return ForecastFitOptions(
            horizon=int(self.horizon),
            look_back=None if self.look_back is None else int(self.look_back),
            settings=self._overrides({}),
            seed=self._seed(),
            validation=self.validation,
            budget_s=None if self.budget is None else parse_duration(self.budget),
            baselines=False,
            init=None if self.init is None else str(self.init),
        )

    def _series(self, frame: Any) -> Series:
        return read_series(frame, self.run_.config.data_schema)

    def _like(self, table: pl.DataFrame, frame: Any) -> Any:
        """The table as the frames that came in are."""
        if not (self._pandas if frame is None else _of_pandas(frame)):
            return table
        import pandas as pd
        import polars as pl

        dates = [name for name, dtype in table.schema.items() if dtype == pl.Date]
        table = table.with_columns(pl.col(dates).cast(pl.Datetime("us")))
        return pd.DataFrame({name: table[name].to_list() for name in table.columns})


def _listed(columns: str | list[str] | None) -> list[str] | None:
    """Names of columns, of which a single one may be given without a list."""
    return [columns] if isinstance(columns, str) else columns


def _of_pandas(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] == "pandas"
