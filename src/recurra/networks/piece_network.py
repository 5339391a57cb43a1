"""Frames of music in, at every frame the keys of the next one out."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from torch import nn

from recurra.networks.config import NetworkShape
from recurra.networks.step_network import StepNetwork, StepNetworkConfig

_RARE = -3.0  # log-odds of a key that is down in one frame of twenty


class PieceNetworkConfig(StepNetworkConfig):
    """Of a network that foretells the next frame. It never reads ahead: it would only look up what it is asked."""

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


class PieceNetwork(StepNetwork):
    """Network that foretells the next frame, each of its 88 keys by itself.

        h = encoder(x);  z_t = head(dropout(h_t));  p(y_t) = prod_k s(z_tk)^y_tk (1 - s(z_tk))^(1 - y_tk)

    s the logistic function. Few keys are down at a time, so the biases of the output begin where all are rare.
    """

    def __init__(self, config: PieceNetworkConfig, shape: NetworkShape):
        super().__init__(config, shape)
        output = self.head[-1]
        assert isinstance(output, nn.Linear)
        nn.init.constant_(output.bias, _RARE)
