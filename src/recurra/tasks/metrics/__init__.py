"""How good predictions are: every score with its interval, over all examples at once."""

from __future__ import annotations

from recurra.tasks.metrics.classes import (
    class_indices,
    classification_scores,
    confusion_matrix,
    decide,
    decision_scores,
)
from recurra.tasks.metrics.grouped import rows_over_groups, scores_over_groups
from recurra.tasks.metrics.multilabel import label_sums, micro_f1, multilabel_scores
from recurra.tasks.metrics.regression import regression_scores
from recurra.tasks.metrics.score import Score
from recurra.tasks.metrics.table import ClassRow, per_class_table

__all__ = [
    "ClassRow",
    "Score",
    "class_indices",
    "classification_scores",
    "confusion_matrix",
    "decide",
    "decision_scores",
    "label_sums",
    "micro_f1",
    "multilabel_scores",
    "per_class_table",
    "regression_scores",
    "rows_over_groups",
    "scores_over_groups",
]
