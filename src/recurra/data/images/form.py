"""What images are read as: their size, their colours, and what a step of them is."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_PIXELS = 100_000_000  # more than any file that is read, or size that can be asked for
StepOf = Literal["rows", "columns", "pixels", "whole", "frames"]
_STEP = {
    "rows": "a row of pixels is a step",
    "columns": "a column of pixels is a step",
    "pixels": "a pixel is a step, row after row",
    "whole": "the whole image is one step",
    "frames": "an image is a step",
}


class ImageForm(BaseModel):
    """Images of one size as sequences. JSON-safe.

    Args:
        steps: what a step is: of one image its "rows", its "columns", its "pixels", or all of it ("whole"); of a
            sequence of images each of them ("frames").
        height, width: H and W, pixels.
        colours: C, numbers per pixel: 1 (grey) or 3 (red, green, blue).
        white: the number that is white in files of 32-bit numbers; None where there were none.

    >>> form = ImageForm(steps="rows", height=2, width=3, colours=1)
    >>> form.features, form.length
    (3, 2)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: StepOf
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    colours: Literal[1, 3]
    white: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits_in_memory(self) -> Self:
        if self.height * self.width > MOST_PIXELS:
            raise ValueError(f"images of more than {MOST_PIXELS:,} pixels are not read")
        return self

    @property
    def length(self) -> int:
        """Steps of one image."""
        return {"rows": self.height, "columns": self.width, "pixels": self.height * self.width}.get(
            self.steps, 1
        )

    @property
    def features(self) -> int:
        """I, numbers of a step."""
        return self.height * self.width * self.colours // self.length

    @property
    def whole_images(self) -> bool:
        """Whether a step is an image, which convolutions can read."""
        return self.steps in ("whole", "frames")

    def to_steps(self, image: np.ndarray) -> np.ndarray:
        """(H, W, C) -> (length, I)."""
        if self.steps == "columns":
            image = image.transpose(1, 0, 2)
        return image.reshape(self.length, self.features)

    def to_images(self, steps: np.ndarray) -> np.ndarray:
        """(length, I) -> (1, H, W, C); of frames (T, I) -> (T, H, W, C).

        >>> form = ImageForm(steps="columns", height=2, width=2, colours=1)
        >>> form.to_images(form.to_steps(np.arange(4).reshape(2, 2, 1)))[0, :, :, 0].tolist()
        [[0, 1], [2, 3]]
        """
        if self.steps == "columns":
            return steps.reshape(1, self.width, self.height, self.colours).transpose(0, 2, 1, 3)
        return steps.reshape(-1, self.height, self.width, self.colours)

    def told(self, of_size: str) -> str:
        """In words.

        Args:
            of_size: why it is this size.
        """
        colour = "grey" if self.colours == 1 else "in colour"
        return f"{self.height} x {self.width} pixels ({of_size}), {colour}; {_STEP[self.steps]}"
