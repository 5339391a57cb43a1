"""What a Keras file says is computed: beside Keras' equations in plain NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from recurra.axes import valid_steps
from recurra.exchange.keras_file import read_keras
from tests.exchange import equations
from tests.exchange.keras_files import (
    drawn,
    drawn_cell,
    functional,
    input_layer,
    layer,
    recurrent,
    sequential,
    write_keras,
)
from tests.tolerances import assert_close

BATCH, STEPS, FEATURES, UNITS = 4, 7, 3, 5
CELLS = [
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu"}),
    ("LSTM", {}),
    ("GRU", {"reset_after": True}),
    ("GRU", {"reset_after": False}),
]


def close(found: torch.Tensor, expected: np.ndarray) -> None:
    assert_close(found.detach(), torch.from_numpy(expected.astype(np.float32)), slack=2)


def drawn_mask(rng: np.random.Generator) -> np.ndarray:
    """Skipped steps in front, in between and behind, and a sequence without any."""
    mask = rng.random((BATCH, STEPS)) < 0.6
    mask[0], mask[1], mask[2] = True, [0, 0, 1, 1, 1, 1, 1], [1, 1, 0, 1, 0, 0, 0]
    return mask


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(("class_name", "of_cell"), CELLS)
def test_a_cell_is_that_of_keras(tmp_path, class_name, of_cell, use_bias):
    rng, options = np.random.default_rng(1), {**of_cell, "use_bias": use_bias, "return_sequences": True}
    config = sequential(input_layer(None, FEATURES), recurrent(class_name, "cell", UNITS, **options))
    weights = drawn_cell(rng, class_name, FEATURES, UNITS, **options)
    place = {"SimpleRNN": "simple_rnn"}.get(class_name, class_name.lower())
    network = read_keras(write_keras(tmp_path / "m.keras", config, {f"layers/{place}/cell": weights}))
    x = drawn(rng, BATCH, STEPS, FEATURES)
    close(network(torch.from_numpy(x)), equations.run(class_name, x, weights, **options))
    assert network.description.weights == sum(w.size for w in weights)


@pytest.mark.parametrize(("every", "back", "zero"), list(itertools.product([False, True], repeat=3)), ids=str)
def test_skipped_steps_are_skipped_wherever_they_stand(tmp_path, every, back, zero):
    rng = np.random.default_rng(2)
    options = {"return_sequences": every, "go_backwards": back, "zero_output_for_mask": zero}
    config = sequential(
        input_layer(None),
        layer("Embedding", "words", input_dim=9, output_dim=FEATURES, mask_zero=True),
        recurrent("LSTM", "lstm", UNITS, **options),
    )
    weights, table = drawn_cell(rng, "LSTM", FEATURES, UNITS), drawn(rng, 9, FEATURES)
    arrays = {"layers/embedding": [table], "layers/lstm/cell": weights}
    network = read_keras(write_keras(tmp_path / "m.keras", config, arrays))
    mask = drawn_mask(rng)
    ids = np.where(mask, rng.integers(1, 9, mask.shape), 0)
    close(network(torch.from_numpy(ids)), equations.run("LSTM", table[ids], weights, mask, **options))


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("every", [False, True])
def test_both_directions_are_merged(tmp_path, merge, every):
    rng, options = np.random.default_rng(3), {"reset_after": False, "return_sequences": every}
    config = functional(
        input_layer(None),
        layer("Embedding", "words", input_dim=9, output_dim=FEATURES, mask_zero=True),
        layer(
            "Bidirectional",
            "both",
            merge_mode=merge,
            layer=recurrent("GRU", "forward_gru", UNITS, **options),
            backward_layer=recurrent("GRU", "backward_gru", UNITS, **options, go_backwards=True),
        ),
        mask_of="words",
    )
    table = drawn(rng, 9, FEATURES)
    one, other = (drawn_cell(rng, "GRU", FEATURES, UNITS, **options) for _ in range(2))
    arrays = {
        "layers/embedding": [table],
        "layers/bidirectional/forward_layer/cell": one,
        "layers/bidirectional/backward_layer/cell": other,
    }
    network = read_keras(write_keras(tmp_path / "m.keras", config, arrays))
    mask = drawn_mask(rng)
    ids = np.where(mask, rng.integers(1, 9, mask.shape), 0)
    expected = equations.bidirectional("GRU", table[ids], one, other, mask, merge, **options)
    close(network(torch.from_numpy(ids)), expected)


def test_a_whole_model(tmp_path):
    """Two layers, the second of the same class; Masking, dropout, a dense layer at every step, the mean, softmax."""
    rng = np.random.default_rng(4)
    config = sequential(
        input_layer(STEPS, FEATURES),
        layer("Masking", "skip", mask_value=-1.0),
        recurrent("LSTM", "first", UNITS, return_sequences=True, dropout=0.3),
        layer("Dropout", "drop", rate=0.5, noise_shape=None),
        recurrent("LSTM", "second", 4, return_sequences=True),
        layer(
            "TimeDistributed",
            "each",
            layer=layer("Dense", "dense", units=6, activation="relu", use_bias=True),
        ),
        layer("GlobalAveragePooling1D", "mean", data_format="channels_last", keepdims=False),
        layer("Dense", "out", units=3, activation="softmax", use_bias=True),
    )
    first, second = drawn_cell(rng, "LSTM", FEATURES, UNITS), drawn_cell(rng, "LSTM", UNITS, 4)
    dense, out = [drawn(rng, 4, 6), drawn(rng, 6)], [drawn(rng, 6, 3), drawn(rng, 3)]
    arrays = {
        "layers/lstm/cell": first,
        "layers/lstm_1/cell": second,
        "layers/time_distributed/layer": dense,
        "layers/dense": out,
    }
    network = read_keras(write_keras(tmp_path / "m.keras", config, arrays))
    mask, x = drawn_mask(rng), drawn(rng, BATCH, STEPS, FEATURES)
    x[~mask] = -1
    kept = np.where(mask[..., None], x, 0)
    y = equations.run("LSTM", kept, first, mask, return_sequences=True)
    y = equations.run("LSTM", y, second, mask, return_sequences=True)
    y = np.maximum(y @ dense[0] + dense[1], 0)
    mean = (y * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    logits = mean @ out[0] + out[1]
    close(network(torch.from_numpy(x)), equations.softmax(logits))
    close(network.logits(torch.from_numpy(x)), logits)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("every", [False, True])
def test_a_sequence_alone_is_the_same_as_in_a_padded_batch(tmp_path, back, every):
    rng = np.random.default_rng(5)
    both = {
        "layer": recurrent("GRU", "one", UNITS, return_sequences=every),
        "backward_layer": recurrent("GRU", "other", UNITS, return_sequences=every, go_backwards=True),
    }
    config = sequential(
        input_layer(None),
        layer("Embedding", "words", input_dim=9, output_dim=FEATURES, mask_zero=True),
        recurrent("SimpleRNN", "rnn", UNITS, return_sequences=True, go_backwards=back),
        layer("Bidirectional", "both", merge_mode="concat", **both),
    )
    arrays = {
        "layers/embedding": [drawn(rng, 9, FEATURES)],
        "layers/simple_rnn/cell": drawn_cell(rng, "SimpleRNN", FEATURES, UNITS),
        "layers/bidirectional/forward_layer/cell": drawn_cell(rng, "GRU", UNITS, UNITS),
        "layers/bidirectional/backward_layer/cell": drawn_cell(rng, "GRU", UNITS, UNITS),
    }
    network = read_keras(write_keras(tmp_path / "m.keras", config, arrays))
    ids = torch.from_numpy(rng.integers(0, 9, (BATCH, STEPS)))
    lengths = torch.tensor([STEPS, 3, 1, 5])
    ids = torch.where(valid_steps(lengths, STEPS), ids, 10**6)  # what stands behind is never read
    together = network(ids, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(ids[row : row + 1, :length])[0]
        assert_close(together[row, :length] if every else together[row], alone)
        assert not every or not together[row, length:].any()
