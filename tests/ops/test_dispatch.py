from __future__ import annotations

import pytest
import torch

from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.cells.rnn import RNNCell
from recurra.errors import BackendError, InputError
from recurra.ops import dispatch
from recurra.ops.dispatch import choose_backend
from recurra.ops.native import instruction_sets
from recurra.ops.time_loop import Variant

FASTEST = "native" if instruction_sets() else "fused"
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
    if option in ('reset="before"', "recurrent_dropout=0.2") and FASTEST == "native":
        assert choice.backend == "native"
    else:
        assert choice.backend == "reference" and option in choice.reason
    with pytest.raises(BackendError) as caught:
        choose_backend("fused", cell, variant, training=True, **extra)
    assert option in str(caught.value)
    assert choose_backend("reference", cell, variant, training=True, **extra).backend == "reference"


@pytest.mark.parametrize("cell", [RNNCell(), RNNCell("relu"), LSTMCell(), GRUCell()])
def test_plain_cells_run_fast(cell):
    assert choose_backend("auto", cell, Variant(), training=True).backend == FASTEST
    assert choose_backend("fused", cell, Variant(), training=True).backend == "fused"


def test_recurrent_dropout_stands_in_the_way_only_in_training():
    found = choose_backend("auto", GRUCell(), Variant(recurrent_dropout=0.2), training=False)
    assert found.backend == FASTEST


def test_unknown_backend_lists_the_known_ones():
    with pytest.raises(InputError, match="auto, native, fused, reference"):
        choose_backend("cuda", GRUCell(), Variant(), training=True)


@pytest.mark.skipif(FASTEST != "native", reason="the native kernels were not built")
@pytest.mark.parametrize(
    ("cell", "extra", "option"),
    [
        (LSTMCell(), {"dtype": torch.float64}, "dtype=torch.float64"),
        (LSTMCell(), {"device": "cuda"}, "device=cuda"),
        (LSTMCell(), {"projection": True}, "proj_size"),
        (LSTMCell(peepholes=True), {}, "peepholes=True"),
        (GRUCell(), {"gates": True}, "return_gates=True"),
    ],
)
def test_what_the_native_kernels_do_not_know_is_named_and_runs_elsewhere(cell, extra, option):
    assert choose_backend("auto", cell, Variant(), training=True, **extra).backend != "native"
    with pytest.raises(BackendError, match=option):
        choose_backend("native", cell, Variant(), training=True, **extra)


@pytest.mark.skipif(FASTEST != "native", reason="the native kernels were not built")
def test_native_kernels_run_in_bfloat16_and_leave_float16_to_others():
    with torch.autocast("cpu", torch.bfloat16):
        assert choose_backend("auto", LSTMCell(), Variant(), training=True).backend == "native"
    with torch.autocast("cpu", torch.float16):
        assert choose_backend("auto", LSTMCell(), Variant(), training=True).backend == "fused"
    found = choose_backend("native", GRUCell("before"), Variant(), training=True, dtype=torch.bfloat16)
    assert found.backend == "native"


def test_without_native_kernels_torch_s_run_and_it_is_told(monkeypatch):
    monkeypatch.setattr(dispatch, "why_not_native", lambda: "they were not built")
    assert choose_backend("auto", LSTMCell(), Variant(), training=True).backend == "fused"
    assert choose_backend("auto", GRUCell("before"), Variant(), training=True).backend == "reference"
    with pytest.raises(BackendError, match="they were not built"):
        choose_backend("native", LSTMCell(), Variant(), training=True)
