import os

import pytest
import torch

needs_data = pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="RECURRA_DATA is not set")


@pytest.fixture
def module(example):
    return example("sentiment_lstm")


@pytest.fixture
def small_set(module):
    reviews, _ = module.make_reviews(75, seed=0)
    encoder = module.TextEncoder.fit(reviews.texts, module.TextConfig(level="word"))
    return module.Encoded(
        encoder.encode(reviews.texts), torch.tensor(reviews.labels)
    ), encoder.vocabulary_size


def epochs_of(lines: list[str]) -> dict[int, list[float]]:
    """Training loss and accuracy, test loss and accuracy, of each epoch in the printed tables."""
    rows = [line.replace("%", "").split() for line in lines if line[:5].strip().isdigit() and "%" in line]
    return {int(row[0]): [float(number) for number in row[1:]] for row in rows}


def test_network_has_the_layers_that_it_promises(module):
    network, _ = module.make_network(1000, seed=0)
    first = 2 * 4 * 64 * (200 + 64 + 2)
    second = 2 * 4 * 64 * (2 * 64 + 64 + 2)
    expected = 1000 * 200 + first + second + (128 * 20 + 20) + (20 * 2 + 2)
    assert sum(p.numel() for p in network.parameters()) == expected
    assert (network.lstm.dropout, network.lstm.num_layers, network.lstm.bidirectional) == (0.5, 2, True)


def test_both_directions_end_states_reach_the_output_and_padding_does_not(module):
    network, _ = module.make_network(50, seed=0)
    network.eval()
    ids, lengths = torch.randint(2, 50, (2, 8)), torch.tensor([8, 5])
    scores = network(ids, lengths)
    torch.testing.assert_close(network(ids[1:, :5], lengths[1:])[0], scores[1], rtol=0, atol=1e-6)
    steps, _ = network.lstm(network.embedding(ids), lengths=lengths)
    joined = torch.stack([torch.cat([steps[b, n - 1, :64], steps[b, 0, 64:]]) for b, n in enumerate(lengths)])
    expected = network.output(torch.relu(network.hidden(joined)))
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-6)


def test_training_from_files_is_bit_equal_to_one_that_never_stopped(module, small_set, tmp_path):
    reviews, words = small_set
    whole, optimizer = module.make_network(words, seed=0)
    for epoch in (1, 2):
        module.train_epoch(whole, optimizer, reviews, seed=epoch)
    module.save(tmp_path, whole, optimizer, epoch=2)
    last = module.train_epoch(whole, optimizer, reviews, seed=3)

    resumed, optimizer = module.make_network(words, seed=99)
    assert module.load(tmp_path, resumed, optimizer) == 2
    assert module.train_epoch(resumed, optimizer, reviews, seed=3) == last
    for (name, expected), found in zip(
        whole.state_dict().items(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(found, expected), name


def test_without_the_optimizers_moments_it_would_go_on_differently(module, small_set, tmp_path):
    reviews, words = small_set
    network, optimizer = module.make_network(words, seed=0)
    module.train_epoch(network, optimizer, reviews, seed=1)
    module.save(tmp_path, network, optimizer, epoch=1)
    module.train_epoch(network, optimizer, reviews, seed=2)

    weights_only, new_optimizer = module.make_network(words, seed=0)
    weights_only.load_state_dict(module.load_file(tmp_path / "model.safetensors"))
    module.train_epoch(weights_only, new_optimizer, reviews, seed=2)
    assert not torch.equal(weights_only.output.weight, network.output.weight)


def test_made_up_reviews_are_learned_written_and_gone_on_with(printed, monkeypatch, tmp_path):
    monkeypatch.delenv("RECURRA_DATA", raising=False)
    lines = printed("sentiment_lstm", "--reviews", 1600, "--epochs", 4, "--out", tmp_path / "run")
    epochs = epochs_of(lines)
    assert list(epochs) == [1, 2, 3, 4, 5]
    assert epochs[4][0] < 0.5 < epochs[1][0]
    assert epochs[4][2] < 0.4 < epochs[1][2]
    assert epochs[4][3] > 85
    assert epochs[5][0] < epochs[4][0]
    assert f"read back: {epochs[4][3]}%" in "\n".join(lines)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "model.safetensors",
        "optimizer.safetensors",
        "tokenizer.json",
        "training.json",
    ]


def test_full_without_the_data_says_what_is_missing(printed, monkeypatch, capsys):
    monkeypatch.delenv("RECURRA_DATA", raising=False)
    with pytest.raises(SystemExit) as stopped:
        printed("sentiment_lstm", "--full")
    assert stopped.value.code == 2
    assert "set RECURRA_DATA" in capsys.readouterr().err


@needs_data
def test_imdb_sample_is_2000_reviews_of_both_kinds_and_of_its_seed(module):
    folder = module.Path(os.environ["RECURRA_DATA"])
    learn, check = module.read_imdb(folder, full=False, seed=0)
    assert (len(learn.texts), len(check.texts)) == (1600, 400)
    assert 0.45 < sum(learn.labels) / 1600 < 0.55 and 0.4 < sum(check.labels) / 400 < 0.6
    assert module.read_imdb(folder, full=False, seed=0)[0].labels == learn.labels
    # Sorted by label in the file: here the labels change all the time.
    assert sum(a != b for a, b in zip(learn.labels, learn.labels[1:], strict=False)) > 600


@pytest.mark.full
@needs_data
def test_imdb_reviews_are_learned(printed, tmp_path):
    epochs = epochs_of(printed("sentiment_lstm", "--out", tmp_path / "run"))
    assert epochs[4][0] < 0.4 < epochs[1][0]
    assert epochs[4][3] > 60
