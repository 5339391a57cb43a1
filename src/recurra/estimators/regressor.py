"""Regression of sequences with scikit-learn's conventions."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from torch import Tensor, nn

from recurra.data.masks import unmasked
from recurra.data.schema import examples_from_arrays
from recurra.errors import DataError
from recurra.estimators.base import SequenceEstimator, schema_of


class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """A number for each sequence, by a recurrent network; a scikit-learn regressor.

    Parameters, X and the attributes are those of `SequenceClassifier`, but for `class_weight` and `classes_`.
    The network learns y on the scale where its training part has mean 0 and deviation 1.

    >>> X = np.arange(40.0).reshape(10, 4)
    >>> model = SequenceRegressor(hidden_size=4, epochs=2, random_state=0).fit(X, X.mean(1))
    >>> model.predict(X[:3]).shape
    (3,)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X, N sequences, and y, (N,) numbers.

        Raises:
            DataError, InputError: X, y or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        if y is None:
            raise DataError("a regressor requires y to be passed, but the target y is None", where="y")
        given, X = X, self._checked(X, fitted=False)
        examples = examples_from_arrays(X, column_or_1d(np.asarray(unmasked(y)), warn=True), task="regress")
        schema = schema_of(given, y, examples, task="regress", target_kind="real")
        self._train(X, examples, schema, {})
        self._record_beside_run()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(N,) float64, in the unit of y; the same for a sequence alone and among others."""
        X = self._checked(X, fitted=True)
        return replace(self.run_, network=_InDouble(self.run_.network)).answer(X).labels


class _InDouble(nn.Module):
    """A copy of a network that reckons in float64.

    In float32 the last digits depend on the shape of the batch. Of a class's probability nobody sees them,
    but a regression hands them out.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = copy.deepcopy(network).double()

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        return self.network(input.double() if input.is_floating_point() else input, lengths)
