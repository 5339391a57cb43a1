"""Loss and decoding against all paths there are; scores; baselines."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.packed import Packed
from recurra.data.transcripts.alphabet import Alphabet, steps_needed
from recurra.errors import InputError
from recurra.networks.transcription_network import Written
from recurra.tasks.transcription.baselines import run_transcript_baselines
from recurra.tasks.transcription.decoding import BeamSearch, Fusion, PathFollowing, greedy, make_decoder
from recurra.tasks.transcription.known import KnownTexts
from recurra.tasks.transcription.scores import transcript_measures, transcript_scores, transcript_sums
from recurra.tasks.transcription.task import TranscriptionTask
from tests.tolerances import assert_close

LETTERS = Alphabet("character", True, ("a", "b"))


def log_p(seed, steps, tokens=3):
    return torch.randn(
        steps, tokens, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).log_softmax(1)


def by_paths(p):
    """Text -> probability, by all paths."""
    found = {}
    for path in product(range(p.shape[1]), repeat=len(p)):
        text = tuple(greedy(np.array(path, dtype=np.int64)))
        found[text] = found.get(text, 0.0) + float(np.exp(sum(p[t, c] for t, c in enumerate(path))))
    return found


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_loss_is_the_sum_over_all_paths(seed, steps):
    p = log_p(seed, steps)
    task = TranscriptionTask(LETTERS)
    for text, probability in by_paths(p.numpy()).items():
        if not text:
            continue
        written = Written(p[None], torch.tensor([steps]))
        loss = task.loss(written, torch.tensor([[*text, -100]]))
        assert_close(loss * len(text), torch.tensor(-np.log(probability), dtype=torch.float64), "loss")


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_search_without_a_limit_finds_the_likeliest_text(seed, steps):
    p = log_p(seed, steps).numpy()
    search = BeamSearch(1000)
    search.advance(p)
    truth = by_paths(p)
    assert truth[tuple(search.best())] == pytest.approx(max(truth.values()), rel=1e-9)


class Chain:
    """A language model of two tokens that like to take turns."""

    def begin(self):
        return 0

    def read(self, state, token):
        return float(np.log(0.5 if state == 0 else 0.8 if token != state else 0.15)), token

    def end(self, state):
        return float(np.log(0.05 if state else 0.0 + 1e-9))


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_search_with_a_language_model_finds_the_best_sum(seed, steps):
    p, chain = log_p(seed, steps).numpy(), Chain()
    fusion = Fusion(chain, weight=0.7, word_bonus=0.3, begins_word=lambda before, token: before == 0)
    search = BeamSearch(1000, fusion)
    search.advance(p)

    def rank(text, probability):
        total, state = np.log(probability), chain.begin()
        for token in text:
            said, state = chain.read(state, token)
            total += 0.7 * said
        return total + 0.7 * chain.end(state) + 0.3 * bool(text)

    truth = by_paths(p)
    best = max(rank(text, probability) for text, probability in truth.items())
    found = tuple(search.best())
    assert rank(found, truth[found]) == pytest.approx(best, rel=1e-9)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 4), max_size=5), st.integers(1, 4))
def test_decoders_give_from_pieces_what_they_give_from_the_whole(seed, sizes, width):
    p = log_p(seed, sum(sizes), tokens=5).numpy()
    whole, pieces = make_decoder(width), make_decoder(width)
    whole.advance(p)
    for piece in np.split(p, np.cumsum(sizes)[:-1]) if sizes else []:
        pieces.advance(piece)
    assert pieces.best() == whole.best()


KNOWN = [(1,), (2,), (1, 1), (2, 1, 2)]


@given(st.integers(0, 10_000), st.lists(st.integers(0, 3), max_size=4))
def test_texts_that_are_known_have_the_probability_of_all_their_paths(seed, sizes):
    p = log_p(seed, sum(sizes)).numpy()
    known = make_decoder(8, only=[np.array(text) for text in KNOWN])
    for piece in np.split(p, np.cumsum(sizes)[:-1]) if sizes else []:
        known.advance(piece)
    truth = by_paths(p)
    expected = [truth.get(text, 0.0) for text in KNOWN]
    assert np.exp(known.log_p()) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert known.best() == (list(KNOWN[int(np.argmax(expected))]) if max(expected) > 0 else [])
    assert known.best(ended=False) == (known.best() if max(expected) > truth[()] else [])


def test_texts_that_are_known_are_not_empty():
    for none in ([], [[1], []]):
        with pytest.raises(InputError, match="one token or more"):
            KnownTexts(none)


def test_narrow_search_mostly_finds_a_likelier_text_than_the_likeliest_path():
    better, worse = 0, 0
    for seed in range(100):
        p = log_p(seed, 6).numpy()
        truth = by_paths(p)
        search, path = BeamSearch(8), PathFollowing()
        search.advance(p)
        path.advance(p)
        assert path.best() == greedy(p.argmax(1))
        gain = truth[tuple(search.best())] - truth[tuple(path.best())]
        better, worse = better + (gain > 1e-9), worse + (gain < -1e-9)
    assert better > 10 > 5 * worse


def plain_search(p, width):
    """Prefix beam search as it is written down: texts in a dictionary."""
    followed = {(): (0.0, -np.inf)}
    for step in p:
        longer = {}

        def add(text, place, value, into=longer):
            ends = list(into.get(text, (-np.inf, -np.inf)))
            ends[place] = np.logaddexp(ends[place], value)
            into[text] = tuple(ends)

        for text, (blank, token) in followed.items():
            both = np.logaddexp(blank, token)
            add(text, 0, both + step[0])
            if text:
                add(text, 1, token + step[text[-1]])
            for c in range(1, len(step)):
                add((*text, c), 1, (blank if text and text[-1] == c else both) + step[c])
        best = sorted(longer.items(), key=lambda each: -np.logaddexp(*each[1]))
        followed = dict(best[:width])
    return list(max(followed, key=lambda text: np.logaddexp(*followed[text])))


@pytest.mark.parametrize("seed", range(12))
def test_search_finds_what_a_plain_one_of_its_width_does(seed):
    rng = np.random.default_rng(seed)
    steps, tokens, width = (
        (600 if seed == 0 else int(rng.integers(1, 100))),
        rng.integers(3, 6),
        rng.integers(1, 6),
    )
    p = np.log(rng.dirichlet(np.full(tokens, 0.3), steps) + 1e-9)
    search = BeamSearch(int(width))
    for begin in range(0, steps, 7):
        search.advance(p[begin : begin + 7])
    assert search.best() == plain_search(p, int(width))


def test_search_over_a_long_sequence_keeps_little_but_the_text():
    """What the language model read is kept of texts that may still go on."""
    asked = []

    class Counting(Chain):
        def read(self, state, token):
            asked.append(token)
            return super().read(state, token)

    def known(node, found):
        found.add(id(node))
        for child in node.children.values():
            known(child, found)

    fusion = Fusion(Counting(), 0.5, 0.0, lambda before, token: False)
    search, seen = BeamSearch(4, fusion), []
    for seed in range(60):
        search.advance(log_p(seed, 10).numpy())
        nodes, live = set(), set()
        for text in search._followed:
            known(text, live)
            nodes |= {id(each) for each in text.path() if each.language is not None and not each.gone}
        seen.append(len(nodes | live))
    assert max(seen) < 40 and len(search._settled) > 50
    unasked = BeamSearch(4, Fusion(Counting(), 0.0, 1.0, lambda before, token: False))
    asked.clear()
    unasked.advance(log_p(0, 20).numpy())
    assert not asked, "what weighs nothing is not read"


def test_batches_of_texts_give_each_its_own_loss():
    task, p = TranscriptionTask(LETTERS), log_p(0, 6)
    both = Written(torch.stack([p, p]), torch.tensor([6.0, 4.0]))
    target = torch.tensor([[1, 2, 1], [2, -100, -100]])
    one = task.loss(Written(p[None], torch.tensor([6])), target[:1])
    other = task.loss(Written(p[None, :4], torch.tensor([4])), target[1:, :1])
    assert_close(task.loss(both, target), (3 * one + other) / 4, "loss")
    told = task.validate([(both, target)])
    assert told["loss"] == pytest.approx(float((3 * one + other) / 4)) and "word error rate" in told


def test_a_text_without_a_path_has_no_finite_loss():
    target = torch.tensor([[1, 1]])
    assert steps_needed(target[0].numpy()) == 3
    task = TranscriptionTask(LETTERS)
    assert torch.isinf(task.loss(Written(log_p(0, 2)[None], torch.tensor([2])), target))


def test_scores_count_edits_over_all_texts():
    sums = transcript_sums(["a b", "a x c", "", "d"], ["a b", "a b c", "e", ""])
    wer, cer, exact = (float(each.statistic(sums.sum(0))) for each in transcript_measures())
    assert wer == pytest.approx(3 / 6) and exact == pytest.approx(1 / 4)
    assert cer == pytest.approx((0 + 1 + 1 + 1) / 9)
    found = transcript_scores(sums)
    assert [score.name for score in found] == ["word error rate", "character error rate", "exactly right"]
    assert all(score.value in score.interval for score in found)
    assert not found[0].higher_is_better and found[2].higher_is_better


def test_no_error_at_all_is_not_certainty():
    sums = transcript_sums(["a"] * 30, ["a"] * 30)
    interval = transcript_scores(sums)[0].interval
    assert interval.low == 0 and 0.05 < interval.high < 0.2


def test_single_words_that_are_all_wrong_are_not_certainty():
    wer, cer, _ = transcript_scores(transcript_sums(["ab"] * 10, ["cd"] * 10))
    for score in (wer, cer):
        assert score.value == 1 and score.interval.high == 1 and 0.6 < score.interval.low < 0.8
    twice = transcript_scores(transcript_sums(["a b"] * 10, ["c"] * 10))[0]
    assert twice.value == 2 and twice.interval.high == 2 and 1.2 < twice.interval.low < 1.6


def test_baselines_choose_among_the_texts_of_training():
    draw = np.random.default_rng(0)
    words = ["up", "down"] * 30
    sequences = Packed.from_list(
        [
            (np.linspace(0, 1 if w == "up" else -1, 12)[:, None] + 0.1 * draw.standard_normal((12, 1)))
            for w in words
        ]
    )
    held = sequences.take(np.arange(40, 60))
    found = run_transcript_baselines(sequences.take(np.arange(40)), words[:40], held, words[40:])
    assert [result.name for result, _ in found] == [
        "always the commonest text",
        "logistic regression among the texts of training",
    ]
    assert found[0][0].scores[0].value == 0.5 and found[1][0].scores[0].value < 0.1
    varied = [f"{word} {n}" for n, word in enumerate(words)]
    nearest = run_transcript_baselines(sequences.take(np.arange(40)), varied[:40], held, varied[40:])[1][0]
    assert nearest.name == "text of the nearest training sequence"
    assert all(text in varied[:40] for text in nearest.prediction)
