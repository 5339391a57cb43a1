"""On a GPU: the same promises as on a CPU, and the numbers of the reference there."""

from __future__ import annotations

import pytest
import torch

from recurra.layers.parallel import MinGRU, MinLSTM
from recurra.ops.scan import linear_scan
from recurra.training.device import exact_float32
from tests.tolerances import TOLERANCE, assert_all_close, assert_close, assert_near_in_bfloat16

from .contract import Case, backends_of, check_contract, evaluate, forced, run
from .test_contract import PLAIN, VARIANTS, check_sizes

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
]
each_type = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@pytest.fixture(autouse=True)
def _in_full():
    """Without the 19-bit floats in which cuDNN multiplies 32-bit ones unless told not to."""
    with exact_float32(torch.device("cuda")):
        yield


@each_type
@pytest.mark.parametrize("name", [*PLAIN, *VARIANTS])
def test_layer_keeps_the_contract(name, dtype):
    def check(case: Case, twin: torch.nn.Module | None) -> None:
        check_contract(case.on("cuda"), None if twin is None else twin.cuda())

    check_sizes(name, dtype, 3, check)


@each_type
@pytest.mark.parametrize("name", [*PLAIN, *VARIANTS])
def test_every_backend_equals_the_reference_on_a_cpu(name, dtype):
    """With poisoned padding: outputs, states and all gradients."""

    def check(case: Case, _: torch.nn.Module | None) -> None:
        for b, length in enumerate(case.lengths):
            case.x[b, length:] = torch.nan
        with forced(case.layer, "reference"):
            truth = evaluate(case.layer, case.x, case.hx, case.lengths)
        there = case.on("cuda")
        for backend in backends_of(there.layer):
            with forced(there.layer, backend):
                found = evaluate(there.layer, there.x, there.hx, there.lengths)
            assert_all_close({each: value.cpu() for each, value in found.items()}, truth, there.slack)

    check_sizes(name, dtype, 6, check)


@pytest.mark.parametrize("name", [*PLAIN, "MinGRU ", "MinLSTM "])
def test_autocast_is_near_float32(name):
    """Outputs, states and gradients."""

    def check(case: Case, _: torch.nn.Module | None) -> None:
        there = case.on("cuda")
        truth = evaluate(there.layer, there.x, there.hx, there.lengths)
        with torch.autocast("cuda", torch.bfloat16):
            found = evaluate(there.layer, there.x, there.hx, there.lengths)
        for each, expected in truth.items():
            assert_near_in_bfloat16(found[each], expected, each)

    check_sizes(name, torch.float32, 6, check)


@pytest.mark.parametrize("layer_type", [MinGRU, MinLSTM], ids=lambda c: c.__name__)
@pytest.mark.parametrize("steps", [128, 512, 2048, 8192])
def test_scan_equals_the_loop_at_every_length(layer_type, steps):
    torch.manual_seed(steps)
    layer, x = layer_type(5, 17).cuda(), torch.randn(steps, 3, 5, device="cuda")
    hx = (torch.randn(1, 3, 17, device="cuda"),)
    with forced(layer, "reference"):
        truth = evaluate(layer, x, hx)
    with forced(layer, "scan"):
        assert_all_close(evaluate(layer, x, hx), truth)


def test_second_derivatives_of_the_scan():
    given = [torch.rand(30, 2, dtype=torch.float64, device="cuda", requires_grad=True) for _ in range(2)]
    given.append(torch.rand(2, dtype=torch.float64, device="cuda", requires_grad=True))
    assert torch.autograd.gradcheck(linear_scan, given, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(linear_scan, given)


@pytest.mark.parametrize("name", PLAIN)
def test_second_derivatives_equal_those_of_the_reference(name):
    def check(case: Case, _: torch.nn.Module | None) -> None:
        def second(case: Case) -> torch.Tensor:
            x = case.x.clone().requires_grad_()
            output, _ = run(case.layer, x, case.hx, case.lengths)
            (first,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
            return torch.autograd.grad(first.square().sum(), x)[0].cpu()

        truth = second(case)
        assert_close(second(case.on("cuda")), truth)

    check_sizes(name, torch.float64, 3, check)


def test_tolerances_are_those_of_a_cpu():
    """What cuDNN does unless told not to is farther off than that: why the fixture above is there."""
    torch.manual_seed(0)
    layer = torch.nn.LSTM(64, 128).cuda()
    x = torch.randn(50, 8, 64, device="cuda")
    with torch.no_grad():
        truth = layer(x)[0]
        torch.backends.cudnn.rnn.fp32_precision = "tf32"
        rough = layer(x)[0]
    assert float((rough - truth).abs().max()) > TOLERANCE[torch.float32]
