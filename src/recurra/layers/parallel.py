"""MinGRU and MinLSTM: recurrent layers that run all steps in parallel, and still step by step where they are fed so."""

from __future__ import annotations

from typing import Unpack

import torch

from ..cells.mingru import MinGRUCell
from ..cells.minlstm import MinLSTMCell
from ..cells.parallel import ParallelCell
from ..errors import InputError
from .base import Options, RecurrentLayer
from .recurrent import check_options


class _ParallelLayer(RecurrentLayer):
    def __init__(
        self,
        cell: ParallelCell,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        chrono_init: int | None,
        options: Options,
    ):
        check_options(type(self).__name__, options)
        for name, nothing in (
            ("recurrent_dropout", 0.0),
            ("weight_drop", 0.0),
            ("recurrent_init", "uniform"),
        ):
            if options.get(name, nothing) != nothing:
                raise InputError(
                    f"{type(self).__name__} has no recurrent product that it could act on",
                    where=name,
                    fix="Leave it out.",
                )
        super().__init__(
            cell,
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


class MinGRU(_ParallelLayer):
    """minGRU over a padded batch, all steps in parallel.

        z_t = sigmoid(W_iz x_t + b_iz)
        n_t = W_in x_t + b_in
        h_t = (1 - z_t) * h_{t-1} + z_t * n_t

    Feng et al. 2024 (arXiv:2410.01201). Gate order: z, n; z near 1 takes the new value. `backend` "native" runs on
    our kernels for a CPU, "scan" all steps in parallel (`recurra.ops.scan`), "reference" one after the other.

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch's layers.
        chrono_init: longest time span in steps that the gates should keep (arXiv:1804.11188); None for none.
        options: see `recurra.layers.Options`; those that act on a recurrent product are refused, for there is none.
    Shapes (batch_first):
        input (B, T, I), hx (L*D, B, H), lengths (B,) -> output (B, T, D*H), h_n (L*D, B, H).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        InputError: an option that would have no effect.
        RuntimeError: the last axis of input is not I.

    >>> gru = MinGRU(4, 8, batch_first=True)
    >>> output, h_n = gru(torch.randn(2, 5, 4), lengths=[5, 3])
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
        chrono_init: int | None = None,
        **options: Unpack[Options],
    ):
        super().__init__(
            MinGRUCell(),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device,
            dtype,
            chrono_init,
            options,
        )


class MinLSTM(_ParallelLayer):
    """minLSTM over a padded batch, all steps in parallel.

        i_t, f_t = softmax over the two of (log sigmoid(W_ii x_t + b_ii), log sigmoid(W_if x_t + b_if))
        g_t = W_ig x_t + b_ig
        h_t = f_t * h_{t-1} + i_t * g_t

    Feng et al. 2024 (arXiv:2410.01201), where i' and f' are divided by their sum: the same. Gate order: i, f, g. There
    is one state, h. `backend` "native" runs on our kernels for a CPU, "scan" all steps in parallel
    (`recurra.ops.scan`), "reference" one after the other.

    Args:
        input_size: I, features per step.
        hidden_size: H, units per layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in torch's layers.
        chrono_init: longest time span in steps that the gates should keep (arXiv:1804.11188); None for none.
        options: see `recurra.layers.Options`; those that act on a recurrent product are refused, for there is none.
    Shapes (batch_first):
        input (B, T, I), hx (L*D, B, H), lengths (B,) -> output (B, T, D*H), h_n (L*D, B, H).
        Steps past `lengths` leave the state as it is; their output is 0.
    Raises:
        InputError: an option that would have no effect.
        RuntimeError: the last axis of input is not I.

    >>> lstm = MinLSTM(4, 8, batch_first=True, bidirectional=True)
    >>> output, h_n, gates = lstm(torch.randn(2, 5, 4), lengths=[5, 3], return_gates=True)
    >>> output.shape, h_n.shape, sorted(gates)
    (torch.Size([2, 5, 16]), torch.Size([2, 2, 8]), ['f', 'g', 'h', 'i'])
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
        chrono_init: int | None = None,
        **options: Unpack[Options],
    ):
        super().__init__(
            MinLSTMCell(),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device,
            dtype,
            chrono_init,
            options,
        )
