"""Keras' Sequential and Functional models that are chains: their layers in order, each with its place in the file."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.errors import DataError
from recurra.exchange.specs import Name

# What Keras adds to a graph for masks: they come from an Embedding with mask_zero or a Masking layer.
_MASK_OPERATIONS = ("NotEqual", "Any")


class Saved(BaseModel):
    """A layer as `config.json` has it."""

    model_config = ConfigDict(extra="allow")

    class_name: str = Field(pattern=r"^\w{1,100}$")
    module: str | None = None
    registered_name: str | None = None
    config: dict[str, Any]
    name: Name = ""
    inbound_nodes: list[Any] = Field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name and class, for messages."""
        return f"layer {self.config.get('name', self.name)!r} ({self.class_name})"


class Link(NamedTuple):
    """A layer of a chain.

    Args:
        place: of its weights in the HDF5 file.
    """

    layer: Saved
    place: str


class Chain(NamedTuple):
    """A model.

    Args:
        shape: of the input, the batch first; numbers that may be anything are None.
        batch: sequences at once, where the model fixes them.
    """

    shape: list[int | None]
    links: list[Link]

    @property
    def batch(self) -> int | None:
        return self.shape[0] if self.shape else None


def chain_of(config: dict[str, Any], where: str) -> Chain:
    """The layers of a model in order, its input first.

    Raises:
        DataError: it is no chain, or of a class of its own.
    """
    model = _saved(config, where)
    layers = [_saved(layer, where) for layer in _list(model.config, "layers", where)]
    if not layers:
        raise DataError("the model has no layers", where=where)
    if model.class_name == "Sequential":
        first, rest = layers[0], layers[1:]
        if first.class_name == "InputLayer":
            return Chain(_input(first, where), _placed(rest, rest))
        shape = model.config.get("build_input_shape")
        if not isinstance(shape, list):
            raise DataError(
                "the file does not say what the model reads",
                where=where,
                fix="Begin it with keras.Input(...), or call it once, before it is saved.",
            )
        return Chain(_shape(shape, where), _placed(layers, layers))
    if model.class_name not in ("Functional", "Model") or not str(model.module).startswith("keras"):
        raise DataError(
            f"the model is a {model.class_name}, a class with code of its own",
            where=where,
            fix="Known are Sequential and Functional models.",
        )
    return _functional(model, layers, where)


def _functional(model: Saved, layers: list[Saved], where: str) -> Chain:
    named = {layer.name: layer for layer in layers}
    begin = _only_end(model.config, "input_layers", where)
    end = _only_end(model.config, "output_layers", where)
    if begin not in named or named[begin].class_name != "InputLayer":
        raise DataError("the model's input is not among its layers", where=where)
    operations = {layer.name for layer in layers if layer.class_name in _MASK_OPERATIONS}
    links = [named[begin]]
    while links[-1].name != end:
        after = [
            layer
            for layer in layers
            if layer.name not in operations and links[-1].name in _read_by(layer, where)
        ]
        if len(after) != 1:
            found = ", ".join(layer.name for layer in after) or "nothing"
            raise DataError(
                f"the model is no chain: {found} reads what {links[-1].name} gives",
                where=where,
                fix="Known are models in which each layer reads the one before.",
            )
        links.append(after[0])
        if len(links) > len(layers):
            raise DataError("the layers of the model form a circle", where=where)
    if unused := [n for n in named if n not in operations and n not in {link.name for link in links}]:
        raise DataError(f"the model is no chain: {unused[0]} stands beside it", where=where)
    _check_masks(links, named, where)
    return Chain(_input(links[0], where), _placed(links[1:], layers))


def _read_by(layer: Saved, where: str) -> list[str]:
    """The names of the layers whose output a layer reads."""
    if layer.class_name == "InputLayer":
        return []
    if len(layer.inbound_nodes) != 1:
        raise DataError(
            f"it is used {len(layer.inbound_nodes)} times",
            where=f"{where}: {layer.title}",
            fix="Known is once.",
        )
    arguments, options = _arguments(layer, where)
    sources = [_source(argument) for argument in arguments]
    odd = [name for name, value in options.items() if name != "mask" and _source(value) is not None]
    if len(sources) != 1 or sources[0] is None or odd:
        raise DataError(
            f"it reads more than the layer before ({repr(odd[0]) if odd else f'{len(sources)} inputs'})",
            where=f"{where}: {layer.title}",
            fix="Known are models in which each layer reads the one before.",
        )
    return [sources[0]]


