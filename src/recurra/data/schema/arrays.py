"""From the X and y of scikit-learn to examples."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recurra.data.examples import Examples, Steps
from recurra.data.masks import unmasked
from recurra.data.numbers import compact
from recurra.data.packed import Packed
from recurra.data.schema.definition import Task
from recurra.data.schema.frames import frame_columns
from recurra.data.schema.sequences import trimmed, without_ends
from recurra.data.schema.values import LARGEST, class_names
from recurra.errors import DataError

_X = "Give a list of texts, an array (sequences, steps) or (sequences, steps, features), or a list of arrays."


class _NoNumberError(DataError, TypeError):
    """A value is of a type that makes no number; scikit-learn asks for a TypeError."""


def examples_from_arrays(
    X: Any, y: Any = None, *, task: Task | None = None, channels: Sequence[str] | None = None
) -> Examples:
    """Examples of X, and of y where it is given; rows are counted from 1.

    X is a list or 1-D array of str; a list of N arrays (T_i, I) or (T_i,); an array (N, T, I), or (N, T) of
    one feature; a frame of numbers, read as (N, T); a frame of one column of texts, or a series of texts. NaN,
    None, the NA of pandas and what is masked are missing values; steps at the end of a sequence that are missing in
    every feature are padding, and no steps.

    Args:
        task: what y is for: "classify" makes class names of it ("0", "1", ...), "regress" float64 numbers,
            and both need it to be there. Left out, numbers with a fraction are numbers, all else class names.
            An array (N, K) of 0 and 1, or of bool, says which of K labels hold.
        channels: names of the I features, where they are known: frames in a list have these columns, in this order.

    Raises:
        DataError: anything else, infinite numbers, another number of y than of X. The wording is
            scikit-learn's where it has one.
        TypeError: a value that is neither a number nor a string.

    >>> examples_from_arrays([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]], [0, 1]).sequences.lengths
    array([3, 2])
    """
    frame_columns(X, channels)
    texts, sequences = _inputs(unmasked(X))
    count = len(texts) if texts is not None else len(sequences or ())
    if y is None and task is not None:
        raise DataError("learning requires y to be passed, but the target y is None", where="y")
    targets = None if y is None else _targets(y, count, task)
    return Examples(texts, sequences, targets, np.arange(1, count + 1, dtype=np.int64))


def tagged_from_arrays(
    X: Any, y: Any, task: Task | None = None, channels: Sequence[str] | None = None
) -> tuple[Examples, np.ndarray]:
    """Examples of numeric sequences X with a target at every step, and (M, ...) the targets there are, as given.

    Args:
        X, channels: as `examples_from_arrays` takes them.
        y: for each sequence (T,) texts, whole numbers or bools (classes), or numbers with a fraction; or (T, K) of 0
            and 1. NaN or None: the step has no target. What is longer than a sequence stands at its padding.
        task: "classify" or "regress", where that is known; None: as y looks.

    Raises:
        DataError: X or y cannot be used, or they do not fit each other.

    >>> examples, given = tagged_from_arrays([[1.0, 2.0], [3.0, 4.0]], [["a", None], ["b", "a"]])
    >>> examples.steps.known, given
    (array([ True, False,  True,  True]), array(['a', 'b', 'a'], dtype=object))
    """
    examples = examples_from_arrays(X, channels=channels)
    if examples.sequences is None:
        raise DataError("expected numeric sequences, found texts", where="X")
    lengths = examples.sequences.lengths
    if y is not None:  # a frame gives the names of its columns one after the other
        y = y.to_numpy() if hasattr(y, "columns") else y if hasattr(y, "__len__") else list(y)
    if y is None or len(y) != len(lengths):
        found = "none" if y is None else len(y)
        raise DataError(f"expected targets for {len(lengths)} sequences, found {found}", where="y")
    parts = []
    for n, (each, steps) in enumerate(zip(y, lengths.tolist(), strict=True)):
        targets = _without_na(np.asarray(unmasked(each)))
        if targets.ndim not in (1, 2) or len(targets) < steps:
            raise DataError(
                f"expected a target for each of {steps} steps, found an array of shape {targets.shape}",
                where=f"y[{n}]",
            )
        parts.append(targets[:steps])
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError("expected arrays of the same number of columns", where="y")
    flat = np.concatenate(parts)
    known = ~_missing(flat)
    if not known.any():
        raise DataError("no step has a target", where="y")
    found = _targets(flat[known], int(known.sum()), task)
    targets = np.zeros((len(flat), *found.shape[1:]), dtype=found.dtype)
    targets[known] = found
    places = Packed.end_to_end(np.arange(len(flat)), lengths)
    steps = Steps(places, np.arange(1, len(flat) + 1), targets, known)
    return replace(examples, steps=steps), flat[known]


def _missing(flat: np.ndarray) -> np.ndarray:
    """(M,) bool, where there is no target: NaN or None, of several labels in any column."""
    gaps = np.zeros(flat.shape, dtype=bool)
    if flat.dtype.kind == "f":
        gaps = np.isnan(flat)
    elif flat.dtype == object:
        missing = [each is None or (isinstance(each, float) and math.isnan(each)) for each in flat.ravel()]
        gaps = np.array(missing).reshape(flat.shape)
    return np.asarray(gaps.reshape(len(flat), -1).any(1))


def _inputs(X: Any) -> tuple[np.ndarray | None, Packed | None]:
    if hasattr(X, "toarray") and hasattr(X, "nnz"):  # first: scipy's DOK format is a dict
        raise _unfit("Sparse data was passed, but dense data is required. Use '.toarray()' to convert it")
    if X is None or isinstance(X, str | bytes | dict | set) or np.isscalar(X):
        raise _unfit(f"a {type(X).__name__} holds no sequences")
    if not isinstance(X, list | tuple):
        given, X = X, np.asarray(X)
        if X.ndim == 0 and given is not X:
            raise _unfit(f"a {type(given).__name__} holds no sequences that can be counted")
        if X.ndim == 2 and X.shape[1] == 1 and _all_texts(X[:, 0]):
            X = X[:, 0]
    if isinstance(X, np.ndarray) and X.ndim == 0:
        raise _unfit("Expected 2D array, got scalar array instead")
    if len(X) == 0:
        shape = getattr(X, "shape", (0,))
        raise _unfit(f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required.")
    if isinstance(X, list | tuple) or X.ndim == 1:
        if _all_texts(X):
            return _texts(X), None
        return None, _from_list(X)
    return None, _from_array(X)


def _all_texts(X: Any) -> bool:
    if isinstance(X, np.ndarray) and X.dtype.kind in "US":
        return X.dtype.kind == "U"
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OT":
        return False
    return all(isinstance(item, str) for item in X)


def _texts(X: Any) -> np.ndarray:
    texts = np.empty(len(X), dtype=object)
    texts[:] = [str(item) for item in X]
    return texts


def _from_list(X: Any) -> Packed:
    """A list of sequences; those of equal length are an array like any other."""
    if any(isinstance(item, str) for item in X):
        first = next(i for i, item in enumerate(X) if not isinstance(item, str))
        raise _unfit(f"X holds texts, but X[{first}] is a {type(X[first]).__name__}")
    items = [np.asarray(unmasked(item)) for item in X]
    axes = {item.ndim for item in items}
    if axes == {0}:
        raise _unfit(
            "Expected 2D array, got 1D array instead. Reshape your data either using array.reshape(-1, 1) if "
            "your sequences have one step or array.reshape(1, -1) if it contains a single sequence"
        )
    if len({item.shape for item in items}) == 1:
        return _from_array(np.stack(items))
    if len(axes) > 1 or not axes <= {1, 2}:
        raise _unfit(f"the sequences in X must have one or two axes, all the same; found {sorted(axes)}")
    items = [item[:, None] if item.ndim == 1 else item for item in items]
    widths = {item.shape[1] for item in items}
    if len(widths) > 1:
        raise _unfit(f"the sequences in X have different numbers of features: {sorted(widths)}")
    for i, item in enumerate(items):
        if len(item) == 0:
            raise _unfit(f"X[{i}] has 0 step(s) while a minimum of 1 is required.")
    flat = _floats(np.concatenate(items))
    if flat.shape[1] == 0:
        raise _unfit(f"Found array with 0 feature(s) (shape={flat.shape}) while a minimum of 1 is required.")
    return without_ends(Packed.end_to_end(flat, np.array([len(item) for item in items])))


def _from_array(X: np.ndarray) -> Packed:
    if X.ndim == 1:
        return _from_list(X)
    if X.ndim not in (2, 3):
        raise _unfit(f"Found array with dim {X.ndim}, while dim <= 3 is required")
    for size, what in zip(X.shape, ("sample", "feature", "feature"), strict=False):
        if size == 0:
            raise _unfit(f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required.")
    values = _floats(X)
    return trimmed(values[:, :, None] if values.ndim == 2 else values)


def _floats(values: np.ndarray) -> np.ndarray:
    """The same numbers as `compact` holds them."""
    if np.iscomplexobj(values):
        raise _unfit("Complex data not supported")
    if values.dtype.kind not in "biufOUST":
        raise _unfit(f"X holds values of type {values.dtype}, numbers were expected")
    try:
        single = values.dtype == np.float32
        floats = compact(values if single else _without_na(values).astype(np.float64, copy=False))
    except TypeError as error:
        raise _NoNumberError(f"expected numbers: {error}", where="X", fix=_X) from None
    except ValueError as error:
        raise DataError(str(error), where="X", fix=_X) from None
    if np.isinf(floats).any():
        where = tuple(int(i) for i in np.argwhere(np.isinf(floats))[0])
        raise DataError(
            "Input X contains infinity or a value too large for dtype('float32').",
            where="X",
            fix=f"The first is at {where}; write NaN where a value is missing.",
        )
    return floats


def _without_na(values: np.ndarray) -> np.ndarray:
    """The same with NaN for the NA of pandas, which is no float and compares with nothing."""
    pandas = sys.modules.get("pandas")  # who never imported it has no NA
    if values.dtype != object or pandas is None:
        return values
    return np.where(pandas.isna(values), np.nan, values)


def _targets(y: Any, count: int, task: Task | None) -> np.ndarray:
    y = _without_na(np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else unmasked(y)))
    if y.ndim == 0 or len(y) != count:
        found = len(y) if y.ndim else 1
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: [{count}, {found}]", where="y"
        )
    if np.iscomplexobj(y):
        raise DataError("Complex data not supported", where="y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and task != "regress":
        if not np.isin(y, (0, 1)).all():
            raise DataError(
                "an array of several columns must hold 0 and 1 only, a column per label", where="y"
            )
        return y.astype(bool)
    if y.ndim > 1:
        raise DataError(f"y should be a 1d array, got an array of shape {y.shape} instead.", where="y")
    if task == "regress" or (task is None and y.dtype.kind == "f" and (y[np.isfinite(y)] % 1 != 0).any()):
        return _reals(y)
    return _names(y)


def _reals(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind in "mM":
        raise DataError(
            f"expected numbers, found {y.dtype}",
            where="y",
            fix="Say in which unit they count, such as (y - start) / np.timedelta64(1, 'D').",
        )
    try:
        values = y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(str(error), where="y", fix="Give numbers for regression.") from None
    _refuse_gaps(np.isnan(values), np.isinf(values))
    large = np.flatnonzero(np.abs(values) > LARGEST)
    if len(large):
        raise DataError(
            f"expected numbers of at most {LARGEST:g} in size, found {values[large[0]]:g}",
            where=f"y[{large[0]}]",
            fix="Give all of them in a larger unit.",
        )
    return values


def _names(y: np.ndarray) -> np.ndarray:
    import polars as pl

    if y.dtype.kind == "f":
        _refuse_gaps(np.isnan(y), np.isinf(y))
    elif y.dtype.kind == "O":
        gaps = np.array([item is None or (isinstance(item, float) and np.isnan(item)) for item in y.tolist()])
        _refuse_gaps(gaps, np.zeros_like(gaps))
        y = np.array(
            [str(item).lower() if isinstance(item, bool) else str(item) for item in y.tolist()], dtype=object
        )
        return y
    if y.dtype.kind in "US":
        return y.astype(str).astype(object)
    return class_names(pl.Series(y)).to_numpy().astype(object)


def _refuse_gaps(missing: np.ndarray, infinite: np.ndarray) -> None:
    for mask, what in ((missing, "NaN"), (infinite, "infinity")):
        if mask.any():
            raise DataError(
                f"Input y contains {what}.",
                where="y",
                fix=f"The first is y[{int(np.argmax(mask))}]; leave such rows out.",
            )


def _unfit(problem: str) -> DataError:
    return DataError(problem, where="X", fix=_X)
