"""What a network is for: loss, metrics, baselines, decoding, defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from recurra.data.labels import TargetEncoder
    from recurra.tasks.settings import TaskConfig
    from recurra.tasks.task import Task


def make_task(targets: TargetEncoder, config: TaskConfig, encoded: np.ndarray | None = None) -> Task:
    """The task for targets of their kind: "binary", "multiclass", "multilabel" or "real".

    Args:
        encoded: the encoded training targets; class weights are taken from them.
    """
    import numpy as np

    if targets.kind == "real":
        from recurra.tasks.regress import RegressTask

        return RegressTask(targets)
    from recurra.tasks.classify import ClassifyTask, MultilabelTask

    counts = None
    if targets.kind == "multilabel":
        if encoded is not None:
            counts = np.stack([(encoded < 0.5).sum(0), (encoded > 0.5).sum(0)])
        return MultilabelTask(targets, config, counts)
    if encoded is not None:
        counts = np.bincount(encoded, minlength=len(targets.classes))
    return ClassifyTask(targets, config, counts)
