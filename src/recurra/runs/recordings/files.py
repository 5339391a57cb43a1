"""From files to runs: reading, and then training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from recurra.data.audio.config import AudioConfig
from recurra.data.transcripts.definition import TranscriptSchema
from recurra.data.transcripts.inference import infer_transcripts
from recurra.data.transcripts.reading import (
    Source,
    Transcripts,
    open_source,
    read_transcripts,
    settle_audio,
    without_voices,
)
from recurra.errors import InputError, RunError
from recurra.runs.events import Measured, Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.loading import load
from recurra.runs.parts import scored_part, warn_of_shared
from recurra.runs.recordings.config import RecordingFitOptions
from recurra.runs.recordings.fit import RecordingFitting
from recurra.runs.recordings.run import RecordingRun
from recurra.tasks.transcription.settings import TranscriptionSettings


def fit_recordings(
    source: Any,
    options: RecordingFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> RecordingRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a folder of recordings with their texts, a table that names recordings, or one whose rows hold
            sequences of numbers; see `recurra.data.transcripts.reading.open_source`.
        test: another of these, to score on.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: RecordingFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[RecordingFitting, list[str]]:
    """The training that `fit_recordings` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_recordings`, which also says what is raised.
    """
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    _say_reading(source, observer)
    found = open_source(source, encoding=encoding)
    schema = infer_transcripts(found.table, options.data)
    audio = _audio(found, schema, options) if schema.input == "sound" else None
    for line in _described(found, schema, audio):
        observer(Said(line))
    if audio is not None:
        less = (
            ", less what the recordings of each speaker have in common (--set audio.centre=recording: with it)"
            if audio.centre == "speaker"
            else ""
        )
        observer(
            Said(
                f"sound: {audio.rate:,} samples per second, {audio.mels} bands every {audio.hop_ms:g} ms{less}"
            )
        )
    read = _read(found, schema, audio, observer)
    held_out = None
    if test is not None:
        _say_reading(test, observer)
        held_out = _read(open_source(test, encoding=encoding), schema, audio, observer, need_roles=False)
        units = "recordings" if schema.input == "sound" else "sequences"
        held_out = replace(held_out, examples=scored_part(held_out.examples, observer, units))
        warn_of_shared(read.examples, held_out.examples, units, observer)
    sources = [str(each) for each in (source, test) if isinstance(each, str | Path)]
    return RecordingFitting(read, schema, options, held_out, audio), sources


def read_sequences(
    source: Any,
    schema: TranscriptSchema,
    audio: AudioConfig | None,
    *,
    need_texts: bool = True,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Transcripts:
    """Read `source` the way of data that were read before, to score on or to predict.

    Where speakers are told apart, its recordings of each are taken together.
    """
    found = open_source(source, need_texts=need_texts, encoding=encoding)
    read = _read(found, schema, audio, observer, need_texts=need_texts, need_roles=False)
    return replace(read, examples=without_voices(read.examples, audio))


def _read(
    found: Source, schema: TranscriptSchema, audio: AudioConfig | None, observer: Observer, **needs: bool
) -> Transcripts:
    read = read_transcripts(
        found, schema, audio, told=lambda done, count: observer(Measured(done, count, "recordings")), **needs
    )
    for line in read.lines:
        observer(Said(line, "warning"))
    return read


def _say_reading(source: Any, observer: Observer) -> None:
    observer(PhaseStarted(f"Reading {source}" if isinstance(source, str | Path) else "Reading the data"))


def _described(found: Source, schema: TranscriptSchema, audio: AudioConfig | None) -> list[str]:
    """What the columns were taken for, in sentences."""
    table, columns = found.table, schema.table
    lines = list(table.notes)
    read = (
        f"recordings named in {columns.text!r}"
        if schema.input == "sound"
        else (f"sequences of {len(columns.channels)} numbers a step: {', '.join(columns.features)}")
    )
    lines.append(f"{len(table):,} rows; {read}; texts: {schema.target[0]!r}")
    lines += [f"split by {columns.split!r}"] if columns.split else []
    lines += [f"{columns.group!r} stays on one side of the split"] if columns.group else []
    heard = schema.speaker if audio is not None and audio.centre == "speaker" else None
    if heard is not None:
        tied = "" if columns.group else f" (--group {heard} keeps those of one on one side of the split)"
        lines.append(f"{heard!r} says who speaks{tied}")
    lines += [f"not used: {name!r} ({why})" for name, why in columns.set_aside.items() if name != heard]
    return lines


def _audio(found: Source, schema: TranscriptSchema, options: RecordingFitOptions) -> AudioConfig:
    """How sound is read: as asked, and the rest as the recordings are, or as of the run to start from.

    Raises:
        InputError: another way is asked for than that of the run to start from.
        RunError: that run is of another kind.
    """
    if options.init is None:
        asked = TranscriptionSettings().changed(options.settings)
        return settle_audio(found, schema, asked.audio, streams=not asked.network.bidirectional)
    init = load(options.init)
    if not isinstance(init, RecordingRun):
        raise RunError(f"the run to start from is {init.purpose}", where="--init")
    if any(name.startswith("audio.") for name in options.settings):
        raise InputError("sound is read as by the run to start from", where="--init")
    return init.config.settings.audio
