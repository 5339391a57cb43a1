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
    masked = np.ma.getmaskarray(values)
    if not masked.any():
        return values.data
    numbers = values.dtype.kind in "biu"
    plain = values.data.astype(
        np.float64 if numbers else values.dtype if values.dtype.kind == "f" else object
    )
    plain[masked] = None if plain.dtype == object else np.nan
    return plain
