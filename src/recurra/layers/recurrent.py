"""RNN, LSTM and GRU over padded batches: drop-in for `torch.nn`'s, with what torch lacks."""

from __future__ import annotations

from typing import Literal, Unpack

import torch

from ..cells.gru import GRUCell
from ..cells.lstm import LSTMCell
from ..cells.rnn import RNNCell
from ..errors import InputError
from .base import Options, RecurrentLayer


class RNN(RecurrentLayer):
    """Simple recurrent network over a padded batch; drop-in for `torch.nn.RNN`.

        h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),   f = tanh or max(0, .)

    Elman 1990 (doi:10.1207/s15516709cog1402_1).

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch.
        nonlinearity: f, "tanh" or "relu".
        options: what torch lacks, see `recurra.layers.Options`.
    Shapes (batch_first):
        input (B, T, I), hx (L*D, B, H), lengths (B,) -> output (B, T, D*H), h_n (L*D, B, H).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        RuntimeError: the last axis of input is not I (torch's type and words).

    >>> rnn = RNN(4, 8, nonlinearity="relu", batch_first=True)
    >>> output, h_n = rnn(torch.randn(2, 5, 4), lengths=[5, 3])
    >>> output.shape, h_n.shape
    (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
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
        **options: Unpack[Options],
    ):
        check_options("RNN", options)
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
            **options,
        )

    def extra_repr(self) -> str:
        """The arguments that differ from their defaults."""
        shown = super().extra_repr()
        return shown if self.nonlinearity == "tanh" else f"{shown}, nonlinearity={self.nonlinearity!r}"


class LSTM(RecurrentLayer):
    """Long short-term memory over a padded batch; drop-in for `torch.nn.LSTM`.

        i_t = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)
        f_t = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf)
        g_t = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
        o_t = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho)
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    Hochreiter & Schmidhuber 1997, forget gate by Gers et al. 2000 (doi:10.1162/089976600300015015).
    Gate order: i, f, g, o.

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch.
        proj_size: P, project h_t to so many features (arXiv:1402.1128); 0 for none.
        peepholes: i, f and o also see the cell state (see `recurra.cells.lstm`).
        forget_bias: initial bias of the forget gate; None leaves torch's.
        chrono_init: longest time span in steps that the gates should keep (arXiv:1804.11188); None for none.
        options: what torch lacks, see `recurra.layers.Options`.
    Shapes (batch_first):
        input (B, T, I), hx ((L*D, B, P), (L*D, B, H)), lengths (B,) -> output (B, T, D*P), (h_n, c_n); P = H
        without a projection.
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
        **options: Unpack[Options],
    ):
        check_options("LSTM", options)
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
            forget_bias=forget_bias,
            chrono_init=chrono_init,
            **options,
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
        options: what torch lacks, see `recurra.layers.Options`.
    Shapes (batch_first):
        input (B, T, I), hx (L*D, B, H), lengths (B,) -> output (B, T, D*H), h_n (L*D, B, H).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        RuntimeError: the last axis of input is not I (torch's type and words).

    >>> gru = GRU(4, 8, batch_first=True, reset="before")
    >>> output, h_n = gru(torch.randn(2, 5, 4))
    >>> output.shape, h_n.shape
    (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
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
        **options: Unpack[Options],
    ):
        check_options("GRU", options)
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
            chrono_init=chrono_init,
            **options,
        )


def check_options(layer: str, options: Options) -> None:
    """Refuse what the layer does not have, as Python and torch would: `**options` alone lets all pass."""
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(f"{layer}.__init__() got an unexpected keyword argument {unknown[0]!r}")
