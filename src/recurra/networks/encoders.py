"""Encoders: from steps to as many steps, each of which knows what came before it. One face, whatever is inside.

    output, state = encoder(input, hx, lengths=lengths)

Batch first; padding never leaks; the state is what it carries from call to call. `out_features` are the numbers that it
gives for each step; with `directions` 2 the second half of them was computed from the end to the beginning.
`stages()` are the same step by step, or an error that says why it cannot be.
"""

from __future__ import annotations

from typing import Any

from recurra.errors import InputError
from recurra.layers import (
    GRU,
    LSTM,
    RNN,
    TCN,
    FeedForward,
    MinGRU,
    MinLSTM,
    RecurrentLayer,
    TransformerEncoder,
)
from recurra.layers.tcn import blocks_for
from recurra.networks.config import OWN, EncoderConfig
from recurra.networks.own import OwnEncoder

RECURRENT = {"rnn": RNN, "lstm": LSTM, "gru": GRU, "mingru": MinGRU, "minlstm": MinLSTM}

Encoder = RecurrentLayer | TCN | TransformerEncoder | FeedForward | OwnEncoder


def make_encoder(
    config: EncoderConfig,
    input_size: int,
    *,
    steps: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    chrono: bool = False,
    **options: Any,
) -> Encoder:
    """What `config.cell` names: one of Recurra's, or a user's own module where it is handed over.

    Args:
        steps: of a long sequence; a TCN gets as many blocks as it takes to see them all.
        bidirectional: a step knows what comes after it, too: of a transformer without a second direction. Layers
            without recurrence know neither.
        dropout: between layers, and within those of a TCN and a transformer.
        chrono: gates begin by keeping the state over 1 to `steps` steps (Tallec & Ollivier, arXiv:1804.11188); a plain
            RNN, a TCN, a transformer and layers without recurrence have no gates.
        options: of a recurrent layer alone, see `recurra.layers.Options`.

    Raises:
        InputError: an option that the encoder does not have, or a user's own module that is not handed over.
    """
    if config.cell in RECURRENT:
        if chrono and config.cell != "rnn":
            options["chrono_init"] = max(3, steps)
        return RECURRENT[config.cell](
            input_size,
            config.hidden_size,
            num_layers=config.num_layers,
            bidirectional=bidirectional,
            batch_first=True,
            dropout=dropout if config.num_layers > 1 else 0.0,
            **options,
        )
    for name, value in options.items():
        if value:
            raise InputError(
                f"it acts within recurrent cells; a {config.cell_name} has none",
                where=f"network.{name}",
                fix="Leave it out.",
            )
    if config.cell.startswith(OWN):
        return OwnEncoder(config.cell.removeprefix(OWN), input_size, config.hidden_size)
    if config.cell == "feedforward":
        return FeedForward(
            input_size, config.hidden_size, config.num_layers, batch_first=True, dropout=dropout
        )
    if config.cell == "tcn":
        return TCN(
            input_size,
            config.hidden_size,
            config.blocks or max(config.num_layers, blocks_for(steps, config.kernel_size)),
            config.kernel_size,
            inner_size=config.inner_size,
            batch_first=True,
            dropout=dropout,
            bidirectional=bidirectional,
        )
    return TransformerEncoder(
        input_size,
        config.hidden_size,
        config.num_layers,
        config.heads,
        inner_size=config.inner_size,
        batch_first=True,
        dropout=dropout,
        causal=not bidirectional,
    )
