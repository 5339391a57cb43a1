"""The tensors in a file of torch or safetensors, read as data: nothing in it is executed, sizes are looked at first."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from recurra.errors import DataError
from recurra.exchange.damage import guarded, not_numbers
from recurra.storage import missing_file, reading_error

# Where trainers put the weights beside optimiser and epoch.
_NESTED = ("state_dict", "model_state_dict", "model", "net", "network")
_TIED = 4  # times the file's size: weights that two layers share stand in it once
_ANEW = "Save the weights alone, in torch: torch.save(model.state_dict(), 'weights.pt')."


class Tensors(NamedTuple):
    """What stands in a file.

    Args:
        by_name: as 32-bit floats, or what they are; in the order in which the modules were defined, where it is kept.
        ordered: whether it is: a file of safetensors keeps none, and its tensors are in the order of their names.
    """

    by_name: dict[str, Tensor]
    ordered: bool


def read_tensors(path: Path) -> Tensors:
    """The tensors of a file.

    Args:
        path: `.safetensors`, or a zip file of `torch.save`; which of them is seen by its beginning.

    Raises:
        DataError: it is neither, is broken, holds something else than tensors, or claims more than it has.
    """
    if not path.exists():
        raise missing_file(path)
    if path.is_dir():
        raise DataError("this is a folder, and a file of weights is expected", where=str(path))
    with guarded(lambda line: DataError(f"it cannot be read ({line})", where=str(path), fix=_ANEW)):
        try:
            ordered = zipfile.is_zipfile(path)
            found = _torch(path) if ordered else _safetensors(path)
        except OSError as error:
            raise reading_error(error, path) from error
    if odd := [name for name in found if not name.isprintable() or len(name) > 200]:
        raise DataError(f"a tensor cannot be named {odd[0]!r:.60}", where=str(path), fix=_ANEW)
    total = sum(t.numel() * t.element_size() for t in found.values())
    if total > _TIED * path.stat().st_size:
        raise DataError(
            f"the tensors would take {total:,} bytes, more than the file has", where=str(path), fix=_ANEW
        )
    return Tensors({name: _floats(name, t, path) for name, t in found.items()}, ordered)


def _in_order(name: str) -> list[tuple[int, int | str]]:
    """Sorts "fc.2" before "fc.10".

    >>> sorted(["fc.10", "fc.2", "fc"], key=_in_order)
    ['fc', 'fc.2', 'fc.10']
    """
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name)]


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as stream:
            return {name: stream.get_tensor(name) for name in sorted(stream.keys(), key=_in_order)}
    except SafetensorError as error:
        raise DataError(
            f"this is neither a file of safetensors nor one of torch since 1.6 ({error})",
            where=str(path),
            fix=_ANEW,
        ) from error


def _torch(path: Path) -> dict[str, Tensor]:
    with zipfile.ZipFile(path) as archive:
        packed = sum(info.file_size for info in archive.infolist())
        if not any(name.endswith("data.pkl") for name in archive.namelist()):
            raise DataError("this zip file was not made by torch.save", where=str(path), fix=_ANEW)
    if packed > path.stat().st_size:  # torch does not compress
        raise DataError(
            f"it would unpack to {packed:,} bytes, more than torch would have put there",
            where=str(path),
            fix="Do not use this file.",
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            "there is more than tensors in the file, which is not read: it might be code",
            where=str(path),
            fix=_ANEW,
        ) from error
    return _tensors_in(content, path)


def _tensors_in(content: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping) and not all(isinstance(t, Tensor) for t in content.values()):
        within = [name for name in _NESTED if isinstance(content.get(name), Mapping)]
        content = content[within[0]] if len(within) == 1 else content
    fits = isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(t, Tensor) and t.layout == torch.strided
        for name, t in content.items()
    )
    if not fits or not content:
        raise DataError(f"expected tensors by name, found {_kind(content)}", where=str(path), fix=_ANEW)
    return dict(content)


def _kind(content: Any) -> str:
    if isinstance(content, Mapping):
        return f"a dictionary of {', '.join(map(repr, list(content)[:5])) or 'nothing'}"
    return f"a {type(content).__name__}"


def _floats(name: str, t: Tensor, path: Path) -> Tensor:
    if t.dtype not in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        batch_norm = name.rpartition(".")[2] == "num_batches_tracked"
        raise DataError(
            f"{name} holds {str(t.dtype).removeprefix('torch.')}, and floats are expected"
            + (": batch normalisation is not known" if batch_norm else ""),
            where=str(path),
        )
    if t.is_meta:
        raise DataError(f"{name} has a shape and no numbers (device meta)", where=str(path), fix=_ANEW)
    if t.isnan().any():
        raise not_numbers(name, str(path))
    if t.dtype != torch.float32:
        return t.float()
    return t.clone()  # a view into the file, else
