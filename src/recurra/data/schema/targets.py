"""The target of a table: which column, which kind, which classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import polars as pl

from recurra.data.schema import names
from recurra.data.schema.definition import SchemaOptions, TargetKind
from recurra.data.schema.profile import Column, not_numbers
from recurra.data.sources.columns import number
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

# In a number column more marks mean "missing"; here "none", "-" and "." may well be classes.
_HOLES = ("", "nan", "na", "n/a", "#n/a", "null", "?")
_FEW = 20


@dataclass(frozen=True)
class Target:
    """What is to be learned: columns, kind, classes in their order, and why."""

    columns: list[str]
    kind: TargetKind
    classes: list[str]
    why: str
    task_why: str


def class_names(column: pl.Series) -> pl.Series:
    """Class names of a target column; null where it has a hole.

    Whole numbers are written without a point (1.0 is "1"), booleans "false" and "true".

    >>> class_names(pl.Series([1.0, 0.0, None])).to_list()
    ['1', '0', None]
    """
    if column.dtype == pl.Boolean:
        return column.cast(pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if (column.drop_nulls() % 1 == 0).all() and column.is_finite().all():
            column = column.cast(pl.Int64)
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(list(_HOLES)), None)


def class_order(found: list[str]) -> list[str]:
    """Numbers in their order, then names in theirs.

    >>> class_order(["10", "b", "9", "a"])
    ['9', '10', 'a', 'b']
    """

    def key(name: str) -> tuple[bool, float, str]:
        try:
            return (False, float(name), name)
        except ValueError:
            return (True, 0.0, name)

    return sorted(found, key=key)


def label_sets(column: pl.Series, separator: str | None) -> pl.Series:
    """Lists of class names of a column with several labels in one cell; null where it has a hole."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    parts = class_names(column).str.split(separator or "")
    return parts.list.eval(pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != ""))


def real_values(table: Table, name: str) -> np.ndarray:
    """(N,) float64 of a target column, NaN where it has a hole.

    Raises:
        DataError: a cell is text or infinite; with its row.
    """
    column = table.frame[name]
    if column.dtype == pl.String:
        if bad := not_numbers(column):
            refuse_text(table, name, bad)
        column = column.to_frame().select(number(pl.col(name))).to_series()
    values = column.cast(pl.Float64).to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        refuse_infinite(table.origin, name, int(infinite[0]) + 1, len(infinite))
    return values


def refuse_text(table: Table, name: str, bad: list[tuple[int, str]]) -> NoReturn:
    """Raise for text in a column of numbers."""
    row, cell = bad[0]
    shown = cell if len(cell) <= 40 else cell[:37] + "..."
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    raise DataError(
        f"{shown!r} is not a number{more}",
        where=f"{table.origin}, row {row}, column {name!r}",
        fix="Mend the cell, or leave it empty where the value is missing; or ignore the column.",
    )


def refuse_infinite(origin: str, name: str, row: int, count: int) -> NoReturn:
    """Raise for infinite numbers, or numbers that float32 cannot hold."""
    more = f" ({count} such values in all)" if count > 1 else ""
    raise DataError(
        f"an infinite number, or one too large for float32{more}",
        where=f"{origin}, row {row}, column {name!r}",
        fix="Mend the value, or leave it empty where it is missing.",
    )


