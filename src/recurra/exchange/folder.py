"""An imported network as a folder: `config.json` and `model.safetensors`, read back without executing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import save as to_safetensors

from recurra.errors import InputError, RunError
from recurra.exchange.description import Description
from recurra.exchange.network import ImportedNetwork
from recurra.runs.config import CONFIG, FORMAT, circumstances
from recurra.runs.run import MODEL, read_network
from recurra.storage import make_folder, read_json, sha256, write_bytes, write_json

KIND = "network"
_MEND = "Restore it, or import the network again."


class NetworkConfig(BaseModel):
    """The `config.json` of an imported network.

    Args:
        origin: the file it came from.
        notes: what was said when it was read.
        files: SHA-256 of the files beside this one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = FORMAT
    kind: Literal["network"] = KIND
    versions: dict[str, str]
    origin: dict[str, str]
    notes: list[str]
    description: Description
    files: dict[str, str] = Field(default_factory=dict)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken.

    Raises:
        InputError: something is there that may not, or must not, be replaced.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise InputError(
            "this place is taken", where=str(folder), fix="Choose another --out, or add --overwrite."
        )
    if not is_network(folder):
        raise InputError(
            "this is not an imported network, so it is not overwritten",
            where=str(folder),
            fix="Choose another --out.",
        )


def is_network(folder: Path) -> bool:
    """Whether the folder holds an imported network, by its `config.json`."""
    try:
        content = read_json(folder / CONFIG)
    except RunError:
        return False
    return isinstance(content, dict) and content.get("kind") == KIND


def save_network(network: ImportedNetwork, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write a network into a folder, which must be new or empty; `config.json` last.

    Args:
        overwrite: replace an imported network that is there.

    Raises:
        InputError: the place is taken.
        StorageError: it could not be written.
    """
    folder = Path(folder)
    check_folder(folder, overwrite=overwrite)
    make_folder(folder)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(folder / MODEL, to_safetensors(weights, metadata={"format": "pt"}))
    config = NetworkConfig(
        versions=circumstances()["versions"],
        origin=network.origin,
        notes=network.notes,
        description=network.description,
        files={MODEL: sha256(folder / MODEL)},
    )
    write_json(folder / CONFIG, config.model_dump(mode="json"))
    return folder


def load_network(path: str | Path) -> ImportedNetwork:
    """Read a network that `save_network`, or `recurra import --out`, has written. Nothing in it is executed.

    Raises:
        RunError: there is none, or a file is missing, altered, broken or of another version.

    >>> load_network("no/such/network")
    Traceback (most recent call last):
        ...
    recurra.errors.RunError: no/such/network: this folder holds no imported network...
    """
    folder = Path(path)
    if not is_network(folder):
        raise RunError(
            "this folder holds no imported network",
            where=str(folder),
            fix="Give the folder that `recurra import --out` made; runs are read by recurra.load.",
        )
    try:
        config = NetworkConfig.model_validate(read_json(folder / CONFIG))
        if sha256(folder / MODEL) != config.files.get(MODEL):
            raise RunError(
                "the file is not the one that was written (its SHA-256 differs from config.json)",
                where=str(folder / MODEL),
            )
        return read_network(
            folder / MODEL,
            lambda: ImportedNetwork(config.description, origin=config.origin, notes=config.notes),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}",
            where=str(folder / CONFIG),
            fix=_MEND,
        ) from error
    except RunError as error:
        raise RunError(error.problem, where=error.where, fix=_MEND) from error
