"""What is written of a run once it is trained: scores, baselines beside them, and one plain sentence."""

from __future__ import annotations

from typing import Any

import torch

from recurra.data.examples import Examples
from recurra.runs.events import Observer, ignore
from recurra.runs.sequences.pictures import pictures
from recurra.runs.sequences.run import SequenceRun
from recurra.tasks.baselines import (
    BaselineResult,
    best_baseline,
    compare_with_baseline,
    standing,
    verdict,
)
from recurra.tasks.task import Answer


def score_run(
    run: SequenceRun, parts: dict[str, Examples], baselines: list[BaselineResult], observer: Observer = ignore
) -> tuple[dict[str, Any], Answer | None]:
    """Fix the decision on the validation part, where there is one, then open the test part once.

    Returns:
        The content of `metrics.json` (validation and test scores, tables, baselines, the verdict), and the answers
        to the test part, where there is one.
    """
    task, validation, test = run.task, parts["validation"], parts["test"]
    content: dict[str, Any] = {
        "task": run.config.data_schema.task,
        "target_kind": run.config.data_schema.target_kind,
        "classes": [str(name) for name in run.classes],
    }
    if len(validation):
        assert validation.targets is not None
        outputs = run.outputs(validation, observer)
        truth = torch.from_numpy(run.targets.encode(validation.targets, validation.rows))
        run.config = run.config.model_copy(update={"decision": task.decide(outputs, truth)})
        answer = task.answer(outputs, run.config.decision)
        content["validation"] = _part(
            task.scores(answer, validation.targets, validation.clusters), len(validation)
        )
    answered = None
    if len(test) and test.targets is not None:
        answer = answered = run.answer(test, observer)
        scores = task.scores(answer, test.targets, test.clusters)
        content["test"] = _part(scores, len(test)) | task.tables(answer, test.targets, test.clusters)
        if shown := pictures(test, answer, run.classes, run.config.options.seed):
            content["test"]["images"] = shown
        content["baselines"] = [result.to_json() for result in baselines]
        if baselines:
            best = best_baseline(baselines)
            paired = compare_with_baseline(answer.labels, best, test.targets, test.clusters)
            cell = run.config.settings.network.cell_name
            content["verdict"] = verdict(scores, baselines, paired, cell)
            content["standing"] = standing(scores[0].higher_is_better, paired, best.name)
    return content, answered


def _part(scores: list, n: int) -> dict[str, Any]:
    return {"n": n, "scores": [score.to_json() for score in scores]}
