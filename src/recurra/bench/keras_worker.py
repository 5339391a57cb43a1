"""One Keras backend in a process of its own, which is asked turn by turn; see `keras_peer.py` for who asks.

    KERAS_BACKEND=jax python -P keras_worker.py THREADS

Questions are lines of JSON on standard input, answers lines of JSON on standard output; arrays go through `.npz` files.
Nothing of Recurra is imported: any Python that has Keras can run this.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from typing import Any

import numpy as np

# Where the gates that torch has in this order stand in Keras.
_ORDER = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 1, 2, 3)}

Step = Callable[[], list[np.ndarray]]


def installed() -> dict[str, str]:
    """Backend -> what is installed of it, in words; nothing where Keras is not."""
    if find_spec("keras") is None:
        return {}
    packages = packages_distributions()  # TensorFlow's has several names
    there = {
        backend: packages[backend][0] for backend in ("jax", "tensorflow") if find_spec(backend) is not None
    }
    return {
        backend: f"Keras {version('keras')} on {package} {version(package)}"
        for backend, package in there.items()
    }


def make_step(cell: str, given: dict[str, np.ndarray]) -> tuple[Callable[[], Any], Step]:
    """A training step of a layer of a Keras model: compiled as Keras compiles its own, forward and backward.

    Args:
        cell: "RNN", "GRU" or "LSTM".
        given: x and of_output (B, T, units), and torch's weights by torch's names.

    Returns:
        The step, which waits for its results, and the same with output (B, T, H) and the gradients of x and of
        torch's four weights, as torch has them.
    """
    import keras  # pyright: ignore[reportMissingImports]

    x, of_output = given["x"], given["of_output"]
    units = of_output.shape[2]
    kind = {"RNN": keras.layers.SimpleRNN, "GRU": keras.layers.GRU, "LSTM": keras.layers.LSTM}[cell]
    layer = kind(units, return_sequences=True)  # a GRU resets after the product, as torch's
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    layer.set_weights(_to_keras(cell, given))
    compiled = _on_jax if keras.config.backend() == "jax" else _on_tensorflow
    step = compiled(model, x, of_output)

    def results() -> list[np.ndarray]:
        output, of_x, of_weights = step()
        return [np.asarray(output), np.asarray(of_x), *_to_torch(cell, [np.asarray(g) for g in of_weights])]

    return step, results


def _on_jax(model: Any, x: np.ndarray, of_output: np.ndarray) -> Callable[[], Any]:
    """`jax.jit` over a `stateless_call`, as in Keras' own trainer."""
    import jax  # pyright: ignore[reportMissingImports]

    def loss(weights: Any, x: Any, of_output: Any) -> Any:
        output, _ = model.stateless_call(weights, others, x, training=True)
        return (output * of_output).sum(), output

    weights = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    graded = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
    given = jax.device_put(x), jax.device_put(of_output)

    def step() -> Any:
        (_, output), (of_weights, of_x) = jax.block_until_ready(graded(weights, *given))
        return output, of_x, of_weights

    return step


def _on_tensorflow(model: Any, x: np.ndarray, of_output: np.ndarray) -> Callable[[], Any]:
    """A `tf.function`, with XLA where Keras would take it."""
    import tensorflow as tf  # pyright: ignore[reportMissingImports]

    model.compile(loss="mse")
    given = tf.constant(x), tf.constant(of_output)
    weights = [v.value for v in model.trainable_variables]

    @tf.function(jit_compile=model.jit_compile)
    def graded(x: Any, of_output: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = model(x, training=True)
        of_x, *of_weights = tape.gradient(output, [x, *weights], output_gradients=of_output)
        return output, of_x, of_weights

    def step() -> Any:
        output, of_x, of_weights = graded(*given)
        of_weights[-1].numpy()  # a step may still be under way when the call returns
        return output, of_x, of_weights

    return step


def _to_keras(cell: str, given: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Weights of torch as kernel (I, G*H), recurrent kernel (H, G*H) and bias, a GRU's (2, G*H)."""
    w_ih, w_hh, b_ih, b_hh = (
        _gates(given[name], _ORDER[cell])
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    )
    return [w_ih.T, w_hh.T, np.stack([b_ih, b_hh]) if cell == "GRU" else b_ih + b_hh]


def _to_torch(cell: str, found: list[np.ndarray]) -> list[np.ndarray]:
    """Gradients of Keras' weights as those of torch's; where there is one bias, it is both."""
    kernel, recurrent, bias = found
    b_ih, b_hh = bias if cell == "GRU" else (bias, bias)
    back = tuple(np.argsort(_ORDER[cell]))
    return [_gates(array, back) for array in (kernel.T, recurrent.T, b_ih, b_hh)]


def _gates(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(array, len(order))
    return np.concatenate([parts[k] for k in order])


def _limit_threads(threads: int) -> None:
    """Before the backend is imported."""
    if os.environ["KERAS_BACKEND"] == "jax":
        os.environ["NPROC"] = str(threads)  # what XLA sizes its pool of threads by
        return
    import tensorflow as tf  # pyright: ignore[reportMissingImports]

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def _answer(steps: dict[str, Callable[[], Any]], question: dict[str, Any]) -> Any:
    """To "layer": arrays are read from and written to the files named; to "seconds": of `count` steps."""
    if question["ask"] == "layer":
        with np.load(question["given"]) as file:
            steps["step"], results = make_step(question["cell"], dict(file))
        np.savez(question["results"], *results())
        return None
    begin = time.perf_counter()
    for _ in range(question["count"]):
        steps["step"]()
    return time.perf_counter() - begin


def main(arguments: list[str]) -> None:
    """Say what is installed, or answer until the questions end."""
    # Libraries that print must not come between question and answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if arguments == ["--installed"]:
        print(json.dumps(installed()), file=answers)
        return
    _limit_threads(int(arguments[0]))
    steps: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        print(json.dumps(_answer(steps, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
