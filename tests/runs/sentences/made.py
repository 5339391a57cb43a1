"""Made sentences whose tags follow from words, endings and neighbours."""

import numpy as np

from recurra.data.sentences.collection import Sentences

QUICK = {
    "network.hidden_size": 8,
    "network.num_layers": 1,
    "network.embedding_size": 8,
    "network.character_features": 8,
    "network.character_size": 8,
    "training.epochs": 8,
    "training.learning_rate": 0.02,
}
NAMES = ["Anna", "Bela", "Carl", "Dora", "Emil"]


def lists(count=120, seed=0, tags="spans"):
    """Sentences as lists of words, and of tags."""
    draw = np.random.default_rng(seed)
    words, found = [], []
    for k in range(count):
        name = [str(each) for each in draw.choice(NAMES, draw.integers(1, 3))]
        verb = f"w{draw.integers(40)}s"
        place = "".join([str(draw.choice(list("BCDFG"))), *draw.choice(list("aeioulmnrt"), 3), "burg"])
        sentence = [*name, verb, "in", place, "."]
        words.append(sentence if k % 2 else sentence[len(name) + 1 :])
        spans = ["B-PER", *["I-PER"] * (len(name) - 1), "O", "O", "B-LOC", "O"]
        parts = [*["PROPN"] * len(name), "VERB", "ADP", "PROPN", "PUNCT"]
        own = spans if tags == "spans" else parts
        found.append(own if k % 2 else own[len(name) + 1 :])
    return words, found


def sentences(count=120, seed=0, tags="spans"):
    return Sentences.of(*lists(count, seed, tags))


def known(count=120, seed=0):
    """Sentences whose tags follow from what a further column says of each word alone, and not from the words."""
    draw = np.random.default_rng(seed)
    words, tags = [], []
    for _ in range(count):
        own = [str(each) for each in draw.choice(["X", "Y", "Z"], draw.integers(1, 6))]
        words.append([(f"w{draw.integers(40)}", each) for each in own])
        tags.append([each.lower() for each in own])
    return words, tags


def columns(count=120, seed=0, tags="spans"):
    """The same as a file of columns."""
    return "\n".join(
        "".join(f"{word} {tag}\n" for word, tag in zip(*each, strict=True))
        for each in zip(*lists(count, seed, tags), strict=True)
    )
