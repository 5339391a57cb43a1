"""One layer over time on torch's own kernels: oneDNN and native on a CPU, cuDNN on a GPU.

torch's kernels fall short in three places, mended here:

- Padding. On a CPU a packed sequence is several times slower than the dense kernel, so unequal lengths run
  dense and are put right around it; on a GPU they run packed. NaN in the padding never reaches a kernel.
- Gradients of gradients and forward-mode derivatives are not known to all of the kernels: those are taken
  through the reference loop, which computes the same thing.
- `torch.func.vmap` is known to none: it runs the reference loop too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ..axes import last_valid, reverse_valid, zero_padding
from ..cells.base import Cell, Weights
from ..cells.gru import GRUCell
from ..cells.rnn import RNNCell
from .derivatives import gradients_through
from .time_loop import LayerResult, run_reference

# At a padded step these weights of a constant 1 shut the input gate and open the forget gate so far that the
# sigmoids are exactly 0 and 1, in every format down to float16: the cell state stays what it was.
_SHUT, _OPEN = -1e4, 1e4


@torch.compiler.disable
def run_fused(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Weights],
    lengths: Tensor | None = None,
) -> LayerResult:
    """Run one layer on torch's kernels; the arguments are those of `run_reference`."""
    if torch.autograd.forward_ad._current_level >= 0:
        return run_reference(cell, x, state, weights, lengths)
    # Autograd.Function costs as much as a step of a small layer, so streaming goes around it. What is recorded to
    # be run elsewhere has torch's operator itself.
    recorded = torch.jit.is_tracing() or torch.compiler.is_exporting()  # pyright: ignore[reportPrivateImportUsage]
    if (recorded or not torch.is_grad_enabled()) and not torch._C._are_functorch_transforms_active():
        output, *after = _run_kernel(cell, x, state, weights, lengths)
        return LayerResult(output, tuple(after), {})
    call = _Call(cell, len(state), weights)
    output, *after = _Kernel.apply(call, lengths, x, *state, *call.flat(weights))  # pyright: ignore
    return LayerResult(output, tuple(after), {})


