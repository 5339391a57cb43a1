"""Folders whose sub-folders are classes, or parts that hold those."""

from __future__ import annotations

from pathlib import Path

PARTS = {"train", "training", "valid", "validation", "val", "dev", "test"}


def folders(path: Path) -> list[Path]:
    """The sub-folders in order, those that begin with a point left out."""
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def files(path: Path) -> list[Path]:
    """The files in order, those that begin with a point left out."""
    return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))


def classes_by_part(path: Path) -> dict[str, list[Path]]:
    """Part -> the folders of its classes; the one part "" where the sub-folders are the classes themselves."""
    inside = folders(path)
    if inside and {part.name.lower() for part in inside} <= PARTS and all(folders(part) for part in inside):
        return {part.name: folders(part) for part in inside}
    return {"": inside}
