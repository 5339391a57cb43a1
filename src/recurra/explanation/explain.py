"""`recurra.explain`: from a run and inputs for it to why it says what it says of them."""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.corpus import read_corpus
from recurra.data.examples import Examples
from recurra.data.schema import examples_from_arrays
from recurra.data.series.collection import Series
from recurra.data.sources.table import listed
from recurra.errors import DataError, InputError, RunError
from recurra.explanation.forecasts import explain_forecast
from recurra.explanation.result import Explained, Explanation
from recurra.explanation.sequences import explain_sequence
from recurra.explanation.tags import explain_tags
from recurra.explanation.texts import explain_text
from recurra.runs.config import CONFIG
from recurra.runs.events import Observer, PhaseStarted, ignore
from recurra.runs.examples import read_examples
from recurra.runs.forecasts.files import read_series
from recurra.runs.forecasts.run import ForecastRun
from recurra.runs.loading import load, run_of
from recurra.runs.run import MODEL, Run, is_run
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.tags.run import TagRun
from recurra.runs.texts.run import TextRun

FEW, MOST = 3, 20  # inputs that are explained where none are named, and at most
_GIVEN = "the input given"


def explain(
    run: Run[Any, Any] | str | Path | Any,
    input: Any = None,
    *,
    data: Any = None,
    rows: Sequence[int] | None = None,
    series: Sequence[str] | None = None,
    of: str | None = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Explanation:
    """Why a run says what it says: its answer while it reads, which inputs mattered, what its gates did.

    What mattered is found in two ways, occlusion and integrated gradients, which are compared; see
    `recurra.explanation.attribution.attribute`. Of a text it is told word by word, of numbers by step and column (of a
    run that answers at every step, for the last one), of a forecast by lag and column, of a run that writes text for
    the token that would come next.

    Args:
        run: a run, its folder, or a fitted estimator.
        input: one input: a text; or numbers (T, I), or (T,) of one feature, or the same as a text in JSON.
        data: instead of it a file or a frame, as for `recurra predict`; of forecasts, series to go on from (None: those
            of the training); of runs that write text, a text whose lines are the inputs.
        rows: which of `data`, by the numbers that `recurra predict` gives them, counted from 1; of text lines. None:
            the first three.
        series: names of the series whose forecasts are explained; None: the first three.
        of: what is explained: a class or label (None: that which is answered), a step ahead (None: the mean over the
            horizon), a next token (None: the likeliest).
        encoding: of a text file; else it is detected.
        observer: is told what is being done.

    Raises:
        RunError: no complete run.
        InputError, DataError: no input, one that does not fit the run, or an argument that has no effect on it.

    >>> explain("no/such/run", "a fine film")
    Traceback (most recent call last):
        ...
    recurra.errors.RunError: no/such/run: this is not a run folder ...
    """
    run = run_to_explain(run)
    rows = None if rows is None else _row_numbers(rows)
    if input is not None and (data is not None or rows is not None):
        raise InputError(
            "an input by itself and rows of data were both given", where="--data", fix="Give one."
        )
    notes: list[str] = []
    if isinstance(run, SequenceRun | TagRun):
        kind, purpose = ("sequence" if isinstance(run, SequenceRun) else "tag"), _purpose(run)
        _refuse(series is not None, "--series", run)
        examples = _of_sequences(run, input, data, rows, of, encoding, observer, notes)
    elif isinstance(run, ForecastRun):
        kind, purpose = (
            "forecast",
            f"{listed(run.config.data_schema.targets, FEW)}, {run.horizon} steps ahead",
        )
        _refuse(rows is not None, "--rows", run, "Choose by name with --series.")
        _refuse(input is not None, "INPUT", run, "Give series with --data FILE.")
        examples = _of_forecasts(run, data, series, of, encoding, observer, notes)
    else:
        kind, purpose = "text", f"text like {run.config.data_schema.origin}, by {run.codec.level}"
        _refuse(series is not None, "--series", run)
        examples = _of_texts(run, input, data, rows, of, encoding, observer, notes)
    return Explanation(
        kind=kind,
        cell=run.config.settings.network.cell_name,
        purpose=purpose,
        examples=examples,
        notes=notes,
        model=run.config.files.get(MODEL),
    )


def run_to_explain(run: Run[Any, Any] | str | Path | Any) -> SequenceRun | TagRun | ForecastRun | TextRun:
    """A run, that in a folder, or that of a fitted estimator, if such runs are explained.

    Raises:
        RunError: no complete run.
        InputError: it does something else.
    """
    where = str(run) if isinstance(run, str | Path) else "run"
    found = _loaded(Path(run)) if isinstance(run, str | Path) else run_of(run)
    if not isinstance(found, SequenceRun | TagRun | ForecastRun | TextRun):
        raise InputError(
            f"this run is {found.purpose}, and such runs are not explained: those that classify, regress, tag "
            "numbers, forecast or write text are",
            where=where,
        )
    return found


def _row_numbers(rows: Sequence[int]) -> list[int]:
    try:
        return [operator.index(row) for row in rows]
    except TypeError as error:
        raise InputError(f"expected the whole numbers of rows, found {rows!r:.60}", where="--rows") from error


def _loaded(folder: Path) -> Run[Any, Any]:
    """The run in `folder`; where several are below it, they are named."""
    if folder.is_dir() and not (folder / CONFIG).exists():
        below = sorted(str(path.parent) for path in folder.rglob(CONFIG) if is_run(path.parent))
        if below:
            raise RunError(
                "this folder is no run, but holds some",
                where=str(folder),
                fix=f"Name one: {listed(below, FEW)}.",
            )
    return load(folder)


def _refuse(given: bool, where: str, run: Run[Any, Any], fix: str = "Leave it out.") -> None:
    if given:
        raise InputError(f"this has no effect on a run {run.purpose}", where=where, fix=fix)


def _reads_text(run: SequenceRun | TagRun) -> bool:
    return isinstance(run, SequenceRun) and run.text is not None


def _purpose(run: SequenceRun | TagRun) -> str:
    schema = run.config.data_schema
    what = schema.text or schema.image or listed(schema.channels, FEW) or "numbers"
    return f"{listed(schema.target, FEW) or 'an answer'} from {what}"


def _some(
    numbers: Sequence[Any], asked: Sequence[Any] | None, word: str, where: str, notes: list[str]
) -> list[int]:
    """The places of those asked for, or of the first few."""
    if asked is None:
        if len(numbers) > FEW:
            notes.append(
                f"of {len(numbers):,} {word} the first {FEW} are explained; choose others with {where}"
            )
        return list(range(min(FEW, len(numbers))))
    if not 1 <= len(asked) <= MOST:
        raise InputError(f"expected 1 to {MOST} {word}, found {len(asked)}", where=where, fix="Name fewer.")
    place = {number: k for k, number in enumerate(numbers)}
    absent = [each for each in asked if each not in place]
    if absent:
        raise InputError(
            f"there is no {absent[0]!r} among the {len(numbers):,} {word}",
            where=where,
            fix=f"They are: {listed([str(each) for each in numbers], 8)}.",
        )
    return [place[each] for each in asked]


def _of_sequences(
    run: SequenceRun | TagRun,
    input: Any,
    data: Any,
    rows: list[int] | None,
    of: str | None,
    encoding: str | None,
    observer: Observer,
    notes: list[str],
) -> list[Explained]:
    named = False
    if input is not None:
        examples = _one(run, input)
    elif data is None:
        what = '"a text"' if _reads_text(run) else "'[[0.1, 2.0], [0.3, 1.9]]'"
        raise InputError(
            "there is nothing to explain", where="INPUT", fix=f"Give {what}, or --data FILE with --rows 1,5."
        )
    else:
        _tell(observer, data)
        examples = read_examples(
            data, run.config.data_schema, need_targets=False, encoding=encoding, observer=observer
        )
        named = True
    numbers = examples.rows.tolist()
    found = []
    for place in _some(numbers, rows, "rows", "--rows", notes):
        name = f"row {numbers[place]}" if named else _GIVEN
        observer(PhaseStarted(f"Explaining {name}"))
        one = examples.take(np.array([place]))
        if isinstance(run, SequenceRun):
            found.append(explain_sequence(run, one, name, of, observer))
        else:
            found.append(explain_tags(run, one, name, of, observer))
    return found


def _one(run: SequenceRun | TagRun, input: Any) -> Examples:
    """One text, or one sequence (T, I)."""
    if _reads_text(run):
        if not isinstance(input, str):
            raise DataError("this run reads texts, found numbers", where="INPUT")
        return examples_from_arrays([input])
    if isinstance(input, str):
        try:
            input = json.loads(input)
        except json.JSONDecodeError as error:
            raise DataError(
                f"this run reads numeric sequences, found a text ({error})",
                where=f"{input!r:.40}",
                fix="Give numbers as JSON, such as [[0.1, 2], [0.3, 1]], or --data FILE.",
            ) from error
    try:
        sequence = np.asarray(input, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            "expected one sequence (steps, features), found steps of unequal length or what is no number",
            where="INPUT",
        ) from error
    if sequence.ndim == 1:
        sequence = sequence[:, None]
    if sequence.ndim != 2 or not len(sequence):
        raise DataError(
            f"expected one sequence (steps, features), found the shape {sequence.shape}", where="INPUT"
        )
    return examples_from_arrays([sequence])


def _of_forecasts(
    run: ForecastRun,
    data: Any,
    names: Sequence[str] | None,
    of: str | None,
    encoding: str | None,
    observer: Observer,
    notes: list[str],
) -> list[Explained]:
    whole = run.last
    if isinstance(data, Series):
        whole = data
    elif data is not None:
        _tell(observer, data)
        whole = read_series(data, run.config.data_schema, encoding=encoding, observer=observer)
    found = []
    for place in _some(whole.names, names, "series", "--series", notes):
        observer(PhaseStarted(f"Explaining {whole.names[place]}"))
        found.append(explain_forecast(run, whole.take(np.array([place])), of, observer))
    return found


def _of_texts(
    run: TextRun,
    input: Any,
    data: Any,
    rows: list[int] | None,
    of: str | None,
    encoding: str | None,
    observer: Observer,
    notes: list[str],
) -> list[Explained]:
    if input is not None:
        if not isinstance(input, str):
            raise DataError(f"expected a text, found {type(input).__name__}", where="INPUT")
        texts = {_GIVEN: input}
    elif data is None:
        raise InputError("there is nothing to explain", where="INPUT", fix='Give "a text", or --data FILE.')
    else:
        _tell(observer, data)
        corpus = read_corpus(
            data, validation_share=0, test_share=0, text=run.config.options.data.text, encoding=encoding
        )
        lines = corpus.whole.split("\n")
        filled = [k + 1 for k, line in enumerate(lines) if line.strip()]
        chosen = _some(filled, rows, "lines that hold text", "--rows", notes)
        texts = {f"line {filled[k]}": lines[filled[k] - 1] for k in chosen}
    found = []
    for name, text in texts.items():
        observer(PhaseStarted(f"Explaining {name}"))
        found.append(explain_text(run, text, name, of, observer))
    return found


def _tell(observer: Observer, data: Any) -> None:
    observer(PhaseStarted(f"Reading {data}" if isinstance(data, str | Path) else "Reading the data"))
