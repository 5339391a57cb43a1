"""From tables of images, or of vectors, with captions to examples."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recurra.data.captions.definition import CaptionOptions, CaptionSchema
from recurra.data.captions.flickr import read_flickr, token_file
from recurra.data.examples import Examples
from recurra.data.numbers import compact
from recurra.data.packed import Packed
from recurra.data.schema import SchemaOptions, Unusable
from recurra.data.schema.definition import Schema
from recurra.data.schema.images import choose_image, form_of, images
from recurra.data.schema.names import PARTS, plain
from recurra.data.schema.profile import Column, profile
from recurra.data.schema.sequences import matrix
from recurra.data.schema.values import texts
from recurra.data.sources import read
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError, InputError

_CAPTIONS = (
    "caption",
    "captions",
    "sentence",
    "sentences",
    "description",
    "descriptions",
    "text",
    "comment",
    "raw",
)
_NAMED = 5


@dataclass(frozen=True)
class ReadCaptions:
    """What was read.

    Args:
        examples: sequences are the inputs, one step each; targets (N,) object array of tuples of captions.
        schema: where they stood.
        notes: what was found, in sentences.
    """

    examples: Examples
    schema: CaptionSchema
    notes: list[str]


def read_captions(
    source: Any,
    options: CaptionOptions | None = None,
    *,
    encoding: str | None = None,
    schema: CaptionSchema | None = None,
) -> ReadCaptions:
    """Images, or vectors of features, with their captions.

    Rows of the same image are one example of several captions. Not used are rows whose image cannot be read, or without
    a caption.

    Args:
        source: a table with a column of image files, relative to it, or columns of numbers, and one or more of
            captions; the folder or file of captions of Flickr8k; a frame.
        options: what a person says of the columns.
        schema: of a run: the columns are those, and images are read as it read them.

    Raises:
        DataError, InputError: what is wrong, where, and what to do.
    """
    table = _table(source, encoding)
    schema = schema or _infer(table, options or CaptionOptions())
    for name in schema.target:
        table.column(name, "the captions")
    inputs, kept, reasons, notes = _inputs(table, schema)
    said = _captions(table, schema.target)
    rows = np.flatnonzero(kept)
    silent = np.array([not said[row] for row in rows], dtype=bool)
    if silent.any():
        reasons["no caption"] = (rows[silent] + 1).tolist()
    if silent.all():
        raise DataError(
            "no row can be used", where=table.origin, fix="; ".join([*Unusable(reasons).lines(), *notes][:4])
        )
    spoken = np.flatnonzero(~silent)
    parts = _parts(table, schema)
    names = _names(table, schema)
    examples = Examples(
        None,
        inputs.take(spoken),
        _objects([tuple(said[row]) for row in rows[spoken]]),
        rows[spoken] + 1,
        parts=None if parts is None else parts[rows[spoken]],
        names=None if names is None else names[rows[spoken]],
    )
    examples = _together(examples, f"{table.origin}, column {schema.split!r}")
    notes = [
        f"{table.origin}: {len(table):,} rows ({table.format})",
        *(f"  {note}" for note in table.notes),
        *_told(schema, examples),
        *Unusable(reasons).lines(),
        *notes,
    ]
    return ReadCaptions(examples, schema, notes)


def read_inputs(
    source: Any, schema: CaptionSchema, *, encoding: str | None = None
) -> tuple[Examples, list[str]]:
    """Images, or vectors, to be captioned: as a run read its own; captions need not be there.

    Raises:
        DataError, InputError: what is wrong, where, and what to do.
    """
    table = _table(source, encoding)
    inputs, kept, reasons, notes = _inputs(table, schema)
    rows, names = np.flatnonzero(kept), _names(table, schema)
    examples = Examples(None, inputs, None, rows + 1, names=None if names is None else names[rows])
    return examples, [*table.notes, *Unusable(reasons).lines(), *notes]


def _table(source: Any, encoding: str | None) -> Table:
    if isinstance(source, str | os.PathLike) and source != "-" and Path(source).exists():
        tokens = token_file(Path(source))
        if tokens is not None:
            return read_flickr(tokens, encoding)
    return read(source, encoding=encoding)


def _infer(table: Table, options: CaptionOptions) -> CaptionSchema:
    columns = profile(table)
    asked = SchemaOptions(image=options.image, features=options.features, size=options.size, steps=None)
    given = [options.target] if isinstance(options.target, str) else options.target
    for name in [*(given or []), *(options.features or []), *([options.image] if options.image else [])]:
        table.column(name, "the caption" if name in (given or []) else "what is read")
    target = given or _target(table, columns)
    split = options.split or table.roles.get("split")
    free = [column for name, column in columns.items() if name not in target]
    image = choose_image(table, asked, free)
    if image is not None:
        whole = asked.model_copy(update={"steps": "whole"})
        form, _ = form_of(table, image[0], whole)
        return CaptionSchema(image=image[0], pixels=form, target=target, split=split)
    features = options.features or _features(free, split)
    if not features:
        raise DataError(
            "there is nothing to be captioned: no column of image files, and none of numbers",
            where=table.origin,
            fix=f"Name the images (--image COLUMN) or the numbers (--features COLUMNS): {listed(table.frame.columns)}.",
        )
    return CaptionSchema(features=features, size=_size(table, features), target=target, split=split)


def _features(free: list[Column], split: str | None) -> list[str]:
    lists = [column.name for column in free if column.kind == "list"]
    if lists:
        return lists
    return [c.name for c in free if c.kind == "number" and not c.named_identifier and c.name != split]


def _target(table: Table, columns: dict[str, Column]) -> list[str]:
    if "target" in table.roles and table.format == "flickr":
        return [table.roles["target"]]
    numbered = [name for name in columns if plain(name).rstrip("0123456789") in _CAPTIONS]
    if numbered:
        return numbered
    able = [c.name for c in columns.values() if c.kind == "string" and c.words >= 2]
    if len(able) == 1:
        return able
    raise DataError(
        "no column is plainly the captions" if not able else "several columns could be the captions",
        where=table.origin,
        fix=f"Name it (--target COLUMN; several times where there are several): {listed(able or list(columns))}.",
    )


def _inputs(
    table: Table, schema: CaptionSchema
) -> tuple[Packed, np.ndarray, dict[str, list[int]], list[str]]:
    """The inputs that can be read, (N,) bool which rows these are, reasons of the others, and what was done."""
    if schema.image is None:
        values, reasons = _vectors(table, schema.features, schema.size)
        kept = ~np.isin(np.arange(1, len(table) + 1), [row for rows in reasons.values() for row in rows])
        return Packed.end_to_end(values[kept], np.ones(int(kept.sum()), dtype=np.int64)), kept, reasons, []
    column = table.roles.get("image", schema.image)
    if schema.image not in table.frame.columns and column in table.frame.columns:
        table = replace(table, frame=table.frame.rename({column: schema.image}))
    table.column(schema.image, "the image")
    form = Schema(
        task="classify", target_kind="multiclass", input="sequence", layout="images",
        image=schema.image, pixels=schema.pixels,
    )  # fmt: skip
    pixels, reasons, kept, told = images(table, form)
    if not kept.any() and len(table):
        raise DataError(
            "none of the images can be read",
            where=table.origin,
            fix=f"File names are relative to the folder of the table. {'; '.join(Unusable(reasons).lines()[:3])}.",
        )
    return pixels, kept, reasons, told


def _size(table: Table, features: list[str]) -> int:
    """I, how many numbers a vector has; of lists the commonest length."""
    column = _list_of(table, features)
    if column is None:
        return len(features)
    lengths = column.list.len()
    lengths = lengths.filter(lengths > 0)
    return Counter(lengths.to_list()).most_common(1)[0][0] if len(lengths) else 0


def _vectors(table: Table, features: list[str], size: int) -> tuple[np.ndarray, dict[str, list[int]]]:
    """(N, size) of columns of numbers, or of one that holds a list of them, as `compact` holds them; and the rows,
    from 1, that are no vector, by reasons.

    Raises:
        DataError: no row has so many numbers, or the cells are no numbers.
    """
    column = _list_of(table, features)
    if column is None:
        values = matrix(table, features)
        _refuse_size(table, values.shape[1], size)
        return values, _numbered({"a number is missing": np.asarray(np.isnan(values).any(1))})
    lengths = column.list.len().fill_null(0).to_numpy()
    fits, odd = (lengths == size) & (lengths > 0), (lengths != size) & (lengths > 0)
    if odd.any() and not fits.any():
        _refuse_size(table, _size(table, features), size)
    numbers = column.filter(pl.Series(fits)).explode().cast(pl.Float64).to_numpy()
    values = np.full((len(column), size), np.nan)
    values[fits] = numbers.reshape(fits.sum(), size)
    values = compact(values)
    missing = np.isnan(values).any(1) | (lengths == 0)
    reasons = {
        f"another number of numbers than {size}": odd,
        "a number is missing": missing & ~odd,
        "a number is infinite, or too large for float32": np.isinf(values).any(1) & ~missing,
    }
    return values, _numbered(reasons)


def _numbered(holes: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {why: (np.flatnonzero(mask) + 1).tolist() for why, mask in holes.items() if mask.any()}


def _refuse_size(table: Table, found: int, size: int) -> None:
    """Raise where vectors are not of `size` numbers.

    Raises:
        DataError: they are not.
    """
    if found != size:
        raise DataError(
            f"a vector has {found} numbers, and {size} were learned from",
            where=table.origin,
            fix="Give the same columns in the same order.",
        )


def _list_of(table: Table, features: list[str]) -> pl.Series | None:
    """The one column that holds a list of numbers in each row; None where the numbers stand in columns of their own.

    Raises:
        DataError: a column is not there, or its lists hold no numbers.
    """
    columns = [table.column(name, "a feature") for name in features]
    column = columns[0]
    if len(columns) > 1 or not isinstance(column.dtype, pl.List | pl.Array):
        return None
    inner = column.dtype.inner
    if not (inner == pl.Null or (isinstance(inner, pl.DataType) and inner.is_numeric())):
        raise DataError(
            f"expected a list of numbers in each row, found {column.dtype}",
            where=f"{table.origin}, column {features[0]!r}",
            fix="Give each row one list of numbers.",
        )
    return column.arr.to_list() if isinstance(column.dtype, pl.Array) else column


def _captions(table: Table, columns: list[str]) -> list[list[str]]:
    """The captions of each row, without blanks at their ends."""
    found: list[list[str]] = [[] for _ in range(len(table))]
    table = table.as_written(name for name in columns if table.frame[name].null_count() < len(table))
    for name in columns:
        column = table.frame[name]
        if column.dtype == pl.List(pl.String):
            cells = column.to_list()
        elif column.dtype.is_nested() or column.dtype.is_numeric():
            raise DataError(
                "expected captions, found "
                + (
                    "empty cells alone"
                    if column.null_count() == len(column)
                    else f"values of type {column.dtype}"
                ),
                where=f"{table.origin}, column {name!r}",
                fix="Name the column of captions: --target.",
            )
        else:
            cells = [[cell] for cell in texts(table, name)]
        for row, cell in zip(found, cells, strict=True):
            row += [" ".join(text.split()) for text in cell or [] if text and text.strip()]
    return found


def _parts(table: Table, schema: CaptionSchema) -> np.ndarray | None:
    if schema.split is None or schema.split not in table.frame.columns:
        return None
    said = texts(table, schema.split).str.strip_chars().str.to_lowercase()
    parts = said.replace_strict(PARTS, default=None, return_dtype=pl.String)
    if parts.null_count():
        row = int(parts.is_null().arg_true()[0])
        raise DataError(
            f"{said[row]!r} names no part of a split",
            where=f"{table.origin}, row {row + 1}, column {schema.split!r}",
            fix="Write train, validation or test in every row.",
        )
    return parts.to_numpy().astype(object)


def _names(table: Table, schema: CaptionSchema) -> np.ndarray | None:
    column = schema.image if schema.image in table.frame.columns else table.roles.get("image")
    if schema.image is None or column is None or table.frame[column].dtype != pl.String:
        return None
    return table.frame[column].to_numpy().astype(object)


def _together(examples: Examples, where: str) -> Examples:
    """Rows of the same file, or of exactly the same vector in one part, as one example; its captions in the order of
    the rows.

    Args:
        where: their parts stand.

    Raises:
        DataError: rows of one file are of different parts.
    """
    parts = [None] * len(examples) if examples.parts is None else examples.parts.tolist()
    if examples.names is None:
        keys: list[Any] = list(zip(examples.inputs(), parts, strict=True))
    else:
        keys = examples.names.tolist()
    first: dict[Any, int] = {}
    captions: dict[Any, list[str]] = {}
    torn: dict[Any, str] = {}
    assert examples.targets is not None
    for n, key in enumerate(keys):
        begun = first.setdefault(key, n)
        captions.setdefault(key, []).extend(examples.targets[n])
        if parts[n] != parts[begun]:
            torn.setdefault(key, f"{key} ({parts[begun]}, {parts[n]})")
    if torn:
        raise DataError(
            f"{len(torn):,} images stand in more than one part: {listed(list(torn.values()), _NAMED)}",
            where=where,
            fix="Give all rows of an image the same part, or let the parts be drawn.",
        )
    merged = examples.take(np.array(list(first.values()), dtype=np.int64))
    return replace(merged, targets=_objects([tuple(dict.fromkeys(captions[key])) for key in first]))


def _objects(captions: list[tuple[str, ...]]) -> np.ndarray:
    found = np.empty(len(captions), dtype=object)
    found[:] = captions
    return found


def _told(schema: CaptionSchema, examples: Examples) -> list[str]:
    what = f"vectors of {schema.size} numbers" if schema.pixels is None else "images"
    assert examples.targets is not None
    count = sum(map(len, examples.targets))
    size = (
        ""
        if schema.pixels is None
        else f"; {schema.pixels.height} x {schema.pixels.width} pixels, "
        + ("grey" if schema.pixels.colours == 1 else "in colour")
    )
    return [
        f"captions: {listed(schema.target)}, of {schema.read}",
        f"  {len(examples):,} {what} with {count:,} captions{size}",
    ]


def refuse_other_options(options: CaptionOptions) -> None:
    """Raise where images and numbers are both asked for.

    Raises:
        InputError: they are.
    """
    if options.image is not None and options.features is not None:
        raise InputError(
            "--image reads images and --features numbers, and a network reads one of them",
            where="--features",
            fix="Leave one of them out.",
        )
