from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import InputError
from recurra.layers.crf import (
    CRF,
    Chain,
    best_paths,
    log_likelihood,
    log_partition,
    marginals,
    path_scores,
)
from tests.tolerances import assert_close

DRAWN = st.fixed_dictionaries(
    {
        "lengths": st.lists(st.integers(0, 4), min_size=1, max_size=4),
        "tags": st.integers(1, 3),
        "seed": st.integers(0, 2**16),
    }
)


def drawn(lengths, tags, seed):
    generator = torch.Generator().manual_seed(seed)
    steps = max(1, *lengths)

    def numbers(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).mul(2).requires_grad_(True)

    chain = Chain(numbers(tags, tags), numbers(tags), numbers(tags))
    return numbers(len(lengths), steps, tags), torch.tensor(lengths), chain


def every_path(scores, length, chain):
    """Path -> score of one sentence, added up word by word."""
    found = {}
    for path in itertools.product(range(scores.shape[1]), repeat=length):
        total = 0 * scores.sum()
        for t, tag in enumerate(path):
            total = total + scores[t, tag] + (chain.between[path[t - 1], tag] if t else chain.begin[tag])
        found[path] = total + (chain.end[path[-1]] if path else 0)
    return found


@given(DRAWN)
def test_partition_and_gradients_are_those_of_all_paths(case):
    scores, lengths, chain = drawn(**case)
    expected = torch.stack(
        [
            torch.logsumexp(torch.stack(list(every_path(scores[n], k, chain).values())), 0)
            for n, k in enumerate(case["lengths"])
        ]
    )
    found = log_partition(scores, lengths, chain)
    assert_close(found, expected)
    inputs = [scores, *chain]
    theirs = torch.autograd.grad(expected.sum(), inputs, allow_unused=True, materialize_grads=True)
    ours = torch.autograd.grad(found.sum(), inputs, allow_unused=True, materialize_grads=True)
    for own, other in zip(ours, theirs, strict=True):
        assert_close(own, other)


@given(DRAWN)
def test_best_path_is_the_best_of_all(case):
    scores, lengths, chain = drawn(**case)
    found = best_paths(scores, lengths, chain)
    for n, k in enumerate(case["lengths"]):
        paths = every_path(scores[n], k, chain)
        assert tuple(found[n, :k].tolist()) == max(paths, key=lambda path: paths[path].item())
        assert (found[n, k:] == 0).all()


@given(DRAWN, st.data())
def test_likelihood_is_the_share_of_the_paths_that_agree(case, data):
    scores, lengths, chain = drawn(**case)
    shape = st.lists(st.integers(-1, case["tags"] - 1), min_size=scores.shape[1], max_size=scores.shape[1])
    tags = torch.tensor([data.draw(shape) for _ in case["lengths"]])
    found = log_likelihood(scores, tags, lengths, chain)
    for n, k in enumerate(case["lengths"]):
        paths = {path: s.item() for path, s in every_path(scores[n], k, chain).items()}
        whole = sum(map(math.exp, paths.values()))
        known = tags[n, :k].tolist()
        agreeing = [s for path, s in paths.items() if all(a < 0 or a == b for a, b in zip(known, path))]  # noqa: B905
        assert math.exp(found[n].item()) == pytest.approx(sum(map(math.exp, agreeing)) / whole, rel=1e-9)


@given(DRAWN)
def test_marginals_are_the_shares_of_the_paths_through_a_tag(case):
    scores, lengths, chain = drawn(**case)
    found = marginals(scores, lengths, chain)
    for n, k in enumerate(case["lengths"]):
        paths = {path: math.exp(s.item()) for path, s in every_path(scores[n], k, chain).items()}
        for t, tag in itertools.product(range(k), range(case["tags"])):
            share = sum(p for path, p in paths.items() if path[t] == tag) / sum(paths.values())
            assert found[n, t, tag].item() == pytest.approx(share, abs=1e-9)
        assert (found[n, k:] == 0).all()


