"""Numeric sequences scaled for a network: standardised channels, and a mark where a value is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recurra.data.packed import Packed
from recurra.errors import DataError, RunError

_SMALLEST = 1e-300  # a scale below it counts as none
BOUND = 1e6  # standard deviations: no product inside a network overflows float32
_SLICE = 1 << 21  # values scaled at a time


def compact(values: np.ndarray) -> np.ndarray:
    """Numbers as people gave them: float32 where it holds every one of them exactly, else float64, all alike.

    Scaling takes the mean off in float64, so that the choice changes no digit of what a network reads: sensors that
    count or measure in halves, and what was float32 before, take half the memory; of times in seconds since 1970 no
    second is lost. A number that float32 cannot hold at all becomes infinite.

    Args:
        values: floats of any width; they are not copied where they can stay.

    >>> compact(np.array([1.5, np.nan])).dtype, compact(np.array([1.7e9, 1.7e9 + 1])).dtype
    (dtype('float32'), dtype('float64'))
    """
    with np.errstate(over="ignore"):
        short = values.astype(np.float32, copy=False)
    if ((short == values) | np.isnan(short)).all():
        return short
    infinite = np.isinf(short)
    return np.where(infinite, short, values) if infinite.any() else values.astype(np.float64, copy=False)


@dataclass(frozen=True)
class NumberEncoder:
    """Scaling of I channels, learned from the training sequences alone.

        y[t, i] = (x[t, i] - mean_i) / scale_i, bounded to +-10^6;  0 where x[t, i] is missing (NaN)

    mean_i and scale_i are mean and standard deviation over all training steps that hold a value, a step that
    several windows share counted once; a channel with a single value, or none, has scale 1. A missing value is
    not a zero: every channel with a missing value in training gets one more channel, behind the I others and in
    their order, that is 1 where the value is missing and 0 elsewhere. A channel that was never missing in
    training has none; a value missing there later is replaced by the mean alone.

    Args:
        means: (I,) float64.
        scales: (I,) float64, above 0.
        marked: (I,) bool, channels that get a mark.

    >>> encoder = NumberEncoder.fit(Packed.from_list([np.array([[1.0, 5.0], [3.0, np.nan]])]))
    >>> encoder.encode(Packed.from_list([np.array([[2.0, np.nan], [5.0, 6.0]])])).values
    array([[0., 0., 1.],
           [3., 1., 0.]], dtype=float32)
    """

    means: np.ndarray
    scales: np.ndarray
    marked: np.ndarray

    @classmethod
    def fit(cls, sequences: Packed, rows: np.ndarray | None = None, *, keep_flags: bool = False) -> Self:
        """Learn from `sequences`, values (steps, I), which are to be the training sequences and no others.

        Args:
            sequences: any number type.
            rows: (N,) numbers of the records, for messages.
            keep_flags: channels that hold nothing but 0 and 1 stay as they are (mean 0, scale 1): a one that is rare
                would become huge.

        Raises:
            DataError: an infinite value, no value at all, or values that are not (steps, I).
        """
        channels = _channels(sequences)
        sequences = sequences.narrowed()
        finite = _Moments(channels)
        for first, part in _slices(sequences.values):
            _refuse_infinities(part, first, sequences, rows)
            finite.add(part)
        if not finite.count.any():
            raise DataError(
                f"expected numbers to learn the scale of {channels} channels from, found only missing values",
                fix="Check which columns hold the features.",
            )
        means = finite.means()
        squares = np.zeros(channels)
        for _, part in _slices(sequences.values):
            squares += np.nansum(_standard(part, means, finite.spans()) ** 2, axis=0)
        deviations = np.sqrt(squares / np.maximum(finite.count, 1)) * finite.spans()
        scales = np.where(deviations > _SMALLEST, deviations, 1.0)
        if keep_flags:
            kept = np.all(
                [
                    ((part == 0) | (part == 1) | np.isnan(part)).all(0)
                    for _, part in _slices(sequences.values)
                ],
                axis=0,
            )
            means, scales = np.where(kept, 0.0, means), np.where(kept, 1.0, scales)
        return cls(means, scales, finite.count < len(sequences.values))

    @property
    def channels(self) -> int:
        """I, channels that are read."""
        return len(self.means)

    @property
    def size(self) -> int:
        """Channels that are given out: I and the marks."""
        return self.channels + int(self.marked.sum())

    def encode(self, sequences: Packed, rows: np.ndarray | None = None) -> Packed:
        """Scaled sequences, values (steps, size) float32 without NaN.

        Args:
            sequences: values (steps, I).
            rows: (N,) numbers of the records, for messages.

        Raises:
            DataError: another number of channels, or an infinite value.
        """
        if _channels(sequences) != self.channels:
            raise DataError(
                f"expected {self.channels} channels as in training, found {_channels(sequences)}",
                fix="Give the same feature columns in the same order.",
            )
        sequences = sequences.narrowed()
        values = np.empty((len(sequences.values), self.size), dtype=np.float32)
        for first, part in _slices(sequences.values):
            _refuse_infinities(part, first, sequences, rows)
            missing = np.isnan(part)
            scaled = np.clip(_standard(part, self.means, self.scales), -BOUND, BOUND)
            scaled[missing] = 0.0
            last = first + len(part)
            values[first:last, : self.channels] = scaled
            values[first:last, self.channels :] = missing[:, self.marked]
        return Packed(values, sequences.starts, sequences.lengths)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, exact."""
        return {
            "means": self.means.tolist(),
            "scales": self.scales.tolist(),
            "marked": self.marked.tolist(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            RunError: other keys, other types, or numbers that cannot be.
        """
        form = {"means": float, "scales": float, "marked": bool}
        if not isinstance(stored, dict) or set(stored) != set(form):
            raise _broken(f"expected the keys {', '.join(form)}, found {sorted(map(str, stored))}")
        for key, kind in form.items():
            entries = stored[key]
            if not isinstance(entries, list) or not all(type(entry) is kind for entry in entries):
                raise _broken(f"expected {key} to be a list of {kind.__name__}")
        means, scales, marked = (np.array(stored[key], dtype=kind) for key, kind in form.items())
        if not len(means) == len(scales) == len(marked) > 0:
            raise _broken(f"expected lists of one length, found {len(means)}, {len(scales)}, {len(marked)}")
        if not (np.isfinite(means).all() and np.isfinite(scales).all() and (scales > 0).all()):
            raise _broken("expected finite means, and finite scales above 0")
        return cls(means, scales, marked)


class _Moments:
    """What one pass over the steps gives of each channel: count, mean and range of the values there are."""

    def __init__(self, channels: int):
        self.count = np.zeros(channels, dtype=np.int64)
        self.low = np.full(channels, np.inf)
        self.high = np.full(channels, -np.inf)
        self._mean = np.zeros(channels)

    def add(self, part: np.ndarray) -> None:
        """Take in (steps, I); the mean is updated, not a sum kept, so that huge values do not overflow."""
        there = ~np.isnan(part)
        count = there.sum(axis=0)
        self.count += count
        share = 1 / np.maximum(self.count, 1)
        self._mean += np.where(there, part * share - self._mean * share, 0.0).sum(axis=0)
        self.low = np.fmin(self.low, part.min(axis=0, where=there, initial=np.inf))
        self.high = np.fmax(self.high, part.max(axis=0, where=there, initial=-np.inf))

    def means(self) -> np.ndarray:
        """(I,) means, 0 where there is no value; of equal values exactly that value."""
        return np.where(self.count == 0, 0.0, np.clip(self._mean, self.low, self.high))

    def spans(self) -> np.ndarray:
        """(I,) ranges, 1 where there is none: squares are taken of values divided by it."""
        span = self.high / 2 - self.low / 2
        return np.where(np.isfinite(span) & (span > _SMALLEST), span, 1.0)


def _standard(values: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """(values - means) / scales, in halves, so that the difference of huge values does not overflow."""
    with np.errstate(over="ignore"):  # a quotient that does is bounded by the caller
        return (values / 2 - means / 2) / (scales / 2)


def _channels(sequences: Packed) -> int:
    if sequences.values.ndim != 2 or sequences.channels == 0:
        raise DataError(
            f"expected values of shape (steps, channels), found {sequences.values.shape}",
            fix="Give a sequence of one feature the shape (steps, 1).",
        )
    return sequences.channels


def _slices(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    steps = max(1, _SLICE // values.shape[1])
    for first in range(0, len(values), steps):
        yield first, values[first : first + steps].astype(np.float64)


def _refuse_infinities(part: np.ndarray, first: int, sequences: Packed, rows: np.ndarray | None) -> None:
    infinite = np.isinf(part)
    if not infinite.any():
        return
    step, channel = np.argwhere(infinite)[0].tolist()
    begin = sequences.starts
    n = int(np.argmax((begin <= first + step) & (first + step < begin + sequences.lengths)))
    record = f"sequence {n} (counted from 0)" if rows is None else f"row {rows[n]}"
    raise DataError(
        f"expected finite numbers, found {part[step, channel]} in channel {channel} at step "
        f"{first + step - begin[n]}",
        where=record,
        fix="Correct the value, or leave it empty: an empty value counts as missing.",
    )


def _broken(problem: str) -> RunError:
    return RunError(problem, where="scaling of numbers", fix="Copy the whole run folder again, or fit again.")
