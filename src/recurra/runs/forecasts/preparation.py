"""From series to windows: parts by time, scaling fitted on the training steps, origins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from recurra.data.packed import Packed
from recurra.data.series.collection import Series
from recurra.data.series.encoding import EncodedSeries, SeriesEncoder
from recurra.data.series.windows import WindowBatches, origins_between
from recurra.errors import DataError, InputError
from recurra.networks.forecast_network import ForecastShape
from recurra.runs.events import Observer, Said, ignore
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.run import ForecastRun
from recurra.tasks.forecasting.settings import (
    ForecastSettings,
    default_forecast_settings,
    default_look_back,
)
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle

_MOST_VALIDATED = 20_000  # windows that every epoch is measured on
# What the weights of a run to start from were learned under.
_OF_SCALING = {"task.logarithm", "task.calendar", "task.levels"}


@dataclass(frozen=True)
class Parts:
    """Where in each series training, validation and test part end: (N,) steps each."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        series: those that are used.
        parts: where their parts end.
        encoded: the series on the network's scale.
        training, validation: batches of windows; None where there is no validation part.
        test_origins: (W, 2) of the windows to be scored on.
        encoder: the scaling.
        look_back, horizon: steps.
    """

    series: Series
    parts: Parts
    encoded: EncodedSeries
    training: WindowBatches
    validation: WindowBatches | None
    test_origins: np.ndarray
    encoder: SeriesEncoder
    settings: ForecastSettings
    shape: ForecastShape
    fingerprint: str


def prepare(
    series: Series,
    season: int,
    options: ForecastFitOptions,
    *,
    tested_from: np.ndarray | None = None,
    init: ForecastRun | None = None,
    observer: Observer = ignore,
) -> Prepared:
    """Split by time, scale, cut windows.

    Args:
        season: steps of a season.
        tested_from: (N,) the step of each series that its test part begins with; None decides by shares.
        init: a run whose scaling and settings are taken over.

    Raises:
        DataError: no series is long enough.
        InputError: the run to start from has other windows, or something is to be set that its weights rest on;
            logarithms are asked for of values that have none.
    """
    horizon = options.horizon
    parts = _parts(series, options, tested_from)
    if init is not None:
        look_back = _look_back_of(init, options)
    else:
        look_back = options.look_back or default_look_back(season, horizon, parts.train - horizon)
    enough = parts.train >= look_back + horizon
    _tell_short(series, parts, enough, look_back, horizon, observer)
    kept = np.flatnonzero(enough)
    if len(kept) < len(series):
        series = series.take(kept)
        parts = Parts(parts.train[kept], parts.validation[kept], parts.test[kept])

    train = origins_between(np.full(len(series), look_back), parts.train - horizon)
    held = origins_between(parts.train, parts.validation - horizon)
    test = origins_between(parts.validation, parts.test - horizon)
    if init is None:
        settings = default_forecast_settings(look_back, horizon, len(train))
    else:
        settings = init.config.settings.changed(MACHINE)
    settings = settings.changed(options.settings)
    settings = settings.model_copy(update={"training": settle(settings.training)})
    if init is None and settings.task.logarithm:
        _check_positive(series, parts.train)
    encoder = (
        init.encoder
        if init is not None
        else SeriesEncoder.fit(
            series,
            parts.train,
            season=season,
            calendar=settings.task.calendar,
            logarithm=settings.task.logarithm,
        )
    )
    if encoder.logarithm:
        why = "as asked" if settings.task.logarithm else "they vary in proportion to their level"
        observer(Said(f"the logarithms of the series are forecast: {why}"))
    encoded = encoder.encode(series, horizon, until=parts.train)
    train = with_truth(train, encoded.truth, horizon)
    held = with_truth(held, encoded.truth, horizon)
    test = with_truth(test, encoded.truth, horizon)
    if not len(train):
        raise DataError(
            f"no window of {look_back} + {horizon} steps holds a value to forecast", fix="Check the target."
        )
    batch = {"look_back": look_back, "horizon": horizon, "batch_size": settings.windows.batch_size}
    validation = None
    if len(held):
        every = -(-len(held) // _MOST_VALIDATED)
        validation = WindowBatches(encoded, held[::every], **batch)
        if len(held) == 1:
            observer(
                Said("the validation part is a single window: weights and intervals rest on it", "warning")
            )
    else:
        observer(Said("without a validation part the last weights are kept"))
    observer(
        Said(
            f"windows of {look_back} + {horizon} steps: {len(train):,} to train on, {len(held):,} to validate, "
            f"{len(test):,} to test"
        )
    )
    return Prepared(
        series=series,
        parts=parts,
        encoded=encoded,
        training=WindowBatches(encoded, train, most=settings.windows.most, seed=options.seed, **batch),
        validation=validation,
        test_origins=test,
        encoder=encoder,
        settings=settings,
        shape=ForecastShape(
            look_back=look_back,
            horizon=horizon,
            past_size=encoded.past_size,
            known_size=encoded.known_size,
            static_size=encoded.static.shape[1],
            series=len(encoder.means),
            season=season if season <= look_back else 1,
            levels=settings.task.levels,
        ),
        fingerprint=_fingerprint(series, parts),
    )


def _check_positive(series: Series, until: np.ndarray) -> None:
    """Refuse the logarithm of values that have none."""
    values = np.concatenate([series.targets[n][: until[n], 0] for n in range(len(series))])
    if count := int((values <= 0).sum()):
        raise InputError(
            f"a logarithm is taken of values above 0, and {count:,} of the {int((~np.isnan(values)).sum()):,} to "
            "train on are not",
            where="--set task.logarithm",
            fix="Leave it out.",
        )


def _look_back_of(init: ForecastRun, options: ForecastFitOptions) -> int:
    before = (init.look_back, init.horizon)
    asked = (options.look_back or init.look_back, options.horizon)
    if before != asked:
        raise InputError(
            f"the run to start from forecasts {before[1]} steps from {before[0]}, asked for are {asked[1]} from "
            f"{asked[0]}",
            where="--init",
            fix=f"Say --horizon {before[1]} --look-back {before[0]}, or start without --init.",
        )
    if own := sorted(options.settings.keys() & _OF_SCALING):
        raise InputError(
            f"{own[0]} cannot be set: it is that of the run to start from",
            where="--init",
            fix="Leave it out.",
        )
    return init.look_back


def _parts(series: Series, options: ForecastFitOptions, tested_from: np.ndarray | None) -> Parts:
    """By the source's own parts, or by shares of each series' steps, the last for the test."""
    lengths, horizon = series.lengths, options.horizon
    if series.parts is not None:
        return _given_parts(series)
    if tested_from is not None:
        before_test = tested_from
    else:
        tested = np.maximum(horizon, np.ceil(options.test_share * lengths).astype(np.int64))
        before_test = np.maximum(0, lengths - tested) if options.test_share else lengths
    share = 0.1 if options.validation is None else options.validation
    held = np.maximum(horizon, np.ceil(share * before_test).astype(np.int64)) if share else 0
    return Parts(np.maximum(0, before_test - held), before_test, lengths)


def _given_parts(series: Series) -> Parts:
    assert series.parts is not None
    ends = []
    for n, name in enumerate(series.names):
        codes = series.parts[n]
        if (np.diff(codes) < 0).any():
            raise DataError(
                f"in the series {name!r} a training step follows one of a later part",
                where="--split",
                fix="Forecasts are tested on what comes after: order the parts train, validation, test.",
            )
        ends.append(np.searchsorted(codes, [0, 1, 2], side="right"))
    train, validation, test = np.array(ends, dtype=np.int64).T
    return Parts(train, validation, test)


def _tell_short(
    series: Series, parts: Parts, enough: np.ndarray, look_back: int, horizon: int, observer: Observer
) -> None:
    """Refuse if no series is long enough; name those that are not."""
    short = [series.names[n] for n in np.flatnonzero(~enough)]
    if not enough.any():
        longest = int(parts.train.max(initial=0))
        raise DataError(
            f"a window has {look_back} + {horizon} steps, and the longest training part "
            f"{longest} of {int(series.lengths.max(initial=0))}",
            fix="Say a shorter --horizon or --look-back, or give longer series.",
        )
    if short:
        shown = ", ".join(short[:5]) + (f" and {len(short) - 5:,} more" if len(short) > 5 else "")
        observer(
            Said(
                f"{len(short):,} series are set aside, too short to train on windows of {look_back} + "
                f"{horizon} steps: {shown}",
                "warning",
            )
        )


def with_truth(origins: np.ndarray, truth: Packed, horizon: int) -> np.ndarray:
    """The origins (W, 2) whose horizon holds at least one value of the truth, values (steps, 1)."""
    there = np.concatenate([[0], np.cumsum(~np.isnan(truth.values[:, 0]))])
    begin = truth.starts[origins[:, 0]] + origins[:, 1]
    return origins[there[begin + horizon] > there[begin]]


def _fingerprint(series: Series, parts: Parts) -> str:
    """A hash of all that training and scoring read: resuming on other data is refused."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join(series.names).encode())
    arrays = [parts.train, parts.validation, parts.test, series.first, series.static]
    for packed in (series.targets, series.past, series.known):
        if packed is not None:
            narrow = packed.narrowed()
            arrays += [narrow.values, narrow.starts, narrow.lengths]
    for array in arrays:
        digest.update(str((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
