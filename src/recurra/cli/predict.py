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
from recurra.cli.faces import face_of_run
from recurra.cli.visible import put
from recurra.errors import InputError
from recurra.runs.loading import load_for
from recurra.storage import write_bytes
from recurra.tasks.task import Answer


def run_predict(
    run_folder: Path, data: str, *, out: Path | None, overwrite: bool, encoding: str | None, as_json: bool
) -> None:
    """The answers of a run: printed in the form that its kind has for people, as JSON, or written into a file. (see
    `recurra.cli.faces`; into a .jsonl file go the records).
    """
    if out is not None and out.exists() and not overwrite:
        raise InputError(
            "this file is there already", where=str(out), fix="Choose another --out, or add --overwrite."
        )
    run = load_for(run_folder, "predict")
    face = face_of_run(run)
    if out is not None and out.suffix not in (endings := [*face.FORMS, ".jsonl"]):
        raise InputError(
            f"expected a name ending in {' or '.join(endings)}, found {str(out)!r}", where="--out"
        )
    with Watcher(as_json=True) as watcher:
        records, printed = face.predict(run, data, encoding=encoding, watcher=watcher)
    if out is not None:
        write_bytes(out, (_lines(records) if out.suffix == ".jsonl" else printed).encode())
        print(f"{len(records):,} answers are in {out}", file=sys.stderr)
        if as_json:
            print_json({"answers": len(records), "out": str(out)})
    elif as_json:
        print_json(records)
    else:
        put(printed)


def answer_records(
    names: list[str], answer: Answer, rows: np.ndarray, called: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """`{"row": 1, "prediction": "pos", "p(neg)": 0.1, "p(pos)": 0.9}` for each answer.

    Args:
        names: of the classes, in the order of the probabilities.
        rows: what each answer is for.
        called: the file of each, where it has one: `{"row": 1, "file": "cats/tom.png", ...}`.
    """
    classes = [str(name) for name in names]
    records = []
    for n, row in enumerate(rows.tolist()):
        label = answer.labels[n]
        if isinstance(label, np.ndarray):
            label = [name for name, there in zip(classes, label, strict=True) if there]
        record: dict[str, Any] = {
            "row": row,
            **({} if called is None else {"file": called[n]}),
            "prediction": float(label) if isinstance(label, np.floating) else label,
        }
        if answer.probabilities is not None:
            shares = answer.probabilities[n].tolist()
            record |= {f"p({name})": round(p, 6) for name, p in zip(classes, shares, strict=True)}
        records.append(record)
    return records


def as_csv(records: list[dict[str, Any]]) -> str:
    """Records as a table; several labels in one field, with bars between them."""
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, fieldnames=list(records[0]) if records else ["row", "prediction"], lineterminator="\n"
    )
    writer.writeheader()
    for record in records:
        writer.writerow(
            {name: "|".join(value) if isinstance(value, list) else value for name, value in record.items()}
        )
    return stream.getvalue()


def _lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
