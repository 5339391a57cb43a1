"""From a table and what a person said to a schema: which column is what, and why."""

from __future__ import annotations

from recurra.data.schema import names
from recurra.data.schema.definition import Schema, SchemaOptions
from recurra.data.schema.leaks import gives_away
from recurra.data.schema.layouts import Input, choose_numbers
from recurra.data.schema.profile import Column, profile
from recurra.data.schema.targets import choose_target, choose_target_at_edge, understand_target
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

_ROLES = {
    "text": "the text",
    "time": "the time",
    "id": "the sequence id",
    "group": "the group",
    "split": "the split",
}


def infer_schema(table: Table, options: SchemaOptions | None = None) -> Schema:
    """What the columns of `table` mean: what `options` say, and the rest worked out.

    Raises:
        DataError: a named column is not there or has two roles, or a guess would not be safe; the choices are
            listed.

    >>> from recurra.data.sources import read
    >>> table = read({"review": ["so good a film", "bad from end to end", "good", "bad"], "label": list("pnpn")})
    >>> schema = infer_schema(table)
    >>> schema.text, schema.target, schema.classes
    ('review', ['label'], ['n', 'p'])
    """
    options = options or SchemaOptions()
    columns = profile(table)
    said = _named(table, options)
    free = [column for name, column in columns.items() if name not in said]
    aside = dict.fromkeys(options.ignore, "as asked")
    text = _text(table, options, free)
    if text is not None:
        name, why = text
        free = [column for column in free if column.name != name]
        target, target_why = choose_target(table, options, _not_identifiers(free))
        chosen = Input("text", text=name, why=why)
    else:
        target, target_why = choose_target_at_edge(table, options, free)
        free = [column for column in free if column.name not in target]
        chosen = choose_numbers(table, options, free, target)
    learned = understand_target(table, options, target, target_why)
    used = {chosen.text, chosen.id, chosen.time, *chosen.features, *target, *said}
    left = [column for column in free if column.name not in used]
    aside.update(_reasons(table, left, target, learned.kind, chosen))
    return Schema(
        task="regress" if learned.kind == "real" else "classify",
        target_kind=learned.kind,
        input="text" if text is not None else "sequence",
        layout=chosen.layout,
        text=chosen.text,
        features=chosen.features,
        channels=chosen.channels,
        target=target,
        time=chosen.time or options.time,
        id=chosen.id or options.id,
        group=options.group,
        split=options.split or table.roles.get("split"),
        window=options.window if chosen.layout == "stream" else None,
        stride=(options.stride or options.window) if chosen.layout == "stream" else None,
        label_separator=options.label_separator,
        classes=learned.classes,
        set_aside=aside,
        input_why=chosen.why,
        target_why=learned.why,
        task_why=learned.task_why,
    )


def _named(table: Table, options: SchemaOptions) -> dict[str, str]:
    """Columns with a role by option or format -> the role; each must be there and have one role."""
    said: dict[str, str] = {}

    def take(name: str, role: str) -> None:
        table.column(name, role)
        if said.setdefault(name, role) != role:
            raise DataError(
                f"the column {name!r} cannot be {said[name]} and {role} at once",
                where=table.origin,
                fix=f"The columns are: {listed(table.frame.columns)}.",
            )

    for key, role in _ROLES.items():
        name = getattr(options, key) or (table.roles.get(key) if key == "split" else None)
        if name is not None:
            take(name, role)
    for name in [options.target] if isinstance(options.target, str) else options.target or []:
        take(name, "the target")
    for name in options.features or []:
        take(name, "a feature")
    for name in options.ignore:
        take(name, "a column to ignore")
    if options.target is None and "target" in table.roles:
        said.setdefault(table.roles["target"], "the target")
    return said


