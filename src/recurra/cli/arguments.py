"""Arguments and options that several verbs have: what the data are, and how they are split."""

from __future__ import annotations

from typing import Annotated

import typer

DATA = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, JSONL, Parquet, .ts, CoNLL, MIDI or text file, piano rolls (.mat, .npz), MNIST's idx files, "
        "a folder of recordings, of MIDI files, or with one sub-folder per class (texts, images, "
        "folders of frames), or - .",
    ),
]
TEST = Annotated[
    str | None, typer.Option(metavar="FILE", help="Score on this file; else a part of DATA is held out.")
]
TASK = Annotated[
    str | None,
    typer.Option(
        help="classify, regress, tag, forecast, generate, translate, transcribe or caption; else worked out."
    ),
]
TARGET = Annotated[
    list[str] | None,
    typer.Option(metavar="COL", help="Column to learn, or file of translations; several: several labels."),
]
TEXT = Annotated[str | None, typer.Option(metavar="COL", help="Column of texts, or of words.")]
IMAGE = Annotated[str | None, typer.Option(metavar="COL", help="Column of image files.")]
STEPS = Annotated[
    str | None,
    typer.Option(
        help="What a step of an image is: rows, columns, pixels or whole; else rows. Of frames: frames."
    ),
]
SIZE = Annotated[
    str | None,
    typer.Option(
        metavar="HxW", help="Images are resized to this, such as 28 or 28x32; else the commonest size."
    ),
]
FEATURES = Annotated[
    str | None,
    typer.Option(
        metavar="COL,COL", help="Columns of numbers, in order; of tagged words what else is known of them."
    ),
]
TIME = Annotated[str | None, typer.Option(metavar="COL", help="Column that orders the rows.")]
ID = Annotated[
    str | None, typer.Option(metavar="COL", help="Column that says which sequence a row belongs to.")
]
GROUP = Annotated[
    str | None,
    typer.Option(metavar="COL", help="Rows of one group never stand on both sides of a split."),
]
SPLIT = Annotated[str | None, typer.Option(metavar="COL", help="Column that says train, validation or test.")]
IGNORE = Annotated[str | None, typer.Option(metavar="COL,COL", help="Columns not to use.")]
LAYOUT = Annotated[
    str | None, typer.Option(help="text, wide, lists, long, stream or images; else worked out.")
]
LEVEL = Annotated[
    str | None,
    typer.Option(metavar="frames|events", help="Of music: what is foretold; else frames."),
]
HORIZON = Annotated[int | None, typer.Option(help="Steps to forecast; says that DATA is one or more series.")]
LOOK_BACK = Annotated[int | None, typer.Option(help="Steps that a forecast is made from; else worked out.")]
LM = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="A run of --task generate, by character, that helps to transcribe; it is kept within RUN.",
    ),
]
KNOWN = Annotated[str | None, typer.Option(metavar="COL,COL", help="Columns known ahead of time.")]
PAST = Annotated[str | None, typer.Option(metavar="COL,COL", help="Columns known up to now.")]
STATIC = Annotated[
    str | None,
    typer.Option(metavar="COL,COL", help="Columns that say one thing of a whole series."),
]
FREQUENCY = Annotated[
    str | None,
    typer.Option(help="How often steps are, such as 1h, 1d, 1mo; else worked out."),
]
SEASON = Annotated[int | None, typer.Option(help="Steps of a season; else by the frequency.")]
WINDOW = Annotated[int | None, typer.Option(help="Steps of a window cut from a stream.")]
STRIDE = Annotated[int | None, typer.Option(help="Steps between two windows.")]
LABEL_SEPARATOR = Annotated[str | None, typer.Option(help="What stands between several labels in a cell.")]
ENCODING = Annotated[str | None, typer.Option(help="Text encoding of the file; else it is detected.")]
VALIDATION = Annotated[
    float | None,
    typer.Option(help="Share of the training data for validation; else a tenth, or none of a small set."),
]
TEST_SHARE = Annotated[
    float | None,
    typer.Option(help="Share of DATA held out when there is no --test; else a fifth, of text a twentieth."),
]
SET = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="K=V",
        help="A setting, such as network.hidden_size=64; `recurra info --settings` lists them.",
    ),
]
SEED = Annotated[int, typer.Option(help="Seed of everything random.")]
