"""How good tags are, with intervals over sentences: what stands in one sentence depends on each other.

Spans are counted as seqeval counts them in its default mode, which is that of conlleval, the field's script: a span is
right where its first word, its last word and its type are. (seqeval's strict mode differs where tags break their
scheme.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from recurra.data.sentences.schemes import spans, split_tag
from recurra.statistics.bootstrap import bootstrap_sums
from recurra.statistics.repeated import Measure
from recurra.tasks.metrics import ClassRow, Score
from recurra.tasks.tagging.scores import interval_over_sequences, ratio

Tags = Sequence[Sequence[str | None]]
_OWN = (
    4  # columns in front: words with a tag, right ones, those never seen in training, and of them right ones
)


class SentenceMeasures:
    """The scores of tagged words: of spans their F1, precision and recall first; of anything else accuracy.

    Args:
        kinds: the types of spans, or the tags, that are counted each by itself.
        marks_spans: which of the two.

    >>> measures = SentenceMeasures(["LOC"], marks_spans=True)
    >>> truth, said = [["B-LOC", "I-LOC", "O"]], [["B-LOC", "I-LOC", "B-LOC"]]
    >>> sums = measures.sums(truth, said, [np.array([False, False, True])])
    >>> [(score.name, round(score.value, 3)) for score in measures.scores(sums)][:3]
    [('entity F1', 0.667), ('precision', 0.5), ('recall', 1.0)]
    """

    def __init__(self, kinds: Iterable[str], *, marks_spans: bool):
        self.kinds, self.marks_spans = tuple(kinds), marks_spans
        accuracy = Measure("accuracy", lambda s: ratio(s[..., 1], s[..., 0]), True, share=True)
        unseen = Measure("accuracy of unseen words", lambda s: ratio(s[..., 3], s[..., 2]), True, share=True)
        if marks_spans:
            self.measures: tuple[Measure, ...] = (
                Measure("entity F1", self._f1, True, share=True),
                Measure("precision", self._precision, True, share=True),
                Measure("recall", self._recall, True, share=True),
                accuracy,
                unseen,
            )
        else:
            macro = Measure("macro F1", self._macro_f1, True, share=True)
            self.measures = (accuracy, unseen, macro)

    @classmethod
    def of(cls, *parts: Tags, marks_spans: bool) -> SentenceMeasures:
        """Those for all types, or tags, that stand in these sentences."""
        names = {tag for part in parts for tags in part for tag in tags if tag is not None}
        kinds = {split_tag(tag)[1] for tag in names if tag != "O"} if marks_spans else names
        return cls(sorted(kinds), marks_spans=marks_spans)

    @property
    def headline(self) -> Measure:
        """The first of them."""
        return self.measures[0]

    def sums(self, truth: Tags, said: Tags, unseen: Sequence[np.ndarray]) -> np.ndarray:
        """(N, C) what each sentence adds to the sums; words without a true tag do not count.

        Of words: with a tag, rightly tagged, never seen in training, and of these rightly tagged; then of each kind how
        many are rightly given, there, and given.

        Args:
            truth, said: tags of N sentences.
            unseen: of each sentence (T,) bool, the words that training did not hold.
        """
        place = {kind: k for k, kind in enumerate(self.kinds)}
        sums = np.zeros((len(truth), _OWN + 3 * len(place)))
        by_kind = sums[:, _OWN:].reshape(len(truth), 3, len(place))
        for n, (true, ours, new) in enumerate(zip(truth, said, unseen, strict=True)):
            known = np.array([tag is not None for tag in true], dtype=bool)
            right = known & np.array([a == b for a, b in zip(true, ours, strict=True)], dtype=bool)
            sums[n, :_OWN] = known.sum(), right.sum(), (known & new).sum(), (right & new).sum()
            there, given = (self._things(tags, known) for tags in (true, ours))
            for row, things in enumerate((there & given, there, given)):
                for kind, *_ in things:
                    if kind in place:
                        by_kind[n, row, place[kind]] += 1
        return sums

    def scores(self, sums: np.ndarray, *, seed: int = 0) -> list[Score]:
        """Every measure of `sums` (N, C) with its interval, the headline first."""
        drawn, total = bootstrap_sums(sums, seed=seed), sums.sum(0)
        found = []
        for each in self.measures:
            value = float(each.statistic(total))
            interval = interval_over_sequences(each.statistic(drawn), value, len(sums), each.share)
            found.append(Score(each.name, value, interval, each.higher_is_better, len(sums)))
        return found

    def tables(self, sums: np.ndarray, *, seed: int = 0) -> dict[str, Any]:
        """The table by type of span, or by tag, with intervals over sentences; the commonest first."""
        drawn, total, n = bootstrap_sums(sums, seed=seed), sums.sum(0), len(sums)
        shares = {
            "precision": lambda right, there, said: ratio(right, said),
            "recall": lambda right, there, said: ratio(right, there),
            "f1": lambda right, there, said: ratio(2 * right, there + said),
        }
        (right, there, said), of_draws = self._counts(total), self._counts(drawn)
        rows = []
        for k in np.argsort(-there, kind="stable").tolist():
            if not there[k] + said[k]:
                continue
            fields: dict[str, Any] = {}
            for name, share in shares.items():
                fields[name] = float(share(right[k], there[k], said[k]))
                draws = share(*(counts[:, k] for counts in of_draws))
                fields[f"{name}_interval"] = interval_over_sequences(draws, fields[name], n, True)
            rows.append(
                ClassRow(
                    name=self.kinds[k] or "span", support=int(there[k]), predicted=int(said[k]), **fields
                )
            )
        return {"per_class": [row.to_json() for row in rows]}

    def _things(self, tags: Sequence[str | None], known: np.ndarray) -> set[tuple[str, int, int]]:
        """What is counted by kind, of the words that have a true tag: the spans, or each word."""
        if self.marks_spans:
            return {*spans([tag if there else None for tag, there in zip(tags, known, strict=True)])}
        return {(tag, t, t) for t, tag in enumerate(tags) if tag is not None and known[t]}

    def _counts(self, sums: np.ndarray) -> tuple[np.ndarray, ...]:
        """(..., K) each: rightly given, there, given."""
        k = len(self.kinds)
        return sums[..., _OWN : _OWN + k], sums[..., _OWN + k : _OWN + 2 * k], sums[..., _OWN + 2 * k :]

    def _f1(self, sums: np.ndarray) -> np.ndarray:
        right, there, said = (counts.sum(-1) for counts in self._counts(sums))
        return np.where(there + said > 0, 2 * right / np.maximum(there + said, 1), 1.0)

    def _precision(self, sums: np.ndarray) -> np.ndarray:
        right, _, said = (counts.sum(-1) for counts in self._counts(sums))
        return ratio(right, said)

    def _recall(self, sums: np.ndarray) -> np.ndarray:
        right, there, _ = (counts.sum(-1) for counts in self._counts(sums))
        return ratio(right, there)

    def _macro_f1(self, sums: np.ndarray) -> np.ndarray:
        """The mean over tags that are there or given."""
        right, there, said = self._counts(sums)
        f1 = ratio(2 * right, there + said)
        count = np.isfinite(f1).sum(-1)
        return np.where(count > 0, np.nansum(f1, -1) / np.maximum(count, 1), math.nan)


def confusion_of(truth: Tags, said: Tags, names: Sequence[str]) -> list[list[int]]:
    """Counts of words, a row for each true tag of `names`, a column for each that is given.

    >>> confusion_of([["A", "B", None]], [["A", "A", "A"]], ["A", "B"])
    [[1, 0], [1, 0]]
    """
    place = {name: k for k, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=int)
    for true, ours in zip(truth, said, strict=True):
        for one, other in zip(true, ours, strict=True):
            if one in place and other in place:
                table[place[one], place[other]] += 1
    return table.tolist()
