"""The layout of Flickr8k and Flickr30k: a file of captions, lists of the images of each part, a folder of images."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from recurra.data.images.files import is_image
from recurra.data.sources.encodings import load, to_utf8
from recurra.data.sources.table import Table, numbered
from recurra.errors import DataError

_TOKENS = re.compile(r"(?i).*\.token(\.txt)?(\.gz)?|results_\d+\.token")
_LIST = re.compile(r"(?i).*[_.](?P<part>train|dev|test)Images\.txt(\.gz)?")
_PARTS = {"train": "train", "dev": "validation", "test": "test"}
_LINE = re.compile(r"(?P<image>[^\t]+?)#(?P<number>\d+)\t(?P<caption>.*)")


def token_file(path: Path) -> Path | None:
    """The file of captions of such a folder, or of a path that is that file; None where it is no such layout."""
    if path.is_file():
        return path if _TOKENS.fullmatch(path.name) else None
    found = sorted(file for file in path.iterdir() if file.is_file() and _TOKENS.fullmatch(file.name))
    plain = [file for file in found if "lemma" not in file.name.lower()]
    return plain[0] if plain else None


def read_flickr(tokens: Path, encoding: str | None = None) -> Table:
    """A row per image: `image`, a list `caption`, and `part` by the lists `*.trainImages.txt` and so on beside it.

    A line of the file of captions is `image.jpg#0<TAB>caption`. Images in no list are left out where there are lists.
    They are looked for beside the file and in the folders there.

    Raises:
        DataError: no line of that form.
    """
    folder = tokens.parent
    captions: dict[str, list[str]] = {}
    odd: list[int] = []
    text, notes = _text(tokens, encoding)
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match:
            captions.setdefault(match["image"], []).append(match["caption"].strip())
        elif line.strip():
            odd.append(number)
    if not captions:
        raise DataError(
            "no line is an image, its number and a caption",
            where=tokens.name,
            fix="Expected: image.jpg#0<TAB>caption.",
        )
    if odd:
        lines = numbered(odd).replace("row", "line", 1)
        notes.append(f"{len(odd)} lines are no captions, and not read: {lines}")
    parts: dict[str, str] = {}
    for file in sorted(folder.iterdir()):
        if match := _LIST.fullmatch(file.name):
            names = _text(file, encoding)[0].split()
            parts.update(dict.fromkeys(names, _PARTS[match["part"].lower()]))
            notes.append(f"{_PARTS[match['part'].lower()]}: {len(names):,} images by {file.name}")
    places = {file.name: file for file in folder.rglob("*") if is_image(file.name)}
    names = [name for name in captions if not parts or name in parts]
    if left := len(captions) - len(names):
        notes.append(f"{left:,} images with captions are in none of the lists, and left out")
    frame = pl.DataFrame(
        {
            "image": [str(places[name].relative_to(folder)) if name in places else name for name in names],
            "caption": [captions[name] for name in names],
        }
    )
    roles = {"image": "image", "target": "caption"}
    if parts:
        frame = frame.with_columns(part=pl.Series([parts[name] for name in names]))
        roles["split"] = "part"
    return Table(frame, tokens.name, "flickr", tuple(notes), roles, folder=folder)


def _text(file: Path, encoding: str | None) -> tuple[str, list[str]]:
    data, notes = to_utf8(load(file, file.name), file.name, encoding)
    return data.decode(), notes
