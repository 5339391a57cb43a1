"""RNN, LSTM and GRU over padded batches: drop-in for `torch.nn`'s, with what torch lacks."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..cells.base import Cell, Weights
from ..cells.gru import GRUCell
from ..cells.lstm import LSTMCell
from ..cells.rnn import RNNCell
from ..errors import InputError
from ..ops.dispatch import Choice, choose_backend
from ..ops.time_loop import Variant
from .borders import take_input
from .initial import chrono_biases, orthogonal_blocks
from .stack import run_stack

State = Tensor | tuple[Tensor, ...]


class RecurrentLayer(nn.Module):
    """What RNN, LSTM and GRU share: weights, state, padding, the choice of a backend. Not built by itself.

    The weights have the names, shapes, order and initial values of `torch.nn`'s, so that a `state_dict` of a plain
    configuration moves both ways. Options beyond torch add, for each layer k and direction: `norm_ih_l{k}`,
    `norm_hh_l{k}` (G*H,) and, in a LSTM, `norm_c_l{k}` (H,) with `layer_norm`; `peephole_l{k}` (3, H) with
    `peepholes`; and, for the whole, `initial_h`, `initial_c` (L*D, 1, units) with `learned_state`.
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
        recurrent_dropout: float,
        weight_drop: float,
        zoneout: float | tuple[float, float],
        layer_norm: bool,
        learned_state: bool,
        recurrent_init: Literal["uniform", "orthogonal"],
        backend: str,
        chrono_init: int | None = None,
        forget_bias: float | None = None,
    ):
        super().__init__()
        _check_torch_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.cell = cell
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self.weight_drop = _share("weight_drop", weight_drop)
        rates = zoneout if isinstance(zoneout, tuple) else (zoneout,) * len(cell.states)
        if len(rates) != len(cell.states):
            raise InputError(
                f"expected one number or one for each of {', '.join(cell.states)}, got {zoneout}",
                where="zoneout",
            )
        rates = tuple(_share("zoneout", rate) for rate in rates)
        self.variant = Variant(
            layer_norm=layer_norm,
            recurrent_dropout=_share("recurrent_dropout", recurrent_dropout),
            zoneout=rates if any(rates) else (),
        )
        self.learned_state = learned_state
        if recurrent_init not in ("uniform", "orthogonal"):
            raise InputError(
                f"expected 'uniform' or 'orthogonal', got {recurrent_init!r}", where="recurrent_init"
            )
        if not bias and (chrono_init is not None or forget_bias is not None):
            raise InputError(
                "expected bias=True, got bias=False",
                where="chrono_init" if chrono_init is not None else "forget_bias",
                fix="It sets biases: leave it out, or keep bias=True.",
            )
        if chrono_init is not None and chrono_init < 3:
            raise InputError(
                f"expected a time span of at least 3 steps, got {chrono_init}", where="chrono_init"
            )
        if chrono_init is not None and forget_bias is not None:
            raise InputError(
                "expected one of chrono_init and forget_bias, got both", where="forget_bias", fix="Keep one."
            )
        self.recurrent_init, self.chrono_init, self.forget_bias = recurrent_init, chrono_init, forget_bias
        self._make_weights({"device": device, "dtype": dtype})
        self.asked_backend = backend
        # A forced backend that cannot train this configuration fails here, not in the middle of a run.
        choose_backend(backend, cell, self.variant, training=True, dtype=self.weight_hh_l0.dtype)
        self.reset_parameters()

    # -- weights -------------------------------------------------------------------------------------------------

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
        arXiv:1312.6120); `forget_bias` becomes the whole bias of the forget gate; `chrono_init` spreads the gates'
        time spans up to the given number of steps (Tallec & Ollivier, arXiv:1804.11188).
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
                    if self.chrono_init is not None and w.b_ih is not None and w.b_hh is not None:
                        chrono_biases(self.cell, w.b_ih, w.b_hh, self.chrono_init)

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]

    def _layer_weights(self, layer: int) -> list[Weights]:
        return [
            Weights(**{_FIELDS[name]: getattr(self, name + suffix) for name in self._parameter_names})
            for suffix in self._suffixes(layer)
        ]

    def _dropped_weights(self, layer: int) -> list[Weights]:
        drop = self.weight_drop if self.training else 0.0
        weights = self._layer_weights(layer)
        return [w._replace(w_hh=F.dropout(w.w_hh, drop)) for w in weights] if drop else weights

    def flatten_parameters(self) -> None:
        """Do nothing; here because callers of `torch.nn`'s layers call it."""

    # -- what runs -----------------------------------------------------------------------------------------------

    @property
    def directions(self) -> int:
        """D: 2 when bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def _output_units(self) -> int:
        return self.proj_size or self.hidden_size

    @property
    def backend(self) -> str:
        """What runs the layer in its present mode: "fused" or "reference"."""
        return self._choose().backend

    @property
    def backend_reason(self) -> str:
        """Why that backend runs it."""
        return self._choose().reason

    def _choose(self, gates: bool = False) -> Choice:
        return choose_backend(
            self.asked_backend,
            self.cell,
            self.variant,
            training=self.training,
            gates=gates,
            dtype=self.weight_hh_l0.dtype,
        )

    # -- the call ------------------------------------------------------------------------------------------------

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        return_gates: bool = False,
    ):
        """Run the layer over whole sequences, or over the next piece of them with `hx` from the piece before.

        Args:
            input: (T, B, I), (B, T, I) with batch_first, (T, I), or a PackedSequence.
            hx: the state before the first step, (L*D, B, H), a LSTM's (h, c); (L*D, H) for unbatched input.
                None: zeros, or the learned state.
            lengths: (B,) valid steps of each sequence, 0 to T; what stands behind them is never read.
            return_gates: give every gate and state of every step as a third result; the call then runs on
                the reference.

        Returns:
            output in the layout of the input, D*H features, zero past `lengths`; the state after the last valid
            step, shaped like hx; and, if asked for, the gates: name -> (L*D, B, T, H), zero past `lengths`
            (without B for unbatched input).

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
        results = border.output(result.output), last if len(last) > 1 else last[0]
        return (*results, border.gates(result.gates)) if return_gates else results

    def _check_input(self, x: Tensor) -> None:
        dtype = self.weight_hh_l0.dtype
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
            raise InputError(
                f"expected {len(names)} tensors ({', '.join(names)}), got {len(state)}", where="hx"
            )
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
        if isinstance(self.cell, RNNCell) and self.cell.nonlinearity != "tanh":
            options.append(f"nonlinearity={self.cell.nonlinearity!r}")
        return ", ".join([str(self.input_size), str(self.hidden_size), *options])


