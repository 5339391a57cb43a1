"""Series as a network reads them: every series on its own scale, covariates on a common one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.series.calendar import calendar_features
from recurra.data.series.collection import Series
from recurra.errors import DataError, RunError

_SMALLEST = 1e-12  # a deviation below this share of the mean counts as none
_LARGEST = 700.0  # of a logarithm: its exponential is still a number


@dataclass(frozen=True)
class EncodedSeries:
    """N series ready for windows; float32, without NaN but in `truth`.

    Args:
        targets: (steps, 1 or 2) the scaled target, its last value where it is missing; then 1 where it is.
        truth: (steps, 1) the scaled target, NaN where it is missing.
        past: (steps, P), covariates known up to now and their marks.
        known: (steps + ahead, K1) covariates known ahead and their marks.
        calendar: (steps + ahead, K2).
        static: (N, S).
        identity: (N,) 1 + the number of the series among the learned ones; 0 of one that was not learned.
        means, scales: (N,) of each series' own scale.
        logarithm: whether the scale is that of the logarithm.
    """

    targets: Packed
    truth: Packed
    past: Packed | None
    known: Packed | None
    calendar: Packed | None
    static: np.ndarray
    identity: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    logarithm: bool

    def __len__(self) -> int:
        return len(self.identity)

    @property
    def past_size(self) -> int:
        """Channels of a step of the past: target, mark, covariates, calendar."""
        return self.targets.channels + (0 if self.past is None else self.past.channels) + self.known_size

    @property
    def known_size(self) -> int:
        """Channels of a step of the future."""
        return sum(packed.channels for packed in (self.known, self.calendar) if packed is not None)

    def unscaled(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Values (W, ...) of the series (W,) in their own unit, float64."""
        form = (-1,) + (1,) * (values.ndim - 1)
        values = values * self.scales[series].reshape(form) + self.means[series].reshape(form)
        return np.exp(np.clip(values, -_LARGEST, _LARGEST)) if self.logarithm else values


