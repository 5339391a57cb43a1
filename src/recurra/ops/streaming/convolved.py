"""A stage of a stream: dilated causal convolutions in residual blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from .precision import rounded
from .stages import Stage, State


class Taps(NamedTuple):
    """One convolution: weight (C, I, k), bias (C,), and the steps between two of its k taps."""

    weight: Tensor
    bias: Tensor | None
    dilation: int


class Block(NamedTuple):
    """Two convolutions with a rectifier after each, and what the input becomes beside them; None: itself."""

    first: Taps
    second: Taps
    shortcut: Taps | None


@dataclass(frozen=True)
class Convolved:
    """The blocks of a `recurra.layers.TCN`. Its state are the last inputs of each convolution.

    Args:
        name: of the layer: "l0".
        blocks: one after the other.
    """

    name: str
    blocks: tuple[Block, ...]

    @property
    def width(self) -> int:
        """Features that the last block gives."""
        return self.blocks[-1].second.weight.size(0)

    @property
    def weight(self) -> Tensor:
        """One that tells number type and device."""
        return self.blocks[0].first.weight

    def begin(self, rows: int) -> State:
        """Zeros: (B, features * steps) of each convolution."""
        return {
            f"inputs_{self.name}_{block}_{place}": taps.weight.new_zeros(
                rows, taps.weight.size(1) * _reach(taps)
            )
            for block, both in enumerate(self.blocks)
            for place, taps in enumerate(both[:2])
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Features (B, H), and the inputs moved on by one."""
        names, before, after = list(state), iter(state.values()), []
        for block in self.blocks:
            y = x
            for taps in block[:2]:
                window = F.pad(next(before).view(len(x), taps.weight.size(1), _reach(taps)), (0, 1))
                window[..., -1] = y
                after.append(window[..., 1:].flatten(1))
                y = F.conv1d(window, taps.weight, taps.bias, dilation=taps.dilation)[..., 0].relu()
            beside = x
            if block.shortcut is not None:
                beside = F.linear(x, block.shortcut.weight[..., 0], block.shortcut.bias)
            x = (y + beside).relu()
        return x, dict(zip(names, after, strict=True))

    def in_precision(self, precision: str) -> Stage:
        """With every weight rounded."""

        def of(taps: Taps | None) -> Taps | None:
            if taps is None:
                return None
            weight = rounded(taps.weight.flatten(1), precision).dense.view_as(taps.weight)
            return taps._replace(
                weight=weight, bias=None if taps.bias is None else taps.bias.detach().to(weight)
            )

        blocks = tuple(Block(*map(of, block)) for block in self.blocks)  # pyright: ignore[reportArgumentType]
        return replace(self, blocks=blocks)


def _reach(taps: Taps) -> int:
    """Steps before the newest one that are seen."""
    return (taps.weight.size(2) - 1) * taps.dilation
