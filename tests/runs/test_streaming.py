"""A trained run fed step by step says at every step what it would say of the sequence up to there."""

import numpy as np
import pytest

from recurra.data.schema import examples_from_arrays
from recurra.errors import InputError
from recurra.estimators import SequenceClassifier, SequenceRegressor
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from tests.runs.conftest import QUICK, examples_of, sentences, waves

FORWARD = QUICK | {"network.bidirectional": False}


def prefixes(sequence):
    return [sequence[: t + 1] for t in range(len(sequence))]


@pytest.mark.parametrize("pooling", [("mean", "max"), ("last",), ("max", "last", "mean")])
@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_numbers(pooling, target):
    sequences, targets = waves()
    sequences[3][1, 0] = np.nan
    estimator = SequenceClassifier if target == "classes" else SequenceRegressor
    made = estimator(
        settings=FORWARD | {"network.pooling": pooling, "network.segment": 1, "network.head_sizes": (5,)},
        num_layers=2,
        cell="gru",
    )
    fitted = made.fit(sequences, targets > 0 if target == "classes" else 1e6 + 7 * targets)
    answer = fitted.predict_proba if target == "classes" else fitted.predict
    whole = np.asarray(answer(prefixes(sequences[3].astype(float))))
    stream = fitted.stream()
    found = np.stack([stream.step(step) for step in sequences[3].astype(float)])
    np.testing.assert_allclose(found.reshape(whole.shape), whole, rtol=1e-6, atol=2e-5)
    with pytest.raises(InputError, match="reads numbers, not texts"):
        stream.read("a word")


def test_several_labels_at_once():
    sequences, targets = waves()
    several = np.stack([targets > 0, targets < 1], 1)
    run = SequenceClassifier(settings=FORWARD | {"network.segment": 1}).fit(sequences, several).run_
    stream = run.stream()
    found = np.stack([stream.step(step) for step in sequences[0]])
    np.testing.assert_allclose(found, run.predict_proba(prefixes(sequences[0])), atol=2e-5)


@pytest.mark.parametrize("pairs", [0, 20])
def test_texts(pairs):
    examples, schema = examples_of(sentences(), text="text", target="label")
    settings = FORWARD | {"network.pairs": pairs}
    run = fit(examples, schema, SequenceFitOptions(settings=settings, baselines=False))
    words = sentences(1, seed=7)[0]["text"].split()
    whole = run.predict_proba([" ".join(words[: n + 1]) for n in range(len(words))])
    stream = run.stream(precision="float32")
    found = np.stack([stream.read(word) for word in words])
    np.testing.assert_allclose(found, whole, atol=2e-5)
    ids = run.text.encode([" ".join(words)])[0]
    two = run.stream(2)
    for k in ids:
        both = two.step(np.array([k, k]))
    np.testing.assert_allclose(both, whole[[-1, -1]], atol=2e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"network.bidirectional: .*both ends.*--set network.bidirectional=false"),
        (
            {"network.bidirectional": False, "network.pooling": ("attention",)},
            "network.pooling: attention over",
        ),
    ],
)
def test_a_network_that_cannot_stream_says_why(settings, message):
    examples, schema = examples_of(sentences(), text="text", target="label")
    run = fit(examples, schema, SequenceFitOptions(settings=QUICK | settings, baselines=False))
    with pytest.raises(InputError, match=message):
        run.stream()


def test_convolutions_and_segments_cannot_stream():
    sequences, targets = waves()
    examples = examples_from_arrays(sequences)
    assert len(examples) == len(targets)
    settings = FORWARD | {"network.segment": 2}
    fitted = SequenceRegressor(settings=settings).fit(sequences, targets)
    with pytest.raises(InputError, match=r"network\.segment=1"):
        fitted.stream()
