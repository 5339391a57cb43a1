from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.batches import Batch, Batches, padded_steps
from recurra.data.packed import Packed
from recurra.errors import InputError
from tests.work import calls_of

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=80)
OPTIONS = st.fixed_dictionaries(
    {
        "tokens_per_batch": st.integers(1, 300),
        "max_batch": st.integers(1, 20),
        "seed": st.integers(0, 3),
        "mixing": st.sampled_from([0.0, 0.1, 0.5, 3.0]),
    }
)


def packed_ids(lengths) -> Packed:
    """Sequence n is n + 1 repeated: what a row holds says whose it is."""
    return Packed.end_to_end(np.repeat(np.arange(len(lengths), dtype=np.int32) + 1, lengths), lengths)


def check(batch: Batch, lengths: np.ndarray) -> None:
    assert batch.inputs[0].dtype == torch.int64
    assert batch.inputs[1].dtype == torch.int64
    assert batch.inputs[1].tolist() == lengths[batch.index].tolist()
    width = int(padded_steps(batch.inputs[1].max().numpy()))
    assert batch.inputs[0].shape == (len(batch), width)
    valid = torch.arange(width) < batch.inputs[1][:, None]
    expected = torch.from_numpy(batch.index)[:, None] + 1
    assert torch.equal(batch.inputs[0], torch.where(valid, expected, 0))
    assert batch.target is not None
    assert batch.target.tolist() == (batch.index * 10).tolist()


def make(lengths, **options) -> Batches:
    return Batches(packed_ids(lengths), np.arange(len(lengths)) * 10, **options)


@settings(deadline=None)
@given(LENGTHS, OPTIONS, st.integers(0, 5))
def test_every_sequence_once_in_as_many_batches_every_epoch(lengths, options, epoch):
    batches = make(lengths, **options)
    taken = list(batches.epoch(epoch))
    assert len(taken) == len(batches)
    assert sorted(np.concatenate([batch.index for batch in taken])) == list(range(len(lengths)))
    for batch in taken:
        check(batch, np.array(lengths))


@settings(deadline=None)
@given(LENGTHS, OPTIONS, st.integers(0, 5))
def test_limits_hold_in_every_epoch(lengths, options, epoch):
    for batch in make(lengths, **options).epoch(epoch):
        assert 1 <= len(batch) <= options["max_batch"]
        assert len(batch) == 1 or batch.inputs[0].numel() <= options["tokens_per_batch"]


@settings(deadline=None)
@given(LENGTHS, OPTIONS, st.integers(0, 5), st.integers(0, 90))
def test_resumed_epoch_gives_the_same_batches(lengths, options, epoch, start):
    whole = [batch.index.tolist() for batch in make(lengths, **options).epoch(epoch)]
    again = make(lengths, **options)
    list(again.epoch(epoch + 1))  # what was asked before must not matter
    assert [batch.index.tolist() for batch in again.epoch(epoch, start)] == whole[start:]


@settings(deadline=None)
@given(LENGTHS, OPTIONS)
def test_evaluation_is_every_sequence_once_by_falling_length(lengths, options):
    batches = make(lengths, **options)
    taken = list(batches.evaluation())
    places = np.concatenate([batch.index for batch in taken])
    assert sorted(places) == list(range(len(lengths)))
    assert (np.diff(np.array(lengths)[places]) <= 0).all()
    assert len(taken) <= len(batches)
    for batch in taken:
        check(batch, np.array(lengths))
        assert len(batch) == 1 or batch.inputs[0].numel() <= 4 * options["tokens_per_batch"]
        assert len(batch) <= 4 * options["max_batch"]


def test_epochs_and_seeds_differ():
    lengths = np.random.default_rng(0).integers(1, 50, 200)
    orders = {
        str([b.tolist() for b in make(lengths, tokens_per_batch=400, seed=seed).order(epoch)])
        for seed in (0, 1)
        for epoch in (0, 1, 2)
    }
    assert len(orders) == 6


