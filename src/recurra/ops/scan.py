"""Linear recurrences h_t = a_t * h_{t-1} + b_t over whole sequences, and the layers that are made of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..axes import valid_steps, zero_padding
from ..cells.base import Weights
from ..cells.parallel import ParallelCell
from .time_loop import LayerResult

# Numbers that one operation should work on, so that what it costs to call is little beside its work.
_ENOUGH = {"cpu": 16_384, "cuda": 1_048_576}

_WORTH_IT = 8  # chunks: with them every number is read and written about three times


@torch.compiler.disable
def run_scan(
    cell: ParallelCell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Weights],
    lengths: Tensor | None = None,
    *,
    gates: bool = False,
) -> LayerResult:
    """Run one layer on the scan; the arguments are those of `run_reference`."""
    if lengths is not None:
        x = zero_padding(x, lengths, batch_first=False)
    outputs, states, insides = [], [], []
    for d, w in enumerate(weights):
        output, last, inside = scan_projected(cell, cell.project(x, w), state[0][d], lengths, reverse=d == 1)
        states.append(last)
        outputs.append(output)
        if gates:
            if lengths is not None:
                inside = {name: zero_padding(g, lengths, batch_first=False) for name, g in inside.items()}
            insides.append({**inside, "h": output})
    return LayerResult(
        torch.cat(outputs, -1),
        (torch.stack(states),),
        {name: torch.stack([i[name] for i in insides]) for name in insides[0]} if gates else {},
    )


def scan_projected(
    cell: ParallelCell, projected: Tensor, h0: Tensor, lengths: Tensor | None, *, reverse: bool
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """One direction from W_ih x + b_ih on.

    Shapes:
        projected (T, B, G*H), h0 (B, H), lengths (B,) -> output (T, B, H), zero past the lengths, the state after the
        last step (B, H), both in the number type of h0, and the gates as they come.
    """
    a, b, inside = cell.coefficients(projected)
    if lengths is not None:  # 1 and 0 hold the state exactly as it is
        valid = valid_steps(lengths, a.size(0)).transpose(0, 1).unsqueeze(-1)
        a, b = torch.where(valid, a, 1), torch.where(valid, b, 0)
    h = linear_scan(a, b, h0.to(a.dtype), reverse=reverse).to(h0.dtype)
    output = h if lengths is None else zero_padding(h, lengths, batch_first=False)
    return output, h[0] if reverse else h[-1], inside


def linear_scan(a: Tensor, b: Tensor, h0: Tensor, *, reverse: bool = False) -> Tensor:
    """h_t = a_t * h_{t-1} + b_t for all t, from h_0; in reverse h_t = a_t * h_{t+1} + b_t, from h_{T+1} = h0.

    The steps are cut into N chunks that run side by side (Blelloch 1990, "Prefix Sums and Their Applications"), with
    l_t and p_t begun anew in each chunk and c the state before it:

        l_t = a_t * l_{t-1} + b_t,    p_t = a_t * p_{t-1},    h_t = l_t + p_t * c

    About T / N + N operations on whole tensors instead of T. N is 1, a plain loop, where a step is work enough for the
    device by itself, and at most sqrt(T). With a between 0 and 1 no rounding grows, so nothing is done in logarithms
    (as arXiv:2410.01201 does, which loses three digits at 8,192 steps). Derivatives of every order, forward-mode ones
    and `torch.func` are scans again:

        g'_t = g_t + a_{t+1} * g'_{t+1},    of b: g',    of a: g'_t * h_{t-1}

    Shapes:
        a, b (T, ...), h0 (...), of one dtype -> (T, ...).

    >>> linear_scan(torch.full((3, 1), 0.5), torch.ones(3, 1), torch.zeros(1)).flatten()
    tensor([1.0000, 1.5000, 1.7500])
    """
    return _Scan.apply(a, b, h0, reverse)  # pyright: ignore[reportReturnType]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
        return _scan(a, b, h0, reverse)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, _, h0, ctx.reverse = inputs
        ctx.save_for_backward(a, h0, output)
        ctx.save_for_forward(a, h0, output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (a, h0, h), (of_h,) = ctx.saved_tensors, grads
        first = -1 if ctx.reverse else 0
        kept = _shifted(a, torch.zeros_like(h0), not ctx.reverse)
        of_b = linear_scan(kept, of_h, torch.zeros_like(h0), reverse=not ctx.reverse)
        of_a = of_b * _shifted(h, h0, ctx.reverse) if ctx.needs_input_grad[0] else None
        of_h0 = a[first] * of_b[first] if ctx.needs_input_grad[2] else None
        return of_a, of_b, of_h0, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        (a, h0, h), (of_a, of_b, of_h0, _) = ctx.saved_tensors, tangents
        come_in = torch.zeros_like(h) if of_b is None else of_b
        if of_a is not None:
            come_in = come_in + of_a * _shifted(h, h0, ctx.reverse)
        return linear_scan(a, come_in, torch.zeros_like(h0) if of_h0 is None else of_h0, reverse=ctx.reverse)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], a: Tensor, b: Tensor, h0: Tensor, reverse: bool):
        def batched(t: Tensor, dim: int | None, place: int) -> Tensor:
            if dim is not None:
                return t.movedim(dim, place)
            return t.unsqueeze(place).expand(*t.shape[:place], info.batch_size, *t.shape[place:])

        places = (1, 1, 0)
        given = (batched(t, dim, k) for t, dim, k in zip((a, b, h0), in_dims, places, strict=False))
        return linear_scan(*given, reverse=reverse), 1


def _shifted(x: Tensor, first: Tensor, reverse: bool) -> Tensor:
    """The step before each, `first` before the first one; in reverse the step after each."""
    return torch.cat([x[1:], first[None]] if reverse else [first[None], x[:-1]])


def _scan(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """`linear_scan` without derivatives."""
    steps = a.size(0)
    chunks = _chunks(steps, h0.numel(), a.device.type)
    size = -(-steps // chunks)
    whole = chunks * size
    h = b.new_empty(whole, *b.shape[1:])
    if chunks == 1:
        _loop(a, b, h0, h, reverse)
        return h
    if whole > steps:  # filled up where the scan ends, so that nothing comes of it
        a, b = (_filled(t, whole, reverse) for t in (a, b))
    a, b, local = (t.unflatten(0, (chunks, size)).transpose(0, 1) for t in (a, b, h))
    products = torch.empty_like(h).unflatten(0, (chunks, size)).transpose(0, 1)
    _loop(a, b, torch.zeros_like(local[0]), local, reverse)
    total = _multiply(a, products, reverse)
    ends = torch.empty_like(total)
    _loop(total, local[0 if reverse else -1].to(total), h0.to(total), ends, reverse)
    before = _shifted(ends, h0.to(total), reverse)
    local.addcmul_(products, before.to(h.dtype))
    return h[whole - steps :] if reverse else h[:steps]


def _loop(a: Tensor, b: Tensor, before: Tensor, out: Tensor, reverse: bool) -> None:
    """h_t = a_t * h_{t-1} + b_t, step by step into `out`."""
    for kept, given, place in _in_order(zip(a.unbind(0), b.unbind(0), out.unbind(0), strict=True), reverse):
        before = torch.addcmul(given, kept, before, out=place)


def _multiply(a: Tensor, out: Tensor, reverse: bool) -> Tensor:
    """p_t = a_t * p_{t-1} into `out`; the last of them in 64 bits, where the device has them.

    In 32 bits a product with shares next to 1 stands still: what each takes off is less than the rounding.
    """
    product = torch.ones_like(a[0], dtype=torch.float32 if a.is_mps else torch.float64)
    for kept, place in _in_order(zip(a.unbind(0), out.unbind(0), strict=True), reverse):
        product = product.mul_(kept)
        place.copy_(product)
    return product


def _in_order(steps: Iterable[Any], reverse: bool) -> Iterable[Any]:
    return reversed(list(steps)) if reverse else steps


def _filled(x: Tensor, steps: int, reverse: bool) -> Tensor:
    more = x.new_zeros(steps - x.size(0), *x.shape[1:])
    return torch.cat([more, x] if reverse else [x, more])


def _chunks(steps: int, numbers: int, device: str) -> int:
    """How many run side by side, for so many numbers a step."""
    chunks = min(math.isqrt(steps), _ENOUGH.get(device, _ENOUGH["cuda"]) // max(1, numbers))
    return chunks if chunks >= _WORTH_IT else 1
