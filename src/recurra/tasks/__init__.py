"""What a network is for: loss, metrics, baselines, decoding, defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from recurra.data.labels import TargetEncoder
    from recurra.tasks.settings import TaskConfig
    from recurra.tasks.task import Task


def make_task(targets: TargetEncoder, config: TaskConfig, counts: np.ndarray | None = None) -> Task:
    """The task for targets of their kind: "binary", "multiclass", "multilabel" or "real".

    Args:
        counts: of the training part, see `counts_of`; class weights are taken from them.
    """
    if targets.kind == "real":
        from recurra.tasks.regress import RegressTask

        return RegressTask(targets)
    from recurra.tasks.classify import ClassifyTask, MultilabelTask

    return (MultilabelTask if targets.kind == "multilabel" else ClassifyTask)(targets, config, counts)


def counts_of(targets: TargetEncoder, encoded: np.ndarray) -> np.ndarray | None:
    """(K,) encoded targets of each class, or (2, K) without and with each label; None for numbers."""
    import numpy as np

    if targets.kind == "real":
        return None
    if targets.kind == "multilabel":
        return np.stack([(encoded < 0.5).sum(0), (encoded > 0.5).sum(0)])
    return np.bincount(encoded, minlength=len(targets.classes))