class _Call:
    """One call of the kernel: how its flat arguments are laid out, and what it recorded on the way.

    Autograd sees a flat list of tensors: x, the states, then the weights of each direction.
    """

    def __init__(self, cell: Cell, states: int, weights: Sequence[Weights]):
        self.cell, self.states, self.directions = cell, states, len(weights)
        self.fields = [name for name, t in weights[0]._asdict().items() if t is not None]
        self.grad_enabled = torch.is_grad_enabled()
        device = weights[0].w_ih.device.type
        self.autocast = nullcontext
        if torch.amp.is_autocast_available(device):  # "meta" has none
            dtype, enabled = torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)
            self.autocast = partial(torch.autocast, device, dtype=dtype, enabled=enabled)
        self.inner: tuple[tuple[Tensor, ...], tuple[Tensor, ...]] = ((), ())

    def flat(self, weights: Sequence[Weights]) -> list[Tensor]:
        return [getattr(w, name) for w in weights for name in self.fields]

    def kernel(self, lengths: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
        return _run_kernel(self.cell, *self._unflatten(tensors), lengths)

    def reference(self, lengths: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
        output, state, _ = run_reference(self.cell, *self._unflatten(tensors), lengths)
        return output, *state

    def _unflatten(self, tensors: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...], list[Weights]]:
        x, state, flat = tensors[0], tuple(tensors[1 : 1 + self.states]), tensors[1 + self.states :]
        count = len(self.fields)
        sets = (flat[d * count : (d + 1) * count] for d in range(self.directions))
        return x, state, [Weights(**dict(zip(self.fields, w, strict=True))) for w in sets]


class _Kernel(torch.autograd.Function):
    """The kernel with a derivative of every order.

    Forward runs the kernel on detached inputs with recording on; the outputs of that inner graph are kept as
    saved tensors, so they are freed when the outer graph is. Backward walks the inner graph, unless gradients
    of gradients are wanted or nothing was recorded (under `torch.func`): then it goes through the reference.
    """

    @staticmethod
    def forward(call: _Call, lengths: Tensor | None, *tensors: Tensor):
        leaves = tuple(t.detach().requires_grad_(call.grad_enabled and t.requires_grad) for t in tensors)
        with torch.set_grad_enabled(call.grad_enabled):
            outputs = call.kernel(lengths, *leaves)
        call.inner = (outputs, leaves) if outputs[0].requires_grad else ((), ())
        return tuple(o.detach() for o in outputs)

    @staticmethod
    def setup_context(ctx, inputs, output):
        call, lengths, *tensors = inputs
        ctx.call, ctx.count, ctx.dtypes = call, len(tensors), [o.dtype for o in output]
        ctx.set_materialize_grads(False)
        inner_outputs, inner_leaves = call.inner
        call.inner = ((), ())
        ctx.save_for_backward(lengths, *tensors, *inner_outputs, *inner_leaves)

    @staticmethod
    def backward(ctx, *grads):
        lengths, *saved = ctx.saved_tensors
        tensors, inner = saved[: ctx.count], saved[ctx.count :]
        wanted = ctx.needs_input_grad[2:]
        if torch.is_grad_enabled() or not inner:
            return None, None, *_pull_through_reference(ctx, lengths, tensors, wanted, grads)
        outputs, leaves = inner[: -ctx.count], inner[-ctx.count :]
        used = [(o, g) for o, g in zip(outputs, grads, strict=True) if g is not None]
        found = iter(
            torch.autograd.grad(
                [o for o, _ in used],
                [leaf for leaf, want in zip(leaves, wanted, strict=True) if want],
                [g for _, g in used],
                retain_graph=True,
                allow_unused=True,
            )
        )
        return None, None, *(next(found) if want else None for want in wanted)

    @staticmethod
    def vmap(info, in_dims, call: _Call, lengths: Tensor | None, *tensors: Tensor):
        outputs = torch.vmap(call.reference, in_dims[1:])(lengths, *tensors)
        return outputs, (0,) * len(outputs)


def _pull_through_reference(
    ctx,
    lengths: Tensor | None,
    tensors: Sequence[Tensor],
    wanted: Sequence[bool],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients of the wanted tensors, by the reference at the precision of the call, themselves differentiable."""
    call: _Call = ctx.call

    def reference(*given: Tensor) -> tuple[Tensor, ...]:
        with call.autocast():
            outputs = call.reference(lengths, *given)
        return tuple(o.to(dtype) for o, dtype in zip(outputs, ctx.dtypes, strict=True))

    return gradients_through(reference, tensors, wanted, grads)


def _run_kernel(
    cell: Cell, x: Tensor, state: tuple[Tensor, ...], weights: Sequence[Weights], lengths: Tensor | None
) -> tuple[Tensor, ...]:
    if lengths is None:
        return _dense(cell, x, state, weights)
    x = zero_padding(x, lengths, batch_first=False)
    return (_packed if x.is_cuda else _padded)(cell, x, state, weights, lengths)


def _dense(
    cell: Cell, x: Tensor, state: tuple[Tensor, ...], weights: Sequence[Weights]
) -> tuple[Tensor, ...]:
    """All sequences as long as x: one call."""
    return _call_torch(cell, x, (), state, weights, (False,))


def _padded(
    cell: Cell, x: Tensor, state: tuple[Tensor, ...], weights: Sequence[Weights], lengths: Tensor
) -> tuple[Tensor, ...]:
    """Unequal lengths on the dense kernel: one call per direction, the backward one on rows turned around.

    The last hidden state is the output at the last valid step; the last cell state of a LSTM, which no output
    shows, is held still through the padding by one more input that is 1 there.
    """
    outputs, states = [], []
    for d, w in enumerate(weights):
        before = tuple(s[d : d + 1] for s in state)
        inputs = reverse_valid(x, lengths, batch_first=False) if d else x
        if len(state) == 2:
            inputs, w = _hold_cell_state(inputs, w, lengths)  # noqa: PLW2901
        output, _, *cell_state = _dense(cell, inputs, before, [w])
        output = zero_padding(output, lengths, batch_first=False)
        started = (lengths > 0).unsqueeze(-1)
        last = torch.where(
            started, last_valid(output, lengths, batch_first=False), before[0].to(output.dtype)
        )
        outputs.append(reverse_valid(output, lengths, batch_first=False) if d else output)
        states.append((last, *cell_state))
    return torch.cat(outputs, -1), *(torch.cat(of_one) for of_one in zip(*states, strict=True))


def _hold_cell_state(x: Tensor, w: Weights, lengths: Tensor) -> tuple[Tensor, Weights]:
    units = w.w_ih.size(0) // 4
    ones = torch.ones_like(x[..., :1])
    padded = ones - zero_padding(ones, lengths, batch_first=False)
    column = torch.cat(
        [
            w.w_ih.new_full((units, 1), _SHUT),
            w.w_ih.new_full((units, 1), _OPEN),
            w.w_ih.new_zeros((2 * units, 1)),
        ]
    )
    return torch.cat([x, padded], -1), w._replace(w_ih=torch.cat([w.w_ih, column], 1))


def _packed(
    cell: Cell, x: Tensor, state: tuple[Tensor, ...], weights: Sequence[Weights], lengths: Tensor
) -> tuple[Tensor, ...]:
    """Unequal lengths in one call on a packed sequence; empty ones run one step that is then forgotten."""
    packed = pack_padded_sequence(x, lengths.clamp(min=1).cpu(), enforce_sorted=False)
    assert packed.sorted_indices is not None and packed.unsorted_indices is not None
    places = packed.unsorted_indices
    sorted_state = tuple(s.index_select(1, packed.sorted_indices) for s in state)
    data, *after = _call_torch(cell, packed.data, (packed.batch_sizes,), sorted_state, weights, ())
    output, _ = pad_packed_sequence(packed._replace(data=data), total_length=x.size(0))
    started = (lengths > 0).unsqueeze(-1)
    after = (
        torch.where(started, new.index_select(1, places), old.to(new.dtype))
        for new, old in zip(after, state, strict=True)
    )
    return zero_padding(output, lengths, batch_first=False), *after


def _torch_kernel(cell: Cell) -> Callable[..., tuple[Tensor, ...]]:
    if isinstance(cell, RNNCell):
        return torch.rnn_tanh if cell.nonlinearity == "tanh" else torch.rnn_relu
    return torch.gru if isinstance(cell, GRUCell) else torch.lstm


def _call_torch(
    cell: Cell, x: Tensor, sizes: tuple, state: tuple[Tensor, ...], weights: Sequence[Weights], layout: tuple
) -> tuple[Tensor, ...]:
    """One layer by torch's function; a packed x is followed by its sizes, a padded one ends with a layout."""
    kernel = _torch_kernel(cell)
    flat = [t for w in weights for t in (w.w_ih, w.w_hh, w.b_ih, w.b_hh, w.w_hr) if t is not None]
    hx = state[0] if len(state) == 1 else list(state)
    biased = weights[0].b_ih is not None
    # cuDNN records only in training; a trace is one for both.
    train = torch.is_grad_enabled() or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    arguments = (x, *sizes, hx, flat, biased, 1, 0.0, train, len(weights) == 2, *layout)
    if not x.is_cuda:
        return kernel(*arguments)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
        return kernel(*arguments)
