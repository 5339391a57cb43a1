"""What the recurrent layers share: weights, state, padding, and the choice of what runs them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..cells.base import Cell, Weights
from ..cells.lstm import LSTMCell
from ..cells.parallel import ParallelCell
from ..errors import InputError
from ..ops.dispatch import Choice, choose_backend
from ..ops.streaming.stages import Numbers, Recurrent
from ..ops.streaming.stream import Stream
from ..ops.time_loop import Variant
from .arguments import check_initial_values, check_torch_arguments, checked_share, checked_zoneout
from .borders import take_input
from .initial import chrono_biases, orthogonal_blocks
from .stack import run_stack

State = Tensor | tuple[Tensor, ...]


class Options(TypedDict, total=False):
    """What every recurrent layer can do beyond torch, each a keyword of its constructor.

    Args:
        recurrent_dropout: share of h_{t-1} hidden from W_hh, the same units at every step of a sequence
            (arXiv:1512.05287); 0.0.
        weight_drop: share of W_hh zeroed, anew at every call (DropConnect, arXiv:1708.02182); 0.0.
        zoneout: share of units that keep their old value at a step (arXiv:1606.01305), a LSTM's as one number
            or (h, c); 0.0.
        layer_norm: normalise the products with W_ih and W_hh (arXiv:1607.06450); False.
        learned_state: the state before the first step is a weight; False.
        recurrent_init: W_hh as torch draws it, "uniform", or "orthogonal" (arXiv:1312.6120); "uniform".
        backend: "auto", "native" (our kernels for a CPU), "fused" (torch's), "scan" (all steps in parallel, of
            MinGRU and MinLSTM) or "reference" (the loop in plain PyTorch); "auto".
    """

    recurrent_dropout: float
    weight_drop: float
    zoneout: float | tuple[float, float]
    layer_norm: bool
    learned_state: bool
    recurrent_init: Literal["uniform", "orthogonal"]
    backend: str


# The field of Weights that holds each parameter.
_FIELDS = {
    "weight_ih": "w_ih",
    "weight_hh": "w_hh",
    "bias_ih": "b_ih",
    "bias_hh": "b_hh",
    "weight_hr": "w_hr",
    "peephole": "peephole",
    "norm_ih": "norm_ih",
    "norm_hh": "norm_hh",
    "norm_c": "norm_c",
}


class RecurrentLayer(nn.Module):
    """What all recurrent layers share: weights, state, padding, the choice of a backend. Not built by itself.

    The weights have the names, shapes, order and initial values of `torch.nn`'s, so that a `state_dict` of a
    plain configuration moves both ways. Options beyond torch add, for each layer k and direction:
    `norm_ih_l{k}`, `norm_hh_l{k}` (G*H,) and, in a LSTM, `norm_c_l{k}` (H,) with `layer_norm`;
    `peephole_l{k}` (3, H) with `peepholes`; and, for the whole, `initial_h`, `initial_c` (L*D, 1, units) with
    `learned_state`. A cell whose gates do not see the state has no `weight_hh`, `bias_hh` and `norm_hh`.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        *,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        layer_norm: bool = False,
        learned_state: bool = False,
        recurrent_init: Literal["uniform", "orthogonal"] = "uniform",
        backend: str = "auto",
        chrono_init: int | None = None,
        forget_bias: float | None = None,
    ):
        super().__init__()
        check_torch_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.cell = cell
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self.weight_drop = checked_share("weight_drop", weight_drop)
        self.variant = Variant(
            layer_norm=layer_norm,
            recurrent_dropout=checked_share("recurrent_dropout", recurrent_dropout),
            zoneout=checked_zoneout(zoneout, cell.states),
        )
        self.learned_state = learned_state
        check_initial_values(bias, recurrent_init, forget_bias, chrono_init)
        self.recurrent_init, self.chrono_init, self.forget_bias = recurrent_init, chrono_init, forget_bias
        self._make_weights({"device": device, "dtype": dtype})
        self.asked_backend = backend
        # A forced backend that cannot train this configuration fails here, not in the middle of a run.
        self._choose(training=True)
        self.reset_parameters()

    # -- weights -------------------------------------------------------------------------------------------

    def _make_weights(self, factory: dict) -> None:
        rows, units, out = len(self.cell.gates) * self.hidden_size, self.hidden_size, self._output_units
        for layer in range(self.num_layers):
            for suffix in self._suffixes(layer):
                inputs = self.input_size if layer == 0 else out * self.directions
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, out)}
                if self.bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if self.proj_size:
                    shapes["weight_hr"] = (self.proj_size, units)
                if isinstance(self.cell, LSTMCell) and self.cell.peepholes:
                    shapes["peephole"] = (3, units)
                if self.variant.layer_norm:
                    shapes |= {"norm_ih": (rows,), "norm_hh": (rows,)}
                    if isinstance(self.cell, LSTMCell):
                        shapes["norm_c"] = (units,)
                if isinstance(self.cell, ParallelCell):
                    shapes = {name: shape for name, shape in shapes.items() if not name.endswith("_hh")}
                self._parameter_names = tuple(shapes)
                for name, shape in shapes.items():
                    self.register_parameter(name + suffix, nn.Parameter(torch.empty(shape, **factory)))
        if self.learned_state:
            for name, size in zip(self.cell.states, (out, units), strict=False):
                shape = (self.num_layers * self.directions, 1, size)
                self.register_parameter(f"initial_{name}", nn.Parameter(torch.empty(shape, **factory)))

    def reset_parameters(self) -> None:
        """Draw the weights anew: U(-1/sqrt(H), 1/sqrt(H)) as torch does, gains 1, learned states 0.

        On top of that: `recurrent_init="orthogonal"` makes each gate's block of W_hh orthogonal (Saxe et al.,
        arXiv:1312.6120); `forget_bias` becomes the whole bias of the forget gate; `chrono_init` spreads the
        time spans of the gates up to the given number of steps (Tallec & Ollivier, arXiv:1804.11188).
        """
        bound = 1.0 / math.sqrt(self.hidden_size)
        for name, p in self.named_parameters():
            if name.startswith("norm_"):
                nn.init.ones_(p)
            elif name.startswith("initial_"):
                nn.init.zeros_(p)
            else:
                nn.init.uniform_(p, -bound, bound)
        with torch.no_grad():
            for layer in range(self.num_layers):
                for w in self._layer_weights(layer):
                    if self.recurrent_init == "orthogonal":
                        orthogonal_blocks(w.w_hh, len(self.cell.gates))
                    if self.forget_bias is not None and w.b_ih is not None and w.b_hh is not None:
                        forget = slice(self.hidden_size, 2 * self.hidden_size)
                        w.b_ih[forget], w.b_hh[forget] = self.forget_bias, 0.0
                    if self.chrono_init is not None and w.b_ih is not None:
                        chrono_biases(self.cell, w.b_ih, w.b_hh, self.chrono_init)

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]

    def _layer_weights(self, layer: int) -> list[Weights]:
        sets = [
            {_FIELDS[name]: getattr(self, name + suffix) for name in self._parameter_names}
            for suffix in self._suffixes(layer)
        ]
        if isinstance(self.cell, ParallelCell):
            sets = [{**w, "w_hh": w["w_ih"].new_empty(0, self.hidden_size)} for w in sets]
        return [Weights(**w) for w in sets]

    def _dropped_weights(self, layer: int) -> list[Weights]:
        drop = self.weight_drop if self.training else 0.0
        weights = self._layer_weights(layer)
        return [w._replace(w_hh=F.dropout(w.w_hh, drop)) for w in weights] if drop else weights

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The weights of each layer and direction, as torch's layers give them."""
        return [
            [getattr(self, name + suffix) for name in self._parameter_names]
            for layer in range(self.num_layers)
            for suffix in self._suffixes(layer)
        ]

    def flatten_parameters(self) -> None:
        """Do nothing; here because callers of `torch.nn`'s layers call it."""

    # -- what runs -----------------------------------------------------------------------------------------

    @property
    def directions(self) -> int:
        """D: 2 when bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def out_features(self) -> int:
        """Numbers that it gives for every step: D*H, or D*P with a projection."""
        return self.directions * self._output_units

    @property
    def _output_units(self) -> int:
        return self.proj_size or self.hidden_size

    @property
    def _dtype(self) -> torch.dtype:
        return self._layer_weights(0)[0].w_hh.dtype

    @property
    def backend(self) -> str:
        """What runs the layer in its present mode: "native", "fused", "scan" or "reference".

        Kernels leave to the reference calls with `return_gates=True`, under `torch.func` or within forward-mode
        differentiation, and gradients of gradients; of fewer than eight steps, "native" leaves to "fused". The scan
        does all of these itself.
        """
        return self._choose().backend

    @property
    def backend_reason(self) -> str:
        """Why that backend runs it."""
        return self._choose().reason

    def _choose(self, gates: bool = False, *, training: bool | None = None) -> Choice:
        weight = self._layer_weights(0)[0].w_hh
        return choose_backend(
            self.asked_backend,
            self.cell,
            self.variant,
            training=self.training if training is None else training,
            gates=gates,
            dtype=weight.dtype,
            device=weight.device.type,
            projection=bool(self.proj_size),
        )

    # -- the call ------------------------------------------------------------------------------------------

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | int | None = None,
        return_gates: bool = False,
    ):
        """Run the layer over whole sequences, or over the next piece of them with `hx` from the piece before.

        Args:
            input: (T, B, I), (B, T, I) with batch_first, (T, I), or a PackedSequence.
            hx: the state before the first step, (L*D, B, H), a LSTM's (h, c); (L*D, H) for unbatched input.
                None: zeros, or the learned state.
            lengths: (B,) valid steps of each sequence, 0 to T, a number for one; what stands behind them is never read.
            return_gates: give every gate and state of every step as a third result; instead of kernels, the
                reference then runs the call.

        Returns:
            output in the layout of the input, D*H features, zero past `lengths`; the state after the last
            valid step, shaped like hx; and, if asked for, the gates with h (and c, of a LSTM):
            name -> (L*D, B, T, H), zero past `lengths`, without B for unbatched input.
            Backward reads the output: where a gradient is wanted, `output + x`, not `output += x`.

        Raises:
            ValueError, RuntimeError: as torch.nn's layers, in their words; and for lengths that cannot be.
            BackendError: `return_gates` from a backend that cannot give them.
        """
        border = take_input(input, lengths, batch_first=self.batch_first, name=type(self).__name__)
        self._check_input(border.x)
        state = self._initial_state(border.x, hx, border.unbatched)
        result = run_stack(
            self.cell,
            border.x,
            state,
            [self._dropped_weights(layer) for layer in range(self.num_layers)],
            border.lengths,
            backend=self._choose(return_gates).backend,
            variant=self.variant,
            dropout=self.dropout,
            training=self.training,
            gates=return_gates,
        )
        last = border.state(result.state)
        (only, *others) = last
        results = border.output(result.output), last if others else only
        return (*results, border.gates(result.gates)) if return_gates else results

    # -- step by step --------------------------------------------------------------------------------------

    def stages(self, first: int = 0) -> list[Recurrent]:
        """The layers as stages of a stream, in evaluation mode, named from `first` on.

        Raises:
            InputError: the layer reads from both ends.
        """
        if self.bidirectional:
            raise InputError(
                "a layer that reads from both ends cannot run step by step: one half of it begins at the end",
                where="bidirectional=True",
            )
        return [
            Recurrent(
                f"l{first + layer}",
                self.cell,
                self._layer_weights(layer)[0],
                self.variant.zoneout if any(self.variant.zoneout) else (),
                tuple(getattr(self, f"initial_{name}")[layer, 0] for name in self.cell.states)
                if self.learned_state
                else None,
            )
            for layer in range(self.num_layers)
        ]

    def stream(self, batch: int = 1, *, precision: str | None = None, backend: str = "auto") -> Stream:
        """The layer fed step by step: `stream.step(x)` takes (B, I) or (I,) and gives the output of that step.

        Args:
            batch, precision, backend: see `Stream`.

        Raises:
            InputError: the layer reads from both ends, or an argument that cannot be.
            BackendError: the backend asked for cannot run the layer.
        """
        stages = [Numbers(self.input_size), *self.stages()]
        return Stream(stages, batch=batch, precision=precision, backend=backend)

    def _check_input(self, x: Tensor) -> None:
        dtype = self._dtype
        if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({x.dtype})"
            )
        if x.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.size(-1)}"
            )

    def _initial_state(self, x: Tensor, hx: State | None, unbatched: bool) -> tuple[Tensor, ...]:
        names, rows, batch = self.cell.states, self.num_layers * self.directions, x.size(1)
        shapes = [(rows, batch, units) for units in (self._output_units, self.hidden_size)[: len(names)]]
        if hx is None:
            if self.learned_state:
                return tuple(
                    getattr(self, f"initial_{name}").expand(shape)
                    for name, shape in zip(names, shapes, strict=True)
                )
            return tuple(x.new_zeros(shape) for shape in shapes)
        state: tuple[Tensor, ...] = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        if len(state) != len(names):
            if len(names) == 2:
                raise RuntimeError("lstm expects two hidden states")
            raise InputError(f"expected one tensor, got {len(state)}", where="hx")
        axes, kind = (2, "unbatched 2-D") if unbatched else (3, "batched 3-D")
        if any(s.dim() != axes for s in state):
            subject = "hx and cx should" if len(state) > 1 else "hx should"
            found = ", ".join(f"{s.dim()}-D" for s in state)
            found = f"({found}) tensors" if len(state) > 1 else f"{found} tensor"
            raise RuntimeError(f"For {kind} input, {subject} also be {axes}-D but got {found}")
        if unbatched:
            state = tuple(s.unsqueeze(1) for s in state)
        for place, (s, shape) in enumerate(zip(state, shapes, strict=True)):
            if s.shape != shape:
                which = f"hidden[{place}]" if len(state) > 1 else "hidden"
                raise RuntimeError(f"Expected {which} size {shape}, got {list(s.size())}")
        return state

    def extra_repr(self) -> str:
        """The arguments that differ from their defaults."""
        shown = {
            "proj_size": (self.proj_size, 0),
            "num_layers": (self.num_layers, 1),
            "bias": (self.bias, True),
            "batch_first": (self.batch_first, False),
            "dropout": (self.dropout, 0.0),
            "bidirectional": (self.bidirectional, False),
            "recurrent_dropout": (self.variant.recurrent_dropout, 0.0),
            "weight_drop": (self.weight_drop, 0.0),
            "zoneout": (self.variant.zoneout, ()),
            "layer_norm": (self.variant.layer_norm, False),
            "learned_state": (self.learned_state, False),
            "recurrent_init": (self.recurrent_init, "uniform"),
            "forget_bias": (self.forget_bias, None),
            "chrono_init": (self.chrono_init, None),
            "backend": (self.asked_backend, "auto"),
        }
        options = [f"{name}={value!r}" for name, (value, default) in shown.items() if value != default]
        options += self.cell.beyond_torch
        return ", ".join([str(self.input_size), str(self.hidden_size), *options])
