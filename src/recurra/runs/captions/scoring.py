"""What is written of a run once it is trained: scores, baselines beside them, images with captions, one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.data.images.pixels import Pixels
from recurra.runs.captions.run import CaptionRun, captions_of
from recurra.runs.events import Observer, PhaseStarted, ignore
from recurra.runs.sequences.pictures import as_png
from recurra.tasks.baselines import BaselineResult, beside_baselines
from recurra.tasks.captioning.scores import alike

_VALIDATION = 500  # examples of the validation part that are answered
_SAMPLES, _GAZES, _WORDS = 8, 3, 16


def score_run(
    run: CaptionRun,
    parts: dict[str, Examples],
    baselines: list[tuple[BaselineResult, np.ndarray]],
    observer: Observer = ignore,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Answer some of the validation part, then open the test part once.

    Args:
        baselines: each with what its captions add to the sums of the run's measures.

    Returns:
        The content of `metrics.json`, and (N, C) what the test examples add to these sums, where there are some.
    """
    measures = run.measures
    content: dict[str, Any] = {"task": "caption"}
    sums: np.ndarray | None = None
    for name, most in (("validation", _VALIDATION), ("test", None)):
        part = parts[name]
        if not len(part):
            continue
        if most is not None and len(part) > most:
            part = part.take(_spread(len(part), most))
        observer(PhaseStarted(f"Captioning {len(part):,} of the {name} part"))
        answers = [each[0].text for each in run.caption(part, observer)]
        sums = measures.sums(answers, captions_of(part))
        scores = measures.scores(sums)
        content[name] = {"n": len(part), "scores": [score.to_json() for score in scores]}
        content["signatures"] = {"BLEU": measures.signature}
        if name == "test":
            content[name] |= _shown(run, part, answers)
    if "test" not in content or sums is None:
        return content, None
    name = run.config.settings.network.cell_name
    content |= beside_baselines(measures.headline, sums, scores, baselines, name)
    return content, sums


def _shown(run: CaptionRun, part: Examples, answers: list[str]) -> dict[str, Any]:
    """Some examples with references and answer: half of them wrong where there are so many; and where it looked."""
    references = captions_of(part)
    right = np.array(
        [alike(answer) in map(alike, said) for answer, said in zip(answers, references, strict=True)],
        dtype=bool,
    )
    wrong = np.flatnonzero(~right)
    bad = wrong[_spread(len(wrong), _SAMPLES // 2)]
    rest = np.setdiff1d(np.arange(len(part)), bad)
    chosen = np.sort(np.concatenate([bad, rest[_spread(len(rest), _SAMPLES - len(bad))]])).astype(np.int64)
    samples = [
        {
            "name": str(part.names[n]) if part.names is not None else f"row {part.rows[n]}",
            "references": list(references[n]),
            "answer": answers[n],
            "right": bool(right[n]),
            "png": as_png(part.sequences.images(n)) if isinstance(part.sequences, Pixels) else None,
        }
        for n in chosen.tolist()
    ]
    return {"samples": samples, "gazes": _gazes(run, part, answers)}


def _gazes(run: CaptionRun, part: Examples, answers: list[str]) -> list[dict[str, Any]]:
    """Where the network looked at some images, word by word."""
    gazes: list[dict[str, Any]] = []
    if not isinstance(part.sequences, Pixels):
        return gazes
    for n in _spread(len(part), 20 * _GAZES).tolist():
        gaze = run.gaze(part, n, answers[n]) if answers[n] else None
        if gaze is not None and len(gaze.words) <= _WORDS:
            weights = [[[round(float(w), 3) for w in line] for line in word] for word in gaze.weights]
            png = as_png(part.sequences.images(n))
            gazes.append({"words": gaze.words[:-1], "weights": weights[:-1], "png": png})
        if len(gazes) == _GAZES:
            break
    return gazes


def _spread(count: int, most: int) -> np.ndarray:
    """At most so many places of `count`, evenly spread."""
    if not count or not most:
        return np.zeros(0, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
