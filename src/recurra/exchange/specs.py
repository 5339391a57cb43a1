"""The layers that a network from elsewhere may have: each with its sizes, and what it makes of its input."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.errors import DataError, InputError

CellName = Literal["rnn_tanh", "rnn_relu", "lstm", "gru", "gru_before"]
Function = Literal[
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "log_softmax",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "softsign",
    "exponential",
    "relu6",
    "leaky_relu",
    "hard_sigmoid",
]
Merge = Literal["concat", "sum", "mul", "ave"]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]  # it is printed
Size = Annotated[int, Field(ge=1, lt=2**24)]  # no layer is larger; products of two are 64-bit numbers
Share = Annotated[float, Field(ge=0, lt=1)]

CELLS = {
    "rnn_tanh": "RNN (tanh)",
    "rnn_relu": "RNN (ReLU)",
    "lstm": "LSTM",
    "gru": "GRU",
    "gru_before": "GRU (reset before the product)",
}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3, "gru_before": 3}


class Shape(NamedTuple):
    """What stands between two layers.

    Args:
        kind: "ids" (B, T), "steps" (B, T, width) or "vector" (B, width).
        width: numbers; 0 of ids.
        steps: T, where it is fixed.
    """

    kind: str
    width: int = 0
    steps: int | None = None

    def __str__(self) -> str:
        length = "steps" if self.steps is None else str(self.steps)
        return {"ids": length, "steps": f"{length} x {self.width}"}.get(self.kind, str(self.width))


def not_as_described(error: ValidationError, where: str) -> DataError:
    """For a file that says what no layer can be: a size of 0, a number that is none."""
    first = error.errors()[0]
    what = ".".join(str(part) for part in first["loc"])
    return DataError(f"{what} cannot be {first['input']!r:.60}: {first['msg']}", where=where)


class Spec(BaseModel):
    """One layer.

    Args:
        name: as the file has it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Name

    @property
    def says(self) -> str:
        """The layer, as a person reads it."""
        return type(self).__name__.removesuffix("Spec")

    @property
    def weights(self) -> int:
        """Numbers that the file has of it."""
        return 0

    def after(self, shape: Shape) -> Shape:
        """What it makes of `shape`.

        Raises:
            InputError: it cannot read that.
        """
        return shape

    def _expect(self, shape: Shape, *kinds: str, width: int | None = None) -> None:
        wanted = " or ".join({"ids": "ids", "steps": "a sequence", "vector": "a vector"}[k] for k in kinds)
        if shape.kind not in kinds:
            found = {"ids": "ids", "steps": "a sequence", "vector": "one vector"}[shape.kind]
            raise InputError(f"{self.says} reads {wanted}, and here it is given {found}", where=self.name)
        if width is not None and shape.width != width:
            raise InputError(
                f"{self.says} reads {width} numbers, and the layer before gives {shape.width}",
                where=self.name,
            )


class EmbeddingSpec(Spec):
    """Ids to vectors; with `zero_masks` a step of id 0 is skipped by the layers after it, wherever it stands."""

    kind: Literal["embedding"] = "embedding"
    ids: Size
    size: Size
    zero_masks: bool = False

    @property
    def says(self) -> str:
        """With the size of its table."""
        return f"Embedding of {self.ids:,} ids" + (", 0 is skipped" if self.zero_masks else "")

    @property
    def weights(self) -> int:
        """V * E."""
        return self.ids * self.size

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "ids")
        return Shape("steps", self.size, shape.steps)


class MaskingSpec(Spec):
    """Steps whose numbers all equal `value` are skipped by the layers after it."""

    kind: Literal["masking"] = "masking"
    value: float

    @property
    def says(self) -> str:
        """With its value."""
        return f"Masking of steps of {self.value:g}"

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps")
        return shape