def _text(table: Table, options: SchemaOptions, free: list[Column]) -> tuple[str, str] | None:
    """The column of texts and why, or None where the input is numbers.

    Long strings are texts; of several, one named so, or one twice as long as the others on average.
    """
    if options.text is not None:
        return options.text, "as asked"
    if options.features is not None or options.layout not in (None, "text") or options.window or options.id:
        return None
    if "text" in table.roles:
        return table.roles["text"], f"the {table.format} say so"
    strings = [column for column in free if column.kind == "string" and column.distinct > 1]
    numeric = [column for column in free if column.kind in ("number", "almost number", "list")]
    able = [column for column in strings if _like_text(column)]
    if not able:
        able = [column for column in strings if names.named(column.name, names.TEXT)]
    if (
        not able
        and len(numeric) <= 2
        and any(column.kind != "string" or column not in strings for column in free)
    ):
        able = []
    if not able and not any(column.kind == "list" for column in numeric) and len(numeric) <= 2:
        varied = sorted(strings, key=lambda column: column.distinct, reverse=True)
        if varied and 2 * varied[0].distinct > varied[0].known and not _like_identifier(varied[0]):
            able = varied[:1]
    if not able:
        if options.layout == "text":
            refuse_text_choice(table, "no column is plainly the text", strings)
        return None
    steps = max((len(f) for f in names.numbered_family([c.name for c in numeric]).values()), default=0)
    if steps >= 8 or any(column.kind == "list" for column in numeric):
        refuse_text_choice(
            table, "there are texts and numeric sequences", able, " or the numbers (--features)"
        )
    hinted = [column for column in able if names.named(column.name, names.TEXT)]
    able.sort(key=lambda column: column.chars, reverse=True)
    if len(able) == 1:
        return able[0].name, f"the only column of texts, {able[0].words:.0f} words on average"
    if len(hinted) == 1:
        return hinted[0].name, f"by its name, {hinted[0].words:.0f} words on average"
    if able[0].chars >= 2 * able[1].chars:
        return able[0].name, f"the longest texts, {able[0].words:.0f} words on average"
    refuse_text_choice(table, "several columns could be the text", able)
    return None


def _like_text(column: Column) -> bool:
    long = column.words >= 3 or column.chars >= 20
    return (
        long and 5 * column.distinct >= column.known and not (column.words <= 1 and _like_identifier(column))
    )


def _like_identifier(column: Column) -> bool:
    return column.all_different and names.named(column.name, names.IDENTIFIER)


def _not_identifiers(free: list[Column]) -> list[Column]:
    return [
        c for c in free if not (c.all_different and c.kind != "boolean" and (c.whole or c.kind == "string"))
    ]


def refuse_text_choice(table: Table, problem: str, choices: list[Column], other: str = "") -> None:
    """Raise for an input that cannot be told, with the columns that could be meant."""
    raise DataError(
        problem,
        where=table.origin,
        fix=f"Name the text (--text COLUMN){other}: {listed([column.name for column in choices])}.",
    )


def _reasons(table: Table, left: list[Column], target: list[str], kind: str, chosen: Input) -> dict[str, str]:
    """Why each column that is left is not used."""
    reasons = {}
    for column in left:
        why = chosen.aside.get(column.name)
        if column.distinct <= 1 and column.kind != "list":
            why = "the same in every row" if column.distinct else "empty"
        elif column.all_different and column.kind != "list" and (column.whole or column.kind == "string"):
            is_text = chosen.layout == "text" and _like_text(column)
            why = (
                "another text: one column of texts is read"
                if is_text
                else "different in every row: an identifier"
            )
        elif kind != "real" and len(target) == 1 and gives_away(table.frame, column, target[0]):
            why = "gives the target away"
        elif _says_split(table, column):
            why = f"says where a row belongs (--split {column.name} to split by it)"
        elif column.kind == "time":
            why = f"a time (--time {column.name} to split by it)"
        elif names.named(column.name, names.GROUP):
            why = f"may say whom a row is from (--group {column.name} keeps the rows of one together)"
        elif why is None and chosen.layout == "text":
            text = column.kind == "string" and _like_text(column)
            why = "another text: one column of texts is read" if text else "not read beside a text"
        reasons[column.name] = why or "not a column of numbers"
    return reasons


def _says_split(table: Table, column: Column) -> bool:
    if column.kind != "string" or not 1 <= column.distinct <= 3:
        return False
    found = table.frame[column.name].drop_nulls().unique().to_list()
    return all(str(value).strip().lower() in names.PARTS for value in found)
