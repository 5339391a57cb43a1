"""Numeric sequences of unequal length as vectors of one length: summaries, and resampled copies."""

from __future__ import annotations

import numpy as np

from recurra.data.packed import Packed

_BLOCK = 1_000_000  # numbers held at a time in padded form


def summary_features(sequences: Packed) -> np.ndarray:
    """(N, 13 I + 1) what a sequence looks like from afar; NaN where there was nothing to look at.

    Of each feature: mean, standard deviation, minimum, quartiles, maximum, first and last value, slope
    (per step, least squares), mean absolute change from step to step, share of missing steps,
    position of the maximum (0 to 1); and the length. Missing values (NaN) are left out of all of them.

    >>> features = summary_features(Packed.from_list([np.array([[1.0], [2.0], [3.0]])]))
    >>> features[0, :3].round(2), features[0, -1]
    (array([2.  , 0.82, 1.  ]), np.float64(3.0))
    """
    n, width = len(sequences), sequences.channels
    lengths = sequences.lengths
    features = np.empty((n, 13 * width + 1))
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < n:
        # Sorted by length, a block is hardly padded; it ends before it holds too many numbers.
        sizes = lengths[order[start:]] * width * np.arange(1, n - start + 1)
        stop = start + max(1, int(np.searchsorted(sizes, _BLOCK)))
        rows = order[start:stop]
        values, valid_steps = sequences.pad(rows)
        features[rows, :-1] = _summaries(values.astype(np.float64), valid_steps).reshape(len(rows), -1)
        start = stop
    features[:, -1] = lengths
    return features


def _summaries(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(B, T, I) padded values -> (B, 13, I)."""
    b, t, i = values.shape
    if t == 0:
        return np.full((b, 13, i), np.nan)
    inside = (np.arange(t) < lengths[:, None])[:, :, None]
    there = np.isfinite(values) & inside
    count = there.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(there, values, 0.0)
        mean = known.sum(1) / count
        deviation = np.where(there, values - mean[:, None], 0.0)
        std = np.sqrt((deviation**2).sum(1) / count)

        ranked = np.sort(np.where(there, values, np.inf), axis=1)  # what is missing goes last
        places = np.array([0.0, 0.25, 0.5, 0.75, 1.0])[:, None, None] * np.maximum(count - 1, 0)
        below = np.floor(places).astype(np.int64).transpose(1, 0, 2)
        above = np.minimum(below + 1, np.maximum(count - 1, 0)[:, None])
        share = places.transpose(1, 0, 2) - below
        low, high = np.take_along_axis(ranked, below, 1), np.take_along_axis(ranked, above, 1)
        quantiles = np.where(count[:, None] > 0, low + share * np.where(share > 0, high - low, 0.0), np.nan)

        first = np.take_along_axis(values, there.argmax(1)[:, None], 1)
        last = np.take_along_axis(values, (t - 1 - there[:, ::-1].argmax(1))[:, None], 1)
        step = np.where(there, np.arange(t)[:, None], 0.0)
        step = np.where(there, step - (step.sum(1) / count)[:, None], 0.0)
        spread = (step**2).sum(1)
        slope = np.where(spread > 0, (step * deviation).sum(1) / np.where(spread > 0, spread, 1.0), 0.0)
        neighbours = there[:, 1:] & there[:, :-1]
        change = np.abs(np.where(neighbours, np.diff(known, axis=1), 0.0)).sum(1)
        change /= np.maximum(neighbours.sum(1), 1)
        missing = 1 - count / np.maximum(lengths, 1)[:, None]
        peak = np.where(there, values, -np.inf).argmax(1) / np.maximum(lengths - 1, 1)[:, None]
    parts = [mean[:, None], std[:, None], quantiles, first, last]
    parts += [part[:, None] for part in (slope, change, missing, peak)]
    features = np.concatenate(parts, axis=1)
    # Where all is missing only the share of missing steps is known.
    unknown = np.broadcast_to((count == 0)[:, None], features.shape).copy()
    unknown[:, -2] = False
    features[unknown] = np.nan
    return features


def resample(sequences: Packed, points: int, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(N, points * I) float32: every sequence drawn out or pressed together to `points` steps, then scaled.

    Between steps it is linear, over gaps too; a feature that is missing throughout becomes 0, its centre.

    Args:
        sequences: N numeric sequences.
        points: steps afterwards; sequences of that length keep their values.
        centre, scale: (I,) what is taken off each feature and what it is then divided by.

    >>> resample(Packed.from_list([np.array([[0.0], [np.nan], [4.0]])]), 5, np.zeros(1), np.ones(1))
    array([[0., 1., 2., 3., 4.]], dtype=float32)
    """
    n, width = len(sequences), sequences.channels
    drawn = np.zeros((n, points, width), dtype=np.float32)
    used = np.cumsum((sequences.lengths + points) * width) // _BLOCK
    for rows in np.split(np.arange(n), np.flatnonzero(np.diff(used)) + 1):
        block = rows[sequences.lengths[rows] > 0]
        part = sequences.take(block)
        values, offsets = part.flat()
        values = _bridged((values - centre) / scale, offsets)
        begin, last = offsets[:-1, None], part.lengths[:, None] - 1
        place = np.linspace(0, 1, points) * last
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, last)
        share = (place - below)[:, :, None]
        drawn[block] = values[begin + below] * (1 - share) + values[begin + above] * share
    return drawn.reshape(n, points * width)


def _bridged(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Missing values replaced by the straight line between their neighbours within the same sequence."""
    there = np.isfinite(values)
    if there.all():
        return values
    lengths, total = np.diff(offsets), len(values)
    begin, end = np.repeat(offsets[:-1], lengths)[:, None], np.repeat(offsets[1:], lengths)[:, None]
    at = np.arange(total)[:, None]
    before = np.maximum.accumulate(np.where(there, at, -1), axis=0)
    after = np.minimum.accumulate(np.where(there, at, total)[::-1], axis=0)[::-1]
    has_before, has_after = before >= begin, after < end
    before = np.where(has_before, before, after)
    after = np.where(has_after, after, before)
    known = has_before | has_after
    before, after = np.where(known, before, 0), np.where(known, after, 0)
    left, right = np.take_along_axis(values, before, 0), np.take_along_axis(values, after, 0)
    share = (at - before) / np.maximum(after - before, 1)
    return np.where(known, left + share * (right - left), 0.0)
