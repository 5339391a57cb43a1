"""Two bidirectional LSTM layers on IMDB as Keras' own gallery has them; run by the scripts that compare with it.

    python benchmarks/keras_imdb.py REVIEWS.json [--epochs N] [--parts N] [--until ACCURACY] [--seed N]

Measures on the held-out reviews after every one of the equal parts of an epoch. Prints one line of JSON: seconds of
preparing the texts, and the curve, a list of [seconds of training, accuracy].
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from imdb import Clock
from keras import layers

WORDS, STEPS, BATCH = 20_000, 200, 32


def main() -> None:
    """Train, measure, and stop at the end or where the accuracy is reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--until", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    parts = json.loads(given.reviews.read_text(encoding="utf-8"))
    preparing = Clock()
    tokens = {name: [text.lower().split() for text in texts] for name, (texts, _) in parts.items()}
    counts = Counter(word for text in tokens["train"] for word in text)
    ids = {word: n + 2 for n, (word, _) in enumerate(counts.most_common(WORDS - 2))}
    x = {
        name: keras.utils.pad_sequences([[ids.get(word, 1) for word in text] for text in texts], maxlen=STEPS)
        for name, texts in tokens.items()
    }
    y = {
        name: np.array([label == "pos" for label in labels], "float32") for name, (_, labels) in parts.items()
    }
    prepared = preparing.seconds()
    training = Clock()
    keras.utils.set_random_seed(given.seed)
    network = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(WORDS, 128),
            layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(64)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    network.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    order = np.random.default_rng(given.seed)
    # Parts of whole batches: only the last batch of an epoch is smaller, as without parts.
    size = BATCH * -(-len(x["train"]) // (BATCH * given.parts))
    curve: list[tuple[float, float]] = []
    for _ in range(given.epochs):
        places = order.permutation(len(x["train"]))
        for start in range(0, len(places), size):
            part = places[start : start + size]
            network.fit(x["train"][part], y["train"][part], batch_size=BATCH, shuffle=False, verbose=0)
            seconds = training.seconds()
            _, accuracy = training.paused(lambda: network.evaluate(x["held_out"], y["held_out"], verbose=0))
            curve.append((seconds, float(accuracy)))
            if accuracy >= given.until:
                break
        if curve[-1][1] >= given.until:
            break
    print(json.dumps({"preparing": prepared, "curve": curve}))


if __name__ == "__main__":
    main()
