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
from recurra.errors import InputError
from recurra.runs.examples import read_examples
from recurra.runs.loading import load_as
from recurra.runs.sequences.run import SequenceRun
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
    run = load_as(run_folder, SequenceRun)
    with Watcher(as_json=True) as watcher:
        examples = read_examples(
            data, run.config.data_schema, need_targets=False, encoding=encoding, observer=watcher
        )
        answer = run.answer(examples, watcher)
    records = answer_records(run, answer, examples.rows)
    if out is not None:
        write_bytes(out, (_csv(records) if out.suffix == ".csv" else _lines(records)).encode())
        print(f"{len(records):,} answers are in {out}", file=sys.stderr)
        if as_json:
            print_json({"answers": len(records), "out": str(out)})
    elif as_json:
        print_json(records)
    else:
        sys.stdout.write(_csv(records))


def answer_records(run: SequenceRun, answer: Answer, rows: np.ndarray) -> list[dict[str, Any]]:
    """`{"row": 1, "prediction": "pos", "p(neg)": 0.1, "p(pos)": 0.9}` for each example."""
    classes = [str(name) for name in run.classes]
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
