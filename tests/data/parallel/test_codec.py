"""Pairs to ids and back, and their batches."""

import numpy as np
import pytest
import torch

from recurra.data.packed import Packed
from recurra.data.parallel import PairBatches, PairCodec, PairTokensConfig
from recurra.errors import DataError, InputError, RunError

SOURCES = ["Ein Hund läuft.", "Zwei Hunde laufen schnell.", "漢字\nund mehr"] * 5
TARGETS = ["A dog runs.", "Two dogs run fast.", "characters\nand more"] * 5


@pytest.mark.parametrize("level", ["subword", "character"])
@pytest.mark.parametrize("shared", [False, True])
def test_texts_come_back(level, shared, tmp_path):
    codec = PairCodec.fit(SOURCES, TARGETS, PairTokensConfig(level=level, shared=shared))
    codec.save(tmp_path / "tokenizer.json")
    again = PairCodec.load(tmp_path / "tokenizer.json")
    assert again.shared == codec.shared == shared
    for made in (codec, again):
        for source, target in zip(SOURCES, TARGETS, strict=True):
            ids = made.encode_target(target)
            assert made.decode(ids) == target and ids.max() < made.boundary == made.target_size - 1
            read = made.encode_source(source)
            assert (
                "".join(made.source_pieces(read)[:-1]).replace("\ufffd", "") in source or level == "subword"
            )
            assert read[-1] == made.source_size - 1 and made.source_pieces(read)[-1] == "∎"
    assert len(codec.encode_source(SOURCES[1], 4)) == 5
    assert np.array_equal(codec.encode_target(TARGETS[0]), again.encode_target(TARGETS[0]))


def test_words_and_sizes():
    codec = PairCodec.fit(SOURCES, TARGETS, PairTokensConfig(level="word", vocabulary_size=8))
    assert codec.source.level == "word" and codec.target_size <= 9
    assert codec.never == (0, 1)  # its targets have several lines
    one = PairCodec.fit(["a b"], ["c d"], PairTokensConfig(level="word"))
    assert one.never == (0, 1, one.target.line_end_id)
    subwords = PairCodec.fit(["a b c d"] * 9, ["x"] * 9, PairTokensConfig())
    assert 258 <= subwords.source_size - 1 <= 500


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(DataError, match="found none"):
        PairCodec.fit([" "], [""], PairTokensConfig())


@pytest.mark.parametrize(
    "text", ["", "{}", '{"form": "recurra pair codec 1", "source": "{}", "target": null, "lines": true}']
)
def test_broken_files_are_refused(text):
    with pytest.raises(RunError, match=r"^tokenizer\.json: expected a"):
        PairCodec.from_json(text)


def drawn(count=40):
    draw = np.random.default_rng(0)
    return [
        Packed.from_list([draw.integers(2, 9, n).astype(np.int32) for n in draw.integers(low, high, count)])
        for low, high in ((1, 12), (0, 9))
    ]


def test_every_pair_comes_once_in_an_epoch_and_whole():
    sources, targets = drawn()
    batches = PairBatches(sources, targets, boundary=9, tokens_per_batch=60, max_batch=8, seed=3)
    for taken in (list(batches.epoch(0)), list(batches.evaluation())):
        assert sorted(n for batch in taken for n in batch.index.tolist()) == list(range(40))
        for batch in taken:
            source, lengths, read = batch.inputs
            assert batch.target is not None and read.shape == batch.target.shape
            for row, n in enumerate(batch.index.tolist()):
                end = len(targets[n])
                assert source[row, : lengths[row]].tolist() == sources[n].tolist()
                assert not source[row, lengths[row] :].any()
                assert read[row, : end + 1].tolist() == [9, *targets[n]]
                assert batch.target[row, : end + 1].tolist() == [*targets[n], 9]
                assert (batch.target[row, end + 1 :] == -100).all()
            assert batch.steps == sum(len(sources[n]) + len(targets[n]) + 1 for n in batch.index)
    assert len(list(batches.epoch(0))) == len(batches)
    for batch in batches.epoch(1):
        assert len(batch) <= 8 and batch.inputs[0].numel() <= 60 and batch.target.numel() <= 60


def test_the_order_is_of_seed_and_epoch_alone():
    sources, targets = drawn()
    made = {"boundary": 9, "tokens_per_batch": 60, "max_batch": 8}
    batches = PairBatches(sources, targets, seed=3, **made)
    other = PairBatches(sources, targets, seed=5, **made)
    order = [batch.index.tolist() for batch in batches.epoch(2)]
    assert order != [batch.index.tolist() for batch in batches.epoch(3)]
    assert order == [batch.index.tolist() for batch in other.reseeded(3).epoch(2)]
    assert order[2:] == [batch.index.tolist() for batch in batches.epoch(2, start=2)]
    part = batches.part(0.25)
    assert sum(len(batch) for batch in part.epoch(0)) == 10
    same = other.part(0.25).reseeded(3)
    for a, b in zip(part.epoch(1), same.epoch(1), strict=True):
        assert torch.equal(a.inputs[0], b.inputs[0])


def test_batches_that_cannot_be_are_refused():
    sources, targets = drawn()
    with pytest.raises(InputError, match="expected 40 targets"):
        PairBatches(sources, targets.take(np.arange(3)), boundary=9)
