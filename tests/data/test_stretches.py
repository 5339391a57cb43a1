"""Which windows of a stream depend on each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.schema.sequences import stretches
from recurra.tasks.metrics.classes import decision_scores


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 1)), min_size=1, max_size=60
    ),
    st.integers(1, 9),
)
def test_stretches_are_of_a_window_or_more_and_end_where_the_target_changes(found, window):
    starts, side = np.cumsum([gap for gap, _, _ in found]), np.sort([side for _, _, side in found])
    targets = np.array([target for _, target, _ in found], dtype=object)
    numbers = stretches(starts, window, side, targets)
    for place in np.flatnonzero(np.diff(numbers)):
        whole = side[place] != side[place + 1]
        first = np.flatnonzero(numbers == numbers[place])[0]
        assert whole or (targets[place] != targets[place + 1] and starts[place + 1] - starts[first] >= window)
    assert all(len(set(side[numbers == number])) == 1 for number in set(numbers))


def test_intervals_of_windows_hold_the_truth():
    held = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        labels = np.repeat(rng.integers(0, 2, 16), rng.integers(20, 80, 16))
        starts = np.arange(len(labels) - 19)
        truth = labels[starts + 19]
        clusters = stretches(starts, 20, np.zeros(len(starts)), truth.astype(object))
        score = decision_scores(truth, np.zeros(len(starts), dtype=int), 2, groups=clusters, resamples=50)[0]
        held.append(score.interval.low <= 0.5 <= score.interval.high)
    assert np.mean(held) >= 0.9
