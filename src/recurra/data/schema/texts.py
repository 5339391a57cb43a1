"""The column of texts, where there is one."""

from __future__ import annotations

from recurra.data.schema import names
from recurra.data.schema.definition import SchemaOptions
from recurra.data.schema.profile import Column
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

_STEPS = 8


def choose_text(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[str, str] | None:
    """The column of texts and why, or None where the input is numbers.

    What was asked for; what the file's format says; else the strings that are long and varied. Of several,
    the one with a telling name, or the one twice as long as the next on average. Without long strings: a
    column named so, or, where there are hardly numbers, strings that seldom repeat (names, words).

    Raises:
        DataError: several columns could be it, or there are numeric sequences beside it.
    """
    if options.text is not None:
        return options.text, "as asked"
    if options.features is not None or options.layout not in (None, "text") or options.window or options.id:
        return None
    if "text" in table.roles:
        return table.roles["text"], f"as the {table.format} form has it"
    numbers = [column for column in free if column.kind in ("number", "almost number", "list")]
    able = _able(free, numbers)
    if not able:
        if options.layout == "text":
            raise _unclear(
                table, "no column is plainly the text", [c for c in free if c.kind == "string"] or free
            )
        return None
    steps = max(
        (len(found) for found in names.numbered_family([c.name for c in numbers]).values()), default=0
    )
    if options.layout is None and (steps >= _STEPS or any(column.kind == "list" for column in numbers)):
        raise _unclear(
            table, "there are texts and numeric sequences", able, " or the numbers (--features COLUMNS)"
        )
    able.sort(key=lambda column: column.chars, reverse=True)
    telling = [column for column in able if names.named(column.name, names.TEXT)]
    words = "{:.0f} words on average"
    if len(able) == 1:
        return able[0].name, f"the only column of texts, {words.format(able[0].words)}"
    if len(telling) == 1:
        return telling[0].name, f"by its name, {words.format(telling[0].words)}"
    if able[0].chars >= 2 * able[1].chars:
        return able[0].name, f"the longest texts, {words.format(able[0].words)}"
    nothing_else = options.task is None and len(free) == len(able) == 2
    pairs = ", or have one written from the other (--task translate)" if nothing_else else ""
    raise _unclear(table, "several columns could be the text", able, pairs)


def _able(free: list[Column], numbers: list[Column]) -> list[Column]:
    strings = [column for column in free if column.kind == "string" and column.distinct > 1]
    able = [column for column in strings if like_text(column)]
    if not able:
        able = [column for column in strings if names.named(column.name, names.TEXT)]
    if not able and len(numbers) <= 2 and not any(column.kind == "list" for column in numbers):
        varied = [
            c for c in strings if 2 * c.distinct > c.known and not names.named(c.name, names.IDENTIFIER)
        ]
        able = sorted(varied, key=lambda column: column.distinct)[-1:]
    return able


def like_text(column: Column) -> bool:
    """Strings long enough and varied enough to be texts."""
    if column.kind != "string" or (column.words <= 1 and names.named(column.name, names.IDENTIFIER)):
        return False
    return (column.words >= 3 or column.chars >= 20) and 5 * column.distinct >= column.known


def _unclear(table: Table, problem: str, choices: list[Column], other: str = "") -> DataError:
    return DataError(
        problem,
        where=table.origin,
        fix=f"Name the text (--text COLUMN){other}: {listed([column.name for column in choices])}.",
    )
