"""Targets to numbers and back: class names, several labels at once, real numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from recurra.errors import DataError, RunError

Kind = Literal["binary", "multiclass", "multilabel", "real"]
KINDS: tuple[Kind, ...] = ("binary", "multiclass", "multilabel", "real")
_SHOWN = 5


@dataclass(frozen=True)
class TargetEncoder:
    """What the targets of the training part were, and how they stand in tensors.

    - binary, multiclass: names to their place in `classes`, (N,) int64. Names that are all numbers stand
      in the order of the numbers, other names in the order of their code points.
    - multilabel: (N, K) bool to (N, K) float32.
    - real: (y - mean) / scale, (N,) float32; scale is the standard deviation, 1 if that is 0.

    Args:
        kind: as above.
        classes: K names (text, integer, float or bool); for regression none.
        mean: of the training targets, for regression.
        scale: of the training targets, for regression.

    >>> encoder = TargetEncoder.fit(np.array(["pos", "neg", "pos"], dtype=object))
    >>> encoder.kind, encoder.classes, encoder.encode(np.array(["neg", "pos"], dtype=object))
    ('binary', ('neg', 'pos'), array([0, 1]))
    >>> encoder.decode(np.array([1, 0]))
    array(['pos', 'neg'], dtype=object)
    """

    kind: Kind
    classes: tuple[Any, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(
        cls,
        targets: np.ndarray,
        *,
        classes: Sequence[Any] | None = None,
        rows: np.ndarray | None = None,
    ) -> Self:
        """Learn from the targets of the training part; what they are shows in their type.

        Args:
            targets: (N,) objects or texts (class names), (N, K) bool, or (N,) floats (regression).
            classes: the names in the order that they are to have: K of them for the columns of (N, K)
                targets ("0", "1" ... unless given); of class names, those that no target holds are left out.
            rows: (N,) numbers of the records, for messages.

        Raises:
            DataError: a target is missing, infinite, not one of `classes`, or there is one class only.
        """
        targets = np.asarray(targets)
        if len(targets) == 0:
            raise DataError("expected targets to learn from, found none", fix="Check the rows of the file.")
        if targets.ndim == 2:
            return cls._fit_labels(targets, classes)
        if targets.ndim != 1:
            raise DataError(f"expected targets of shape (N,) or (N, K), found {targets.shape}")
        _refuse_missing(targets, rows)
        if np.issubdtype(targets.dtype, np.floating):
            values = targets.astype(np.float64)
            largest = float(np.abs(values).max()) or 1.0  # squares of the largest floats overflow
            mean = float((values / largest).mean()) * largest
            scale = float((values / largest).std()) * largest
            spread = values.min() < values.max() and scale > 0
            return cls("real", mean=mean, scale=scale if spread else 1.0)
        found = set(_plain(targets))
        names = (
            tuple(class_order(found)) if classes is None else tuple(name for name in classes if name in found)
        )
        if len(names) < len(found):
            strange = _few(sorted(repr(name) for name in found.difference(names)))
            raise DataError(f"expected the classes {_few([repr(c) for c in classes or ()])}, found {strange}")
        if len(names) == 1:
            raise DataError(
                f"expected two classes or more, found only {names[0]!r}",
                fix="Check that the right column was taken for the target.",
            )
        return cls("binary" if len(names) == 2 else "multiclass", names)

    @classmethod
    def _fit_labels(cls, targets: np.ndarray, classes: Sequence[str] | None) -> Self:
        if targets.dtype != np.bool_:
            raise DataError(
                f"expected several labels as (N, K) bool, found {targets.dtype} of shape {targets.shape}"
            )
        names = tuple(str(k) for k in range(targets.shape[1])) if classes is None else tuple(classes)
        if len(names) != targets.shape[1] or len(set(names)) != len(names):
            raise DataError(
                f"expected {targets.shape[1]} different names of labels, found {len(names)}: {names}"
            )
        if not targets.any():
            raise DataError("expected labels to learn from, found none set in any row")
        return cls("multilabel", names)

    @property
    def size(self) -> int:
        """K: classes, labels, or 1 for regression."""
        return len(self.classes) or 1

    def encode(self, targets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Targets as numbers: (N,) int64 classes, (N, K) float32 labels or (N,) float32 values.

        Args:
            targets: in the form that `fit` was given.
            rows: (N,) numbers of the records, for messages.

        Raises:
            DataError: a class that training did not hold, a missing target, or another form.
        """
        targets = np.asarray(targets)
        if self.kind == "multilabel":
            if targets.dtype != np.bool_ or targets.ndim != 2 or targets.shape[1] != self.size:
                raise DataError(
                    f"expected labels of shape (N, {self.size}) bool, found {targets.shape} {targets.dtype}"
                )
            return targets.astype(np.float32)
        if targets.ndim != 1:
            raise DataError(f"expected targets of shape (N,), found {targets.shape}")
        _refuse_missing(targets, rows)
        if self.kind == "real":
            return ((_as_floats(targets, rows) - self.mean) / self.scale).astype(np.float32)
        place = {name: k for k, name in enumerate(self.classes)}
        codes = np.array([place.get(name, -1) for name in _plain(targets)], dtype=np.int64)
        if (codes < 0).any():
            unseen = np.flatnonzero(codes < 0)
            names = sorted({repr(name) for name in _plain(targets[unseen])})
            raise DataError(
                f"expected the classes of the training part ({_few([repr(c) for c in self.classes])}), "
                f"found {_few(names)}",
                where=_places(unseen, rows),
                fix="Put rows of that class into the training part, or take these rows out.",
            )
        return codes

    def decode(self, encoded: np.ndarray) -> np.ndarray:
        """The inverse of `encode`: (N,) names, (N, K) bool, or (N,) float64 in the units of the targets."""
        encoded = np.asarray(encoded)
        if self.kind == "real":
            return encoded.astype(np.float64) * self.scale + self.mean
        if self.kind == "multilabel":
            return encoded > 0.5
        names = np.empty(self.size, dtype=object)
        names[:] = self.classes
        return names[encoded]

    def to_json(self) -> dict[str, Any]:
        """Plain values, exact; names keep their type."""
        stored: dict[str, Any] = {"kind": self.kind, "classes": list(self.classes)}
        if self.kind == "real":
            stored |= {"mean": self.mean, "scale": self.scale}
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            RunError: other keys, other types, or classes that cannot be.
        """
        if not isinstance(stored, dict) or stored.get("kind") not in KINDS:
            raise _broken(f"expected the kind to be one of {', '.join(KINDS)}")
        kind: Kind = stored["kind"]
        keys = {"kind", "classes"} | ({"mean", "scale"} if kind == "real" else set())
        if set(stored) != keys:
            raise _broken(f"expected the keys {sorted(keys)}, found {sorted(map(str, stored))}")
        classes = stored["classes"]
        if not isinstance(classes, list) or not all(
            type(name) in {str, int, float, bool} for name in classes
        ):
            raise _broken("expected the classes to be a list of names")
        fits = {
            "binary": len(classes) == 2,
            "multiclass": len(classes) > 2,
            "multilabel": len(classes) > 0,
            "real": not classes,
        }
        if not fits[kind] or len(set(classes)) != len(classes):
            raise _broken(f"expected different classes as {kind} needs them, found {_few(classes)}")
        if kind != "real":
            return cls(kind, tuple(classes))
        mean, scale = stored["mean"], stored["scale"]
        if not (
            type(mean) is float and type(scale) is float and math.isfinite(mean) and 0 < scale < math.inf
        ):
            raise _broken(f"expected a finite mean and a scale above 0, found {mean!r}, {scale!r}")
        return cls(kind, (), mean, scale)


def _plain(targets: np.ndarray) -> list[Any]:
    """Names as Python's own values, NumPy's scalars opened."""
    return [name.item() if isinstance(name, np.generic) else name for name in targets.tolist()]


def class_order(names: Iterable[Any]) -> list[Any]:
    """Numbers in their order, then names in theirs.

    Raises:
        DataError: a class named by anything but a text, a number or a bool.

    >>> class_order({"10", "b", "9", "a"})
    ['9', '10', 'a', 'b']
    """

    def key(name: Any) -> tuple[bool, float, str]:
        if not isinstance(name, (str, int, float, bool)):
            raise DataError(
                f"expected classes named by texts or numbers, found {type(name).__name__} {name!r}"
            )
        try:
            return (False, float(name), str(name))
        except ValueError:
            return (True, 0.0, str(name))

    return sorted(names, key=key)


def _refuse_missing(targets: np.ndarray, rows: np.ndarray | None) -> None:
    if np.issubdtype(targets.dtype, np.floating):
        missing = ~np.isfinite(targets)
    else:
        missing = np.array([t is None or (isinstance(t, float) and math.isnan(t)) for t in targets.tolist()])
    if missing.any():
        at = np.flatnonzero(missing)
        raise DataError(
            f"expected a target in every row, found {len(at)} missing or infinite",
            where=_places(at, rows),
            fix="Fill them in, or leave these rows out.",
        )


def _as_floats(targets: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    try:
        return targets.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"expected numbers as targets, found {targets.dtype} ({error})",
            fix="A regression needs a column of numbers as target.",
        ) from error


def _places(at: np.ndarray, rows: np.ndarray | None) -> str:
    if rows is None:
        return f"target {_few(at.tolist())} (counted from 0)"
    return f"row {_few(rows[at].tolist())}"


def _few(entries: Sequence[Any]) -> str:
    shown = ", ".join(map(str, entries[:_SHOWN]))
    return shown if len(entries) <= _SHOWN else f"{shown} and {len(entries) - _SHOWN} more"


def _broken(problem: str) -> RunError:
    return RunError(problem, where="targets", fix="Copy the whole run folder again, or fit again.")