@dataclass(frozen=True)
class SeriesEncoder:
    """Scaling of series and covariates, learned from the training steps alone.

        y'_t = (y_t - mean_n) / scale_n        or of log y_t, where `logarithm` is

    mean_n and scale_n are mean and standard deviation of the training steps of series n; of a series that
    was not learned, of the steps that `encode` is told to take. A deviation of 0 becomes 1. Under the logarithm a value
    that is not positive counts as the smallest that was learned. What a static column does not say of a series counts
    as its mean.

    Args:
        logarithm: whether series grow in proportion to what they are, see `grows_in_proportion`.
        smallest: the smallest positive value that was learned.
        means, scales: learned series -> mean and scale.
        marked: whether targets were missing in training, so that a mark says where.
        past, known: scaling of the covariates.
        static_means, static_scales: (S,) of what holds for a whole series.
        calendar: what steps say of where in the calendar they are, as `calendar_features` names it. A cycle that
            the training steps do not go through twice is left out: the time of a year that was seen once says
            as much of that year as of the time.
    """

    means: dict[str, float]
    scales: dict[str, float]
    marked: bool
    past: NumberEncoder | None
    known: NumberEncoder | None
    static_means: np.ndarray
    static_scales: np.ndarray
    calendar: tuple[str, ...]
    logarithm: bool
    smallest: float

    @classmethod
    def fit(
        cls,
        series: Series,
        until: np.ndarray,
        *,
        season: int = 1,
        calendar: bool = True,
        logarithm: bool | None = None,
    ) -> Self:
        """Learn from the first `until` (N,) steps of each series.

        Args:
            season: steps of a season.
            logarithm: None decides by the series.

        Raises:
            DataError: an infinite value, or covariates without any value.
        """
        targets = _first(series.targets, until)
        values = targets.narrowed().values
        positive = values[values > 0]
        smallest = float(positive.min()) if len(positive) else 1.0
        if logarithm is None:
            logarithm = grows_in_proportion(targets, season)
        means, scales = _moments(_transformed(targets, logarithm, smallest))
        static_means, static_scales = _static_moments(series.static)
        return cls(
            means=dict(zip(series.names, means.tolist(), strict=True)),
            scales=dict(zip(series.names, scales.tolist(), strict=True)),
            marked=bool(np.isnan(values).any()),
            past=None if series.past is None else NumberEncoder.fit(_first(series.past, until)),
            known=None if series.known is None else NumberEncoder.fit(_first(series.known, until)),
            static_means=static_means,
            static_scales=static_scales,
            calendar=_cycles(series, until) if calendar else (),
            logarithm=logarithm,
            smallest=smallest,
        )

    def encode(self, series: Series, ahead: int = 0, *, until: np.ndarray | None = None) -> EncodedSeries:
        """Scaled series.

        Args:
            ahead: steps of the calendar after the last target.
            until: (N,) steps of each series that the scale of one that was not learned is taken from: those
                before the first origin, that no forecast knows of what comes after it. None: all.

        Raises:
            DataError: other covariates than in training.
        """
        for name, packed, encoder in (
            ("past", series.past, self.past),
            ("known", series.known, self.known),
        ):
            if (packed is None) != (encoder is None):
                raise DataError(
                    f"the columns of covariates ({name}) are not those of training",
                    fix="Give the same --known and --past.",
                )
        targets = _transformed(series.targets, self.logarithm, self.smallest)
        given, deviations = _moments(targets if until is None else _first(targets, until))
        means = np.array([self.means.get(name, given[n]) for n, name in enumerate(series.names)])
        scales = np.array([self.scales.get(name, deviations[n]) for n, name in enumerate(series.names)])
        number = {name: n + 1 for n, name in enumerate(self.means)}
        truth = _scaled(targets, means, scales)
        calendar = None
        if self.calendar and len(series):
            first, last = series.first, series.first + series.lengths + ahead
            values, names = calendar_features(series.grid, np.arange(first.min(), last.max()))
            used = [names.index(name) for name in self.calendar]
            calendar = Packed(values[:, used], first - first.min(), last - first)
        return EncodedSeries(
            targets=self._filled(truth),
            truth=truth,
            past=None if series.past is None or self.past is None else self.past.encode(series.past),
            known=None if series.known is None or self.known is None else self.known.encode(series.known),
            calendar=calendar,
            static=np.nan_to_num((series.static - self.static_means) / self.static_scales).astype(np.float32),
            identity=np.array([number.get(name, 0) for name in series.names], dtype=np.int64),
            means=means,
            scales=scales,
            logarithm=self.logarithm,
        )

    def _filled(self, truth: Packed) -> Packed:
        """Every series begins with a target that is there, so none is filled from the one before it."""
        missing = np.isnan(truth.values[:, 0])
        last = np.maximum.accumulate(np.where(missing, 0, np.arange(len(missing))))
        channels = [truth.values[last, 0]] + ([missing.astype(np.float32)] if self.marked else [])
        return Packed(np.stack(channels, axis=1), truth.starts, truth.lengths)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, exact."""
        return {
            "means": self.means,
            "scales": self.scales,
            "marked": self.marked,
            "past": None if self.past is None else self.past.to_json(),
            "known": None if self.known is None else self.known.to_json(),
            "static_means": self.static_means.tolist(),
            "static_scales": self.static_scales.tolist(),
            "calendar": list(self.calendar),
            "logarithm": self.logarithm,
            "smallest": self.smallest,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            RunError: other keys, other types, or numbers that cannot be.
        """
        try:
            means, scales = stored["means"], stored["scales"]
            static = np.array([stored["static_means"], stored["static_scales"]], dtype=np.float64)
            numbers = np.array([*means.values(), *scales.values(), *static.ravel()], dtype=np.float64)
            positive = np.array([*scales.values(), *static[1]], dtype=np.float64)
            smallest = float(stored["smallest"])
            sound = np.isfinite([*numbers, smallest]).all() and (np.array([*positive, smallest]) > 0).all()
            if list(means) != list(scales) or not sound:
                raise ValueError("means or scales that cannot be")
            return cls(
                means={str(name): float(value) for name, value in means.items()},
                scales={str(name): float(value) for name, value in scales.items()},
                marked=bool(stored["marked"]),
                past=None if stored["past"] is None else NumberEncoder.from_json(stored["past"]),
                known=None if stored["known"] is None else NumberEncoder.from_json(stored["known"]),
                static_means=static[0],
                static_scales=static[1],
                calendar=tuple(str(name) for name in stored["calendar"]),
                logarithm=bool(stored["logarithm"]),
                smallest=smallest,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"the scaling of the series is broken ({error})",
                where="config.json",
                fix="Copy the whole run folder again, or fit again.",
            ) from error


