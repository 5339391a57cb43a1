"""Tables of tagged words: a row for each word, or records with a list of words and a list of tags."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import polars as pl

from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.data.sentences.document import Document, also, refuse_answer
from recurra.data.sentences.rewriting import (
    free_name,
    holds_tags,
    json_records,
    typed_tags,
    with_cells,
    with_frame,
    with_lists,
)
from recurra.data.sources.table import Table, listed, numbered
from recurra.errors import DataError

WORDS = ("word", "words", "token", "tokens", "form", "forms")
TAGS = (
    *("tag", "tags", "label", "labels", "target", "ner", "ner_tag", "ner_tags", "entity", "iob", "bio"),
    *("pos", "pos_tag", "pos_tags", "upos", "xpos", "chunk", "chunk_tag", "chunk_tags"),
)
_SENTENCES = (
    *(
        "sentence",
        "sentence_id",
        "sentenceid",
        "sent_id",
        "sent",
        "sentence #",
        "sentence_nr",
        "sentence_idx",
    ),
    *("sid", "id"),
)


def has_words_and_tags(names: Sequence[str], words: str | None = None) -> bool:
    """Whether columns of these names are words and tags.

    Args:
        words: the column that is said to hold the words or texts; what else it may be called says that it does not.

    >>> has_words_and_tags(["Sentence #", "Word", "POS"]), has_words_and_tags(["text", "label"])
    (True, False)
    """
    lower = {name.strip().lower() for name in names}
    own = set(WORDS) if words is None else {words.lower()} & set(WORDS)
    return bool(lower & own) and bool(lower & set(TAGS))


def column_of_words(table: Table, text: str, target: str | None, id: str | None) -> bool:
    """Whether the column `text`, whatever its name, holds a list of words, or one word in each row; and there is one of
    tags, and one that says which sentence a row is of.

    >>> table = Table(pl.DataFrame({"wort": ["ein", "Hund"], "art": ["X", "Y"], "satz": [1, 1]}), "t", "csv")
    >>> column_of_words(table, "wort", "art", "satz"), column_of_words(table, "wort", "art", None)
    (True, False)
    """
    names = table.frame.columns
    if text not in names or not (target in names or _named(TAGS, names)):
        return False
    column = table.as_written([text]).frame[text]
    if isinstance(column.dtype, pl.List):
        return column.dtype.inner == pl.String
    sentence = id in names or _named(_SENTENCES, names) is not None
    return sentence and column.dtype == pl.String and not column.str.contains(r"\s").any()


def table_document(
    table: Table,
    options: SentenceOptions,
    *,
    answers: frozenset[str] | None = None,
    raw: bytes | None = None,
) -> Document:
    """Either form of a table; which, shows in the column of the words.

    Args:
        answers: of data to be tagged, the tags that they may get; None: they have tags.
        raw: the text that the table was read from, as UTF-8; None: it was no text.

    Raises:
        DataError: a column is missing, of another form, or does not fit the other; which, and where.
    """
    table = table.as_written([options.text or "", *options.features])
    schema = table.frame.schema
    lists = [name for name, kind in schema.items() if isinstance(kind, pl.List)]
    plain = [name for name, kind in schema.items() if kind == pl.String]
    text = options.text or _named(WORDS, lists + plain)
    if text is None:
        raise DataError(
            f"no column is known to hold words; the columns are: {listed(table.frame.columns)}",
            where=table.origin,
            fix="Name it: --text COLUMN.",
        )
    table.column(text, "words")
    if text in lists:
        return _of_lists(table, text, options, lists, answers, raw)
    return _of_rows(table, text, options, answers, raw)


def _of_lists(
    table: Table,
    text: str,
    options: SentenceOptions,
    lists: list[str],
    answers: frozenset[str] | None,
    raw: bytes | None,
) -> Document:
    need_tags = answers is None
    others = [name for name in lists if name not in (text, *options.features)]
    target = options.target or _named(TAGS, others[::-1]) or (others[-1] if others else "tags")
    kept: list[str] = []
    if answers is not None:
        told = table.frame[target].explode().to_list() if target in lists else []
        target, kept = _place_of_answers(target, told, answers, table, options.target or "tags")
    words = [each or [] for each in table.column(text, "words").to_list()]
    tags = None
    if need_tags or target in table.frame.columns:
        column = _lists(table, target, "tags")
        tags = _beside(words, column, "tags", table.origin, needed=need_tags)
    rows = [row for row, each in enumerate(words, 1) for _ in each]
    texts, notes = _texts([word for each in words for word in each], rows, table.origin)
    lengths = np.array([len(each) for each in words], dtype=np.int64)
    flat = None if tags is None else [tag for each in tags for tag in each]
    refuse_answer([target] * need_tags, options.features)
    features = [
        [
            value
            for each in _beside(words, _lists(table, name, "values"), "values", table.origin)
            for value in each
        ]
        for name in options.features
    ]
    sentences = Sentences.flat(
        texts, _some_tag(flat, target, table, need_tags), lengths, range(1, len(words) + 1), features
    )

    def rewritten(values: Sequence[str]) -> str:
        given = typed_tags(values, numbers=all(each.isdecimal() for each in answers or values))
        borders = pairwise([0, *accumulate(lengths.tolist())])
        records, whole = list(table.frame.iter_rows(named=True)), False
        if raw is not None:
            records, whole = json_records(raw.decode())
        return with_lists(records, target, (given[first:last] for first, last in borders), whole=whole)

    schema = SentenceSchema(form="lists", text=text, target=target, features=options.features)
    said = f"a record for each sentence: the words are the lists {text!r}, the tags the lists {target!r}"
    said += also(options.features)
    return Document(
        sentences,
        schema,
        rewritten,
        (*table.notes, f"{said}; --text and --target name others", *notes, *kept),
    )


def _place_of_answers(
    target: str, told: list[Any], answers: frozenset[str], table: Table, name: str
) -> tuple[str, list[str]]:
    """The column that the tags are to stand in, and what is said where the one that was looked for is kept.

    Args:
        target: the column that is looked for.
        told: its values; none where there is no such column.
        name: of a new one.
    """
    if not told or holds_tags(told, answers):
        return target, []
    new = free_name(name, table.frame.columns)
    shown = listed(list(dict.fromkeys(str(each) for each in told if each is not None)), 4)
    return new, [
        f"{target!r} holds other things than this run's tags ({shown}), and is kept: they stand in {new!r}"
    ]


def _lists(table: Table, name: str, what: str) -> pl.Series:
    """A column that has a list in every record."""
    column = table.column(name, what)
    if not isinstance(column.dtype, pl.List):
        raise DataError(
            f"expected a list of {what} in every record, found {column.dtype}",
            where=f"{table.origin}, column {name!r}",
            fix=f"Give as many {what} as there are words.",
        )
    return column


def _beside(
    words: list[list[Any]], column: pl.Series, what: str, origin: str, *, needed: bool = True
) -> list[list[str | None]]:
    """Of each word what the column says.

    Args:
        needed: False where a record may have none at all.
    """
    found: list[list[str | None]] = []
    said = [each or [] for each in column.to_list()]
    for row, (own, theirs) in enumerate(zip(words, said, strict=True), 1):
        if len(own) != len(theirs) and (theirs or needed):
            raise DataError(
                f"expected as many {what} as words, found {len(own)} words and {len(theirs)} {what}",
                where=f"{origin}, row {row}",
                fix=f"Give {'a tag' if what == 'tags' else 'a value'} for each word, null where there is none.",
            )
        found.append([None if each is None else str(each) for each in theirs or [None] * len(own)])
    return found


def _strings(column: pl.Series) -> list[str | None]:
    return [None if value is None else str(value) for value in column.to_list()]


def _of_rows(
    table: Table, text: str, options: SentenceOptions, answers: frozenset[str] | None, raw: bytes | None
) -> Document:
    need_tags = answers is None
    names = [name for name in table.frame.columns if name not in (text, *options.features)]
    target = options.target or _named(TAGS, names[::-1])
    group = options.id or _named(_SENTENCES, names)
    if target is None:
        if need_tags:
            raise DataError(
                f"no column is known to hold tags; the columns are: {listed(table.frame.columns)}",
                where=table.origin,
                fix="Name it: --target COLUMN.",
            )
        target = "tag"
    kept: list[str] = []
    if answers is not None:
        told = table.frame[target].to_list() if target in table.frame.columns else []
        target, kept = _place_of_answers(target, told, answers, table, options.target or "tag")
    if group is None:
        raise DataError(
            "a table with a row for each word needs a column that says which sentence it is of",
            where=table.origin,
            fix=f"Name it: --id COLUMN. The columns are: {listed(names)}.",
        )
    lengths, starts, notes = _runs(table.column(group, "sentences"))
    texts, more = _texts(
        table.column(text, "words").to_list(), range(1, table.frame.height + 1), table.origin
    )
    tags = None
    if need_tags or target in table.frame.columns:
        tags = _strings(table.column(target, "tags"))
    refuse_answer([target] * need_tags, options.features)
    features = [_strings(table.column(name, "further columns")) for name in options.features]
    sentences = Sentences.flat(texts, _some_tag(tags, target, table, need_tags), lengths, starts, features)

    def rewritten(values: Sequence[str]) -> str:
        if raw is None or table.format not in ("csv", "tsv"):
            others = [name for name in table.frame.columns if name != target]
            return with_frame(table.as_written(others).frame, table.format, target, values)
        return with_cells(raw, table.format, table.origin, target, values)

    schema = SentenceSchema(form="table", text=text, target=target, id=group, features=options.features)
    said = f"a row for each word: the words are {text!r}, the tags {target!r}, sentences by {group!r}"
    said += also(options.features)
    notes = (*table.notes, f"{said}; --text, --target and --id name others", *notes, *more, *kept)
    return Document(sentences, schema, rewritten, notes)


def _named(known: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of `names` that is among those known."""
    return next((name for name in names if name.strip().lower() in known), None)


