"""A network from a Keras 3 file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from recurra.errors import DataError, InputError
from recurra.exchange.description import Description, input_shape
from recurra.exchange.keras_archive import KerasArchive
from recurra.exchange.keras_chain import Chain, chain_of
from recurra.exchange.keras_layers import Found, layers_of, weights_of
from recurra.exchange.network import ImportedNetwork
from recurra.exchange.specs import BidirectionalSpec, RecurrentSpec, Shape, Spec, not_as_described
from recurra.storage import sha256


def read_keras(path: str | Path) -> ImportedNetwork:
    """The network in a file that Keras 3 has saved, `model.save("model.keras")`. Keras is not needed.

    Nothing in the file is executed: its JSON is read for what it says, its weights as plain arrays.

    Args:
        path: of the file.

    Returns:
        The network, in evaluation mode; what a person should know stands in its `notes`.

    Raises:
        DataError: the file is no Keras 3 file or is broken, or a layer or an option is not known; naming it.
        InputError: h5py is not installed.

    >>> read_keras("no/such/model.keras")
    Traceback (most recent call last):
        ...
    recurra.errors.DataError: no/such/model.keras: there is no such file...
    """
    path = Path(path)
    notes: list[str] = []

    def say(note: str) -> None:
        if note not in notes:
            notes.append(note)

    with KerasArchive(path) as archive:
        chain = chain_of(archive.config, str(path))
        features, steps = _input(chain, str(path))
        found = _layers(chain, input_shape(features, steps), str(path), say)
        if not any(isinstance(layer.spec, RecurrentSpec | BidirectionalSpec) for layer, _ in found):
            raise DataError("there is no recurrent layer in the model", where=str(path))
        specs = tuple(layer.spec for layer, _ in found)
        try:
            description = Description(features=features, steps=steps, layers=specs)  # pyright: ignore[reportArgumentType]
        except ValidationError as error:
            raise not_as_described(error, str(path)) from error
        origin = {"file": path.name, "format": f"Keras {archive.version}", "sha256": sha256(path)}
        if chain.batch is not None:
            origin["batch"] = str(chain.batch)
        archive.check_room(description.weights)
        with torch.device("meta"):
            network = ImportedNetwork(description, origin=origin, notes=notes)
        network.load_state_dict(_weights(found, archive), assign=True)
    return network.requires_grad_(True).eval()


def _layers(chain: Chain, shape: Shape, where: str, say: Callable[[str], None]) -> list[tuple[Found, str]]:
    """The layers here, each with the place of the weights of the layer there."""
    found = []
    for link in chain.links:
        try:
            layers = layers_of(link.layer, shape, where, say)
        except ValidationError as error:
            raise not_as_described(error, f"{where}: {link.layer.title}") from error
        for layer in layers:
            shape = _after(layer.spec, shape, where)
            found.append((layer, link.place))
    return found


def _weights(found: list[tuple[Found, str]], archive: KerasArchive) -> dict[str, Tensor]:
    return {
        f"layers.{place}.{name}": tensor
        for place, (layer, group) in enumerate(found)
        for name, tensor in weights_of(layer, group, archive).items()
    }


def _after(spec: Spec, shape: Shape, where: str) -> Shape:
    try:
        return spec.after(shape)
    except InputError as error:
        raise DataError(error.problem, where=f"{where}: {error.where}") from error


def _input(chain: Chain, where: str) -> tuple[int | None, int | None]:
    """Features, None of ids, and steps where they are fixed."""
    shape = chain.shape
    reads_ids = bool(chain.links) and chain.links[0].layer.class_name == "Embedding"
    if reads_ids and len(shape) == 2:
        return None, shape[1]
    if not reads_ids and len(shape) == 3 and shape[2] is not None:
        return shape[2], shape[1]
    wanted = "(batch, steps)" if reads_ids else "(batch, steps, features), with a number of features"
    raise DataError(f"the input has shape {tuple(shape)}, expected {wanted}", where=where)
