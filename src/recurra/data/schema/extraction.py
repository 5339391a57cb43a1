"""From a table and its schema to examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from recurra.data.examples import Examples
from recurra.data.schema import names, sequences
from recurra.data.schema.definition import Schema
from recurra.data.schema.unusable import Unusable
from recurra.data.schema.values import class_names, label_sets, real_values
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError


def to_examples(table: Table, schema: Schema, *, need_targets: bool = True) -> tuple[Examples, Unusable]:
    """The usable rows of `table` as examples, and the rows that are not, with reasons.

    Not usable are rows whose target is missing or a class that the schema does not know, lists without steps,
    and lists whose channels differ in length. A missing text is an empty text and is kept: its prediction
    is what is known without any word. Missing numbers stay NaN.

    An example's row is that of its record; in long layout the first of its sequence, in a stream the last of
    its window. Where the schema names a time and a row is an example, examples to learn from come in the
    order of time (their rows tell where they stood); without targets the order stays.

    Args:
        need_targets: False for prediction: columns of target, split and group may be absent and are not read.

    Raises:
        DataError: an input column is not there, text or infinity in a number column.
    """
    table = _lines_as_text(table, schema, need_targets)
    _require(table, schema, need_targets)
    rows = np.arange(len(table))
    reasons: dict[str, list[int]] = {}
    kept = np.ones(len(table), dtype=bool)
    texts = packed = None
    if schema.layout == "text":
        texts = _texts(table, schema)
    elif schema.layout == "wide":
        packed = sequences.wide(table, schema)
    elif schema.layout == "lists":
        packed, reasons, kept = sequences.lists(table, schema)
        rows = rows[kept]
    elif schema.layout == "long":
        packed, rows, belongs = sequences.long(table, schema)
        if need_targets:
            table = _first_known(table, schema, belongs, rows)
    else:
        packed, rows = sequences.stream(table, schema)
    examples = Examples(texts=texts, sequences=packed, targets=None, rows=rows + 1)
    if not need_targets:
        return examples, Unusable(reasons)
    targets, holes = _targets(table, schema, rows)
    examples = replace(
        examples, targets=targets, parts=_parts(table, schema, rows), groups=_groups(table, schema, rows)
    )
    if schema.time and schema.layout in ("text", "wide", "lists"):
        order = np.argsort(
            sequences.in_time(table, schema.time).rank("ordinal").to_numpy()[rows], kind="stable"
        )
    else:
        order = np.arange(len(rows))
    usable = np.ones(len(rows), dtype=bool)
    for reason, mask in holes.items():
        if mask.any():
            reasons[reason] = (rows[mask] + 1).tolist()
            usable &= ~mask
    if not usable.any():
        raise DataError("no row can be used", where=table.origin, fix="; ".join(Unusable(reasons).lines()))
    if not usable.all() or schema.time:
        examples = examples.take(order[usable[order]])
    return examples, Unusable(reasons)


def _lines_as_text(table: Table, schema: Schema, need_targets: bool) -> Table:
    """Bare lines, or a lone column, are the texts to predict, whatever they are called."""
    if need_targets or schema.layout != "text":
        return table
    if table.format == "lines" and table.frame.height and table.frame.row(0)[0] == schema.text:
        table = replace(table, frame=table.frame.slice(1))  # a column of its own: the first line is its name
    if schema.text in table.frame.columns:
        return table
    lone = table.frame.columns[0] if table.frame.width == 1 else table.roles.get("text")
    return table if lone is None else replace(table, frame=table.frame.rename({lone: schema.text or "text"}))


def _require(table: Table, schema: Schema, need_targets: bool) -> None:
    wanted = [schema.text, *schema.features]
    if schema.layout in ("long", "stream"):
        wanted += [schema.id, schema.time]
    if need_targets:
        wanted += [*schema.target, schema.split, schema.group, schema.time]
    absent = list(dict.fromkeys(name for name in wanted if name and name not in table.frame.columns))
    if absent:
        several = len(absent) > 1
        raise DataError(
            f"the column{'s' * several} {listed([repr(name) for name in absent])} "
            f"{'are' if several else 'is'} not there",
            where=table.origin,
            fix=f"The columns are: {listed(table.frame.columns)}.",
        )


def _texts(table: Table, schema: Schema) -> np.ndarray:
    column = table.frame[schema.text or ""]
    if column.dtype.is_nested():
        raise DataError("this column does not hold texts", where=f"{table.origin}, column {schema.text!r}")
    return column.cast(pl.String).fill_null("").to_numpy().astype(object)


def _first_known(table: Table, schema: Schema, belongs: np.ndarray, rows: np.ndarray) -> Table:
    """Long form: what is said once of a sequence, in whichever of its rows, holds for it."""
    names_ = list(dict.fromkeys(n for n in (*schema.target, schema.split, schema.group) if n))
    said = table.frame.select(names_).with_columns(pl.Series("__sequence", belongs))
    first = said.group_by("__sequence").agg(pl.col(names_).drop_nulls().first()).sort("__sequence")
    filled = pl.DataFrame({"__sequence": belongs}).join(
        first, on="__sequence", how="left", maintain_order="left"
    )
    return replace(table, frame=table.frame.with_columns(filled.select(names_).get_columns()))


def _targets(table: Table, schema: Schema, rows: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(N, ...) targets of the examples that end in `rows`, and reason -> (N,) bool where there is none."""
    picked = replace(table, frame=table.frame.select(schema.target)[rows])
    if schema.target_kind == "real":
        values = real_values(picked, schema.target[0])
        return values, {"no target": np.isnan(values)}
    if schema.target_kind == "multilabel":
        return _label_matrix(picked, schema)
    found = class_names(picked.frame[schema.target[0]])
    holes = found.is_null().to_numpy()
    unknown = ~found.is_in(schema.classes).fill_null(False).to_numpy() & ~holes
    reasons = {"no target": holes}
    for name in found.filter(pl.Series(unknown)).unique().sort().to_list():
        reasons[f"class {name!r} was not learned"] = unknown & (found == name).fill_null(False).to_numpy()
    return found.to_numpy().astype(object), reasons


