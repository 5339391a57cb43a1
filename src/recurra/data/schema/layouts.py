"""How rows of numbers make sequences: worked out, or an error that lists the choices."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from recurra.data.schema import names
from recurra.data.schema.definition import Layout, SchemaOptions
from recurra.data.schema.leaks import gives_away
from recurra.data.schema.profile import Column, not_numbers
from recurra.data.schema.targets import refuse_text
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

_WIDE_FROM = 8


@dataclass
class Input:
    """What the network reads: layout, columns, and why."""

    layout: Layout
    text: str | None = None
    features: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    id: str | None = None
    time: str | None = None
    why: str = ""
    aside: dict[str, str] = field(default_factory=dict)


def choose_numbers(table: Table, options: SchemaOptions, free: list[Column], target: list[str]) -> Input:
    """Layout and feature columns of a table without texts.

    Taken without asking: columns that hold lists; long form where a column named like a sequence id repeats and
    the target does not change within it; wide form where columns are numbered, or eight or more and no time.

    Raises:
        DataError: none of these; or text in a number column.
    """
    lists = [column for column in free if column.kind == "list"]
    if options.layout == "lists" or (options.layout is None and lists and options.features is None):
        return _lists(table, options, lists)
    if (
        options.features
        and options.layout is None
        and all(table.frame[name].dtype.is_nested() for name in options.features)
    ):
        return _lists(table, options, lists)
    numbers = _numbers(table, options, free)
    if not numbers and not options.features:
        raise DataError(
            "there is no column of texts or numbers to learn from",
            where=table.origin,
            fix=f"Name the text (--text) or the numbers (--features): {listed(table.frame.columns)}.",
        )
    if options.layout == "stream" or (options.layout is None and options.window):
        return _stream(table, options, numbers)
    if options.layout == "long" or (options.layout is None and options.id):
        return _long(table, options, numbers, target)
    families = names.numbered_family([column.name for column in numbers])
    if options.layout == "wide":
        return _wide(options, numbers, families, "as asked")
    steps = sum(map(len, families.values()))
    if options.features is None and steps >= 3 and 2 * steps >= len(numbers):
        return _wide(options, numbers, families, "the columns are numbered")
    sequence = _sequence_column(table, free, target)
    if sequence is not None:
        return _long(table, options, numbers, target, sequence)
    timed = options.time or any(
        column.kind == "time" or names.named(column.name, names.TIME) for column in free
    )
    if len(numbers) >= _WIDE_FROM and not timed:
        return _wide(options, numbers, families, f"{len(numbers)} columns of numbers and no time")
    raise DataError(
        "how the rows of numbers make sequences cannot be told",
        where=table.origin,
        fix="Say it: --layout wide (a row is a sequence, a column a step), --layout long --id COLUMN (a row is a "
        "step, rows of one id are a sequence), or --layout stream --window STEPS (one long record, cut into "
        f"windows). The columns are: {listed(table.frame.columns)}.",
    )


def _numbers(table: Table, options: SchemaOptions, free: list[Column]) -> list[Column]:
    """The columns of numbers that may be features; text in one of them is an error."""
    if options.features is not None:
        for name in options.features:
            column = table.frame[name]
            if column.dtype == pl.String and (bad := not_numbers(column)):
                refuse_text(table, name, bad)
        return [Column(name, "number", len(table)) for name in options.features]
    found = []
    for column in free:
        if column.kind == "almost number":
            refuse_text(table, column.name, not_numbers(table.frame[column.name]))
        if column.kind in ("number", "boolean"):
            found.append(column)
    return found


def _lists(table: Table, options: SchemaOptions, lists: list[Column]) -> Input:
    features = options.features or [column.name for column in lists]
    for name in features:
        if not table.frame[name].dtype.is_nested():
            raise DataError("this column does not hold sequences", where=f"{table.origin}, column {name!r}")
    channels = []
    for name in features:
        column = table.frame[name]
        inner = column.dtype.inner if isinstance(column.dtype, pl.List | pl.Array) else None
        if isinstance(inner, pl.List | pl.Array):
            width = (
                column.explode().drop_nulls().list.len().max() if isinstance(inner, pl.List) else inner.size
            )
            channels += [f"{name}_{j + 1}" for j in range(int(width or 0))]  # type: ignore[arg-type]
        else:
            channels.append(name)
    several = f"{len(channels)} channels" if len(channels) > 1 else "one channel"
    return Input("lists", features=features, channels=channels, why=f"a row holds a sequence, {several}")


def _wide(
    options: SchemaOptions, numbers: list[Column], families: dict[tuple[str, str], list[str]], why: str
) -> Input:
    aside: dict[str, str] = {}
    lengths = {len(members) for members in families.values()}
    if options.features is not None and len(families) < 2 or not families:
        if options.features is None:
            numbers = _without_identifiers(numbers, aside)
        features = [column.name for column in numbers]
        return Input(
            "wide",
            features=features,
            channels=["value"],
            why=f"{why}: {len(features)} steps a row",
            aside=aside,
        )
    longest = max(lengths)
    kept = {key: members for key, members in families.items() if len(members) == longest}
    features = [name for members in kept.values() for name in members]
    for column in numbers:
        if column.name not in features:
            aside[column.name] = "not one of the numbered steps"
    channels = ["value"] if len(kept) == 1 else [names.plain(a) + names.plain(b) or a + b for a, b in kept]
    several = f", {len(channels)} channels" if len(channels) > 1 else ""
    return Input(
        "wide",
        features=features,
        channels=channels,
        why=f"{why}: {longest} steps a row{several}",
        aside=aside,
    )


def _without_identifiers(numbers: list[Column], aside: dict[str, str]) -> list[Column]:
    kept = []
    for column in numbers:
        if column.whole and column.all_different and names.named(column.name, names.IDENTIFIER):
            aside[column.name] = "different in every row: an identifier"
        else:
            kept.append(column)
    return kept


def _sequence_column(table: Table, free: list[Column], target: list[str]) -> str | None:
    """The column that says which sequence a row belongs to, if one is named so and the target agrees."""
    able = [
        column
        for column in free
        if names.named(column.name, names.SEQUENCE)
        and column.kind in ("number", "string")
        and not column.missing
        and 3 * column.distinct <= column.known
        and _constant_within(table.frame, column.name, target)
    ]
    return able[0].name if len(able) == 1 else None


def _constant_within(frame: pl.DataFrame, key: str, target: list[str]) -> bool:
    varied = frame.group_by(key).agg(pl.col(target).drop_nulls().n_unique() > 1).select(pl.col(target).any())
    return not any(varied.row(0))


def _long(
    table: Table, options: SchemaOptions, numbers: list[Column], target: list[str], guessed: str | None = None
) -> Input:
    key = options.id or guessed
    if key is None:
        raise DataError(
            "long form needs to know which sequence a row belongs to",
            where=table.origin,
            fix=f"Name the column (--id COLUMN): {listed(table.frame.columns)}.",
        )
    if not _constant_within(table.frame, key, target):
        changed = table.frame.group_by(key, maintain_order=True).agg(
            pl.col(target[0]).drop_nulls().n_unique()
        )
        first = changed.filter(pl.col(target[0]) > 1)[key][0]
        raise DataError(
            f"the target changes within the sequence {first!r}, and a sequence has one",
            where=f"{table.origin}, column {target[0]!r}",
            fix="For a target at every step say --layout stream --window STEPS (--id keeps windows inside a sequence).",
        )
    numbers = [column for column in numbers if column.name != key]
    time, why_time = _time_column(options, numbers, table)
    aside: dict[str, str] = {}
    features = _features(table, options, numbers, time, target, aside)
    ids = table.frame[key].n_unique()
    why = f"{ids} sequences by {key!r}" + (f", {why_time}" if time else ", in the order of their rows")
    return Input("long", features=features, channels=features, id=key, time=time, why=why, aside=aside)


def _stream(table: Table, options: SchemaOptions, numbers: list[Column]) -> Input:
    if options.window is None:
        raise DataError(
            "a stream is cut into windows, and their length is not known",
            where=table.origin,
            fix="Say how many steps (--window STEPS), and how far apart they start (--stride STEPS).",
        )
    time, why_time = _time_column(options, numbers, table)
    aside: dict[str, str] = {}
    features = _features(table, options, numbers, time, [], aside)
    why = f"windows of {options.window} steps, one every {options.stride or options.window}"
    if time:
        why += f", {why_time}"
    return Input(
        "stream", features=features, channels=features, id=options.id, time=time, why=why, aside=aside
    )


def _time_column(options: SchemaOptions, numbers: list[Column], table: Table) -> tuple[str | None, str]:
    if options.time:
        return options.time, f"ordered by {options.time!r}"
    used = set(options.features or [])
    able = [name for name in table.frame.columns if names.named(name, names.TIME) and name not in used]
    if len(able) == 1:
        return able[0], f"ordered by {able[0]!r} (by its name)"
    return None, ""


def _features(
    table: Table,
    options: SchemaOptions,
    numbers: list[Column],
    time: str | None,
    target: list[str],
    aside: dict[str, str],
) -> list[str]:
    if options.features is not None:
        return options.features
    kept = []
    for column in numbers:
        if column.name == time:
            continue
        if column.distinct <= 1:
            aside[column.name] = "the same in every row"
        elif column.whole and column.all_different and names.named(column.name, names.IDENTIFIER):
            aside[column.name] = "different in every row: an identifier"
        elif len(target) == 1 and gives_away(table.frame, column, target[0]):
            aside[column.name] = "gives the target away"
        else:
            kept.append(column.name)
    if not kept:
        raise DataError(
            "no column of numbers is left to learn from", where=table.origin, fix="Name them: --features."
        )
    return kept
