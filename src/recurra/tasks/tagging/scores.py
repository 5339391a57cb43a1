"""How good answers at every step are, with intervals over sequences: their steps depend on each other.

Every score is a function of sums over sequences, so that whole sequences can be drawn again (bootstrap), also for
several seeds at once (`recurra.statistics.repeated`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data.labels import TargetEncoder
from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval, effective_size, share_interval
from recurra.statistics.repeated import Measure
from recurra.tasks.metrics import ClassRow, Score, confusion_matrix, rows_over_groups, scores_over_groups
from recurra.tasks.task import Answer

_TINY = float(np.finfo(np.float64).eps)
_MOST_PAIRS = 400


@dataclass(frozen=True)
class StepTruth:
    """The targets of N sequences, end to end, the steps with a target alone.

    Args:
        sequence: (M,) which sequence a step is of, 0 to N - 1.
        encoded: (M,) class indices or float64 numbers, or (M, K) bool.
        count: N.
        groups: (N,) of the sequences, where those of one depend on each other.
    """

    sequence: np.ndarray
    encoded: np.ndarray
    count: int
    groups: np.ndarray | None = None


class StepMeasures:
    """The scores of one kind of target.

    - a class: accuracy, macro F1, log loss;
    - several labels: NLL per step (the negative log likelihood, summed over the labels), micro and macro F1;
    - a number: RMSE, MAE, R².

    Args:
        targets: knows the kind and the classes.

    >>> measures = StepMeasures(TargetEncoder("binary", ("a", "b")))
    >>> truth = StepTruth(np.array([0, 0, 1]), np.array([0, 1, 1]), count=2)
    >>> answer = Answer(np.array(["a", "a", "b"], dtype=object), np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
    >>> [(score.name, round(score.value, 3)) for score in measures.scores(measures.sums(answer, truth))]
    [('accuracy', 0.667), ('macro F1', 0.667), ('log loss', 0.415)]
    """

    def __init__(self, targets: TargetEncoder):
        self.targets = targets
        k = self.k = targets.size
        self.measures: tuple[Measure, ...]
        if targets.kind == "real":
            self.measures = (
                Measure("RMSE", lambda s: np.sqrt(ratio(s[..., 1], s[..., 0])), higher_is_better=False),
                Measure("MAE", lambda s: ratio(s[..., 2], s[..., 0]), higher_is_better=False),
                Measure("R²", _explained, higher_is_better=True, least=-math.inf),
            )
        elif targets.kind == "multilabel":
            self.measures = (
                Measure("NLL per step", lambda s: ratio(s[..., 1], s[..., 0]), higher_is_better=False),
                Measure("micro F1", lambda s: _micro_f1(s, k), higher_is_better=True, share=True),
                Measure("macro F1", lambda s: _macro_f1(s, k, 0.0), higher_is_better=True, share=True),
            )
        else:
            self.measures = (
                Measure(
                    "accuracy",
                    lambda s: ratio(s[..., 2 : 2 + k].sum(-1), s[..., 0]),
                    higher_is_better=True,
                    share=True,
                ),
                Measure("macro F1", lambda s: _macro_f1(s, k, math.nan), higher_is_better=True, share=True),
                Measure("log loss", lambda s: ratio(s[..., 1], s[..., 0]), higher_is_better=False),
            )

    @property
    def headline(self) -> Measure:
        """The first of them."""
        return self.measures[0]

    def sums(self, answer: Answer, truth: StepTruth) -> np.ndarray:
        """(N, C) what each sequence adds to the sums: the number of its steps first.

        Of classes and labels then -log p of the truth, and of each of the K the steps rightly given, there and given;
        of numbers squared and absolute error, the truth and its square, both less the truth's mean.

        Args:
            answer: for the M steps of `truth`.
        """
        one = np.ones((len(truth.encoded), 1))
        if self.targets.kind == "real":
            error = np.abs(answer.labels - truth.encoded)
            centred = truth.encoded - truth.encoded.mean()
            columns = np.column_stack([one, error**2, error, centred, centred**2])
            return _by_sequence(columns, truth)
        assert answer.probabilities is not None
        p = np.clip(answer.probabilities, _TINY, 1 - _TINY)
        if self.targets.kind == "multilabel":
            there, said = truth.encoded.astype(bool), answer.labels.astype(bool)
            surprise = -np.log(np.where(there, p, 1 - p)).sum(1)
        else:
            there = truth.encoded[:, None] == np.arange(self.k)
            said = answer.labels[:, None] == np.array(self.targets.classes, dtype=object)
            surprise = -np.log(p[np.arange(len(p)), truth.encoded])
        return _by_sequence(np.column_stack([one, surprise, there & said, there, said]), truth)

    def scores(
        self,
        sums: np.ndarray,
        groups: np.ndarray | None = None,
        *,
        seed: int = 0,
        resamples: int | None = None,
    ) -> list[Score]:
        """Every measure of `sums` (N, C) with its interval, the headline first.

        Where sequences of one of the `groups` (N,) depend on each other, see `scores_over_groups`.
        """
        drawn = bootstrap_sums(sums, seed=seed, resamples=resamples)
        total, found = sums.sum(0), []
        for each in self.measures:
            value = float(each.statistic(total))
            interval = interval_over_sequences(each.statistic(drawn), value, len(sums), each.share)
            found.append(Score(each.name, value, interval, each.higher_is_better, len(sums)))
        return scores_over_groups(found, lambda rows: self.scores(sums[rows], resamples=1), groups)

    def tables(self, answer: Answer, truth: StepTruth) -> dict[str, Any]:
        """Counts over steps: the confusion matrix of classes (rows: true) and the table by class or label; of numbers
        true ones and answers in pairs, of some steps spread evenly.
        """
        if self.targets.kind == "real":
            count = len(truth.encoded)
            chosen = np.linspace(0, count - 1, min(count, _MOST_PAIRS)).round().astype(int)
            return {"pairs": np.column_stack([truth.encoded, answer.labels])[chosen].astype(float).tolist()}
        sums = self.sums(answer, truth)
        tables: dict[str, Any] = {
            "per_class": [row.to_json() for row in self._class_rows(sums, truth.groups)]
        }
        if self.targets.kind != "multilabel":
            place = {name: k for k, name in enumerate(self.targets.classes)}
            said = np.array([place[name] for name in answer.labels], dtype=np.int64)
            tables["confusion"] = confusion_matrix(truth.encoded, said, self.k).tolist()
        return tables

    def _class_rows(self, sums: np.ndarray, groups: np.ndarray | None, *, seed: int = 0) -> list[ClassRow]:
        """Precision, recall and F1 of each class, with intervals over sequences, or over groups of them."""
        drawn, total, n = bootstrap_sums(sums, seed=seed), sums.sum(0), len(sums)
        shares: dict[str, Callable[[tuple[np.ndarray, ...]], np.ndarray]] = {
            "precision": lambda counts: ratio(counts[0], counts[2]),
            "recall": lambda counts: ratio(counts[0], counts[1]),
            "f1": lambda counts: ratio(2 * counts[0], counts[1] + counts[2]),
        }
        found = {name: share(_counts(total, self.k)) for name, share in shares.items()}
        draws = {name: share(_counts(drawn, self.k)) for name, share in shares.items()}
        _, there, said = _counts(total, self.k)
        intervals = {
            of: [interval_over_sequences(drawn[:, k], float(found[of][k]), n, True) for k in range(self.k)]
            for of, drawn in draws.items()
        }
        rows = [
            ClassRow(
                name=str(name),
                precision=float(found["precision"][k]),
                recall=float(found["recall"][k]),
                f1=float(found["f1"][k]),
                precision_interval=intervals["precision"][k],
                recall_interval=intervals["recall"][k],
                f1_interval=intervals["f1"][k],
                support=int(there[k]),
                predicted=int(said[k]),
            )
            for k, name in enumerate(self.targets.classes)
        ]
        return rows_over_groups(rows, lambda chosen: _counts(sums[chosen].sum(0), self.k), groups)


def _by_sequence(columns: np.ndarray, truth: StepTruth) -> np.ndarray:
    """(N, C) sums of the rows of `columns` (M, C) of each sequence."""
    sums = np.zeros((truth.count, columns.shape[1]))
    np.add.at(sums, truth.sequence, columns)
    return sums


def interval_over_sequences(drawn: np.ndarray, value: float, n: int, share: bool) -> Interval:
    """Of draws over N sequences: Wilson's with as many examples as vary so much for a share, else percentiles."""
    drawn = drawn[np.isfinite(drawn)]
    if n < 2 or not math.isfinite(value) or not len(drawn):
        return Interval(*((0.0, 1.0) if share else (-math.inf, math.inf)), 0.95, "undefined")
    if share:
        return share_interval(value, effective_size(value, float(drawn.var()), n))
    return interval_of_draws(drawn, value)


def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """NaN where there is nothing to divide by."""
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)


def _counts(sums: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(..., K) each: rightly given, there, given."""
    return sums[..., 2 : 2 + k], sums[..., 2 + k : 2 + 2 * k], sums[..., 2 + 2 * k :]


def _micro_f1(sums: np.ndarray, k: int) -> np.ndarray:
    right, there, said = (counts.sum(-1) for counts in _counts(sums, k))
    return np.where(there + said > 0, 2 * right / np.where(there + said > 0, there + said, 1), 1.0)


def _macro_f1(sums: np.ndarray, k: int, empty: float) -> np.ndarray:
    """Mean F1; a label that is neither there nor given counts as `empty`, NaN leaves it out, as scikit-learn does."""
    right, there, said = _counts(sums, k)
    total = there + said
    f1 = np.where(total > 0, 2 * right / np.where(total > 0, total, 1), empty)
    return np.nanmean(f1, axis=-1)


def _explained(sums: np.ndarray) -> np.ndarray:
    """R² from steps, squared error, truth and its square."""
    spread = sums[..., 4] - ratio(sums[..., 3] ** 2, sums[..., 0])
    return 1 - ratio(sums[..., 1], spread)
