"""What kind of target the chosen columns are, and its classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from recurra.data.labels import class_order
from recurra.data.schema.definition import SchemaOptions, TargetKind
from recurra.data.schema.values import FLAGS, class_names, label_sets, not_numbers, real_values, texts
from recurra.data.sources.table import Table
from recurra.errors import DataError

_FEW = 20


@dataclass(frozen=True)
class Target:
    """What is to be learned: kind, class names in their order, and why."""

    kind: TargetKind
    classes: list[str]
    why: str


def understand_target(table: Table, options: SchemaOptions, columns: list[str]) -> Target:
    """Kind and classes of the target `columns`.

    Several columns of 0 and 1, or cells that hold lists, are several labels. Names are classes; so are up to
    20 different whole numbers that come twice or more on average. Other numbers are real.

    Raises:
        DataError: no values, one class only, text among numbers, nearly as many classes as rows.
    """
    if len(columns) > 1:
        return _flags(table, options, columns)
    name = columns[0]
    column = table.frame[name]
    if column.dtype == pl.Binary:
        column = texts(table, name)
        table = replace(table, frame=table.frame.with_columns(column))
    if isinstance(column.dtype, pl.List | pl.Array) or options.label_separator:
        return _several(table, options, name)
    tag = options.task == "tag"
    task = None if tag else options.task or table.task
    asked = "as asked" if options.task else f"as the {table.format} form has it"
    if task == "regress":
        values = real_values(table, name)
        _refuse_constant(table, name, np.unique(values[~np.isnan(values)]).tolist())
        return Target("real", [], f"regress, {asked}")
    classes = class_order(class_names(column).drop_nulls().unique().to_list())
    _refuse_constant(table, name, classes)
    kind: TargetKind = "binary" if len(classes) == 2 else "multiclass"
    if task == "classify":
        _refuse_countless(table, name, classes)
        return Target(kind, classes, f"classify into {len(classes)}, {asked}")
    if not (column.dtype.is_numeric() or _nearly_numbers(column)):
        _refuse_countless(table, name, classes)
        return Target(kind, classes, f"classify: the target has {len(classes)} different names")
    values = real_values(table, name)
    known = values[~np.isnan(values)]
    whole = bool((known % 1 == 0).all())
    if whole and len(classes) <= _FEW and (2 * len(classes) <= len(known) or len(classes) == 2):
        hint = "" if tag else "; --task regress takes them as numbers"
        said = f"the target has {len(classes)} different whole numbers{hint}"
        return Target(kind, classes, f"classify: {said}")
    hint = "written as names they are classes" if tag else "--task classify takes them as classes"
    said = f"the target has {len(classes)} different numbers; {hint}"
    return Target("real", [], f"regress: {said}")


def _nearly_numbers(column: pl.Series) -> bool:
    return column.dtype == pl.String and len(not_numbers(column)) <= 0.1 * len(column)


def _flags(table: Table, options: SchemaOptions, columns: list[str]) -> Target:
    if options.task == "regress":
        raise DataError(
            f"{len(columns)} targets were named, and regression takes one",
            where=table.origin,
            fix="Name one.",
        )
    for name in columns:
        found = class_names(table.frame[name])
        odd = (~found.is_in(FLAGS)).fill_null(False).arg_true()
        if len(odd):
            raise DataError(
                f"{found[int(odd[0])]!r} is neither 0 nor 1; of several targets each says if one label holds",
                where=f"{table.origin}, row {int(odd[0]) + 1}, column {name!r}",
                fix="Name one target column, or columns of 0 and 1.",
            )
    return Target("multilabel", list(columns), f"classify: {len(columns)} labels, any of which may hold")


def _several(table: Table, options: SchemaOptions, name: str) -> Target:
    if options.task == "regress":
        raise DataError("cells of several labels are no numbers", where=f"{table.origin}, column {name!r}")
    dtype = table.frame[name].dtype
    if (
        isinstance(dtype, pl.List | pl.Array)
        and isinstance(dtype.inner, pl.DataType)
        and dtype.inner.is_nested()
    ):
        raise DataError(
            f"lists of several labels hold names, not lists or records (the type is {dtype})",
            where=f"{table.origin}, column {name!r}",
            fix="Name another target (--target COLUMN).",
        )
    sets = label_sets(table.frame[name], options.label_separator)
    classes = class_order(sets.explode().drop_nulls().unique().to_list())
    _refuse_constant(table, name, classes)
    return Target("multilabel", classes, f"classify: a row may have several of {len(classes)} labels")


def _refuse_constant(table: Table, name: str, values: list) -> None:
    where = f"{table.origin}, column {name!r}"
    if not values:
        raise DataError("the target has no value in any row", where=where, fix="Name another target.")
    if len(values) == 1:
        raise DataError(
            f"the target has one value only, {values[0]!r}: there is nothing to tell apart",
            where=where,
            fix="Give data with at least two, or name another target.",
        )


def _refuse_countless(table: Table, name: str, classes: list[str]) -> None:
    known = len(table) - class_names(table.frame[name]).null_count()
    if len(classes) > 2 and 2 * len(classes) > known:
        raise DataError(
            f"{len(classes)} different values in {known} rows are too many for classes",
            where=f"{table.origin}, column {name!r}",
            fix="Name another target (--target COLUMN), or say --task regress if it is a number.",
        )
