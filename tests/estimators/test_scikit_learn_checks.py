"""scikit-learn's own checks of an estimator: all of them pass, there is no list of exceptions."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from recurra import SequenceClassifier, SequenceRegressor

SMALL = {"hidden_size": 8, "num_layers": 1, "bidirectional": False, "dropout": 0.0, "random_state": 0}
FLOAT32 = {"training.precision": "float32"}
CLASSIFIER = SequenceClassifier(epochs=8, learning_rate=0.03, batch_size=32, settings=FLOAT32, **SMALL)
REGRESSOR = SequenceRegressor(
    epochs=12,
    learning_rate=0.05,
    batch_size=20,
    settings=FLOAT32 | {"network.segment": 5, "network.convolutions": ()},
    **SMALL,
)


@parametrize_with_checks([CLASSIFIER, REGRESSOR])
def test_scikit_learn_check_passes(estimator, check):
    check(estimator)
