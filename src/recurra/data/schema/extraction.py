"""From a table and its schema to examples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath

import numpy as np
import polars as pl

from recurra.data.examples import Examples, Steps
from recurra.data.packed import Packed
from recurra.data.schema import names, sequences
from recurra.data.schema.definition import Schema
from recurra.data.schema.images import images, of_frames
from recurra.data.schema.unusable import Unusable
from recurra.data.schema.values import FLAGS, class_names, label_sets, real_values, texts, written
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError


@dataclass(frozen=True)
class _Inputs:
    """What the network reads, one entry per example.

    Args:
        rows: (N,) index of the row that stands for each example.
        reasons: reason -> numbers, from 1, of the rows that became no example.
        order: (steps,) index of the row of each step, sequence after sequence, in long layout.
        told: what else was found, in sentences.
        unbroken: (N,) of windows, the same number where no change of id, group or part lies between.
    """

    texts: np.ndarray | None
    sequences: Packed | None
    rows: np.ndarray
    reasons: dict[str, list[int]] = field(default_factory=dict)
    order: np.ndarray | None = None
    told: tuple[str, ...] = ()
    unbroken: np.ndarray | None = None

    @property
    def steps(self) -> Steps | None:
        """The row of each step, in long layout."""
        if self.order is None or self.sequences is None:
            return None
        places = Packed.end_to_end(np.arange(len(self.order)), self.sequences.lengths)
        return Steps(places, self.order + 1)


def to_examples(
    table: Table, schema: Schema, *, need_targets: bool = True, need_roles: bool = True
) -> tuple[Examples, Unusable]:
    """The usable rows of `table` as examples, and the rows that are not, with reasons.

    Not usable are rows whose target is missing or holds a class that the schema does not know, cells of
    several labels that are neither 0 nor 1, lists without steps, lists whose channels differ in length, images that
    cannot be read, and rows of a stream that fall into no window. A missing text is an empty text and is kept: its
    prediction is what is known without any word. Missing numbers stay NaN.

    An example's row is that of its record; in long layout the first of its sequence, in a stream the last of
    its window. Where the schema names a time and a row is an example, examples to learn from come in the
    order of time (their rows tell where they stood); without targets the order stays.

    Args:
        need_targets: False for prediction: columns of target, split and group may be absent and are not read.
        need_roles: False for data that are only scored: the columns of split and group, and of the time where
            a row is an example, are used where they are there and have a value in every usable row.

    Raises:
        DataError: an input column is not there, text or infinity in a number column.
    """
    given, table = table, _lines_as_text(table, schema, need_targets)
    table = of_frames(table, schema)
    if schema.layout == "text":
        table = table.as_written([schema.text or ""])
    if schema.target_kind == "text":
        table = table.as_written(schema.target)
    need_roles = need_roles and need_targets
    if not need_roles:
        schema = _with_roles_of(table, schema)
    _require(table, schema, need_targets)
    read = _inputs(table, schema)
    examples = Examples(
        texts=read.texts,
        sequences=read.sequences,
        targets=None,
        rows=read.rows + 1,
        names=_names(table, schema, read.rows),
        steps=read.steps if schema.task == "tag" else None,
    )
    if not need_targets:
        return examples, Unusable(read.reasons, told=(*_header_taken(given, table), *read.told))
    if read.order is not None and read.sequences is not None:
        table = _first_known(table, schema, read.order, read.sequences.lengths)
    if examples.steps is not None:
        return _with_steps(table, schema, examples, examples.steps, need_roles)
    targets, holes = _targets(table, schema, read.rows)
    reasons = read.reasons | _numbered(holes, read.rows)
    usable = np.flatnonzero(~np.any(list(holes.values()), axis=0))
    if not len(usable):
        raise DataError("no row can be used", where=table.origin, fix="; ".join(Unusable(reasons).lines()))
    if schema.time and schema.layout not in ("long", "stream"):
        usable = usable[_order_of_time(table, schema.time, read.rows[usable], need_roles)]
    examples = replace(examples, targets=targets)
    if not np.array_equal(usable, np.arange(len(examples))):
        examples = examples.take(usable)
    rows = read.rows[usable]
    parts, groups = _parts(table, schema, rows, need_roles), _groups(table, schema, rows, need_roles)
    examples = replace(examples, parts=parts, groups=groups, stretches=_stretches(examples, read, usable))
    return examples, Unusable(reasons, told=read.told)


def _stretches(examples: Examples, read: _Inputs, usable: np.ndarray) -> np.ndarray | None:
    """(N,) of windows of a stream, which of them depend on each other."""
    if read.unbroken is None or examples.sequences is None or examples.targets is None:
        return None
    windows = examples.sequences
    return sequences.stretches(
        windows.starts, int(windows.lengths[0]), read.unbroken[usable], examples.targets
    )


def _names(table: Table, schema: Schema, rows: np.ndarray) -> np.ndarray | None:
    """(N,) the file of each image; of frames the folder of the first that is there, or that file where no
    folder is named.
    """
    column = None if schema.image is None else table.frame[schema.image][rows]
    if column is None or column.dtype not in (pl.String, pl.List(pl.String)):
        return None
    if column.dtype == pl.String:
        return column.to_numpy().astype(object)
    first = column.list.drop_nulls().list.first().to_list()
    paths = [PurePath(name) for name in first]
    return np.array([str(path.parent if path.parent.name else path) for path in paths], dtype=object)


def _with_steps(
    table: Table, schema: Schema, examples: Examples, steps: Steps, need_roles: bool
) -> tuple[Examples, Unusable]:
    """The examples with a target at every step, and the rows that have none; those are read all the same."""
    rows = steps.rows - 1
    targets, holes = _targets(table, schema, rows)
    known = ~np.any(list(holes.values()), axis=0)
    without = Unusable(_numbered(holes, rows), "read, but neither learned from nor scored")
    if not known.any():
        raise DataError("no row can be used", where=table.origin, fix="; ".join(without.lines()))
    first = examples.rows - 1
    parts, groups = _parts(table, schema, first, need_roles), _groups(table, schema, first, need_roles)
    steps = replace(steps, targets=targets, known=known)
    return replace(examples, steps=steps, parts=parts, groups=groups), without


def _numbered(holes: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, list[int]]:
    """Reason -> numbers, from 1, of the `rows` that it applies to."""
    return {why: (rows[mask] + 1).tolist() for why, mask in holes.items() if mask.any()}


def _inputs(table: Table, schema: Schema) -> _Inputs:
    rows = np.arange(len(table))
    if schema.layout == "text":
        return _Inputs(_texts(table, schema), None, rows)
    if schema.layout == "images":
        pixels, reasons, kept, told = images(table, schema)
        return _Inputs(None, pixels, rows[kept], reasons, told=tuple(told))
    if schema.layout == "wide":
        return _Inputs(None, sequences.wide(table, schema), rows)
    if schema.layout == "lists":
        packed, reasons, kept = sequences.lists(table, schema)
        return _Inputs(None, packed, rows[kept], reasons)
    if schema.layout == "long":
        packed, first, order = sequences.long(table, schema)
        return _Inputs(None, packed, first, order=order)
    packed, last, reasons, unbroken = sequences.stream(table, schema)
    return _Inputs(None, packed, last, reasons, unbroken=unbroken)


def _with_roles_of(table: Table, schema: Schema) -> Schema:
    """The schema without the split, the group, and the time of examples that are not columns of `table`."""
    roles = ["split", "group", *(["time"] if schema.layout not in ("long", "stream") else [])]
    absent = [role for role in roles if getattr(schema, role) not in table.frame.columns]
    return schema.model_copy(update=dict.fromkeys(absent))


def _order_of_time(table: Table, column: str, rows: np.ndarray, needed: bool) -> np.ndarray:
    """(N,) the places of `rows` in the order of time; as they stand where no time is `needed` and one lacks."""
    if not needed and table.frame[column][rows].null_count():
        return np.arange(len(rows))
    return np.argsort(sequences.in_time(table, column, rows).rank("ordinal").to_numpy(), kind="stable")


def _lines_as_text(table: Table, schema: Schema, need_targets: bool) -> Table:
    """Bare lines, or a lone column, are the texts to predict, whatever they are called."""
    if need_targets or schema.layout != "text":
        return table
    if table.format == "lines" and table.frame.height and table.frame.row(0)[0] == schema.text:
        table = replace(table, frame=table.frame.slice(1))  # a column of its own: the first line is its name
    if schema.text in table.frame.columns:
        return table
    lone = table.frame.columns[0] if table.frame.width == 1 else table.roles.get("text")
    return table if lone is None else table.renamed({lone: schema.text or "text"})


def _header_taken(given: Table, named: Table) -> tuple[str, ...]:
    """Said where the first line of a file of one column is no text because it may name the column."""
    first = given.frame.columns[0]
    if (
        given.format not in ("csv", "tsv")
        or given.frame.width > 1
        or first in (*named.frame.columns, "column_1")
    ):
        return ()
    return (
        f"the first line {first!r} is taken for the header, not for a text: if it is one, write "
        f"{named.frame.columns[0]!r} above it",
    )


def _require(table: Table, schema: Schema, need_targets: bool) -> None:
    wanted = [schema.text, schema.image, *schema.features]
    if schema.layout in ("long", "stream"):
        wanted += [schema.id, schema.time]
    if need_targets:
        wanted += [*schema.target, schema.split, schema.group, schema.time]
    there = set(table.frame.columns)
    absent = list(dict.fromkeys(name for name in wanted if name and name not in there))
    if absent:
        several = len(absent) > 1
        raise DataError(
            f"the column{'s' * several} {listed([repr(name) for name in absent])} "
            f"{'are' if several else 'is'} not there",
            where=table.origin,
            fix=f"The columns are: {listed(table.frame.columns)}.",
        )


def _texts(table: Table, schema: Schema) -> np.ndarray:
    return texts(table, schema.text or "").fill_null("").to_numpy().astype(object)


def _first_known(table: Table, schema: Schema, order: np.ndarray, lengths: np.ndarray) -> Table:
    """Long form: what is said once of a sequence, in whichever of its rows, holds for it.

    Raises:
        DataError: a sequence belongs to two parts or groups.
    """
    of_sequence = [] if schema.task == "tag" else schema.target
    names_ = list(dict.fromkeys(n for n in (*of_sequence, schema.split, schema.group) if n))
    if not names_:
        return table
    belongs = np.empty(len(order), dtype=np.int64)
    belongs[order] = np.repeat(np.arange(len(lengths)), lengths)
    said = table.frame.select(names_).with_columns(pl.Series("__sequence", belongs))
    by_sequence = said.group_by("__sequence")
    first = by_sequence.agg(pl.col(names_).drop_nulls().first()).sort("__sequence")
    for role, name in (("part", schema.split), ("group", schema.group)):
        if name is None:
            continue
        several = by_sequence.agg(pl.col(name).drop_nulls().unique(maintain_order=True)).filter(
            pl.col(name).list.len() > 1
        )
        if several.height:
            place = int(np.flatnonzero(belongs == several["__sequence"].min())[0])
            sequence = several.filter(pl.col("__sequence") == belongs[place])[name][0].to_list()
            raise DataError(
                f"the {role} changes within {several.height:,} of {len(lengths):,} sequences, and a sequence has one: "
                f"{schema.id} {table.frame[schema.id or ''][place]!r} is of {listed([str(each) for each in sequence])}",
                where=f"{table.origin}, column {name!r}",
                fix=f"Give all rows of a sequence the same {role}; a stream that is to be cut within says "
                "--layout stream --window STEPS.",
            )
    filled = pl.DataFrame({"__sequence": belongs}).join(
        first, on="__sequence", how="left", maintain_order="left"
    )
    return replace(table, frame=table.frame.with_columns(filled.select(names_).get_columns()))


def _targets(table: Table, schema: Schema, rows: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(N, ...) targets of the examples that end in `rows`, and reason -> (N,) bool where there is none."""
    frame = table.frame.select(schema.target)
    binary = [name for name in schema.target if frame[name].dtype == pl.Binary]
    picked = replace(table, frame=frame.with_columns(texts(table, name) for name in binary)[rows])
    if schema.target_kind == "real":
        values = real_values(picked, schema.target[0])
        return values, {"no target": np.isnan(values)}
    if schema.target_kind == "multilabel":
        return _label_matrix(picked, schema)
    if schema.target_kind == "text":
        said = written(picked.frame[schema.target[0]])
        return said.to_numpy().astype(object), {"no target": said.is_null().to_numpy()}
    found = class_names(picked.frame[schema.target[0]])
    holes = found.is_null().to_numpy()
    unknown = ~found.is_in(schema.classes).fill_null(False).to_numpy() & ~holes
    reasons = {"no target": holes}
    for name in found.filter(pl.Series(unknown)).unique().sort().to_list():
        reasons[f"class {name!r} was not learned"] = unknown & (found == name).fill_null(False).to_numpy()
    return found.to_numpy().astype(object), reasons


