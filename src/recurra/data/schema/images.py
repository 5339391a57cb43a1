"""The column of images, where there is one: what it is read as, and its pixels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

from recurra.data.images.files import Look, is_image, largest_in, look_at, read_image, resized, white_of
from recurra.data.images.form import ImageForm
from recurra.data.images.pixels import Pixels, room_for
from recurra.data.schema.definition import Schema, SchemaOptions
from recurra.data.schema.profile import Column
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError, InputError

_MOSTLY = 0.9  # of a column's names end as those of images do
_FEW = 0.1  # of the images in colour: they are read as grey, as the others are
_LARGE = 128  # pixels a side, from which on it is said that images can be made smaller
_NAMED = 5  # files in a sentence


def choose_image(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[str, str] | None:
    """The column of images and why; None where there is none.

    What was asked for; what the file's format says; else the one column whose strings, or lists of strings, are names
    of image files.

    Raises:
        DataError: several columns could be it.
        InputError: options for images, and no images.
    """
    if options.image is not None:
        return options.image, "as asked"
    read_as_numbers = options.text is not None or options.features is not None
    if not read_as_numbers and options.layout in (None, "images"):
        if "image" in table.roles:
            return table.roles["image"], f"as the {table.format} form has it"
        able = [column.name for column in free if _names_images(table.frame[column.name])]
        if len(able) > 1:
            raise DataError(
                "several columns name images, and one is read",
                where=table.origin,
                fix=f"Name it (--image COLUMN): {listed(able)}.",
            )
        if able:
            return able[0], "names of image files"
    for option, value in (("steps", options.steps), ("size", options.size)):
        if value is not None:
            raise InputError(
                "this says how images are read, and there are none in the data",
                where=f"--{option}",
                fix="Leave it out, or name the column of image files (--image COLUMN).",
            )
    return None


def form_of(table: Table, column: str, options: SchemaOptions) -> tuple[ImageForm, str]:
    """What the images of `column` are read as, and what is to be said of it.

    The size asked for, else the commonest one; grey if nearly all of them are.

    Raises:
        DataError: no image can be read, or the column holds none.
        InputError: a size that is none, or a step that these images do not have.
    """
    values = table.frame[column]
    framed = values.dtype == pl.List(pl.String)
    steps = options.steps or ("frames" if framed else "rows")
    if framed != (steps == "frames"):
        raise InputError(
            "an example is a sequence of images, and each of them is a step"
            if framed
            else "an example is one image, and there are no frames",
            where=f"--steps {steps}",
            fix="Leave it out." if framed else "Say rows, columns, pixels or whole.",
        )
    looks = _looks(table, column)
    sizes = Counter((look.height, look.width) for look in looks)
    (height, width), count = sizes.most_common(1)[0]
    why = (
        "the size of all"
        if len(sizes) == 1
        else f"the commonest of {len(sizes)} sizes, that of {count:,} images"
    )
    if options.size is not None:
        (height, width), why = _size(options.size), "as asked"
    elif max(height, width) > _LARGE:
        why += "; --size makes them smaller"
    coloured = sum(look.colour for look in looks) > _FEW * len(looks)
    white = _white(table, values.explode()) if any(look.open_ended for look in looks) else None
    form = ImageForm(steps=steps, height=height, width=width, colours=3 if coloured else 1, white=white)
    return form, form.told(why) + ("" if options.steps or framed else " (--steps says otherwise)")


def _looks(table: Table, column: str) -> list[Look]:
    values = table.frame[column]
    if isinstance(values.dtype, pl.Array):
        shape = values.dtype.shape
        return [Look(shape[0], shape[1], colour=len(shape) == 3 and shape[2] == 3)]
    if values.dtype not in (pl.String, pl.List(pl.String)):
        raise DataError(
            f"this column holds no names of image files (its type is {values.dtype})",
            where=f"{table.origin}, column {column!r}",
            fix=f"The columns are: {listed(table.frame.columns)}.",
        )
    looks, problems = [], []
    for name in values.explode().drop_nulls():
        try:
            looks.append(look_at(_path(table, name)))
        except DataError as error:
            problems.append(f"{name}: {error.problem}")
    if not looks:
        raise DataError(
            "none of the image files can be read" if problems else "there is no image file",
            where=f"{table.origin}, column {column!r}",
            fix=f"File names are relative to the folder of the table. {'; '.join(problems[:3])}",
        )
    return looks


def _white(table: Table, names: Iterable[str | None]) -> float:
    """The number that is white in all those images that hold numbers of 32 bits: one for all, so that what is equally
    bright in two of them stays so.
    """
    largest = 0.0
    for name in names:
        try:
            if name is not None and look_at(_path(table, name)).open_ended:
                largest = max(largest, largest_in(_path(table, name)))
        except DataError:  # told where the image itself is read
            continue
    return white_of(largest)


def _size(asked: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d{1,4})(?:\s*[xX]\s*(\d{1,4}))?\s*", asked)
    height, width = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not height or not width:
        raise InputError(
            f"expected height and width in pixels, such as 28 or 28x32, found {asked!r}", where="--size"
        )
    return height, width


def _names_images(column: pl.Series) -> bool:
    if column.dtype == pl.List(pl.String):
        column = column.explode()
    if column.dtype != pl.String:
        return False
    head = [name for name in column.drop_nulls().head(256).to_list() if name.strip()]
    return bool(head) and sum(map(is_image, head)) >= _MOSTLY * len(head)


def _path(table: Table, name: str) -> Path:
    return (table.folder or Path()) / name.strip()


@dataclass
class _Told:
    """What was done to images on reading them: the names, by what it was."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, name: str) -> None:
        self.found.setdefault(what, []).append(name)

    def lines(self) -> list[str]:
        return [
            f"{len(names):,} image{'s' * (len(names) > 1)} {what}: {listed(names, _NAMED)}"
            for what, names in self.found.items()
        ]


