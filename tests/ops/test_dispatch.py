from __future__ import annotations

import pytest
import torch

from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.cells.rnn import RNNCell
from recurra.errors import BackendError, InputError
from recurra.ops.dispatch import choose_backend
from recurra.ops.time_loop import Variant

OBSTACLES = [
    (LSTMCell(peepholes=True), Variant(), {}, "peepholes=True"),
    (GRUCell("before"), Variant(), {}, 'reset="before"'),
    (RNNCell(), Variant(layer_norm=True), {}, "layer_norm=True"),
    (RNNCell(), Variant(recurrent_dropout=0.2), {}, "recurrent_dropout=0.2"),
    (LSTMCell(), Variant(zoneout=(0.1, 0.0)), {}, "zoneout=0.1, 0"),
    (GRUCell(), Variant(), {"gates": True}, "return_gates=True"),
    (GRUCell(), Variant(), {"dtype": torch.complex64}, "dtype=torch.complex64"),
]


@pytest.mark.parametrize(("cell", "variant", "extra", "option"), OBSTACLES, ids=[o[3] for o in OBSTACLES])
def test_obstacle_is_named(cell, variant, extra, option):
    choice = choose_backend("auto", cell, variant, training=True, **extra)
    assert choice.backend == "reference" and option in choice.reason
    with pytest.raises(BackendError) as caught:
        choose_backend("fused", cell, variant, training=True, **extra)
    assert option in str(caught.value)
    assert choose_backend("reference", cell, variant, training=True, **extra).backend == "reference"


@pytest.mark.parametrize("cell", [RNNCell(), RNNCell("relu"), LSTMCell(), GRUCell()])
def test_plain_cells_run_fused(cell):
    assert choose_backend("auto", cell, Variant(), training=True).backend == "fused"
    assert choose_backend("fused", cell, Variant(), training=True).backend == "fused"


def test_recurrent_dropout_stands_in_the_way_only_in_training():
    assert (
        choose_backend("auto", GRUCell(), Variant(recurrent_dropout=0.2), training=False).backend == "fused"
    )


def test_unknown_backend_lists_the_known_ones():
    with pytest.raises(InputError, match="auto, fused, reference"):
        choose_backend("cuda", GRUCell(), Variant(), training=True)
