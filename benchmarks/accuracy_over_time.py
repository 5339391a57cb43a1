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

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from trials import Trials, data_folder, table

HERE = Path(__file__).parent
PICTURE = HERE.parent / "docs" / "imdb.png"
EPOCHS = 3

Curve = list[tuple[float, float]]  # seconds, accuracy


def reviews() -> dict[str, tuple[list[str], list[str]]]:
    """Texts and labels of both parts, the same for everyone."""
    from recurra.data.schema import SchemaOptions, infer_schema, to_examples
    from recurra.data.sources import read
    from recurra.data.splits import make_split

    source = read(str(data_folder() / "imdb" / "imdb_train.csv.gz"))
    examples, _ = to_examples(source, infer_schema(source, SchemaOptions()))
    split = make_split(examples, seed=0, test=0, validation=0.1)
    parts = {"train": examples.take(split.train), "held_out": examples.take(split.validation)}
    return {name: (part.texts.tolist(), part.targets.tolist()) for name, part in parts.items()}


def recurra_curve() -> Curve:
    """`fit` with no option; the share it holds out itself is the one that everyone is measured on."""
    from recurra.data.schema import SchemaOptions, infer_schema, to_examples
    from recurra.data.sources import read
    from recurra.runs.sequences.config import SequenceFitOptions
    from recurra.runs.sequences.fit import fit

    parts = reviews()
    rows = [
        {"text": text, "label": label, "split": name}
        for part, name in (("train", "train"), ("held_out", "validation"))
        for text, label in zip(*parts[part], strict=True)
    ]
    table_ = read(rows)
    schema = infer_schema(table_, SchemaOptions(text="text", target="label", split="split"))
    examples, _ = to_examples(table_, schema)
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
    clock = _Clock()
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
        clock = _Clock()
        vectors = TfidfVectorizer(ngram_range=(1, longest), sublinear_tf=longest > 1)
        model = make_pipeline(vectors, LogisticRegression(C=10, max_iter=200)).fit(*parts["train"])
        curve.append((clock.seconds(), float(model.score(*parts["held_out"]))))
    return curve


def keras_curve() -> Curve:
    """The usual Keras script, in a Python that has Keras and JAX."""
    python = os.environ.get("KERAS_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "reviews.json"
        data.write_text(json.dumps(reviews()), encoding="utf-8")
        done = subprocess.run(
            [python, str(HERE / "keras_imdb.py"), str(data), str(EPOCHS)],
            env=os.environ | {"KERAS_BACKEND": "jax"},
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout.decode().strip().split("\n")[-1])


class _Clock:
    """Wall-clock time without what is paused."""

    def __init__(self):
        self.started, self.out = time.monotonic(), 0.0

    def seconds(self) -> float:
        return time.monotonic() - self.started - self.out

    def paused(self, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        result = work()
        self.out += time.monotonic() - began
        return result


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
