"""An imported network beside the program that it came from: both asked the same, drawn at random."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recurra.errors import InputError, RecurraError
from recurra.exchange.network import ImportedNetwork
from recurra.exchange.specs import ActivationSpec
from recurra.exchange.torch_layers import modules_of
from recurra.exchange.torch_weights import read_tensors

_WORKER = Path(__file__).with_name("keras_answers.py")
_SEQUENCES, _STEPS = 8, 12
_MINUTES = 10


class Checked(NamedTuple):
    """What a check found.

    Args:
        difference: the largest one of all outputs; None where there was nothing to compare with.
        beside: what it was compared with, or why it was not and what to do.
    """

    difference: float | None
    beside: str


def drawn_input(network: ImportedNetwork, seed: int = 0) -> Tensor:
    """Sequences at random: ids, or normal numbers. Those that the network may skip stand at the front, too.

    Every sequence has a step that is not skipped: Keras divides by the number of them.
    """
    rng, wanted = np.random.default_rng(seed), network.description.input
    steps, batch = wanted.steps or _STEPS, int(network.origin.get("batch", _SEQUENCES))
    first = network.description.layers[0]
    if first.kind == "embedding":
        ids = rng.integers(0, first.ids, (batch, steps))
        if first.zero_masks and first.ids > 1:
            for row, padding in enumerate(rng.integers(0, steps, batch)):
                ids[row, :padding] = 0
            ids[:, -1] = rng.integers(1, first.ids, batch)
        return torch.from_numpy(ids)
    x = rng.standard_normal((batch, steps, wanted.width), dtype=np.float32)
    if first.kind == "masking":
        skipped = rng.random((batch, steps)) < 0.3
        skipped[:, -1] = False
        x[skipped] = first.value
    return torch.from_numpy(x)


@torch.no_grad()
def check_keras(network: ImportedNetwork, path: str | Path, *, python: str = sys.executable) -> Checked:
    """Beside Keras, which reads the same file in a process of its own.

    Args:
        python: the Python that has Keras.

    Raises:
        InputError: there is no such Python.
        RecurraError: Keras failed; its last words are in the message.
    """
    given = drawn_input(network)
    with tempfile.TemporaryDirectory(prefix="recurra-import-") as folder:
        asked, answered = Path(folder) / "input.npy", Path(folder) / "output.npy"
        np.save(asked, given.numpy().astype(np.int32 if not given.is_floating_point() else np.float32))
        try:
            done = subprocess.run(
                [python, "-P", str(_WORKER), str(path), str(asked), str(answered)],
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
                capture_output=True,
                check=False,
                text=True,
                errors="replace",
                timeout=60 * _MINUTES,
            )
        except OSError as error:
            raise InputError(
                f"expected a Python 3.11 or later, found {python}", where="the Python that has Keras"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise RecurraError(f"Keras did not answer within {_MINUTES} minutes", where=str(path)) from error
        if done.returncode:
            raise RecurraError(
                f"Keras could not be asked, status {done.returncode}: {done.stderr.strip()[-1000:]}",
                where=str(path),
            )
        beside = json.loads(done.stdout)
        if beside is None:
            return Checked(
                None, "Keras is not installed: pip install keras jax, or name a Python that has it."
            )
        expected = torch.from_numpy(np.load(answered, allow_pickle=False))
    return Checked(largest_difference(network.eval()(given), expected), beside)


@torch.no_grad()
def check_torch(network: ImportedNetwork, path: str | Path) -> Checked:
    """Beside `torch.nn`'s own layers with the same weights, put together in the same order: whether the file meant
    another one is not in it.

    Raises:
        DataError: the file can no longer be read.
    """
    modules = modules_of(read_tensors(Path(path)), str(path))
    specs = network.description.layers
    given = drawn_input(network)
    y, last = given, given
    for table in modules.tables.values():
        y = F.embedding(y, table)
    for weights in modules.recurrent.values():
        y, state = _torch_layer(weights, any("rnn_relu" in spec.model_dump_json() for spec in specs))(y)
        h = state[0] if isinstance(state, tuple) else state
        last = torch.cat([h[-2], h[-1]], -1) if "weight_ih_l0_reverse" in weights else h[-1]
    y = y if network.shapes[-1].kind == "steps" else last
    between = [spec.function for spec in specs if isinstance(spec, ActivationSpec)]
    for place, (_, weight, bias) in enumerate(modules.linear):
        y = F.linear(y, weight, bias)
        if between and place < len(modules.linear) - 1:
            y = torch.relu(y) if between[0] == "relu" else torch.tanh(y)
    return Checked(
        largest_difference(network.eval()(given), y),
        f"the layers of torch.nn {torch.__version__} in this order",
    )


def _torch_layer(weights: dict[str, Tensor], relu: bool) -> nn.Module:
    """Torch's own layer of these weights."""
    w_ih, w_hh, w_hr = weights["weight_ih_l0"], weights["weight_hh_l0"], weights.get("weight_hr_l0")
    units = w_hh.size(1) if w_hr is None else w_hr.size(1)
    options: dict[str, Any] = {
        "num_layers": sum(name.startswith("weight_ih") and not name.endswith("reverse") for name in weights),
        "bias": "bias_ih_l0" in weights,
        "batch_first": True,
        "bidirectional": "weight_ih_l0_reverse" in weights,
    }
    match w_hh.size(0) // units:
        case 4:
            layer = nn.LSTM(w_ih.size(1), units, proj_size=0 if w_hr is None else w_hr.size(0), **options)
        case 3:
            layer = nn.GRU(w_ih.size(1), units, **options)
        case _:
            layer = nn.RNN(w_ih.size(1), units, nonlinearity="relu" if relu else "tanh", **options)
    layer.load_state_dict(weights)
    return layer


def largest_difference(found: Tensor, expected: Tensor) -> float:
    """Of all outputs.

    Raises:
        RecurraError: they are not even of the same shape, or one is a number where the other is none.

    >>> both = torch.tensor([1.0, -torch.inf, torch.nan])
    >>> largest_difference(both + torch.tensor([0.5, 0.0, 0.0]), both)
    0.5
    """
    if found.shape != expected.shape:
        raise RecurraError(
            f"expected an output of shape {tuple(expected.shape)}, found {tuple(found.shape)}: please report this"
        )
    same = (found == expected) | (found.isnan() & expected.isnan())
    off = torch.where(same, 0, (found.double() - expected.double()).abs())
    if not off.isfinite().all():
        raise RecurraError(
            "one of the original and the copy answers a number where the other gives none: please report this"
        )
    return float(off.max())
