"""The loss over targets of unequal length."""

import pytest
import torch
from torch.nn import functional

from recurra.networks.decoder import DecoderOutput
from recurra.tasks.translation.task import PairTask, nats_of
from tests.tolerances import assert_close


def made(vocabulary, padding=0.0):
    torch.manual_seed(0)
    features = torch.randn(3, 5, 4)
    target = torch.full((3, 5), -100)
    for row, length in enumerate((5, 1, 3)):
        target[row, :length] = torch.randint(vocabulary, (length,))
        features[row, length:] = padding
    leaves = [
        each.requires_grad_() for each in (features, torch.randn(vocabulary, 4), torch.randn(vocabulary))
    ]
    return DecoderOutput(*leaves, None), target, leaves


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("vocabulary", [7, 60])  # of the larger one logits are made piece by piece
def test_it_is_torchs_cross_entropy_of_what_is_there(vocabulary, smoothing):
    output, target, leaves = made(vocabulary, padding=float("nan"))
    loss = PairTask(smoothing).loss(output, target)
    logits = output.logits.nan_to_num(0.0).flatten(0, 1)
    expected = functional.cross_entropy(logits, target.flatten(), label_smoothing=smoothing)
    assert_close(loss, expected)
    clean, _, others = made(vocabulary)
    again = functional.cross_entropy(clean.logits.flatten(0, 1), target.flatten(), label_smoothing=smoothing)
    for a, b in zip(torch.autograd.grad(loss, leaves), torch.autograd.grad(again, others), strict=True):
        assert torch.isfinite(a).all()
        assert_close(a, b, "gradient")


def test_validation_is_over_all_ids_without_smoothing():
    output, target, _ = made(7)
    measured = PairTask(0.3).validate([(output, target), (output, target)])
    nats = nats_of(output, target)
    assert nats.shape == (9,) and measured["loss"] == pytest.approx(float(nats.mean()), rel=1e-6)
    assert measured["perplexity"] == pytest.approx(float(nats.mean().exp()), rel=1e-5)


def test_nothing_to_foretell_moves_nothing():
    output, target, leaves = made(7)
    PairTask().loss(output, torch.full_like(target, -100)).backward()
    assert not leaves[0].grad.any()
