"""The y of a classifier: its classes in their own type, and their names in a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from recurra.data.masks import unmasked
from recurra.errors import DataError, RunError

_KINDS = "biufUO"  # of dtypes whose values JSON keeps


@dataclass(frozen=True)
class Labels:
    """K classes, or K labels of which any may hold.

    A run names its classes by text, as a file does; scikit-learn gives them back in the type of y.

    Args:
        values: (K,) the classes, sorted; 0 .. K - 1 for several labels.
        names: (K,) what they are called in a run, in the same order.
        dtype: of y, and so of predictions.
        several: whether any number of labels may hold at once.

    >>> labels, targets = Labels.read([True, False, True])
    >>> labels.values, labels.names, targets
    (array([False,  True]), ('false', 'true'), array(['true', 'false', 'true'], dtype=object))
    >>> labels.restore(targets)
    array([ True, False,  True])
    """

    values: np.ndarray
    names: tuple[str, ...]
    dtype: np.dtype
    several: bool = False

    @classmethod
    def read(cls, y: Any) -> tuple[Labels, np.ndarray]:
        """The labels of y, and y as a run reads it: (N,) names or (N, K) bool.

        Args:
            y: (N,) texts, whole numbers or bools; (N, K) of 0 and 1, or bools.

        Raises:
            DataError, ValueError: y is missing, has gaps, one class only, or is no classes at all. The
                wording is scikit-learn's where it has one.
        """
        if y is None:
            raise DataError("a classifier requires y to be passed, but the target y is None", where="y")
        columns = [str(name) for name in y.columns] if hasattr(y, "columns") else None
        y = _typed(np.asarray(unmasked(y)))
        if y.dtype.kind not in _KINDS:
            known = "Complex data not supported" if y.dtype.kind == "c" else "Unknown label type"
            raise DataError(
                f"{known}: expected texts, whole numbers or bools, found {y.dtype}",
                where="y",
                fix="Give the classes as texts, such as y.astype(str).",
            )
        assert_all_finite(y, input_name="y")
        if y.ndim != 2 or y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if y.ndim == 2:
            if not np.isin(y, (0, 1)).all():
                raise DataError(
                    "y of several columns must hold 0 and 1 only", where="y", fix="Give a column per label."
                )
            count = y.shape[1]
            names = columns or [str(k) for k in range(count)]
            return cls(np.arange(count), tuple(names), y.dtype, several=True), y.astype(bool)
        values, places = np.unique(y, return_inverse=True)
        if len(values) == 1:
            raise DataError(
                f"expected two classes or more, found one class only ({values[0]!r})",
                where="y",
                fix="Give examples of every class.",
            )
        names = np.array([_name(value) for value in values.tolist()], dtype=object)
        return cls(values, tuple(names), y.dtype), names[places]

    def restore(self, answers: np.ndarray) -> np.ndarray:
        """Answers of a run, (N,) names or (N, K) bool, in the type of y."""
        if self.several:
            return answers.astype(self.dtype)
        place = {name: k for k, name in enumerate(self.names)}
        return self.values[[place[name] for name in answers]]

    def places_in(self, classes: list[str]) -> list[int]:
        """(K,) where each of these labels stands in `classes`, the order of a run's outputs."""
        place = {name: k for k, name in enumerate(classes)}
        return [place[name] for name in self.names]

    def to_json(self) -> dict[str, Any]:
        """`classes` and `dtype`, plain."""
        return {
            "classes": self.values.tolist(),
            "dtype": "object" if self.dtype == object else self.dtype.str,
        }

    @classmethod
    def from_json(
        cls, classes: list[Any] | None, dtype: str | None, names: list[str], *, several: bool
    ) -> Labels:
        """What `to_json` gave, checked against the `names` of the run; its names alone where it gave nothing.

        Raises:
            RunError: they do not fit.
        """
        if classes is None or dtype is None:
            values = np.arange(len(names)) if several else np.array(sorted(names))
            return cls(
                values,
                tuple(names if several else sorted(names)),
                values.dtype if not several else np.dtype(bool),
                several,
            )
        try:
            kind = np.dtype(dtype)
            values = np.array(classes, dtype=None if several else kind)
        except (TypeError, ValueError) as error:
            raise _misfit(f"{classes} cannot be of type {dtype!r} ({error})") from error
        own = tuple(names) if several else tuple(_name(value) for value in values.tolist())
        if kind.kind not in _KINDS or sorted(own) != sorted(names) or len(values) != len(names):
            raise _misfit(f"expected the classes {names}, found {classes} of type {dtype!r}")
        return cls(values, own, kind, several)


def _misfit(problem: str) -> RunError:
    return RunError(problem, where="estimator.json", fix="Restore the file, or train again.")


def _typed(y: np.ndarray) -> np.ndarray:
    """Objects that are all texts stay; objects that are all of another type become an array of that type."""
    if y.dtype != object:
        return y
    y = np.asarray(np.frompyfunc(_opened, 1, 1)(y), dtype=object)
    gaps = [n for n, item in enumerate(y.ravel().tolist()) if _is_gap(item)]
    if gaps:
        raise DataError(
            f"Input y contains NaN or None ({len(gaps)} times)",
            where=f"y[{gaps[0]}]",
            fix="Leave such rows out.",
        )
    kinds = {type(item) for item in y.ravel().tolist()}
    if kinds == {str}:
        return y
    if len(kinds) == 1:
        return np.array(y.tolist())
    raise DataError(
        f"Unknown label type: y mixes {', '.join(sorted(kind.__name__ for kind in kinds))}",
        where="y",
        fix="Give classes of one type.",
    )


def _opened(item: Any) -> Any:
    """A scalar of NumPy as Python has it; but for dates and durations, which Python has in some units only."""
    return item.item() if isinstance(item, np.generic) and item.dtype.kind not in "mM" else item


def _is_gap(item: Any) -> bool:
    return item is None or type(item).__name__ == "NAType" or (isinstance(item, float) and math.isnan(item))


def _name(value: Any) -> str:
    """As a file would name it: whole numbers without a point, bools in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) else str(value)
