"""Encoders: from steps to as many steps, each of which knows what came before it. One face, whatever is inside.

    output, state = encoder(input, hx, lengths=lengths)

Batch first; padding never leaks; the state is what it carries from call to call. `out_features` are the numbers that it
gives for each step; with `directions` 2 the second half of them was computed from the end to the beginning.
`stages()` are the same step by step, or an error that says why it cannot be.
"""

from __future__ import annotations

from typing import Any

from recurra.layers import GRU, LSTM, RNN, MinGRU, MinLSTM, RecurrentLayer
from recurra.networks.config import EncoderConfig

RECURRENT = {"rnn": RNN, "lstm": LSTM, "gru": GRU, "mingru": MinGRU, "minlstm": MinLSTM}

Encoder = RecurrentLayer


def make_encoder(
    config: EncoderConfig,
    input_size: int,
    *,
    bidirectional: bool = False,
    dropout: float = 0.0,
    **options: Any,
) -> Encoder:
    """What `config.cell` names.

    Args:
        dropout: between layers.
        options: of a recurrent layer alone, see `recurra.layers.Options`.
    """
    return RECURRENT[config.cell](
        input_size,
        config.hidden_size,
        num_layers=config.num_layers,
        bidirectional=bidirectional,
        batch_first=True,
        dropout=dropout if config.num_layers > 1 else 0.0,
        **options,
    )
