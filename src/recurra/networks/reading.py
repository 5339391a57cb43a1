"""What networks of sequences share: an input, an encoder over its steps, a head."""

from __future__ import annotations

from torch import nn

from recurra.errors import InputError
from recurra.networks.config import NetworkShape, ReaderConfig
from recurra.networks.encoders import make_encoder
from recurra.networks.inputs import make_input
from recurra.ops.streaming.stages import Affine, Stage


class ReadingNetwork(nn.Module):
    """Input and encoder; what is made of the encoder's steps is for those who inherit.

        e = input(x);  h = encoder(e)

    Args:
        segment: steps of a numeric sequence joined into one for the encoder.
    """

    head: nn.Sequential

    def __init__(self, config: ReaderConfig, shape: NetworkShape, segment: int = 1):
        super().__init__()
        self.config, self.shape = config, shape
        self.input = make_input(config, shape, segment)
        self.encoder = make_encoder(
            config,
            self.input.size,
            steps=self.input.joined(shape.steps),
            bidirectional=config.bidirectional,
            dropout=config.dropout,
            recurrent_dropout=config.recurrent_dropout,
            weight_drop=config.weight_drop,
            zoneout=config.zoneout,
            layer_norm=config.layer_norm,
            chrono=config.chrono_init,
        )

    def _make_head(self, features: int, outputs: int | None = None) -> nn.Sequential:
        """Dropout and ReLU layers, `config.head_sizes` wide, from `features` to the outputs, those of the shape."""
        layers: list[nn.Module] = [nn.Dropout(self.config.dropout)]
        for size in self.config.head_sizes:
            layers += [nn.Linear(features, size), nn.ReLU(), nn.Dropout(self.config.dropout)]
            features = size
        return nn.Sequential(*layers, nn.Linear(features, outputs or self.shape.output_size))

    def _stages(self, *between: Stage) -> list[Stage]:
        """Input, encoder, what stands `between`, and head as stages of a stream.

        Raises:
            InputError: it reads from both ends, or joins steps.
        """
        if self.config.bidirectional:
            raise InputError(
                "a network that reads from both ends cannot run step by step: one half of it begins at the end",
                where="network.bidirectional",
                fix="Train it with --set network.bidirectional=false.",
            )
        linear = [layer for layer in self.head if isinstance(layer, nn.Linear)]
        return [
            *self.input.stages(),
            *self.encoder.stages(),
            *between,
            *(Affine(layer.weight, layer.bias, relu=layer is not linear[-1]) for layer in linear),
        ]
