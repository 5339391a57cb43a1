"""From a table, a folder or a file to sequences with their texts; what cannot be used is counted and named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recurra.data.audio.config import AudioConfig
from recurra.data.audio.files import BadRecording, head_of, is_sound, names_sound, pieces
from recurra.data.audio.filterbank import LogMel
from recurra.data.audio.speakers import Voices
from recurra.data.audio.storage import Growing
from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema import to_examples
from recurra.data.schema.values import texts
from recurra.data.sources import read
from recurra.data.sources.table import Table, listed
from recurra.data.transcripts.definition import TranscriptSchema
from recurra.data.transcripts.folder import read_sound_folder, table_in
from recurra.data.transcripts.inference import named_as
from recurra.errors import DataError, InputError

Told = Callable[[int, int], None]
_NAMED = 6
_RATES = 500  # recordings whose rate is looked at before one for all is chosen


@dataclass(frozen=True)
class Transcripts:
    """What was read.

    Args:
        examples: the sequences, their texts as targets where there are texts.
        names: of every row of the source, the recording's file or the row's number.
        unread: row, from 1 -> why it is no example.
        lines: what is to be said of them.
    """

    examples: Examples
    names: list[str]
    unread: dict[int, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A table, and the folder that the names of recordings in it begin at."""

    table: Table
    base: Path


def open_source(source: Any, *, need_texts: bool = True, encoding: str | None = None) -> Source:
    """The table of a file, of a folder of recordings, or of one recording.

    Args:
        source: a table file, or a frame; a folder of recordings, with a table of their texts in it or without; a WAV
            or FLAC file.

    Raises:
        DataError: with what is wrong, where, and what to do.
    """
    if not isinstance(source, str | os.PathLike) or source == "-":
        return Source(_trimmed(read(source, encoding=encoding)), Path())
    path = Path(source)
    if path.is_dir():
        inside = table_in(path)
        if inside is None:
            return Source(read_sound_folder(path, need_texts=need_texts, encoding=encoding), path)
        path = inside
    if is_sound(path.name):
        if need_texts:
            raise DataError(
                "this is one recording, and a text for it is needed",
                where=str(path),
                fix="Give a folder of recordings with their texts, or a table with the columns file and text.",
            )
        return Source(Table(pl.DataFrame({"file": [path.name]}), str(path), "recording"), path.parent)
    return Source(_trimmed(read(path, encoding=encoding)), path.parent)


def _trimmed(table: Table) -> Table:
    """The same, without blanks around the names of recordings."""
    names = [name for name in table.frame.columns if names_sound(table.frame[name])]
    return replace(table, frame=table.frame.with_columns(pl.col(names).str.strip_chars())) if names else table


def settle_audio(
    source: Source, schema: TranscriptSchema, asked: AudioConfig, *, streams: bool = False
) -> AudioConfig:
    """What is not said of how the recordings of a table are heard.

    Args:
        streams: whether the network reads forwards alone.

    Raises:
        DataError: none of the recordings can be opened.
        InputError: it is asked for to tell speakers apart, and no column says who speaks.
    """
    files = source.table.column(schema.text or "", "the recordings").cast(pl.String).drop_nulls().to_list()
    heads, problems = [], []
    for name in files[:_RATES] if None in (asked.rate, asked.centre, asked.centre_bands) else ():
        try:
            heads.append(head_of(source.base / name))
        except BadRecording as error:
            problems.append(f"{name} is {error}")
    if problems and not heads:
        raise DataError(
            f"no recording can be opened: {listed(problems, 3)}",
            where=source.table.origin,
            fix=f"Names are taken from the folder {source.base}.",
        )
    if asked.centre == "speaker" and schema.speaker is None:
        raise InputError(
            "no column says who speaks", where="audio.centre=speaker", fix="Give a column called speaker."
        )
    rates, seconds = [rate for rate, _ in heads], [seconds for _, seconds in heads]
    return asked.settled(rates, seconds, streams=streams, speakers=schema.speaker is not None)


