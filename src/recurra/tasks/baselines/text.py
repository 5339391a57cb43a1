"""Texts: a linear model on TF-IDF of words and pairs of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.data.vocabulary import writes_without_spaces
from recurra.tasks.baselines.targets import ClassWeight, Guess, Targets, fit_linear, timed_guess

# Runs of letters and digits with the marks that belong to them: in the scripts of India and in Hebrew
# and Arabic, vowel signs are no letters to Python, and words would fall apart at them.
WORD = r"\w[\w\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0963\u0966-\u0dff]*"

# Characters that one second is enough for, fitting included; several times fewer than was measured.
CHARACTERS_PER_S = 1_000_000


def affordable_texts(texts: Sequence[str], targets: Targets, time_limit_s: float) -> int:
    """How many of these texts can be learned from within the time; their number where all of them can.

    Worked out from their length by a fixed rate, not by a clock: the same baseline on every machine.
    """
    rate = CHARACTERS_PER_S / (1 + len(targets.classes) / 10)
    if writes_without_spaces(texts):
        rate /= 4  # three n-grams a character instead of two for every six
    total = sum(map(len, texts))
    return (
        len(texts) if total <= rate * time_limit_s else max(1, int(len(texts) * rate * time_limit_s / total))
    )


def linear_on_tfidf(
    train: Sequence[str], train_targets: Targets, test: Sequence[str], class_weight: ClassWeight
) -> Guess | None:
    """Fit on `train`, guess for `test`; None where the texts hold no words.

    TF-IDF with 1 + log(tf), words and pairs of words (in scripts without spaces one to three
    characters) that occur in two texts at least, then logistic or ridge regression with C = 10, the
    best of 1 to 100 on held-out parts of the training data of IMDB, TREC and MPQA.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    characters = writes_without_spaces(train)
    word = re.compile(WORD)
    if not any(word.search(text) for text in train):
        return None
    terms: dict[str, Any] = {"analyzer": "word", "token_pattern": WORD, "ngram_range": (1, 2)}
    if characters:
        terms = {"analyzer": "char", "ngram_range": (1, 3)}
    min_df = 2 if len(train) >= 1000 else 1
    vectorizer = TfidfVectorizer(**terms, min_df=min_df, sublinear_tf=True, dtype=np.float32)  # pyright: ignore
    try:
        features = vectorizer.fit_transform(train)
    except ValueError:  # no term stands in two texts, as in a table of names
        vectorizer.set_params(min_df=1)
        features = vectorizer.fit_transform(train)
    c = 1.0 if train_targets.kind == "real" else 10.0
    model = fit_linear(features, train_targets, c=c, class_weight=class_weight, max_iter=100)
    return timed_guess(model, lambda: vectorizer.transform(test), train_targets)
