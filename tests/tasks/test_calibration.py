from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as reference

from recurra.errors import InputError
from recurra.tasks.calibration import TemperatureScaling, choose_threshold


def too_sure(n=4000, k=3, temperature=2.5, seed=0):
    """Logits that are `temperature` times as large as those the targets were drawn from."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k))
    truth = (softmax(z, axis=1).cumsum(1) < rng.random((n, 1))).sum(1)
    return z * temperature, truth


def test_temperature_is_found_again_for_classes():
    z, truth = too_sure()
    assert TemperatureScaling.fit(z, truth).temperature == pytest.approx(2.5, rel=0.08)


def test_temperature_is_found_again_for_labels():
    rng = np.random.default_rng(1)
    z = 2 * rng.normal(size=(3000, 4))
    y = rng.random(z.shape) < expit(z)
    scaling = TemperatureScaling.fit(z * 0.4, y, several_labels=True)
    assert scaling.temperature == pytest.approx(0.4, rel=0.08)
    assert scaling.probabilities(z * scaling.temperature) == pytest.approx(expit(z))


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_logit_for_two_classes_is_two_logits(shape):
    z, truth = too_sure(k=2)
    two, one = (
        TemperatureScaling.fit(z, truth),
        TemperatureScaling.fit((z[:, 1] - z[:, 0]).reshape(shape), truth),
    )
    assert one.temperature == pytest.approx(two.temperature, rel=1e-4)
    assert one.probabilities((z[:, 1] - z[:, 0]).reshape(shape)) == pytest.approx(
        two.probabilities(z), abs=1e-5
    )


@pytest.mark.parametrize("several_labels", [False, True])
def test_scaling_is_never_worse_than_none(several_labels):
    rng = np.random.default_rng(2)
    for n in (1, 2, 5, 40):
        for size in (0.0, 0.1, 3.0, 100.0):
            z = size * rng.normal(size=(n, 3))
            y = rng.random((n, 3)) < 0.5 if several_labels else rng.integers(3, size=n)
            scaling = TemperatureScaling.fit(z, y, several_labels=several_labels)
            plain = TemperatureScaling(1.0, several_labels)
            assert scaling.negative_log_likelihood(z, y) <= plain.negative_log_likelihood(z, y)
            assert 1 / 20.01 <= scaling.temperature <= 20.01


def test_scaling_keeps_the_order_of_the_classes():
    z, truth = too_sure()
    assert (TemperatureScaling.fit(z, truth).probabilities(z).argmax(1) == z.argmax(1)).all()


def test_negative_log_likelihood_is_the_log_loss():
    z, truth = too_sure(n=100)
    scaling = TemperatureScaling(1.7)
    expected = reference.log_loss(truth, softmax(z / 1.7, axis=1))
    assert scaling.negative_log_likelihood(z, truth) == pytest.approx(expected)


def test_huge_logits_stay_finite():
    z = np.array([[1e4, -1e4], [1e4, -1e4]])
    assert np.isfinite(TemperatureScaling.fit(z, np.array([0, 1])).probabilities(z)).all()


@pytest.mark.parametrize(
    ("logits", "targets"), [(np.zeros((2, 2)), np.zeros(3, int)), (np.zeros((0, 2)), np.zeros(0, int))]
)
def test_unequal_or_no_examples_are_refused(logits, targets):
    with pytest.raises(InputError, match="logits"):
        TemperatureScaling.fit(logits, targets)


def test_logits_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="finite"):
        TemperatureScaling.fit(np.array([[np.nan, 0.0]]), np.array([0]))


MEASURES = {
    "accuracy": lambda y, said: (y == said).mean(),
    "balanced_accuracy": lambda y, said: (said[y].mean() + (~said[~y]).mean()) / 2,
    "f1": lambda y, said: 2 * (y & said).sum() / (y.sum() + said.sum()),
}


@pytest.mark.parametrize("metric", MEASURES)
@pytest.mark.parametrize("decimals", [1, 6])
def test_no_other_threshold_is_better(metric, decimals):
    rng = np.random.default_rng(3)
    for _ in range(20):
        p = rng.random(30).round(decimals)
        y = rng.random(30) < p**2
        if y.all() or not y.any():
            continue
        chosen = choose_threshold(y, p, metric)
        best = max(MEASURES[metric](y, p >= t) for t in [*(p + 1e-9), *(p - 1e-9)] if 0 < t < 1)
        assert MEASURES[metric](y, p >= chosen) == pytest.approx(best)


@pytest.mark.parametrize(("y", "p", "expected"), [([0, 1], [0.2, 0.8], 0.5), ([0, 1], [0.6, 0.8], 0.7)])
def test_of_equal_thresholds_the_one_nearest_to_a_half(y, p, expected):
    assert choose_threshold(np.array(y, bool), np.array(p)) == pytest.approx(expected)


@pytest.mark.parametrize("y", [np.zeros(4, bool), np.ones(4, bool)])
def test_one_sided_examples_leave_a_half(y):
    assert choose_threshold(y, np.array([0.1, 0.2, 0.3, 0.4]), "f1") == 0.5


def test_half_does_not_look():
    assert choose_threshold(np.array([False, True]), np.array([0.1, 0.2]), "half") == 0.5


def test_several_labels_get_a_threshold_each():
    rng = np.random.default_rng(4)
    p = rng.random((60, 3))
    y = rng.random((60, 3)) < p * np.array([1, 0.5, 0])
    chosen = choose_threshold(y, p, "f1")
    assert chosen == [choose_threshold(y[:, k], p[:, k], "f1") for k in range(3)]
    assert json.loads(json.dumps(chosen)) == chosen


def test_wrong_calls_are_refused():
    with pytest.raises(InputError, match="one shape"):
        choose_threshold(np.zeros(3, bool), np.zeros(4))
    with pytest.raises(InputError, match="metric"):
        choose_threshold(np.zeros(3, bool), np.zeros(3), "recall")  # type: ignore[arg-type]