def test_padding_is_never_read_and_gets_no_gradient():
    scores, lengths, chain = drawn([4, 2, 0], 3, 5)
    tags = torch.tensor([[0, 1, 2, 0], [2, 1, 0, 0], [0, 0, 0, 0]])
    poisoned = scores.detach().clone()
    poisoned[1, 2:], poisoned[2] = math.nan, math.nan
    poisoned.requires_grad_(True)
    wild = tags.clone()
    wild[1, 2:], wild[2] = -100, -100
    whole = log_likelihood(scores, tags, lengths, chain)
    found = log_likelihood(poisoned, wild, lengths, chain)
    assert_close(found, whole)
    (gradient,) = torch.autograd.grad(found.sum(), poisoned)
    (expected,) = torch.autograd.grad(whole.sum(), scores)
    assert_close(gradient, expected)
    assert (gradient[1, 2:] == 0).all() and (gradient[2] == 0).all()
    assert torch.equal(best_paths(poisoned, lengths, chain), best_paths(scores, lengths, chain))


def test_a_sentence_is_scored_alone_as_in_a_batch():
    scores, lengths, chain = drawn([4, 1, 3], 3, 7)
    tags = torch.tensor([[0, 1, 2, 0], [2, 0, 0, 0], [1, 1, 0, 0]])
    together = log_likelihood(scores, tags, lengths, chain)
    for n, k in enumerate(lengths.tolist()):
        alone = log_likelihood(scores[n : n + 1, :k], tags[n : n + 1, :k], lengths[n : n + 1], chain)
        assert_close(alone, together[n : n + 1])


def test_forbidden_transitions_stand_in_no_path_and_take_no_probability():
    crf = CRF(3).double()
    forbidden = torch.zeros(4, 4, dtype=torch.bool)
    forbidden[0, 1] = forbidden[3, 2] = forbidden[1, 3] = True  # 0 before 1, 2 at first, 1 at last
    crf.forbid(forbidden)
    scores, lengths, _ = drawn([4] * 6, 3, 1)
    for path in best_paths(scores, lengths, crf.chain).tolist():
        assert path[0] != 2 and path[-1] != 1 and (0, 1) not in itertools.pairwise(path)
    assert marginals(scores, lengths, crf.chain)[:, 0, 2].max() == 0
    likelihood = log_likelihood(scores, torch.tensor([[0, 0, 2, 2]] * 6), lengths, crf.chain)
    likelihood.sum().backward()
    assert torch.isfinite(crf.between.grad).all() and crf.between.grad[0, 1] == 0


def test_path_scores_of_one_word_and_of_none():
    scores, lengths, chain = drawn([1, 0], 2, 3)
    found = path_scores(scores, torch.tensor([[1], [1]]), lengths, chain)
    assert_close(found, torch.stack([scores[0, 0, 1] + chain.begin[1] + chain.end[1], 0 * scores[0, 0, 0]]))


def test_a_batch_without_any_word():
    scores, lengths, chain = torch.zeros(2, 0, 3, requires_grad=True), torch.tensor([0, 0]), CRF(3).chain
    likelihood = log_likelihood(scores, torch.zeros(2, 0, dtype=torch.int64), lengths, chain)
    assert_close(likelihood, torch.zeros(2))
    likelihood.sum().backward()
    assert best_paths(scores, lengths, chain).shape == (2, 0)
    assert marginals(scores, lengths, chain).shape == (2, 0, 3)


def test_marginals_in_inference_mode():
    crf, scores, lengths = CRF(3), torch.randn(2, 4, 3), torch.tensor([4, 2])
    expected = marginals(scores, lengths, crf.chain)
    with torch.inference_mode():
        assert_close(marginals(scores + 0.0, lengths + 0, crf.chain), expected)


def test_no_tags_is_an_error():
    with pytest.raises(InputError, match="one tag or more"):
        CRF(0)
