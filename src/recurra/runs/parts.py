"""Training, validation and test part, and what a training read, as a hash."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import combinations
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema import duplicates_across
from recurra.data.splits import Split, make_split
from recurra.errors import DataError
from recurra.runs.events import Observer, Said
from recurra.statistics.blocks import grouped


class Parted(Protocol):
    """Examples, or pieces of music, of which it may be known in which part they are."""

    @property
    def parts(self) -> np.ndarray | None:
        """(N,) of "train", "validation", "test"."""
        ...

    def take(self, indices: np.ndarray) -> Self:
        """Those at `indices`."""
        ...


P = TypeVar("P", bound=Parted)


class Ordered(Protocol):
    """What says whether examples stand in the order of time."""

    @property
    def in_order_of_time(self) -> bool:
        """So that the last of them can test the first."""
        ...


def split_parts(
    examples: Examples,
    schema: Ordered,
    *,
    seed: int,
    validation: float | None,
    test: Examples | float,
    stratify: bool = True,
    observer: Observer,
) -> tuple[dict[str, Examples], Examples]:
    """Training, validation and test part; and the first two together, in their first order.

    Args:
        seed, validation: as `recurra.data.splits.make_split` has them.
        test: the test part, or the share of `examples` that becomes it.
        stratify: whether targets are drawn alike; not where nearly every example has one of its own.

    Raises:
        DataError: too few examples, or groups on two sides.
    """
    given = test if isinstance(test, Examples) else None
    split = make_split(
        examples if stratify else replace(examples, targets=None),
        seed=seed,
        validation=validation,
        test=0.0 if isinstance(test, Examples) else test,
        by_time=schema.in_order_of_time,
    )
    for note in split.notes:
        observer(Said(note))
    parts = {
        "train": examples.take(split.train),
        "validation": examples.take(split.validation),
        "test": given if given is not None else examples.take(split.test),
    }
    _check_groups(parts)
    tell_groups(parts["test"], observer)
    return parts, examples.take(np.sort(np.concatenate([split.train, split.validation])))


def draw_split(
    examples: Examples,
    options: Any,
    *,
    given: bool,
    observer: Observer,
    validation: float | None = None,
    stratify: bool = True,
) -> Split:
    """The split of the examples of a training, by its seed, or by another one's where it says so; told.

    Args:
        options: with `seed`, `split_seed`, `validation` and `test_share`.
        given: whether the test part was given, so that none is drawn.
        validation: the share held out; None: that of the options.
        stratify: see `recurra.data.splits.make_split`, which also says what is raised.
    """
    split = make_split(
        examples,
        seed=options.seed if options.split_seed is None else options.split_seed,
        validation=options.validation if validation is None else validation,
        test=0.0 if given else options.test_share,
        stratify=stratify,
    )
    for note in split.notes:
        observer(Said(note))
    return split


def scored_part(data: P, observer: Observer, units: str = "pieces") -> P:
    """The test part of data that are to be scored and name their own parts, aloud; else all of them.

    Args:
        units: what the examples are called.
    """
    if data.parts is None:
        return data
    chosen = np.flatnonzero(data.parts == "test")
    if not 0 < len(chosen) < len(data.parts):
        return data
    observer(Said(f"the test part alone is scored, {len(chosen):,} of {len(data.parts):,} {units}"))
    return data.take(chosen)


def warn_of_shared(learned: Examples, held_out: Examples, units: str, observer: Observer) -> None:
    """Warn where inputs of a test part that was given also stand in the data that are learned from.

    Args:
        units: what the examples are called.
    """
    shared = duplicates_across(learned, held_out)
    if shared:
        observer(
            Said(
                f"{shared:,} of the {len(held_out):,} test {units} also stand in the training data, and are scored, "
                "too",
                "warning",
            )
        )


def _check_groups(parts: dict[str, Examples]) -> None:
    """Refuse a group that stands on two sides: parts that were given may have been made without groups."""
    groups = {name: set(part.groups.tolist()) for name, part in parts.items() if part.groups is not None}
    for one, other in combinations(groups, 2):
        if shared := sorted(map(str, groups[one] & groups[other])):
            shown = ", ".join(shared[:5]) + (" ..." if len(shared) > 5 else "")
            raise DataError(
                f"{len(shared)} groups stand in the {one} part and in the {other} part: {shown}",
                where="--group",
                fix="Give parts that share no group, let the parts be drawn, or leave --group out.",
            )


def tell_groups(test: Examples, observer: Observer) -> None:
    """Examples of one group depend on each other: what is sure of their scores hangs on how many groups there are."""
    clusters, n = test.clusters, len(test)
    if clusters is None or not n:
        return
    count = len(set(clusters.tolist()))
    if test.groups is None and test.targets is not None and count < n:
        still = "stays on one side of its median" if test.targets.dtype.kind == "f" else "stays the same"
        found = (
            f"the {n:,} test windows are of {count:,} stretch{'es' * (count > 1)} in which the target {still}"
        )
        observer(
            Said(
                f"{found}, which count as groups: windows within one depend on each other, so intervals and "
                "comparisons are over these"
                if count > 1
                else f"{found}: what is said of scores holds for it, and other stretches may be different"
            )
        )
    elif grouped(clusters):
        observer(
            Said(
                f"the {n:,} test examples are of {count:,} groups: intervals and comparisons are over these, as other "
                "groups may be different"
            )
        )
    elif count == 1 < n:
        observer(
            Said(
                f"the {n:,} test examples are all of one group: what is said of scores holds for it, and other groups "
                "may be different"
            )
        )


def fingerprint(*contents: Packed | np.ndarray) -> str:
    """A hash of all that training and validation read: resuming on other data is refused."""
    digest = hashlib.blake2b(digest_size=16)
    for content in contents:
        if isinstance(content, Packed):
            narrow = content.narrowed()
            arrays = [narrow.values, narrow.starts, narrow.lengths]
        else:
            arrays = [content]
        for array in arrays:
            digest.update(str((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hashes(array: np.ndarray) -> np.ndarray:
    """(N,) bytes that stand for texts or names; numbers as they are."""
    if array.dtype != object:
        return array
    return np.array([hashlib.blake2b(str(each).encode(), digest_size=8).digest() for each in array.tolist()])
