"""An image, or a vector, in, words out: a convolutional encoder, and a decoder that looks at its regions."""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from recurra.errors import InputError
from recurra.layers.attention import Memory
from recurra.layers.images import ImageEncoder
from recurra.networks.decoder import Decoder, DecoderConfig, DecoderOutput, DecoderState
from recurra.networks.encoders import RECURRENT
from recurra.ops.streaming.stages import Stage

_WORDS = 8  # that a caption is taken to have before anything is learned


class CaptionNetworkConfig(DecoderConfig):
    """What a person may choose. Every field can be set on the command line: `--set network.hidden_size=400`."""

    hidden_size: int = Field(default=256, ge=1, description="units per layer of what writes")
    embedding_size: int = Field(default=128, ge=1, description="numbers per token")
    attention: Literal["multiplicative", "additive", "none"] = Field(
        default="additive", description=DecoderConfig.model_fields["attention"].description
    )
    image_channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(32, 64, 128),
        min_length=1,
        description="features after each convolution of an image, which halves its sides; what is left is looked at",
    )
    vector_size: int = Field(default=256, ge=1, description="numbers that become of a vector (vectors only)")

    @model_validator(mode="after")
    def _writes(self) -> Self:
        if self.cell not in RECURRENT:
            raise ValueError(f"a caption is written by a recurrent cell, and {self.cell_name} is none")
        return self

    def without_dropout(self) -> CaptionNetworkConfig:
        """The same network with nothing hidden in training."""
        return self.model_copy(update={"input_dropout": 0.0, "dropout": 0.0, "output_dropout": 0.0})


class CaptionShape(BaseModel):
    """What the data imposes.

    Args:
        input_size: numbers of an image or a vector.
        image: height, width and colours; None of a vector.
        output_size: V, tokens that are foretold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: Literal["captions"] = "captions"
    input_size: int = Field(ge=1)
    image: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Literal[1, 3]] | None = None
    output_size: int = Field(ge=1)

    @model_validator(mode="after")
    def _image_fits(self) -> Self:
        if self.image is not None and math.prod(self.image) != self.input_size:
            raise ValueError(f"an image of {self.image} has not {self.input_size} numbers")
        return self


class CaptionOutput(NamedTuple):
    """What the network gives for B inputs and what was said of them so far.

    Args:
        written: what the decoder gives.
        words: (B, V) logits of whether each token stands anywhere in the caption, from the summary alone.
    """

    written: DecoderOutput
    words: Tensor


class CaptionNetwork(nn.Module):
    """Show, attend and tell (Xu et al., arXiv:1502.03044), with a small convolutional encoder trained along.

        m_1 .. m_S = [features of region s of the encoder's grid; its place];    logits_t = decoder(y_{t-1}, m, summary)

    The place of a region are its height and width from -1 to 1 (Liu et al., arXiv:1807.03247): convolutions see what
    stands somewhere, not where. The summary that the decoder begins from is the mean and the largest value of each
    feature over the regions. Of a vector there is one region, relu(W x + b). Which words a caption has is foretold from
    the summary, too (Fang et al., arXiv:1411.4952): from there what an encoder sees is learned sooner than through the
    looks of a decoder that does not yet know where to look.

    Args:
        config: the choices.
        shape: of the data.
    Shapes:
        inputs (B, I): images row after row, colours side by side, or vectors; read (B, T), the caption's tokens each
        before the one to be foretold -> `CaptionOutput`, its alignment (B, T, S).

    >>> shape = CaptionShape(input_size=8 * 12, image=(8, 12, 1), output_size=7)
    >>> network = CaptionNetwork(CaptionNetworkConfig(cell="gru", hidden_size=4, image_channels=(3, 5)), shape)
    >>> output = network(torch.zeros(2, 96), torch.ones(2, 6, dtype=torch.long))
    >>> output.written.logits.shape, output.written.alignment.shape, output.words.shape, network.grid
    (torch.Size([2, 6, 7]), torch.Size([2, 6, 6]), torch.Size([2, 7]), (2, 3))
    """

    def __init__(self, config: CaptionNetworkConfig, shape: CaptionShape):
        super().__init__()
        self.config, self.shape = config, shape
        if shape.image is None:
            self.reader, self.grid = nn.Linear(shape.input_size, config.vector_size), (1, 1)
            memory, summary = config.vector_size, config.vector_size
        else:
            height, width, colours = shape.image
            self.reader = ImageEncoder(colours, config.image_channels)
            self.grid = self.reader.grid(height), self.reader.grid(width)
            features = config.image_channels[-1]
            memory, summary = features + 2, 2 * features
            self.norm, self.summary_norm = nn.LayerNorm(features), nn.LayerNorm(summary)
        self.decoder = Decoder(config, shape.output_size, memory_size=memory, summary_size=summary)
        self.words = nn.Linear(summary, shape.output_size)
        nn.init.constant_(self.words.bias, -math.log(max(1.0, shape.output_size / _WORDS)))

    def read(self, inputs: Tensor) -> tuple[Memory, DecoderState]:
        """What the decoder looks at, and the state that it begins with, of (B, I)."""
        values, summary = self._seen(inputs)
        return self.decoder.remember(values), self.decoder.begin(summary)

    def _seen(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S, M) regions and (B, N) the summary."""
        if self.shape.image is None:
            vectors = torch.relu(self.reader(inputs))
            return vectors[:, None], vectors
        height, width, colours = self.shape.image
        grid = self.reader(inputs.view(-1, height, width, colours).permute(0, 3, 1, 2))
        regions = self.norm(grid.flatten(2).transpose(1, 2))
        summary = self.summary_norm(torch.cat([regions.mean(1), regions.amax(1)], 1))
        values = torch.cat([regions, self._places(regions)], 2)
        return values, summary

    def forward(self, inputs: Tensor, read: Tensor) -> CaptionOutput:
        values, summary = self._seen(inputs)
        written = self.decoder(read, self.decoder.remember(values), self.decoder.begin(summary))
        return CaptionOutput(written, self.words(summary))

    def _places(self, regions: Tensor) -> Tensor:
        """(B, S, 2) height and width of each region, from -1 to 1."""
        sides = [torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in self.grid]
        places = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).flatten(0, 1)
        return places.to(regions).expand(len(regions), -1, -1)

    def stages(self) -> list[Stage]:
        """None.

        Raises:
            InputError: always; the message says why.
        """
        raise InputError(
            "a caption is written of an image as a whole: there are no steps to be fed",
            fix="Use recurra predict.",
        )
