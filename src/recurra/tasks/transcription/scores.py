"""How good texts are: word and character error rate, and the share that is exactly right."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval, effective_size, share_interval
from recurra.statistics.repeated import Measure
from recurra.tasks.metrics import Score, scores_over_groups

_CHARACTERS, _EXACT = 2, 4  # columns of `transcript_sums`, each with what it is divided by behind it


def transcript_measures() -> tuple[Measure, Measure, Measure]:
    """Word error rate, character error rate, share of exactly right texts; functions of `transcript_sums`.

        WER = (substitutions + deletions + insertions) / words of the references

    over all texts together, so that it may be above 1; the CER likewise, of characters.

    >>> sums = transcript_sums(["one tow"], ["one two"]).sum(0)
    >>> [(each.name, float(each.statistic(sums).round(3))) for each in transcript_measures()]
    [('word error rate', 0.5), ('character error rate', 0.286), ('exactly right', 0.0)]
    """
    return (
        Measure("word error rate", lambda sums: _ratio(sums, 0), higher_is_better=False),
        Measure("character error rate", lambda sums: _ratio(sums, _CHARACTERS), higher_is_better=False),
        Measure("exactly right", lambda sums: _ratio(sums, _EXACT), higher_is_better=True, share=True),
    )


def transcript_sums(texts: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """(N, 6) what each text adds: edits and words, edits and characters (both counted by jiwer), right, and 1.

    A reference without a word counts its insertions alone.
    """
    import jiwer

    sums = np.zeros((len(texts), 6))
    for row, text, reference in zip(sums, texts, references, strict=True):
        if text == reference:
            row[:] = 0, len(reference.split()), 0, len(reference), 1, 1
            continue
        words, characters = (
            jiwer.process_words(reference, text),
            jiwer.process_characters(reference, text),
        )
        for place, found in ((0, words), (_CHARACTERS, characters)):
            row[place] = found.substitutions + found.deletions + found.insertions
            row[place + 1] = found.hits + found.substitutions + found.deletions
        row[_EXACT + 1] = 1
    return sums


def transcript_scores(
    sums: np.ndarray, groups: np.ndarray | None = None, *, seed: int = 0, resamples: int | None = None
) -> list[Score]:
    """Every measure of `sums` (N, 6), with an interval over texts drawn again; the headline first.

    Where texts of one of the `groups` (N,) depend on each other, as those of one speaker, see `scores_over_groups`.
    """
    drawn, total, count = bootstrap_sums(sums, seed=seed, resamples=resamples), sums.sum(0), len(sums)
    wrong = 1 - float(_ratio(total, _EXACT))
    found = []
    for each in transcript_measures():
        value = float(each.statistic(total))
        interval = _interval(each, each.statistic(drawn), value, count, wrong)
        found.append(Score(each.name, value, interval, each.higher_is_better, count))
    return scores_over_groups(found, lambda rows: transcript_scores(sums[rows], resamples=1), groups)


def _interval(measure: Measure, drawn: np.ndarray, value: float, count: int, wrong: float) -> Interval:
    """Of the draws; where these are all alike, that of the share of texts that are `wrong`, on the scale of `value`."""
    drawn = drawn[np.isfinite(drawn)]
    if count < 2 or not math.isfinite(value) or not len(drawn):
        return Interval(0.0, 1.0 if measure.share else math.inf, 0.95, "undefined")
    if measure.share:
        return share_interval(value, effective_size(value, float(drawn.var()), count))
    if value == 0:  # no error in any text: as for the share of texts that have one
        return share_interval(0.0, count)
    if wrong and drawn.min() == drawn.max():  # all texts have one rate: single words that are all wrong
        share = share_interval(wrong, count)
        low, high = share.low * value / wrong, share.high * value / wrong
        return Interval(min(low, value), max(high, value), share.level, share.method)
    return interval_of_draws(drawn, value)


def _ratio(sums: np.ndarray, place: int) -> np.ndarray:
    top, bottom = sums[..., place], sums[..., place + 1]
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)
