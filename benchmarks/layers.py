"""A training step of one layer on a CPU, ours beside torch.nn's: forward and backward, batch 64, 200 steps.

    python benchmarks/layers.py [--threads N] [--repeats K] [--lengths] [64 128 256 512]

With `--lengths`, sequences of 20 to 200 steps, uniformly: torch's as a PackedSequence, packed and padded within the
step, ours by `lengths`.

Both layers have the same weights, and their outputs and gradients are compared before anything is timed. The two take
turns; shown are the medians, and the median of the ratios of neighbours (torch / ours). Close everything else first.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from trials import machine, table

import recurra

BATCH, STEPS = 64, 200


def work(
    layer: nn.Module, x: Tensor, of_output: Tensor, lengths: Tensor | None
) -> Callable[[], list[Tensor]]:
    """One step: the output, and the gradients of input and weights."""
    leaves = [x, *layer.parameters()]

    def output_of() -> Tensor:
        if lengths is None:
            return layer(x)[0]
        if isinstance(layer, nn.RNNBase):
            packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
            return pad_packed_sequence(layer(packed)[0], total_length=len(x))[0]
        return layer(x, lengths=lengths)[0]

    def step() -> list[Tensor]:
        output = output_of()
        return [output, *torch.autograd.grad(output, leaves, of_output)]

    return step


def seconds(step: Callable[[], object]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def compare(name: str, units: int, repeats: int, unequal: bool) -> list[str]:
    """A row of the table."""
    torch.manual_seed(0)
    theirs = getattr(nn, name)(units, units)
    ours = getattr(recurra, name)(units, units)
    ours.load_state_dict(theirs.state_dict())
    x, of_output = torch.randn(STEPS, BATCH, units, requires_grad=True), torch.randn(STEPS, BATCH, units)
    lengths = torch.randint(20, STEPS + 1, (BATCH,)) if unequal else None
    pair = work(theirs, x, of_output, lengths), work(ours, x, of_output, lengths)
    for expected, found in zip(pair[0](), pair[1](), strict=True):
        scale = max(1.0, float(expected.detach().abs().max()))
        assert float((found - expected).detach().abs().max()) <= 1e-4 * scale, f"{name} {units} differs"
    times = [tuple(seconds(step) for step in pair) for _ in range(repeats)]
    torch_s, ours_s = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    return [
        name,
        str(units),
        f"{1e3 * torch_s:.1f} ms",
        f"{1e3 * ours_s:.1f} ms",
        f"{ratio:.2f}",
        ours.backend,
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--lengths", action="store_true")
    parser.add_argument("units", type=int, nargs="*", default=[64, 128, 256, 512])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{machine()}; torch {torch.__version__}; {given.threads} threads; float32\n")
    names = ("RNN", "GRU", "LSTM")
    rows = [compare(name, units, given.repeats, given.lengths) for units in given.units for name in names]
    print(table(["layer", "units", "torch.nn", "recurra", "torch / ours", "backend"], rows))


if __name__ == "__main__":
    main()
