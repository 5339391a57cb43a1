"""Two bidirectional LSTM layers on IMDB as Keras' own gallery has them; run by accuracy_over_time.py.

    python benchmarks/keras_imdb.py REVIEWS.json EPOCHS

Prints a list of [seconds, accuracy], one for each epoch.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from keras import layers

WORDS, STEPS = 20_000, 200


def main(reviews: Path, epochs: int) -> None:
    """Train, measure after every epoch."""
    parts = json.loads(reviews.read_text(encoding="utf-8"))
    started, measuring = time.monotonic(), 0.0
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
    keras.utils.set_random_seed(0)
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
    curve = []
    for _ in range(epochs):
        network.fit(x["train"], y["train"], batch_size=32, verbose=0)
        seconds = time.monotonic() - started - measuring
        began = time.monotonic()
        curve.append((seconds, float(network.evaluate(x["held_out"], y["held_out"], verbose=0)[1])))
        measuring += time.monotonic() - began
    print(json.dumps(curve))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
