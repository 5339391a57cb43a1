"""The columns that are not used, and why."""

from __future__ import annotations

import polars as pl

from recurra.data.audio.files import names_sound
from recurra.data.schema import names
from recurra.data.schema.profile import Column
from recurra.data.schema.texts import like_text
from recurra.data.schema.values import class_names
from recurra.data.sources.table import Table


def reason(table: Table, column: Column, target: str | None, layout: str) -> str | None:
    """Why a column is better not used as a feature; None where it may be.

    Args:
        target: the column of classes, None where the target is not one.
    """
    flat = column.kind not in ("list", "other")
    if flat and column.distinct <= 1:
        return "the same in every row" if column.distinct else "empty"
    if layout == "text" and like_text(column):
        return "another text: one column of texts is read"
    if names_sound(table.frame[column.name]):
        return "names recordings; --task transcribe writes down what they say"
    # In a table of numbers, different whole numbers may just as well be measured.
    if column.named_identifier or (column.identifies and (layout == "text" or column.kind == "string")):
        return "an identifier"
    if _says_part(table, column):
        return f"says where a row belongs; --split {column.name} splits by it"
    if target is not None and gives_away(table.frame, column, target):
        return "gives the target away"
    if column.kind == "time":
        return f"a time; --time {column.name} orders by it"
    if names.named(column.name, names.GROUP):
        return (
            f"may say whom a row is from; --group {column.name} keeps the rows of one on one side of a split"
        )
    if layout in ("text", "images"):
        return f"the {layout.removesuffix('s')} alone is read"
    return None if column.kind in ("number", "boolean") else "not a column of numbers"


def gives_away(frame: pl.DataFrame, column: Column, target: str) -> bool:
    """Whether the target can be read off another column, as sentiment can off a star rating.

    Knowing the column's value, the likeliest class is right in 99 of 100 rows, and without it it is not.
    Asked only of columns whose values come five times or more on average: rarer ones determine anything.
    """
    if column.kind in ("list", "other") or not 2 <= column.distinct <= column.known / 5:
        return False
    pairs = pl.DataFrame({"seen": frame[column.name], "class": class_names(frame[target])}).drop_nulls()
    if pairs.is_empty():
        return False
    counts = pairs.group_by("seen", "class").len()
    right = counts.group_by("seen").agg(pl.col("len").max())["len"].sum()
    majority = counts.group_by("class").agg(pl.col("len").sum())["len"].max()
    return right >= 0.99 * pairs.height and isinstance(majority, int) and majority < 0.99 * pairs.height


def _says_part(table: Table, column: Column) -> bool:
    if column.kind != "string" or column.distinct > 3:
        return False
    found = table.frame[column.name].cast(pl.String).drop_nulls().unique().to_list()
    return all(value.strip().lower() in names.PARTS for value in found)
