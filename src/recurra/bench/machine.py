"""What this machine can do at best: the roof over every rate."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import torch

_SIZE, _BYTES = 1536, 256 << 20


@dataclass(frozen=True)
class Roof:
    """The best of several tries with as many threads as torch has.

    Args:
        products: multiplications a second, of large matrix products in 32-bit floats by torch.
        bytes: read and written a second, of a copy much larger than the caches.
    """

    products: float
    bytes: float


def machine() -> str:
    """Processor and number of cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().split("\n") if "model name" in line
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores of {model}"


def measure_roof(tries: int = 7) -> Roof:
    """Measure it, in about two seconds."""
    a, b = torch.randn(_SIZE, _SIZE), torch.randn(_SIZE, _SIZE)
    c = torch.empty(_SIZE, _SIZE)
    source, place = torch.zeros(_BYTES // 8), torch.zeros(_BYTES // 8)
    product = min(_seconds(lambda: torch.mm(a, b, out=c)) for _ in range(tries))
    copy = min(_seconds(lambda: place.copy_(source)) for _ in range(tries))
    return Roof(_SIZE**3 / product, _BYTES / copy)


def _seconds(work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