def read_transcripts(
    source: Source,
    schema: TranscriptSchema,
    audio: AudioConfig | None,
    *,
    need_texts: bool = True,
    need_roles: bool = True,
    told: Told = lambda done, count: None,
) -> Transcripts:
    """The examples of a table; what is broken, empty, silent or without a text is left out, counted and named.

    Args:
        audio: of recordings, with rate and mels. What a speaker's recordings have in common is left to
            `without_voices`, once it is settled which of them stand together.
        need_texts: False for prediction.
        need_roles: False for data that are only scored, where the columns of split and group may be absent. Else
            recordings of a folder that lie in none of its parts are left out and named, too.
        told: is told how many of how many recordings are done.

    Raises:
        DataError: nothing can be used.
    """
    table, said = named_as(source.table, schema), ()
    if need_roles:
        table, said = _in_parts(table, schema)
    examples, unusable = to_examples(table, schema.table, need_targets=need_texts, need_roles=need_roles)
    reasons = {
        row: why.replace("no target", "no text") for why, rows in unusable.reasons.items() for row in rows
    }
    if schema.input == "numbers":
        names = [f"row {row}" for row in range(1, len(table) + 1)]
        return _checked(table, Transcripts(examples, names, reasons))
    assert audio is not None and examples.texts is not None
    mel = LogMel(audio)
    packed, usable = _features(source, examples.texts, examples.rows, mel, reasons, told)
    named = table.column(schema.text or "", "the recordings").cast(pl.String).fill_null("").to_list()
    examples = replace(examples.take(usable), texts=None, sequences=packed)
    found = _checked(table, Transcripts(examples, named, reasons, said))
    if audio.centre != "speaker":
        return found
    speakers, lines = _speakers(table, schema, examples.rows)
    return replace(found, examples=replace(examples, speakers=speakers), lines=found.lines + lines)


def without_voices(examples: Examples, audio: AudioConfig | None) -> Examples:
    """The same less what their recordings of each speaker have in common; as they are where `audio` asks for nothing
    of the kind.

    Args:
        audio: with the usual voice.
    """
    if audio is None or audio.centre != "speaker":
        return examples
    assert examples.sequences is not None and audio.usual_voice is not None
    voices = Voices(examples.sequences, _who(examples), audio.usual_voice)
    return replace(examples, sequences=voices.taken_off())


def usual_voice(examples: Examples) -> tuple[float, ...]:
    """That of the speakers of these recordings."""
    assert examples.sequences is not None
    return tuple(round(float(each), 4) for each in Voices(examples.sequences, _who(examples)).usual)


def _who(examples: Examples) -> list[str | None]:
    return [None] * len(examples) if examples.speakers is None else examples.speakers.tolist()


def _speakers(
    table: Table, schema: TranscriptSchema, rows: np.ndarray
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Who speaks in these rows, from 1, and what is to be said of it."""
    if schema.speaker is None or schema.speaker not in table.frame.columns:
        why = (
            "it is not known who speaks"
            if schema.speaker is None
            else f"there is no column {schema.speaker!r}"
        )
        return None, (f"{why}: every recording is heard as of a speaker of its own",)
    said = texts(table, schema.speaker).str.strip_chars().to_list()
    found = [None if each is None or each.lower() in ("", "nan") else each for each in said]
    return np.array(found, dtype=object)[rows - 1], ()


def _in_parts(table: Table, schema: TranscriptSchema) -> tuple[Table, tuple[str, ...]]:
    """The rows of a folder that lie in the folder of a part, and what is to be said of the others."""
    split = schema.table.split
    if split is None or split != table.roles.get("split") or not table.frame[split].null_count():
        return table, ()
    stray = table.frame.filter(pl.col(split).is_null())[schema.text or "file"].to_list()
    line = (
        f"{len(stray):,} of {len(table):,} not used, in none of the folders of parts: {listed(stray, _NAMED)}"
    )
    return replace(table, frame=table.frame.drop_nulls(split)), (line,)


def _features(
    source: Source, files: np.ndarray, rows: np.ndarray, mel: LogMel, reasons: dict[int, str], told: Told
) -> tuple[Packed, np.ndarray]:
    """The features of the files that can be read, and their places; of the others `reasons` grows."""
    growing, usable = Growing(mel.mels), []
    for place, (name, row) in enumerate(zip(files.tolist(), rows.tolist(), strict=True)):
        try:
            if not name:
                raise BadRecording("not named")
            steps = mel.whole(pieces(source.base / name, mel.rate))
            if not len(steps):
                raise BadRecording(f"shorter than a window of {mel.config.window_ms:g} ms")
        except BadRecording as error:
            reasons[row] = f"recording {error}"
        else:
            growing.add(steps)
            usable.append(place)
        told(place + 1, len(files))
    return growing.packed(), np.array(usable, dtype=np.int64)


def _checked(table: Table, found: Transcripts) -> Transcripts:
    """The same with more lines, of the rows that are no examples.

    Raises:
        DataError: there is no example.
    """
    by_reason: dict[str, list[int]] = {}
    for row, why in sorted(found.unread.items()):
        by_reason.setdefault(why, []).append(row)
    lines = [
        f"{len(rows):,} of {len(found.names):,} not used, {why}: "
        f"{listed([found.names[row - 1] or f'row {row}' for row in rows], _NAMED)}"
        for why, rows in by_reason.items()
    ]
    if not len(found.examples):
        raise DataError(
            "nothing can be used", where=table.origin, fix="; ".join(lines) or "The table is empty."
        )
    return replace(found, lines=(*found.lines, *lines))
