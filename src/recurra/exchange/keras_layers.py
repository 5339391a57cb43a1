"""What each layer of Keras becomes here, and what its weights become. What is not known is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from recurra.errors import DataError
from recurra.exchange.keras_archive import KerasArchive
from recurra.exchange.keras_chain import Saved, saved_layer
from recurra.exchange.keras_options import (
    KNOWN,
    ActivationOptions,
    BidirectionalOptions,
    DenseOptions,
    DropoutOptions,
    EmbeddingOptions,
    GatedOptions,
    GruOptions,
    MaskingOptions,
    PoolingOptions,
    RecurrentOptions,
    ReLUOptions,
    TimeDistributedOptions,
    check_type,
    options_of,
)
from recurra.exchange.specs import (
    GATES,
    ActivationSpec,
    BidirectionalSpec,
    CellName,
    DropoutSpec,
    EmbeddingSpec,
    FlattenSpec,
    Function,
    LinearSpec,
    MaskingSpec,
    PoolingSpec,
    RecurrentSpec,
    Shape,
    Spec,
)

_FUNCTIONS = get_args(Function)
_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


class Found(NamedTuple):
    """A layer here of a layer there.

    Args:
        place: of its weights within those of the Keras layer, "" where it is itself, None where it has none.
    """

    spec: Spec
    place: str | None = None


def layers_of(saved: Saved, shape: Shape, where: str, say: Callable[[str], None]) -> list[Found]:
    """What a layer of Keras becomes: one layer, or two (Dense with an activation), or none (linear).

    Args:
        shape: what it reads.
        say: takes what a person should know.

    Raises:
        DataError: a layer, or an option of one, that is not known, by name.
    """
    where = f"{where}: {saved.title}"
    options = options_of(saved, where)
    check_type(saved.config.get("dtype"), where, say)
    name = options.name
    match options:
        case EmbeddingOptions():
            spec = EmbeddingSpec(
                name=name, ids=options.input_dim, size=options.output_dim, zero_masks=options.mask_zero
            )
            return [Found(spec, "")]
        case MaskingOptions():
            return [Found(MaskingSpec(name=name, value=options.mask_value))]
        case RecurrentOptions():
            return [Found(_recurrent(saved, options, shape, where, say), "cell")]
        case BidirectionalOptions():
            return [Found(_bidirectional(options, shape, where, say), "")]
        case TimeDistributedOptions():
            return _at_every_step(options, shape, where, say)
        case DenseOptions():
            linear = LinearSpec(
                name=name, inputs=_width(shape, where), units=options.units, bias=options.use_bias
            )
            return [Found(linear, ""), *_activation(name, options.activation, where)]
        case ActivationOptions():
            return _activation(name, options.activation, where)
        case ReLUOptions():
            return _activation(name, "relu", where)
        case DropoutOptions():
            whole = saved.class_name == "SpatialDropout1D"
            return [Found(DropoutSpec(name=name, rate=options.rate, whole_features=whole))]
        case PoolingOptions():
            if options.data_format not in (None, "channels_last"):
                raise DataError(f"data_format {options.data_format!r} is not known", where=where)
            if saved.class_name == "Flatten":
                return [Found(FlattenSpec(name=name))]
            how = "mean" if saved.class_name == "GlobalAveragePooling1D" else "max"
            return [Found(PoolingSpec(name=name, how=how, features=_width(shape, where)))]
    raise AssertionError(f"no reader for {saved.class_name}")


def weights_of(found: Found, place: str, archive: KerasArchive) -> dict[str, Tensor]:
    """The weights of a layer by their names here.

    Raises:
        DataError: they are not as the layer's config says.
    """
    spec = found.spec
    if found.place is None:
        return {}
    place = f"{place}/{found.place}" if found.place else place
    match spec:
        case EmbeddingSpec():
            (table,) = archive.weights(place, [(spec.ids, spec.size)])
            return {"embedding.weight": table}
        case LinearSpec():
            kernel, *bias = archive.weights(
                place, [(spec.inputs, spec.units), *([(spec.units,)] if spec.bias else [])]
            )
            return {"linear.weight": kernel.T.contiguous()} | ({"linear.bias": bias[0]} if bias else {})
        case RecurrentSpec():
            return _recurrent_weights(spec, place, archive)
        case BidirectionalSpec():
            halves = {"forward": spec.forward, "backward": spec.backward}
            return {
                f"{side}_half.{name}": tensor
                for side, half in halves.items()
                for name, tensor in _recurrent_weights(half, f"{place}/{side}_layer/cell", archive).items()
            }
    raise AssertionError(f"no weights of {spec}")


def _recurrent_weights(spec: RecurrentSpec, place: str, archive: KerasArchive) -> dict[str, Tensor]:
    """Kernels (I, G*H) and (H, G*H) as W_ih and W_hh.

    Keras' gates are i, f, c, o of a LSTM, as here, and z, r, h of a GRU, r, z, n here. A GRU that resets after the
    product has two biases, (2, 3*H), all others one, which becomes that of the input; that of the state is 0.
    """
    rows = GATES[spec.cell] * spec.units
    shapes: list[tuple[int, ...]] = [(spec.inputs, rows), (spec.units, rows)]
    if spec.biases:
        shapes.append((2, rows) if spec.biases == 2 else (rows,))
    kernel, recurrent, *bias = archive.weights(place, shapes)
    found = {"weight_ih": kernel.T, "weight_hh": recurrent.T}
    if bias:
        of_input, of_state = bias[0] if spec.biases == 2 else (bias[0], torch.zeros_like(bias[0]))
        found |= {"bias_ih": of_input, "bias_hh": of_state}
    if spec.cell.startswith("gru"):
        swapped = {}
        for name, tensor in found.items():
            z, r, n = tensor.chunk(3)
            swapped[name] = torch.cat([r, z, n])
        found = swapped
    return {f"layer.{name}_l0": tensor.contiguous() for name, tensor in found.items()}


def _recurrent(
    saved: Saved, options: RecurrentOptions, shape: Shape, where: str, say: Callable[[str], None]
) -> RecurrentSpec:
    activation = _function(options.activation, where)
    gate = _function(options.recurrent_activation, where) if isinstance(options, GatedOptions) else "sigmoid"
    cell: CellName
    if saved.class_name == "SimpleRNN":
        if activation not in ("tanh", "relu"):
            raise DataError(f"activation {activation!r} is not known here: tanh and relu are", where=where)
        cell = "rnn_relu" if activation == "relu" else "rnn_tanh"
    else:
        if activation != "tanh":
            raise DataError(f"activation {activation!r} is not known here: tanh is", where=where)
        if gate != "sigmoid":
            raise DataError(f"recurrent_activation {gate!r} is not known here: sigmoid is", where=where)
        before = isinstance(options, GruOptions) and not options.reset_after
        cell = "lstm" if saved.class_name == "LSTM" else "gru_before" if before else "gru"
    if options.stateful:
        say(f"{options.name} is stateful: here every call begins anew, and a stream carries the state on.")
    unrolled = bool(saved.config.get("unroll"))  # Keras then repeats the output before, whatever is asked for
    return RecurrentSpec(
        name=options.name,
        cell=cell,
        inputs=_width(shape, where),
        units=options.units,
        biases=0 if not options.use_bias else 2 if cell == "gru" else 1,
        backwards=options.go_backwards,
        every_step=options.return_sequences,
        zero_where_masked=options.zero_output_for_mask and not unrolled,
        input_dropout=options.dropout,
        recurrent_dropout=options.recurrent_dropout,
    )


def _bidirectional(
    options: BidirectionalOptions, shape: Shape, where: str, say: Callable[[str], None]
) -> BidirectionalSpec:
    if options.merge_mode is None:
        raise DataError("merge_mode None gives two outputs, and one is known", where=where)
    one = saved_layer(options.layer, where)
    other = saved_layer(options.backward_layer or options.layer, where)
    halves = []
    for side, half in (("forward", one), ("backward", other)):
        if half.class_name not in ("SimpleRNN", "LSTM", "GRU"):
            raise DataError(f"{half.class_name} within Bidirectional is not known", where=where, fix=KNOWN)
        (found,) = layers_of(half, shape, where, say)
        spec = found.spec
        assert isinstance(spec, RecurrentSpec)
        backwards = True if side == "backward" and options.backward_layer is None else spec.backwards
        zero = spec.every_step and not half.config.get("unroll")  # Bidirectional sets it so
        halves.append(spec.model_copy(update={"backwards": backwards, "zero_where_masked": zero}))
    if halves[0].backwards == halves[1].backwards:
        raise DataError("both directions are the same", where=where)
    return BidirectionalSpec(
        name=options.name, forward=halves[0], backward=halves[1], merge=options.merge_mode
    )


def _at_every_step(
    options: TimeDistributedOptions, shape: Shape, where: str, say: Callable[[str], None]
) -> list[Found]:
    within = saved_layer(options.layer, where)
    if within.class_name not in ("Dense", "Activation", "ReLU", "Dropout"):
        raise DataError(
            f"{within.class_name} within TimeDistributed is not known",
            where=where,
            fix="Known there are Dense, Activation, ReLU and Dropout.",
        )
    if shape.kind != "steps":
        raise DataError("TimeDistributed reads a sequence, and here it is given none", where=where)
    return [
        found if found.place is None else found._replace(place="layer")
        for found in layers_of(within, shape, where, say)
    ]


def _activation(name: str, function: Any, where: str) -> list[Found]:
    found = _function(function, where)
    if found == "linear":
        return []
    if found not in _FUNCTIONS:
        raise DataError(
            f"the activation {found!r} is not known",
            where=where,
            fix=f"Known are linear, {', '.join(_FUNCTIONS)}.",
        )
    return [Found(ActivationSpec(name=name, function=found))]  # pyright: ignore[reportArgumentType]


def _function(value: Any, where: str) -> str:
    """The name of an activation of Keras itself."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = value.get("config") if str(value.get("module")).startswith("keras") else value
    if value is None:
        return "linear"
    if isinstance(value, str):
        return _ALIASES.get(value, value)
    named = value.get("class_name") if isinstance(value, dict) else type(value).__name__
    raise DataError(
        f"its activation is a {named}, not a function that Keras has a name for",
        where=where,
        fix=f"Known are linear, {', '.join(_FUNCTIONS)}.",
    )


def _width(shape: Shape, where: str) -> int:
    if shape.kind == "ids" or not shape.width:
        raise DataError("it reads numbers, and here it is given ids", where=where)
    return shape.width
