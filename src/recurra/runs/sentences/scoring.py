"""What is written of a tagger once it is trained: scores, baselines beside them, examples, and one plain sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.schemes import OUTSIDE
from recurra.runs.events import Observer, ignore
from recurra.runs.sentences.run import SentenceRun
from recurra.tasks.baselines import BaselineResult, beside_baselines
from recurra.tasks.sentences.scores import SentenceMeasures, Tags, confusion_of

SHOWN = 8  # sentences in the report
_LONGEST = 40  # words of them
_MOST_CONFUSED = 100  # tags whose confusions are kept


def score_run(
    run: SentenceRun,
    parts: dict[str, Sentences],
    truth: dict[str, list[list[str | None]]],
    measures: SentenceMeasures,
    baselines: list[tuple[BaselineResult, np.ndarray]],
    observer: Observer = ignore,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Score the validation part, then open the test part, once.

    Args:
        parts, truth: the sentences and their tags; parts without any tag are passed over.
        measures: what the baselines were scored by.
        baselines: each with what its answers add to the sums of `measures`.

    Returns:
        The content of `metrics.json`, and (N, C) what the test sentences add to these sums, where there are some.
    """
    seed = run.config.options.seed
    content: dict[str, Any] = {
        "task": "tag",
        "target_kind": "spans" if run.marks_spans else "words",
        "classes": list(measures.kinds),
    }
    sums, said = None, []
    for name in ("validation", "test"):
        known = sum(tag is not None for tags in truth.get(name, []) for tag in tags)
        if not known:
            continue
        said = run.answer(parts[name], observer)
        sums = measures.sums(truth[name], said, run.unseen(parts[name]))
        scores = measures.scores(sums, seed=seed)
        content[name] = {
            "n": len(parts[name]),
            "words": known,
            "scores": [score.to_json() for score in scores],
        }
    if "test" not in content or sums is None:
        return content, None
    content["test"] |= measures.tables(sums, seed=seed)
    if not run.marks_spans:
        names = [row["name"] for row in content["test"]["per_class"]]
        if len(names) <= _MOST_CONFUSED:
            content["test"]["confusion"] = confusion_of(truth["test"], said, names)
    content["sentences"] = examples(parts["test"], truth["test"], said, seed)
    name = run.config.settings.network.cell_name
    content |= beside_baselines(measures.headline, sums, scores, baselines, name, seed=seed)
    return content, sums


def examples(sentences: Sentences, truth: Tags, said: Tags, seed: int) -> list[dict[str, Any]]:
    """Some sentences with both tags of each word, drawn by the seed, not of the longest: half of them with a mistake,
    where there are so many; none in which nothing is marked, where others are enough.
    """
    short = np.flatnonzero((sentences.words.lengths > 1) & (sentences.words.lengths <= _LONGEST))
    marked = [n for n in short.tolist() if {*truth[n], *said[n]} - {OUTSIDE, None}]
    if len(marked) >= SHOWN:
        short = np.array(marked)
    wrong = np.array([truth[n] != said[n] for n in short.tolist()], dtype=bool)
    rng = np.random.default_rng([seed, len(short)])
    chosen: list[int] = []
    for places in (short[wrong], short[~wrong]):
        chosen += rng.permutation(places)[: SHOWN // 2].tolist()
    return [
        {"line": int(sentences.rows[n]), "words": sentences.words_of(n), "true": truth[n], "said": said[n]}
        for n in sorted(chosen)
    ]