def _check_masks(links: list[Saved], named: dict[str, Saved], where: str) -> None:
    """See that masks in the graph are those that Keras makes itself, which are followed without them."""
    made_of: tuple[str, float] | None = None
    for before, layer in pairwise(links):
        _, options = _arguments(layer, where)
        given = _source(options.get("mask"))
        if given is not None and (made_of is None or _mask_source(given, named, where) != made_of):
            raise DataError("it is given a mask of its own", where=f"{where}: {layer.title}")
        if layer.class_name == "Embedding" and layer.config.get("mask_zero"):
            made_of = before.name, 0.0
        elif layer.class_name == "Masking":
            value = layer.config.get("mask_value", 0.0)
            made_of = before.name, value if isinstance(value, int | float) else float("nan")


def _mask_source(name: str, named: dict[str, Saved], where: str) -> tuple[str, float] | None:
    """Of the operations behind a mask: the layer that is looked at, and the value that is skipped."""
    for _ in range(2):
        operation = named.get(name)
        if operation is None or len(operation.inbound_nodes) != 1:
            return None
        arguments, _ = _arguments(operation, where)
        source = _source(arguments[0]) if arguments else None
        if source is None:
            return None
        if operation.class_name == "NotEqual":
            value = arguments[1] if len(arguments) == 2 else None
            return (source, float(value)) if isinstance(value, int | float) else None
        if operation.class_name != "Any":
            return None
        name = source
    return None


def _arguments(layer: Saved, where: str) -> tuple[list[Any], dict[str, Any]]:
    node = layer.inbound_nodes[0] if layer.inbound_nodes else None
    if isinstance(node, dict) and isinstance(node.get("args"), list) and isinstance(node.get("kwargs"), dict):
        return node["args"], node["kwargs"]
    raise DataError("what it reads is not said as Keras 3 says it", where=f"{where}: {layer.title}")


def _source(argument: Any) -> str | None:
    """The layer whose first output an argument is; None where it is no output of a layer."""
    if not (isinstance(argument, dict) and argument.get("class_name") == "__keras_tensor__"):
        return None
    config = argument.get("config")
    history = config.get("keras_history") if isinstance(config, dict) else None
    if isinstance(history, list) and len(history) == 3 and history[1:] == [0, 0]:
        return str(history[0])
    return f"another output of {history[0] if isinstance(history, list) and history else 'a layer'}"


def _only_end(config: dict[str, Any], key: str, where: str) -> str:
    ends = config.get(key)
    if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list):
        ends = ends[0]
    if isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str) and ends[1:] == [0, 0]:
        return ends[0]
    raise DataError(
        f"the model has several {key.removesuffix('_layers')}s",
        where=where,
        fix="Known are models with one input and one output.",
    )


def _placed(links: list[Saved], layers: list[Saved]) -> list[Link]:
    """Each with the path of its weights: Keras counts the layers of a class, in the order of the file."""
    counts: Counter[str] = Counter()
    places = {}
    for layer in layers:
        name = _snake_case(layer.class_name)
        places[id(layer)] = f"layers/{name}_{counts[name]}" if counts[name] else f"layers/{name}"
        counts[name] += 1
    return [Link(layer, places[id(layer)]) for layer in links]


def _snake_case(name: str) -> str:
    """As Keras writes it: SimpleRNN, GlobalMaxPooling1D -> simple_rnn, global_max_pooling1d.

    >>> _snake_case("SimpleRNN"), _snake_case("LSTM"), _snake_case("GlobalMaxPooling1D")
    ('simple_rnn', 'lstm', 'global_max_pooling1d')
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _input(layer: Saved, where: str) -> list[int | None]:
    shape = layer.config.get("batch_shape")
    return _shape(shape, where)


def _shape(shape: Any, where: str) -> list[int | None]:
    good = isinstance(shape, list) and all(
        n is None or (isinstance(n, int) and not isinstance(n, bool) and 0 < n < 2**31) for n in shape
    )
    if not good:
        raise DataError(f"the shape of the input cannot be {shape!r:.60}", where=where)
    return shape


def _saved(content: Any, where: str) -> Saved:
    try:
        return Saved.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"a layer in config.json is not as Keras writes it ({place}: {first['msg']})", where=where
        ) from error


def _list(config: dict[str, Any], key: str, where: str) -> list[Any]:
    found = config.get(key)
    if not isinstance(found, list):
        raise DataError(f"config.json names no {key}", where=where)
    return found


def saved_layer(content: Any, where: str) -> Saved:
    """A layer within a layer.

    Raises:
        DataError: it is not as Keras writes it.
    """
    return _saved(content, where)
