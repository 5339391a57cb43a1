"""The idx files of MNIST (yann.lecun.com/exdb/mnist): images in one file, their labels in another beside it."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import polars as pl

from recurra.data.sources.encodings import load
from recurra.data.sources.table import Table
from recurra.errors import DataError

_IMAGES = re.compile(r"(?P<begin>.*)images(?P<mark>[-.])idx(?P<axes>\d)-ubyte(\.gz)?$", re.IGNORECASE)
_UBYTE = 0x08
_PARTS = {"train": "train", "t10k": "test", "test": "test"}


def is_idx(path: Path) -> bool:
    """Whether a file is named as MNIST's images are.

    >>> is_idx(Path("t10k-images-idx3-ubyte.gz")), is_idx(Path("t10k-labels-idx1-ubyte"))
    (True, False)
    """
    return _IMAGES.match(path.name) is not None


def idx_files(path: Path) -> list[Path]:
    """The files of images in a folder; of two that differ by .gz alone, the one without."""
    found = {
        file.name.removesuffix(".gz"): file for file in sorted(path.iterdir(), reverse=True) if is_idx(file)
    }
    return sorted(found.values())


def read_idx(path: Path) -> Table:
    """A row per image: its pixels, and the column `label` where the file of labels lies beside it.

    The bytes of the file: 0, 0, 8 (unsigned bytes), the number of axes, the length of each as a 32-bit number with the
    highest byte first, and then the values, the last axis fastest.

    Raises:
        DataError: it is no such file, is cut off, or holds another number of images than there are labels.
    """
    images = _values(path, (3, 4))
    if images.ndim == 4 and images.shape[3] not in (1, 3):
        raise DataError(f"expected 1 or 3 colours, found {images.shape[3]}", where=path.name)
    if not images.size:
        raise DataError("the file holds no images", where=path.name)
    frame = pl.DataFrame({"image": pl.Series(images)})
    labels = _labels_of(path)
    if labels is None:
        wanted = _IMAGES.sub(r"\g<begin>labels\g<mark>idx1-ubyte", path.name)
        notes = (f"no labels: there is no file {wanted} beside it",)
        return Table(frame, path.name, "idx", notes, {"image": "image"}, folder=path.parent)
    said = _values(labels, (1,))
    if len(said) != len(images):
        raise DataError(
            f"{len(said):,} labels, but {len(images):,} images in {path.name}",
            where=labels.name,
            fix="Fetch both files again.",
        )
    frame = frame.with_columns(label=pl.Series(said))
    roles = {"image": "image", "target": "label"}
    return Table(
        frame, path.name, "idx", (f"labels from {labels.name}",), roles, "classify", folder=path.parent
    )


def read_idx_folder(path: Path) -> Table:
    """All files of images in a folder; where one is named train and another t10k or test, they are these parts.

    Raises:
        DataError: see `read_idx`; or some have labels and others none, or their images are not of one size.
    """
    tables = [read_idx(file) for file in idx_files(path)]
    if len(tables) == 1:
        return tables[0]
    columns, sizes = [t.frame.columns for t in tables], {t.frame["image"].dtype for t in tables}
    if len(sizes) > 1 or any(each != columns[0] for each in columns):
        raise DataError(
            "the idx files in this folder do not go together: they differ in size, or some have no labels",
            where=path.name,
            fix="Name one of them.",
        )
    frames = [t.frame for t in tables]
    roles = dict(tables[0].roles)
    parts = [_PARTS.get(re.split(r"[-_.]", t.origin)[0].lower()) for t in tables]
    if all(parts) and "train" in parts:
        frames = [frame.with_columns(part=pl.lit(part)) for frame, part in zip(frames, parts, strict=True)]
        roles["split"] = "part"
    notes = tuple(dict.fromkeys(note for t in tables for note in t.notes))
    return Table(pl.concat(frames), path.name, "idx", notes, roles, tables[0].task, folder=path)


def _labels_of(path: Path) -> Path | None:
    match = _IMAGES.match(path.name)
    assert match is not None
    stem = f"{match['begin']}labels{match['mark']}idx1-ubyte"
    beside = [path.with_name(stem), path.with_name(f"{stem}.gz")]
    return next((file for file in beside if file.exists()), None)


def _values(path: Path, axes: tuple[int, ...]) -> np.ndarray:
    data = load(path, path.name)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UBYTE or data[3] not in axes:
        raise DataError(
            f"this is no idx file of unsigned bytes with {' or '.join(map(str, axes))} axes",
            where=path.name,
            fix="Give the files as they were fetched, such as t10k-images-idx3-ubyte.gz.",
        )
    count = data[3]
    begin = 4 + 4 * count
    shape = struct.unpack(f">{count}I", data[4:begin]) if len(data) >= begin else (0,) * count
    size = int(np.prod([int(each) for each in shape], dtype=object))
    if len(data) != begin + size or len(data) < begin:
        raise DataError(
            f"{len(data):,} bytes, but {begin + size:,} belong to {' x '.join(map(str, shape))} values",
            where=path.name,
            fix="The file is cut off or altered: fetch it again.",
        )
    return np.frombuffer(data, dtype=np.uint8, offset=begin).reshape(shape)
