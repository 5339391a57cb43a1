"""What is written of a run once it is trained: scores, baselines beside them, samples, and one plain sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.pairs.run import PairRun
from recurra.tasks.baselines import BaselineResult, beside_baselines
from recurra.tasks.translation.settings import LENGTH_PENALTIES

TRIED_ON = 100  # pairs of the validation part that a length penalty is chosen on
_VALIDATION = 500  # pairs of the validation part that are answered
_SAMPLES, _PICTURES = 8, 3
_SAMPLE_CHARACTERS = 1_000
_PICTURE_IDS = 24


def score_run(
    run: PairRun,
    parts: dict[str, Examples],
    baselines: list[tuple[BaselineResult, np.ndarray]],
    observer: Observer = ignore,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Choose the length penalty and answer some of the validation part, then open the test part once.

    Args:
        baselines: each with what its answers add to the sums of the run's measures.

    Returns:
        The content of `metrics.json`, and (N, C) what the test pairs add to these sums, where there are some.
    """
    measures = run.measures
    content: dict[str, Any] = {"task": "translate", "measure": measures.name}
    sums: np.ndarray | None = None
    choose_length_penalty(run, parts["validation"], observer)
    for name, most in (("validation", _VALIDATION), ("test", None)):
        part = parts[name]
        if not len(part):
            continue
        if most is not None and len(part) > most:
            part = part.take(_spread(len(part), most))
        observer(PhaseStarted(f"Answering {len(part):,} sources of the {name} part"))
        assert part.texts is not None and part.targets is not None
        answers = [each[0].text for each in run.translate(part.texts.tolist(), observer)]
        sums = measures.sums(answers, part.targets.tolist())
        scores = measures.scores(sums)
        content[name] = {"n": len(part), "scores": [score.to_json() for score in scores]}
        content["signatures"] = measures.signatures
        if name == "test":
            content[name] |= _shown(run, part, answers)
    if "test" not in content or sums is None:
        return content, None
    name = run.config.settings.network.cell_name
    content |= beside_baselines(measures.headline, sums, scores, baselines, name)
    return content, sums


def choose_length_penalty(run: PairRun, validation: Examples, observer: Observer = ignore) -> None:
    """Where none was said, that with which a hundred validation sources are answered best; kept in the run's settings.

    They are tried in rising order, until the headline score falls. A sum of logarithms favours short answers: of
    summaries of several sentences the first alone (Murray & Chiang, arXiv:1808.10006).
    """
    # What was chosen for a training that was interrupted, or for the run it started from, is chosen anew.
    asked = run.config.options.settings.get("task.length_penalty")
    if asked is not None or run.config.settings.task.beam == 1 or not len(validation):
        return
    part = validation.take(_spread(len(validation), TRIED_ON))
    assert part.texts is not None and part.targets is not None
    tried: dict[float, float] = {}
    name, settings = run.measures.headline.name, run.config.settings
    for penalty in LENGTH_PENALTIES:
        observer(PhaseStarted(f"Trying the length penalty {penalty:g} on {len(part):,} validation sources"))
        run.config = run.config.model_copy(
            update={"settings": settings.changed({"task.length_penalty": penalty})}
        )
        answers = [each[0].text for each in run.translate(part.texts.tolist(), observer)]
        tried[penalty] = run.measures.scores(run.measures.sums(answers, part.targets.tolist()))[0].value
        if tried[penalty] < max(tried.values()):
            break
    best = max(tried, key=lambda each: tried[each])
    run.config = run.config.model_copy(update={"settings": settings.changed({"task.length_penalty": best})})
    scores = ", ".join(f"{name} {value:.1f} with {penalty:g}" for penalty, value in tried.items())
    observer(Said(f"length penalty {best:g}, chosen on {len(part):,} validation pairs: {scores}"))


def _shown(run: PairRun, part: Examples, answers: list[str]) -> dict[str, Any]:
    """Some sources with reference and answer, spread over the part; and where the network looked in short ones."""
    assert part.texts is not None and part.targets is not None
    sources: list[str] = part.texts.tolist()
    references: list[str] = part.targets.tolist()
    samples = [
        {
            "row": int(part.rows[n]),
            "source": _cut(sources[n]),
            "reference": _cut(references[n]),
            "answer": _cut(answers[n]),
        }
        for n in _spread(len(part), _SAMPLES).tolist()
    ]
    pictures = []
    for n in _spread(len(part), 20 * _PICTURES).tolist():
        if len(pictures) == _PICTURES or not answers[n]:
            break
        found = run.alignment(sources[n], answers[n])
        if found is None:
            break
        if 4 <= len(found.source) <= _PICTURE_IDS and 4 <= len(found.answer) <= _PICTURE_IDS:
            weights = [[round(float(w), 3) for w in row] for row in found.weights]
            pictures.append({"source": found.source, "answer": found.answer, "weights": weights})
    return {"samples": samples, "alignments": pictures}


def _spread(count: int, most: int) -> np.ndarray:
    """At most so many places of `count`, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _cut(text: str) -> str:
    return text if len(text) <= _SAMPLE_CHARACTERS else f"{text[: _SAMPLE_CHARACTERS - 1]}…"
