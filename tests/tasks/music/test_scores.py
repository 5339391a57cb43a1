"""Loss, scores and baselines of foretold frames, against plain sums."""

import numpy as np
import pytest
import torch

from recurra.data.music.batches import FrameBatches
from recurra.data.packed import Packed
from recurra.networks.piece_network import Chords
from recurra.tasks.music.baselines import affordable_frames, run_piece_baselines
from recurra.tasks.music.scores import piece_scores, piece_sums
from recurra.tasks.music.task import PieceTask, nats_of
from tests.data.music.made import rolls
from tests.tolerances import assert_close


def plain_nats(p, frame):
    return -sum(np.log(p[k]) if frame[k] else np.log(1 - p[k]) for k in range(len(p)))


def test_loss_is_the_mean_over_frames_of_sums_over_keys():
    batch = next(FrameBatches(Packed.from_list(rolls(3))).evaluation())
    logits = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(0))
    expected = [
        plain_nats(torch.sigmoid(logits[row, t]).double().numpy(), batch.target[row, t].numpy())
        for row in range(3)
        for t in range(int(batch.inputs[1][row]))
    ]
    task = PieceTask()
    assert float(task.loss(logits, batch.target)) == pytest.approx(np.mean(expected), rel=1e-5)
    assert task.validate([(logits, batch.target)])["loss"] == pytest.approx(np.mean(expected), rel=1e-5)


def test_nats_of_chords_are_those_of_one_key_after_the_other():
    draw = torch.Generator().manual_seed(0)
    said = Chords(*(torch.randn(*size, generator=draw) for size in ((2, 88 + 5), (88, 5), (88, 5))))
    frames = (torch.rand(2, 88, generator=draw) < 0.3).float()
    for row in range(2):
        units, nats = said.raw[row, 88:].clone(), 0.0
        for key in range(88):
            p = torch.sigmoid(said.raw[row, key] + torch.sigmoid(units) @ said.outward[key])
            nats -= float(torch.log(p if frames[row, key] else 1 - p))
            units += frames[row, key] * said.inward[key]
        assert float(nats_of(said, frames)[row]) == pytest.approx(nats, rel=1e-5)


def test_padding_changes_neither_loss_nor_gradient():
    batch = next(FrameBatches(Packed.from_list(rolls(4))).evaluation())
    padded = batch.target[..., 0].isnan()
    assert padded.any()
    gradients = []
    for fill in (0.0, float("nan")):
        logits = torch.zeros(batch.target.shape).masked_fill(padded[..., None], fill).requires_grad_()
        PieceTask().loss(logits, batch.target).backward()
        gradients.append(logits.grad)
    assert_close(gradients[1], gradients[0])
    assert gradients[0][padded].abs().max() == 0


def test_scores_are_over_all_frames_not_over_pieces():
    truth = np.zeros((3, 88), dtype=bool)
    truth[:, :2] = True
    said = np.zeros_like(truth)
    said[0, :3] = True
    sums = piece_sums(np.array([1.0, 2.0, 6.0]), said, truth, np.array([0, 1, 1]), 2)
    nll, accuracy = piece_scores(sums)
    assert nll.value == 3.0 and accuracy.value == pytest.approx(2 / 7)
    assert nll.value in nll.interval and accuracy.value in accuracy.interval


def test_baselines_give_what_their_probabilities_say():
    seen, unseen = Packed.from_list(rolls(15)), Packed.from_list(rolls(5, seed=1))
    found = run_piece_baselines(seen, unseen)
    assert [result.name for result, _ in found] == [
        "always the same shares",
        "held and struck keys",
        "last 4 frames, logistic regression",
    ]
    truth = np.concatenate([unseen[n][1:] for n in range(5)])
    for result, sums in found:
        assert sums[:, 0].sum() == len(truth)
        assert sums[:, 1].sum() == pytest.approx(
            sum(plain_nats(p, frame) for p, frame in zip(result.prediction, truth, strict=True))
        )
    shares, markov, linear = (result.scores[0].value for result, _ in found)
    assert linear < markov < shares and linear < 0.5  # the circle of chords is a function of the last frames


def test_keys_that_never_move_and_music_of_one_key_do_no_harm():
    still = np.zeros((6, 88), dtype=np.uint8)
    still[:, 40] = 1
    still[::2, 41] = 1
    found = run_piece_baselines(Packed.from_list([still, still]), Packed.from_list([still]))
    assert all(np.isfinite(sums).all() for _, sums in found)


def test_frames_that_can_be_afforded_grow_with_time():
    assert affordable_frames(88, 10) > affordable_frames(88, 1) >= 1000


def test_nats_of_certain_answers_are_finite():
    assert torch.isfinite(nats_of(torch.full((1, 88), 200.0), torch.zeros(1, 88))).all()
