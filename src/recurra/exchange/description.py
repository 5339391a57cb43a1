"""What a network from elsewhere is: its input, and its layers one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from recurra.exchange.specs import (
    ActivationSpec,
    BidirectionalSpec,
    DropoutSpec,
    EmbeddingSpec,
    FlattenSpec,
    LinearSpec,
    MaskingSpec,
    PoolingSpec,
    RecurrentSpec,
    Shape,
    Size,
    Spec,
)

AnySpec = Annotated[
    EmbeddingSpec
    | MaskingSpec
    | RecurrentSpec
    | BidirectionalSpec
    | LinearSpec
    | ActivationSpec
    | DropoutSpec
    | PoolingSpec
    | FlattenSpec,
    Field(discriminator="kind"),
]


class Description(BaseModel):
    """A network: its input and its layers, one after the other.

    Args:
        features: I, numbers of each step; None where the input are ids.
        steps: T, where it is fixed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    features: Size | None = None
    steps: Size | None = None
    layers: tuple[AnySpec, ...] = Field(min_length=1, max_length=10_000)

    @property
    def input(self) -> Shape:
        """What goes in."""
        return input_shape(self.features, self.steps)

    @property
    def weights(self) -> int:
        """Numbers that the file has of it."""
        return sum(layer.weights for layer in self.layers)

    def shapes(self) -> list[Shape]:
        """What each layer gives.

        Raises:
            InputError: a layer cannot read what the one before gives.
        """
        return shapes_after(self.input, self.layers)


def input_shape(features: int | None, steps: int | None) -> Shape:
    """Of ids where there are no features."""
    return Shape("ids", 0, steps) if features is None else Shape("steps", features, steps)


def shapes_after(shape: Shape, layers: Iterable[Spec]) -> list[Shape]:
    """What each of the layers gives, the first of which reads `shape`.

    Raises:
        InputError: a layer cannot read what the one before gives.

    >>> layers = [LinearSpec(name="dense", inputs=4, units=2), PoolingSpec(name="pool", how="max", features=2)]
    >>> [str(shape) for shape in shapes_after(Shape("steps", 4), layers)]
    ['steps x 2', '2']
    """
    found = []
    for layer in layers:
        shape = layer.after(shape)
        found.append(shape)
    return found
