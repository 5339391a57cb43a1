"""Made-up film reviews for the text examples: a small grammar, so that nothing has to be downloaded.

Counting words is not enough to judge them: "not" turns an adjective round ("was never dull"), and of two clauses
the main one decides ("the plot was dull , but the ending was superb" is praise).
"""

from __future__ import annotations

import random

PARTS = (
    "acting camera cast dialogue director ending film music opening pace plot script story villain".split()
)
GOOD = (
    "beautiful brilliant charming clever fine funny gripping lovely moving superb touching wonderful".split()
)
BAD = "awful boring clumsy dreadful dull empty flat silly slow stale tedious weak".split()
DEGREES = ["", "", "really ", "quite ", "so ", "simply "]
NEGATIONS = ["not ", "never ", "hardly ", "anything but "]


def write_reviews(count: int, seed: int, longest: int = 1) -> tuple[list[str], list[int]]:
    """`count` different reviews of 1 to `longest` sentences, and their labels: half praise (1), half not (0)."""
    rng = random.Random(seed)
    reviews: dict[str, int] = {}
    while len(reviews) < count:
        label = len(reviews) % 2
        sentences = [_sentence(rng, bool(label)) for _ in range(rng.randint(1, longest))]
        reviews.setdefault(" . ".join(sentences), label)
    pairs = list(reviews.items())
    rng.shuffle(pairs)
    return [text for text, _ in pairs], [label for _, label in pairs]


def _sentence(rng: random.Random, praise: bool) -> str:
    form = rng.randrange(4)
    if form == 0:
        return f"{_clause(rng, not praise)} , but {_clause(rng, praise)}"
    if form == 1:
        return f"although {_clause(rng, not praise)} , {_clause(rng, praise)}"
    if form == 2:
        return f"{_clause(rng, praise)} , even if {_clause(rng, not praise)}"
    return _clause(rng, praise)


def _clause(rng: random.Random, praise: bool) -> str:
    negated = rng.random() < 0.4
    adjective = rng.choice(GOOD if praise != negated else BAD)
    before = rng.choice(NEGATIONS if negated else DEGREES)
    return f"the {rng.choice(PARTS)} was {before}{adjective}"
