"""Small drawn images, written as files: a bar that stands or lies, and one that moves."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 8


def bar(kind: str, place: int, *, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """(H, W) uint8, a white bar at a place on black."""
    image = np.zeros((height, width), dtype=np.uint8)
    if kind == "lying":
        image[place % height] = 255
    else:
        image[:, place % width] = 255
    return image


def write_image(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)
    return path


def folder_of_bars(root: Path, count: int = 30) -> Path:
    """root/lying/0.png ...: so many images of each class."""
    rng = np.random.default_rng(0)
    for kind in ("lying", "standing"):
        for n in range(count):
            noise = rng.integers(0, 60, (SIDE, SIDE), dtype=np.uint8)
            write_image(root / kind / f"{n}.png", np.maximum(bar(kind, n), noise))
    return root


def folder_of_clips(root: Path, count: int = 12) -> Path:
    """root/left/0/frame_1.png ...: a standing bar that moves, over four to six frames."""
    for kind, step in (("left", -1), ("right", 1)):
        for n in range(count):
            for t in range(4 + n % 3):
                write_image(root / kind / str(n) / f"frame_{t + 1}.png", bar("standing", n + step * t))
    return root


def idx_bytes(values: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return head + values.astype(np.uint8).tobytes()


def write_idx(folder: Path, name: str, images: np.ndarray, labels: np.ndarray | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-images-idx3-ubyte"
    path.write_bytes(idx_bytes(images))
    if labels is not None:
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return path
