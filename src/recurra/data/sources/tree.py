"""Folders whose sub-folders are classes, or parts that hold those."""

from __future__ import annotations

from pathlib import Path

_TRAINING = {"train", "training"}
PARTS = _TRAINING | {"valid", "validation", "val", "dev", "test"}
_LEFT_BY_PACKING = "__MACOSX"  # macOS puts it into archives


def folders(path: Path) -> list[Path]:
    """The sub-folders in order, those that begin with a point, or that macOS leaves in archives, left out."""
    return sorted(
        p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name != _LEFT_BY_PACKING
    )


def files(path: Path) -> list[Path]:
    """The files in order, those that begin with a point left out."""
    return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))


def classes_by_part(path: Path) -> dict[str, list[Path]]:
    """Part -> the folders of its classes; the one part "" where the sub-folders are the classes themselves.

    They are parts where all of them are called so and hold folders, or two of them are, one for training: the others,
    then, are none's, see `beside_parts`.
    """
    inside = folders(path)
    parts = {part.name: folders(part) for part in inside if part.name.lower() in PARTS and folders(part)}
    training = any(name.lower() in _TRAINING for name in parts)
    if parts and (len(parts) == len(inside) or (training and len(parts) > 1)):
        return parts
    return {"": inside}


def beside_parts(path: Path, split: dict[str, list[Path]]) -> list[str]:
    """The names of sub-folders that are none of the parts of `classes_by_part`."""
    return [] if "" in split else [folder.name for folder in folders(path) if folder.name not in split]
