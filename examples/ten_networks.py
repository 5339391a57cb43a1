"""Ten networks over sequences of 100 steps and one feature: five designs, each with LSTM and with GRU.

    python examples/ten_networks.py

    50 units                   -> one number      the next value of a noisy sine
    two layers of 50 units     -> one number      the same
    100 units                  -> 10 classes      which of ten frequencies a noisy sine has
    two layers of 100 units    -> yes or no       is there a pulse that goes up before it goes down?
    100 units, dropout 0.5     -> yes or no       is the sum of the first half larger than that of the second?

All data is made here, other for learning than for testing. The table has the loss on the test sequences before
training and after it, and a score: R2 for numbers (0 is always saying the mean, 1 is perfect), accuracy for
classes, beside what guessing gets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra import GRU, LSTM

STEPS = 100


class Network(nn.Module):
    """Sequences (B, 100, 1) to `outputs` numbers each: recurrent layers, the last step, a linear layer."""

    def __init__(self, layer: type[LSTM] | type[GRU], units: int, num_layers: int, dropout: float, outputs: int):
        super().__init__()
        self.recurrent = layer(1, units, num_layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.recurrent(x)
        return self.output(self.dropout(steps[:, -1]))


def next_value(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sines of any phase, 2 to 6 periods in 100 steps, with noise; the value (without noise) that comes next."""
    periods = rng.uniform(2, 6, (count, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    clean = np.sin(2 * np.pi * periods * np.arange(STEPS + 1) / STEPS + phase)
    return clean[:, :-1] + rng.normal(0, 0.1, (count, STEPS)), clean[:, -1]


def which_frequency(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sines of any phase with noise, class k has 2 + 2k periods in 100 steps; the class."""
    classes = rng.integers(0, 10, count)
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    clean = np.sin(2 * np.pi * (2 + 2 * classes[:, None]) * np.arange(STEPS) / STEPS + phase)
    return clean + rng.normal(0, 0.1, (count, STEPS)), classes


def up_before_down(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise with one pulse of ten steps somewhere, up and then down or the other way round; is it the first?"""
    answers = rng.integers(0, 2, count)
    x = rng.normal(0, 0.3, (count, STEPS))
    pulse = np.repeat([1.0, -1.0], 5)
    for row, answer, start in zip(x, answers, rng.integers(0, STEPS - 10, count), strict=True):
        row[start : start + 10] += pulse if answer else -pulse
    return x, answers


def first_half_larger(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise around a level of its own in each half; is the sum of the first half larger?"""
    levels = np.repeat(rng.normal(0, 1, (count, 2)), STEPS // 2, axis=1)
    x = levels + rng.normal(0, 0.5, (count, STEPS))
    return x, (x[:, : STEPS // 2].sum(1) > x[:, STEPS // 2 :].sum(1)).astype(np.int64)


class Design(NamedTuple):
    """One row of the list above."""

    name: str
    units: int
    num_layers: int
    dropout: float
    outputs: int
    make_data: Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]


DESIGNS = (
    Design("50 -> one number", 50, 1, 0.0, 1, next_value),
    Design("2 x 50 -> one number", 50, 2, 0.0, 1, next_value),
    Design("100 -> 10 classes", 100, 1, 0.0, 10, which_frequency),
    Design("2 x 100 -> yes/no", 100, 2, 0.0, 1, up_before_down),
    Design("100, dropout 0.5 -> yes/no", 100, 1, 0.5, 1, first_half_larger),
)


def loss_of(design: Design, outputs: Tensor, targets: Tensor) -> Tensor:
    """Squared error for numbers, cross-entropy for classes, binary cross-entropy for yes or no."""
    if design.make_data is next_value:
        return functional.mse_loss(outputs.squeeze(-1), targets)
    if design.outputs > 1:
        return functional.cross_entropy(outputs, targets)
    return functional.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets.float())