def images(table: Table, schema: Schema) -> tuple[Pixels, dict[str, list[int]], np.ndarray, list[str]]:
    """The images of a table as sequences; rows whose image cannot be read are left out.

    Returns the sequences, the reasons with their rows, (N,) bool the rows kept, and what was done to some images, in
    sentences.
    """
    form, column = schema.pixels, schema.image
    assert form is not None and column is not None
    values = table.frame[column]
    if isinstance(values.dtype, pl.Array):
        pixels, told = _of_arrays(values, form)
        return pixels, {}, np.ones(len(values), dtype=bool), told
    if values.dtype == pl.String:
        rows = [[name] if name is not None and name.strip() else [] for name in values]
    elif values.dtype == pl.List(pl.String):
        rows = [[name for name in names or [] if name is not None] for names in values.to_list()]
    else:
        raise DataError(
            f"this column holds no names of image files (its type is {values.dtype})",
            where=f"{table.origin}, column {column!r}",
            fix="Give the name of a file in every row.",
        )
    if form.steps != "frames" and any(len(names) > 1 for names in rows):
        raise DataError(
            "an example is a sequence of images, and this run reads one image each",
            where=f"{table.origin}, column {column!r}",
            fix="Give one image in every row.",
        )
    return _of_files(table, rows, form)


def _of_arrays(values: pl.Series, form: ImageForm) -> tuple[Pixels, list[str]]:
    given = values.to_numpy()
    told = []
    if given.shape[1:3] != (form.height, form.width):
        told = [
            f"all images resized from {given.shape[1]} x {given.shape[2]} to {form.height} x {form.width}"
        ]
    store = room_for(len(given), form)
    for n, image in enumerate(given):
        store[n * form.length : (n + 1) * form.length] = form.to_steps(
            resized(image, form.height, form.width, form.colours)
        )
    lengths = np.full(len(given), form.length, dtype=np.int64)
    return Pixels(store, np.arange(len(given)) * form.length, lengths, form), told


def _of_files(
    table: Table, rows: list[list[str]], form: ImageForm
) -> tuple[Pixels, dict[str, list[int]], np.ndarray, list[str]]:
    store = room_for(sum(map(len, rows)), form)
    lengths = np.zeros(len(rows), dtype=np.int64)
    broken: dict[str, list[tuple[int, str]]] = {}
    told, at = _Told(), 0
    for row, names in enumerate(rows):
        for name in names:
            try:
                look = look_at(_path(table, name))
                if look.open_ended and form.white is None:
                    form = form.model_copy(update={"white": _white(table, chain.from_iterable(rows))})
                image = _read(table, name, look, form, told)
            except DataError as error:
                broken.setdefault(error.problem, []).append((row, name))
                continue
            store[at : at + form.length] = form.to_steps(image)
            at += form.length
            lengths[row] += form.length
    kept = lengths > 0
    reasons: dict[str, list[int]] = {}
    empty = [row + 1 for row, names in enumerate(rows) if not names]
    if empty:
        reasons["no image named"] = empty
    for problem, places in broken.items():
        lost = [(row, name) for row, name in places if not kept[row]]
        if lost:
            names = list(dict.fromkeys(name for _, name in lost))
            of_rows = sorted({row + 1 for row, _ in lost} - {r for rows_ in reasons.values() for r in rows_})
            reasons[f"{problem} ({listed(names, _NAMED)})"] = of_rows
        for _, name in (place for place in places if kept[place[0]]):
            told.add(f"left out of sequences, {problem}", name)
    lengths = lengths[kept]
    pixels = Pixels(store[:at], np.cumsum(lengths) - lengths, lengths, form)
    return pixels, {why: found for why, found in reasons.items() if found}, kept, told.lines()


def _read(table: Table, name: str, look: Look, form: ImageForm, told: _Told) -> np.ndarray:
    image = read_image(_path(table, name), form.height, form.width, form.colours, form.white)
    if (look.height, look.width) != (form.height, form.width):
        told.add(f"of another size, resized to {form.height} x {form.width}", name)
    if look.colour and form.colours == 1:
        told.add("in colour, read as grey", name)
    elif not look.colour and form.colours == 3:
        told.add("in grey among those in colour", name)
    if look.transparent:
        told.add("with transparent parts, read on white", name)
    if look.open_ended:
        told.add(f"of 32 bits a pixel, read with 8: {form.white:g} is white", name)
    elif look.deep:
        told.add("of more than 8 bits a pixel, read with 8", name)
    return image


def of_frames(table: Table, schema: Schema) -> Table:
    """Folders of images as sequences of frames where a run reads such: each folder, or the only one, is an example.

    A column that alone names images is that of the run, whatever it is called.
    """
    if schema.image is None or (schema.image in table.frame.columns and "image" not in table.roles):
        return table
    column = table.roles.get("image") or _only_images(table)
    if column is None:
        return table
    if (
        "image" in table.roles
        and schema.pixels is not None
        and schema.pixels.steps == "frames"
        and table.frame[column].dtype == pl.String
    ):
        groups = [name for name in ("part", "label") if name in table.frame.columns]
        frame = table.frame
        if groups:
            frame = frame.group_by(groups, maintain_order=True).agg(pl.col(column))
        else:
            frame = frame.select(pl.col(column).implode())
        table = replace(table, frame=frame)
    if column != schema.image:
        table = replace(table, frame=table.frame.rename({column: schema.image}))
    return table


def _only_images(table: Table) -> str | None:
    able = [name for name in table.frame.columns if _names_images(table.frame[name])]
    return able[0] if len(able) == 1 else None
