"""What the command line asks of, and shows of, runs that tag words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli import sequences
from recurra.cli.console import Watcher
from recurra.data.sentences.reading import read_document
from recurra.data.sentences.rewriting import json_records
from recurra.runs.events import PhaseStarted, Said
from recurra.runs.sentences.files import fit_sentences, read_sentences
from recurra.runs.sentences.run import SentenceRun
from recurra.tasks.sentences.settings import SentenceSettings, default_sentence_settings

# Answers are printed in the form of the data, whatever it is called.
FORMS = (".conll", ".conllu", ".iob", ".txt", ".tsv", ".csv")
_TAGS_SHOWN = 20
fit = fit_sentences


def show_result(run: SentenceRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, the table by type or tag, the verdict."""
    counted = "spans" if run.marks_spans else "words"
    sequences.show_result(run, watcher, units="sentences", counted=counted, most=_TAGS_SHOWN)


def evaluate(run: SentenceRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the sentences of `data`."""
    sentences = read_sentences(data, run.config.data_schema, encoding=encoding, observer=watcher)
    watcher(PhaseStarted("Scoring"))
    return {"n": len(sentences), "scores": [score.to_json() for score in run.evaluate(sentences, watcher)]}


def predict(
    run: SentenceRun, data: str, *, encoding: str | None, watcher: Watcher
) -> tuple[list[dict[str, Any]], str]:
    """The file again with the run's tags in it, in the place of others where there are some; records are sentences."""
    found = read_document(data, schema=run.config.data_schema, answers=run.answers, encoding=encoding)
    for note in found.notes:
        watcher(Said(note))
    sentences = found.sentences
    tags = run.answer(sentences, watcher)
    printed = found.rewritten([tag for each in tags for tag in each])
    if found.schema.form == "lists":
        return json_records(printed)[0], printed
    return [{"words": sentences.words_of(n), "tags": own} for n, own in enumerate(tags)], printed


def facts(run: SentenceRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    config = run.config
    task = config.data_schema
    marks = (
        "every word"
        if task.scheme is None
        else f"spans of words ({task.scheme}, learned as {config.learned_scheme})"
    )
    return {
        "task": f"tag, {marks}, by {config.settings.task.output}",
        "tags": ", ".join(run.metrics["classes"]) or "–",
        "words": f"{len(run.vocabulary.words):,}, of {len(run.vocabulary.characters):,} characters"
        + "".join(
            f", with {name} ({len(values):,} values)"
            for name, values in zip(task.features, run.vocabulary.features, strict=True)
        ),
    }


def default_choices() -> list[SentenceSettings]:
    """The defaults for data of several sizes."""
    return [default_sentence_settings(np.full(count, 20)) for count in (100, 2_000, 20_000)]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra predict {place} NEW_SENTENCES",
        f"recurra evaluate {place} TAGGED_SENTENCES",
        f"recurra info {place}",
    ]
