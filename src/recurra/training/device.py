"""Where a network runs, and how precisely."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import torch

from recurra.errors import InputError
from recurra.training.config import TrainingConfig

Precision = Literal["float32", "bfloat16"]


def settle(config: TrainingConfig) -> TrainingConfig:
    """`config` with nothing left to the machine: device, precision and threads as a run keeps them.

    Raises:
        InputError: a GPU is asked for and there is none.

    >>> settle(TrainingConfig(device="cpu", precision="float32", threads=2)).threads
    2
    """
    device = resolve_device(config.device)
    settled = {
        "device": device.type,
        "precision": resolve_precision(config.precision, device),
        "threads": config.threads or torch.get_num_threads(),
    }
    return config.model_copy(update=settled)


def resolve_device(asked: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The GPU where there is one, unless another device is asked for.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "a GPU is asked for, and torch finds none", where="training.device", fix="Take auto or cpu."
        )
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def resolve_precision(asked: Literal["auto", "float32", "bfloat16"], device: torch.device) -> Precision:
    """What "auto" means here: bfloat16 where the machine multiplies matrices in it, else float32.

    That is a GPU that supports it, or a CPU with AMX tiles; elsewhere bfloat16 is emulated and slower.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if torch.cpu.get_capabilities().get("amx_bf16", False) else "float32"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager:
    """The context in which a network runs at `precision`; weights and losses stay in float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """The context in which a GPU multiplies 32-bit floats as such; what torch was told before holds again after it.

    cuDNN's recurrent layers and convolutions round them to 19 bits (TF32) unless told not to. Who wants speed has
    bfloat16; float32 is asked for where numbers are to be those of a CPU.
    """
    if device.type != "cuda":
        yield
        return
    cudnn: Any = torch.backends.cudnn
    kinds = (cudnn.rnn, cudnn.conv)
    before = [kind.fp32_precision for kind in kinds]
    try:
        for kind in kinds:
            kind.fp32_precision = "ieee"
        yield
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision
