"""From a table and what a person said to a schema: which column is what, and why."""

from __future__ import annotations

from recurra.data.audio.files import names_sound
from recurra.data.schema.aside import reason
from recurra.data.schema.definition import Schema, SchemaOptions
from recurra.data.schema.images import choose_image, form_of
from recurra.data.schema.kinds import understand_target
from recurra.data.schema.layouts import Input, choose_numbers
from recurra.data.schema.profile import Column, profile
from recurra.data.schema.targets import choose_target, choose_target_at_edge
from recurra.data.schema.texts import choose_text
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError, InputError

_ROWS = {
    "text": "a row is a text",
    "wide": "a row is a whole sequence",
    "lists": "a row is a whole sequence",
    "long": "the rows of one id are a sequence",
    "stream": "one long record is cut into windows",
    "images": "a row is an image, or a sequence of them",
}


def infer_schema(table: Table, options: SchemaOptions | None = None) -> Schema:
    """What the columns of `table` mean: what `options` say, and the rest worked out.

    Raises:
        DataError: a named column is not there or has two roles, or a guess would not be safe; the choices are
            listed.
        InputError: two options contradict each other, or one would have no effect.

    >>> from recurra.data.sources import read
    >>> table = read({"review": ["a good film", "bad all through", "good", "bad"], "label": list("pnpn")})
    >>> schema = infer_schema(table)
    >>> schema.text, schema.target, schema.classes
    ('review', ['label'], ['n', 'p'])
    """
    options = options or SchemaOptions()
    _refuse_contradiction(options)
    said = _named(table, options)
    columns = profile(table)
    free = [column for name, column in columns.items() if name not in said]
    image = choose_image(table, options, free)
    text = choose_text(table, options, free) if image is None else None
    if image is None:
        _refuse_recordings(table, options, free, None if text is None else text[0])
    pixels = None
    if image is not None:
        free = [column for column in free if column.name != image[0]]
        target, target_why = choose_target(table, options, free)
        learned = understand_target(table, options, target)
        pixels, form = form_of(table, image[0], options)
        chosen = Input("images", why=f"{image[1]}: {form}")
    elif text is not None:
        chosen = Input("text", text=text[0], why=text[1])
        free = [column for column in free if column.name != chosen.text]
        target, target_why = choose_target(table, options, free)
        learned = understand_target(table, options, target)
    else:
        target, target_why = choose_target_at_edge(table, options, free)
        learned = understand_target(table, options, target)
        free = [column for column in free if column.name not in target]
        chosen = choose_numbers(table, options, free, target, learned.kind)
    if options.window is not None and chosen.layout != "stream":
        raise InputError(
            f"windows are cut from a stream, and here {_ROWS[chosen.layout]}",
            where="--window",
            fix="Leave it out, or say --layout stream.",
        )
    if options.task == "tag" and chosen.layout != "long":
        raise InputError(
            f"a target at every step is read where a row is a step, and here {_ROWS[chosen.layout]}",
            where="--task tag",
            fix="Say which column tells the sequences apart (--id COLUMN).",
        )
    used = {
        chosen.text,
        None if image is None else image[0],
        chosen.id,
        chosen.time,
        *chosen.features,
        *target,
    }
    classes = target[0] if learned.kind in ("binary", "multiclass") else None
    aside = dict.fromkeys(options.ignore, "as asked")
    for column in free:
        if column.name not in used:
            why = reason(table, column, classes, chosen.layout)
            aside[column.name] = chosen.aside.get(column.name) or why or "not one of the features"
    stream = chosen.layout == "stream"
    return Schema(
        task="tag" if options.task == "tag" else "regress" if learned.kind == "real" else "classify",
        target_kind=learned.kind,
        input="text" if chosen.layout == "text" else "sequence",
        layout=chosen.layout,
        text=chosen.text,
        image=None if image is None else image[0],
        pixels=pixels,
        features=chosen.features,
        channels=chosen.channels,
        target=target,
        time=options.time or chosen.time,
        id=options.id or chosen.id,
        group=options.group,
        split=options.split or table.roles.get("split"),
        window=options.window if stream else None,
        stride=(options.stride or options.window) if stream else None,
        label_separator=options.label_separator,
        classes=learned.classes,
        set_aside=aside,
        input_why=chosen.why,
        target_why=target_why,
        task_why=f"tag, every step: {learned.why}" if options.task == "tag" else learned.why,
    )


def _refuse_contradiction(options: SchemaOptions) -> None:
    if options.text is not None or options.layout == "text":
        said = "--text" if options.text is not None else "--layout text"
        other = "--layout" if options.layout not in (None, "text") else None
        for name, value in (("--features", options.features), ("--window", options.window)):
            other = other or (name if value is not None else None)
        if other is not None:
            raise InputError(
                f"{said} reads texts and {other} sequences of numbers, and a network reads one of them",
                where=other,
                fix=f"Leave out {said} or {other}.",
            )
    if options.image is not None or options.layout == "images":
        said = "--image" if options.image is not None else "--layout images"
        for name in ("text", "features", "window", "id"):
            if getattr(options, name) is not None:
                raise InputError(
                    f"{said} reads images, --{name} something else, and a network reads one of them",
                    where=f"--{name}",
                    fix=f"Leave out {said} or --{name}.",
                )
        if options.layout not in (None, "images"):
            raise InputError(
                f"--image reads images, and --layout {options.layout} none",
                where="--layout",
                fix="Leave it out.",
            )
    if options.stride is not None and options.window is None:
        raise InputError(
            "this says how far apart windows start, and no window is asked for",
            where="--stride",
            fix="Say their length too (--window STEPS).",
        )


def _refuse_recordings(table: Table, options: SchemaOptions, free: list[Column], text: str | None) -> None:
    """Names of recordings that are asked for, or beside which there is nothing to read or to learn."""
    sound = [column.name for column in free if names_sound(table.frame[column.name])]
    asked = [name for name in options.features or [] if names_sound(table.column(name, "a feature"))]
    others = [column for column in free if column.name not in (text, *sound)]
    readable = text is not None or options.features or any(column.kind != "string" for column in others)
    if asked or (sound and not (readable and (options.target or others))):
        raise DataError(
            "this column names recordings, which --task transcribe alone reads: it writes down what is said",
            where=f"{table.origin}, column {(asked or sound)[0]!r}",
            fix="Add --task transcribe, and --text COLUMN for the texts.",
        )


def _named(table: Table, options: SchemaOptions) -> dict[str, str]:
    """Columns with a role by option or format -> the role; each must be there and have one role."""
    said: dict[str, str] = {}
    there = set(table.frame.columns)

    def take(name: str | None, role: str) -> None:
        if name is None:
            return
        if name not in there:
            table.column(name, role)  # which says so
        if said.setdefault(name, role) != role:
            raise DataError(
                f"the column {name!r} cannot be {said[name]} and {role} at once",
                where=table.origin,
                fix=f"The columns are: {listed(table.frame.columns)}.",
            )

    take(options.text, "the text")
    take(options.image, "the image")
    take(options.time, "the time")
    take(options.id, "the sequence id")
    take(options.split or table.roles.get("split"), "the split")
    if options.group != options.id:
        take(options.group, "the group")
    target = [options.target] if isinstance(options.target, str) else options.target
    for name in target or [table.roles.get("target")]:
        take(name, "the target")
    for name in options.features or []:
        take(name, "a feature")
    for name in options.ignore:
        take(name, "a column to ignore")
    return said
