"""Images as packed sequences of bytes, and their scaling: by the colours of the training images alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recurra.data.images.form import ImageForm
from recurra.data.packed import Packed
from recurra.errors import DataError, RunError

IN_MEMORY = 1 << 28  # bytes of pixels that are kept in memory; more lie on disk, and are mapped


@dataclass(frozen=True)
class Pixels(Packed):
    """N images, or N sequences of images, as packed sequences of bytes.

    Args:
        values: (steps, I) uint8, 0 is black and 255 white.
        form: what a step is.
    """

    form: ImageForm

    def narrowed(self) -> Packed:
        """Itself: there may be more bytes than memory, and no step of an image is of another, too."""
        return self

    def images(self, n: int) -> np.ndarray:
        """(frames, H, W, C) uint8: the images of sequence n, one of them unless they are frames."""
        return self.form.to_images(self[n])


def room_for(images: int, form: ImageForm) -> np.ndarray:
    """(steps, I) uint8 to be filled with so many images; where that is much, a file that ends with the program."""
    shape = (images * form.length, form.features)
    if shape[0] * shape[1] <= IN_MEMORY:
        return np.empty(shape, dtype=np.uint8)
    with tempfile.TemporaryFile(prefix="recurra-pixels-") as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


@dataclass(frozen=True)
class ScaledPixels(Pixels):
    """The same bytes, handed out as float32: (x - mean) / scale of their colour.

    Args:
        means, scales: (C,) float32.
    """

    means: np.ndarray
    scales: np.ndarray

    def __getitem__(self, n: int) -> np.ndarray:
        return self._scaled(super().__getitem__(n))

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """See `Packed.flat`."""
        values, offsets = super().flat()
        return self._scaled(values), offsets

    def pad(
        self, indices: np.ndarray, steps: int | None = None, *, fill: float = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Packed.pad`; padding is `fill` on the scale that is handed out."""
        values, lengths = Packed(self.values, self.starts, self.lengths).pad(indices, steps)
        padded = self._scaled(values)
        padded[np.arange(padded.shape[1]) >= lengths[:, None]] = fill
        return padded, lengths

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        pixels = values.reshape(*values.shape[:-1], -1, len(self.means)).astype(np.float32)
        return ((pixels - self.means) / self.scales).reshape(values.shape)


@dataclass(frozen=True)
class PixelEncoder:
    """Scaling of the C colours of images, learned from the training images alone.

        y = (x - mean_c) / scale_c

    mean_c and scale_c are mean and standard deviation of a colour over all pixels of all training images: where in the
    image a pixel stands does not matter, so that a corner that is always black is not blown up. A colour with a single
    value has scale 1.

    Args:
        colour_means, colour_scales: (C,) float64.
        features: I, numbers of a step, the colours of a pixel side by side.

    >>> form = ImageForm(steps="rows", height=1, width=2, colours=1)
    >>> images = Pixels(np.array([[0, 200]], dtype=np.uint8), np.array([0]), np.array([1]), form)
    >>> PixelEncoder.fit(images).encode(images)[0]
    array([[-1.,  1.]], dtype=float32)
    """

    colour_means: np.ndarray
    colour_scales: np.ndarray
    features: int

    @classmethod
    def fit(cls, images: Pixels) -> Self:
        """Learn from the training images."""
        colours = images.form.colours
        counts = np.zeros((colours, 256))
        for n in range(len(images)):
            by_colour = images[n].reshape(-1, colours)
            for c in range(colours):
                counts[c] += np.bincount(by_colour[:, c], minlength=256)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        levels = np.arange(256)
        means = shares @ levels
        scales = np.sqrt((shares * (levels - means[:, None]) ** 2).sum(1))
        return cls(means, np.where(scales > 0, scales, 1.0), images.form.features)

    @property
    def channels(self) -> int:
        """I, numbers of a step that are read, and given out."""
        return self.features

    @property
    def size(self) -> int:
        """The same: no number of an image is missing."""
        return self.features

    @property
    def means(self) -> np.ndarray:
        """(I,) for each number of a step."""
        return np.tile(self.colour_means, self.features // len(self.colour_means))

    @property
    def scales(self) -> np.ndarray:
        """(I,) for each number of a step."""
        return np.tile(self.colour_scales, self.features // len(self.colour_scales))

    @property
    def marked(self) -> np.ndarray:
        """(I,) False: nothing marks what is missing."""
        return np.zeros(self.features, dtype=bool)

    def encode(self, sequences: Packed, rows: np.ndarray | None = None) -> Packed:
        """The sequences on the scale of the training images; bytes stay bytes until a batch is made of them.

        Args:
            sequences: `Pixels`, or numbers from 0 to 255 as steps (steps, I).
            rows: (N,) numbers of the records, for messages.

        Raises:
            DataError: another number of features than in training, or a missing or infinite number.
        """
        if sequences.values.ndim != 2 or sequences.channels != self.features:
            raise DataError(
                f"expected {self.features} numbers in a step as in training, found {sequences.values.shape[1:]}",
                fix="Give images of the same size, read in the same way.",
            )
        means, scales = self.colour_means.astype(np.float32), self.colour_scales.astype(np.float32)
        if isinstance(sequences, Pixels):
            bytes_ = (sequences.values, sequences.starts, sequences.lengths, sequences.form)
            return ScaledPixels(*bytes_, means, scales)
        packed = sequences.narrowed()
        broken = ~np.isfinite(packed.values).all(1)
        if broken.any():
            step = int(np.argmax(broken))
            n = int(np.argmax((packed.starts <= step) & (step < packed.starts + packed.lengths)))
            raise DataError(
                "expected numbers from 0 to 255, found a missing or infinite one",
                where=f"sequence {n} (counted from 0)" if rows is None else f"row {rows[n]}",
                fix="An image has a number at every pixel.",
            )
        scaled = (packed.values.astype(np.float64) - self.means) / self.scales
        return Packed(scaled.astype(np.float32), packed.starts, packed.lengths)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, exact."""
        return {
            "colour_means": self.colour_means.tolist(),
            "colour_scales": self.colour_scales.tolist(),
            "features": self.features,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            RunError: other keys, other types, or numbers that cannot be.
        """
        lists = ("colour_means", "colour_scales")
        if not isinstance(stored, dict) or set(stored) != {*lists, "features"}:
            raise _broken("expected the keys colour_means, colour_scales, features")
        for key in lists:
            if not isinstance(stored[key], list) or not all(type(entry) is float for entry in stored[key]):
                raise _broken(f"expected {key} to be a list of float")
        means, scales = (np.array(stored[key]) for key in lists)
        features = stored["features"]
        if not len(means) == len(scales) or len(means) not in (1, 3):
            raise _broken(f"expected one or three colours, found {len(means)} and {len(scales)}")
        if type(features) is not int or features < 1 or features % len(means):
            raise _broken(f"expected a step of some pixels of {len(means)} colours, found {features!r}")
        if not (np.isfinite(means).all() and np.isfinite(scales).all() and (scales > 0).all()):
            raise _broken("expected finite means, and finite scales above 0")
        return cls(means, scales, features)


def _broken(problem: str) -> RunError:
    return RunError(problem, where="scaling of pixels", fix="Copy the whole run folder again, or fit again.")
