"""What one would take instead of a network: one text for all, and a choice among the texts of training."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from recurra.data.packed import Packed
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.transcription.scores import transcript_scores, transcript_sums

PARTS = 3  # of a sequence, each summed up by itself
_MOST_TEXTS = 100  # that a linear model tells apart
_ITERATIONS = 200
_PRODUCTS_PER_S = 2e8  # several times fewer than was measured


def run_transcript_baselines(
    seen: Packed,
    texts: Sequence[str],
    unseen: Packed,
    references: Sequence[str],
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    time_limit_s: float = 60.0,
) -> list[tuple[BaselineResult, np.ndarray]]:
    """Each baseline, and (N, C) what its answers add to the sums of `transcript_measures`.

    - the commonest text of training, whatever it hears;
    - where training has few different texts, as of single words: logistic regression among them; else the text of the
      nearest training sequence. Both on means and standard deviations of the features over three parts of a sequence.

    Args:
        seen, texts: to learn from; texts plain, as they are scored.
        unseen, references: to be scored on.
        groups: (N,) of these, where those of one depend on each other.
        seed: of sub-samples.
        time_limit_s: of the second, turned into a number of training sequences by a fixed rate.
    """
    found = []

    def take(name: str, description: str, answer: Callable[[], list[str]]) -> None:
        begin = time.perf_counter()
        said = answer()
        seconds = time.perf_counter() - begin
        sums = transcript_sums(said, references)
        prediction = np.array(said, dtype=object)
        scores = transcript_scores(sums, groups)
        found.append((BaselineResult(name, description, scores, seconds, prediction), sums))

    commonest = Counter(texts).most_common(1)[0][0]
    take(
        "always the commonest text",
        f"Says {commonest!r}, the commonest text of training, whatever it reads.",
        lambda: [commonest] * len(unseen),
    )
    different = len(set(texts))
    if different < 2:
        return found
    linear = different <= _MOST_TEXTS and 2 * different <= len(texts)
    cost = 2 * PARTS * seen.channels * (_ITERATIONS * different if linear else len(unseen))
    most = max(200, int(_PRODUCTS_PER_S * time_limit_s / cost))
    chosen, note = np.arange(len(texts)), ""
    if most < len(texts):
        chosen = np.sort(np.random.default_rng(seed).choice(len(texts), most, replace=False))
        note = f", learned from {most:,} of {len(texts):,} to save time"
    few = [texts[n] for n in chosen.tolist()]
    if linear:
        take(
            "logistic regression among the texts of training",
            f"Chooses among {different} texts by means and deviations of {PARTS} parts of a sequence{note}.",
            lambda: _linear(summed_up(seen.take(chosen)), few, summed_up(unseen)),
        )
    else:
        take(
            "text of the nearest training sequence",
            f"Nearest by means and deviations of {PARTS} parts of a sequence{note}.",
            lambda: _nearest(summed_up(seen.take(chosen)), few, summed_up(unseen)),
        )
    return found


def summed_up(sequences: Packed) -> np.ndarray:
    """(N, 1 + 2 * PARTS * I) the logarithm of the steps, and mean and deviation of each feature in each part.

    A value that is missing counts as 0; a part without a step is 0.
    """
    width = sequences.channels
    rows = np.zeros((len(sequences), 1 + 2 * PARTS * width), dtype=np.float64)
    for n, row in enumerate(rows):
        steps = np.nan_to_num(np.asarray(sequences[n], dtype=np.float64))
        row[0] = np.log1p(len(steps))
        for k, part in enumerate(np.array_split(steps, PARTS)):
            if len(part):
                at = 1 + 2 * k * width
                row[at : at + width] = part.mean(0)
                row[at + width : at + 2 * width] = part.std(0)
    return rows


def _linear(seen: np.ndarray, texts: list[str], unseen: np.ndarray) -> list[str]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=_ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a solver that stopped at its limit answers, too
        return model.fit(seen, texts).predict(unseen).tolist()


def _nearest(seen: np.ndarray, texts: list[str], unseen: np.ndarray) -> list[str]:
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(seen)
    model = NearestNeighbors(n_neighbors=1).fit(scaler.transform(seen))
    nearest = model.kneighbors(scaler.transform(unseen), return_distance=False)[:, 0]
    return [texts[n] for n in nearest.tolist()]
