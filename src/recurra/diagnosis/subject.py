"""What is diagnosed: a network, some examples for it, and what is known of its training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from recurra.errors import InputError
from recurra.layers.base import RecurrentLayer

FEWEST = 0.25  # of the examples must reach back to a lag for it to be shown
REFERENCE = "a constant answer"
FORECAST_REFERENCE = "the last value with the quantiles of its own errors"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network with B examples. Any module that holds layers of `recurra.layers` will do.

    Args:
        network: is copied before anything is hung on it.
        inputs: what the network is called with, the sequences first: (B, T) ids or (B, T, I) numbers.
        place: which of the inputs are the sequences, where they are not the first.
        lengths: (B,) valid steps of the sequences; None where all have T.
        loss: from what the network gives to the mean loss of these examples; where it answers at every step, of
            the answers at the last step, so that a lag is one.
        answer: from what the network gives to (B, F) numbers, the answers at the last step.
        initial: the same network before its training; None where it is not known.
        history: a record of every epoch, as `history.jsonl` holds them.
        settings: dotted names of the training's settings and their values; empty where there are none.
        stopped: why training ended, as `metrics.json` says.
        chances: loss of the best answer that does not look at the input, on the "training" and the "validation" part.
        chance: the same on the examples, all there are.
        data_loss: validation loss on the examples, all there are, where they are not those of the training.
        reference: what that answer is, in words.
        seed: of everything that is drawn.
        notes: what was left out of the examples, in sentences.
    """

    network: nn.Module
    inputs: tuple[Tensor, ...]
    loss: Callable[[Any], Tensor]
    answer: Callable[[Any], Tensor]
    lengths: Tensor | None = None
    place: int = 0
    initial: nn.Module | None = None
    history: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    stopped: str | None = None
    chances: Mapping[str, float] = field(default_factory=dict)
    chance: float | None = None
    data_loss: float | None = None
    reference: str = REFERENCE
    seed: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        layers = recurrent_layers(self.network)
        if not layers:
            raise InputError(
                "there is no recurrent layer of recurra in this network",
                where="network",
                fix="Diagnose a run whose cell is recurrent (--cell lstm, gru, rnn); in a module of yours, use "
                "recurra's layers, which are drop-in for torch.nn's and load their weights.",
            )
        if not self.inputs or self.sequences.dim() < 2 or not self.sequences.numel():
            found = [tuple(each.shape) for each in self.inputs]
            raise InputError(
                f"expected sequences (B, T) or (B, T, I) first, found shapes {found}", where="inputs"
            )

    @property
    def sequences(self) -> Tensor:
        """(B, T) ids or (B, T, I) numbers."""
        return self.inputs[self.place]

    @property
    def valid(self) -> Tensor:
        """(B,) valid steps of each sequence."""
        if self.lengths is not None:
            return self.lengths
        return torch.full((len(self.sequences),), self.sequences.size(1))

    @property
    def cell(self) -> str:
        """What the first recurrent layer is: "RNN", "LSTM" or "GRU"."""
        return type(next(iter(recurrent_layers(self.network).values()))).__name__


def recurrent_layers(network: nn.Module) -> dict[str, RecurrentLayer]:
    """The recurrent layers in `network` by their place in it, in the order in which they were put there.

    >>> from recurra.layers import GRU
    >>> list(recurrent_layers(nn.ModuleDict({"below": GRU(2, 3), "head": nn.Linear(3, 1)})))
    ['below']
    """
    return {name: part for name, part in network.named_modules() if isinstance(part, RecurrentLayer)}


def copy_of(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode that measurements may change: on the CPU, every backend allowed."""
    copied = copy.deepcopy(network).cpu().eval().requires_grad_(True)
    for layer in recurrent_layers(copied).values():
        layer.asked_backend = "auto"
    return copied


def names_of(network: nn.Module) -> dict[str, list[str]]:
    """What the layers of each recurrent module are called for people, forwards before backwards.

    >>> from recurra.layers import GRU
    >>> names_of(nn.Sequential(GRU(2, 3, bidirectional=True), GRU(6, 3)))
    {'0': ['layer 1', 'layer 1 backwards'], '1': ['layer 2']}
    """
    names, number = {}, 0
    for place, layer in recurrent_layers(network).items():
        names[place] = []
        for _ in range(layer.num_layers):
            number += 1
            names[place] += [f"layer {number}", f"layer {number} backwards"][: layer.directions]
    return names
