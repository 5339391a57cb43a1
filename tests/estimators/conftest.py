from __future__ import annotations

import numpy as np
import pytest
import torch

from recurra import SequenceClassifier, SequenceRegressor

TINY = {
    "cell": "gru",
    "hidden_size": 6,
    "num_layers": 1,
    "bidirectional": False,
    "pooling": ("last",),
    "dropout": 0.0,
    "learning_rate": 0.05,
    "settings": {"training.precision": "float32"},
    "random_state": 0,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """For shared estimators too: the last bits of gradients depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def classifier(**params) -> SequenceClassifier:
    return SequenceClassifier(**{**TINY, "epochs": 15, "batch_size": 10, **params})


def regressor(**params) -> SequenceRegressor:
    return SequenceRegressor(**{**TINY, "epochs": 15, "batch_size": 10, **params})


def rising_and_falling(count: int = 40, steps: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences that rise or fall, and whether they rise: the order of the steps is all there is to learn."""
    rng = np.random.default_rng(seed)
    rises = np.arange(count) % 2 == 1
    X = np.sort(rng.normal(size=(count, steps)), axis=1)
    X[~rises] = X[~rises, ::-1]
    return X, rises
