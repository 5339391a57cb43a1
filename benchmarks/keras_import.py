"""Ten Keras models as tutorials have them, and more that they do not: imported, and asked the same as Keras.

    python benchmarks/keras_import.py [--keras-python PYTHON] [--more]

The models are made, asked and saved by Keras 3, in the Python that has it: weights and biases drawn at random, eight
sequences of twelve steps, a third of which are skipped where the model skips any, wherever they stand. `--more`
has unusual options as well: every merge mode and activation, skipped steps in every place, layers backwards. Prints a
table of the largest differences; ends with status 1 if one is 1e-5 or more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from trials import table

from recurra.exchange.checking import largest_difference
from recurra.exchange.keras_file import read_keras

ALLOWED = 1e-5

# Run by the Python that has Keras: each model is a name and its layers.
MAKER = """
import sys
import keras, numpy as np
from keras import layers as L
folder, more = sys.argv[1], sys.argv[2] == "True"
E = lambda zero=True, words=2000, size=32: L.Embedding(words, size, mask_zero=zero)
ids, series = keras.Input((None,)), lambda width: keras.Input((None, width))
B = L.Bidirectional
models = {
    "SimpleRNN on a series": [series(1), L.SimpleRNN(32), L.Dense(1)],
    "LSTM on a series": [series(3), L.LSTM(50), L.Dense(1)],
    "two LSTM, dropout": [series(5), L.LSTM(64, return_sequences=True), L.Dropout(0.2), L.LSTM(32),
        L.Dropout(0.2), L.Dense(1)],
    "two GRU, relu, softmax": [series(6), L.GRU(64, return_sequences=True, dropout=0.1),
        L.GRU(32, recurrent_dropout=0.1), L.Dense(16, activation="relu"), L.Dense(4, activation="softmax")],
    "reviews: embedding, LSTM, sigmoid": [ids, E(False), L.LSTM(64), L.Dense(1, activation="sigmoid")],
    "reviews with mask_zero, GRU": [ids, E(), L.GRU(64), L.Dense(1, activation="sigmoid")],
    "two bidirectional LSTM": [ids, E(), B(L.LSTM(32, return_sequences=True)), B(L.LSTM(32)),
        L.Dense(64, activation="relu"), L.Dense(1, activation="sigmoid")],
    "topics: bidirectional GRU, pooling": [ids, E(), L.SpatialDropout1D(0.2),
        B(L.GRU(32, return_sequences=True)), L.GlobalAveragePooling1D(), L.Dense(10, activation="softmax")],
    "tags: TimeDistributed, mask_zero": [ids, E(), B(L.LSTM(32, return_sequences=True)),
        L.TimeDistributed(L.Dense(12, activation="softmax"))],
    "characters: LSTM at every step": [ids, E(False, 60), L.LSTM(128, return_sequences=True),
        L.LSTM(128, return_sequences=True), L.Dense(60, activation="softmax")],
}
if more:
    for merge in ("concat", "sum", "mul", "ave"):
        for every in (False, True):
            models[f"GRU {merge} every={every}"] = [ids, E(True, 4), B(L.GRU(7, return_sequences=every,
                reset_after=False), merge_mode=merge), L.Dense(3, activation="gelu")]
    for cell in (L.SimpleRNN, L.LSTM, L.GRU):
        for back in (False, True):
            for every in (False, True):
                for zero in (False, True):
                    models[f"{cell.__name__} {back=} {every=} {zero=}"] = [series(2), L.Masking(0.5),
                        cell(5, go_backwards=back, return_sequences=every, zero_output_for_mask=zero,
                        use_bias=every), L.Dense(2, activation="softsign")]
        models[f"{cell.__name__} unrolled"] = [keras.Input((9,)), E(True, 4),
            B(cell(5, unroll=True, return_sequences=True)), L.GlobalMaxPooling1D()]
        models[f"{cell.__name__} backwards, then on"] = [ids, E(True, 3), cell(5, go_backwards=True,
            return_sequences=True), B(cell(4, go_backwards=True, return_sequences=True),
            backward_layer=cell(3, return_sequences=True)), L.GlobalAveragePooling1D()]
    models["flat"] = [keras.Input((6, 2)), L.LSTM(4, return_sequences=True), L.Flatten(), L.Dense(3)]
    models["stateful"] = [keras.Input((6, 2), batch_size=4), L.LSTM(4, stateful=True), L.Dense(3)]
    models["relu rnn"] = [series(2), L.SimpleRNN(4, activation="relu"), L.ReLU(), L.Activation("elu")]
    for f in "relu tanh sigmoid softmax log_softmax elu selu gelu silu softplus softsign exponential relu6 " \
             "leaky_relu hard_sigmoid".split():
        models["act " + f] = [series(2), L.GRU(4), L.Dense(3, activation=f)]
keras.utils.set_random_seed(0)
for number, (name, parts) in enumerate(models.items()):
    if number % 2:  # as many as Functional models
        x = parts[0]
        for layer in parts[1:]:
            x = layer(x)
        model = keras.Model(parts[0], x)
    else:
        model = keras.Sequential(parts)
    draw = np.random.default_rng(number)
    model.set_weights([draw.normal(0, 0.3, w.shape).astype(w.dtype) for w in model.get_weights()])
    model.save(f"{folder}/{number:03d}.keras")
    shape = [n or free for n, free in zip(parts[0].shape, (8, 12, 0))]
    skipped = draw.random(shape[:2]) < 0.3
    skipped[:, 5] = False  # Keras divides by the number of steps that it does not skip
    if len(shape) == 2:
        x = draw.integers(1, parts[1].input_dim, shape)
        x[skipped] = 0
    else:
        x = draw.normal(size=shape).astype("float32")
        x[skipped] = 0.5
    y = keras.ops.convert_to_numpy(model(x, training=False))
    np.savez(f"{folder}/{number:03d}.npz", x=x, y=y)
    print(f"{name}|Keras {keras.__version__} on {keras.config.backend()}", flush=True)
"""


def main() -> None:
    """Make, import, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keras-python", default=sys.executable)
    parser.add_argument("--more", action="store_true")
    given = parser.parse_args()
    rows, worst = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [given.keras_python, "-c", MAKER, folder, str(given.more)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        lines = [line.split("|") for line in made.stdout.splitlines()]
        for number, (name, _) in enumerate(lines):
            path = Path(folder) / f"{number:03d}.keras"
            network = read_keras(path)
            with np.load(path.with_suffix(".npz")) as file, torch.no_grad():
                x, expected = (torch.from_numpy(file[part]) for part in "xy")
                off = largest_difference(network(x), expected)
            worst = max(worst, off)
            stream = "yes" if network.why_no_stream() is None else "no"
            rows.append([name, f"{network.description.weights:,}", f"{off:.1e}", stream])
    print(f"{lines[0][1]}; torch {torch.__version__}\n")
    print(table(["model", "weights", "largest difference", "streams"], rows))
    if not worst < ALLOWED:
        sys.exit(f"A difference of {worst:.1e} is too much.")


if __name__ == "__main__":
    main()
