"""Masked arrays of NumPy: what is masked is missing."""

from __future__ import annotations

from typing import Any

import numpy as np


def unmasked(values: Any) -> Any:
    """A masked array as a plain one, NaN, or None among objects, where it is masked; all else as it is.

    `np.asarray` would give out the values below the mask, which are whatever was there before.

    >>> unmasked(np.ma.masked_array([1, 999, 3], mask=[False, True, False]))
    array([ 1., nan,  3.])
    """
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind in "biuf":
        kind = values.dtype if values.dtype.kind == "f" else np.float64
        return np.ma.filled(values.astype(kind), np.nan) if np.ma.is_masked(values) else values.data
    return np.ma.filled(values.astype(object), None)
