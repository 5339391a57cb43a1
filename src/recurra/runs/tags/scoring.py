"""What is written of a run once it is trained: scores, baselines beside them, and one plain sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from recurra.data.examples import Examples
from recurra.runs.events import Observer, ignore
from recurra.runs.tags.run import TagRun
from recurra.runs.tags.targets import StepTargets
from recurra.tasks.baselines import BaselineResult, beside_baselines
from recurra.tasks.metrics import Score


def score_run(
    run: TagRun,
    parts: dict[str, Examples],
    labels: dict[str, StepTargets],
    baselines: list[tuple[BaselineResult, np.ndarray]],
    observer: Observer = ignore,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Fix the decision on the validation part, where there is one, then open the test part once.

    Args:
        parts, labels: the examples and their targets; parts without any step to score are passed over.
        baselines: each with what its answers add to the sums of the run's measures.

    Returns:
        The content of `metrics.json`, and (N, C) what the test sequences add to these sums, where there are some.
    """
    content: dict[str, Any] = {
        "task": run.config.data_schema.task,
        "target_kind": run.config.data_schema.target_kind,
        "classes": [str(name) for name in run.classes],
    }
    task, measures = run.task, run.measures
    scores: list[Score] = []
    sums: np.ndarray | None = None
    for name in ("validation", "test"):
        if name not in labels or not labels[name].known.any():
            continue
        outputs = run.outputs(parts[name], observer)[torch.from_numpy(labels[name].known)]
        if name == "validation":
            truth = torch.from_numpy(labels[name].those_known)
            run.config = run.config.model_copy(update={"decision": task.decide(outputs, truth)})
        answer, truth = (
            task.answer(outputs, run.config.decision),
            labels[name].truth(run.targets, parts[name].groups),
        )
        sums = measures.sums(answer, truth)
        scores = measures.scores(sums, truth.groups)
        content[name] = {
            "n": len(parts[name]),
            "steps": int(labels[name].known.sum()),
            "scores": [score.to_json() for score in scores],
        }
        if name == "test":
            content[name] |= measures.tables(answer, truth)
    if "test" not in content or sums is None:
        return content, None
    name = run.config.settings.network.cell_name
    content |= beside_baselines(measures.headline, sums, scores, baselines, name, groups=parts["test"].groups)
    return content, sums
