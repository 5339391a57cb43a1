"""Which column says when, and which says of what series a row is: told by values first, then by names."""

from __future__ import annotations

import polars as pl

from recurra.data.schema import names
from recurra.data.schema.profile import Column
from recurra.data.series.definition import SeriesOptions
from recurra.data.series.times import like_times
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

# Names of a part of the date, beside those of times in general.
CALENDAR = frozenset(
    "year month day week weekday dayofweek dow dayofyear doy hour minute quarter season period "
    "weekofyear monthofyear hourofday".split()
)
TIMES = names.TIME | {"ds", "year", "period", "datum", "when", "month", "week", "day"}
NAMES_OF_SERIES = names.SEQUENCE | frozenset(
    "uniqueid item itemid store storeid shop shopid product productid sku symbol ticker station stationid "
    "sensor sensorid meter meterid device deviceid household".split()
)
SERIES = NAMES_OF_SERIES | frozenset(
    "stock country region city state site customer client asset name key zone category".split()
)
_SOME = 0.1  # share of rows whose time came before, from which on there must be several series
_ALL_BUT = 0.95  # share of different pairs of time and id, from which on the id tells rows apart


def choose_time(table: Table, options: SeriesOptions, free: list[Column]) -> tuple[str | None, str]:
    """The column of times, and why: the one of dates; else numbers that a name says are times.

    Raises:
        DataError: several could be it.
    """
    if options.time is not None:
        return options.time, "as asked"
    dated = [
        c
        for c in free
        # Under a telling name also a column is meant for times in which many cannot be read.
        if c.kind in ("time", "string")
        and like_times(table.frame[c.name], 0.5 if names.named(c.name, TIMES) else 0.9)
    ]
    if len(dated) > 1:
        told = [c for c in dated if names.named(c.name, TIMES)]
        if len(told) != 1:
            raise DataError(
                "several columns hold dates",
                where=table.origin,
                fix=f"Say which of them orders the rows (--time COLUMN): {listed([c.name for c in dated])}.",
            )
        return told[0].name, "dates, by its name"
    if dated:
        return dated[0].name, "the column of dates"
    unread = [c for c in free if c.kind == "string" and names.named(c.name, TIMES) and c.distinct == c.rows]
    if unread:
        cell = table.frame[unread[0].name][0]
        raise DataError(
            f"by its name this column holds times, and {cell!r} (row 1) is none in a form that is known",
            where=f"{table.origin}, column {unread[0].name!r}",
            fix="Write times as 2024-12-31 or 2024-12-31 23:59:59, as 2024-12, or as numbers; or ignore the "
            "column (--ignore), and the rows are the steps.",
        )
    keys = [c.name for c in free if _named_series(c) and 2 * c.distinct <= c.known]
    counted = [
        c
        for c in free
        if c.kind == "number"
        and names.named(c.name, TIMES)
        and not c.missing
        and table.frame.select(c.name, *(key for key in keys if key != c.name)).n_unique()
        >= _ALL_BUT * len(table)
        > 1
    ]
    if len(counted) == 1:
        return counted[0].name, "numbers, by its name"
    return None, "no column of times: the rows are the steps"


def choose_id(
    table: Table, options: SeriesOptions, free: list[Column], time: str | None
) -> tuple[str | None, str]:
    """The column that says which series a row is of, and why; None where all rows are of one.

    Taken without asking: where times repeat, the one column of strings, or of whole numbers with a telling
    name, within which they do not; else only a column with the very name of a series' id.

    Raises:
        DataError: times repeat, and no column or several could say why.
    """
    if options.id is not None:
        return options.id, "as asked"
    able = [
        c
        for c in free
        if c.name != time
        and (c.kind == "string" or (c.kind == "number" and c.whole and _named_series(c)))
        and not c.missing
        and 2 <= c.distinct <= c.known / 2
    ]
    told = [c for c in able if names.named(c.name, NAMES_OF_SERIES)]
    if time is None:
        return (told[0].name, "by its name") if len(told) == 1 else (None, "")
    rows = len(table)
    if rows - table.frame[time].n_unique() < _SOME * rows:
        told = [c for c in told if table.frame.select(time, c.name).n_unique() == rows]
        return (told[0].name, "by its name") if len(told) == 1 else (None, "")
    apart = [c for c in able if table.frame.select(time, c.name).n_unique() >= _ALL_BUT * rows]
    if len(apart) > 1:
        named = [c for c in apart if _named_series(c)]
        twins = table.frame.select(c.name for c in apart).n_unique() == max(c.distinct for c in apart)
        if len(named) == 1:
            apart = named
        elif twins and len({c.distinct for c in apart}) == 1:
            apart = (named or apart)[:1]
    if len(apart) == 1:
        return apart[0].name, "times repeat, but not within one of its values"
    if not able:
        return None, ""
    found = "several columns could say" if apart else "no one column says"
    choices = apart or able
    raise DataError(
        f"times repeat in column {time!r}, so rows are of several series, and {found} of which",
        where=table.origin,
        fix=f"Name it (--id COLUMN): {listed([str(c) for c in choices])}. If it takes two columns, write them "
        "into one; if all rows are of one series, ignore these columns (--ignore), and rows are averaged.",
    )


def _named_series(column: Column) -> bool:
    return names.named(column.name, SERIES) or names.plain(column.name).endswith("id")


def counts_rows(table: Table, column: Column) -> bool:
    """Whether a column only numbers the rows, as the index of a saved frame does."""
    if not (column.kind == "number" and column.whole and column.identifies):
        return False
    named = names.named(column.name, names.IDENTIFIER) or column.name in ("column_1", "")
    return named and bool((table.frame[column.name].diff().drop_nulls() == 1).all())


def says_part(table: Table, column: Column) -> bool:
    """Whether a column says train, validation or test."""
    if column.kind != "string" or not 1 < column.distinct <= len(names.PARTS):
        return False
    found = table.frame[column.name].cast(pl.String).drop_nulls().unique().to_list()
    return all(value.strip().lower() in names.PARTS for value in found)
