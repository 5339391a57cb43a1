"""Columns that give the target away."""

from __future__ import annotations

import polars as pl

from recurra.data.schema.profile import Column
from recurra.data.schema.targets import class_names


def gives_away(frame: pl.DataFrame, column: Column, target: str) -> bool:
    """Whether the target can be read off another column, as sentiment can off a star rating.

    Knowing the column's value, the likeliest class is right in 99 of 100 rows, and without it it is not. Asked
    only of columns whose values come five times or more on average: rarer ones determine anything.
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
