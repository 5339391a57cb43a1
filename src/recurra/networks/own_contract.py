"""What a user's own module must promise before it is compared with others, tried on a small batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recurra.axes import valid_steps
from recurra.errors import InputError
from recurra.networks.own import OwnEncoder

_INPUTS, _STEPS, _UNITS = 5, 7, 8
_LENGTHS = (7, 4, 1)
_TOLERANCE = 1e-4  # relative and absolute, of float32 numbers that were summed in another order


def check_encoder(name: str, *, sees_ahead: bool) -> None:
    """Try the module handed over as `name`: shapes, the same twice, rows apart, padding, order of time, gradients.

    In evaluation mode, in which scores are made; padding is poisoned: NaN before it is set to 0, so that its place
    alone could leak.

    Args:
        sees_ahead: whether a step may know what comes after it.

    Raises:
        InputError: what is broken, and what it must be.

    >>> from torch import nn
    >>> from recurra.networks.own import own_encoders
    >>> class Whole(nn.Linear):
    ...     def forward(self, x, lengths):
    ...         return super().forward(x.flip(1)).cumsum(1).flip(1)
    >>> with own_encoders({"whole": Whole}):
    ...     check_encoder("whole", sees_ahead=True)
    Traceback (most recent call last):
        ...
    recurra.errors.InputError: encoders['whole']: padding leaks: a sequence of 4 steps gives other numbers ...
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(0)
        encoder = OwnEncoder(name, _INPUTS, _UNITS).eval()
        _check(encoder, f"encoders[{name!r}]", sees_ahead)


def _check(encoder: OwnEncoder, where: str, sees_ahead: bool) -> None:
    x, lengths = torch.randn(len(_LENGTHS), _STEPS, _INPUTS), torch.tensor(_LENGTHS)
    with torch.no_grad():
        full, _ = encoder(x)
        if not bool(torch.isfinite(full).all()):
            raise InputError("it gives numbers that are not finite", where=where)
        if not _close(encoder(x)[0], full):
            raise InputError(
                "it gives other numbers for the same sequences at every call",
                where=where,
                fix="In evaluation mode nothing may be random (dropout by nn.Dropout, not functional).",
            )
        for row in range(len(_LENGTHS)):
            if not _close(encoder(x[row : row + 1])[0], full[row : row + 1]):
                raise InputError(
                    "rows of a batch see each other: a sequence gives other numbers beside others than alone",
                    where=where,
                    fix="Nothing may be summed over the batch; x is (B, T, I), batch first.",
                )
        valid = valid_steps(lengths, _STEPS)
        padded, _ = encoder(torch.where(valid[..., None], x, math.nan), lengths=lengths)
        for row, steps in enumerate(_LENGTHS):
            alone, _ = encoder(x[row : row + 1, :steps])
            if not _close(alone, padded[row : row + 1, :steps]):
                raise InputError(
                    f"padding leaks: a sequence of {steps} steps gives other numbers padded to {_STEPS} than alone",
                    where=where,
                    fix="Let no step read past `lengths` (masks in attention and means, the end where a direction "
                    "turns round).",
                )
        if not sees_ahead:
            _check_order(encoder, x, full, where)
    _check_gradients(encoder, x, lengths, where)


def _check_order(encoder: OwnEncoder, x: Tensor, full: Tensor, where: str) -> None:
    changed = x.clone()
    changed[:, _STEPS // 2 :] += 1
    if not _close(encoder(changed)[0][:, : _STEPS // 2], full[:, : _STEPS // 2]):
        raise InputError(
            "it is not causal: a step knows steps after it, which this task has it foretell, or which a network that "
            "reads in one direction alone has not seen",
            where=where,
            fix="Mask later steps; where sequences are classified, network.bidirectional=true allows it.",
        )


def _check_gradients(encoder: OwnEncoder, x: Tensor, lengths: Tensor, where: str) -> None:
    x = x.clone().requires_grad_(True)
    encoder(x, lengths=lengths)[0].square().sum().backward()
    weights = [p for p in encoder.parameters() if p.requires_grad]
    if not weights:
        raise InputError("it has no trainable weights", where=where)
    found = [g for g in (x.grad, *(p.grad for p in weights)) if g is not None]
    if not all(bool(torch.isfinite(g).all()) for g in found):
        raise InputError(
            "its gradients are not finite on a padded batch",
            where=where,
            fix="Mostly a row of the attention without any step to look at, or a root of 0.",
        )


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE)
