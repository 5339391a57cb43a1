"""The target of a table: which column it is."""

from __future__ import annotations

import numpy as np
import polars as pl

from recurra.data.schema import names
from recurra.data.schema.definition import SchemaOptions
from recurra.data.schema.profile import Column
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

_MANY_CLASSES = 100


def choose_target(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[list[str], str]:
    """The target column among the columns still `free`, and why it was taken.

    What was asked for; what the file's format says; the only column with a telling name, which may hold lists
    of names; the only column of a few repeated values; where there is none, the only column of numbers.

    Raises:
        DataError: no column, or more than one, can be it; the choices are listed.
    """
    if options.target is not None:
        return [options.target] if isinstance(options.target, str) else list(options.target), "as asked"
    if "target" in table.roles:
        return [table.roles["target"]], f"as the {table.format} form has it"
    able = [column for column in free if column.kind not in ("list", "other")]
    lists = {column.name for column in free if _lists_of_names(table, column)}
    for tier in names.TARGET:
        told = [column for column in free if names.named(column.name, tier) and not _axis(column, free)]
        found = [column for column in told if column in able or column.name in lists]
        found = [column for column in found if column.distinct or column.name in lists] or found
        found = _without_twins(table, found)
        if len(found) == 1:
            held = "lists of names" if found[0].name in lists else f"{found[0].distinct} different values"
            return [found[0].name], f"by its name; {held}"
        if found:
            raise unclear_target(table, "several columns could be the target", found)
    able = [
        column for column in able if column.distinct and not (column.identifies or column.named_identifier)
    ]
    few = [column for column in able if _few_values(column)]
    worded = [column for column in few if column.kind in ("string", "boolean")]
    if len(worded) == 1:
        return [worded[0].name], f"the only column of a few repeated names ({worded[0].distinct})"
    if len(few) == 1:
        return [few[0].name], f"the only column of a few repeated values ({few[0].distinct})"
    numbers = [column for column in able if column.kind == "number"]
    if not few and len(numbers) == 1:
        return [numbers[0].name], "the only column of numbers"
    if few:
        raise unclear_target(table, "several columns could be the target", few)
    raise unclear_target(table, "no column is plainly the target", able or free)


def choose_target_at_edge(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[list[str], str]:
    """As `choose_target`, for tables of numbers without telling names: the first or last column is the target
    if its values are few whole numbers, and those of the columns between are many.
    """
    flat = [column for column in free if column.kind != "list"]
    known = options.target is not None or "target" in table.roles
    telling = any(
        c.kind in ("string", "boolean") or any(names.named(c.name, tier) for tier in names.TARGET)
        for c in flat
    )
    if not known and not telling and len(flat) >= 4:
        between = float(np.median([column.distinct for column in flat[1:-1]]))
        edges = [c for c in (flat[0], flat[-1]) if _few_values(c) and 2 * c.distinct <= between]
        if len(edges) == 1:
            place = "last" if edges[0] is flat[-1] else "first"
            return [
                edges[0].name
            ], f"the {place} column has few values ({edges[0].distinct}), the others many"
    return choose_target(table, options, free)


def _lists_of_names(table: Table, column: Column) -> bool:
    dtype = table.frame[column.name].dtype
    return isinstance(dtype, pl.List | pl.Array) and dtype.inner == pl.String


def _axis(column: Column, free: list[Column]) -> bool:
    """A column `y` beside `x` or `z` is one of the axes of a sensor rather than the target."""
    return names.plain(column.name) == "y" and any(names.plain(other.name) in ("x", "z") for other in free)


def _few_values(column: Column) -> bool:
    if column.kind not in ("string", "boolean") and not (column.kind == "number" and column.whole):
        return False
    return 2 <= column.distinct <= _MANY_CLASSES and 3 * column.distinct <= column.known


def _without_twins(table: Table, found: list[Column]) -> list[Column]:
    """A label and its number, one value of one for each of the other: the names read better."""
    if len(found) < 2 or len({column.distinct for column in found}) > 1 or not found[0].distinct:
        return found
    together = table.frame.select(column.name for column in found).drop_nulls().n_unique()
    if together != found[0].distinct:
        return found
    return [next((column for column in found if column.kind == "string"), found[0])]


def unclear_target(table: Table, problem: str, choices: list[Column]) -> DataError:
    """The error for a target that cannot be told, with the columns that could be meant."""
    hint = ""
    if table.format == "lines":
        hint = " To have the text written on, say --task generate."
        hint += f" Note: {'; '.join(table.notes)}." if table.notes else ""
    listing = listed([str(column) for column in choices])
    if "image" in table.roles and not choices:
        return DataError(
            "nothing says what the images show",
            where=table.origin,
            fix="Put those of each class into a sub-folder of its own, or give a table with a column of image files "
            "and one of what is to be learned; the labels of an idx file lie beside it.",
        )
    return DataError(
        problem if choices else "there is no column to learn",
        where=table.origin,
        fix=f"Say which column is to be learned (--target COLUMN): {listing}.{hint}"
        if choices
        else f"Give a file with texts and their labels, such as a CSV with a column of each.{hint}",
    )
