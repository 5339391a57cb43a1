"""What is written of a run once it is trained: scores, baselines beside them, a sentence, and some examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.runs.events import Observer, ignore
from recurra.runs.recordings.examples import shown
from recurra.runs.recordings.language import choose_fusion, places_tried
from recurra.runs.recordings.run import RecordingRun
from recurra.tasks.baselines import BaselineResult, beside_baselines
from recurra.tasks.transcription.scores import transcript_measures, transcript_scores, transcript_sums

_SHOWN = 4


def score_run(
    run: RecordingRun,
    parts: dict[str, Examples],
    texts: dict[str, list[str]],
    baselines: list[tuple[BaselineResult, np.ndarray]],
    names: list[str],
    observer: Observer = ignore,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Scores of the validation part, then of the test part, which is opened once.

    Args:
        texts: of each part, plain.
        baselines: each with what its answers add to the sums of `transcript_measures`.
        names: of the test part's examples.

    Returns:
        The content of `metrics.json`, and (N, C) what the test sequences add to the sums, where there are some.
    """
    content: dict[str, Any] = {
        "task": "transcribe",
        "level": run.alphabet.level,
        "tokens": len(run.alphabet),
        "input": run.config.data_schema.input,
    }
    sums: np.ndarray | None = None
    scores = []
    for name in ("validation", "test"):
        part = parts[name]
        if name == "validation" and run.language is not None:
            _fuse(run, part, texts[name], observer)
        if part.sequences is None or not len(part):
            continue
        said = run.transcribe(part.sequences, observer)
        sums = transcript_sums(said, texts[name])
        scores = transcript_scores(sums, part.groups)
        content[name] = {"n": len(part), "scores": [score.to_json() for score in scores]}
        if name == "test":
            content["transcriptions"] = shown(run, part.sequences, said, texts[name], names, _SHOWN)
    if "test" not in content or sums is None:
        return content, None
    name = run.config.settings.network.cell_name
    content |= beside_baselines(
        transcript_measures()[0], sums, scores, baselines, name, groups=parts["test"].groups
    )
    return content, sums


def _fuse(run: RecordingRun, part: Examples, references: list[str], observer: Observer) -> None:
    """Fix on the validation part how much the language model weighs."""
    assert run.language is not None
    decoding, source = run.config.settings.decoding, str(run.config.options.lm)
    places = places_tried(len(part))
    log_p = [] if part.sequences is None else run.log_p(part.sequences.take(places), observer)
    said = [references[n] for n in places.tolist()]
    choice = choose_fusion(run.language, source, run.alphabet, decoding, log_p, said, observer)
    run.config = run.config.model_copy(update={"fusion": choice})
