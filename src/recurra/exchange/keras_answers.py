"""What Keras answers, in a process of its own; see `checking.py` for who asks.

    python -P keras_answers.py MODEL.keras INPUT.npy OUTPUT.npy

Prints one line of JSON: what is installed, or null where Keras, or what it runs on, is not. Nothing of Recurra is
imported: any Python that has Keras can run this.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec

BACKENDS = ("jax", "tensorflow", "torch")


def main(model_file: str, input_file: str, output_file: str) -> None:
    """Load the model, without code of its own, and write down what it answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not come before the answer
    there = [backend for backend in BACKENDS if find_spec(backend) is not None]
    if find_spec("keras") is None or not there:
        print("null", file=answers)
        return
    os.environ.setdefault("KERAS_BACKEND", there[0])
    import keras  # pyright: ignore[reportMissingImports]
    import numpy as np

    model = keras.saving.load_model(model_file, compile=False, safe_mode=True)
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    output = model(np.load(input_file), training=False)
    np.save(output_file, keras.ops.convert_to_numpy(output))
    print(json.dumps(f"Keras {keras.__version__} on {keras.config.backend()}"), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
