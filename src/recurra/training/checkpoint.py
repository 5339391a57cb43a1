"""What a training needs to go on exactly where it was: one safetensors file, written whole or not at all.

Tensors (weights, best weights, optimiser moments, random generator) stand in the file's body, numbers in its
header as JSON. Nothing is pickled. JSON keeps every bit of a Python float.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from recurra.errors import RunError
from recurra.storage import make_folder, write_bytes
from recurra.training.position import read_position

FORMAT = 1
FILE = "state.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two optimiser steps.

    Args:
        tensors: everything that is a tensor, under dotted names.
        progress: everything else, JSON-safe; see `read_position`.
    """

    tensors: dict[str, torch.Tensor]
    progress: dict[str, Any]

    def group(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors whose names begin with `prefix.`, without it."""
        return {
            name[len(prefix) + 1 :]: t for name, t in self.tensors.items() if name.startswith(prefix + ".")
        }


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint in `folder`.

    Raises:
        StorageError: it could not be written; the previous checkpoint is untouched.
    """
    make_folder(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    header = {"format": str(FORMAT), "progress": json.dumps(checkpoint.progress)}
    write_bytes(folder / FILE, save(tensors, metadata=header))


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint in `folder`, or None where training had not written one yet.

    Raises:
        RunError: the file is broken or of another format; its tensors are not looked at.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stream:
            header = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dict)
        if header.get("format") != str(FORMAT):
            raise RunError(
                f"expected a checkpoint of format {FORMAT}, found {header.get('format')!r}",
                where=str(path),
                fix="Resume with the version of Recurra that wrote it, or start again with --overwrite.",
            )
        progress = json.loads(header["progress"])
        read_position(progress)
        return Checkpoint(tensors, progress)
    except RunError:
        raise
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise RunError(
            f"the checkpoint is broken ({error})", where=str(path), fix="Start again with --overwrite."
        ) from error
