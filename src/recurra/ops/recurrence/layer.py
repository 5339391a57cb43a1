"""One layer over time on the native kernels, with derivatives of every order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...axes import zero_padding
from ...cells.base import Cell, Weights
from ..derivatives import gradients_through
from ..fused import run_fused
from ..time_loop import LayerResult, run_reference, time_loop
from .operator import native_name, recurrence, recurrence_backward, run_forward

_SHORT = 8  # steps; below it, laying out the weights for the kernel costs more than it saves


def run_native(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Weights],
    lengths: Tensor | None = None,
) -> LayerResult:
    """Run one layer on the native kernels; the arguments are those of `run_reference`.

    Fewer than eight steps run on torch's kernels. Forward-mode derivatives and `torch.func` go through the
    reference, and so do gradients of gradients.
    """
    if not torch.compiler.is_compiling():
        if torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0:
            return run_reference(cell, x, state, weights, lengths)
        if any((t.dtype, t.device) != (torch.float32, weights[0].w_hh.device) for t in (x, *state)):
            return run_reference(cell, x, state, weights, lengths)  # which refuses it in torch's words
        if x.size(0) < _SHORT and not cell.beyond_torch:
            return run_fused(cell, x, state, weights, lengths)  # pyright: ignore[reportCallIssue]
    results = []
    for d, w in enumerate(weights):
        h, c = state[0][d], state[1][d] if len(state) == 2 else None
        given = (x, h, c, w.w_ih, w.w_hh, w.b_ih, w.b_hh, lengths, native_name(cell), d == 1)
        if torch.is_grad_enabled():
            output, *after = _Recurrence.apply(cell, *given)[:3]  # pyright: ignore[reportIndexIssue]
        else:
            output, *after = run_forward(*given, keep=False)[:3]
        results.append((output, *after[: len(state)]))
    outputs, *states = zip(*results, strict=True)
    output = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
    return LayerResult(output, tuple(torch.stack(of_one) for of_one in states), {})


class _Recurrence(torch.autograd.Function):
    """The operator; its gradient is the other operator, or, where that is to be differentiated too, the reference's."""

    @staticmethod
    def forward(cell: Cell, *given: Any) -> Any:
        """Everything after the cell is what `recurrence` takes, but that gates are always kept."""
        return recurrence(*given, True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        cell, *tensors, lengths, name, reverse = inputs
        ctx.cell, ctx.name, ctx.reverse = cell, name, reverse
        ctx.set_materialize_grads(False)
        result, _, _, gates, cells = output
        ctx.mark_non_differentiable(gates, cells)
        ctx.save_for_backward(*tensors, lengths, result, gates, cells)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        *tensors, lengths, output, gates, cells = ctx.saved_tensors
        x, h, c, w_ih, w_hh, *_ = tensors
        of_output, of_h, of_c, *_ = grads
        if torch.is_grad_enabled():
            found = _through_reference(ctx, tensors, lengths, (of_output, of_h, of_c))
        else:
            found = recurrence_backward(
                of_output,
                of_h,
                of_c if c is not None else None,
                x,
                h,
                c,
                w_ih,
                w_hh,
                lengths,
                output,
                gates,
                cells,
                ctx.name,
                ctx.reverse,
                ctx.needs_input_grad[1],
                any(ctx.needs_input_grad[4:8]),
            )
        there = zip(found, tensors, ctx.needs_input_grad[1:8], strict=True)
        return None, *(g if t is not None and want else None for g, t, want in there), None, None, None


def _through_reference(
    ctx: Any, tensors: Sequence[Any], lengths: Tensor | None, grads: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Gradients by the reference, themselves differentiable."""

    def reference(x: Tensor, h: Tensor, c: Tensor | None, *w: Tensor | None) -> tuple[Tensor, ...]:
        if lengths is not None:
            x = zero_padding(x, lengths, batch_first=False)
        state, weights = (h,) if c is None else (h, c), Weights(*w)  # pyright: ignore[reportArgumentType]
        output, after, _ = time_loop(ctx.cell, x, state, weights, lengths=lengths, reverse=ctx.reverse)
        return output, *after

    return gradients_through(reference, tensors, ctx.needs_input_grad[1:8], grads)
