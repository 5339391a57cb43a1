import pytest
import torch


@pytest.fixture
def module(example):
    return example("three_text_classifiers")


@pytest.mark.parametrize(("layer", "gates"), [("RNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_classifiers_differ_in_the_recurrent_weights_alone(module, layer, gates):
    network = module.TextClassifier(getattr(module, layer), vocabulary_size=50)
    recurrent = gates * 64 * (32 + 64 + 2) + gates * 64 * (64 + 64 + 2)
    assert sum(p.numel() for p in network.parameters()) == 50 * 32 + recurrent + 64 * 2 + 2
    assert network.recurrent.dropout == 0.2


@pytest.mark.parametrize("layer", ["RNN", "LSTM", "GRU"])
def test_scores_do_not_depend_on_the_padding(module, layer):
    torch.manual_seed(0)
    network = module.TextClassifier(getattr(module, layer), vocabulary_size=50).eval()
    ids, lengths = torch.randint(2, 50, (3, 9)), torch.tensor([9, 4, 1])
    together = network(ids, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(ids[row : row + 1, :length], torch.tensor([length]))
        torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-6)


def test_lstm_and_gru_learn_what_word_counts_cannot(printed):
    lines = printed("three_text_classifiers", "--sentences", 1600, "--epochs", 6)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line[:4].strip() in {"RNN", "LSTM", "GRU"}}
    assert list(rows) == ["RNN", "LSTM", "GRU"]
    for cell in ("LSTM", "GRU"):
        _, train_loss, test_loss, *accuracies = rows[cell]
        assert float(train_loss) < 0.3 and float(test_loss) < 0.3
        assert float(accuracies[-1].rstrip("%")) > 90
        assert float(accuracies[0].rstrip("%")) < 75  # it was not that easy
    assert float(lines[-1].split()[-1].rstrip("%")) < 60


def test_the_same_seed_prints_the_same_table(printed):
    first = printed("three_text_classifiers", "--sentences", 80, "--epochs", 1, "--seed", 5)
    assert first == printed("three_text_classifiers", "--sentences", 80, "--epochs", 1, "--seed", 5)
    assert first != printed("three_text_classifiers", "--sentences", 80, "--epochs", 1, "--seed", 6)
