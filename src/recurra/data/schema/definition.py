"""What a table's columns mean: the options a person may give, and the schema a run keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recurra.data.images.form import ImageForm, StepOf

Task = Literal["classify", "regress", "tag"]
Layout = Literal["text", "wide", "lists", "long", "stream", "images"]
TargetKind = Literal["binary", "multiclass", "multilabel", "real", "text"]


class SchemaOptions(BaseModel):
    """What a person says of the columns; everything left out is worked out from the data.

    Args:
        task: "classify", "regress", or "tag": a target at every step.
        text: the column that holds the texts.
        image: the column that holds the names of image files.
        steps: what a step of an image is, see `ImageForm`; rows where it is left out.
        size: what images are resized to, height and width in pixels such as "28x32", or one number for both.
        features: the columns that hold the numbers, in order.
        target: the column to be learned; several columns of 0 and 1 are several labels.
        time: the column that orders the rows.
        id: the column that says which sequence a row belongs to (long form).
        group: rows of one group (a person, a machine) never stand on both sides of a split.
        split: the column that says train, validation or test.
        layout: how rows make sequences, see `Schema`.
        window: steps in a window cut from a stream.
        stride: steps between the starts of two windows; `window` where it is left out.
        label_separator: what stands between several labels in one cell, such as "|".
        ignore: columns that are not to be used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Task | None = None
    text: str | None = None
    image: str | None = None
    steps: StepOf | None = None
    size: str | None = None
    features: list[str] | None = None
    target: str | list[str] | None = None
    time: str | None = None
    id: str | None = None
    group: str | None = None
    split: str | None = None
    layout: Layout | None = None
    window: int | None = Field(default=None, ge=1)
    stride: int | None = Field(default=None, ge=1)
    label_separator: str | None = Field(default=None, min_length=1)
    ignore: list[str] = []


class Schema(BaseModel):
    """What the columns of a table mean. JSON-safe; a run keeps it in its `config.json`.

    Layouts:
        text: a row is a text.
        wide: a row is a sequence, a column is a step of a channel; missing values at its end are no steps.
        lists: a row is a sequence, a column holds all steps of a channel (`.ts`, JSON lines).
        long: a row is a step; rows of one `id`, ordered by `time`, are a sequence with one target, or with one at
            every step where the task is "tag".
        stream: a row is a step of one long record with a target at every step; it is cut into windows of
            `window` steps, one every `stride`, and a window's target is that of its last step: what is to be
            known at that moment, with nothing from after it.
        images: a row is an image, or a sequence of them.

    Args:
        task: "classify", "regress" or "tag".
        target_kind: "binary", "multiclass", "multilabel", "real", or "text": each a text of its own, none of classes.
        input: "text" or "sequence".
        layout: see above.
        text: the column of texts.
        image, pixels: the column of images, and what they are read as.
        features: the columns of numbers; in wide layout channel after channel, each in the order of its
            steps.
        channels: names of the I input features.
        target: the column to be learned, or one column per label.
        time, id, group, split: the columns of these roles, see `SchemaOptions`.
        window, stride: of a stream.
        label_separator: between the labels in one cell.
        classes: class names in the order of the network's outputs; empty for regression.
        set_aside: column -> why it is not used.
        input_why, target_why, task_why: why these were chosen, a sentence each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Task
    target_kind: TargetKind
    input: Literal["text", "sequence"]
    layout: Layout
    text: str | None = None
    image: str | None = None
    pixels: ImageForm | None = None
    features: list[str] = []
    channels: list[str] = []
    target: list[str] = []
    time: str | None = None
    id: str | None = None
    group: str | None = None
    split: str | None = None
    window: int | None = None
    stride: int | None = None
    label_separator: str | None = None
    classes: list[str] = []
    set_aside: dict[str, str] = {}
    input_why: str = ""
    target_why: str = ""
    task_why: str = ""

    @property
    def in_order_of_time(self) -> bool:
        """Examples to learn from come in the order of time, so that the last of them can test the first."""
        return self.layout == "stream" or (self.time is not None and self.layout != "long")

    @property
    def steps(self) -> int | None:
        """Steps of a row in wide layout."""
        return len(self.features) // len(self.channels) if self.layout == "wide" else None