def choose_target(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[list[str], str]:
    """The target column among the columns still `free`, and why it was taken.

    Raises:
        DataError: no column, or more than one, can be it; the choices are listed.
    """
    if options.target is not None:
        return [options.target] if isinstance(options.target, str) else list(options.target), "as asked"
    if "target" in table.roles:
        return [table.roles["target"]], f"the {table.format} file names it"
    able = [column for column in free if column.kind != "list" and column.distinct >= 1]
    for tier in names.TARGET:
        found = [column for column in able if names.named(column.name, tier)]
        if len(found) > 1:
            found = _one_of_twins(table, found)
        if len(found) == 1:
            return [found[0].name], f"by its name, {found[0].distinct} different values"
        if found:
            refuse_choice(table, "several columns could be the target", found)
    few = [column for column in able if _few_values(column)]
    strings = [column for column in few if column.kind in ("string", "boolean")]
    for found, why in (
        (strings, "the only column of a few repeated names"),
        (few, "the only column of a few values"),
    ):
        if len(found) == 1:
            return [found[0].name], f"{why} ({found[0].distinct})"
    if len(few) > 1:
        refuse_choice(table, "several columns could be the target", few)
    numbers = [column for column in able if column.kind == "number" and not column.all_different]
    if len(numbers) == 1:
        return [numbers[0].name], "the only column of repeated numbers"
    refuse_choice(table, "no column is plainly the target", able or free)


def choose_target_at_edge(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[list[str], str]:
    """As `choose_target`, for tables of numbers alone: there the first or last column is the target if its
    values are few and those of the others are many.
    """
    taken = options.target is not None or "target" in table.roles
    flat = [column for column in free if column.kind != "list"]
    hinted = any(
        c.kind in ("string", "boolean") or any(names.named(c.name, t) for t in names.TARGET) for c in flat
    )
    if not taken and not hinted and len(flat) >= 4:
        edge = [flat[-1], flat[0]]
        rest = float(np.median([column.distinct for column in flat[1:-1]]))
        likely = [c for c in edge if c.whole and _few_values(c) and 2 * c.distinct <= rest]
        if len(likely) == 1:
            place = "last" if likely[0] is flat[-1] else "first"
            return [
                likely[0].name
            ], f"the {place} column has few values ({likely[0].distinct}), the others many"
    return choose_target(table, options, free)


def _few_values(column: Column) -> bool:
    if column.kind not in ("string", "boolean") and not (column.kind == "number" and column.whole):
        return False
    return 2 <= column.distinct <= 100 and 3 * column.distinct <= column.known


def _one_of_twins(table: Table, found: list[Column]) -> list[Column]:
    """A label and its number, one value of one for each of the other: either will do, the names read better."""
    pairs = table.frame.select(column.name for column in found).n_unique()
    if len({column.distinct for column in found}) == 1 and pairs == found[0].distinct + bool(
        found[0].missing
    ):
        return [next((column for column in found if column.kind == "string"), found[0])]
    return found


def refuse_choice(table: Table, problem: str, choices: list[Column]) -> NoReturn:
    """Raise for a target that cannot be told, with the columns that could be meant."""
    raise DataError(
        problem,
        where=table.origin,
        fix=f"Say which column is to be learned (--target COLUMN): {listed([str(c) for c in choices])}.",
    )


def understand_target(table: Table, options: SchemaOptions, columns: list[str], why: str) -> Target:
    """Kind and classes of the target `columns`.

    Raises:
        DataError: no values, one class only, text among numbers, as many classes as rows.
    """
    if len(columns) > 1:
        return _flags(table, options, columns, why)
    name = columns[0]
    column = table.frame[name]
    if isinstance(column.dtype, pl.List) or options.label_separator:
        return _several(table, options, name, why)
    task = options.task or table.task
    said = "as asked" if options.task else f"the {table.format} file says so"
    if task == "regress":
        values = real_values(table, name)
        _refuse_constant(table, name, np.unique(values[~np.isnan(values)]))
        return Target(columns, "real", [], why, f"regress ({said})")
    classes = class_order(class_names(column).drop_nulls().unique().to_list())
    _refuse_constant(table, name, classes)
    several = "binary" if len(classes) == 2 else "multiclass"
    if task == "classify":
        _refuse_countless(table, name, classes, column)
        return Target(columns, several, classes, why, f"classify: {len(classes)} classes ({said})")
    numeric = column.dtype.is_numeric() or _nearly_numbers(column)
    if not numeric:
        _refuse_countless(table, name, classes, column)
        return Target(
            columns, several, classes, why, f"classify: the target has {len(classes)} different names"
        )
    values = real_values(table, name)
    known = values[~np.isnan(values)]
    if (
        (known % 1 == 0).all()
        and len(classes) <= _FEW
        and (2 * len(classes) <= len(known) or len(classes) == 2)
    ):
        said = f"classify: the target has {len(classes)} different whole numbers (--task regress to predict a number)"
        return Target(columns, several, classes, why, said)
    said = (
        f"regress: the target has {len(classes)} different numbers (--task classify to make classes of them)"
    )
    return Target(columns, "real", [], why, said)


def _nearly_numbers(column: pl.Series) -> bool:
    return column.dtype == pl.String and len(not_numbers(column)) <= 0.1 * len(column)


def _flags(table: Table, options: SchemaOptions, columns: list[str], why: str) -> Target:
    if options.task == "regress":
        raise DataError(
            f"{len(columns)} targets were named, and regression takes one",
            where=table.origin,
            fix="Name one target.",
        )
    for name in columns:
        found = set(class_names(table.frame[name]).drop_nulls().unique().to_list())
        odd = class_order(list(found - {"0", "1", "true", "false"}))
        if odd:
            row = int((class_names(table.frame[name]) == odd[0]).arg_true()[0]) + 1
            raise DataError(
                f"{odd[0]!r} is neither 0 nor 1; with several target columns each says whether one label holds",
                where=f"{table.origin}, row {row}, column {name!r}",
                fix="Name one target column, or columns of 0 and 1.",
            )
    return Target(
        columns, "multilabel", list(columns), why, f"classify: {len(columns)} labels, any of which may hold"
    )


def _several(table: Table, options: SchemaOptions, name: str, why: str) -> Target:
    sets = label_sets(table.frame[name], options.label_separator)
    classes = class_order(sets.explode().drop_nulls().unique().to_list())
    _refuse_constant(table, name, classes)
    return Target(
        [name], "multilabel", classes, why, f"classify: a row may have several of {len(classes)} labels"
    )


def _refuse_constant(table: Table, name: str, values: list | np.ndarray) -> None:
    if len(values) == 0:
        raise DataError("the target has no value in any row", where=f"{table.origin}, column {name!r}")
    if len(values) == 1:
        raise DataError(
            f"the target has one value only, {values[0]!r}: there is nothing to tell apart",
            where=f"{table.origin}, column {name!r}",
            fix="Give data with at least two, or name another target.",
        )


def _refuse_countless(table: Table, name: str, classes: list[str], column: pl.Series) -> None:
    known = len(column) - column.null_count()
    if len(classes) > 2 and 2 * len(classes) > known:
        raise DataError(
            f"{len(classes)} different values in {known} rows are too many for classes",
            where=f"{table.origin}, column {name!r}",
            fix="Name another target (--target COLUMN), or say --task regress if it is a number.",
        )
