"""Tags that mark spans of words: which scheme they are of, what breaks it, and the same spans in another scheme.

Of a span of type X, and outside of all spans:

    IOB1    I-X I-X        B-X only where a span of X follows another at once           O
    IOB2    B-X I-X I-X                                                                 O
    BIOES   B-X I-X E-X    S-X for a span of one word                                   O
    BILOU   B-X I-X L-X    U-X for a span of one word                                   O

(Ramshaw & Marcus 1995, arXiv:cmp-lg/9505040; Ratinov & Roth 2009.) Spans are read as conlleval and seqeval's default
mode read them: a tag that cannot follow the one before it begins a span of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

Scheme = Literal["IOB1", "IOB2", "BIOES", "BILOU"]
OUTSIDE = "O"
Span = tuple[str, int, int]  # type, first word, last word

_MARKED = re.compile(r"([BIESLU])(?:-(.+))?$")
_SLIPS = 0.05  # of all tags that may be none of the scheme
_TO_BIOES, _TO_BILOU = str.maketrans("LU", "ES"), str.maketrans("ES", "LU")


def split_tag(tag: str) -> tuple[str, str]:
    """The mark of a tag and its type.

    >>> split_tag("B-LOC"), split_tag("O"), split_tag("I")
    (('B', 'LOC'), ('O', ''), ('I', ''))
    """
    found = _MARKED.match(tag)
    return (OUTSIDE, "") if found is None else (found[1], found[2] or "")


def is_slip(tag: str) -> bool:
    """Whether a tag is none of any scheme.

    >>> is_slip("0"), is_slip("O"), is_slip("B-LOC"), is_slip("NOUN")
    (True, False, False, True)
    """
    return tag != OUTSIDE and _MARKED.match(tag) is None


def recognise(sentences: Sequence[Sequence[str | None]]) -> Scheme | None:
    """The scheme of the tags of sentences; None where they mark no spans. One in twenty may be none of it: a slip.

    >>> recognise([["B-NP", "I-NP", "O"]]), recognise([["I-NP", "I-NP", "O"]]), recognise([["S-X", "O"]])
    ('IOB2', 'IOB1', 'BIOES')
    >>> recognise([["NOUN", "VERB"]]), recognise([["B-NP", "I-NP"] * 20 + ["0"]])
    (None, 'IOB2')
    """
    counts = Counter(tag for tags in sentences for tag in tags if tag is not None)
    marks = {split_tag(tag)[0] for tag in counts if not is_slip(tag)} - {OUTSIDE}
    typed = any("-" in tag for tag in counts)
    slips = sum(count for tag, count in counts.items() if is_slip(tag))
    # Tags of words such as I and E, among which some others stand, mark nothing.
    plain = slips and not any(split_tag(tag)[1] for tag in counts)
    if not marks or slips > _SLIPS * counts.total() or plain or not (typed or OUTSIDE in counts):
        return None
    if marks & set("ES") or marks & set("LU"):
        return "BILOU" if marks & set("LU") else "BIOES"
    begun_by = {"B": 0, "I": 0}
    for tags in sentences:
        before = (OUTSIDE, "")
        for mark, kind in (split_tag(tag or OUTSIDE) for tag in tags):
            if mark == "B" or (mark == "I" and (before[0] == OUTSIDE or before[1] != kind)):
                begun_by[mark] += 1
            before = mark, kind
    return "IOB2" if begun_by["B"] >= begun_by["I"] else "IOB1"


def allowed(before: str | None, after: str | None, scheme: Scheme) -> bool:
    """Whether a tag may follow another; None is the beginning and the end of a sentence.

    >>> allowed("O", "I-X", "IOB2"), allowed("B-X", "E-X", "BIOES"), allowed("B-X", None, "BIOES")
    (False, True, False)
    """
    (mark_before, kind_before), (mark, kind) = (split_tag(tag or OUTSIDE) for tag in (before, after))
    same = kind_before == kind
    if scheme == "IOB1":
        return mark != "B" or (mark_before in "BI" and same)
    if scheme == "IOB2":
        return mark != "I" or (mark_before in "BI" and same)
    inner, closing = "I", "E" if scheme == "BIOES" else "L"
    open_before = mark_before in ("B", inner)
    return (open_before and same) if mark in (inner, closing) else not open_before


def forbidden_transitions(names: Sequence[str], scheme: Scheme) -> np.ndarray:
    """(K + 1, K + 1) bool, from the row's tag to the column's; the last row is the beginning, the last column the end
    of a sentence.
    """
    tags = [*names, None]
    table = np.array([[not allowed(before, after, scheme) for after in tags] for before in tags])
    table[-1, -1] = False
    return table


def impossible(sentences: Sequence[Sequence[str | None]], scheme: Scheme) -> list[tuple[int, int]]:
    """The words, as (sentence, place), whose tag cannot follow the one before it, or that cannot be the last.

    >>> impossible([["O", "I-X"], ["B-X"]], "IOB2")
    [(0, 1)]
    """
    known: dict[tuple[str | None, str | None], bool] = {}
    found = []
    for n, tags in enumerate(sentences):
        for t, pair in enumerate(zip([None, *tags], [*tags, None], strict=True)):
            if pair not in known:
                known[pair] = allowed(*pair, scheme)
            if not known[pair]:
                found.append((n, min(t, len(tags) - 1)))
    return found


def spans(tags: Sequence[str | None]) -> list[Span]:
    """The spans of one sentence, whatever the scheme; a word without a tag, or with one that marks none, is outside.

    >>> spans(["B-X", "I-X", "O", "U-Y", "NOUN"])
    [('X', 0, 1), ('Y', 3, 3)]
    """
    from seqeval.metrics.sequence_labeling import get_entities

    plain = [
        tag[:1].translate(_TO_BIOES) + tag[1:] if tag and _MARKED.match(tag) else OUTSIDE for tag in tags
    ]
    return [(split_tag(plain[first])[1], first, last) for _, first, last in get_entities(plain)]


def marked(found: Sequence[Span], length: int, scheme: Scheme) -> list[str]:
    """The tags of a sentence of so many words in which these spans stand.

    >>> marked([("X", 0, 1), ("X", 2, 2)], 4, "IOB1"), marked([("X", 0, 1), ("X", 2, 2)], 4, "BIOES")
    (['I-X', 'I-X', 'B-X', 'O'], ['B-X', 'E-X', 'S-X', 'O'])
    """
    tags = [OUTSIDE] * length
    for kind, first, last in found:
        marks = ["I"] * (last - first + 1)
        follows = first > 0 and tags[first - 1] != OUTSIDE and split_tag(tags[first - 1])[1] == kind
        if scheme != "IOB1" or follows:
            marks[0] = "B"
        if scheme in ("BIOES", "BILOU"):
            marks[-1] = "E" if len(marks) > 1 else "S"
        ending = f"-{kind}" if kind else ""
        for place, mark in enumerate(marks, first):
            tags[place] = (mark.translate(_TO_BILOU) if scheme == "BILOU" else mark) + ending
    return tags


def converted(tags: Sequence[str | None], scheme: Scheme) -> list[str | None]:
    """The tags of a sentence in another scheme; a word without one stays without.

    >>> converted(["I-X", "I-X", None, "I-X"], "BIOES")
    ['B-X', 'E-X', None, 'S-X']
    """
    found = marked(spans(tags), len(tags), scheme)
    return [None if tag is None else new for tag, new in zip(tags, found, strict=True)]
