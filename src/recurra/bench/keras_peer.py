"""Keras as a peer: only one of its backends can live in a process, so each has one of its own (`keras_worker.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from recurra.errors import InputError, RecurraError

_WORKER = Path(__file__).with_name("keras_worker.py")
NAMES = {"jax": "Keras on JAX", "tensorflow": "Keras on TensorFlow"}


def keras_backends(python: str = sys.executable) -> dict[str, str]:
    """Backend -> what is installed of it, in words; nothing where Keras, or what it runs on, is not installed.

    Args:
        python: the Python to look in.

    Raises:
        InputError: that is no Python, or too old a one.
    """
    try:
        done = subprocess.run([python, "-P", str(_WORKER), "--installed"], capture_output=True, check=True)
        return json.loads(done.stdout)
    except (OSError, subprocess.CalledProcessError, json.JSONDecodeError) as error:
        raise InputError(
            f"expected a Python 3.11 or later with NumPy, found {python}", where="the Python that has Keras"
        ) from error


class KerasPeer:
    """A layer in Keras, on one of its backends, in a process of its own; to be closed, or used in a `with`.

    The process waits between the questions that are put to it, and times its own steps, so that it can take its turn
    with what runs here. It has as many threads as it is told.

    Args:
        backend: "jax" or "tensorflow".
        threads: that it may use.
        python: the Python that has Keras.
    """

    def __init__(self, backend: str, *, threads: int, python: str = sys.executable):
        self.name = NAMES[backend]
        self._place = tempfile.TemporaryDirectory(prefix="recurra-bench-")
        self._errors = Path(self._place.name) / "errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [python, "-P", str(_WORKER), str(threads)],
                env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def results(self, cell: str, given: Mapping[str, Any]) -> list[np.ndarray]:
        """One training step of a layer, which `seconds` is about from now on.

        Args:
            cell: "RNN", "GRU" or "LSTM".
            given: x and of_output (B, T, units), and torch's weights by torch's names.

        Returns:
            Output (B, T, H), and the gradients of x and of torch's four weights.

        Raises:
            RecurraError: the process failed; its last words are in the message.
        """
        place = Path(self._place.name)
        files = {name: str(place / f"{name}.npz") for name in ("given", "results")}
        np.savez(files["given"], **given)
        self._ask(ask="layer", cell=cell, **files)
        with np.load(files["results"]) as file:
            return list(file.values())

    def seconds(self, count: int) -> float:
        """Of `count` training steps, one after the other."""
        return self._ask(ask="seconds", count=count)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()
        self._place.cleanup()

    def _ask(self, **question: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._process.wait()
            said = self._errors.read_text(encoding="utf-8", errors="replace").strip()
            raise RecurraError(
                f"the process ended with status {self._process.returncode}: {said[-2000:]}", where=self.name
            )
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
