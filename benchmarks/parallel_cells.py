"""A training step of layers that run all steps in parallel, beside GRU: forward and backward, against sequence length.

    python benchmarks/parallel_cells.py [--threads N] [--repeats K] [--units H] [--batch B] [--device cuda]
                                        [128 512 2048 8192]

Inputs are as many as units. On a GPU there are no kernels of our own. Before anything is timed, outputs and gradients
of MinGRU and MinLSTM, on our kernels and on the scan in plain PyTorch, are compared with the loop step by step; more
than 1e-5 off (relative to the largest number, where that is above 1) ends the script. Shown are medians, how many
times as fast each is as GRU on our kernels and on torch's, and how far off the loop it was. Close everything else
first.
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
from recurra.training.device import exact_float32

GRUS = {"native": ("GRU", "native"), "fused": ("GRU", "fused")}
NEAR = 1e-5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("steps", type=int, nargs="*", default=[128, 512, 2048, 8192])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    place = torch.cuda.get_device_name() if given.device == "cuda" else f"{given.threads} threads"
    print(
        f"{machine()}; torch {torch.__version__}; {place}; float32; batch {given.batch}, {given.units} units\n"
    )
    backends = ["native", "fused", "scan"] if given.device == "cpu" else ["fused", "scan"]
    beside = [gru for backend, gru in GRUS.items() if backend in backends]
    layers = [
        *beside,
        *((name, backend) for name in ("MinGRU", "MinLSTM") for backend in backends if backend != "fused"),
    ]
    rows = []
    with exact_float32(torch.device(given.device)):
        for steps in given.steps:
            rows += measured(layers, beside, steps, given)
    names = {"native": "our GRU / it", "fused": "torch's GRU / it"}
    ratios = [names[backend] for _, backend in beside]
    print(table(["steps", "layer", "kernels", "training step", *ratios, "off by"], rows))


def measured(
    kinds: list[tuple[str, str]], beside: list[tuple[str, str]], steps: int, given: argparse.Namespace
) -> list[list[str]]:
    """A row for each layer, with its ratio to each of `beside`."""
    torch.manual_seed(0)
    units, shape = given.units, (steps, given.batch, given.units)
    x = torch.randn(shape, device=given.device, requires_grad=True)
    of_output = torch.randn(shape, device=given.device) / steps
    layers = {
        each: getattr(recurra, each[0])(units, units, backend=each[1]).to(given.device) for each in kinds
    }
    off = {each: _off(layer, x, of_output) for each, layer in layers.items() if each[0] != "GRU"}
    works = {each: _timed(_work(layer, x, of_output)) for each, layer in layers.items()}
    for work in works.values():
        work()
    names = {each: OURS if each == kinds[0] else " ".join(each) for each in kinds}
    seconds, _ = in_turns({names[each]: work for each, work in works.items()}, repeats=given.repeats)
    took = {each: seconds[names[each]] for each in kinds}
    return [
        [
            str(steps),
            each[0],
            {"native": "ours", "fused": "torch's", "scan": "scan"}[each[1]],
            f"{1e3 * took[each]:.1f} ms",
            *(f"{took[gru] / took[each]:.1f}" for gru in beside),
            f"{off[each]:.1e}" if each in off else "",
        ]
        for each in kinds
    ]


def _timed(work: Callable[[], list[Tensor]]) -> Callable[[], None]:
    """`work`, waited for: a GPU gives back its results before they are there."""

    def step() -> None:
        if work()[0].is_cuda:
            torch.cuda.synchronize()

    return step


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