def _cycles(series: Series, until: np.ndarray) -> tuple[str, ...]:
    """Names of the calendar's features whose cycle some series goes through twice in its first `until` steps."""
    if not len(series):
        return ()
    longest = int(np.argmax(until))
    steps = series.first[longest] + np.arange(int(until[longest]))
    values, names = calendar_features(series.grid, steps)
    kept: list[str] = []
    for k in range(0, len(names), 2):  # sine and cosine
        phase = np.unwrap(np.arctan2(values[:, k], values[:, k + 1]))
        if len(phase) and phase[-1] - phase[0] >= 2 * 2 * np.pi * (1 - 1 / max(2, len(phase))):
            kept += names[k : k + 2]
    return tuple(kept)


def grows_in_proportion(targets: Packed, season: int) -> bool:
    """Whether the series vary in proportion to their level, so that their logarithms vary evenly.

    Of the stretches of one season (8 steps at least) of a series, the coefficient of variation of s_b / m_b is
    compared with that of s_b, standard deviation and mean of stretch b; the smaller in most series decides:
    Guerrero's choice (Journal of Forecasting 12, 1993) between a logarithm and none. A value that is not
    positive anywhere says no.

    >>> t = np.arange(120.0)
    >>> growing, even = np.exp(0.03 * t) * (2 + np.sin(t / 2)), 50 + t + np.sin(t / 2)
    >>> [grows_in_proportion(Packed.from_list([y[:, None]]), 12) for y in (growing, even, -growing)]
    [True, False, False]
    """
    values = targets.narrowed().values
    if not len(values) or np.nanmin(values) <= 0:
        return False
    width, votes = max(season, 8), []
    for n in range(len(targets)):
        y = targets[n][:, 0]
        count = len(y) // width
        if count < 3:
            continue
        stretches = y[len(y) - count * width :].reshape(count, width)
        stretches = stretches[~np.isnan(stretches).any(axis=1)]
        spread, level = stretches.std(axis=1), stretches.mean(axis=1)
        if len(stretches) < 3 or not spread.all():
            continue
        relative = spread / level
        votes.append(relative.std() / relative.mean() < spread.std() / spread.mean())
    return bool(votes) and float(np.mean(votes)) > 0.5


def _transformed(targets: Packed, logarithm: bool, smallest: float) -> Packed:
    if not logarithm:
        return targets
    # Missing values stay missing, for no comparison with NaN holds.
    positive = np.where(targets.values <= 0, smallest, targets.values)
    return Packed(np.log(positive), targets.starts, targets.lengths)


def _scaled(targets: Packed, means: np.ndarray, scales: np.ndarray) -> Packed:
    values, _ = targets.flat()
    owner = np.repeat(np.arange(len(targets)), targets.lengths)
    scaled = (values[:, 0] - means[owner]) / scales[owner]
    return Packed.end_to_end(scaled.astype(np.float32)[:, None], targets.lengths)


def _first(packed: Packed, until: np.ndarray) -> Packed:
    return Packed(packed.values, packed.starts, np.minimum(packed.lengths, until))


def _static_moments(static: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S,) mean and standard deviation of what is there of (N, S); 0 and 1 of a column that says nothing."""
    there = ~np.isnan(static)
    count = np.maximum(there.sum(axis=0), 1)
    means = np.where(there, static, 0.0).sum(axis=0) / count
    deviations = np.sqrt(np.where(there, (static - means) ** 2, 0.0).sum(axis=0) / count)
    return means, np.where(deviations > 0, deviations, 1.0)


def _moments(targets: Packed) -> tuple[np.ndarray, np.ndarray]:
    """(N,) mean, and (N,) standard deviation, 1 where there is none, of the values that are there."""
    values, offsets = targets.flat()
    owner = np.repeat(np.arange(len(targets)), np.diff(offsets))
    there = ~np.isnan(values[:, 0])
    owner, found = owner[there], values[there, 0].astype(np.float64)
    count = np.maximum(np.bincount(owner, minlength=len(targets)), 1)
    means = np.bincount(owner, weights=found, minlength=len(targets)) / count
    squares = np.bincount(owner, weights=(found - means[owner]) ** 2, minlength=len(targets))
    deviations = np.sqrt(squares / count)
    return means, np.where(deviations > _SMALLEST * np.maximum(np.abs(means), _SMALLEST), deviations, 1.0)
