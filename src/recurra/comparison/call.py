"""A call from Python, written down so that it can be made again."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

_PLAIN = (str, int, float, bool, type(None))
_LONG = 200  # characters, more than which are data, not the name of a file


def written_call(function: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """`function` called with `given`, but for arguments that have their default.

    What is long or cannot be read back is written as its own name (a class) or as that of the argument (a frame).

    Args:
        given: name of an argument -> what it was, in any order; those of `**roles` beside the others.

    >>> def made(data, *, cells=None, seeds=3, **roles): ...
    >>> written_call(made, {"data": object(), "cells": ["gru"], "seeds": 3, "text": "review"})
    "recurra.made(data, cells=['gru'], text='review')"
    """
    words = []
    parameters = inspect.signature(function).parameters
    for name in sorted(
        given, key=lambda name: list(parameters).index(name) if name in parameters else len(given)
    ):
        parameter, value = parameters.get(name), given[name]
        unsaid = parameter is not None and isinstance(value, _PLAIN) and value == parameter.default
        if value is None or unsaid:
            continue
        positional = parameter is not None and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        words.append(_written(name, value) if positional else f"{name}={_written(name, value)}")
    return f"recurra.{function.__name__}({', '.join(words)})"


def _written(name: str, value: Any) -> str:
    if isinstance(value, os.PathLike):
        return repr(os.fspath(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_written(str(key), each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(name, each) for each in value) + "]"
    plain = isinstance(value, _PLAIN) and not (isinstance(value, str) and len(value) > _LONG)
    return repr(value) if plain else getattr(value, "__name__", name)