def _label_matrix(table: Table, schema: Schema) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    return _flag_matrix(table, schema) if len(schema.target) > 1 else _set_matrix(table, schema)


def _flag_matrix(table: Table, schema: Schema) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels of one column each; a row counts once, by the first of its columns that cannot be used."""
    columns = [class_names(table.frame[name]) for name in schema.target]
    holes = np.any([column.is_null().to_numpy() for column in columns], axis=0)
    reasons, usable = {"no target": holes}, ~holes
    for name, column in zip(schema.target, columns, strict=True):
        odd = ~column.is_in(FLAGS).fill_null(False).to_numpy() & usable
        if odd.any():
            shown = column[int(np.argmax(odd))]
            reasons[f"neither 0 nor 1 in column {name!r} (such as {shown!r})"] = odd
            usable &= ~odd
    held = [column.is_in(["1", "true"]).fill_null(False).to_numpy() for column in columns]
    return np.stack(held, axis=1), reasons


def _set_matrix(table: Table, schema: Schema) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels in one cell; a row counts once, by the first of its labels that was not learned."""
    sets = label_sets(table.frame[schema.target[0]], schema.label_separator)
    reasons = {"no target": sets.is_null().to_numpy()}
    unknown = sets.list.eval(pl.element().filter(~pl.element().is_in(schema.classes))).list.first()
    for name in unknown.drop_nulls().unique().sort().to_list():
        reasons[f"class {name!r} was not learned"] = (unknown == name).fill_null(False).to_numpy()
    held = [sets.list.contains(name).fill_null(False).to_numpy() for name in schema.classes]
    return np.stack(held, axis=1), reasons


def _parts(table: Table, schema: Schema, rows: np.ndarray, needed: bool) -> np.ndarray | None:
    if not schema.split:
        return None
    column = texts(table, schema.split)[rows].str.strip_chars().str.to_lowercase()
    parts = column.replace_strict(names.PARTS, default=None, return_dtype=pl.String)
    if parts.null_count():
        if not needed:
            return None
        place = int(parts.is_null().arg_true()[0])
        raise DataError(
            f"{column[place]!r} names no part of a split",
            where=f"{table.origin}, row {rows[place] + 1}, column {schema.split!r}",
            fix="Write train, validation or test in every row.",
        )
    return parts.to_numpy().astype(object)


def _groups(table: Table, schema: Schema, rows: np.ndarray, needed: bool) -> np.ndarray | None:
    if not schema.group:
        return None
    column = texts(table, schema.group)[rows]
    if column.null_count():
        if not needed:
            return None
        row = int(rows[int(column.is_null().arg_true()[0])]) + 1
        raise DataError(
            "there is no group in this row", where=f"{table.origin}, row {row}, column {schema.group!r}"
        )
    return column.to_numpy().astype(object)
