"""Frames of music in, at every frame the keys of the next one out."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from recurra.networks.config import NetworkShape
from recurra.networks.step_network import StepNetwork, StepNetworkConfig

_FRAMES = 64  # whose keys are gone through at once
_RARE = -3.0  # log-odds of a key that is down in one frame of twenty


class PieceNetworkConfig(StepNetworkConfig):
    """Of a network that foretells the next frame. It never reads ahead: it would only look up what it is asked."""

    output: Literal["chords", "keys"] = Field(
        default="chords",
        description="what is foretold: chords, whose keys depend on each other, or every key by itself",
    )
    chord_size: int = Field(
        default=64, ge=1, description="units that tell a key which lower ones are down (chords only)"
    )
    hidden_size: int = Field(default=192, ge=1, description="units per layer")
    input_dropout: float = Field(
        default=0.3, ge=0, lt=1, description="variational dropout on the keys that the first layer reads"
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="dropout between layers and before the output"
    )

    @model_validator(mode="after")
    def _reads_forwards(self) -> Self:
        if self.bidirectional:
            raise ValueError("a network that foretells the next frame must not read from the end")
        return self


class Chords(NamedTuple):
    """What a network says of frames whose K keys depend on each other.

    From the lowest key to the highest (NADE, Larochelle & Murray 2011, on a recurrent network: RNN-NADE,
    Boulanger-Lewandowski et al., arXiv:1206.6392)

        p(y_k = 1 | y_1 .. y_(k-1)) = s(c_k + V_k u_k),    u_k = s(b + sum over j < k of y_j W_j)

    Args:
        raw: (..., K + U) c and b of each frame.
        inward: (K, U) W.
        outward: (K, U) V.
    """

    raw: Tensor
    inward: Tensor
    outward: Tensor

    def at(self, where: Tensor) -> Chords:
        """Those of some frames: `where` (...) bool."""
        return self._replace(raw=self.raw[where])

    def logits(self, frames: Tensor) -> Tensor:
        """(..., K) log-odds of each key of `frames` (..., K), given those below it in the same frame.

        What the keys read of each other is K times as large as what the network says; it is made for a few frames at a
        time, and stays in the processor's cache.
        """
        c, b = self._split()
        parts = zip(b.flatten(0, -2).split(_FRAMES), frames.flatten(0, -2).split(_FRAMES), strict=True)
        return c + torch.cat([self._read(*part) for part in parts]).view_as(c)

    def _read(self, b: Tensor, frames: Tensor) -> Tensor:
        """(M, K) V_k u_k of M frames."""
        read = frames.unsqueeze(-1) * self.inward
        below = read.cumsum(-2) - read
        return (torch.sigmoid(b.unsqueeze(-2) + below) * self.outward).sum(-1)

    def likeliest(self) -> Tensor:
        """(..., K) bool, each key where it is likelier down than up, given those chosen below it."""
        c, units = self._split()
        said = []
        for key in range(len(self.inward)):
            z = c[..., key] + torch.sigmoid(units) @ self.outward[key]
            said.append(z >= 0)
            units = units + said[-1].unsqueeze(-1) * self.inward[key]
        return torch.stack(said, dim=-1)

    def _split(self) -> tuple[Tensor, Tensor]:
        keys, units = self.inward.shape
        c, b = self.raw.split([keys, units], dim=-1)
        return c, b


class PieceNetwork(StepNetwork):
    """Network that foretells the next frame of K keys.

        h = encoder(x);  z_t = head(dropout(h_t))

    z are the log-odds of every key by itself, or b and c of `Chords`. Few keys are down at a time, so the biases of the
    output begin where all are rare.

    Shapes:
        input (B, T, K), lengths (B,) -> (B, T, K), or `Chords` of (B, T, K + chord_size).

    >>> shape = NetworkShape(input="features", input_size=88, output_size=88)
    >>> network = PieceNetwork(PieceNetworkConfig(hidden_size=4, chord_size=3), shape)
    >>> network(torch.zeros(2, 5, 88), torch.tensor([5, 2])).logits(torch.zeros(2, 5, 88)).shape
    torch.Size([2, 5, 88])
    """

    def __init__(self, config: PieceNetworkConfig, shape: NetworkShape):
        super().__init__(config, shape)
        keys, self.inward, self.outward = shape.output_size, None, None
        if config.output == "chords":
            units = config.chord_size
            self.head = self._make_head(self.encoder.out_features, keys + units)
            spread = 1 / math.sqrt(units)
            self.inward = nn.Parameter(torch.empty(keys, units).uniform_(-spread, spread))
            self.outward = nn.Parameter(torch.empty(keys, units).uniform_(-spread, spread))
        output = self.head[-1]
        assert isinstance(output, nn.Linear)
        with torch.no_grad():
            output.bias[:keys] = _RARE

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor | Chords:  # pyright: ignore
        raw = super().forward(input, lengths)
        if self.inward is None or self.outward is None:
            return raw
        return Chords(raw, self.inward, self.outward)
