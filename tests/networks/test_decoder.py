"""A decoder: steps are the whole, padding never leaks, later tokens change nothing."""

import pytest
import torch

from recurra.networks.decoder import Decoder, DecoderConfig
from tests.tolerances import assert_close

VARIANTS = {
    "lstm": {"cell": "lstm"},
    "gru, two layers": {"cell": "gru", "num_layers": 2},
    "rnn, additive": {"cell": "rnn", "attention": "additive"},
    "mingru": {"cell": "mingru"},
    "minlstm, fed": {"cell": "minlstm", "input_feeding": True},
    "lstm, fed": {"cell": "lstm", "num_layers": 2, "input_feeding": True, "attention": "additive"},
    "gru, not tied": {"cell": "gru", "tied": False, "input_feeding": True},
    "gru, blind": {"cell": "gru", "attention": "none"},
    "gru, blind, fed": {"cell": "gru", "attention": "none", "input_feeding": True},
    "of a transformer": {"cell": "transformer", "heads": 2},
    "of a tcn": {"cell": "tcn"},
}
VOCABULARY, PLACES, MEMORY, SUMMARY = 11, 6, 3, 5
LENGTHS = torch.tensor([6, 1, 4])


def decoder_of(variant):
    torch.manual_seed(0)
    config = DecoderConfig(**{"hidden_size": 4, "embedding_size": 6} | VARIANTS[variant])
    return Decoder(config, VOCABULARY, MEMORY, SUMMARY).eval()


def drawn(padding=0.0):
    torch.manual_seed(1)
    values, ids = torch.randn(3, PLACES, MEMORY), torch.randint(VOCABULARY, (3, 9))
    for row, length in enumerate(LENGTHS.tolist()):
        values[row, length:] = padding
    return values, torch.randn(3, SUMMARY), ids


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_equal_the_whole(variant):
    decoder = decoder_of(variant)
    values, summary, ids = drawn()
    memory, state = decoder.remember(values, LENGTHS), decoder.begin(summary)
    whole = decoder(ids, memory, state)
    logits, looks = [], []
    for t in range(ids.size(1)):
        step, state, weights = decoder.step(ids[:, t], state, memory)
        logits.append(step)
        looks.append(weights)
    assert_close(torch.stack(logits, 1), whole.logits)
    if decoder.attention is None:
        assert whole.alignment is None and looks[0] is None
    else:
        assert_close(torch.stack(looks, 1), whole.alignment)
        assert_close(whole.alignment.sum(-1), torch.ones(3, 9))


@pytest.mark.parametrize("variant", VARIANTS)
def test_poisoned_memory_changes_nothing_gradients_included(variant):
    decoder = decoder_of(variant)
    found = []
    for padding in (float("nan"), 7.0):
        values, summary, ids = drawn(padding)
        values.requires_grad_()
        decoder.zero_grad()
        logits = decoder(ids, decoder.remember(values, LENGTHS), decoder.begin(summary)).logits
        logits.square().sum().backward()
        gradients = [p.grad.clone() for p in decoder.parameters() if p.grad is not None]
        found.append([logits.detach(), *gradients, *([] if values.grad is None else [values.grad])])
    for poisoned, clean in zip(*found, strict=True):
        assert torch.isfinite(poisoned).all()
        assert_close(poisoned, clean)
    values, summary, ids = drawn()
    for row, length in enumerate(LENGTHS.tolist()):
        memory = decoder.remember(values[row : row + 1, :length])
        alone = decoder(ids[row : row + 1], memory, decoder.begin(summary[row : row + 1])).logits
        assert_close(alone[0], found[0][0][row])


@pytest.mark.parametrize("variant", VARIANTS)
def test_later_tokens_change_nothing_before_them(variant):
    decoder = decoder_of(variant)
    values, summary, ids = drawn()
    changed = ids.clone()
    changed[:, 5] = (ids[:, 5] + 1) % VOCABULARY
    memory, state = decoder.remember(values, LENGTHS), decoder.begin(summary)
    before, after = decoder(ids, memory, state).logits, decoder(changed, memory, state).logits
    assert torch.equal(before[:, :5], after[:, :5]) and not torch.equal(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_it_reads_reaches_the_output_only_where_it_looks(variant):
    decoder = decoder_of(variant)
    values, summary, ids = drawn()
    state = decoder.begin(summary)
    one = decoder(ids, decoder.remember(values, LENGTHS), state).logits
    other = decoder(ids, decoder.remember(values + 1, LENGTHS), state).logits
    assert torch.equal(one, other) == (decoder.attention is None)
    else_begun = decoder(ids, decoder.remember(values, LENGTHS), decoder.begin(-summary)).logits
    assert not torch.equal(one, else_begun)


@pytest.mark.parametrize("variant", ["lstm, fed", "gru, two layers", "mingru"])
def test_rows_taken_go_on_alike(variant):
    decoder = decoder_of(variant)
    values, summary, ids = drawn()
    memory, rows = decoder.remember(values, LENGTHS), torch.tensor([2, 0, 2, 2])
    _, state, _ = decoder.step(ids[:, 0], decoder.begin(summary), memory)
    whole, _, _ = decoder.step(ids[:, 1], state, memory)
    taken, _, _ = decoder.step(ids[rows, 1], state.take(rows), memory.take(rows))
    assert_close(taken, whole[rows])


def test_a_state_without_a_summary_begins_at_zero():
    config = DecoderConfig(cell="lstm", hidden_size=4, embedding_size=6, input_feeding=True)
    state = Decoder(config, VOCABULARY, MEMORY, 0).begin(torch.zeros(2, 0))
    assert state.fed is not None
    assert [tuple(each.shape) for each in (*state.hidden, state.fed)] == [(1, 2, 4), (1, 2, 4), (2, 6)]
    assert not any(each.any() for each in state.hidden)