def _label_matrix(table: Table, schema: Schema) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    if len(schema.target) > 1:
        columns = [class_names(table.frame[name]) for name in schema.target]
        holes = np.any([column.is_null().to_numpy() for column in columns], axis=0)
        held = [column.is_in(["1", "true"]).fill_null(False).to_numpy() for column in columns]
        return np.stack(held, axis=1), {"no target": holes}
    sets = label_sets(table.frame[schema.target[0]], schema.label_separator)
    held = [sets.list.contains(name).fill_null(False).to_numpy() for name in schema.classes]
    return np.stack(held, axis=1), {"no target": sets.is_null().to_numpy()}


def _parts(table: Table, schema: Schema, rows: np.ndarray) -> np.ndarray | None:
    if not schema.split:
        return None
    column = table.frame[schema.split].cast(pl.String).str.strip_chars().str.to_lowercase()
    parts = column.replace_strict(names.PARTS, default=None, return_dtype=pl.String)
    if parts.null_count():
        row = int(parts.is_null().arg_true()[0])
        raise DataError(
            f"{column[row]!r} names no part of a split",
            where=f"{table.origin}, row {row + 1}, column {schema.split!r}",
            fix="Write train, validation or test in every row.",
        )
    return parts.to_numpy().astype(object)[rows]


def _groups(table: Table, schema: Schema, rows: np.ndarray) -> np.ndarray | None:
    if not schema.group:
        return None
    column = table.frame[schema.group].cast(pl.String)
    if column.null_count():
        row = int(column.is_null().arg_true()[0]) + 1
        raise DataError(
            "there is no group in this row", where=f"{table.origin}, row {row}, column {schema.group!r}"
        )
    return column.to_numpy().astype(object)[rows]
