"""What the command line asks of, and shows of, runs that write down recordings and other sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, plain, print_scores
from recurra.cli.predict import as_csv
from recurra.runs.events import PhaseStarted
from recurra.runs.parts import scored_part, tell_groups
from recurra.runs.recordings.files import fit_recordings, read_sequences
from recurra.runs.recordings.run import RecordingRun
from recurra.tasks.transcription.settings import TranscriptionSettings, default_transcription_settings

FORMS = (".csv",)
fit = fit_recordings


def show_result(run: RecordingRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, some transcriptions, the verdict."""
    metrics, print_ = run.metrics, watcher.console.print
    name = "test" if "test" in metrics else "validation"
    if name not in metrics:
        print_(NOTHING_HELD_OUT)
        return
    part = metrics[name]
    print_scores(run, part, f"{part['n']:,} {name} sequences", watcher.console)
    for example in metrics.get("transcriptions", []):
        mark = "right" if example["text"] == example["reference"] else "wrong"
        print_(f"\n  {plain(example['name'])} ({mark})")
        print_(f"    says    {plain(example['reference'])}")
        print_(f"    written {plain(example['text'])}")
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def evaluate(run: RecordingRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the sequences of `data`; of data with parts of their own, of the test part."""
    config = run.config
    found = read_sequences(
        data, config.data_schema, config.settings.audio, encoding=encoding, observer=watcher
    )
    examples = scored_part(found.examples, watcher, "sequences")
    tell_groups(examples, watcher)
    watcher(PhaseStarted("Scoring"))
    scores = run.evaluate(examples, watcher)
    return {"n": len(examples), "scores": [score.to_json() for score in scores]}


def predict(
    run: RecordingRun, data: str, *, encoding: str | None, watcher: Watcher
) -> tuple[list[dict[str, Any]], str]:
    """A text for each row, or why there is none; printed as CSV."""
    config = run.config
    watcher(PhaseStarted(f"Reading {data}"))
    found = read_sequences(
        data,
        config.data_schema,
        config.settings.audio,
        need_texts=False,
        encoding=encoding,
        observer=watcher,
    )
    assert found.examples.sequences is not None
    watcher(PhaseStarted("Writing down"))
    texts = run.transcribe(found.examples.sequences, watcher)
    written = dict(zip(found.examples.rows.tolist(), texts, strict=True))
    name = "file" if run.hears else "row"
    records = [
        {
            name: found.names[row - 1] if run.hears else row,
            "text": written.get(row),
            "problem": found.unread.get(row),
        }
        for row in range(1, len(found.names) + 1)
        if row in written or row in found.unread
    ]
    if not found.unread:
        records = [{key: value for key, value in each.items() if key != "problem"} for each in records]
    return records, as_csv(records)


def facts(run: RecordingRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    audio, read = run.config.settings.audio, f"{run.config.shape.input_size} numbers a step"
    if run.hears:
        read = f"sound, {audio.rate:,} samples per second, {audio.mels} bands every {audio.hop_ms:g} ms"
    ahead = "whole sequences alone" if run.config.settings.network.bidirectional else "as it comes in, too"
    return {
        "task": f"transcribe, by {run.alphabet.level}",
        "reads": f"{read}; {ahead}",
        "tokens": f"{len(run.alphabet):,}",
        **({"writes": f"one of {len(run.only):,} texts, whatever is said"} if run.only else {}),
    }


def default_choices() -> list[TranscriptionSettings]:
    """The defaults for data of several kinds and sizes."""
    return [
        default_transcription_settings(np.full(count, steps), np.full(count, needed), sound=sound)
        for sound in (True, False)
        for count, steps, needed in ((50, 40, 20), (5_000, 1_000, 100), (500, 40, 1))
    ]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra predict {place} NEW_DATA",
        f"recurra evaluate {place} DATA_WITH_TEXTS",
        f"recurra info {place}",
    ]
