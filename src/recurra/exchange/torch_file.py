"""A network from the weights of torch: names and shapes tell the layers, options what they do not tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from pydantic import ValidationError

from recurra.errors import DataError, InputError
from recurra.exchange.description import Description, input_shape, shapes_after
from recurra.exchange.network import ImportedNetwork
from recurra.exchange.specs import ActivationSpec, LinearSpec, not_as_described
from recurra.exchange.torch_layers import (
    KNOWN,
    Linear,
    Modules,
    Part,
    cell_of,
    embedding_of,
    in_a_row,
    modules_of,
    recurrent_of,
    width_read,
)
from recurra.exchange.torch_weights import read_tensors
from recurra.storage import sha256


def read_torch(
    path: str | Path,
    *,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    every_step: bool = False,
    activation: Literal["none", "relu", "tanh"] | None = None,
) -> ImportedNetwork:
    """The network of a `state_dict`, `.pt` (read with torch's `weights_only=True`) or `.safetensors`.

    Names and shapes tell the layers: a table of vectors (V, E) if there is one, then `weight_ih_l0` and so on, whose
    W_hh has H rows for a RNN, 3 H for a GRU, 4 H for a LSTM; then linear layers. What they do not tell is asked for.

    Args:
        path: of the file.
        nonlinearity: of a RNN.
        every_step: the linear layers read the output of each step, else the state after the last one: of two
            directions the forward one of the last step and the backward one of the first, as `h_n` has them.
        activation: between two linear layers; must be said where there are several.

    Returns:
        The network, in evaluation mode. What was taken for granted stands in its `notes`.

    Raises:
        DataError: the file cannot be read, or its layers are not known or do not fit together.
        InputError: an option that must be said is not, or is said without effect.

    >>> import tempfile
    >>> gru = torch.nn.GRU(3, 5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save(gru.state_dict(), f"{folder}/gru.pt")
    ...     network = read_torch(f"{folder}/gru.pt")
    >>> x = torch.randn(1, 4, 3)
    >>> bool(torch.allclose(network(x), gru(x[0])[1], atol=1e-6))
    True
    """
    path = Path(path)
    _one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
    found = read_tensors(path)
    modules = modules_of(found, str(path))
    if len(modules.tables) > 1:
        raise DataError(
            f"expected one table of vectors at most, found {' and '.join(modules.tables)}",
            where=str(path),
            fix=KNOWN,
        )
    try:
        cells = [
            recurrent_of(module, found, every_step, nonlinearity, str(path))
            for module, found in modules.recurrent.items()
        ]
        cells = in_a_row(cells, str(path))
        parts = [embedding_of(name, table) for name, table in modules.tables.items()] + cells
        parts += _linear(modules.linear, activation, str(path))
    except ValidationError as error:
        raise not_as_described(error, str(path)) from error
    specs = [spec for part in parts for spec in part.specs]
    features = None if modules.tables else width_read(cells[0].specs[0])
    try:
        shapes_after(input_shape(features, None), specs)
    except InputError as error:
        raise DataError(
            error.problem, where=f"{path}: {error.where}", fix="The order of the layers could not be told."
        ) from error
    has_rnn = any(cell_of(spec).startswith("rnn") for part in cells for spec in part.specs)
    if nonlinearity != "tanh" and not has_rnn:
        raise InputError("there is no nn.RNN in the file", where="nonlinearity", fix="Leave it out.")
    notes = _notes(has_rnn, nonlinearity, every_step, bool(modules.linear)) + _order(modules, found.ordered)
    origin = {"file": path.name, "format": "torch state_dict", "sha256": sha256(path)}
    with torch.device("meta"):
        network = ImportedNetwork(
            Description(features=features, layers=tuple(specs)),  # pyright: ignore[reportArgumentType]
            origin=origin,
            notes=notes,
        )
    weights = [of_one for part in parts for of_one in part.weights]
    network.load_state_dict(
        {f"layers.{n}.{name}": t for n, found in enumerate(weights) for name, t in found.items()}, assign=True
    )
    return network.requires_grad_(True).eval()


def _linear(layers: list[Linear], activation: str | None, where: str) -> Iterator[Part]:
    """Linear layers, and what stands between them."""
    if activation is not None:
        _one_of("activation", activation, ("none", "relu", "tanh"))
    if len(layers) > 1 and activation is None:
        raise InputError(
            f"{where} has {len(layers)} linear layers, and what stands between them is not in it",
            where="activation",
            fix="Say none, relu or tanh (on the command line --activation).",
        )
    if len(layers) < 2 and activation is not None:
        raise InputError("there are no two linear layers", where="activation", fix="Leave it out.")
    for n, (name, weight, bias) in enumerate(layers):
        spec = LinearSpec(name=name, inputs=weight.size(1), units=weight.size(0), bias=bias is not None)
        yield Part([spec], [{"linear.weight": weight} | ({} if bias is None else {"linear.bias": bias})])
        if activation in ("relu", "tanh") and n < len(layers) - 1:
            yield Part([ActivationSpec(name=name, function=activation)], [{}])  # pyright: ignore[reportArgumentType]


def _notes(has_rnn: bool, nonlinearity: str, every_step: bool, has_linear: bool) -> list[str]:
    notes = ["Which layers there are was told by names and shapes; dropout and masks are not in such a file."]
    if has_rnn:
        notes.append(f"The RNN's nonlinearity is taken to be {nonlinearity} (--nonlinearity says otherwise).")
    of = "the linear layer reads" if has_linear else "the network gives"
    taken = "every step" if every_step else "the state after the last step"
    notes.append(
        f"It is taken that {of} {taken}" + ("." if every_step else " (--every-step says otherwise).")
    )
    return notes


def _order(modules: Modules, ordered: bool) -> list[str]:
    """That the order of several layers was taken from the file, which does not say what reads what."""
    rows = [[name.rstrip(".") for name in modules.recurrent], [name for name, _, _ in modules.linear]]
    told = ", ".join(name for row in rows if len(row) > 1 for name in row)
    if not told:
        return []
    order = (
        "in which they were defined"
        if ordered
        else "of their names: safetensors keeps no other, torch.save does"
    )
    return [f"It is taken that layers read each other in this order, that {order}: {told}."]


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"expected one of {', '.join(known)}, found {value!r}", where=name)
