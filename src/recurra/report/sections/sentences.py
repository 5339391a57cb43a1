"""Some sentences of the test part as a tagger tagged them, its mistakes marked."""

from __future__ import annotations

from typing import Any

from recurra.data.sentences.schemes import spans
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles

_OUTSIDE = "O"


def section(run: RunFiles) -> Section | None:
    """Word by word with its tag; where the tag is wrong, the true one beside it."""
    examples = run.metrics.get("sentences")
    if run.config.kind != "sentence" or not examples:
        return None
    marks_spans = run.metrics["target_kind"] == "spans"
    return Section(
        "sentences",
        "What its answers look like",
        render(
            "sentences.html",
            marks_spans=marks_spans,
            place="line" if run.config.data_schema.form in ("columns", "conllu") else "row",
            sentences=[
                {
                    "line": each["line"],
                    "words": _words(each, marks_spans),
                    "outcome": _outcome(each, marks_spans),
                }
                for each in examples
            ],
        ),
    )


def _words(example: dict[str, Any], marks_spans: bool) -> list[dict[str, Any]]:
    """Each word with the tag given and the true one; outside of spans nothing is shown where nothing is wrong."""
    shown = []
    for word, true, said in zip(example["words"], example["true"], example["said"], strict=True):
        wrong = true is not None and true != said
        quiet = marks_spans and said == _OUTSIDE and not wrong
        shown.append({"word": word, "said": "" if quiet else said, "true": true, "wrong": wrong})
    return shown


def _outcome(example: dict[str, Any], marks_spans: bool) -> str:
    """How much of a sentence is right, in words."""
    if marks_spans:
        true, said = {*spans(example["true"])}, {*spans(example["said"])}
        if not true | said:
            return "no span, and none given"
        return f"{len(true & said)} of {len(true)} spans found, {len(said - true)} given that are none"
    known = [(a, b) for a, b in zip(example["true"], example["said"], strict=True) if a is not None]
    return f"{sum(a == b for a, b in known)} of {len(known)} words right"
