"""How close is close: the one table for every comparison of two ways to compute the same numbers."""

from __future__ import annotations

import torch
from torch import Tensor

# Largest difference allowed, absolute up to 1 and relative above it.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
# Of a few steps whose values are rounded to bfloat16, the norm of the difference as a share of the norm.
BFLOAT16_TOLERANCE = 0.05
# In int8, inputs and states go into the products as whole numbers of 16 bits where the machine multiplies bytes.
FIXED_SLACK = 10.0
# Layer normalisation divides by a spread that may be small: rounding grows with every step.
LAYER_NORM_SLACK = 30.0
# cuDNN's own hyperbolic tangent and logistic function, in float32: seen on an H200, up to 3.3 times the tolerance.
GPU_SLACK = 5.0


def assert_close(actual: Tensor, expected: Tensor, what: str = "values", slack: float = 1.0) -> None:
    assert actual.shape == expected.shape, f"{what}: shape {tuple(actual.shape)}, not {tuple(expected.shape)}"
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}, not {expected.dtype}"
    if not expected.numel():
        return
    scale = max(1.0, float(expected.detach().abs().max()))
    off = float((actual - expected).detach().abs().max())
    # `not <=` so that NaN fails too.
    assert off <= slack * TOLERANCE[expected.dtype] * scale, (
        f"{what}: off by {off:.3g} at a scale of {scale:.3g}"
    )


def assert_near_in_bfloat16(actual: Tensor, expected: Tensor, what: str = "values") -> None:
    """`actual` was computed in bfloat16, `expected` in float32 from the same numbers.

    In the norm, not one by one: a ReLU's derivative at a sum near 0 may be the other one.
    """
    assert actual.shape == expected.shape, f"{what}: shape {tuple(actual.shape)}, not {tuple(expected.shape)}"
    scale = max(1.0, float(expected.detach().norm()))
    off = float((actual.float() - expected).detach().norm())
    assert off <= BFLOAT16_TOLERANCE * scale, f"{what}: off by {off:.3g} at a norm of {scale:.3g}"


def assert_all_close(actual: dict[str, Tensor], expected: dict[str, Tensor], slack: float = 1.0) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(actual[name], value, name, slack)
