"""Which columns hold the recordings, or the numbers, and which the texts."""

from __future__ import annotations

import polars as pl

from recurra.data.audio.files import names_sound
from recurra.data.schema import names
from recurra.data.schema.definition import Schema, SchemaOptions
from recurra.data.schema.layouts import choose_numbers
from recurra.data.schema.profile import profile
from recurra.data.sources.table import Table, listed
from recurra.data.transcripts.definition import TranscriptOptions, TranscriptSchema
from recurra.errors import DataError, InputError

_TEXT = (
    frozenset("text texts transcript transcripts transcription transcriptions".split()),
    frozenset("sentence sentences words word letters string utterance label labels target".split()),
)
_SPEAKER = frozenset("speaker speakerid spk spkid talker talkerid reader readerid voice".split())


def infer_transcripts(table: Table, options: TranscriptOptions) -> TranscriptSchema:
    """What the columns of `table` mean: what `options` say, and the rest worked out.

    Recordings are the column most of whose cells end in .wav or .flac; without one the rows hold numbers: columns of
    lists, or, where `id` is given, the rows of one id.

    Raises:
        DataError: a named column is not there, or it cannot be told which one is meant.
        InputError: two options contradict each other.

    >>> from recurra.data.sources import read
    >>> schema = infer_transcripts(read({"file": ["a.wav", "b.wav"], "text": ["yes", "no"]}), TranscriptOptions())
    >>> schema.input, schema.text, schema.target
    ('sound', 'file', ['text'])
    """
    if options.text is not None and options.target is not None and options.text != options.target:
        raise InputError(
            f"the texts are {options.text!r} by --text and {options.target!r} by --target",
            where="--target",
            fix="Leave one of them out.",
        )
    for role in ("group", "split", "id", "time"):
        if (name := getattr(options, role)) is not None:
            table.column(name, f"the {role}")
    said = [
        options.group,
        options.split,
        options.id,
        options.time,
        *options.ignore,
        *(options.features or []),
    ]
    text = _text_column(table, options.text or options.target, [name for name in said if name])
    sound = _sound_column(table, options, text)
    split = options.split or table.roles.get("split")
    if sound is not None:
        for name in ("id", "time"):
            if getattr(options, name) is not None:
                raise InputError("this has no effect on recordings", where=f"--{name}", fix="Leave it out.")
        speaker = _speaker_column(table, {*options.ignore, text, sound, split})
        schema = Schema(
            task="classify",
            target_kind="text",
            input="text",
            layout="text",
            text=sound,
            target=[text],
            set_aside={
                name: "as asked" if name in options.ignore else _aside(name)
                for name in table.frame.columns
                if name not in (sound, text, options.group, split)
            },
            group=options.group,
            split=split,
        )
        return TranscriptSchema(
            input="sound", table=schema, speaker=speaker, task_why=f"{sound!r} names recordings"
        )
    return _of_numbers(table, options, text, split)


def named_as(table: Table, schema: TranscriptSchema) -> Table:
    """The table with its recordings, and their texts, in columns of the names that `schema` has for them.

    Other tables may call them otherwise, and a folder has names of its own: where the schema's column of recordings is
    not there, the only one that names recordings is meant; where that of the texts is not, the one that the form has.
    """
    names_: dict[str, str] = {}
    if schema.text is not None and schema.text not in table.frame.columns:
        sound = [name for name in table.frame.columns if names_sound(table.frame[name])]
        if len(sound) == 1:
            names_[sound[0]] = schema.text
    text = table.roles.get("target")
    if text is not None and schema.target[0] not in table.frame.columns:
        names_[text] = schema.target[0]
    return table.renamed(names_) if names_ else table


def _text_column(table: Table, asked: str | None, taken: list[str]) -> str:
    asked = asked or table.roles.get("target")
    if asked is not None:
        column = table.column(asked, "the text")
        if column.dtype.is_nested():
            raise DataError(
                "this column holds lists, and a text is expected in each row",
                where=f"{table.origin}, column {asked!r}",
            )
        return asked
    free = [name for name in table.frame.columns if name not in taken]
    for tier in _TEXT:
        found = [name for name in free if names.named(name, tier)]
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(
                f"several columns could be the texts: {listed(found)}",
                where=table.origin,
                fix="Say which (--text COLUMN).",
            )
    strings = [
        name for name in free if table.frame[name].dtype == pl.String and not names_sound(table.frame[name])
    ]
    if len(strings) == 1:
        return strings[0]
    raise DataError(
        "no column is plainly the text that belongs to each row",
        where=table.origin,
        fix=f"Say which it is (--text COLUMN): {listed(table.frame.columns)}.",
    )


def _sound_column(table: Table, options: TranscriptOptions, text: str) -> str | None:
    """The column that names recordings; None where the rows hold numbers."""
    able = options.features or [name for name in table.frame.columns if name not in (text, *options.ignore)]
    found = [name for name in able if names_sound(table.column(name, "a feature"))]
    if len(found) > 1:
        raise DataError(
            f"several columns name recordings: {listed(found)}",
            where=table.origin,
            fix="Say which (--features COLUMN).",
        )
    return found[0] if found else None


def _speaker_column(table: Table, taken: set[str | None]) -> str | None:
    """The only column that is called as one that says who speaks."""
    found = [
        name
        for name, dtype in table.frame.schema.items()
        if name not in taken and names.named(name, _SPEAKER) and not dtype.is_nested()
    ]
    return found[0] if len(found) == 1 else None


def _of_numbers(table: Table, options: TranscriptOptions, text: str, split: str | None) -> TranscriptSchema:
    taken = {text, *options.ignore, options.group, split, options.id, options.time}
    free = [column for name, column in profile(table).items() if name not in taken]
    lists = [column.name for column in free if column.kind == "list"]
    if options.id is None and not lists and options.features is None:
        raise DataError(
            "the rows name no recordings (.wav, .flac) and hold no sequences of numbers",
            where=table.origin,
            fix="Give a column of file names, a column with a list of numbers or of steps in each row (JSONL, "
            f"Parquet), or say which rows are one sequence (--id COLUMN). The columns are: "
            f"{listed(table.frame.columns)}.",
        )
    wanted = SchemaOptions(
        features=options.features,
        target=text,
        id=options.id,
        time=options.time,
        layout="long" if options.id else "lists",
        ignore=options.ignore,
    )
    chosen = choose_numbers(table, wanted, free, [text], "multiclass")
    schema = Schema(
        task="classify",
        target_kind="text",
        input="sequence",
        layout=chosen.layout,
        features=chosen.features,
        channels=chosen.channels,
        target=[text],
        id=options.id,
        time=options.time or chosen.time,
        set_aside={c.name: _aside(c.name) for c in free if c.name not in chosen.features},
        group=options.group,
        split=split,
    )
    return TranscriptSchema(input="numbers", table=schema, task_why=chosen.why)


def _aside(name: str) -> str:
    if names.named(name, names.GROUP):
        return f"may say whom a row is from; --group {name} keeps the rows of one on one side of a split"
    return "neither the sequence nor the text"
