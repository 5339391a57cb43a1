"""Folders of image files: one sub-folder per class, with its images, or with a folder of frames per example."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from recurra.data.images.files import is_image
from recurra.data.sources.idx import idx_files, read_idx_folder
from recurra.data.sources.table import Table, listed
from recurra.data.sources.tree import beside_parts, classes_by_part, files, folders

IMAGE, FRAMES = "image", "frames"


def read_image_folder(path: Path) -> Table | None:
    """The table of a folder that holds images; None where there are none in it.

    Columns: `image`, the name of a file, or `frames`, a list of them; `label`, the folder it lies in; and `part`, where
    the sub-folders are named train, valid or test and hold those of the classes; others beside them are not read.

        FOLDER/class/one.png                one image is an example
        FOLDER/class/one/frame_001.png      a folder of frames, in the order of their numbers, is an example
        FOLDER/one.png                      images without classes, to be answered for
        FOLDER/*-images-idx3-ubyte          MNIST's files, see `recurra.data.sources.idx`

    Files of other kinds and folders further down are passed over, and notes name them; where such
    files are more than the images, it is no folder of images.
    """
    if idx_files(path):
        return read_idx_folder(path)
    split = classes_by_part(path)
    found: list[tuple[str, str, list[Path]]] = []
    odd: list[Path] = []
    framed = _frames_inside(split)
    for part, classes in split.items():
        for folder in classes:
            inside = files(folder)
            odd += [file for file in inside if framed or not is_image(file.name)]
            if framed:
                for example in folders(folder):
                    frames = files(example)
                    odd += [file for file in frames if not is_image(file.name)]
                    found.append((part, folder.name, [file for file in frames if is_image(file.name)]))
            else:
                found += [(part, folder.name, [file]) for file in inside if is_image(file.name)]
    found = [each for each in found if each[2]]
    if not found or len(odd) > sum(len(each) for _, _, each in found):
        return _without_classes(path)
    column = FRAMES if framed else IMAGE
    names = [[str(file.relative_to(path)) for file in _in_order(each)] for _, _, each in found]
    frame = pl.DataFrame({column: names if framed else [name for (name,) in names]}).with_columns(
        label=pl.Series([label for _, label, _ in found])
    )
    roles = {"image": column, "target": "label"}
    if "" not in split:
        frame = frame.with_columns(part=pl.Series([part for part, _, _ in found]))
        roles["split"] = "part"
    above = [path, *(path / part for part in split if part)]
    odd += [file for folder in above for file in files(folder)]
    notes = []
    if odd:
        names_odd = listed([str(file.relative_to(path)) for file in odd])
        notes.append(f"not read, being no images in the folder of a class: {names_odd}")
    with_images = {(part, label) for part, label, _ in found}
    empty = [
        str(folder.relative_to(path))
        for part, classes in split.items()
        for folder in classes
        if (part, folder.name) not in with_images
    ]
    if empty:
        notes.append(f"sub-folders without images: {listed(empty)}")
    holding = [folder for classes in split.values() for folder in classes]
    if framed:
        holding = [example for folder in holding for example in folders(folder)]
    if deeper := [str(inner.relative_to(path)) for folder in holding for inner in folders(folder)]:
        notes.append(
            f"folders inside those of the {'examples' if framed else 'classes'} are not read: {listed(deeper)}"
        )
    if beside := beside_parts(path, split):
        notes.append(f"not read, being none of the parts: {listed(beside)}")
    return Table(frame, path.name or str(path), "images", tuple(notes), roles, "classify", folder=path)


def read_image_file(path: Path) -> Table:
    """One image, to be answered for."""
    return Table(
        pl.DataFrame({IMAGE: [path.name]}), path.name, "images", roles={"image": IMAGE}, folder=path.parent
    )


def _without_classes(path: Path) -> Table | None:
    found = [file.name for file in _in_order(files(path)) if is_image(file.name)]
    if not found:
        return None
    notes = []
    if odd := [each.name for each in files(path) if not is_image(each.name)]:
        notes.append(f"not read, being no images: {listed(odd)}")
    if inside := [each.name for each in folders(path)]:
        notes.append(f"folders inside are not read: {listed(inside)}")
    return Table(
        pl.DataFrame({IMAGE: found}),
        path.name or str(path),
        "images",
        tuple(notes),
        {"image": IMAGE},
        folder=path,
    )


def _frames_inside(split: dict[str, list[Path]]) -> bool:
    """Whether the folders of the classes hold folders of images, and no images themselves."""
    classes = [folder for folders_ in split.values() for folder in folders_]
    if any(is_image(file.name) for folder in classes for file in files(folder)):
        return False
    return any(
        is_image(file.name) for folder in classes for example in folders(folder) for file in files(example)
    )


def _in_order(found: list[Path]) -> list[Path]:
    """By the numbers in their names: frame_2 before frame_10."""
    return sorted(found, key=lambda file: [_key(part) for part in re.split(r"(\d+)", file.name)])


def _key(part: str) -> tuple[int, int, str]:
    return (0, int(part), part) if part.isdecimal() else (1, 0, part)