def test_companions_change_from_epoch_to_epoch():
    lengths = np.random.default_rng(0).integers(20, 100, 500)
    batches = make(lengths, tokens_per_batch=1_000)

    def companions(epoch: int) -> set[tuple[int, int]]:
        return {(a, b) for batch in batches.order(epoch) for a in batch for b in batch if a < b}

    first, second = companions(0), companions(1)
    assert len(first & second) < 0.5 * len(first)


@pytest.mark.parametrize("mixing", [0.0, 0.1])
def test_equal_lengths_are_shuffled_and_unpadded(mixing):
    batches = make([7] * 100, tokens_per_batch=70, mixing=mixing)
    assert len(batches) == 10
    assert batches.padding_share() == 0
    assert set(batches.order(0)[0]) != set(batches.order(1)[0])
    assert [len(batch) for batch in batches.epoch(0)] == [10] * 10


def test_batches_are_even():
    assert sorted(len(b) for b in make([5] * 65, max_batch=64).order(0)) == [32, 33]
    assert sorted(len(b) for b in make([5] * 129, max_batch=64).order(0)) == [43, 43, 43]


def test_padding_share_is_what_an_epoch_pads():
    lengths = np.random.default_rng(0).geometric(0.02, 3_000)
    batches = make(lengths, tokens_per_batch=4_000)
    for epoch in (0, 3):
        padded = sum(batch.inputs[0].numel() for batch in batches.epoch(epoch))
        assert batches.padding_share(epoch) == pytest.approx(1 - lengths.sum() / padded, abs=1e-12)
        assert batches.padding_share(epoch) < 0.1
    assert make([0, 0]).padding_share() == 1


def test_features_and_targets_of_several_labels():
    values = np.arange(12, dtype=np.float64).reshape(6, 2)
    labels = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=np.float32)
    batches = Batches(Packed.end_to_end(values, np.array([4, 0, 2])), labels, tokens_per_batch=100, seed=1)
    (batch,) = batches.epoch(0)
    order = batch.index.tolist()
    assert batch.inputs[0].dtype == torch.float32
    assert batch.inputs[0].shape == (3, 4, 2)
    assert batch.inputs[0][order.index(0)].tolist() == values[:4].tolist()
    assert batch.inputs[0][order.index(2)].tolist() == [*values[4:].tolist(), [0, 0], [0, 0]]
    assert batch.target is not None
    assert batch.target.tolist() == labels[order].tolist()


def test_sequences_of_no_steps_alone():
    (batch,) = Batches(packed_ids([0, 0])).epoch(0)
    assert batch.inputs[0].tolist() == [[0], [0]]
    assert batch.inputs[1].tolist() == [0, 0]
    assert batch.target is None


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="sequences: expected sequences"):
        Batches(packed_ids([]))
    with pytest.raises(InputError, match="target: expected 2 targets, found 3"):
        Batches(packed_ids([1, 2]), np.zeros(3))
    with pytest.raises(InputError, match="tokens_per_batch: expected 1 or more, found 0"):
        Batches(packed_ids([1]), tokens_per_batch=0)
    with pytest.raises(InputError, match="max_batch: expected 1 or more, found 0"):
        Batches(packed_ids([1]), max_batch=0)
    with pytest.raises(InputError, match="mixing: expected"):
        Batches(packed_ids([1]), mixing=-0.1)


def test_order_of_a_large_epoch_takes_no_loop_over_sequences():
    lengths = np.random.default_rng(0).integers(1, 400, 25_000)
    batches = make(lengths, tokens_per_batch=12_800)
    assert calls_of(lambda: batches.order(0)) < 25_000


def test_batches_can_be_sent_to_other_processes():
    batches = Batches(packed_ids(np.array([3, 1, 2])), np.arange(3), max_batch=2, seed=4)
    sent = pickle.loads(pickle.dumps(batches))
    assert [batch.index.tolist() for batch in sent.epoch(1)] == [
        batch.index.tolist() for batch in batches.epoch(1)
    ]
