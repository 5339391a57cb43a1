"""Where images and their captions stand: what a person may say of it, and what a run keeps."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from recurra.data.images.form import ImageForm


class CaptionOptions(BaseModel):
    """What a person says of the data; everything left out is worked out.

    Args:
        image: the column of image files.
        size: what images are resized to, such as "64" or "48x64"; the commonest size where it is left out.
        features: columns of numbers, or one that holds a list of them, to be captioned in place of images.
        target: the column of captions, or several; a cell may hold a list of them.
        split: the column that says train, validation or test.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str | None = None
    size: str | None = None
    features: list[str] | None = None
    target: str | list[str] | None = None
    split: str | None = None


class CaptionSchema(BaseModel):
    """Where inputs and captions stand. JSON-safe; a run keeps it in its `config.json`.

    Args:
        image, pixels: the column of image files, and what they are read as; None of vectors.
        features: the columns of numbers of a vector; none of images.
        size: I, numbers of a vector.
        target: the columns of captions.
        split: the column that says train, validation or test.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str | None = None
    pixels: ImageForm | None = None
    features: list[str] = []
    size: int = Field(default=0, ge=0)
    target: list[str]
    split: str | None = None

    @property
    def units(self) -> str:
        """What is captioned."""
        return "vectors" if self.pixels is None else "images"

    @property
    def read(self) -> str:
        """What is read, in a few words."""
        return self.image or ", ".join(self.features)
