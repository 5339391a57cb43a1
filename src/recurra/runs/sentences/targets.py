"""The tags of sentences: as scores want them, and as the network learns them."""

from __future__ import annotations

import numpy as np

from recurra.data.packed import Packed
from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.schemes import Scheme, converted
from recurra.data.sources.table import listed
from recurra.tasks.sentences.scores import Tags
from recurra.tasks.sentences.task import NO_TAG


def true_tags(sentences: Sentences, scheme: Scheme | None) -> list[list[str | None]]:
    """The tags of each sentence, in the scheme of the data that the run was trained on: those of another scheme, those
    that cannot stand where they do, and those that are of none are read as spans and written in it.

    >>> true_tags(Sentences.of([["New", "York"]], [["B-LOC", "E-LOC"]]), "IOB2")
    [['B-LOC', 'I-LOC']]
    """
    found = [sentences.tags_of(n) for n in range(len(sentences))]
    return found if scheme is None else [converted(tags, scheme) for tags in found]


def learned_tags(truth: Tags, scheme: Scheme | None) -> list[list[str | None]]:
    """The tags that the network is to give, in the scheme that it learns."""
    return [list(tags) if scheme is None else converted(tags, scheme) for tags in truth]


def told_of_strangers(strangers: list[str], where: str) -> str:
    """That words have tags which cannot be answered.

    Args:
        strangers: the tag of each of these words.
        where: whose words.

    >>> told_of_strangers(["X", "Y", "X"], "the test part")
    '3 words of the test part have tags that the training part does not hold (X, Y): every answer to ...'
    """
    return (
        f"{len(strangers):,} words of {where} have tags that the training part does not hold "
        f"({listed(sorted(set(strangers)), 5)}): every answer to them counts as wrong"
    )


def encode_tags(tags: Tags, names: list[str]) -> Packed:
    """N packed targets, places in `names`; NO_TAG where there is none, or one that was not learned."""
    place = {name: k for k, name in enumerate(names)}
    flat = [NO_TAG if tag is None else place.get(tag, NO_TAG) for each in tags for tag in each]
    return Packed.end_to_end(
        np.array(flat, dtype=np.int64), np.array([len(each) for each in tags], dtype=np.int64)
    )