def _runs(ids: pl.Series) -> tuple[np.ndarray, list[int], list[str]]:
    """Neighbouring rows of one sentence: how many, where each begins, and what is to be said of it."""
    notes = []
    if ids.null_count():
        notes.append(
            f"{ids.name!r} is empty in {ids.null_count():,} rows: they go on with the sentence above"
        )
        ids = ids.fill_null(strategy="forward")
    runs = ids.rle_id()
    counted = runs.value_counts(sort=False).sort(runs.name)
    lengths = counted["count"].to_numpy().astype(np.int64)
    starts = (np.cumsum(lengths) - lengths + 1).tolist()
    if again := len(lengths) - ids.n_unique():
        notes.append(
            f"{again:,} sentences have the {ids.name!r} of one further up: they are taken for others"
        )
    return lengths, starts, notes


def _texts(words: list[Any], rows: Sequence[int], origin: str) -> tuple[list[str], list[str]]:
    """Words as texts; a missing one is empty.

    Args:
        rows: in which row of the table each stands.
    """
    missing = [row for row, word in zip(rows, words, strict=True) if word is None]
    places = numbered(list(dict.fromkeys(missing)))
    notes = [f"{len(missing):,} words are missing and read as empty ({places})"] if missing else []
    if any(isinstance(word, list | dict) for word in words[:1000]):
        raise DataError("expected words, found lists within lists", where=origin)
    return ["" if word is None else str(word) for word in words], notes


def _some_tag(
    tags: list[str | None] | None, target: str, table: Table, needed: bool
) -> list[str | None] | None:
    """The tags, or None where no word has one."""
    if tags is not None and any(tag is not None for tag in tags):
        return tags
    if needed:
        raise DataError(
            "no word has a tag",
            where=f"{table.origin}, column {target!r}",
            fix="Name another: --target COLUMN.",
        )
    return None
