"""The native kernels of this machine: which are there, which are taken, and what is missing.

They are built when the package is installed, one module for each instruction set (`csrc/`). Without a compiler there
are none, and everything runs on torch's kernels.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from types import ModuleType

import torch

from ..errors import BackendError

_PACKAGE = "_recurra_native"
_INTERFACE = 9  # of csrc/module.cpp
_VARIABLE = "RECURRA_ISA"
_PROCESS = os.getpid()  # a process forked from it has none of the threads that torch may have started


def native_kernels() -> ModuleType | None:
    """The module of the best instruction set of this machine, or of the one that RECURRA_ISA names; None: not built.

    Raises:
        BackendError: RECURRA_ISA names one that is not there.
    """
    return _kernels(os.environ.get(_VARIABLE) or None)


def chosen() -> str | None:
    """The instruction set whose kernels run; None where nothing was built."""
    kernels = native_kernels()
    return None if kernels is None else kernels.__name__.removeprefix(f"{_PACKAGE}.")


def instruction_sets() -> list[str]:
    """Those that this machine can run and that were built, the best first; none where nothing was built."""
    portable = _module("portable")
    if portable is None:
        return []
    return [name for name in portable.supported() if _module(name) is not None]


@torch.compiler.assume_constant_result
def why_not_native() -> str | None:
    """What is missing, in words; None where the kernels are there.

    Raises:
        BackendError: RECURRA_ISA names an instruction set that is not there.
    """
    if native_kernels() is not None:
        return None
    return "the native kernels were not built: install again where there is a C++ compiler, and layers train faster"


@cache
def _kernels(asked: str | None) -> ModuleType | None:
    there = instruction_sets()
    if asked is None:
        return _module(there[0]) if there else None
    if asked not in there:
        raise BackendError(
            f"expected one of {', '.join(there) or 'none, for none were built'}, found {asked!r}",
            where=_VARIABLE,
            fix="Name one of these, or leave the variable away.",
        )
    return _module(asked)


@cache
def _module(name: str) -> ModuleType | None:
    """None where it is not built, or was built from another version of the source."""
    try:
        module = import_module(f"{_PACKAGE}.{name}")
    except ImportError:
        return None
    if module.INTERFACE != _INTERFACE:
        return None
    if os.getpid() != _PROCESS:
        module.leave_torchs_threads()
    return module
