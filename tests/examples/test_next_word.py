import torch


def test_three_networks_learn_the_sentences_and_go_on(printed):
    lines = printed("next_word")
    rows = [line.split() for line in lines if line.startswith(("RNN", "GRU", "LSTM"))]
    assert [row[0] for row in rows] == ["RNN", "GRU", "LSTM"]
    for _, first, last, right, *words in rows:
        assert float(last) < 0.5 < 3 < float(first)
        assert int(right.rstrip("%")) >= 85
        assert len(words) == 7
        assert words[:2] == ["the", "miller"]


def test_another_beginning_and_number_of_words(printed):
    lines = printed("next_word", "--begin", "a boy", "--words", 3, "--epochs", 2)
    assert lines[-1].split()[4:6] == ["a", "boy"]
    assert len(lines[-1].split()) == 9


def test_prefixes_grow_by_a_word_and_foretell_the_next(example):
    module = example("next_word")
    encoder = module.TextEncoder.fit(module.SENTENCES, module.TextConfig(level="word"))
    begun, wanted = module.prefixes(encoder.encode(["the river runs", "a boy"]))
    words = encoder.vocabulary
    said = [[words[i] for i in begun[k]] for k in range(len(begun))]
    assert said == [["the"], ["the", "river"], ["a"]]
    assert [words[i] for i in wanted] == ["river", "runs", "boy"]


def test_padding_and_unknown_are_never_said(example):
    module = example("next_word")
    torch.manual_seed(0)
    network = module.NextWord(module.GRU, 6)
    torch.nn.init.zeros_(network.output.weight)
    network.output.bias.data = torch.tensor([9.0, 8.0, 0.0, 1.0, 0.0, 0.0])
    assert module.go_on(network, [2], 2) == [2, 3, 3]
