"""The choices of one network, and the shape that its data gives it."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

CellName = Literal["rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer", "feedforward"]
# As people write them.
CELL_NAMES: dict[str, str] = {
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "mingru": "minGRU",
    "minlstm": "minLSTM",
    "tcn": "TCN",
    "transformer": "transformer",
    "feedforward": "feed-forward",
}
MOST_LAYERS = 1000  # far beyond what anybody trains: a run that says more was altered
OWN = "own:"  # begins what `cell` says of a user's own module
OwnCell = Annotated[str, Field(pattern=rf"^{OWN}[a-z][a-z0-9_-]*$")]
PoolingName = Literal["last", "mean", "max", "attention"]


def cell_name(cell: str) -> str:
    """A cell as people write it; a user's own module by the name that it was given.

    >>> cell_name("mingru"), cell_name("own:mine"), cell_name("mine")
    ('minGRU', 'mine', 'mine')
    """
    return CELL_NAMES.get(cell, cell.removeprefix(OWN))


class EncoderConfig(BaseModel):
    """The choices that every network has: what reads its steps."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cell: CellName | OwnCell = Field(
        default="lstm", description=f"what reads the steps: {', '.join(CELL_NAMES)}"
    )
    hidden_size: int = Field(default=64, ge=1, description="units per layer and direction")
    num_layers: int = Field(default=1, ge=1, le=MOST_LAYERS, description="layers on top of each other")

    inner_size: int | None = Field(
        default=None,
        ge=1,
        description="units inside a layer of a tcn (unset: hidden_size) or a transformer (unset: four times that)",
    )
    kernel_size: int = Field(
        default=3,
        ge=2,
        description="steps that a convolution sees (tcn only)",
    )
    blocks: int | None = Field(
        default=None,
        ge=1,
        description="blocks of a tcn; unset: as many as see the longest sequence, and num_layers at least",
    )
    heads: int = Field(
        default=4, ge=1, description="of the attention; hidden_size is a multiple (transformer only)"
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.cell == "transformer" and self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is no multiple of {self.heads} heads")
        return self

    @property
    def carries_state(self) -> bool:
        """Whether what reads the steps goes on from where it was; a transformer reads all of them anew, and so does a
        user's own module.
        """
        return self.cell != "transformer" and not self.cell.startswith(OWN)

    @property
    def sees_ahead(self) -> bool:
        """Whether a step may know what comes after it."""
        return False

    @property
    def cell_name(self) -> str:
        """The cell as people write it."""
        return cell_name(self.cell)


class ReaderConfig(EncoderConfig):
    """The choices that networks of sequences share, whatever they say of them.

    Every field can be set on the command line: `--set network.hidden_size=64`.
    """

    bidirectional: bool = Field(default=True, description="read from both ends")
    embedding_size: int = Field(default=128, ge=1, description="numbers per token (text only)")
    embedding_init: Literal["vectors", "random"] = Field(
        default="vectors",
        description="start from word vectors counted on the training texts, or at random (text only)",
    )
    pairs: int = Field(
        default=50_000,
        ge=0,
        description="commonest pairs of neighbouring tokens with a vector each (text only)",
    )
    convolutions: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), description="widths of convolutions in front of the recurrent layers (numbers only)"
    )
    convolution_size: int = Field(default=64, ge=1, description="features that each convolution gives")
    band_channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        description="channels of the first convolutions, which see neighbouring features alone and halve them (for "
        "features in an order, as the bands of sound are); the others see all features",
    )
    image_channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        description="features after each convolution of an image, which halves its sides (images as steps only)",
    )
    image_features: int = Field(
        default=128, ge=1, description="numbers that become of an image after its convolutions"
    )
    head_sizes: tuple[int, ...] = Field(default=(), description="widths of ReLU layers before the output")
    word_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="share of tokens replaced by the unknown one"
    )
    input_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="variational dropout on what the first layer reads"
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="dropout between layers and before the output"
    )
    recurrent_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="variational dropout on the recurrent state"
    )
    weight_drop: float = Field(default=0.0, ge=0, lt=1, description="DropConnect on the recurrent weights")
    zoneout: float = Field(
        default=0.0, ge=0, lt=1, description="share of units that keep their value at a step"
    )
    layer_norm: bool = Field(default=False, description="normalise the gates' inputs within the cell")
    chrono_init: bool = Field(
        default=False,
        description="units begin by keeping their state over up to as many steps as the longest sequence has "
        "(cells with gates only)",
    )

    @property
    def sees_ahead(self) -> bool:
        """Whether a step may know what comes after it: where sequences are read from both ends."""
        return self.bidirectional


class NetworkConfig(ReaderConfig):
    """Of a network with one answer for each sequence."""

    segment: int = Field(
        default=1, ge=1, description="steps of a numeric sequence joined into one for the recurrent layers"
    )
    pooling: tuple[PoolingName, ...] = Field(
        default=("mean", "max"), min_length=1, description="how steps become one vector"
    )


class NetworkShape(BaseModel):
    """What the data imposes.

    Args:
        input: "tokens" (ids), "features" (numbers) or "images" (a step is an image, its numbers row after row).
        input_size: V, the size of the vocabulary, or I, features per step.
        output_size: numbers per example that the task asks for.
        image: height, width and colours of an image (images only).
        pairs: P, pairs of neighbouring tokens that have a vector (tokens only).
        steps: of the longest sequence to learn from; of running text, of a window.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: Literal["tokens", "features", "images"]
    input_size: int = Field(ge=1)
    output_size: int = Field(ge=1)
    image: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Literal[1, 3]] | None = None
    pairs: int = Field(default=0, ge=0)
    steps: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _image_fits(self) -> Self:
        if (self.input == "images") != (self.image is not None):
            raise ValueError("the size of an image goes with images, and with nothing else")
        if self.image is not None and math.prod(self.image) != self.input_size:
            raise ValueError(f"an image of {self.image} has not {self.input_size} numbers")
        return self
