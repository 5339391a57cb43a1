"""A call from Python, written down so that it can be made again."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_PLAIN = (str, int, float, bool, type(None))
_DATA = ("data", "test")
_LONG = 200  # characters, more than which are a text, not the name of a file


def written_call(function: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """`function` called with `given`, but for arguments that have their default.

    Data that are no file, and what cannot be read back, such as a class, are written as a name.

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
    if name in _DATA and not isinstance(value, str | os.PathLike):
        return name
    written = _in_words(name, value)
    return written if len(written) <= _LONG or name not in _DATA else name


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, os.PathLike):
        return repr(os.fspath(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_in_words(str(key), each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_in_words(name, each) for each in value) + "]"
    if isinstance(value, np.generic):
        value = value.item()
    own = str(getattr(value, "__name__", name))
    return repr(value) if isinstance(value, _PLAIN) else own if own.isidentifier() else name
