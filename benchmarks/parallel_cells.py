"""A training step of layers that run all steps in parallel, beside GRU: forward and backward, against sequence length.

    python benchmarks/parallel_cells.py [--threads N] [--repeats K] [--units H] [--batch B] [128 512 2048 8192]

Inputs are as many as units. Before anything is timed, outputs and gradients of MinGRU and MinLSTM are compared with the
loop step by step; more than 1e-5 off (relative to the largest number, where that is above 1) ends the script. Shown are
medians, how many times as fast as GRU, and how far off the scan was. Close everything else first.
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

LAYERS = ("GRU", "MinGRU", "MinLSTM")
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
    print(table(["steps", "layer", "backend", "training step", "GRU / it", "off by"], rows))


def measured(steps: int, batch: int, units: int, repeats: int) -> list[list[str]]:
    """A row for each layer."""
    torch.manual_seed(0)
    x = torch.randn(steps, batch, units, requires_grad=True)
    of_output = torch.randn(steps, batch, units) / steps
    layers = {name: getattr(recurra, name)(units, units) for name in LAYERS}
    off = {name: _off(layer, x, of_output) for name, layer in layers.items() if layer.backend == "scan"}
    works = {OURS if name == "GRU" else name: _work(layer, x, of_output) for name, layer in layers.items()}
    works[OURS]()
    seconds, _ = in_turns(works, repeats=repeats)
    seconds["GRU"] = seconds[OURS]
    return [
        [
            str(steps),
            name,
            layers[name].backend,
            f"{1e3 * seconds[name]:.1f} ms",
            f"{seconds['GRU'] / seconds[name]:.1f}",
            f"{off[name]:.1e}" if name in off else "",
        ]
        for name in LAYERS
    ]


def _work(layer: nn.Module, x: Tensor, of_output: Tensor) -> Callable[[], list[Tensor]]:
    leaves = [x, *layer.parameters()]

    def step() -> list[Tensor]:
        output, _ = layer(x)
        return [output.detach(), *torch.autograd.grad(output, leaves, of_output)]

    return step


def _off(layer: nn.Module, x: Tensor, of_output: Tensor) -> float:
    """The largest difference from the loop step by step."""
    work = _work(layer, x, of_output)
    found = work()
    layer.asked_backend = "reference"
    expected = work()
    layer.asked_backend = "auto"
    pairs = zip(found, expected, strict=True)
    off = max(float((a - b).abs().max()) / max(1.0, float(b.abs().max())) for a, b in pairs)
    if off > NEAR:
        sys.exit(
            f"{type(layer).__name__}, {len(x)} steps: the scan is {off:.1e} off the loop, more than {NEAR}"
        )
    return off


if __name__ == "__main__":
    main()
