"""One layer over time on the native kernels, with derivatives of every order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...axes import zero_padding
from ...cells.base import Cell, Weights
from ..derivatives import gradients_through
from ..fused import run_fused
from ..time_loop import LayerResult, Variant, recurrent_mask, run_reference, time_loop
from .operator import native_name, recurrence, recurrence_backward, run_backward, run_forward

_SHORT = 8  # steps; below it, laying out the weights for the kernel costs more than it saves


def run_native(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Weights],
    lengths: Tensor | None = None,
    *,
    recurrent_dropout: float = 0.0,
) -> LayerResult:
    """Run one layer on the native kernels; the arguments are those of `run_reference`.

    Under `torch.autocast`, and with weights of bfloat16, it runs in bfloat16, and so are its results. Fewer than
    eight steps run on torch's kernels. Forward-mode derivatives and `torch.func` go through the reference, and so
    do gradients of gradients.

    Args:
        recurrent_dropout: share of the state's units hidden from the recurrent product, drawn here.
    """
    variant = Variant(recurrent_dropout=recurrent_dropout)
    by_reference = partial(
        run_reference, cell, x, state, weights, lengths, variant=variant, training=bool(recurrent_dropout)
    )
    autocast = torch.is_autocast_enabled("cpu")
    precision = torch.bfloat16 if autocast or weights[0].w_hh.dtype == torch.bfloat16 else torch.float32
    if not torch.compiler.is_compiling():
        if torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0:
            return by_reference()
        w_hh = weights[0].w_hh
        types = set() if autocast else {t.dtype for t in (x, *state)} - {w_hh.dtype}
        if types or any(t.device != w_hh.device for t in (x, *state)):
            return by_reference()  # which refuses it in torch's words
        if x.size(0) < _SHORT and not (cell.beyond_torch or recurrent_dropout):
            short = run_fused(cell, x, state, weights, lengths)  # pyright: ignore[reportCallIssue]
            return LayerResult(short.output.to(precision), tuple(s.to(precision) for s in short.state), {})
    x, state = x.to(precision), tuple(s.to(precision) for s in state)
    results = []
    for d, of_direction in enumerate(weights):
        w = Weights(*(None if t is None else t.float() for t in of_direction))  # pyright: ignore[reportArgumentType]
        h, c = state[0][d], state[1][d] if len(state) == 2 else None
        mask = recurrent_mask(h, recurrent_dropout)
        mask = None if mask is None else mask.float()
        given = (x, h, c, w.w_ih, w.w_hh, w.b_ih, w.b_hh, mask, lengths, native_name(cell), d == 1)
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
        run: Any = run_forward if _is_plain(given[0]) else recurrence
        return run(*given, True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        cell, *tensors, mask, lengths, name, reverse = inputs
        ctx.cell, ctx.name, ctx.reverse = cell, name, reverse
        ctx.set_materialize_grads(False)
        result, _, _, gates, cells = output
        ctx.mark_non_differentiable(gates, cells)
        ctx.save_for_backward(*tensors, mask, lengths, result, gates, cells)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        *tensors, mask, lengths, output, gates, cells = ctx.saved_tensors
        x, h, c, w_ih, w_hh, *_ = tensors
        of_output, of_h, of_c, *_ = grads
        if torch.is_grad_enabled():
            found = _through_reference(ctx, tensors, mask, lengths, (of_output, of_h, of_c))
        else:
            run: Any = run_backward if _is_plain(x) else recurrence_backward
            found = run(
                of_output,
                of_h,
                of_c if c is not None else None,
                x,
                h,
                c,
                w_ih,
                w_hh,
                mask,
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
        return None, *(g if t is not None and want else None for g, t, want in there), None, None, None, None


def _is_plain(x: Tensor) -> bool:
    """Whether nobody watches what torch runs: then the kernel is called itself.

    The way through torch's dispatcher costs a tenth of a small layer's step.
    """
    return (
        type(x) is Tensor
        and not torch.compiler.is_compiling()
        and not torch._C._len_torch_dispatch_stack()
        and not torch._C._len_torch_function_stack()
    )


def _through_reference(
    ctx: Any,
    tensors: Sequence[Any],
    mask: Tensor | None,
    lengths: Tensor | None,
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients by the reference, in float32, themselves differentiable."""
    precision = tensors[0].dtype

    def reference(*given: Tensor | None) -> tuple[Tensor, ...]:
        x, h, c, *w = (None if t is None else t.float() for t in given)
        assert x is not None and h is not None
        if lengths is not None:
            x = zero_padding(x, lengths, batch_first=False)
        state, weights = (h,) if c is None else (h, c), Weights(*w)  # pyright: ignore[reportArgumentType]
        with torch.autocast("cpu", enabled=False):
            output, after, _ = time_loop(
                ctx.cell, x, state, weights, lengths=lengths, reverse=ctx.reverse, mask=mask
            )
        return tuple(t.to(precision) for t in (output, *after))

    return gradients_through(reference, tensors, ctx.needs_input_grad[1:8], grads)
