"""The table of classes or labels: precision, recall, F1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.statistics.intervals import Interval, proportion_interval


@dataclass(frozen=True)
class ClassRow:
    """One class in the per-class table; precision is NaN where the class is never predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    precision_interval: Interval
    recall_interval: Interval
    f1_interval: Interval
    support: int
    predicted: int

    def to_json(self) -> dict[str, object]:
        """Plain types only; a share that is not defined becomes None."""
        shares = {name: getattr(self, name) for name in ("precision", "recall", "f1")}
        return {
            "name": self.name,
            **{name: None if math.isnan(share) else share for name, share in shares.items()},
            **{f"{name}_interval": getattr(self, f"{name}_interval").to_json() for name in shares},
            "support": self.support,
            "predicted": self.predicted,
        }


def per_class_table(
    right: np.ndarray, support: np.ndarray, predicted: np.ndarray, names: Sequence[Any]
) -> list[ClassRow]:
    """Precision, recall and F1 of every class or label, from counts (K,).

    For a confusion matrix `c` these are `np.diagonal(c)`, `c.sum(1)`, `c.sum(0)`. The interval of F1 is
    Wilson's for J = right / (support + predicted - right), turned by F1 = 2 J / (1 + J).

    >>> c = np.array([[8, 2], [1, 9]])
    >>> rows = per_class_table(np.diagonal(c), c.sum(1), c.sum(0), ["no", "yes"])
    >>> [(row.name, round(row.precision, 3), row.recall, row.support) for row in rows]
    [('no', 0.889, 0.8, 10), ('yes', 0.818, 0.9, 10)]
    """
    rows = []
    for name, tp, there, said in zip(
        names, right.tolist(), support.tolist(), predicted.tolist(), strict=True
    ):
        union = there + said - tp
        j = proportion_interval(tp, union)
        rows.append(
            ClassRow(
                name=str(name),
                precision=tp / said if said else math.nan,
                recall=tp / there if there else math.nan,
                f1=2 * tp / (there + said) if union else math.nan,
                precision_interval=proportion_interval(tp, said),
                recall_interval=proportion_interval(tp, there),
                f1_interval=Interval(2 * j.low / (1 + j.low), 2 * j.high / (1 + j.high), j.level, j.method),
                support=there,
                predicted=said,
            )
        )
    return rows
