"""A Keras 3 file opened: a zip of two JSON files and an HDF5 file of weights.

Sizes are looked at before anything is unpacked or allocated, and nothing outside of the file is followed.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from recurra.errors import DataError, InputError
from recurra.exchange.damage import guarded, not_numbers
from recurra.storage import LARGEST_TEXT, missing_file, reading_error

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SWELLING = 16  # times the file's size on disk that its weights may become; floats hardly shrink
_SLACK = 2**20
_ANEW = 'keras.models.load_model("{name}").save("{stem}.keras")'


class KerasArchive:
    """The parts of a Keras file.

    Args:
        path: of the file.

    Attributes:
        config: what `config.json` says.
        version: of the Keras that wrote it.

    Raises:
        DataError: it is no Keras 3 file, is broken, or claims to be larger than it can be.
        InputError: h5py is not installed.
    """

    def __init__(self, path: Path):
        self.path = path
        with _opened(path) as archive:
            metadata = _json(path, archive, METADATA)
            version = str(metadata.get("keras_version"))
            self.version = version if re.fullmatch(r"[\w.+-]{1,40}", version) else "unknown"
            if self.version.split(".")[0] != "3":
                raise DataError(
                    f"expected a file of Keras 3, found one of Keras {self.version}",
                    where=str(path),
                    fix=f"Save it anew with Keras 3: {_anew(path)}.",
                )
            self.config = _json(path, archive, CONFIG)
            content = _member(path, archive, WEIGHTS, _SWELLING * path.stat().st_size + _SLACK)
        self._bytes = len(content)
        h5py = _h5py()
        with guarded(lambda line: _broken(path, f"{WEIGHTS} is no HDF5 file ({line})")):
            self._file = h5py.File(io.BytesIO(content), "r")

    def check_room(self, count: int) -> None:
        """See that so many numbers can be in the file.

        Raises:
            DataError: they cannot.
        """
        if 4 * count > self._bytes:
            raise DataError(
                f"{CONFIG} describes {count:,} numbers, and {WEIGHTS} has {self._bytes:,} bytes",
                where=str(self.path),
                fix="The file is broken; save the model again.",
            )

    def weights(self, place: str, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
        """The weights of a layer.

        Args:
            place: path within the HDF5 file, such as "layers/lstm/cell".
            shapes: that they must have, in order.

        Raises:
            DataError: one is missing, of another shape or type, or stands elsewhere than in this file.
        """
        with guarded(lambda line: _broken(self.path, f"{place} cannot be read in {WEIGHTS} ({line})")):
            found = self._group(f"{place}/vars")
            names = sorted(found)
            if names != sorted(str(n) for n in range(len(shapes))):
                raise _broken(
                    self.path, f"{place} has {len(names)} weights in {WEIGHTS}, expected {len(shapes)}"
                )
            return [self._tensor(found, f"{place}/vars", str(n), shape) for n, shape in enumerate(shapes)]

    def _tensor(self, group: Any, place: str, name: str, shape: tuple[int, ...]) -> Tensor:
        h5py = _h5py()
        data = self._linked(group, place, name)
        if not isinstance(data, h5py.Dataset):
            raise _broken(self.path, f"{place}/{name} is no array in {WEIGHTS}")
        if data.shape != shape or data.dtype != "float32":
            raise DataError(
                f"{place}/{name} is {data.dtype} of shape {data.shape} in {WEIGHTS}, expected float32 of {shape}",
                where=str(self.path),
            )
        layout = data.id.get_create_plist().get_layout()
        plain = layout in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and not data.external
        if not plain or data.id.get_storage_size() < data.nbytes:
            raise _broken(self.path, f"{place}/{name} is not stored as Keras stores it")
        found = torch.from_numpy(data[()])
        if found.isnan().any():
            raise not_numbers(f"{place}/{name}", str(self.path))
        return found

    def _group(self, place: str) -> Any:
        h5py, group = _h5py(), self._file
        for name in place.split("/"):
            group = self._linked(group, place, name)
            if not isinstance(group, h5py.Group):
                raise _broken(self.path, f"{place} is no group in {WEIGHTS}")
        return group

    def _linked(self, group: Any, place: str, name: str) -> Any:
        """What a name leads to, within this file: links to others are not followed."""
        h5py = _h5py()
        try:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _broken(self.path, f"{place} is missing in {WEIGHTS}")
            return group[name]
        except (KeyError, OSError, RuntimeError) as error:
            raise _broken(self.path, f"{place} is missing in {WEIGHTS}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> KerasArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(path: Path) -> zipfile.ZipFile:
    if not path.exists():
        raise missing_file(path)
    if path.is_dir():
        raise DataError(
            "this is a folder, and one file ending in .keras is expected",
            where=str(path),
            fix=f"Save the model as one: {_anew(path)}.",
        )
    with guarded(lambda line: _broken(path, f"this is no zip archive that can be read ({line})")):
        try:
            with path.open("rb") as stream:
                begin = stream.read(8)
            if begin == _HDF5:
                raise DataError(
                    "this is an HDF5 file, which holds weights alone or the older form of a whole model",
                    where=str(path),
                    fix=f"Save the model anew, in Keras: {_anew(path)}.",
                )
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DataError(
                "this is no Keras 3 file: it is not a zip archive, or it ends too early",
                where=str(path),
                fix=f"Save the model again, in Keras: {_anew(path)}.",
            ) from error
        except OSError as error:
            raise reading_error(error, path) from error
    names = archive.namelist()
    if absent := [name for name in (METADATA, CONFIG, WEIGHTS) if names.count(name) != 1]:
        archive.close()
        raise DataError(
            f"this is no Keras 3 file: {absent[0]} is not in it once, "
            f"it has {', '.join(map(repr, names[:5])) or 'nothing'}",
            where=str(path),
            fix=f"Save the model again, in Keras: {_anew(path)}.",
        )
    return archive


def _member(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of the archive, whose size is looked at before it is unpacked."""
    size = archive.getinfo(name).file_size
    if size > most:
        raise DataError(
            f"{name} would unpack to {size:,} bytes, more than a file of this size can hold",
            where=str(path),
            fix="Do not use this file.",
        )
    with guarded(lambda line: _broken(path, f"{name} cannot be unpacked ({line})")):
        return archive.read(name)


def _json(path: Path, archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    content = _member(path, archive, name, LARGEST_TEXT)
    with guarded(lambda line: _broken(path, f"{name} is not valid JSON ({line})")):
        found = json.loads(content)
    if not isinstance(found, dict):
        raise _broken(path, f"{name} holds no object")
    return found


def _broken(path: Path, problem: str) -> DataError:
    return DataError(problem, where=str(path), fix="The file is broken; save the model again.")


def _anew(path: Path) -> str:
    return _ANEW.format(name=path.name, stem=path.name.split(".")[0])


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise InputError(
            "h5py reads the weights of Keras files, and it is not installed",
            fix="Install it: pip install 'recurra[keras]'.",
        ) from error
    return h5py
