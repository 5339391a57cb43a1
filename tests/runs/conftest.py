"""Small runs, trained once for all tests of this folder."""

import numpy as np
import pytest

from recurra.data.schema import SchemaOptions, infer_schema, to_examples
from recurra.data.sources import read
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit

QUICK = {"network.hidden_size": 8, "network.embedding_size": 8, "training.epochs": 3}
GOOD, BAD = ["fine", "bright", "warm"], ["dull", "cold", "grey"]


def sentences(n=80, seed=0):
    """Made sentences with a word that gives their class."""
    draw = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        words = [f"w{i}" for i in draw.integers(0, 30, draw.integers(1, 9))]
        words.append(str(draw.choice(GOOD if k % 2 else BAD)))
        rows.append({"text": " ".join(draw.permutation(words)), "label": "good" if k % 2 else "bad"})
    return rows


def waves(n=60, seed=0):
    """Made sequences of unequal length, two channels, whose mean is to be told."""
    draw = np.random.default_rng(seed)
    sequences = [
        draw.normal(draw.normal(), 0.3, (int(draw.integers(3, 9)), 2)).astype(np.float32) for _ in range(n)
    ]
    return sequences, np.array([float(s.mean()) for s in sequences])


def examples_of(rows, **options):
    table = read(rows)
    schema = infer_schema(table, SchemaOptions(**options))
    return to_examples(table, schema)[0], schema


@pytest.fixture(scope="session")
def text_run():
    examples, schema = examples_of(sentences(), text="text", target="label")
    return fit(examples, schema, SequenceFitOptions(settings=QUICK, baselines=False))
