"""A time budget, turned once into a number of steps."""

from __future__ import annotations

import copy
import numbers
import re
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from recurra.data.batches import BatchSource
from recurra.errors import InputError
from recurra.training.config import TrainingConfig
from recurra.training.loop import Objective, make_optimizer, seeded, take_step

SAFETY = 0.9
FORWARD_SHARE = 0.35  # of the time of a training step
_LOOKED_AT, _LOOK_SHARE = 200, 0.01  # batches whose lengths are looked at, and of the time that there is


@dataclass(frozen=True)
class Pace:
    """How long the work takes, as `measure_pace` found.

    Args:
        step_s: of an optimiser step, on average.
        forward_s: of one time step that only goes forward.
        spent_s: the measurement itself.
    """

    step_s: float
    forward_s: float
    spent_s: float

    def epoch_s(self, batches: int, validation_steps: int) -> float:
        """Seconds of an epoch of so many batches, with its validation."""
        return self.step_s * batches + self.forward_s * validation_steps


def steps_within(
    seconds: float,
    network: nn.Module,
    objective: Objective,
    training: BatchSource,
    config: TrainingConfig,
    *,
    seed: int,
    validation_steps: int,
    final_steps: int,
) -> int:
    """How many steps, at most `config.epochs` epochs, fit into `seconds` together with their validations.

    Args:
        validation_steps: steps of all sequences that every epoch is measured on.
        final_steps: steps of all sequences that are measured once at the end.

    Returns:
        Optimiser steps, at least 1.
    """
    pace = measure_pace(network, objective, training, config, seed=seed, seconds=seconds)
    left = seconds * SAFETY - pace.spent_s - pace.forward_s * final_steps
    epochs = min(float(config.epochs), max(0.0, left) / pace.epoch_s(len(training), validation_steps))
    return max(1, int(epochs * len(training)))


def measure_pace(
    network: nn.Module,
    objective: Objective,
    training: BatchSource,
    config: TrainingConfig,
    *,
    seed: int,
    seconds: float,
) -> Pace:
    """Measured on a copy of the network over the first batches of the first epoch.

    The few that are timed may be shorter than most: an optimiser step is taken to be so much longer as the batches of
    the epoch, or the first of them, have more time steps. Neither the network nor torch's random generator is changed.

    Args:
        seconds: that there are in all; about a thirtieth of it is spent here.
    """
    scratch = copy.deepcopy(network)
    optimizer = make_optimizer(scratch, config)
    begun, total, spent, timed, done, state = time.perf_counter(), 0.0, 0.0, 0, 0, None
    sizes: list[int] = []
    enough = False
    with seeded(seed, next(network.parameters()).device):
        for batch in training.epoch(0):
            sizes.append(batch.steps)
            if enough:
                looked = time.perf_counter() - begun - total
                if len(sizes) >= _LOOKED_AT or looked > _LOOK_SHARE * seconds:
                    break
                continue
            started = time.perf_counter()
            *_, state = take_step(
                scratch, objective, optimizer, batch, config, learning_rate=0.0, state=state
            )
            took = time.perf_counter() - started
            if total or len(training) == 1:  # the first step pays for warming up
                spent, timed, done = spent + took, timed + 1, done + batch.steps
            total += took
            enough = timed > 0 and (
                total > 0.1 * seconds or (spent > min(20.0, 0.03 * seconds) and len(sizes) > 3)
            )
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    longer = float(np.mean(sizes)) * timed / done if done else 1.0
    return Pace(
        step_s=longer * spent / max(1, timed),
        forward_s=FORWARD_SHARE * spent / max(1, done),
        spent_s=spent,
    )


_DURATION = re.compile(
    "".join(
        rf"(?:(\d+(?:\.\d+)?)\s*{unit}\s*)?"
        for unit in ("d(?:ays?)?", "h(?:r|rs|ours?)?", "m(?:in|ins|inutes?)?", "(?:s(?:ec|ecs|econds?)?)?")
    ),
    re.IGNORECASE,
)


def parse_duration(given: str | float, where: str = "budget") -> float:
    """Seconds of "90s", "10m", "1h30m", "1.5 hours" or a bare number of seconds.

    Raises:
        InputError: something else, or no time at all; `where` names the argument.

    >>> parse_duration("1h30m"), parse_duration("45"), parse_duration(2.5)
    (5400.0, 45.0, 2.5)
    """
    is_number = isinstance(given, numbers.Real) and not isinstance(given, bool)
    text = f"{float(given):f}" if is_number else given.strip() if isinstance(given, str) else ""
    found = _DURATION.fullmatch(text)
    total = 0.0
    if found is not None:
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        total = 86_400 * days + 3600 * hours + 60 * minutes + seconds
    if total <= 0:
        raise InputError(
            f"expected a time above zero, found {given!r}", where=where, fix="For example 90s, 10m or 1h30m."
        )
    return total
