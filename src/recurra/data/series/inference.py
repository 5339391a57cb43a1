"""From a table over time and what a person said to a schema: which column is what, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import polars as pl

from recurra.data.schema import names
from recurra.data.schema.profile import Column, profile
from recurra.data.schema.values import not_numbers, text_among_numbers
from recurra.data.series.definition import SeriesOptions, SeriesSchema
from recurra.data.series.frequency import default_season, parse_frequency
from recurra.data.series.grid import Grid
from recurra.data.series.roles import CALENDAR, TIMES, choose_id, choose_time, counts_rows, says_part
from recurra.data.series.spacing import infer_grid
from recurra.data.series.times import named_by_times, read_times, times_in_names
from recurra.data.series.values import MOST_CATEGORIES, categories_of, series_codes
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError, InputError

_VALUES = frozenset("y target value values label amount".split())
_QUANTILE = re.compile(r"q\d+(\.\d+)?$")  # as a column of forecasts is named


@dataclass
class _Layout:
    """How rows make series; targets where the layout says them."""

    layout: Literal["wide", "long", "rows"]
    why: str
    time: str | None = None
    time_why: str = ""
    id: str | None = None
    targets: list[str] | None = None
    target_why: str = ""
    times_in_names: bool = False


def infer_series_schema(table: Table, options: SeriesOptions | None = None) -> SeriesSchema:
    """What the columns of a table over time mean: what `options` say, and the rest worked out.

    Raises:
        DataError: a named column is not there or has two roles; times or ids are named as a column of the
            forecasts is; a guess would not be safe (the choices are listed); a time cannot be read; times are
            not evenly spaced.
        InputError: an option is out of place.

    >>> from recurra.data.sources import read
    >>> table = read({"month": ["1949-01", "1949-02", "1949-03"], "passengers": [112, 118, 132]})
    >>> schema = infer_series_schema(table)
    >>> schema.time, schema.targets, schema.grid.frequency, schema.season
    ('month', ['passengers'], '1mo', 12)
    """
    options = options or SeriesOptions()
    said = _said(table, options)
    columns = profile(table)
    free = [column for name, column in columns.items() if name not in said]
    found = _layout(table, options, columns, free)
    _check_names(table, found)
    free = [column for column in free if column.name not in {found.time, found.id}]
    targets, target_why = found.targets, found.target_why
    if targets is None:
        targets, target_why = _choose_targets(table, options, free, found)
    covariates = [*(options.known or []), *(options.past or []), *(options.static or [])]
    for name in (*targets, *covariates) if found.layout != "rows" else covariates:
        if columns[name].kind in ("time", "list", "other"):
            raise DataError(
                f"this column holds no numbers or names ({table.frame[name].dtype})",
                where=f"{table.origin}, column {name!r}",
                fix="Leave it out.",
            )
    grid, grid_why = _grid(table, options, found)
    season, season_why = _season(options, grid)
    categories = {name: categories_of(table, name) for name in covariates}
    aside = dict.fromkeys(options.ignore, "as asked")
    for column in free:
        if column.name not in targets:
            aside[column.name] = _reason(table, column, found.layout)
    return SeriesSchema(
        layout=found.layout,
        time=found.time,
        id=found.id,
        targets=targets,
        known=options.known or [],
        past=options.past or [],
        static=options.static or [],
        split=options.split or table.roles.get("split"),
        times_in_names=found.times_in_names,
        grid=grid,
        season=season,
        categories={name: values for name, values in categories.items() if values},
        set_aside=aside,
        layout_why=found.why,
        time_why=found.time_why,
        target_why=target_why,
        grid_why=grid_why,
        season_why=season_why,
    )


def _said(table: Table, options: SeriesOptions) -> dict[str, str]:
    """Columns with a role by option -> the role; each must be there and have one role."""
    said: dict[str, str] = {}
    lists = {"a covariate known ahead": options.known, "a past covariate": options.past}
    asked = [
        ("the time", options.time),
        ("the series id", options.id),
        ("the split", options.split or table.roles.get("split")),
        *(("the target", name) for name in options.targets),
        *((role, name) for role, columns in lists.items() for name in columns or []),
        *(("a static column", name) for name in options.static or []),
        *(("a column to ignore", name) for name in options.ignore),
    ]
    for role, name in asked:
        if name is None:
            continue
        table.column(name, role)
        if said.setdefault(name, role) != role:
            raise DataError(
                f"the column {name!r} cannot be {said[name]} and {role} at once",
                where=table.origin,
                fix=f"The columns are: {listed(table.frame.columns)}.",
            )
    return said


def _check_names(table: Table, found: _Layout) -> None:
    """Refuse a column of times or ids that is named as another column of the forecasts is."""
    taken = {"forecast", *([] if found.id else ["series"]), *([] if found.time else ["step"])}
    for name in (found.id, found.time):
        if name is not None and (name in taken or _QUANTILE.match(name)):
            raise DataError(
                "a table of forecasts has this column beside one of its own of that name",
                where=f"{table.origin}, column {name!r}",
                fix="Rename it.",
            )


def _layout(table: Table, options: SeriesOptions, columns: dict[str, Column], free: list[Column]) -> _Layout:
    time, time_why = choose_time(table, options, free)
    if time is None and (rows := _rows(table, options, columns, free)) is not None:
        for option, given in (("--known", options.known), ("--past", options.past)):
            if given:
                raise InputError(
                    "a row is a whole series here, and says nothing of its single steps",
                    where=option,
                    fix="Name columns that hold for a whole series (--static), or give a row for each step.",
                )
        return rows
    key, why = choose_id(table, options, free, time)
    if key is None and options.static:
        raise InputError(
            "static columns tell series apart, and the rows are of one",
            where="--static",
            fix="Name the column that says which series a row is of (--id COLUMN), or leave this out.",
        )
    if key is None:
        return _Layout("wide", "a row is a time", time, time_why)
    if time is None:
        time_why = "no column of times: the rows of each series are its steps"
    return _Layout("long", f"a row is a time of one series, told by {key!r}: {why}", time, time_why, key)


def _rows(
    table: Table, options: SeriesOptions, columns: dict[str, Column], free: list[Column]
) -> _Layout | None:
    """The layout in which a row is a series: a column of lists, or numbered columns beside names of the rows."""
    key = options.id
    named = [c.name for c in free if c.kind == "string" and c.distinct == c.rows]
    if key is None and named:
        key = named[0]
    lists = [name for name in options.targets if columns[name].kind == "list"]
    lists = lists or [c.name for c in free if c.kind == "list" and not options.targets]
    if len(lists) > 1:
        raise DataError(
            "several columns hold sequences, and a row is one series",
            where=table.origin,
            fix=f"Name one (--target COLUMN): {listed(lists)}.",
        )
    time_why = "no column of times: numbers in a row are in their order"
    if lists:
        return _Layout("rows", "a row is a series", None, time_why, key, lists, "the column of lists")
    if key is None or columns[key].distinct < columns[key].rows:
        return None
    numeric = [c.name for c in free if c.kind in ("number", "almost number")]
    dated = named_by_times(numeric)
    if not options.targets and 2 * len(dated) > len(numeric) and times_in_names(dated) is not None:
        why, time_why = f"{len(dated):,} columns named by times are its steps", "the names of the columns"
        told = f"a row is a series, named by {key!r}"
        return _Layout("rows", told, None, time_why, key, dated, why, times_in_names=True)
    families = names.numbered_family(numeric)
    steps = max(families.values(), key=len, default=[])
    if options.targets and options.id is not None:
        steps = options.targets
    elif options.targets or 2 * len(steps) <= len(numeric):
        return None
    why = "as asked" if options.targets else f"{len(steps):,} numbered columns are its steps"
    return _Layout("rows", f"a row is a series, named by {key!r}", None, time_why, key, steps, why)


def _choose_targets(
    table: Table, options: SeriesOptions, free: list[Column], found: _Layout
) -> tuple[list[str], str]:
    """The columns to forecast, and why.

    Raises:
        DataError: none is there, or in long form several could be it; text in a column of numbers.
    """
    if options.targets:
        return list(dict.fromkeys(options.targets)), "as asked"
    for column in free:
        if column.kind == "almost number":
            cells = table.frame[column.name]
            raise text_among_numbers(table, column.name, not_numbers(cells.cast(pl.String)))
    able = [c for c in free if c.kind == "number" and _unfit(table, c) is None]
    if not able:
        constant = [c.name for c in free if c.kind == "number" and c.distinct == 1]
        if constant:
            raise DataError(
                f"every column of numbers is the same in every row: {listed(constant)}",
                where=table.origin,
                fix="A constant needs no network: it goes on as it is. To train on one all the same, name it "
                f"(--target COLUMN): {listed(constant)}.",
            )
        raise DataError(
            "there is no column of numbers to forecast",
            where=table.origin,
            fix=f"Name it (--target COLUMN): {listed([c.name for c in free] or table.frame.columns)}.",
        )
    if len(able) == 1:
        return [able[0].name], "the only column of numbers"
    told = [c for c in able if names.named(c.name, _VALUES)]
    if len(told) == 1:
        return [told[0].name], "by its name"
    if found.layout == "long":
        raise DataError(
            "several columns could be the target",
            where=table.origin,
            fix=f"Name one or more (--target COLUMN): {listed([str(c) for c in able])}.",
        )
    return [c.name for c in able], f"all {len(able)} columns of numbers"


def _unfit(table: Table, column: Column) -> str | None:
    """Why a column is no target to be taken without asking; None where it may be."""
    if column.kind not in ("list", "other") and column.distinct <= 1:
        return "the same in every row" if column.distinct else "empty"
    if counts_rows(table, column):
        return "counts the rows"
    if column.kind == "number" and column.whole and names.named(column.name, CALENDAR | TIMES):
        return f"a part of the date; --known {column.name} reads it"
    return None


def _reason(table: Table, column: Column, layout: str) -> str:
    if why := _unfit(table, column):
        return why
    if says_part(table, column):
        return f"says where a row belongs; --split {column.name} splits by it"
    if layout == "rows":
        return "not one of the steps"
    if column.kind == "time":
        return "another time"
    if column.kind in ("list", "other"):
        return "not a column of numbers"
    if column.kind == "string" and column.distinct > MOST_CATEGORIES:
        return f"{column.distinct:,} different texts, too many to be categories"
    return "not asked for; --past reads it up to now, --known also ahead"


def _grid(table: Table, options: SeriesOptions, found: _Layout) -> tuple[Grid, str]:
    if found.time is None:
        if options.frequency is not None and not found.times_in_names:
            parse_frequency(options.frequency)
        in_names = times_in_names(found.targets) if found.times_in_names and found.targets else None
        if in_names is not None:
            return infer_grid(in_names, frequency=options.frequency, where=table.origin)
        return Grid(origin=1), "there are no times"
    times = read_times(table, found.time)
    codes = None if found.id is None else series_codes(table, found.id)[0]
    where = f"{table.origin}, column {found.time!r}"
    grid, why = infer_grid(times, codes, frequency=options.frequency, where=where)
    if grid.zone is not None and not isinstance(table.frame[found.time].dtype, pl.Datetime):
        why += "; in UTC, as they are written with several offsets from it"
    return grid, why


def _season(options: SeriesOptions, grid: Grid) -> tuple[int, str]:
    if options.season is not None:
        return options.season, "as asked"
    # Without times, what was said of the frequency is all that is known of it.
    frequency = grid.frequency or (options.frequency if grid.kind == "number" and options.frequency else "")
    try:
        season = default_season(frequency)
    except InputError:
        season = 1
    if season > 1:
        return season, f"usual of steps every {parse_frequency(frequency).words}"
    return 1, "none is usual here; --season STEPS says one"
