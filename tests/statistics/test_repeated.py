"""Scores over seeds and examples, on made-up results whose truth is known."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.repeated import Measure, RepeatedScores, holm, seeds_needed

ACCURACY = Measure("accuracy", lambda sums: sums[..., 0] / sums[..., 1], higher_is_better=True, share=True)
ERROR = Measure("MAE", lambda sums: sums[..., 0] / sums[..., 1], higher_is_better=False)


def with_count(values):
    """(S, N) what is added up, with the ones that count it: (S, N, 2)."""
    return np.stack([values, np.ones_like(values)], axis=2).astype(float)


def answers(rng, seeds, n, easy, *, seed_spread, hardness):
    """(S, N) right or wrong: by the example (the same for all), by the seed, and by both together."""
    z = easy + hardness + seed_spread * rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, n))
    return z > 0


def false_claims(repetitions, *, candidates, seeds, n, seed_spread, hard, seed=0):
    """How many of so many comparisons of equally good candidates claim that one is better; how many intervals hold."""
    rng = np.random.default_rng(seed)
    spread = np.sqrt(1 + hard**2 + seed_spread**2)
    easy = ndtri(0.85) * spread
    claims = held = 0
    for k in range(repetitions):
        hardness = hard * rng.normal(size=n)
        made = [
            with_count(answers(rng, seeds, n, easy, seed_spread=seed_spread, hardness=hardness))
            for _ in range(candidates)
        ]
        scores = RepeatedScores(ACCURACY, made, [True] * candidates, seed=k)
        pairs = [(a, b) for a in range(candidates) for b in range(a)]
        claims += min(holm([scores.difference(a, b).p_value for a, b in pairs])) < 0.05
        held += ndtr(easy / spread) in scores.interval(0)
    return claims, held


def test_false_claims_of_a_winner_are_rare():
    claims, held = false_claims(200, candidates=3, seeds=3, n=100, seed_spread=0.2, hard=1.0)
    assert claims <= binom.ppf(0.999, 200, 0.05)
    assert held >= binom.ppf(0.001, 200, 0.95)


@pytest.mark.full
@pytest.mark.parametrize(
    ("candidates", "seeds", "n", "seed_spread", "hard"),
    [
        (3, 3, 300, 0.0, 2.0),
        (3, 3, 300, 0.3, 1.0),
        (7, 3, 200, 0.2, 1.0),
        (3, 5, 1000, 0.2, 1.0),
        (2, 3, 30, 0.1, 1.0),
        (2, 10, 100, 0.3, 0.5),
    ],
)
def test_false_claims_of_a_winner_are_rare_for_many_kinds_of_results(candidates, seeds, n, seed_spread, hard):
    claims, held = false_claims(
        2000, candidates=candidates, seeds=seeds, n=n, seed_spread=seed_spread, hard=hard, seed=1
    )
    assert claims <= binom.ppf(0.999, 2000, 0.05)
    assert held >= binom.ppf(0.001, 2000, 0.93)


def test_numbers_that_depend_on_their_neighbours_make_no_false_winner():
    rng, claims = np.random.default_rng(2), 0
    for k in range(150):
        blocks = Blocks(np.arange(400), 400, 20)
        made = []
        for _ in range(3):
            noise = np.apply_along_axis(np.convolve, 1, rng.normal(size=(3, 409)), np.ones(10) / 3, "valid")
            made.append(with_count(5 + noise + 0.1 * rng.normal(size=(3, 1))))
        measure = Measure("MAE", ERROR.statistic, higher_is_better=False, blocks=blocks)
        scores = RepeatedScores(measure, made, [True] * 3, seed=k)
        claims += min(holm([scores.difference(a, b).p_value for a in range(3) for b in range(a)])) < 0.05
    assert claims <= binom.ppf(0.999, 150, 0.05)


def test_a_true_difference_is_found_and_its_interval_holds_it():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=2000)
    good, bad = (
        with_count(answers(rng, 4, 2000, easy, seed_spread=0.02, hardness=hard)) for easy in (1.8, 1.4)
    )
    found = RepeatedScores(ACCURACY, [good, bad], [True, True]).difference(0, 1)
    truth = ndtr(1.8 / np.sqrt(2)) - ndtr(1.4 / np.sqrt(2))
    assert found.p_value < 0.01
    assert truth in found.interval
    assert found.seeds_needed <= 4


def test_the_same_examples_make_a_difference_sharper_than_two_intervals():
    rng = np.random.default_rng(1)
    errors = rng.exponential(size=300)
    a, b = (with_count(errors + shift + 0.01 * rng.normal(size=(3, 300))) for shift in (0.0, 0.05))
    scores = RepeatedScores(ERROR, [a, b], [True, True])
    assert scores.difference(0, 1).p_value < 0.01
    assert scores.mean(1) in scores.interval(0)


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_tell_nothing(seeds):
    rng = np.random.default_rng(0)
    good, bad = (with_count(rng.random((seeds, 500)) < share) for share in (0.95, 0.5))
    found = RepeatedScores(ACCURACY, [good, bad], [True, True]).difference(0, 1)
    assert found.p_value == 1
    assert np.isinf(found.interval.low)
    assert found.difference == pytest.approx(0.45, abs=0.06)


def test_a_baseline_has_no_seeds_and_may_lack_examples():
    rng = np.random.default_rng(0)
    network = with_count(rng.exponential(size=(3, 200)))
    baseline = with_count(rng.exponential(size=(1, 200)) + 1)
    baseline[:, 150:] = np.nan
    scores = RepeatedScores(ERROR, [network, baseline], [True, False])
    assert scores.mean(1) == pytest.approx(baseline[0, :150, 0].mean())
    paired = scores.difference(0, 1)
    assert paired.difference == pytest.approx(network[:, :150, 0].mean() - baseline[0, :150, 0].mean())
    assert paired.p_value < 0.001


def test_candidates_that_never_differ_tie():
    right = with_count(np.ones((3, 20)))
    scores = RepeatedScores(ACCURACY, [right, right], [True, True])
    assert scores.difference(0, 1).p_value == 1
    assert scores.interval(0).low < 0.9  # of twenty right ones, not sure


def test_an_interval_of_errors_does_not_reach_below_0():
    errors = np.zeros((2, 35))
    errors[:, :2], errors[0, 2] = 1, 1
    found = RepeatedScores(ERROR, [with_count(errors)], [True]).interval(0)
    assert found.low == 0
    assert found.high > 0.1
    below = Measure("R²", ERROR.statistic, higher_is_better=True, least=-np.inf)
    assert RepeatedScores(below, [with_count(errors)], [True]).interval(0).low < 0


def test_holm_is_as_printed():
    # Holm 1979, stepwise: 4 * .005, 3 * .01, 2 * .03, then the largest so far.
    assert holm([0.03, 0.005, 0.04, 0.01]) == pytest.approx([0.06, 0.02, 0.06, 0.03])
    assert holm([]) == []


def test_seeds_needed_are_as_many_as_find_the_difference():
    alpha, gap, spread = 0.05, 0.03, 0.02**2
    needed = seeds_needed(gap, 2 * spread, 2, (0.0, 1e6), alpha)
    rng, found = np.random.default_rng(0), 0
    for _ in range(400):
        a, b = rng.normal(gap, 0.02, needed), rng.normal(0, 0.02, needed)
        standard_error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / needed)
        found += abs(a.mean() - b.mean()) / standard_error > 2.1  # about t of 2 (needed - 1) degrees
    assert 0.72 < found / 400 < 0.92
    assert seeds_needed(0.001, spread, 2, (0.01, 100.0), alpha) is None
    assert seeds_needed(0.0, spread, 2, (0.0, 100.0), alpha) is None


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="expected columns of one shape"):
        RepeatedScores(ACCURACY, [np.ones((1, 3, 2)), np.ones((1, 4, 2))], [True, True])


def test_examples_of_one_group_are_drawn_together():
    """Two equally good candidates that each have luck with some of eight speakers: rarely told apart."""
    rng, claims, alone = np.random.default_rng(0), 0, 0
    for _ in range(100):
        groups = np.repeat(np.arange(8), 50)
        skill = np.repeat(rng.normal(0.8, 0.08, (2, 1, 8)).clip(0, 1), 50, axis=2)
        right = rng.random((2, 3, 400)) < skill
        columns = [np.stack([each, np.ones((3, 400))], axis=2) for each in right]
        for blocks in (Blocks.of(groups), None):
            measure = Measure("accuracy", lambda s: s[..., 0] / s[..., 1], True, share=True, blocks=blocks)
            told = RepeatedScores(measure, columns, [True, True]).difference(0, 1).p_value < 0.05
            claims, alone = claims + (told and blocks is not None), alone + (told and blocks is None)
    assert claims <= 10 < alone


def test_groups_that_are_all_right_are_no_more_than_so_many():
    columns = np.ones((3, 400, 2))
    found = {}
    for blocks in (Blocks.of(np.repeat(np.arange(4), 100)), None):
        measure = Measure("accuracy", lambda s: s[..., 0] / s[..., 1], True, share=True, blocks=blocks)
        found[blocks is None] = RepeatedScores(measure, [columns], [True]).interval(0).low
    assert found[False] < 0.6 < 0.98 < found[True]
