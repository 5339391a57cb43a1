"""Image files, by pillow: what their headers say, and their pixels in one form; broken ones told by name."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.errors import DataError, InputError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
MOST_PIXELS = 50_000_000  # of a file; more is taken for an attack, or for no picture of this kind
_SIXTEEN_BITS = 65535.0
_WHITES = (1.0, 255.0, _SIXTEEN_BITS)  # that numbers of 32 bits are usually written up to
_OVERSHOT = 1.1  # times white: a number as much above it, as resizing leaves some, is white, too
_ORIENTATION, _LYING = (
    0x0112,
    (5, 6, 7, 8),
)  # of EXIF: the camera was held upright, and the sides change places
_TEXTS = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")  # where a PNG may say so
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


@dataclass(frozen=True)
class Look:
    """What the header of a file says.

    Args:
        height, width: in pixels, as the image is to be looked at.
        colour: whether pixels have a colour.
        transparent: whether some of them may be seen through.
        deep: whether they have more than eight bits.
        open_ended: whether these are numbers of 32 bits, and it is not said which of them is white.
    """

    height: int
    width: int
    colour: bool
    transparent: bool = False
    deep: bool = False
    open_ended: bool = False


def is_image(name: str) -> bool:
    """Whether a file's name ends as those of images do.

    >>> is_image("cats/Tom.JPG"), is_image("notes.txt")
    (True, False)
    """
    return name.lower().endswith(SUFFIXES)


def look_at(path: Path) -> Look:
    """Size and colours of a file, by its header.

    Raises:
        DataError: it is missing, empty, no image, or a huge one.
        InputError: pillow is not installed.
    """
    with _opened(path) as image:
        height, width = image.height, image.width
        if _is_lying(image, path):
            height, width = width, height
        return Look(
            height,
            width,
            colour=not _is_grey(image),
            transparent=_is_transparent(image),
            deep=image.mode.startswith(("I", "F")),
            open_ended=image.mode in ("I", "F"),
        )


def largest_in(path: Path) -> float:
    """The largest number of a file in grey.

    Raises:
        DataError: as `look_at`; or it is broken.
        InputError: pillow is not installed.
    """
    with _opened(path) as image:
        return _largest(np.asarray(image))


def white_of(largest: float) -> float:
    """The number that is white where the largest of a set of images is so large: 1, 255 or 65535, else that itself.

    >>> white_of(0.7), white_of(1.01), white_of(256), white_of(70000.0), white_of(1e6)
    (1.0, 1.0, 255.0, 65535.0, 1000000.0)
    """
    return next((white for white in _WHITES if largest <= _OVERSHOT * white), largest)


def read_image(path: Path, height: int, width: int, colours: int, white: float | None = None) -> np.ndarray:
    """(H, W, C) uint8 of a file: upright, resized, transparent parts on white; of an animation the first picture.

    Args:
        white: the number of 32 bits that is read as white; None: `white_of` the file's own largest.

    Raises:
        DataError: it is missing, empty, no image, broken or cut off, or a huge one.
        InputError: pillow is not installed.
    """
    ops = _pillow("ImageOps")
    with _opened(path) as image:
        image.load()
        return _in_form(ops.exif_transpose(image), height, width, colours, white)


def resized(pixels: np.ndarray, height: int, width: int, colours: int) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8 as (height, width, colours).

    >>> resized(np.full((2, 2), 7, dtype=np.uint8), 1, 1, 3).tolist()
    [[[7, 7, 7]]]
    """
    if pixels.shape == (height, width, colours):
        return pixels
    if pixels.shape == (height, width) and colours == 1:
        return pixels[:, :, None]
    return _in_form(_pillow("Image").fromarray(pixels), height, width, colours)


def _in_form(image: Image, height: int, width: int, colours: int, white: float | None = None) -> np.ndarray:
    library = _pillow("Image")
    if image.mode.startswith(("I", "F")):
        numbers = np.asarray(image)
        if image.mode.startswith("I;16"):
            white = _SIXTEEN_BITS
        image = library.fromarray(_eight_bits(numbers, white or white_of(_largest(numbers))))
    if _is_transparent(image):
        image = image.convert("RGBA")
        white = library.new("RGBA", image.size, "white")
        image = library.alpha_composite(white, image)
    image = image.convert("L" if colours == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), library.Resampling.BILINEAR)
    return np.asarray(image).reshape(height, width, colours)


def _eight_bits(numbers: np.ndarray, white: float) -> np.ndarray:
    """Grey as bytes; what is no number is black."""
    shares = np.clip(np.nan_to_num(numbers.astype(np.float64), nan=0.0) / white, 0, 1)
    return np.rint(255 * shares).astype(np.uint8)


def _largest(numbers: np.ndarray) -> float:
    return float(numbers.max(initial=0, where=np.isfinite(numbers)))


def _is_lying(image: Image, path: Path) -> bool:
    """Whether the sides change places when the image is turned upright."""
    if image.format == "TIFF":  # pillow has turned it
        return False
    # Of a PNG pillow reads all pixels to tell, where its first lines do not.
    if image.format == "PNG" and not _has_texts(path):
        return False
    return image.getexif().get(_ORIENTATION) in _LYING


def _has_texts(path: Path) -> bool:
    """Whether a PNG has a chunk that might say how it is to be turned, wherever it stands."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in _TEXTS:
                return True
            file.seek(length + 4, 1)
    return False


def _is_grey(image: Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette() or [0], dtype=np.uint8)
        return len(palette) % 3 == 0 and bool((palette.reshape(-1, 3) == palette.reshape(-1, 3)[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def _is_transparent(image: Image) -> bool:
    return image.mode in ("RGBA", "LA", "La", "PA", "RGBa") or "transparency" in image.info


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """A file as pillow opens it; whatever it stumbles over is a `DataError` in few words."""
    library: Any = _pillow("Image")
    try:
        if not path.stat().st_size:
            raise DataError("an empty file", where=str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata; and the limit of pixels is ours, below
            with library.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise DataError(f"more than {MOST_PIXELS:,} pixels", where=str(path))
                yield image
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError("no such file", where=str(path)) from None
    except library.DecompressionBombError:
        raise DataError(f"more than {MOST_PIXELS:,} pixels", where=str(path)) from None
    except library.UnidentifiedImageError:
        raise DataError("no image", where=str(path)) from None
    except _UNREADABLE:
        raise DataError("broken or cut off", where=str(path)) from None


def _pillow(part: str) -> ModuleType:
    import importlib

    try:
        return importlib.import_module(f"PIL.{part}")
    except ImportError:
        raise InputError(
            "images are read by pillow, which is not installed",
            fix="Install it: pip install 'recurra[images]'.",
        ) from None
