"""From files of tagged words to runs: reading, and then the same as from memory."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Unpack

from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.definition import SentenceSchema
from recurra.data.sentences.document import Document
from recurra.data.sentences.reading import read_document
from recurra.data.sentences.schemes import OUTSIDE, impossible, is_slip, recognise, split_tag
from recurra.data.sources.table import listed
from recurra.errors import DataError
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.sentences.config import SentenceFitOptions
from recurra.runs.sentences.fit import SentenceFitting
from recurra.runs.sentences.run import SentenceRun

_SEEMING = re.compile(r"[BIESLUM][-_][^\W\d]{2}")  # as B-LOC, B_LOC and M-LOC do
_MANY_TAGS = 100  # of fewer words than four for each tag, tags are rather words
_SHORT = 5  # words; sentences of so few are the same now and then


def fit_sentences(
    source: Any,
    options: SentenceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> SentenceRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file or a frame of words and their tags; see `recurra.data.sentences.reading.read_document`.
        test: another of these, to score on.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: SentenceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[SentenceFitting, list[str]]:
    """The training that `fit_sentences` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_sentences`, which also says what is raised.
    """
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    observer(PhaseStarted(f"Reading {source}" if isinstance(source, str | Path) else "Reading the data"))
    found = read_document(source, options.data, encoding=encoding)
    tags = [found.sentences.tags_of(n) for n in range(len(found.sentences))]
    schema = found.schema.model_copy(update={"scheme": recognise(tags)})
    _tell(found, schema, observer)
    held_out = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}" if isinstance(test, str | Path) else "Reading the test data"))
        held_out = read_sentences(test, schema, encoding=encoding, observer=observer)
        _tell_shared(found.sentences, held_out, observer)
    sources = [str(each) for each in (source, test) if isinstance(each, str | Path)]
    return SentenceFitting(found.sentences, schema, options, held_out), sources


def read_sentences(
    source: Any,
    schema: SentenceSchema,
    *,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Sentences:
    """Tagged sentences beside those of a training: test data.

    Raises:
        DataError, InputError: as `read_document`; the run knows spans, and no tag marks one.
    """
    found = read_document(source, schema=schema, encoding=encoding)
    tags = {tag for n in range(len(found.sentences)) for tag in found.sentences.tags_of(n) if tag is not None}
    plain = {tag for tag in tags if split_tag(tag)[0] == OUTSIDE}
    if schema.scheme is not None and plain == tags != {OUTSIDE}:
        raise DataError(
            f"expected tags that mark spans ({schema.scheme}), as in the training, found {listed(sorted(plain), 4)}",
            where=str(source) if isinstance(source, str | Path) else "the sentences",
            fix="Give a file with such tags.",
        )
    _tell(found, schema, observer)
    return found.sentences


def _tell(found: Document, schema: SentenceSchema, observer: Observer) -> None:
    """What was read, and what is odd in it."""
    sentences = found.sentences
    for note in found.notes:
        observer(Said(note))
    tags = [sentences.tags_of(n) for n in range(len(sentences))]
    counts = Counter(tag for each in tags for tag in each if tag is not None)
    commonest = [f"{tag} {count / counts.total():.0%}" for tag, count in counts.most_common(5)]
    observer(
        Said(
            f"{len(sentences):,} sentences, {sentences.count:,} words ({len(sentences.forms):,} different), "
            f"{len(counts):,} tags: {listed(commonest)}" + (", ..." if len(counts) > len(commonest) else "")
        )
    )
    if missing := sentences.count - counts.total():
        observer(
            Said(f"{missing:,} words have no tag: they are read, but neither learned nor scored", "warning")
        )
    if len(counts) > _MANY_TAGS and 4 * len(counts) > counts.total():
        observer(
            Said(
                f"{len(counts):,} different tags of {counts.total():,} words are many: look whether {schema.target!r} "
                "is the column of the tags (--target names another)",
                "warning",
            )
        )
    scheme = schema.scheme
    if scheme is None:
        if seeming := [tag for tag in counts if _SEEMING.match(tag)]:
            observer(
                Said(
                    f"tags such as {listed(seeming, 3)} look as if they marked spans, but others are of no scheme that "
                    f"is known (IOB, BIOES, BILOU): {listed([tag for tag in counts if is_slip(tag)], 4)}; each word is "
                    "tagged by itself",
                    "warning",
                )
            )
        return
    own = recognise(tags) or scheme
    if slips := [(n, t) for n, each in enumerate(tags) for t, tag in enumerate(each) if tag and is_slip(tag)]:
        n, t = slips[0]
        observer(
            Said(
                f"tags of {len(slips):,} word{'s' * (len(slips) > 1)} are none of {own}, the first, {tags[n][t]!r}, at "
                f"word {t + 1} of the sentence that begins in line {sentences.rows[n]}: they are read as {OUTSIDE}",
                "warning",
            )
        )
    kinds = sorted({split_tag(tag)[1] or "no name" for tag in counts if tag != OUTSIDE and not is_slip(tag)})
    observer(Said(f"the tags mark spans ({own}) of {len(kinds)} types: {listed(kinds)}"))
    if broken := impossible(tags, own):
        sentence, place = broken[0]
        observer(
            Said(
                f"{len(broken):,} tags cannot stand where they do in {own}, the first at word {place + 1} of the "
                f"sentence that begins in line {sentences.rows[sentence]}: they are read as spans of their own",
                "warning",
            )
        )


def _tell_shared(train: Sentences, test: Sentences, observer: Observer) -> None:
    """Sentences of some length that are both learned from and scored."""
    known = {tuple(train.words_of(n)) for n in range(len(train)) if train.words.lengths[n] > _SHORT}
    shared = sum(tuple(test.words_of(n)) in known for n in range(len(test)))
    if shared:
        observer(
            Said(
                f"{shared:,} of the {len(test):,} test sentences, of more than {_SHORT} words, also stand in the "
                "training data",
                "warning",
            )
        )
