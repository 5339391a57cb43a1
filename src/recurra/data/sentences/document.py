"""What a reader of tagged words returns, and what a line of columns means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.data.sentences.lines import CONLLU, WORD_IN_A_LINE, Lines, split_columns, split_conllu
from recurra.data.sentences.rewriting import holds_tags
from recurra.data.sources.table import listed
from recurra.errors import DataError, InputError

_NO_TAG = "_"  # of CoNLL-U: not annotated
_MEANT = ("feats", "deps", "misc")  # fields of it where that says: none
_COLUMN = "column "
_SHOWN = 4
_TEXT = 2  # columns; lines of more, each by itself, are rather texts


@dataclass(frozen=True)
class Document:
    """A file of sentences.

    Args:
        rewritten: from a tag for each word, end to end, to the file again with these tags in it.
        notes: what was found and decided, in sentences.
    """

    sentences: Sentences
    schema: SentenceSchema
    rewritten: Callable[[Sequence[str]], str]
    notes: tuple[str, ...] = ()


def conllu_document(
    text: str, origin: str, options: SentenceOptions, *, answers: frozenset[str] | None = None
) -> Document:
    """A CoNLL-U file; the words are its forms and the tags its universal parts of speech, unless others are named.

    Args:
        answers: of data to be tagged, the tags that they may get; None: they have tags. Where the field of the tags
            holds other things, it is kept, and answers stand in the last field, as Tag=NOUN.

    Raises:
        DataError: not of this form, or without a tag.
        InputError: there is no such field.
    """
    lines = split_conllu(text, origin)
    word, tag = options.text or "form", options.target or "upos"
    word, tag = _field(word, "--text"), _field(tag, "--target")
    features = [_field(name, "--features") for name in options.features]
    refuse_answer([tag] * (answers is None), features)
    place, kept = CONLLU.index(tag), []
    if answers is not None and not holds_tags(lines.column(place), answers):
        place = len(CONLLU)
        kept = [
            f"its field {tag} holds other things than this run's tags, and is kept: they stand in misc, as Tag=..."
        ]
    tags: list[str | None] = [
        None if value == _NO_TAG and tag not in _MEANT else value for value in lines.column(CONLLU.index(tag))
    ]
    schema = SentenceSchema(form="conllu", text=word, target=tag, features=features)
    notes = [
        f"CoNLL-U: the words are its field {word}, the tags its field {tag}{also(features)}; --text and --target name "
        "others",
        *kept,
    ]
    columns = [lines.column(CONLLU.index(name)) for name in features]
    return _document(lines, CONLLU.index(word), place, tags, columns, schema, notes, origin, answers)


def columns_document(
    text: str, origin: str, options: SentenceOptions, *, answers: frozenset[str] | None = None
) -> Document:
    """A file of columns. Without a word about it the words stand in the first column that does not count them, and the
    tags in the last one whose values come again and again.

    Args:
        answers: of data to be tagged, the tags that they may get; None: they have tags. A column of other things is
            kept, and the answers come behind the last.

    Raises:
        DataError: lines of different widths, without a tag, or whole sentences in lines.
        InputError: there is no such column.
    """
    lines, need_tags = split_columns(text, origin), answers is None
    word = _asked(options.text, "--text", lines.width, None, origin)
    # A file to be tagged may end before the column of the tags, which is then added.
    tag = _asked(options.target, "--target", lines.width, None if need_tags else lines.width, origin)
    asked = [_asked(name, "--features", lines.width, None, origin) for name in options.features]
    places = [place for place in asked if place is not None]
    if word is not None and not need_tags and _counts(lines, word):
        word = None  # as in the training, but a column that numbers the words has come in front of them
    asked_for, kept = tag, []
    if (
        answers is not None
        and tag is not None
        and tag < lines.width
        and not holds_tags(lines.column(tag), answers)
    ):
        tag = None
    if word is None:
        taken = (tag, *places)
        word = next((k for k in range(lines.width) if k not in taken and not _counts(lines, k)), 0)
    if tag is None:
        if answers is None:
            tag = _tag_column(lines, word, places)
        else:
            tag = _column_of_answers(lines, (word, *places), answers, origin)
        if asked_for is not None:
            kept = [
                f"column {asked_for + 1} holds other things than this run's tags ({_some(lines.column(asked_for))}), "
                f"and is kept: they stand in column {tag + 1}"
            ]
    if need_tags and tag == word:
        raise DataError(
            f"expected a column of words and one of tags, found {_columns(lines.width)}",
            where=origin,
            fix="Give a tag behind each word, or name the columns: --text 1 --target 2.",
        )
    tags: list[str | None] | None = list(lines.column(tag)) if tag < lines.width else None
    features = [f"{_COLUMN}{place + 1}" for place in places]
    refuse_answer([f"{_COLUMN}{tag + 1}"] * need_tags, features)
    schema = SentenceSchema(
        form="columns", text=f"{_COLUMN}{word + 1}", target=f"{_COLUMN}{tag + 1}", features=features
    )
    notes = [
        f"{_columns(lines.width)}: the words are column {word + 1} ({_some(lines.column(word))})"
        + (f", the tags column {tag + 1} ({_some(tags)})" if tags else "")
        + also(features)
        + "; --text and --target take others"
        + (", --features takes further ones" if lines.width > 2 and not features else ""),
        *kept,
    ]
    columns = [lines.column(place) for place in places]
    return _document(lines, word, tag, tags, columns, schema, notes, origin, answers)


def _column_of_answers(lines: Lines, taken: Sequence[int], answers: frozenset[str], origin: str) -> int:
    """The last column that holds some of the tags that may be answered, or else a new one.

    Raises:
        DataError: whole sentences stand in lines.
    """
    for place in range(lines.width - 1, -1, -1):
        values = lines.column(place)
        if place not in taken and holds_tags(values, answers) and any(each in answers for each in values):
            return place
    if lines.width > _TEXT and all(length == 1 for length in lines.lengths):
        raise DataError(
            f"expected a word with its columns in each line, found lines of {lines.width} words",
            where=f"{origin}, line {lines.places[0] + 1}",
            fix=WORD_IN_A_LINE,
        )
    return lines.width


def also(features: list[str]) -> str:
    """What is said of the columns that a word is known by, too.

    >>> also(["column 2"])
    ', and what else is read of a word column 2'
    """
    return f", and what else is read of a word {listed(features)}" if features else ""


def _field(name: str, option: str) -> str:
    """The field of CoNLL-U that is asked for, by its name or its number."""
    if name.isdecimal() and 1 <= int(name) <= len(CONLLU):
        return CONLLU[int(name) - 1]
    if name.lower() not in CONLLU:
        raise InputError(
            f"CoNLL-U has no field {name!r}", where=option, fix=f"The fields are: {', '.join(CONLLU)}."
        )
    return name.lower()


def refuse_answer(tags: Sequence[str], features: Sequence[str]) -> None:
    """The tags are what is to be found out.

    Args:
        tags: their column, where it is learned from.
    """
    if given := [name for name in features if name in tags]:
        raise InputError(
            f"{given[0]} holds the tags: what is to be found out cannot be read",
            where="--features",
            fix="Leave it out, or name other tags with --target.",
        )


def _document(
    lines: Lines,
    word: int,
    tag: int,
    tags: list[str | None] | None,
    features: Sequence[Sequence[str]],
    schema: SentenceSchema,
    notes: list[str],
    origin: str,
    answers: frozenset[str] | None,
) -> Document:
    if tags is not None and all(each is None for each in tags):
        tags = None
    if answers is None and tags is None:
        raise DataError(
            f"no word has a tag in {schema.target}",
            where=origin,
            fix="Name the column of the tags: --target.",
        )
    notes += [f"{count:,} {what} hold no words" for what, count in lines.skipped.items()]
    sentences = Sentences.flat(
        lines.column(word), tags, np.array(lines.lengths, dtype=np.int64), lines.starts(), features
    )
    beyond = schema.form == "conllu" and tag == lines.width
    rewritten = lines.with_remark if beyond else partial(lines.with_column, tag)
    return Document(sentences, schema, rewritten, tuple(notes))


def _asked(name: str | None, option: str, width: int, most: int | None, origin: str) -> int | None:
    """The column that is asked for, counted from 0.

    Args:
        most: what a number beyond the columns stands for; None: it is an error.
    """
    if name is None:
        return None
    number = name.removeprefix(_COLUMN)
    # A schema says "column 3", a person 3.
    if number != name and number.isdecimal() and int(number) > width and most is None:
        what = {"--text": "words", "--target": "tags"}.get(option, "further columns")
        raise DataError(
            f"expected the {what} in {name}, as in the data of the training, found {_columns(width)}",
            where=origin,
            fix="Give a file with the columns of those data.",
        )
    if number.isdecimal() and 1 <= int(number) <= width:
        return int(number) - 1
    if number.isdecimal() and most is not None and int(number) > width:
        return most
    raise InputError(
        f"expected the number of a column, from 1 to {width}, found {name!r}",
        where=option,
        fix=f"For example {option} {width}.",
    )


def _columns(width: int) -> str:
    return f"{width} column{'s' * (width > 1)}"


def _counts(lines: Lines, column: int) -> bool:
    """Whether a column numbers the words of every sentence, from 0 or from 1."""
    at = 0
    for length in lines.lengths:
        found = [row[column] for row in lines.fields[at : at + length]]
        if found not in ([str(k) for k in range(length)], [str(k + 1) for k in range(length)]):
            return False
        at += length
    return True


def _tag_column(lines: Lines, word: int, features: Sequence[int]) -> int:
    """The last column whose values come again and again; where there is none, the last that varies, or is there."""
    others = [k for k in range(lines.width - 1, -1, -1) if k != word and k not in features]
    values = {k: len(set(lines.column(k))) for k in others}
    most = max(1, len(lines.fields) // 3)
    repeating = [k for k in others if 1 < values[k] <= most]
    varying = [k for k in others if values[k] > 1]
    return next(iter([*repeating, *varying, *others]), word)


def _some(values: Sequence[str | None]) -> str:
    """The commonest kinds of tags, or the first words, in a few words."""
    found = list(dict.fromkeys(value for value in values[:2000] if value is not None))
    shown = listed([each[:20] for each in found[:_SHOWN]])
    return f"{shown}, ..." if len(found) > _SHOWN else shown
