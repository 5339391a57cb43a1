"""How a training step grows with the sequence, in time and in memory: layers of 128 units, 32 sequences at once.

    python benchmarks/growth.py [--threads 1 2] [--repeats K] [--units N] [--batch N] [50 200 1000 5000]

Time: forward and backward of one layer, ours and torch.nn's in turns, over the steps of the sequence: constant, if the
work grows with the sequence alone. Results are compared before anything is timed.

Memory, for each step of each sequence:
- kept: bytes that autograd keeps from the forward to the backward pass (`saved_tensors_hooks`, every storage once), and
  the output. The input, which is there anyway, is left out, and so is what does not grow with the sequence: it is the
  difference between two lengths.
- peak: by how much the peak of resident memory of a process grows, which does one training step after a short one;
  again between two lengths (Linux). It holds everything: input, output, their gradients, what is kept, and scratch.

bfloat16, where the processor multiplies in it, is under autocast; ours only where it has a kernel for it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from trials import table

import recurra
from recurra.bench.layers import GATES, has_bfloat16, measure_training, training_step
from recurra.bench.machine import machine
from recurra.bench.measurement import OURS, in_bfloat16

WHO = {OURS: recurra, "torch": nn}


def times(given: argparse.Namespace, threads: int) -> list[list[str]]:
    """A row for each layer and precision: microseconds a step at each length, ours and, in brackets, torch's."""
    torch.set_num_threads(threads)
    rows = []
    for cell in GATES:
        found = [
            measure_training(
                cell,
                given.units,
                steps=steps,
                batch=given.batch,
                repeats=max(3, given.repeats * min(given.steps) // steps),
            )
            for steps in given.steps
        ]
        for precision, ours, theirs in (
            ("float32", OURS, "torch"),
            ("bfloat16", in_bfloat16(OURS), in_bfloat16("torch")),
        ):
            if ours not in found[0].seconds:
                continue
            a_step = [
                {peer: 1e6 * m.seconds[peer] / steps for peer in (ours, theirs)}
                for m, steps in zip(found, given.steps, strict=True)
            ]
            cells = [f"{t[ours]:.1f} ({t[theirs]:.1f})" for t in a_step]
            grown = [f"{a_step[-1][peer] / a_step[0][peer]:.2f}" for peer in (ours, theirs)]
            rows.append([cell, precision, str(threads), *cells, f"{grown[0]} ({grown[1]})"])
    return rows


def memory(given: argparse.Namespace) -> list[list[str]]:
    """A row for each layer, precision and who."""
    shorter, longer = 200, 400
    rows = []
    for cell in GATES:
        for bfloat16 in (False, True) if has_bfloat16() else (False,):
            for who in WHO:
                if who == OURS and bfloat16 and not _ours_in_bfloat16(cell, given.units):
                    continue
                kept = [
                    kept_bytes(cell, who, given.units, steps, given.batch, bfloat16=bfloat16)
                    for steps in (shorter, longer)
                ]
                # Lengths at which it outgrows everything that importing torch needed for a moment.
                peaks = [
                    _peak_of_process(cell, who, given, 10 * steps, bfloat16=bfloat16)
                    for steps in (shorter, longer)
                ]
                of_each = [
                    (more - less) / (steps * given.batch)
                    for (less, more), steps in ((kept, longer - shorter), (peaks, 10 * (longer - shorter)))
                ]
                precision = "bfloat16" if bfloat16 else "float32"
                rows.append([cell, precision, who, *(f"{value:,.0f}" for value in of_each)])
    return rows


def kept_bytes(cell: str, who: str, units: int, steps: int, batch: int, *, bfloat16: bool) -> int:
    """Bytes that the forward pass leaves for the backward pass, and the output; not the input."""
    layer, x, _ = _parts(cell, who, units, steps, batch)
    storages: dict[int, Tensor] = {}

    def keep(t: Tensor) -> Tensor:
        storages[t.untyped_storage().data_ptr()] = t  # held, so that no other comes to the same place
        return t

    with saved_tensors_hooks(keep, lambda t: t), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        output = layer(x)[0]
    keep(output)
    storages.pop(x.untyped_storage().data_ptr(), None)  # under autocast it is a copy that is kept
    return sum(t.untyped_storage().nbytes() for t in storages.values())


def peak(cell: str, who: str, units: int, steps: int, batch: int, *, bfloat16: bool) -> int:
    """The peak of resident memory of this process in bytes, after a training step."""
    torch.set_num_threads(1)
    for length in (10, steps):
        layer, x, of_output = _parts(cell, who, units, length, batch)
        training_step(layer, x, of_output, None, bfloat16=bfloat16)()
    # Not `getrusage`, whose peak begins with that of the process which started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def _peak_of_process(cell: str, who: str, given: argparse.Namespace, steps: int, *, bfloat16: bool) -> int:
    arguments = [cell, who, *map(str, (given.units, steps, given.batch, int(bfloat16)))]
    command = [sys.executable, __file__, "--peak", *arguments]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _parts(cell: str, who: str, units: int, steps: int, batch: int) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    layer = getattr(WHO[who], cell)(units, units)
    return layer, torch.randn(steps, batch, units, requires_grad=True), torch.randn(steps, batch, units)


def _ours_in_bfloat16(cell: str, units: int) -> bool:
    with torch.autocast("cpu", torch.bfloat16):
        return getattr(recurra, cell)(units, units).backend == "native"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--repeats", type=int, default=60, help="turns at the shortest length, fewer at longer ones"
    )
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("steps", type=int, nargs="*", default=[50, 200, 1000, 5000])
    given = parser.parse_args()
    print(f"{machine()}; torch {torch.__version__}; {given.units} units, {given.batch} sequences\n")
    rows = [row for threads in given.threads for row in times(given, threads)]
    lengths = [f"{steps:,} steps" for steps in given.steps]
    print("Microseconds for each step of the sequence, ours and, in brackets, torch.nn's\n")
    print(table(["layer", "precision", "threads", *lengths, "longest / shortest"], rows), flush=True)
    print("\nBytes for each step of each sequence\n")
    print(
        table(["layer", "precision", "", "kept for the backward pass", "peak of the process"], memory(given))
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        cell, who, *numbers = sys.argv[2:]
        units, steps, batch, bfloat16 = map(int, numbers)
        print(peak(cell, who, units, steps, batch, bfloat16=bool(bfloat16)))
    else:
        main()
