"""From files to runs: reading, working out the schema, telling it, and then the same as from memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from recurra.data.examples import Examples
from recurra.data.schema import Schema, describe, duplicates_across, infer_schema, to_examples
from recurra.data.sources import read
from recurra.errors import InputError
from recurra.runs.config import FitOptions
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fit import fit
from recurra.runs.run import Run, clear_run, is_run


def fit_source(
    source: Any,
    options: FitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    started: float | None = None,
    observer: Observer = ignore,
) -> Run:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file, a folder, or a frame; see `recurra.data.sources.read`.
        test: another of these, to score on.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    started = time.monotonic() if started is None else started
    if out is not None:
        check_place(out, overwrite=overwrite, resume=resume)
    observer(PhaseStarted(f"Reading {source}"))
    table = read(source, encoding=encoding)
    schema = infer_schema(table, options.data)
    examples, usable = to_examples(table, schema)
    for line in describe(schema, examples, usable, table):
        observer(Said(line))
    held_out = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}"))
        held_out = read_examples(test, schema, encoding=encoding, observer=observer)
        shared = duplicates_across(examples, held_out)
        if shared:
            observer(
                Said(
                    f"{shared} of the {len(held_out)} test inputs also stand in the training data", "warning"
                )
            )
    return fit(
        examples,
        schema,
        options,
        test=held_out,
        sources=[str(s) for s in (source, test) if isinstance(s, str | Path)],
        out=out,
        overwrite=overwrite,
        resume=resume,
        started=started,
        observer=observer,
    )


def read_examples(
    source: Any,
    schema: Schema,
    *,
    need_targets: bool = True,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Examples:
    """Read `source` with a schema that is already known: test data, or data to predict.

    Only what that takes has to be there: the inputs and the targets, not what the training data were
    split or ordered by.
    """
    table = read(source, encoding=encoding)
    examples, usable = to_examples(table, schema, need_targets=need_targets, need_roles=False)
    for line in [*table.notes, *usable.lines()]:
        observer(Said(line))
    return examples


def check_place(out: Path, *, overwrite: bool, resume: bool) -> None:
    """Refuse a place that holds something else than what is asked for.

    Raises:
        InputError: it is taken, there is nothing to resume, or both are asked for.
    """
    if overwrite and resume:
        raise InputError(
            "--resume goes on with a run, --overwrite replaces it", where=str(out), fix="Give one of them."
        )
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if resume:
        if not taken:
            raise InputError("there is nothing to resume here", where=str(out), fix="Leave --resume out.")
    elif taken and not overwrite:
        raise InputError(
            "this place is taken", where=str(out), fix="Choose another --out, or add --overwrite or --resume."
        )
    elif taken and not is_run(out):
        raise InputError(
            "this is not a run folder, so it is not overwritten", where=str(out), fix="Choose another --out."
        )


def clear_folder_of_runs(out: Path, names: tuple[str, ...], others: tuple[str, ...] = ()) -> None:
    """Clear away the runs `names` that belong together in a folder; refuse a folder that holds anything else.

    Args:
        others: names of files that may stand beside the runs and `summary.json`.

    Raises:
        InputError: something else is there; nothing was touched.
    """
    if not out.exists():
        return
    known = {"summary.json", *others}
    foreign = [out]
    if out.is_dir():
        foreign = [
            path
            for path in sorted(out.iterdir())
            if path.name not in known and not (path.name in names and is_run(path))
        ]
    if foreign:
        raise InputError(
            f"this place is taken (by {foreign[0].name})", where=str(out), fix="Choose another --out."
        )
    for name in names:
        clear_run(out / name)
