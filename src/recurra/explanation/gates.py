"""What the gates did while a network read one input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recurra.diagnosis.measures.gates import collect_gates
from recurra.diagnosis.subject import copy_of, names_of, recurrent_layers
from recurra.explanation.result import GateCourse, Part

# Of each layer the gate that decides between old and new, and what it does where it is near 1.
_DECIDES = {
    "LSTM": ("f", "keeps the old state"),
    "GRU": ("z", "keeps the old state"),
    "MinLSTM": ("f", "keeps the old state"),
    "MinGRU": ("z", "takes the new input"),
}


def gate_courses(
    network: nn.Module, inputs: tuple[Any, ...], parts: Sequence[Part], read_at: np.ndarray
) -> list[GateCourse]:
    """The mean of the deciding gate over the units of each layer and direction, for each part.

    Args:
        inputs: what the network is called with, of one sequence.
        read_at: (T,) the step of the recurrent layers at which each step of the input is read; -1 where it is not.

    Returns:
        None of a layer without such a gate (RNN), of a TCN or a transformer.
    """
    network = copy_of(network)
    calls: dict[str, list[tuple[Tensor | None, dict[str, Tensor]]]] = {}
    for place, layer in recurrent_layers(network).items():
        if type(layer).__name__ in _DECIDES:
            collect_gates(layer, calls.setdefault(place, []))
    if not calls:
        return []
    with torch.no_grad():
        network(*inputs)
    found = []
    for place, called in calls.items():
        gate, does = _DECIDES[type(recurrent_layers(network)[place]).__name__]
        _, gates = max(called, key=lambda call: call[1][gate].size(2))
        for k, name in enumerate(names_of(network)[place]):
            means = gates[gate][k, 0].double().mean(1).numpy()  # (T,)
            found.append(GateCourse(name, gate, does, [_mean(means, read_at, part) for part in parts]))
    return found


def _mean(means: np.ndarray, read_at: np.ndarray, part: Part) -> float | None:
    steps = read_at[part.begin : part.end]
    steps = steps[steps >= 0]
    return float(f"{means[steps].mean():.5g}") if len(steps) else None
