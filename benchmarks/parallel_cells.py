"""A training step of layers that run all steps in parallel, beside GRU: forward and backward, against sequence length.

    python benchmarks/parallel_cells.py [--threads N] [--repeats K] [--units H] [--batch B] [128 512 2048 8192]

Inputs are as many as units. Before anything is timed, outputs and gradients of MinGRU and MinLSTM, on our kernels and
on the scan in plain PyTorch, are compared with the loop step by step; more than 1e-5 off (relative to the largest
number, where that is above 1) ends the script. Shown are medians, how many times as fast each is as GRU on our kernels
and on torch's, and how far off the loop it was. Close everything else first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn
from trials import table

import recurra
from recurra.bench.machine import machine
from recurra.bench.measurement import OURS, in_turns

LAYERS = [("GRU", "native"), ("GRU", "fused")]
LAYERS += [(name, backend) for name in ("MinGRU", "MinLSTM") for backend in ("native", "scan")]
NEAR = 1e-5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("steps", type=int, nargs="*", default=[128, 512, 2048, 8192])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(
        f"{machine()}; torch {torch.__version__}; {given.threads} threads; float32; "
        f"batch {given.batch}, {given.units} units\n"
    )
    rows = []
    for steps in given.steps:
        rows += measured(steps, given.batch, given.units, given.repeats)
    print(
        table(
            ["steps", "layer", "kernels", "training step", "our GRU / it", "torch's GRU / it", "off by"], rows
        )
    )


def measured(steps: int, batch: int, units: int, repeats: int) -> list[list[str]]:
    """A row for each layer."""
    torch.manual_seed(0)
    x = torch.randn(steps, batch, units, requires_grad=True)
    of_output = torch.randn(steps, batch, units) / steps
    layers = {each: getattr(recurra, each[0])(units, units, backend=each[1]) for each in LAYERS}
    off = {each: _off(layer, x, of_output) for each, layer in layers.items() if each[0] != "GRU"}
    works = {" ".join(each): _work(layer, x, of_output) for each, layer in layers.items()}
    ours = " ".join(LAYERS[0])
    seconds, _ = in_turns({OURS: works.pop(ours), **works}, repeats=repeats)
    seconds[ours] = seconds[OURS]
    took = {each: seconds[" ".join(each)] for each in LAYERS}
    return [
        [
            str(steps),
            each[0],
            {"native": "ours", "fused": "torch's", "scan": "scan"}[each[1]],
            f"{1e3 * took[each]:.1f} ms",
            *(f"{took[gru] / took[each]:.1f}" for gru in LAYERS[:2]),
            f"{off[each]:.1e}" if each in off else "",
        ]
        for each in LAYERS
    ]


def _work(layer: nn.Module, x: Tensor, of_output: Tensor) -> Callable[[], list[Tensor]]:
    leaves = [x, *layer.parameters()]

    def step() -> list[Tensor]:
        output, _ = layer(x)
        return [output.detach(), *torch.autograd.grad(output, leaves, of_output)]

    return step


def _off(layer: nn.Module, x: Tensor, of_output: Tensor) -> float:
    """The largest difference from the loop step by step."""
    work, asked = _work(layer, x, of_output), layer.asked_backend
    found = work()
    layer.asked_backend = "reference"
    expected = work()
    layer.asked_backend = asked
    pairs = zip(found, expected, strict=True)
    off = max(float((a - b).abs().max()) / max(1.0, float(b.abs().max())) for a, b in pairs)
    if off > NEAR:
        sys.exit(f"{type(layer).__name__}, {asked}, {len(x)} steps: {off:.1e} off the loop, more than {NEAR}")
    return off


if __name__ == "__main__":
    main()
