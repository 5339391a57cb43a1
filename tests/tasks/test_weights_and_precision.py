from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from recurra.data.labels import TargetEncoder
from recurra.errors import InputError
from recurra.tasks import counts_of, make_task
from recurra.tasks.metrics import multilabel_scores
from recurra.tasks.settings import Settings, TaskConfig

CLASSES = np.array(["rare", "common", "common", "common"], dtype=object)


def weighted(class_weight):
    targets = TargetEncoder.fit(CLASSES)
    return make_task(
        targets, TaskConfig(class_weight=class_weight), counts_of(targets, targets.encode(CLASSES))
    )


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 3.0}, {"rare": 300.0, "common": 100.0}])
def test_weighted_loss_is_the_mean_of_its_batches(class_weight):
    task = weighted(class_weight)
    targets = torch.tensor([1, 0, 0, 0])  # classes: common, rare
    logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    each = torch.stack([task.loss(logits[n : n + 1], targets[n : n + 1]) for n in range(4)])
    torch.testing.assert_close(task.loss(logits, targets), each.mean())
    expected = torch.tensor([2.0, 2 / 3, 2 / 3, 2 / 3]) * -logits.log_softmax(1)[range(4), targets]
    torch.testing.assert_close(
        each, expected
    )  # three common ones weigh as much as the rare one, and 4 in all


def test_unknown_class_has_no_weight():
    with pytest.raises(InputError, match="no class 'rar'"):
        weighted({"rar": 2.0})
    with pytest.raises(InputError, match="class_weight"):
        Settings().changed({"task.class_weight": {"rare": 0}})
    labels = TargetEncoder.fit(np.eye(2, dtype=bool))
    with pytest.raises(InputError, match="several labels"):
        make_task(labels, TaskConfig(class_weight={"0": 2.0}), np.eye(2))


def test_weights_can_be_typed():
    settings = Settings().changed({"task.class_weight": '{"rare": 3}'})
    assert settings.task.class_weight == {"rare": 3.0}


@pytest.mark.parametrize("values", [2, 5, 1000])
def test_average_precision_is_that_of_scikit_learn(values):
    rng = np.random.default_rng(values)
    for count in (1, 2, 7, 50):
        y = rng.random((count, 3)) < 0.4
        y[0, 0] = True
        probabilities = rng.integers(values, size=y.shape) / values  # few values, many ties
        there = y.any(0)
        expected = average_precision_score(y[:, there], probabilities[:, there], average="macro")
        scores = {score.name: score.value for score in multilabel_scores(y, probabilities)}
        np.testing.assert_allclose(scores["average precision"], expected, rtol=1e-12)
