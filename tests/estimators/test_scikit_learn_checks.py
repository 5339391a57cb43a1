"""scikit-learn's own checks of an estimator, all of them."""

from __future__ import annotations

import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from recurra import SequenceClassifier, SequenceRegressor

# What cannot hold for a network over sequences: name of the check -> why.
EXCEPTIONS: dict[str, dict[str, str]] = {"SequenceClassifier": {}, "SequenceRegressor": {}}

SMALL = {
    "num_layers": 1,
    "bidirectional": False,
    "dropout": 0.0,
    "settings": {"training.precision": "float32"},
    "random_state": 0,
}
CLASSIFIER = SequenceClassifier(hidden_size=8, epochs=12, learning_rate=0.02, batch_size=32, **SMALL)
REGRESSOR = SequenceRegressor(hidden_size=32, epochs=25, learning_rate=0.03, batch_size=20, **SMALL)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@parametrize_with_checks(
    [CLASSIFIER, REGRESSOR],
    expected_failed_checks=lambda estimator: EXCEPTIONS[type(estimator).__name__],
)
def test_scikit_learn_check_passes(estimator, check):
    check(estimator)
