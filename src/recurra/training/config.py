"""The choices of one training, and how its learning rate moves."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """How a network is trained. Every field can be set from the command line: `--set training.epochs=5`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(default=10, ge=1, description="passes over the training part, at most")
    optimizer: Literal["adamw", "sgd"] = Field(
        default="adamw", description="how weights follow their gradients"
    )
    learning_rate: float = Field(default=2e-3, gt=0, description="the highest learning rate")
    weight_decay: float = Field(
        default=0.01, ge=0, description="weight decay, of AdamW decoupled; biases are spared"
    )
    warmup: float = Field(
        default=0.05, ge=0, lt=1, description="share of all steps in which the learning rate rises"
    )
    schedule: Literal["cosine", "constant", "halving"] = Field(
        default="cosine", description="what the rate does after warm-up"
    )
    hold_epochs: int = Field(
        default=4, ge=1, description="epochs before a halving rate is halved, then in every epoch"
    )
    clip_norm: float = Field(default=1.0, gt=0, description="gradients are scaled down to this norm")
    patience: int = Field(
        default=3, ge=1, description="epochs without anything better in validation before stopping"
    )
    average_after: int | None = Field(
        default=None,
        ge=0,
        description="average the weights over all steps once so many epochs brought no better validation loss",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where the network runs")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="arithmetic of the network; auto: bfloat16 where the machine multiplies in it",
    )
    threads: int | None = Field(default=None, ge=1, description="CPU threads; unset: as torch has it")
    checkpoint_every_s: float = Field(
        default=30.0, gt=0, description="seconds between checkpoints within an epoch"
    )


def learning_rate_at(step: int, total_steps: int, config: TrainingConfig, epoch: int = 0) -> float:
    """Learning rate of optimiser step `step` (from 0): linear warm-up, then half a cosine down to zero.

    (Loshchilov & Hutter, arXiv:1608.03983, without restarts.) Or constant; or halved in every epoch from number
    `hold_epochs` (from 0) on, as plain SGD is used for language models (Zaremba et al., arXiv:1409.2329).

    >>> config = TrainingConfig(learning_rate=1.0, warmup=0.1)
    >>> [round(learning_rate_at(s, 100, config), 3) for s in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    >>> halving = TrainingConfig(learning_rate=1.0, warmup=0, schedule="halving", hold_epochs=4)
    >>> [learning_rate_at(0, 100, halving, epoch) for epoch in (0, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.25]
    """
    warmup_steps = round(config.warmup * total_steps)
    if step < warmup_steps:
        return config.learning_rate * (step + 1) / warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule == "halving":
        return config.learning_rate * 0.5 ** max(0, epoch + 1 - config.hold_epochs)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
