import numpy as np
import pytest
import torch

NAMES = ["50 units -> one number", "2 layers of 50 -> one number", "100 units -> 10 classes"]
NAMES += ["2 layers of 100 -> yes/no", "100 units, dropout 0.5 -> yes/no"]


@pytest.fixture
def module(example):
    return example("ten_networks")


def trained(module, design, layer, sequences: int, epochs: int) -> tuple[float, float, float]:
    """Test loss before, test loss after, score after."""
    rng = np.random.default_rng(0)
    learn, check = (module.make_tensors(design, n, rng) for n in (sequences, 400))
    torch.manual_seed(0)
    network = module.Network(layer, design.units, design.num_layers, design.dropout, design.outputs)
    before, _ = module.evaluate(network, design, *check)
    module.train(network, design, *learn, epochs)
    return before, *module.evaluate(network, design, *check)


@pytest.mark.parametrize(("layer", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_designs_have_the_layers_that_they_promise(module, layer, gates):
    def one_layer(inputs: int, units: int) -> int:
        return gates * units * (inputs + units + 2)

    expected = [
        one_layer(1, 50) + 51,
        one_layer(1, 50) + one_layer(50, 50) + 51,
        one_layer(1, 100) + 1010,
        one_layer(1, 100) + one_layer(100, 100) + 101,
        one_layer(1, 100) + 101,
    ]
    networks = [
        module.Network(getattr(module, layer), d.units, d.num_layers, d.dropout, d.outputs)
        for d in module.DESIGNS
    ]
    assert [d.name for d in module.DESIGNS] == NAMES
    assert [sum(p.numel() for p in network.parameters()) for network in networks] == expected
    assert [network.dropout.p for network in networks] == [0, 0, 0, 0, 0.5]


def test_sequences_have_100_steps_and_the_answers_that_they_show(module):
    rng = np.random.default_rng(1)
    for design in module.DESIGNS:
        x, targets = module.make_tensors(design, 7, rng)
        assert (x.shape, targets.shape) == ((7, 100, 1), (7,))
    x, answers = module.first_half_larger(500, rng)
    assert ((x[:, :50].sum(1) > x[:, 50:].sum(1)) == answers).all() and 150 < answers.sum() < 350
    x, classes = module.which_frequency(500, rng)
    assert (np.abs(np.fft.rfft(x)).argmax(1) == classes + 1).all() and set(classes) == set(range(10))
    x, answers = module.up_before_down(500, rng)
    smooth = np.apply_along_axis(np.convolve, 1, x, np.ones(10), "valid")
    assert ((smooth.argmax(1) < smooth.argmin(1)) == answers).mean() > 0.97
    x, following = module.next_value(500, rng)
    assert np.abs(following - x[:, -1]).max() < 1 and np.abs(following).max() <= 1


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize(("name", "score"), [(NAMES[0], 0.75), (NAMES[4], 0.8)])
def test_one_layer_learns_from_few_sequences(module, name, score, layer):
    design = module.DESIGNS[NAMES.index(name)]
    before, after, reached = trained(module, design, getattr(module, layer), sequences=300, epochs=3)
    assert after < 0.6 * before
    assert reached > score


@pytest.mark.full
@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize(("name", "score"), list(zip(NAMES, [0.9, 0.9, 0.4, 0.9, 0.85], strict=True)))
def test_all_ten_learn(module, name, score, layer):
    design = module.DESIGNS[NAMES.index(name)]
    before, after, reached = trained(module, design, getattr(module, layer), sequences=800, epochs=8)
    assert after < 0.7 * before
    assert reached > score


def test_table_has_ten_rows_of_equal_width_and_repeats(printed):
    lines = printed("ten_networks", "--sequences", 50, "--epochs", 1)
    rows = lines[-10:]
    assert [row[:4].strip() for row in rows] == ["LSTM", "GRU"] * 5
    assert [row[6:39].strip() for row in rows[::2]] == NAMES
    assert len({len(row) for row in rows}) == 1
    assert lines == printed("ten_networks", "--sequences", 50, "--epochs", 1)
