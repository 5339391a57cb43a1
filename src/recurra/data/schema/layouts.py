"""How rows of numbers make sequences: worked out, or an error that lists the choices."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from recurra.data.schema import names
from recurra.data.schema.aside import reason
from recurra.data.schema.definition import Layout, SchemaOptions
from recurra.data.schema.profile import Column
from recurra.data.schema.values import not_numbers, text_among_numbers
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

_WIDE_FROM = 8


@dataclass
class Input:
    """What the network reads: layout, columns, why; and columns that might have been read, and why not."""

    layout: Layout
    text: str | None = None
    features: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    id: str | None = None
    time: str | None = None
    why: str = ""
    aside: dict[str, str] = field(default_factory=dict)


def choose_numbers(
    table: Table, options: SchemaOptions, free: list[Column], target: list[str], kind: str
) -> Input:
    """Layout and feature columns of a table without texts.

    Taken without asking: columns that hold lists; wide form where columns are numbered; long form where a
    column named like a sequence id repeats and the target does not change within it; wide form where there
    are eight columns or more and no time.

    Raises:
        DataError: none of these; or text in a column of numbers.
    """
    nested = [column.name for column in free if column.kind == "list"]
    if options.features is not None:
        nested = [name for name in options.features if table.frame[name].dtype.is_nested()]
    if options.layout == "lists" or (options.layout is None and nested):
        return _lists(table, options.features or nested)
    numbers = _numbers(table, options, free)
    if not numbers:
        raise DataError(
            "there is no column of texts or numbers to learn from",
            where=table.origin,
            fix=f"Name the text (--text) or the numbers (--features): {listed(table.frame.columns)}.",
        )
    if options.layout == "stream" or (options.layout is None and options.window):
        return _stream(table, options, numbers, _classes(target, kind))
    if options.layout == "long" or (options.layout is None and options.id):
        return _long(table, options, numbers, target, options.id, kind)
    families = names.numbered_family(
        [column.name for column in numbers], as_given=options.features is not None
    )
    if options.layout == "wide":
        return _wide(options, numbers, families, "as asked")
    steps = sum(map(len, families.values()))
    if options.features is None and 2 * steps > len(numbers):
        return _wide(options, numbers, families, "the columns are numbered")
    key = _sequence_column(table, free, [] if options.task == "tag" else target)
    if key is not None:
        return _long(table, options, numbers, target, key, kind)
    timed = options.time or any(
        column.kind == "time" or names.named(column.name, names.TIME) for column in free
    )
    if len(numbers) >= _WIDE_FROM and not timed:
        return _wide(options, numbers, families, f"{len(numbers)} columns of numbers and no time")
    raise DataError(
        "it cannot be told how the rows of numbers make sequences",
        where=table.origin,
        fix="Say it: --layout wide (a row is a sequence, a column a step), --layout long --id COLUMN (a row "
        "is a step, the rows of one id are a sequence), or --layout stream --window STEPS (one long record, "
        f"cut into windows). The columns are: {listed(table.frame.columns)}.",
    )


def _classes(target: list[str], kind: str) -> str | None:
    return target[0] if kind in ("binary", "multiclass") else None


def _numbers(table: Table, options: SchemaOptions, free: list[Column]) -> list[Column]:
    """The columns of numbers that may be features; text in one of them is an error."""
    for name in options.features or [column.name for column in free if column.kind == "almost number"]:
        column = table.frame[name]
        if column.dtype == pl.String and (bad := not_numbers(column)):
            raise text_among_numbers(table, name, bad)
    if options.features is not None:
        return [Column(name, "number", len(table)) for name in options.features]
    return [column for column in free if column.kind in ("number", "boolean")]


def _lists(table: Table, features: list[str]) -> Input:
    channels = []
    for name in features:
        dtype = table.frame[name].dtype
        if not isinstance(dtype, pl.List | pl.Array):
            raise DataError(
                "this column does not hold sequences",
                where=f"{table.origin}, column {name!r}",
                fix=f"The columns are: {listed(table.frame.columns)}.",
            )
        if isinstance(dtype.inner, pl.List | pl.Array):
            step = table.frame[name].drop_nulls().explode().drop_nulls().head(1).to_list()
            channels += [f"{name}_{j + 1}" for j in range(len(step[0]) if step else 0)]
        else:
            channels.append(name)
    if not channels:
        raise DataError(
            "no row holds any step", where=table.origin, fix="Give sequences of one step or more."
        )
    several = f"{len(channels)} channels" if len(channels) > 1 else "one channel"
    return Input("lists", features=features, channels=channels, why=f"a row holds a sequence, {several}")


def _wide(
    options: SchemaOptions, numbers: list[Column], families: dict[tuple[str, str], list[str]], why: str
) -> Input:
    """Steps are the longest numbered families of columns, one a channel; or all columns in order."""
    aside: dict[str, str] = {}
    longest = max(map(len, families.values()), default=0)
    steps = {key: found for key, found in families.items() if len(found) == longest}
    if not steps or (options.features is not None and sum(map(len, steps.values())) < len(numbers)):
        kept = numbers if options.features is not None else [c for c in numbers if not c.named_identifier]
        steps, longest = {("value", ""): [column.name for column in kept]}, len(kept)
    features = [name for found in steps.values() for name in found]
    taken = set(features)
    for column in numbers:
        if column.name not in taken:
            aside[column.name] = (
                "an identifier" if column.named_identifier else "not one of the numbered steps"
            )
    channels = ["value"] if len(steps) == 1 else [(before + behind).strip("_ .-") for before, behind in steps]
    several = f", {len(channels)} channels" if len(channels) > 1 else ""
    return Input(
        "wide", None, features, channels, why=f"{why}: {longest} steps in a row{several}", aside=aside
    )


def _sequence_column(table: Table, free: list[Column], target: list[str]) -> str | None:
    """The column that says which sequence a row belongs to, if one is named so and the target agrees."""
    able = [
        column.name
        for column in free
        if names.named(column.name, names.SEQUENCE)
        and column.kind in ("number", "string")
        and not column.missing
        and 3 * column.distinct <= column.known
        and _changing(table, column.name, target) is None
    ]
    return able[0] if len(able) == 1 else None


def _changing(table: Table, key: str, target: list[str]) -> str | None:
    """A sequence within which the target changes, if there is one."""
    if not target:
        return None
    varied = table.frame.group_by(key, maintain_order=True).agg(pl.col(target).drop_nulls().n_unique() > 1)
    found = varied.filter(pl.any_horizontal(pl.col(target)))
    return None if found.is_empty() else str(found[key][0])


def _long(
    table: Table, options: SchemaOptions, numbers: list[Column], target: list[str], key: str | None, kind: str
) -> Input:
    if key is None:
        raise DataError(
            "in long form it must be known which sequence a row belongs to",
            where=table.origin,
            fix=f"Name the column (--id COLUMN): {listed(table.frame.columns)}.",
        )
    changing = None if options.task == "tag" else _changing(table, key, target)
    if changing is not None:
        raise DataError(
            f"the target changes within the sequence {changing!r}, and a sequence has one",
            where=f"{table.origin}, column {target[0]!r}",
            fix="For a target at every step say --task tag; for one of every window --layout stream "
            "--window STEPS.",
        )
    numbers = [column for column in numbers if column.name != key]
    chosen = _features(table, options, numbers, _classes(target, kind), "long")
    order = f"ordered by {chosen.time!r}" if chosen.time else "in the order of their rows"
    chosen.why = f"{table.frame[key].n_unique():,} sequences by {key!r}, {order}"
    chosen.id = key
    return chosen


def _stream(table: Table, options: SchemaOptions, numbers: list[Column], classes: str | None) -> Input:
    if options.window is None:
        raise DataError(
            "a stream is cut into windows, and their length is not known",
            where=table.origin,
            fix="Say how many steps (--window STEPS), and how far apart they start (--stride STEPS).",
        )
    chosen = _features(table, options, numbers, classes, "stream")
    order = f", ordered by {chosen.time!r}" if chosen.time else ""
    chosen.why = f"windows of {options.window} steps, one every {options.stride or options.window}{order}"
    return chosen


def _features(
    table: Table, options: SchemaOptions, numbers: list[Column], classes: str | None, layout: Layout
) -> Input:
    """The columns of numbers but the time and those that are better not used."""
    named = [name for name in table.frame.columns if names.named(name, names.TIME)]
    taken = {*(options.features or ()), *options.ignore, classes}
    time = options.time or (named[0] if len(named) == 1 and named[0] not in taken else None)
    aside: dict[str, str] = {}
    features = list(options.features or ())
    for column in [] if options.features is not None else numbers:
        why = reason(table, column, classes, layout)
        if why is not None and column.name != time:
            aside[column.name] = why
        elif column.name != time:
            features.append(column.name)
    if not features:
        raise DataError(
            "no column of numbers is left to learn from", where=table.origin, fix="Name them: --features."
        )
    return Input(layout, None, features, list(features), time=time, aside=aside)
