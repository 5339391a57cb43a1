"""All choices of one training with a target at every step, and their defaults."""

from __future__ import annotations

import numpy as np

from recurra.networks.step_network import StepNetworkConfig
from recurra.tasks.settings import BatchConfig, RoomsOfSettings, TaskConfig
from recurra.training.config import TrainingConfig

_STEPS = 12_800  # in a batch


class TagSettings(RoomsOfSettings):
    """Every choice that a person can make about such a training."""

    task: TaskConfig = TaskConfig()
    batches: BatchConfig = BatchConfig()
    network: StepNetworkConfig = StepNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_tag_settings(lengths: np.ndarray) -> TagSettings:
    """Settings for training sequences of `lengths` (N,) steps.

    Every step is an example, so that few sequences already are many; small sets are read often in small batches, about
    a thousand of them, as those with one target for each sequence are.

    >>> default_tag_settings(np.full(230, 60)).batches.max_batch
    16
    """
    count, typical = len(lengths), float(np.median(lengths)) if len(lengths) else 1.0
    batch = int(np.clip(count // 20, 16, 64))
    batches = max(1.0, count / batch, count * typical / _STEPS)
    epochs = int(np.clip(round(1000 / batches), 20, 100))
    return TagSettings(
        batches=BatchConfig(tokens_per_batch=_STEPS, max_batch=batch),
        network=StepNetworkConfig(hidden_size=128, input_dropout=0.0, dropout=0.2),
        training=TrainingConfig(epochs=epochs, patience=max(5, epochs // 5)),
    )
