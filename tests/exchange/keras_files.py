"""Keras 3 files as Keras writes them, made without it: config, weights in HDF5, and a zip around both."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

SNAKE = {
    "SimpleRNN": "simple_rnn",
    "LSTM": "lstm",
    "GRU": "gru",
    "Bidirectional": "bidirectional",
    "TimeDistributed": "time_distributed",
    "Dense": "dense",
    "Embedding": "embedding",
}
DTYPE = {
    "module": "keras",
    "class_name": "DTypePolicy",
    "config": {"name": "float32"},
    "registered_name": None,
}


def layer(class_name: str, name: str, **options: Any) -> dict[str, Any]:
    """A layer as `config.json` has it, with what Keras writes beside the options that matter."""
    config = {"name": name, "trainable": True, "dtype": DTYPE, "kernel_initializer": {"class_name": "X"}}
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": config | options,
        "registered_name": None,
    }


def recurrent(class_name: str, name: str, units: int, **options: Any) -> dict[str, Any]:
    gate = {} if class_name == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    usual = {
        "return_sequences": False,
        "return_state": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "zero_output_for_mask": False,
        "activation": "tanh",
        "use_bias": True,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
        "seed": None,
    }
    return layer(class_name, name, units=units, **(usual | gate | options))


def input_layer(*shape: int | None) -> dict[str, Any]:
    config = {"batch_shape": [None, *shape], "dtype": "float32", "sparse": False, "name": "input_layer"}
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": config,
        "registered_name": None,
    }


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "sequential", "trainable": True, "layers": list(layers)},
        "registered_name": None,
    }


def tensor(name: str, output: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, output]}}


def functional(*layers: dict[str, Any], mask_of: str | None = None) -> dict[str, Any]:
    """A chain as a Functional model; with `mask_of`, the operation that Keras adds for an Embedding's mask.

    Args:
        mask_of: the name of the layers, from which on each is given the mask.
    """
    saved, before, masked = [], None, False
    for one in layers:
        name = one["config"]["name"]
        options = {"mask": tensor("not_equal")} if masked else {}
        nodes = [] if before is None else [{"args": [tensor(before)], "kwargs": options}]
        saved.append({**one, "name": name, "inbound_nodes": nodes})
        if name == mask_of:
            node = {"args": [tensor(layers[0]["config"]["name"]), 0], "kwargs": {}}
            operation = {
                "module": "keras.src.ops.numpy",
                "class_name": "NotEqual",
                "registered_name": "NotEqual",
            }
            saved.append(
                {**operation, "config": {"name": "not_equal"}, "name": "not_equal", "inbound_nodes": [node]}
            )
            masked = True
        before = name
    first, last = layers[0]["config"]["name"], layers[-1]["config"]["name"]
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "functional",
            "layers": saved,
            "input_layers": [first, 0, 0],
            "output_layers": [last, 0, 0],
        },
        "registered_name": "Functional",
    }


def places(config: dict[str, Any]) -> list[str]:
    """Where the weights of each layer of a model stand in the HDF5 file."""
    counts: Counter[str] = Counter()
    found = []
    for one in config["config"]["layers"]:
        name = SNAKE.get(one["class_name"], one["class_name"].lower())
        found.append(f"layers/{name}_{counts[name]}" if counts[name] else f"layers/{name}")
        counts[name] += 1
    return found


def weights_file(arrays: dict[str, list[np.ndarray]]) -> bytes:
    """HDF5 with `place/vars/0` and so on."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for place, of_layer in arrays.items():
            group = file.create_group(f"{place}/vars")
            for n, array in enumerate(of_layer):
                group.create_dataset(str(n), data=array)
    return content.getvalue()


def write_keras(
    path: Path,
    config: Any,
    arrays: dict[str, list[np.ndarray]] | bytes,
    *,
    version: str = "3.15.1",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    content = arrays if isinstance(arrays, bytes) else weights_file(arrays)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version, "date_saved": "2026-01-01"}))
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", content)
    return path


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0, 0.5, shape).astype(np.float32)


def drawn_cell(rng: np.random.Generator, class_name: str, inputs: int, units: int, **options: Any) -> list:
    """Kernel, recurrent kernel and bias, in Keras' shapes."""
    rows = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}[class_name] * units
    found = [drawn(rng, inputs, rows), drawn(rng, units, rows)]
    if options.get("use_bias", True):
        two = class_name == "GRU" and options.get("reset_after", True)
        found.append(drawn(rng, 2, rows) if two else drawn(rng, rows))
    return found
