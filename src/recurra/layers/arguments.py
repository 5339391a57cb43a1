"""Checks of what a constructor is given."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence

from ..errors import InputError


def checked_share(name: str, rate: float) -> float:
    """`rate` as a float, or an InputError that names the argument; all of something cannot be dropped."""
    if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or not 0 <= rate < 1:
        raise InputError(f"expected a number from 0 to below 1, got {rate!r}", where=name)
    return float(rate)


def check_torch_arguments(
    input_size: int,
    hidden_size: int,
    num_layers: int,
    bias: bool,
    batch_first: bool,
    dropout: float,
    proj_size: int,
) -> None:
    """What `torch.nn.RNNBase` checks, in its words."""
    if not isinstance(dropout, numbers.Real) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] "
            "representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
            f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    for name, value, kind in (
        ("bias", bias, bool),
        ("batch_first", batch_first, bool),
        ("input_size", input_size, int),
        ("hidden_size", hidden_size, int),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        if kind is int and value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


def checked_zoneout(zoneout: float | tuple[float, float], states: Sequence[str]) -> tuple[float, ...]:
    """One share for each state of the cell; none at all when every share is 0."""
    rates = zoneout if isinstance(zoneout, tuple) else (zoneout,) * len(states)
    if len(rates) != len(states):
        raise InputError(
            f"expected one number, or one for each of {', '.join(states)}, got {zoneout}", where="zoneout"
        )
    rates = tuple(checked_share("zoneout", rate) for rate in rates)
    return rates if any(rates) else ()


def check_initial_values(
    bias: bool, recurrent_init: str, forget_bias: float | None, chrono_init: int | None
) -> None:
    """The ways to set initial values, and that they do not contradict each other."""
    if recurrent_init not in ("uniform", "orthogonal"):
        raise InputError(
            f"expected 'uniform' or 'orthogonal', got {recurrent_init!r}", where="recurrent_init"
        )
    if chrono_init is not None and chrono_init < 3:
        raise InputError(f"expected a time span of at least 3 steps, got {chrono_init}", where="chrono_init")
    if chrono_init is not None and forget_bias is not None:
        raise InputError("chrono_init sets the same bias", where="forget_bias", fix="Keep one of the two.")
    if not bias and (chrono_init is not None or forget_bias is not None):
        where = "forget_bias" if chrono_init is None else "chrono_init"
        raise InputError(
            "it sets biases, and bias=False", where=where, fix="Leave it out, or keep bias=True."
        )
