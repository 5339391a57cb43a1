import pytest
import torch
from torch.nn import functional

from recurra.networks.config import NetworkShape
from recurra.networks.language import LanguageNetwork, LanguageNetworkConfig
from recurra.tasks.generation.task import LanguageTask, nats_of
from tests.tolerances import assert_all_close, assert_close

VOCABULARY = 40


@pytest.fixture(params=[3, 32], ids=["in pieces", "at once"])
def network(request):
    torch.manual_seed(0)
    config = LanguageNetworkConfig(hidden_size=5, embedding_size=request.param).without_dropout()
    shape = NetworkShape(input="tokens", input_size=VOCABULARY, output_size=VOCABULARY)
    return LanguageNetwork(config, shape)


@pytest.mark.parametrize("steps", [1, 260])  # 260: more tokens than a piece has, and some left over
def test_loss_and_gradients_are_those_of_all_logits_at_once(network, steps):
    ids, target = (torch.randint(0, VOCABULARY, (3, steps)) for _ in range(2))
    found = {}
    for name in ("task", "logits"):
        network.zero_grad()
        output = network(ids)
        loss = (
            LanguageTask().loss(output, target)
            if name == "task"
            else functional.cross_entropy(output.logits.flatten(0, 1), target.flatten())
        )
        loss.backward()
        found[name] = {"loss": loss.detach()} | {of: p.grad.clone() for of, p in network.named_parameters()}
    assert_all_close(found["task"], found["logits"])


def test_nats_of_each_token(network):
    ids, target = (torch.randint(0, VOCABULARY, (2, 300)) for _ in range(2))
    with torch.no_grad():
        output = network(ids)
        expected = functional.cross_entropy(output.logits.transpose(1, 2), target, reduction="none")
        assert_close(nats_of(output, target), expected)
        mean = LanguageTask().validate([(output, target)])["loss"]
    assert mean == pytest.approx(float(expected.mean()), rel=1e-5)


def test_penalties_are_added_as_weighed(network):
    ids, target = (torch.randint(0, VOCABULARY, (2, 5)) for _ in range(2))
    output = network(ids)
    plain = LanguageTask().loss(output, target)
    expected = plain + 2 * output.raw.square().mean() + 3 * output.raw.diff(dim=1).square().mean()
    assert_close(LanguageTask(2.0, 3.0).loss(output, target), expected)
