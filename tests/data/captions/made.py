"""Made scenes: a bar that stands or lies, in one half of a small image, with sentences that describe it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tests.data.images.made import bar, write_image

SIDE = 8


def scene(kind: str, place: int) -> tuple[np.ndarray, list[str]]:
    """An image, and its captions."""
    low = place < SIDE // 2
    where = (
        ("at the top" if low else "at the bottom")
        if kind == "lying"
        else ("on the left" if low else "on the right")
    )
    return bar(kind, place), [f"a {kind} bar {where}", f"{where} a {kind} bar"]


def write_scenes(folder: Path, count: int = 40, seed: int = 0) -> Path:
    """`scenes.csv` with its images: two columns of captions."""
    rng, rows = np.random.default_rng(seed), []
    for n in range(count):
        image, captions = scene("lying" if n % 2 else "standing", int(rng.integers(SIDE)))
        name = f"images/{n}.png"
        write_image(folder / name, np.maximum(image, rng.integers(0, 50, image.shape, dtype=np.uint8)))
        rows.append({"file": name, "caption_1": captions[0], "caption_2": captions[1]})
    pl.DataFrame(rows).write_csv(folder / "scenes.csv")
    return folder / "scenes.csv"


def write_flickr(folder: Path, absent: tuple[int, ...] = ()) -> Path:
    """Twelve images in the layout of Flickr8k, two captions each; some of them missing."""
    lines, lists = [], {"train": [], "dev": [], "test": []}
    for n in range(12):
        image, captions = scene("lying" if n % 2 else "standing", n % SIDE)
        if n not in absent:
            write_image(folder / "Flicker8k_Dataset" / f"{n}.jpg", image)
        lines += [f"{n}.jpg#{k}\t{caption} ." for k, caption in enumerate(captions)]
        lists["dev" if n == 10 else "test" if n == 11 else "train"].append(f"{n}.jpg")
    lines.append("13.jpg#0\tin no list")
    (folder / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    for part, names in lists.items():
        (folder / f"Flickr_8k.{part}Images.txt").write_text("\n".join(names) + "\n")
    return folder
