"""Look-back and horizon at every origin, cut when they are needed: no window is ever stored."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Self

import numpy as np
import torch

from recurra.data.batches import Batch
from recurra.data.packed import Packed
from recurra.data.series.encoding import EncodedSeries
from recurra.errors import InputError

_EVALUATION_FACTOR = 4  # without gradients and optimiser, batches may be larger


class WindowBatches:
    """Windows of `look_back` steps before an origin and `horizon` steps from it on.

    A batch's inputs are: past (B, L, C) float32, the scaled target first; future (B, H, K), what is known ahead;
    identity (B,) int64, the number of the series; static (B, S). Its target is (B, H), NaN where missing.

    Args:
        series: N encoded series.
        origins: (W, 2) int64, the series and the step of it that the horizon begins with.
        look_back: L.
        horizon: H.
        batch_size: B.
        most: windows in an epoch at most; of more, an epoch takes some at random.
        seed: decides, with the epoch's number, the order.

    Raises:
        InputError: no windows, or one that begins before its series or has its origin behind the end of it.
    """

    def __init__(
        self,
        series: EncodedSeries,
        origins: np.ndarray,
        *,
        look_back: int,
        horizon: int,
        batch_size: int,
        most: int | None = None,
        seed: int = 0,
    ):
        if not len(origins):
            raise InputError("expected windows to make batches of, found none", where="origins")
        n, origin = origins.T
        outside = (origin < look_back) | (origin > series.targets.lengths[n])
        if outside.any():
            found = origins[np.argmax(outside)]
            raise InputError(
                f"expected origins from step {look_back} to the end of their series, "
                f"{series.targets.lengths[found[0]]}, found {found[1]} of series {found[0]}",
                where="origins",
            )
        self._series, self.origins = series, origins
        self.look_back, self.horizon = look_back, horizon
        self._batch_size, self._seed = batch_size, seed
        self._count = len(origins) if most is None else min(most, len(origins))

    def __len__(self) -> int:
        """Batches in every epoch."""
        return math.ceil(self._count / self._batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch `start` on."""
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self.origins))[: self._count]
        for places in np.array_split(order, len(self))[start:]:
            yield self._batch(places)

    def reseeded(self, seed: int) -> Self:
        """The same windows in the order of another seed; nothing is copied."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def part(self, share: float) -> Self:
        """Such a share of the windows, at least one, drawn once for all seeds, and of those that an epoch takes."""
        other = copy.copy(self)
        count = max(1, round(share * len(self.origins)))
        places = np.random.default_rng(0).choice(len(self.origins), count, replace=False)
        other.origins = self.origins[np.sort(places)]
        other._count = min(count, max(1, round(share * self._count)))
        return other

    def evaluation(self) -> Iterator[Batch]:
        """Every window once, in order."""
        size = _EVALUATION_FACTOR * self._batch_size
        for first in range(0, len(self.origins), size):
            yield self._batch(np.arange(first, min(first + size, len(self.origins))))

    def truth(self) -> np.ndarray:
        """(W, H) what is to be forecast, on the scale of training; NaN where missing."""
        series, origin = self.origins.T
        return _steps(self._series.truth, series, origin, range(self.horizon))[:, :, 0]

    def past_targets(self, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """(w, L) scaled targets before every so many origins, without NaN; and (w, H) what came, NaN where missing."""
        series, origin = self.origins[::every].T
        past = _steps(self._series.targets, series, origin, range(-self.look_back, 0))
        return past[:, :, 0], _steps(self._series.truth, series, origin, range(self.horizon))[:, :, 0]

    def _batch(self, places: np.ndarray) -> Batch:
        series, origin = self.origins[places].T
        encoded = self._series
        before = range(-self.look_back, 0)
        after = range(self.horizon)
        ahead = [packed for packed in (encoded.known, encoded.calendar) if packed is not None]
        own = [encoded.targets] + ([] if encoded.past is None else [encoded.past])
        past = [_steps(packed, series, origin, before) for packed in own + ahead]
        future = [_steps(packed, series, origin, after) for packed in ahead]
        empty = np.zeros((len(places), self.horizon, 0), dtype=np.float32)
        return Batch(
            inputs=(
                torch.from_numpy(np.concatenate(past, axis=2)),
                torch.from_numpy(np.concatenate([empty, *future], axis=2)),
                torch.from_numpy(encoded.identity[series]),
                torch.from_numpy(encoded.static[series]),
            ),
            target=torch.from_numpy(_steps(encoded.truth, series, origin, after)[:, :, 0]),
            index=places,
            steps=len(places) * (self.look_back + self.horizon),
        )


def _steps(packed: Packed, series: np.ndarray, origin: np.ndarray, steps: range) -> np.ndarray:
    """(B, T, C) values at `steps` from the origin; NaN past the end of a series."""
    place = origin[:, None] + np.array(steps)
    length = packed.lengths[series][:, None]
    found = packed.values[packed.starts[series][:, None] + np.minimum(place, length - 1)]
    beyond = place >= length
    if beyond.any():
        found[beyond] = np.nan
    return found


def origins_between(first: np.ndarray, last: np.ndarray, stride: int = 1) -> np.ndarray:
    """(W, 2) origins of every series from step `first` (N,) to `last` (N,), both among them where they fit.

    >>> origins_between(np.array([3, 5]), np.array([5, 4])).tolist()
    [[0, 3], [0, 4], [0, 5]]
    """
    counts = np.maximum(0, (last - first) // stride + 1)
    series = np.repeat(np.arange(len(first)), counts)
    number = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([series, first[series] + stride * number], axis=1)
