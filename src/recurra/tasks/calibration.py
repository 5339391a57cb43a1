"""Probabilities that mean what they say, and from which one to decide: both fitted on the validation part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from recurra.errors import InputError

ThresholdMetric = Literal["half", "accuracy", "balanced_accuracy", "f1"]


@dataclass(frozen=True)
class TemperatureScaling:
    """One number that all logits are divided by (Guo et al. 2017, arXiv:1706.04599).

        p = softmax(z / t)        one class of several, z (N, K)
        p = sigmoid(z / t)        several labels, z (N, K), or one logit for two classes, z (N,) or (N, 1)

    It changes how sure the network says it is, never the order of the classes. A network that trained
    too long is too sure of itself: t > 1.

    Args:
        temperature: t.
        several_labels: whether the columns are labels of their own instead of classes.

    >>> z = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    >>> scaling = TemperatureScaling.fit(z, np.array([0, 0, 1, 1]))
    >>> round(scaling.temperature, 2)     # sure to 98 %, right in 75 %
    3.64
    >>> scaling.probabilities(z).round(2)[0]
    array([0.75, 0.25])
    """

    temperature: float = 1.0
    several_labels: bool = False

    @classmethod
    def fit(
        cls, logits: np.ndarray, targets: np.ndarray, *, several_labels: bool = False
    ) -> TemperatureScaling:
        """The temperature between 1/20 and 20 of lowest negative log likelihood; 1 where none is better.

        Args:
            logits: (N, K), or (N,) or (N, 1) for two classes with one logit.
            targets: (N,) class indices, or (N, K) bool for several labels.
            several_labels: what the columns are.
        """
        logits = np.asarray(logits, dtype=np.float64)
        targets = np.asarray(targets)
        if len(logits) != len(targets) or not len(logits):
            raise InputError(
                f"expected one target for each of the logits, found {len(logits)} and {len(targets)}",
                where="logits",
            )
        if not np.isfinite(logits).all():
            raise InputError("expected finite logits, found NaN or infinite ones", where="logits")

        def loss(log_temperature: float) -> float:
            return cls(float(np.exp(log_temperature)), several_labels).negative_log_likelihood(
                logits, targets
            )

        # In 1 / t the loss is convex, so along log t it has one valley.
        found = optimize.minimize_scalar(
            loss, bounds=(-np.log(20), np.log(20)), method="bounded", options={"xatol": 1e-6}
        )
        better = found.fun < loss(0.0)
        return cls(float(np.exp(found.x)) if better else 1.0, several_labels)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(N, K) probabilities; (N, 2) where there is one logit for two classes."""
        return np.exp(self._log_probabilities(logits))

    def negative_log_likelihood(self, logits: np.ndarray, targets: np.ndarray) -> float:
        """Mean over examples (and labels) of -log p of what is true."""
        log_p = self._log_probabilities(logits)
        if not self.several_labels:
            return float(-log_p[np.arange(len(log_p)), targets].mean())
        log_not_p = special.log_expit(-np.asarray(logits, dtype=np.float64) / self.temperature)
        return float(-np.where(targets, log_p, log_not_p).mean())

    def _log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        z = np.asarray(logits, dtype=np.float64) / self.temperature
        if self.several_labels:
            return special.log_expit(z)
        if z.ndim == 1 or z.shape[1] == 1:
            z = z.reshape(-1)
            return np.stack([special.log_expit(-z), special.log_expit(z)], 1)
        return special.log_softmax(z, axis=1)


def choose_threshold(
    y_true: np.ndarray, p: np.ndarray, metric: ThresholdMetric = "accuracy"
) -> float | list[float]:
    """The probability from which to say yes that is best on these (validation) examples.

    All cuts between two neighbouring probabilities are tried. Of equally good cuts the one nearest to
    0.5 is taken; 0.5 itself where the examples cannot say (all or none of them true).

    Args:
        y_true: (N,) or (N, K) bool.
        p: probabilities, of the same shape.
        metric: "accuracy", "balanced_accuracy" or "f1"; "half" is 0.5 without looking.

    Returns:
        A number, or for several labels a list of K numbers, one chosen for each label.

    >>> choose_threshold(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.3, 0.9]))
    0.25
    """
    y_true, p = np.asarray(y_true, dtype=bool), np.asarray(p, dtype=np.float64)
    if y_true.shape != p.shape or y_true.ndim not in (1, 2):
        raise InputError(
            f"expected y_true and p of one shape, (N,) or (N, K), found {y_true.shape} and {p.shape}",
            where="y_true, p",
        )
    if metric not in ("half", "accuracy", "balanced_accuracy", "f1"):
        raise InputError(
            f"expected half, accuracy, balanced_accuracy or f1, found {metric!r}", where="metric"
        )
    if y_true.ndim == 2:
        return [_best_cut(y_true[:, k], p[:, k], metric) for k in range(p.shape[1])]
    return _best_cut(y_true, p, metric)


def _best_cut(y_true: np.ndarray, p: np.ndarray, metric: str) -> float:
    positives, n = int(y_true.sum()), len(y_true)
    if metric == "half" or positives in (0, n):
        return 0.5
    order = np.argsort(p, kind="stable")
    p, missed = p[order], np.concatenate([[0], np.cumsum(y_true[order])])
    # Cut k says no to the k lowest; only between different probabilities is there room for one.
    room = np.concatenate([[p[0] > 0], p[1:] > p[:-1], [p[-1] < 1]])
    below = np.concatenate([[0.0], p])
    above = np.concatenate([p, [1.0]])
    k = np.arange(n + 1)
    hits, rejections = positives - missed, k - missed
    value = {
        "accuracy": (hits + rejections) / n,
        "balanced_accuracy": (hits / positives + rejections / (n - positives)) / 2,
        "f1": 2 * hits / (positives + n - k),
    }[metric]
    best = np.flatnonzero(room & (value >= value[room].max() - 1e-12))
    # A cut may lie anywhere between its two probabilities: at 0.5 where that is allowed, else in the middle.
    cuts = np.where((below[best] < 0.5) & (above[best] >= 0.5), 0.5, (below[best] + above[best]) / 2)
    return float(cuts[np.argmin(np.abs(cuts - 0.5))])
