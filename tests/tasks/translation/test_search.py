"""The search: greedy, by a beam, against enumeration; and that it always ends."""

from itertools import product

import numpy as np
import pytest
import torch

from recurra.networks.config import NetworkShape
from recurra.networks.pair_network import PairNetwork, PairNetworkConfig
from recurra.tasks.translation.search import Search, block_repeats, search

NEVER = (0, 1)


def network_of(vocabulary, seed=0, sharp=3.0, **choices):
    torch.manual_seed(seed)
    config = PairNetworkConfig(**{"cell": "gru", "hidden_size": 5, "embedding_size": 4} | choices)
    shape = NetworkShape(input="tokens", input_size=9, output_size=vocabulary)
    network = PairNetwork(config, shape).eval()
    with torch.no_grad():
        network.decoder.bias.normal_()
        network.decoder.combine.weight.mul_(sharp)
        network.decoder.embedding.weight.mul_(sharp)
    return network


def sources(count=6):
    torch.manual_seed(7)
    return torch.randint(2, 9, (count, 6)), torch.tensor([6, 3, 1, 5, 4, 2][:count])


def found_by(network, settings, limits, source=None, lengths=None):
    if source is None:
        source, lengths = sources(len(limits))
    with torch.no_grad():
        memory, state = network.read(source, lengths)
    boundary = network.shape.output_size - 1
    return search(
        network.decoder, memory, state, np.array(limits), boundary=boundary, never=NEVER, settings=settings
    )


@torch.no_grad()
def log_probability(network, source, lengths, tokens):
    """Of an answer and its end, by one call over all of it; ids that are never said have no effect on it."""
    boundary = network.shape.output_size - 1
    output = network(source, lengths, torch.tensor([[boundary, *tokens]]))
    logs = torch.log_softmax(output.logits[0], -1)
    return float(logs[torch.arange(len(tokens) + 1), torch.tensor([*tokens, boundary])].sum())


@torch.no_grad()
def greedy(network, source, lengths, limit, no_repeat):
    """The definition, for one source."""
    memory, state = network.read(source, lengths)
    boundary = network.shape.output_size - 1
    said = [boundary]
    while len(said) <= limit:
        logits, state, _ = network.decoder.step(torch.tensor([said[-1]]), state, memory)
        logits[:, list(NEVER)] = -torch.inf
        for token in range(boundary):
            after = [*said[1:], token]
            grams = [tuple(after[k : k + no_repeat]) for k in range(len(after) - no_repeat + 1)]
            if no_repeat and len(set(grams)) < len(grams):
                logits[:, token] = -torch.inf
        said.append(int(logits.argmax()))
        if said[-1] == boundary:
            return tuple(said[1:-1])
    return tuple(said[1:])


@pytest.mark.parametrize("no_repeat", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_beam_of_one_is_greedy(seed, no_repeat):
    network = network_of(8, seed)
    limits = [9, 0, 3, 9, 5, 9]
    settings = Search(beam=1, no_repeat=no_repeat)
    source, lengths = sources()
    for row, (hypothesis,) in enumerate(found_by(network, settings, limits)):
        one = slice(row, row + 1)
        alone = greedy(network, source[one], lengths[one], limits[row], no_repeat)
        assert hypothesis.tokens == alone
        sure = log_probability(network, source[one], lengths[one], hypothesis.tokens)
        assert np.isclose(hypothesis.log_probability, sure, atol=1e-4)
        assert np.isclose(hypothesis.score, settings.score(sure, len(alone) + 1), atol=1e-4)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_beam_wide_enough_finds_all_there_is_in_order(seed, length_penalty):
    network, limits = network_of(5, seed), [3, 2, 0]
    settings = Search(beam=40, length_penalty=length_penalty, no_repeat=0)
    source, lengths = sources(3)
    for row, found in enumerate(found_by(network, settings, limits)):
        one = slice(row, row + 1)
        every = [tokens for n in range(limits[row] + 1) for tokens in product((2, 3), repeat=n)]
        sure = {tokens: log_probability(network, source[one], lengths[one], tokens) for tokens in every}
        score = {tokens: settings.score(p, len(tokens) + 1) for tokens, p in sure.items()}
        assert sorted(each.tokens for each in found) == sorted(every)
        np.testing.assert_allclose(
            [each.score for each in found], sorted(score.values(), reverse=True), atol=1e-4
        )
        assert np.isclose(score[found[0].tokens], max(score.values()), atol=1e-4)


def test_a_wider_beam_finds_no_worse_on_average():
    networks = [network_of(12, seed) for seed in range(8)]
    mean = [
        np.mean(
            [each[0].score for n in networks for each in found_by(n, Search(beam=k, no_repeat=0), [8] * 6)]
        )
        for k in (1, 4, 16)
    ]
    assert mean[0] <= mean[1] <= mean[2]


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("feeding", [False, True])
def test_answers_do_not_depend_on_what_else_is_asked(beam, feeding):
    network = network_of(10, input_feeding=feeding)
    source, lengths = sources()
    limits = [9, 4, 3, 9, 5, 9]
    together = found_by(network, Search(beam=beam), limits)
    for row in range(len(limits)):
        one = slice(row, row + 1)
        (alone,) = found_by(
            network, Search(beam=beam), limits[one], source[one, : lengths[row]], lengths[one]
        )
        assert [each.tokens for each in alone] == [each.tokens for each in together[row]]
        assert len({each.tokens for each in alone}) == len(alone) <= beam
        np.testing.assert_allclose(
            [each.score for each in alone], [each.score for each in together[row]], atol=1e-4
        )


def test_a_network_that_loops_does_not():
    network = network_of(8)
    with torch.no_grad():  # it says 5 whatever it read, and hardly ever that it has ended
        network.decoder.bias.zero_()
        network.decoder.bias[5], network.decoder.bias[7] = 50.0, -50.0
    for beam in (1, 3):
        for answers in found_by(network, Search(beam=beam, no_repeat=0), [30] * 6):
            assert answers[0].tokens == (5,) * 30  # the limit alone ends it
        for answers in found_by(network, Search(beam=beam, no_repeat=3), [30] * 6):
            for each in answers:
                grams = [each.tokens[k : k + 3] for k in range(len(each.tokens) - 2)]
                assert len(set(grams)) == len(grams)
                assert len(each.tokens) <= 30


def test_what_must_never_be_said_is_not():
    network = network_of(8)
    with torch.no_grad():
        network.decoder.bias[:2] = 50.0
    for answers in found_by(network, Search(beam=3), [6] * 6):
        assert not any(token in NEVER for each in answers for token in each.tokens)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_blocked_is_what_would_come_twice(size):
    draw = np.random.default_rng(size)
    said = draw.integers(0, 3, (20, 9))
    gains = torch.zeros(20, 3)
    block_repeats(gains, torch.from_numpy(said), size)
    for row, tokens in enumerate(said.tolist()):
        before = {tuple(tokens[k : k + size]) for k in range(len(tokens) - size + 1)}
        for token in range(3):
            blocked = tuple([*tokens, token][len(tokens) + 1 - size :]) in before
            assert bool(gains[row, token] == -torch.inf) == blocked
