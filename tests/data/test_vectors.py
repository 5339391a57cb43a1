from __future__ import annotations

import resource

import numpy as np
import pytest

from recurra.data.packed import Packed
from recurra.data.vectors import _information, _pairs, word_vectors
from recurra.errors import InputError

SEA, LAND = np.arange(2, 12), np.arange(12, 22)


def two_topics(texts: int = 60, steps: int = 30) -> Packed:
    rng = np.random.default_rng(0)
    return Packed.from_list([rng.choice(SEA if n % 2 else LAND, steps) for n in range(texts)])


def counts_by_definition(packed: Packed, vocabulary_size: int, window: int) -> np.ndarray:
    counts = np.zeros((vocabulary_size, vocabulary_size))
    for n in range(len(packed)):
        ids = packed[n].tolist()
        for i, a in enumerate(ids):
            for j, b in enumerate(ids):
                if 0 < abs(i - j) <= window and a > 1 and b > 1:
                    counts[a, b] += 1 / abs(i - j)
    return counts


def test_words_of_a_topic_are_nearer():
    v = word_vectors(two_topics(), 22, 2, seed=0)
    unit = v[2:] / np.linalg.norm(v[2:], axis=1, keepdims=True)
    nearness = unit @ unit.T
    within = np.concatenate([nearness[:10, :10].ravel(), nearness[10:, 10:].ravel()])
    assert within.min() > 0.9
    assert np.abs(nearness[:10, 10:]).max() < 0.1


@pytest.mark.parametrize("chunk", [1, 7, 40, 10**6])
@pytest.mark.parametrize("window", [1, 3, 5])
def test_pairs_are_those_of_the_definition(monkeypatch, chunk, window):
    monkeypatch.setattr("recurra.data.vectors._CHUNK_STEPS", chunk)
    rng = np.random.default_rng(1)
    packed = Packed.from_list([rng.integers(0, 6, n).astype(np.int32) for n in (9, 0, 1, 2, 12, 0, 5)])
    expected = counts_by_definition(packed, 7, window)
    np.testing.assert_allclose(_pairs(packed, 7, window).toarray(), expected, rtol=1e-6)


def test_information_is_that_of_the_definition():
    packed = two_topics(6, 12)
    n = counts_by_definition(packed, 22, 5)
    contexts = n.sum(axis=0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(n * contexts.sum() / (n.sum(axis=1)[:, None] * contexts))
    expected = np.where(n > 0, np.maximum(expected, 0), 0)
    assert (expected > 0).sum() > 50
    np.testing.assert_allclose(_information(_pairs(packed, 22, 5), 0.75).toarray(), expected, atol=1e-5)


def test_vectors_give_the_information_back():
    packed = two_topics()
    information = _information(_pairs(packed, 22, 5), 0.75).toarray()
    v = word_vectors(packed, 22, 20, seed=0).astype(np.float64)
    u, s, _ = np.linalg.svd(information)
    # v = c U S^(1/2) for one number c, whatever the signs: compare v v' = c^2 U S U'
    expected = (u[:, :20] * s[:20]) @ u[:, :20].T
    found = v @ v.T
    np.testing.assert_allclose(found / np.trace(found), expected / np.trace(expected), atol=1e-5)


def test_same_seed_same_vectors_and_signs_are_fixed():
    packed = two_topics()
    v = word_vectors(packed, 22, 8, seed=3)
    assert (v == word_vectors(packed, 22, 8, seed=3)).all()
    other = word_vectors(packed, 22, 2, seed=4)[:, :2]
    np.testing.assert_allclose(other, word_vectors(packed, 22, 2, seed=3), atol=1e-4)
    assert (v[np.abs(v).argmax(axis=0), np.arange(8)] > 0).all()


def test_scale_type_and_empty_rows():
    v = word_vectors(two_topics(), 30, 6, seed=0, deviation=0.3)
    assert v.shape == (30, 6)
    assert v.dtype == np.float32
    assert not v[[0, 1, *range(22, 30)]].any()
    assert abs(v[2:22].std() - 0.3) < 1e-4


def test_columns_beyond_the_dimensions_are_draws():
    v = word_vectors(two_topics(), 30, 64, seed=0, deviation=0.3)
    assert 0.25 < v[2:22, 20:].std() < 0.35
    assert not v[22:].any()
    assert (v == word_vectors(two_topics(), 30, 64, seed=0, deviation=0.3)).all()


@pytest.mark.parametrize("sequences", [[], [[]], [[2]], [[1, 0, 1]], [[2, 1, 1, 1, 1, 1, 3]]])
def test_no_pairs_no_vectors(sequences):
    packed = Packed.from_list([np.array(s, dtype=np.int32) for s in sequences])
    assert not word_vectors(packed, 5, 3, seed=0).any()


def test_one_pair():
    v = word_vectors(Packed.from_list([np.array([2, 3])]), 4, 3, seed=0)
    assert np.isfinite(v).all()
    assert v[2:].any()


def test_ids_beyond_the_vocabulary_are_refused():
    with pytest.raises(InputError, match="below 5, found 7"):
        word_vectors(Packed.from_list([np.array([2, 7])]), 5, 3, seed=0)


@pytest.mark.full
def test_six_million_tokens_in_bounded_memory():
    rng = np.random.default_rng(0)
    steps, words = 6_000_000, 30_000
    ids = np.minimum(rng.zipf(1.15, steps) + 1, rng.integers(2, words, steps)).astype(np.int32)
    packed = Packed.end_to_end(ids, np.full(steps // 240, 240))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    v = word_vectors(packed, words, 128, seed=0)
    extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    print(f"{extra:.0f} MiB")
    assert extra < 600
    assert np.isfinite(v).all()
