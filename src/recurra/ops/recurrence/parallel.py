"""One layer of a cell whose gates do not see the state, on the native kernels, with derivatives of every order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...axes import zero_padding
from ...cells.base import Weights
from ...cells.mingru import MinGRUCell
from ...cells.parallel import ParallelCell
from ..derivatives import gradients_through
from ..native import native_kernels
from ..scan import run_scan, scan_projected
from ..time_loop import LayerResult


@torch.compiler.disable
def run_native_parallel(
    cell: ParallelCell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Weights],
    lengths: Tensor | None = None,
) -> LayerResult:
    """Run one layer on the native kernels; the arguments are those of `run_reference`.

    W_ih x + b_ih of all steps is one product of torch; gates and states are one pass over what it gives, step by step
    with units side by side (csrc/parallel.h), in 32 bits whatever the number type of x. Backward the gates are made
    anew, in one more pass. Forward-mode derivatives and `torch.func` go through the scan, and so do gradients of
    gradients.
    """
    if torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0:
        return run_scan(cell, x, state, weights, lengths)  # pyright: ignore[reportCallIssue]
    if lengths is not None:
        x = zero_padding(x, lengths, batch_first=False)
    outputs, states = [], []
    for d, w in enumerate(weights):
        h0 = state[0][d]
        given = (cell.project(x, w), h0.float(), lengths, d == 1)
        output, last = _Parallel.apply(cell, *given)  # pyright: ignore[reportGeneralTypeIssues]
        outputs.append(output.to(h0.dtype))
        states.append(last.to(h0.dtype))
    output = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
    return LayerResult(output, (torch.stack(states),), {})


class _Parallel(torch.autograd.Function):
    @staticmethod
    def forward(
        cell: ParallelCell, projected: Tensor, h0: Tensor, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, Tensor]:
        output, last = projected.new_empty(*projected.shape[:2], h0.size(1)), torch.empty_like(h0)
        _kernels().parallel_forward(
            **_layer(cell, projected, h0, lengths, reverse), output=output, h_after=last
        )
        return output, last

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.cell, projected, h0, lengths, ctx.reverse = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(projected, h0, lengths, output[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        projected, h0, lengths, output = ctx.saved_tensors
        if torch.is_grad_enabled():

            def scanned(projected: Tensor, h0: Tensor) -> tuple[Tensor, ...]:
                return scan_projected(ctx.cell, projected, h0, lengths, reverse=ctx.reverse)[:2]

            of_both = gradients_through(scanned, (projected, h0), ctx.needs_input_grad[1:3], grads)
            return None, *of_both, None, None
        of_output, of_last = (None if g is None else g.contiguous() for g in grads)
        of_projected, of_h0 = torch.empty_like(projected.contiguous()), torch.empty_like(h0.contiguous())
        _kernels().parallel_backward(
            **_layer(ctx.cell, projected, h0, lengths, ctx.reverse),
            output=output,
            of_output=of_output,
            of_h_after=of_last,
            of_projected=of_projected,
            of_h_before=of_h0,
        )
        return None, of_projected, of_h0, None, None


def _layer(
    cell: ParallelCell, projected: Tensor, h0: Tensor, lengths: Tensor | None, reverse: bool
) -> dict[str, Any]:
    return {
        "cell": "mingru" if isinstance(cell, MinGRUCell) else "minlstm",
        "reverse": reverse,
        "threads": torch.get_num_threads(),
        "lengths": None if lengths is None else lengths.contiguous(),
        "projected": projected.detach().contiguous(),
        "h_before": h0.detach().contiguous(),
    }


def _kernels() -> Any:
    kernels = native_kernels()
    assert kernels is not None, "choose_backend asks before"
    return kernels
