"""Every layer with every option keeps the contract, in float32 and float64, at awkward sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recurra.layers.parallel import MinGRU, MinLSTM
from recurra.layers.recurrent import GRU, LSTM, RNN
from recurra.ops.native import instruction_sets
from recurra.ops.recurrence import layer as recurrence_layer

from .contract import Case, check_contract, known_to_torch

# torch says once that oneDNN has no projections; nothing depends on it.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")

# name -> (layer, options). Plain ones have a twin in torch.nn.
PLAIN = {
    "RNN": (RNN, {}),
    "RNN relu": (RNN, {"nonlinearity": "relu"}),
    "LSTM": (LSTM, {}),
    "LSTM projected": (LSTM, {"proj_size": 1}),
    "GRU": (GRU, {}),
}
EVERYWHERE = {
    "recurrent_dropout": 0.3,
    "weight_drop": 0.3,
    "zoneout": 0.2,
    "layer_norm": True,
    "learned_state": True,
    "recurrent_init": "orthogonal",
}
VARIANTS = {
    **{
        f"{c.__name__} {name}": (c, {name: value})
        for c in (RNN, LSTM, GRU)
        for name, value in EVERYWHERE.items()
    },
    "LSTM peepholes": (LSTM, {"peepholes": True}),
    "LSTM forget_bias": (LSTM, {"forget_bias": 1.0}),
    "LSTM chrono_init": (LSTM, {"chrono_init": 20}),
    "LSTM zoneout pair": (LSTM, {"zoneout": (0.1, 0.4)}),
    "LSTM everything": (
        LSTM,
        {"peepholes": True, "layer_norm": True, "zoneout": 0.1, "proj_size": 1, "learned_state": True},
    ),
    "GRU before": (GRU, {"reset": "before"}),
    "GRU chrono_init": (GRU, {"chrono_init": 20}),
    **{
        f"{c.__name__} {name}": (c, {name: value} if name else {})
        for c in (MinGRU, MinLSTM)
        for name, value in {
            "": None,
            "zoneout": 0.2,
            "layer_norm": True,
            "learned_state": True,
            "chrono_init": 20,
        }.items()
    },
    "GRU everything": (GRU, {"reset": "before", "layer_norm": True, "zoneout": 0.1, "learned_state": True}),
}


@st.composite
def sizes(draw) -> dict:
    steps = draw(st.sampled_from([1, 2, 4, 7]))
    lengths = draw(st.lists(st.integers(0, steps), min_size=1, max_size=5))
    return {
        "inputs": draw(st.sampled_from([1, 2, 5])),
        "units": draw(st.sampled_from([1, 3, 15, 17])),
        "num_layers": draw(st.sampled_from([1, 2])),
        "bidirectional": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "steps": steps,
        "lengths": lengths,
        "seed": draw(st.integers(0, 99)),
    }


def make_case(
    layer_type, options: dict, size: dict, dtype: torch.dtype
) -> tuple[Case, torch.nn.Module | None]:
    if "layer_norm" in options and dtype == torch.float32:
        # The spread of a few numbers may be next to nothing, and each step and layer divides by it: at such
        # sizes only float64 can tell a mistake from rounding.
        size = size | {"inputs": 5, "units": max(15, size["units"])}
    torch.manual_seed(size["seed"])
    units, needs_bias = size["units"], "forget_bias" in options or "chrono_init" in options
    common = {
        "num_layers": size["num_layers"],
        "bidirectional": size["bidirectional"],
        "bias": size["bias"] or needs_bias,
        "batch_first": True,
        "dtype": dtype,
    }
    if "proj_size" in options and units == 1:
        units = 2
    layer = layer_type(size["inputs"], units, **common, **options).eval()
    for name, p in layer.named_parameters():
        if name.startswith("initial_"):
            torch.nn.init.normal_(p)
    rows, batch = size["num_layers"] * (2 if size["bidirectional"] else 1), len(size["lengths"])
    widths = (layer.proj_size or units, units)[: len(layer.cell.states)]
    case = Case(
        layer,
        torch.randn(batch, size["steps"], size["inputs"], dtype=dtype),
        tuple(torch.randn(rows, batch, width, dtype=dtype) for width in widths),
        size["lengths"],
    )
    if not known_to_torch(layer) or layer.learned_state:
        return case, None
    twin_options = {k: v for k, v in options.items() if k in ("nonlinearity", "proj_size")}
    return case, getattr(torch.nn, layer_type.__name__)(size["inputs"], units, **common, **twin_options)


def check_sizes(
    name: str,
    dtype: torch.dtype,
    examples: int,
    check_one: Callable[[Case, torch.nn.Module | None], None] = check_contract,
) -> None:
    """Draw so many sizes of the layer of that name, and try each."""
    layer_type, options = {**PLAIN, **VARIANTS}[name]

    @settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=examples,
        suppress_health_check=list(HealthCheck),
    )
    @given(size=sizes())
    def check(size: dict) -> None:
        case, twin = make_case(layer_type, options, size, dtype)
        assert (twin is not None) == (known_to_torch(case.layer) and not case.layer.learned_state)
        check_one(case, twin)

    check()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", PLAIN)
def test_plain_layer_keeps_the_contract(name, dtype):
    check_sizes(name, dtype, 12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", VARIANTS)
def test_variant_keeps_the_contract(name, dtype):
    check_sizes(name, dtype, 4)


NATIVE = [*PLAIN, "GRU before", "RNN recurrent_dropout", "GRU recurrent_dropout", "LSTM recurrent_dropout"]
NATIVE.remove("LSTM projected")


@pytest.mark.skipif(not instruction_sets(), reason="the native kernels were not built")
@pytest.mark.parametrize("name", NATIVE)
def test_native_kernels_keep_the_contract_from_the_first_step(name, monkeypatch):
    monkeypatch.setattr(recurrence_layer, "_SHORT", 1)
    check_sizes(name, torch.float32, 4)


@pytest.mark.full
@pytest.mark.parametrize("instructions", instruction_sets())
@pytest.mark.parametrize("name", NATIVE)
def test_every_instruction_set_keeps_the_contract(name, instructions, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    monkeypatch.setattr(recurrence_layer, "_SHORT", 1)
    check_sizes(name, torch.float32, 100)


@pytest.mark.full
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", [*PLAIN, *VARIANTS])
def test_contract_at_many_sizes(name, dtype):
    check_sizes(name, dtype, 150)
