from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.corpus import TokenCodec
from recurra.errors import InputError
from recurra.tasks.generation import NgramModel, generate

STREAMS = st.lists(st.integers(1, 4), min_size=1, max_size=60).map(np.array)


class ByDefinition:
    """Modified Kneser-Ney word for word, with dictionaries and loops."""

    def __init__(self, ids: list[int], size: int, order: int):
        self.size, self.order = size, min(order, len(ids))
        grams = {k: defaultdict(int) for k in range(1, self.order + 1)}
        for k, counted in grams.items():
            for i in range(len(ids) - k + 1):
                counted[tuple(ids[i : i + k])] += 1
        self.counts = {}
        for k in range(1, self.order + 1):
            if k == self.order:
                self.counts[k] = dict(grams[k])
            else:
                before = defaultdict(set)
                for gram in grams[k + 1]:
                    before[gram[1:]].add(gram[0])
                self.counts[k] = {gram: len(found) for gram, found in before.items()}

    def discount(self, k: int, count: int) -> float:
        n = [sum(c == j for c in self.counts[k].values()) for j in range(5)]
        d = [0.0, 0.5, 1.0, 1.5]
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [0.0, *(j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))]
            if all(0 < found[j] < j for j in (1, 2, 3)):
                d = found
        return d[min(count, 3)]

    def probability(self, context: tuple[int, ...], token: int) -> float:
        k = len(context) + 1
        lower = self.probability(context[1:], token) if context else 1 / (self.size - 1)
        following = {g[-1]: c for g, c in self.counts[k].items() if g[:-1] == context and c}
        total = sum(following.values())
        if not total:
            return lower
        taken = sum(self.discount(k, c) for c in following.values())
        count = following.get(token, 0)
        return (count - self.discount(k, count)) / total + taken / total * lower


@settings(deadline=None, max_examples=60)
@given(STREAMS, STREAMS, st.integers(1, 4))
def test_it_is_kneser_ney_by_its_definition(train, test, order):
    model, truth = NgramModel.fit(train, 6, order=order), ByDefinition(train.tolist(), 6, order)
    contexts = [tuple(test[max(0, t - truth.order + 1) : t].tolist()) for t in range(len(test))]
    expected = [truth.probability(context, int(token)) for context, token in zip(contexts, test, strict=True)]
    if len(train) > 1:  # of a single token there are no pairs to count
        np.testing.assert_allclose(np.exp(-model.nats(test)), expected, rtol=1e-9)


@settings(deadline=None)
@given(STREAMS, STREAMS, st.integers(1, 5))
def test_probabilities_sum_to_one_and_are_those_of_the_stream(train, test, order):
    model = NgramModel.fit(train, 6, order=order)
    nats = model.nats(test)
    for t, token in enumerate(test):
        distribution = model.distribution(test[:t])
        assert distribution.sum() == pytest.approx(1)
        assert distribution[0] == 0 and (distribution[1:] > 0).all()
        assert -np.log(distribution[token]) == pytest.approx(nats[t])


def test_a_longer_context_tells_more():
    rng = np.random.default_rng(0)
    stream = np.concatenate([[1 + rng.integers(2), 3, 4] * 1 for _ in range(2000)])
    stream[2::3] += stream[0::3]  # the third token is told by the first, two steps before
    nats = [NgramModel.fit(stream[:4500], 8, order=n).nats(stream[4500:]).mean() for n in (1, 2, 3)]
    assert nats[2] < 0.3 < nats[1] < nats[0]


def test_it_generates_through_its_steps():
    stream = np.array([1, 2, 3, 4] * 50)
    model = NgramModel.fit(stream, 5, order=3)
    assert list(generate(model.step, [1, 2], max_tokens=6, temperature=0, never=())) == [3, 4, 1, 2, 3, 4]
    logits, state = model.step(2, (4, 1))
    assert state == (1, 2)
    assert torch.logsumexp(logits, 0).item() == pytest.approx(0, abs=1e-12)


def test_bad_input():
    for ids in (
        np.array([], dtype=int),
        np.array([0, 1]),
        np.array([1, 9]),
        np.array([0.5]),
        np.ones((2, 2), int),
    ):
        with pytest.raises(InputError, match="ids"):
            NgramModel.fit(ids, 5)
    with pytest.raises(InputError, match="order"):
        NgramModel.fit(np.array([1]), 5, order=0)


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="RECURRA_DATA is not set")
def test_penn_treebank_gives_the_published_perplexity():
    # 5-gram, modified Kneser-Ney: 141.2 (Mikolov et al., ICASSP 2011, doi:10.1109/ICASSP.2011.5947611).
    folder = Path(os.environ["RECURRA_DATA"]) / "ptb"
    texts = [(folder / f"ptb.{part}.txt").read_text() for part in ("train", "test")]
    codec = TokenCodec.fit(texts[0])
    train, test = map(codec.encode, texts)
    nats = NgramModel.fit(train, codec.vocabulary_size, order=5).nats(test)
    assert np.exp(nats.mean()) == pytest.approx(141.2, abs=0.5)
