from __future__ import annotations

import pytest
import torch

from recurra.errors import InputError
from recurra.layers import EmbeddingDropout, VariationalDropout, WordDropout


@pytest.mark.parametrize("batch_first", [True, False])
def test_variational_dropout_is_one_mask_for_all_steps(batch_first):
    torch.manual_seed(0)
    y = VariationalDropout(0.25, batch_first=batch_first)(torch.ones(40, 40, 50))
    time = 1 if batch_first else 0
    first = y.select(time, 0)
    assert torch.equal(y, first.unsqueeze(time).expand_as(y))
    torch.testing.assert_close(first.unique(), torch.tensor([0.0, 1 / 0.75]))
    assert abs(float((first == 0).float().mean()) - 0.25) < 0.03
    assert not torch.equal(first[0], first[1])


def test_variational_dropout_without_a_batch_hides_features_not_steps():
    torch.manual_seed(0)
    y = VariationalDropout(0.5)(torch.ones(40, 50))
    assert torch.equal(y, y[:1].expand_as(y)) and 10 < int((y[0] == 0).sum()) < 40


def test_word_dropout_replaces_the_right_share_of_words():
    torch.manual_seed(0)
    ids = torch.randint(5, 90, (100, 100), dtype=torch.int32)
    out = WordDropout(0.1, unknown=1)(ids)
    assert out.dtype == ids.dtype
    gone = out != ids
    assert bool((out[gone] == 1).all())
    assert abs(float(gone.float().mean()) - 0.1) < 0.01


def test_embedding_dropout_drops_a_word_everywhere():
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(200, 3)
    ids = torch.arange(200).repeat(2, 1)
    vectors = EmbeddingDropout(0.25)(embedding, ids)
    assert torch.equal(vectors[0], vectors[1])
    gone = (vectors[0] == 0).all(-1)
    assert abs(float(gone.float().mean()) - 0.25) < 0.1
    torch.testing.assert_close(vectors[0][~gone], embedding.weight[~gone] / 0.75)
    vectors.sum().backward()
    assert embedding.weight.grad is not None
    assert torch.equal((embedding.weight.grad == 0).all(-1), gone)


def test_nothing_is_dropped_in_evaluation():
    x, ids = torch.randn(2, 3, 4), torch.randint(0, 9, (2, 3))
    embedding = torch.nn.Embedding(9, 4)
    assert torch.equal(VariationalDropout(0.9).eval()(x), x)
    assert torch.equal(WordDropout(0.9, 1).eval()(ids), ids)
    assert torch.equal(EmbeddingDropout(0.9).eval()(embedding, ids), embedding(ids))


@pytest.mark.parametrize(
    "make",
    [VariationalDropout, lambda p: WordDropout(p, 1), EmbeddingDropout],
    ids=["variational", "word", "embedding"],
)
@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_shares_that_cannot_be_are_refused(make, p):
    with pytest.raises(InputError, match=r"^p: "):
        make(p)
