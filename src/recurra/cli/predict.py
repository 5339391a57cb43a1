"""`recurra predict`."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli.console import Watcher, print_json
from recurra.data.schema import to_examples
from recurra.data.sources import read
from recurra.errors import DataError, InputError
from recurra.runs.events import Said
from recurra.runs.examples import read_examples
from recurra.runs.loading import load_as
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.tags.run import TagRun
from recurra.storage import write_bytes
from recurra.tasks.task import Answer


def run_predict(
    run_folder: Path, data: str, *, out: Path | None, overwrite: bool, encoding: str | None, as_json: bool
) -> None:
    """One answer per usable row: as CSV (or JSON) on standard output, or in a .csv or .jsonl file."""
    if out is not None and out.suffix not in (".csv", ".jsonl"):
        raise InputError(f"expected a name ending in .csv or .jsonl, found {str(out)!r}", where="--out")
    if out is not None and out.exists() and not overwrite:
        raise InputError(
            "this file is there already", where=str(out), fix="Choose another --out, or add --overwrite."
        )
    run = load_as(run_folder, SequenceRun, TagRun)
    with Watcher(as_json=True) as watcher:
        if isinstance(run, TagRun):
            records = step_records(run, data, encoding=encoding, watcher=watcher)
        else:
            examples = read_examples(
                data, run.config.data_schema, need_targets=False, encoding=encoding, observer=watcher
            )
            records = answer_records(run.classes, run.answer(examples, watcher), examples.rows)
    if out is not None:
        write_bytes(out, (_csv(records) if out.suffix == ".csv" else _lines(records)).encode())
        print(f"{len(records):,} answers are in {out}", file=sys.stderr)
        if as_json:
            print_json({"answers": len(records), "out": str(out)})
    elif as_json:
        print_json(records)
    else:
        sys.stdout.write(_csv(records))


def step_records(run: TagRun, data: str, *, encoding: str | None, watcher: Watcher) -> list[dict[str, Any]]:
    """The rows of the table in their order, each with the answer at its step behind its own columns.

    Raises:
        DataError: a column of the table has the name of an answer.
    """
    table = read(data, encoding=encoding)
    examples, _ = to_examples(table, run.config.data_schema, need_targets=False, need_roles=False)
    for note in table.notes:
        watcher(Said(note))
    assert examples.steps is not None
    rows = examples.steps.rows[examples.steps.in_order()]
    answers = answer_records(run.classes, run.answer(examples, watcher), rows)
    own = [name for name, kind in table.frame.schema.items() if not kind.is_nested()]
    if twice := [name for name in own if answers and name in answers[0] and name != "row"]:
        raise DataError(
            f"the table has a column {twice[0]!r} already, which is the name of an answer",
            where=table.origin,
            fix="Rename it.",
        )
    answers.sort(key=lambda record: record["row"])
    kept = table.frame.select(own).iter_rows(named=True)
    return [
        row | {k: v for k, v in answer.items() if k != "row"}
        for row, answer in zip(kept, answers, strict=True)
    ]


def answer_records(names: list[str], answer: Answer, rows: np.ndarray) -> list[dict[str, Any]]:
    """`{"row": 1, "prediction": "pos", "p(neg)": 0.1, "p(pos)": 0.9}` for each answer.

    Args:
        names: of the classes, in the order of the probabilities.
        rows: what each answer is for.
    """
    classes = [str(name) for name in names]
    records = []
    for n, row in enumerate(rows.tolist()):
        label = answer.labels[n]
        if isinstance(label, np.ndarray):
            label = [name for name, there in zip(classes, label, strict=True) if there]
        record: dict[str, Any] = {
            "row": row,
            "prediction": float(label) if isinstance(label, np.floating) else label,
        }
        if answer.probabilities is not None:
            shares = answer.probabilities[n].tolist()
            record |= {f"p({name})": round(p, 6) for name, p in zip(classes, shares, strict=True)}
        records.append(record)
    return records


def _csv(records: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, fieldnames=list(records[0]) if records else ["row", "prediction"], lineterminator="\n"
    )
    writer.writeheader()
    for record in records:
        label = record["prediction"]
        writer.writerow(record | {"prediction": "|".join(label) if isinstance(label, list) else label})
    return stream.getvalue()


def _lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
