"""A small language of its own, in which every source has one right translation, words in another order."""

import numpy as np
import polars as pl

NOUNS = {"dog": "hund", "cat": "katze", "man": "mann", "child": "kind", "house": "haus", "bird": "vogel"}
ADJECTIVES = {"red": "rot", "big": "groß", "old": "alt", "small": "klein"}
VERBS = {"sees": "sieht", "likes": "mag", "has": "hat"}


def pairs(count=120, seed=0):
    """Sources and targets: nouns, adjectives behind their nouns in the target, and a verb that is its last word."""
    draw = np.random.default_rng(seed)
    sources, targets = [], []
    for _ in range(count):
        first, second = draw.choice(list(NOUNS), 2)
        adjective, verb = draw.choice(list(ADJECTIVES)), draw.choice(list(VERBS))
        sources.append(f"the {adjective} {first} {verb} the {second}.")
        targets.append(f"das {NOUNS[first]} {ADJECTIVES[adjective]} das {NOUNS[second]} {VERBS[verb]}.")
    return sources, targets


def table(count=120, seed=0):
    sources, targets = pairs(count, seed)
    return pl.DataFrame({"en": sources, "de": targets})


QUICK = {
    "network.hidden_size": 12,
    "network.embedding_size": 10,
    "training.epochs": 2,
    "tokens.level": "word",
    "task.beam": 2,
}