class RecurrentSpec(Spec):
    """A cell over time, in one direction.

    Args:
        inputs, units: I and H.
        projection: P of a projected LSTM; 0 for none.
        biases: in the file: none, one, or one each for input and state.
        backwards: from the end to the beginning; what it gives stays in that order, as in Keras.
        every_step: give the output of each step, else of the last one.
        zero_where_masked: the output at a skipped step is 0, else the one before it again.
        input_dropout, recurrent_dropout: in training.
    """

    kind: Literal["recurrent"] = "recurrent"
    cell: CellName
    inputs: Size
    units: Size
    projection: Annotated[int, Field(ge=0, lt=2**24)] = 0
    biases: Literal[0, 1, 2] = 2
    backwards: bool = False
    every_step: bool = False
    zero_where_masked: bool = False
    input_dropout: Share = 0.0
    recurrent_dropout: Share = 0.0

    @property
    def says(self) -> str:
        """The cell, and from where to where."""
        return CELLS[self.cell] + (" backwards" if self.backwards else "")

    @property
    def width(self) -> int:
        """Numbers that it gives."""
        return self.projection or self.units

    @property
    def weights(self) -> int:
        """G * H * (I + P + biases), and the projection."""
        rows = GATES[self.cell] * self.units
        return rows * (self.inputs + self.width + self.biases) + self.projection * self.units

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps", width=self.inputs)
        return Shape("steps", self.width, shape.steps) if self.every_step else Shape("vector", self.width)


class BidirectionalSpec(Spec):
    """Two cells over the same steps, from either end; `merge` is what becomes of their outputs."""

    kind: Literal["bidirectional"] = "bidirectional"
    forward: RecurrentSpec
    backward: RecurrentSpec
    merge: Merge = "concat"

    @property
    def says(self) -> str:
        """The cells, and how they are merged."""
        return f"{self.forward.says} in both directions, {self.merge}"

    @property
    def weights(self) -> int:
        """Of both."""
        return self.forward.weights + self.backward.weights

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        one, other = self.forward.after(shape), self.backward.after(shape)
        fits = self.merge == "concat" or one.width == other.width
        if not fits or self.forward.every_step != self.backward.every_step:
            raise InputError("the two directions do not give the same sizes", where=self.name)
        return one._replace(width=one.width + other.width) if self.merge == "concat" else one


class LinearSpec(Spec):
    """y = W x + b, at every step where there are steps."""

    kind: Literal["linear"] = "linear"
    inputs: Size
    units: Size
    bias: bool = True

    @property
    def weights(self) -> int:
        """Of W and b."""
        return self.units * (self.inputs + self.bias)

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps", "vector", width=self.inputs)
        return shape._replace(width=self.units)


class ActivationSpec(Spec):
    """A function of each number; softmax of all of them together."""

    kind: Literal["activation"] = "activation"
    function: Function

    @property
    def says(self) -> str:
        """The function."""
        return self.function

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps", "vector")
        return shape


class DropoutSpec(Spec):
    """Dropout, in training; with `whole_features` of the same features at every step."""

    kind: Literal["dropout"] = "dropout"
    rate: Share
    whole_features: bool = False

    @property
    def says(self) -> str:
        """With its rate."""
        return f"Dropout of {self.rate:g}" + (", whole features" if self.whole_features else "")

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps", *(() if self.whole_features else ("vector",)))
        return shape


class PoolingSpec(Spec):
    """The mean, or the largest number, of each feature over all steps. The mean leaves out skipped steps."""

    kind: Literal["pooling"] = "pooling"
    how: Literal["mean", "max"]
    features: Size

    @property
    def says(self) -> str:
        """How."""
        return f"{self.how.capitalize()} over all steps"

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps", width=self.features)
        return Shape("vector", shape.width)


class FlattenSpec(Spec):
    """All steps side by side; there must be the same number in every sequence."""

    kind: Literal["flatten"] = "flatten"

    def after(self, shape: Shape) -> Shape:
        """See `Spec.after`."""
        self._expect(shape, "steps", "vector")
        if shape.kind == "vector":
            return shape
        if shape.steps is None:
            raise InputError(
                "Flatten needs a fixed number of steps, and the file names none", where=self.name
            )
        return Shape("vector", shape.width * shape.steps)
