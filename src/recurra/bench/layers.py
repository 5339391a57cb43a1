"""A training step of one layer: forward and backward."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import recurra
from recurra.bench.keras_peer import KerasPeer
from recurra.bench.measurement import OURS, Measurement, in_bfloat16, in_turns
from recurra.errors import RecurraError

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
BATCH, STEPS, SHORTEST = 64, 200, 20
CONVERTED = "torch, bfloat16 weights"
_FLOAT, _BFLOAT = 1e-4, 0.1  # how far results of `STEPS` steps may be off, at a scale of 1

Step = Callable[[], list[Tensor]]


def measure_training(
    cell: str,
    units: int,
    *,
    repeats: int,
    steps: int | None = None,
    batch: int | None = None,
    unequal: bool = False,
    keras: Sequence[KerasPeer] = (),
    converted: bool = False,
    beside: Mapping[str, Callable[[], object]] | None = None,
) -> Measurement:
    """Ours beside torch's and Keras', with as many inputs as units.

    Outputs and the gradients of input and weights are compared first. Where the machine multiplies in bfloat16, torch
    does so under autocast as well, and so do we where the layer has a kernel for it.

    Args:
        cell: "RNN", "GRU" or "LSTM".
        repeats: turns.
        steps, batch: of the sequences; 200 and 64.
        unequal: sequences of 20 steps to all; torch's as a PackedSequence, packed and padded within the step.
        keras: who else takes part; not in `unequal`.
        converted: torch's layer also with weights, input and output that are bfloat16 themselves.
        beside: other work that takes its turn, and has no results to compare.

    Raises:
        RecurraError: results differ.
    """
    torch.manual_seed(0)
    steps, batch = steps or STEPS, batch or BATCH
    theirs, ours = getattr(nn, cell)(units, units), getattr(recurra, cell)(units, units)
    ours.load_state_dict(theirs.state_dict())
    x, of_output = torch.randn(steps, batch, units, requires_grad=True), torch.randn(steps, batch, units)
    lengths = torch.randint(SHORTEST, steps + 1, (batch,)) if unequal else None
    work = {
        OURS: training_step(ours, x, of_output, lengths),
        "torch": training_step(theirs, x, of_output, lengths),
    }
    if has_bfloat16():
        work |= _bfloat16(ours, theirs, x, of_output, lengths, converted=converted)
    expected = work["torch"]()
    found = {peer: step() for peer, step in work.items()}
    found |= {} if unequal else {peer.name: _results(peer, theirs, x, of_output) for peer in keras}
    off = {}
    longer = max(1.0, steps / STEPS) ** 0.5  # errors of rounding add up like a random walk
    for peer, results in found.items():
        off[peer] = max(_off(a, b) for a, b in zip(results, expected, strict=True))
        if not off[peer] <= longer * (_BFLOAT if "bfloat16" in peer else _FLOAT):
            raise RecurraError(
                f"the results of {peer} and torch differ by {off[peer]:.2g}", where=f"{cell}, {units} units"
            )
    del found, expected
    elsewhere = {peer.name: peer.seconds for peer in keras if peer.name in off}
    seconds, ratios = in_turns({**work, **(beside or {})}, repeats=repeats, elsewhere=elsewhere)
    numbers = steps * batch if lengths is None else int(lengths.sum())
    gates = GATES[cell]
    # Forward one product of each input and state with each gate, backward two.
    products = 3 * numbers * gates * units * 2 * units
    kept = 0 if cell == "RNN" else gates + 1  # gates, and a cell state or what stands for one
    # Read x, the gradient of the output, and what forward keeps; written are output, gradient of x and what is kept.
    traffic = 4 * (numbers * units * (6 + 2 * kept) + 4 * gates * units * 2 * units)
    return Measurement("training step", cell, units, batch, seconds, ratios, products, traffic, off)


def training_step(
    layer: nn.Module, x: Tensor, of_output: Tensor, lengths: Tensor | None, *, bfloat16: bool = False
) -> Step:
    """Forward and backward through a layer of ours or of `torch.nn`.

    Args:
        x: (T, B, I), a leaf that wants its gradient; of_output: (T, B, H).
        lengths: (B,) valid steps.
        bfloat16: under autocast.

    Returns:
        What gives output, gradient of x, and gradients of the weights in their order.
    """
    leaves = [x, *layer.parameters()]

    def output_of() -> Tensor:
        if lengths is None:
            return layer(x)[0]
        if isinstance(layer, nn.RNNBase):
            packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
            return pad_packed_sequence(layer(packed)[0], total_length=len(x))[0]
        return layer(x, lengths=lengths)[0]

    def step() -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext():
            output = output_of()
        return [output, *torch.autograd.grad(output, leaves, of_output.to(output.dtype))]

    return step


def has_bfloat16() -> bool:
    """Whether this machine multiplies in bfloat16; elsewhere torch imitates it, slowly."""
    return (
        torch.backends.mkldnn.is_available()
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    )


def _bfloat16(
    ours: nn.Module,
    theirs: nn.Module,
    x: Tensor,
    of_output: Tensor,
    lengths: Tensor | None,
    *,
    converted: bool,
) -> dict[str, Step]:
    """Who computes in bfloat16; ours only where it has a kernel of its own for it."""
    steps = {in_bfloat16("torch"): training_step(theirs, x, of_output, lengths, bfloat16=True)}
    with torch.autocast("cpu", torch.bfloat16):
        native = ours.backend == "native"
    if native:
        steps[in_bfloat16(OURS)] = training_step(ours, x, of_output, lengths, bfloat16=True)
    if converted:
        layer = copy.deepcopy(theirs).to(torch.bfloat16)
        leaf = x.detach().to(torch.bfloat16).requires_grad_()
        steps[CONVERTED] = training_step(layer, leaf, of_output.to(torch.bfloat16), lengths)
    return steps


def _results(peer: KerasPeer, layer: nn.Module, x: Tensor, of_output: Tensor) -> list[Tensor]:
    """Those of `_work`, from a peer with the sequences on the first axis."""
    given = {name: weight.numpy() for name, weight in layer.state_dict().items()}
    given |= {
        name: t.detach().transpose(0, 1).contiguous().numpy()
        for name, t in (("x", x), ("of_output", of_output))
    }
    output, of_x, *of_weights = map(torch.from_numpy, peer.results(layer.__class__.__name__, given))
    return [output.transpose(0, 1), of_x.transpose(0, 1), *of_weights]


def _off(found: Tensor, expected: Tensor) -> float:
    scale = max(1.0, float(expected.detach().abs().max()))
    return float((found.detach() - expected.detach()).abs().max()) / scale
