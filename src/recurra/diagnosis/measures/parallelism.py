"""Time against length and batch: where the loop over steps is the limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from recurra.diagnosis.subject import Subject, copy_of, recurrent_layers

STEPS, BATCHES = (16, 64, 256), (1, 8, 64)
_TRIES, _LONGEST_S = 3, 0.5


@dataclass(frozen=True)
class Timing:
    """A training step (forward and backward) of the layers, on random numbers.

    Args:
        steps, batch: T and B.
        seconds: the best of three.
    """

    steps: int
    batch: int
    seconds: float


@dataclass(frozen=True)
class Parallelism:
    """The timings of the first recurrent module of a network.

    Args:
        backend: what ran it: "native", "fused" or "reference".
        threads: of the CPU.
        timings: those that take no more than about half a second each.
    """

    backend: str
    threads: int
    timings: list[Timing]

    def at(self, steps: int, batch: int) -> Timing | None:
        """The timing of that size, where it was taken."""
        return next((t for t in self.timings if (t.steps, t.batch) == (steps, batch)), None)


def parallelism(subject: Subject) -> Parallelism:
    """Measure it on this machine's CPU, with as many threads as torch has."""
    layer = next(iter(recurrent_layers(copy_of(subject.network)).values())).train()
    layer = layer.float()
    timings: list[Timing] = []
    for steps in STEPS:
        for batch in BATCHES:
            near = [t.seconds * steps * batch / (t.steps * t.batch) for t in timings if t.batch >= 8]
            if near and near[-1] > _LONGEST_S:
                continue
            x = torch.randn((batch, steps) if layer.batch_first else (steps, batch)).unsqueeze(-1)
            x = x.expand(-1, -1, layer.input_size).contiguous()
            timings.append(Timing(steps, batch, _best(lambda x=x: layer(x)[0].sum().backward())))
    return Parallelism(layer.backend, torch.get_num_threads(), timings)


def _best(work: Callable[[], object]) -> float:
    work()  # the first pays for warming up
    found = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
        if sum(found) > _LONGEST_S:
            break
    return min(found)