class RNN(RecurrentLayer):
    """Simple recurrent network over a padded batch; drop-in for `torch.nn.RNN`.

        h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),   f = tanh or max(0, .)

    Elman 1990 (doi:10.1207/s15516709cog1402_1).

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch.
        nonlinearity: f, "tanh" or "relu".
        recurrent_dropout: share of h_{t-1} hidden from W_hh, the same units at every step of a sequence.
        weight_drop: share of W_hh zeroed, anew at every call (DropConnect, arXiv:1708.02182).
        zoneout: share of units that keep their old value at a step (arXiv:1606.01305).
        layer_norm: normalise both products (arXiv:1607.06450).
        learned_state: the state before the first step is a weight.
        recurrent_init: W_hh as torch draws it, or orthogonal.
        backend: "auto", "fused" or "reference".
    Shapes (batch_first):
        input (B, T, I), hx (L*D, B, H), lengths (B,) -> output (B, T, D*H), h_n (L*D, B, H).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        RuntimeError: the last axis of input is not I (torch's type and words).

    >>> rnn = RNN(4, 8, nonlinearity="relu", batch_first=True)
    >>> output, h_n = rnn(torch.randn(2, 5, 4), lengths=[5, 3])
    >>> output.shape, h_n.shape, rnn.backend
    (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]), 'fused')
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        learned_state: bool = False,
        recurrent_init: Literal["uniform", "orthogonal"] = "uniform",
        backend: str = "auto",
        **other,
    ):
        _refuse_unknown("RNN", other)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity
        super().__init__(
            RNNCell(nonlinearity),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            zoneout=zoneout,
            layer_norm=layer_norm,
            learned_state=learned_state,
            recurrent_init=recurrent_init,
            backend=backend,
        )


class LSTM(RecurrentLayer):
    """Long short-term memory over a padded batch; drop-in for `torch.nn.LSTM`.

        i_t = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)
        f_t = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf)
        g_t = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
        o_t = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho)
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    Hochreiter & Schmidhuber 1997, forget gate by Gers et al. 2000 (doi:10.1162/089976600300015015). Gate order:
    i, f, g, o.

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch.
        proj_size: P, project h_t to so many features (arXiv:1402.1128); 0 for none.
        peepholes: i, f and o also see the cell state (see `recurra.cells.lstm`).
        forget_bias: initial bias of the forget gate; None leaves torch's.
        chrono_init: longest time span in steps that the gates should keep (arXiv:1804.11188); None for none.
        zoneout: share of units that keep their old value at a step (arXiv:1606.01305), one number or (h, c).
        recurrent_dropout, weight_drop, layer_norm, learned_state, recurrent_init, backend: as in `RNN`.
    Shapes (batch_first):
        input (B, T, I), hx ((L*D, B, P or H), (L*D, B, H)), lengths (B,) -> output (B, T, D*(P or H)), (h_n, c_n).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        RuntimeError: the last axis of input is not I (torch's type and words).

    >>> lstm = LSTM(4, 8, batch_first=True, bidirectional=True)
    >>> output, (h_n, c_n), gates = lstm(torch.randn(2, 5, 4), lengths=[5, 3], return_gates=True)
    >>> output.shape, c_n.shape, gates["f"].shape
    (torch.Size([2, 5, 16]), torch.Size([2, 2, 8]), torch.Size([2, 2, 5, 8]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        peepholes: bool = False,
        forget_bias: float | None = None,
        chrono_init: int | None = None,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        layer_norm: bool = False,
        learned_state: bool = False,
        recurrent_init: Literal["uniform", "orthogonal"] = "uniform",
        backend: str = "auto",
    ):
        super().__init__(
            LSTMCell(peepholes),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            zoneout=zoneout,
            layer_norm=layer_norm,
            learned_state=learned_state,
            recurrent_init=recurrent_init,
            backend=backend,
            forget_bias=forget_bias,
            chrono_init=chrono_init,
        )


class GRU(RecurrentLayer):
    """Gated recurrent unit over a padded batch; drop-in for `torch.nn.GRU`.

        r_t = sigmoid(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
        z_t = sigmoid(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
        n_t = tanh(W_in x_t + b_in + r_t * (W_hn h_{t-1} + b_hn))
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    Reset after the product (Cho et al., arXiv:1406.1078v1), as cuDNN. Gate order: r, z, n.

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch.
        reset: "after" the product, or "before" it: n_t = tanh(W_in x_t + b_in + W_hn (r_t * h_{t-1}) + b_hn)
            (arXiv:1406.1078v3, Keras with reset_after=False).
        chrono_init: longest time span in steps that the gates should keep (arXiv:1804.11188); None for none.
        recurrent_dropout, weight_drop, zoneout, layer_norm, learned_state, recurrent_init, backend: as in `RNN`.
    Shapes (batch_first):
        input (B, T, I), hx (L*D, B, H), lengths (B,) -> output (B, T, D*H), h_n (L*D, B, H).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        RuntimeError: the last axis of input is not I (torch's type and words).

    >>> gru = GRU(4, 8, batch_first=True, reset="before")
    >>> output, h_n = gru(torch.randn(2, 5, 4))
    >>> gru.backend, gru.backend_reason
    ('reference', 'torch\\'s kernels do not know reset="before"')
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        reset: Literal["after", "before"] = "after",
        chrono_init: int | None = None,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        learned_state: bool = False,
        recurrent_init: Literal["uniform", "orthogonal"] = "uniform",
        backend: str = "auto",
        **other,
    ):
        _refuse_unknown("GRU", other)
        if reset not in ("after", "before"):
            raise InputError(f"expected 'after' or 'before', got {reset!r}", where="reset")
        super().__init__(
            GRUCell(reset),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            zoneout=zoneout,
            layer_norm=layer_norm,
            learned_state=learned_state,
            recurrent_init=recurrent_init,
            backend=backend,
            chrono_init=chrono_init,
        )


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


def _refuse_unknown(name: str, other: dict) -> None:
    if "proj_size" in other:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if other:
        raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(other))}'")


def _share(name: str, rate: float) -> float:
    if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or not 0 <= rate < 1:
        raise InputError(f"expected a number from 0 to below 1, got {rate!r}", where=name)
    return float(rate)


def _check_torch_arguments(
    input_size: int,
    hidden_size: int,
    num_layers: int,
    bias: bool,
    batch_first: bool,
    dropout: float,
    proj_size: int,
) -> None:
    """What `torch.nn.RNNBase` checks, in its words."""
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # pyright: ignore
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
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
