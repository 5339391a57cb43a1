"""Accuracy on IMDB against time: `recurra fit` beside what people otherwise take, one after the other, one machine.

    python benchmarks/accuracy_over_time.py [recurra|torch|keras|linear ...]

Everyone learns from the same 22,500 training reviews and is measured on the other 2,500 after every epoch; the
test file is not opened. Time is wall-clock from raw texts in memory, measuring left out.

- recurra: `recurra.runs.fit` with no option.
- torch: the usual script (examples/sentiment_lstm.py: two bidirectional layers of 64, 400 words of a review).
- keras: the usual script of Keras' own gallery (20,000 words, 200 of a review, two bidirectional layers of 64,
  Adam, batch 32) on JAX. `pip install keras jax`, or name another Python that has them: KERAS_PYTHON=...
- linear: logistic regression on TF-IDF, of words and of pairs of words.

Every finished one is kept in benchmarks/results/accuracy_over_time.jsonl; the picture is docs/imdb.png.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from imdb import Clock, as_examples, reviews, train_keras
from trials import Trials, table

HERE = Path(__file__).parent
PICTURE = HERE.parent / "docs" / "imdb.png"
EPOCHS = 3

Curve = list[tuple[float, float]]  # seconds, accuracy


def recurra_curve() -> Curve:
    """`fit` with no option; the share it holds out itself is the one that everyone is measured on."""
    from recurra.runs.sequences.config import SequenceFitOptions
    from recurra.runs.sequences.fit import fit

    examples, schema = as_examples(reviews())
    nothing = examples.take(np.zeros(0, dtype=np.int64))
    run = fit(examples, schema, SequenceFitOptions(baselines=False), test=nothing)
    before = run.metrics["seconds"]["preparing"]
    return [(before + epoch["seconds"], epoch["validation"]["accuracy"]) for epoch in run.history]


def torch_curve() -> Curve:
    """The usual PyTorch script."""
    sys.path.insert(0, str(HERE.parent / "examples"))
    import torch
    from sentiment_lstm import Encoded, evaluate, make_network, train_epoch

    from recurra.data.text import TextConfig, TextEncoder

    parts = reviews()
    clock = Clock()
    encoder = TextEncoder.fit(
        parts["train"][0], TextConfig(level="word", vocabulary_size=10_000, max_steps=400)
    )
    sets = {
        name: Encoded(encoder.encode(texts), torch.tensor([label == "pos" for label in labels]).long())
        for name, (texts, labels) in parts.items()
    }
    network, optimizer = make_network(encoder.vocabulary_size, seed=0)
    curve = []
    for epoch in range(EPOCHS):
        train_epoch(network, optimizer, sets["train"], seed=epoch)
        curve.append((clock.seconds(), clock.paused(lambda: evaluate(network, sets["held_out"])[1])))
    return curve


def linear_curve() -> Curve:
    """Single words, then pairs as well."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    parts = reviews()
    curve = []
    for longest in (1, 2):
        clock = Clock()
        vectors = TfidfVectorizer(ngram_range=(1, longest), sublinear_tf=longest > 1)
        model = make_pipeline(vectors, LogisticRegression(C=10, max_iter=200)).fit(*parts["train"])
        curve.append((clock.seconds(), float(model.score(*parts["held_out"]))))
    return curve


def keras_curve() -> Curve:
    """The usual Keras script, in a Python that has Keras and JAX."""
    python = os.environ.get("KERAS_PYTHON", sys.executable)
    found = train_keras(reviews(), python=python, arguments=["--epochs", str(EPOCHS)])
    return [(found["preparing"] + seconds, accuracy) for seconds, accuracy in found["curve"]]


CURVES: dict[str, tuple[str, Callable[[], Curve]]] = {
    "recurra": ("recurra fit", recurra_curve),
    "torch": ("PyTorch, usual script", torch_curve),
    "keras": ("Keras on JAX, usual script", keras_curve),
    "linear": ("linear on TF-IDF, words and pairs", linear_curve),
}


def draw(curves: dict[str, Curve]) -> None:
    """The picture: a line and a marker of its own for each, named at its end."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    styles = {"recurra": ("o-", "#0072B2"), "torch": ("s--", "#D55E00"), "keras": ("^-.", "#009E73")}
    for name, curve in curves.items():
        style, color = styles.get(name, ("D", "#000000"))
        seconds, accuracy = [s for s, _ in curve], [100 * a for _, a in curve]
        axes.plot(seconds, accuracy, style, color=color, label=CURVES[name][0], markersize=6)
    axes.set(
        xlabel="seconds on two cores",
        ylabel="accuracy on 2,500 held-out reviews, %",
        title="IMDB: 22,500 reviews to learn from",
        xlim=(0, None),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(PICTURE, dpi=110)


def main(names: list[str]) -> None:
    """Run what is missing, print the table, draw."""
    trials = Trials("accuracy_over_time")
    curves = {}
    for name in names:
        curves[name] = trials.run(name, lambda n=name: {"curve": CURVES[n][1]()})["curve"]
    rows = [
        [CURVES[name][0], "; ".join(f"{100 * accuracy:.1f} ({seconds:.0f} s)" for seconds, accuracy in curve)]
        for name, curve in curves.items()
    ]
    print(table(["", "accuracy (time)"], rows))
    draw(curves)


if __name__ == "__main__":
    main(sys.argv[1:] or list(CURVES))
