"""The schema and the examples told in a few lines, before anything trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recurra.data.examples import Examples
from recurra.data.images.pixels import Pixels
from recurra.data.schema.definition import Schema
from recurra.data.schema.unusable import Unusable
from recurra.data.sources.table import Table, listed

_SHOWN = 8


def describe(
    schema: Schema, examples: Examples, unusable: Unusable | None = None, table: Table | None = None
) -> list[str]:
    """Lines for the terminal: what was found, what each column is taken for, what is not used, and why."""
    lines = []
    if table is not None:
        rows, columns = table.frame.shape
        lines.append(f"{table.origin}: {rows:,} rows, {columns} columns ({table.format})")
        lines += [f"  {note}" for note in table.notes]
    lines.append(f"task: {schema.task_why}")
    lines.append(f"target: {listed(schema.target, _SHOWN)} ({schema.target_why})")
    targets = examples.targets
    if examples.steps is not None and examples.steps.targets is not None:
        targets = examples.steps.targets[examples.steps.known]
    if targets is not None:
        lines.append(f"  {_balance(schema, targets)}")
    if schema.text:
        lines.append(f"text: {schema.text} ({schema.input_why})")
    elif schema.image:
        lines.append(f"image: {schema.image} ({schema.input_why})")
    else:
        lines.append(f"numbers: {listed(schema.channels, _SHOWN)} ({schema.input_why})")
    lines.append(f"  {_lengths(examples)}")
    gaps = _gaps(examples)
    if gaps:
        lines.append(f"  {gaps}")
    for role, name in (
        ("time", schema.time),
        ("id", schema.id),
        ("group", schema.group),
        ("split", schema.split),
    ):
        if name:
            lines.append(f"{role}: {name}")
    twice = duplicates(examples)
    if twice:
        lines.append(
            f"duplicates: {twice:,} input{'s are' if twice > 1 else ' is'} an exact copy of an earlier one"
        )
    if unusable is not None:
        lines += unusable.lines()
    by_reason: dict[str, list[str]] = {}
    for name, why in schema.set_aside.items():
        by_reason.setdefault(why, []).append(name)
    lines += [f"set aside: {listed(found, _SHOWN)} ({why})" for why, found in by_reason.items()]
    return lines


def _balance(schema: Schema, targets: np.ndarray) -> str:
    count = len(targets)
    if schema.target_kind == "real":
        quarter, median, third = np.quantile(targets, [0.25, 0.5, 0.75])
        return (
            f"{targets.min():.4g} to {targets.max():.4g}, median {median:.4g}, "
            f"half of them between {quarter:.4g} and {third:.4g}"
        )
    if schema.target_kind == "multilabel":
        sizes = dict(zip(schema.classes, targets.sum(axis=0), strict=True))
    else:
        found, counts = np.unique(targets.astype(str), return_counts=True)
        sizes = dict.fromkeys(schema.classes, 0) | dict(zip(found.tolist(), counts, strict=True))
    ordered = sorted(sizes.items(), key=lambda item: -item[1])
    shown = ordered if len(ordered) <= _SHOWN else ordered[:_SHOWN]
    parts = [f"{name} {size:,} ({100 * size / max(count, 1):.1f} %)" for name, size in shown]
    more = (
        f", and {len(ordered) - len(shown)} more down to {ordered[-1][1]:,}"
        if len(ordered) > len(shown)
        else ""
    )
    return ", ".join(parts) + more


def _lengths(examples: Examples) -> str:
    if examples.texts is not None:
        lengths, unit = np.array([len(text.split()) for text in examples.texts]), "words"
        # Chinese and Japanese put no spaces between words.
        if np.mean([len(text) for text in examples.texts]) > 15 * max(lengths.mean(), 1):
            lengths, unit = np.array([len(text) for text in examples.texts]), "characters"
    elif examples.sequences is not None:
        lengths, unit = examples.sequences.lengths, "steps"
    if lengths.min() == lengths.max():
        return f"{len(lengths):,} examples of {lengths[0]:,} {unit} each"
    return (
        f"{len(lengths):,} examples; {unit}: median {np.median(lengths):,.0f}, "
        f"95 % up to {np.quantile(lengths, 0.95):,.0f}, longest {lengths.max():,}"
    )


def _gaps(examples: Examples) -> str:
    if examples.texts is not None:
        empty = sum(not text.strip() for text in examples.texts)
        return f"{empty:,} text{'s are' if empty > 1 else ' is'} empty, kept as such" if empty else ""
    assert examples.sequences is not None
    if isinstance(examples.sequences, Pixels):
        return ""
    missing = np.isnan(examples.sequences.narrowed().values)
    count = int(missing.sum())
    return f"{count:,} values are missing ({100 * count / missing.size:.1f} %)" if count else ""


def duplicates(examples: Examples) -> int:
    """Number of examples whose input is exactly that of an earlier one."""
    return len(examples) - len(set(examples.inputs()))


def duplicates_across(a: Examples, b: Examples) -> int:
    """Number of examples of `b` whose input occurs in `a`: what a test set may share with the training set.

    >>> from recurra.data.schema import examples_from_arrays
    >>> duplicates_across(examples_from_arrays(["x", "y"]), examples_from_arrays(["y", "z", "y"]))
    2
    """
    a, b = _stored_alike(a, b), _stored_alike(b, a)
    seen = set(a.inputs())
    return sum(key in seen for key in b.inputs())


def _stored_alike(examples: Examples, other: Examples) -> Examples:
    """The same, its numbers as short as those of the other: many recordings lie on disk in half precision."""
    ours, theirs = examples.sequences, other.sequences
    if ours is None or theirs is None or ours.values.itemsize <= theirs.values.itemsize:
        return examples
    return replace(examples, sequences=replace(ours, values=ours.values.astype(theirs.values.dtype)))
