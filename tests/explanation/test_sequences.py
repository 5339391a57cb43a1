"""Runs that say one thing of a sequence: what matters is found, and what is said on the way is so."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import recurra
from recurra.data.images.pixels import PixelEncoder
from recurra.data.numbers import NumberEncoder
from recurra.data.text import TextConfig, TextEncoder
from recurra.errors import DataError, InputError
from recurra.explanation import explain
from recurra.explanation.parts import blocks, parts_of_text
from recurra.explanation.sequences import of_numbers
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from tests.runs.conftest import BAD, GOOD, examples_of, sentences

SMALL = {
    "network.hidden_size": 8,
    "network.embedding_size": 8,
    "network.num_layers": 1,
    "training.epochs": 25,
    "training.threads": 1,
    "training.precision": "float32",
    "training.learning_rate": 0.02,
}
FORWARD = {"network.bidirectional": False, "network.pooling": ["last"]}


def words_run(**settings):
    examples, schema = examples_of(sentences(160), text="text", target="label")
    return fit(examples, schema, SequenceFitOptions(settings=SMALL | settings, baselines=False))


@pytest.fixture(scope="module")
def both_ways():
    return words_run(**{"network.cell": "lstm", "text.level": "word"})


@pytest.fixture(scope="module")
def forwards():
    return words_run(**FORWARD, **{"network.cell": "gru", "text.level": "word"})


@pytest.fixture(scope="module")
def numbers():
    """A run for which the second of three columns alone decides."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 200)
    X = [draw.normal(size=(int(draw.integers(6, 12)), 3)).astype(np.float32) for _ in y]
    for x, k in zip(X, y, strict=True):
        x[:, 1] += 2 * k - 1
    chosen = SMALL | {"network.convolutions": [], "network.segment": 1, "training.epochs": 15}
    labels = np.array(["low", "high"], dtype=object)[y]
    return recurra.SequenceClassifier(cell="gru", settings=chosen).fit(X, labels).run_, X


def strongest(values):
    return int(np.argmax(np.abs(np.array(values, dtype=float))))


@pytest.mark.parametrize("name", ["both_ways", "forwards"])
def test_the_one_word_that_decides_is_found_by_both_ways(request, name):
    run = request.getfixturevalue(name)
    found = 0
    for row in sentences(12, seed=9):
        (example,) = explain(run, row["text"]).examples
        texts, own = [part.text for part in example.parts], example.attribution
        assert " ".join(texts) == row["text"]
        for values in (own.occlusion, own.integrated):
            found += texts[strongest([each for (each,) in values])] in GOOD + BAD
        assert own.complete
    assert found >= 22


def test_the_one_column_that_decides_is_found_by_both_ways(numbers):
    run, X = numbers
    for x in X[:5]:
        (example,) = explain(run, x).examples
        assert strongest(example.attribution.columns) == strongest(example.attribution.sums) == 1
        assert len(example.parts) == len(x) and len(example.columns) == 3


def test_what_is_explained_can_be_chosen(both_ways):
    text = sentences(2, seed=9)[1]["text"]
    good, bad = (explain(both_ways, text, of=name).examples[0] for name in ("good", "bad"))
    assert good.attribution.of == "log-odds of good"
    assert good.attribution.value == pytest.approx(-bad.attribution.value, abs=1e-5)
    assert good.course.values[-1] == pytest.approx(1 - bad.course.values[-1], abs=1e-6)
    p = both_ways.predict_proba([text])[0]
    assert good.answers == pytest.approx(dict(zip(both_ways.classes, p, strict=True)), abs=1e-5)
    with pytest.raises(InputError, match="there is no class 'fair'"):
        explain(both_ways, text, of="fair")


def test_a_network_that_reads_in_one_direction_says_on_the_way_what_its_stream_says(forwards):
    text = sentences(2, seed=9)[1]["text"]
    (example,) = explain(forwards, text, of="good").examples
    stream, column = forwards.stream(), forwards.classes.index("good")
    told = [float(stream.read(part.text)[column]) for part in example.parts]
    assert example.course.values == pytest.approx(told, abs=1e-5)
    assert "as its stream does" in example.course.how


def test_a_network_that_reads_from_both_ends_says_what_it_says_of_every_beginning(both_ways):
    text = sentences(2, seed=9)[1]["text"]
    (example,) = explain(both_ways, text, of="good").examples
    texts = [part.text for part in example.parts]
    beginnings = [" ".join(texts[:k]) for k in range(len(texts) + 1)]
    told = both_ways.predict_proba(beginnings)[:, both_ways.classes.index("good")]
    assert [example.course.before, *example.course.values] == pytest.approx(told.tolist(), abs=1e-5)
    assert "read anew" in example.course.how and "both ends" in example.course.how


def test_gates_are_those_of_the_layers_in_the_order_of_the_words(both_ways):
    text = sentences(2, seed=9)[1]["text"]
    (example,) = explain(both_ways, text).examples
    assert [(gate.layer, gate.gate) for gate in example.gates] == [
        ("layer 1", "f"),
        ("layer 1 backwards", "f"),
    ]
    network, ids = both_ways.network.eval(), both_ways.text.encode([text])[0].astype(np.int64)
    with torch.no_grad():
        vectors, lengths = network.input(torch.from_numpy(ids)[None], torch.tensor([len(ids)]))
        *_, forward = network.encoder(vectors, lengths=lengths, return_gates=True)
    for k in range(2):
        expected = forward["f"][k, 0].mean(1).tolist()
        assert example.gates[k].values == pytest.approx(expected, abs=1e-4)


def test_it_can_be_written_down_and_the_run_stays_as_it_is(both_ways, numbers):
    before = {name: tensor.clone() for name, tensor in both_ways.network.state_dict().items()}
    content = explain(both_ways, "w1 fine w2").to_json()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    json.dumps(explain(numbers[0], numbers[1][0]).to_json(), allow_nan=False)
    state = both_ways.network.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in before.items())


def test_a_text_of_one_word_and_one_of_unknown_words_are_explained_for_what_they_are(both_ways):
    (one,) = explain(both_ways, "fine").examples
    assert one.attribution.agreement.verdict == "not compared"
    assert one.attribution.occlusion[0][0] == pytest.approx(one.attribution.integrated[0][0], rel=0.05)
    (unknown,) = explain(both_ways, "zyx qwv ä ö ü ß").examples
    assert not any(part.known for part in unknown.parts)
    assert np.array(unknown.attribution.occlusion) == pytest.approx(np.zeros((6, 1)), abs=1e-6)
    assert any("no word of this text was learned" in note for note in unknown.notes)


def test_a_number_is_explained_in_its_own_unit():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(80, 6, 2)).astype(np.float32)
    y = 100 + 10 * X[:, :, 0].mean(1)
    settings = SMALL | {"training.epochs": 3}
    run = recurra.SequenceRegressor(cell="rnn", settings=settings).fit(X, y).run_
    (example,) = explain(run, X[0]).examples
    assert example.attribution.value == pytest.approx(float(run.predict([X[0]])[0]), rel=1e-5)
    assert example.course.values[-1] == pytest.approx(example.attribution.value, rel=1e-5)
    assert example.gates == [] and any("RNN: there is no gate" in note for note in example.notes)
    with pytest.raises(InputError, match="has no classes"):
        explain(run, X[0], of="high")


def test_missing_numbers_and_joined_steps_are_explained_too():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(60, 25, 2)).astype(np.float32)
    X[::3, 4:7, 1] = np.nan
    y = np.where(X[:, :, 0].mean(1) > 0, "up", "down").astype(object)
    settings = SMALL | {"training.epochs": 1, "network.segment": 4, "network.convolutions": []}
    run = recurra.SequenceClassifier(cell="gru", settings=settings).fit(X, y).run_
    (example,) = explain(run, X[0]).examples
    assert len(example.columns) == 2 and len(example.gates[0].values) == 25
    assert example.gates[0].values[0] == example.gates[0].values[3] != example.gates[0].values[4]
    json.dumps(explain(run, X[0]).to_json(), allow_nan=False)


def test_words_are_put_together_of_smaller_tokens_and_long_texts_stay_bounded():
    texts = ["a fine film of the sea", "a dull film of the land"] * 20
    encoder = TextEncoder.fit(texts, TextConfig(level="character", max_steps=200))
    parts, notes = parts_of_text(texts[0], encoder.spans(texts[0]), encoder.encode(texts[:1])[0], "character")
    assert [part.text for part in parts] == texts[0].split()
    assert (parts[0].begin, parts[-1].end) == (0, len(texts[0])) and "as 6 words" in notes[0]
    long = "w " * 3000
    words = TextEncoder.fit([long], TextConfig(level="word", max_steps=2000))
    spans, ids = words.spans(long), words.encode([long])[0]
    assert len(spans) == len(ids) == 2000
    parts, notes = parts_of_text(long, spans, ids, "word")
    assert len(parts) <= 400 and parts[-1].end == 2000
    assert [b.begin for b in parts[1:]] == [a.end for a in parts[:-1]]


def read(text, level, learned=(), **config):
    """Parts and notes of a text, by an encoder that learned from it or from others."""
    encoder = TextEncoder.fit(list(learned) or [text] * 3, TextConfig(level=level, **config))
    ids, gap = encoder.encode([text])[0], None
    if encoder.encode_counting([text])[1]:
        gap = (encoder.max_steps + 1) // 2
    return parts_of_text(encoder.readable(text), encoder.spans(text), ids, level, gap)


@pytest.mark.parametrize("level", ["subword", "character"])
def test_a_line_break_of_html_is_a_blank_and_no_word(level):
    for text in ("good<br />film", "good <br /> film", "good<BR/>film"):
        parts, _ = read(text, level)
        assert [part.text for part in parts] == ["good", "film"]


@pytest.mark.parametrize(
    "text", ["电影很好看", "今天天气很好电影不好看", "电影很好看，非常感人，演员的表演也很出色"]
)
@pytest.mark.parametrize("level", ["subword", "character"])
def test_scripts_without_blanks_stay_in_single_tokens_each_shown_once(text, level):
    parts, notes = read(text, level)
    assert "".join(part.text for part in parts) == text and len(parts) > 2
    assert not any("looked at as" in note for note in notes)


def test_what_was_cut_out_is_not_shown_as_read():
    words = [f"w{k}" for k in range(3000)]
    parts, _ = read(" ".join(words), "word", max_steps=1001)
    shown = " ".join(part.text for part in parts).split()
    assert shown == words[:501] + words[-500:]
    assert [b.begin for b in parts[1:]] == [a.end for a in parts[:-1]]
    (inside,) = [part for part in parts if part.begin <= 500 < part.end]
    assert inside.end == 501


def test_words_that_were_not_learned_are_counted_one_by_one_in_a_long_text():
    text = " ".join(f"known odd{k}" for k in range(350))
    parts, notes = read(text, "word", learned=["known words"] * 3)
    assert len(parts) == 350 and all(part.known for part in parts)
    assert any("350 of 700 words were not learned" in note for note in notes)


def test_bytes_that_are_no_text_are_read_as_question_marks(both_ways):
    (example,) = explain(both_ways, "bad \udcff film").examples
    assert [part.text for part in example.parts] == ["bad", "?", "film"]


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (
            NumberEncoder(np.array([5.0, 1.0]), np.array([2.0, 1.0]), np.zeros(2, bool)),
            "its column's mean in training",
        ),
        (
            NumberEncoder(np.array([5.0, 0.0]), np.array([2.0, 1.0]), np.zeros(2, bool)),
            "its column's mean in training, or 0 in a column of 0 and 1",
        ),
        (
            PixelEncoder(np.array([30.0]), np.array([9.0]), 2),
            "the mean of its colour over all pixels in training",
        ),
    ],
)
def test_what_stands_for_nothing_is_named_as_it_is(encoder, said):
    question = of_numbers(encoder, "y", lambda x: x.sum((1, 2)), torch.ones(3, 2), blocks(3, 3))
    assert question.baseline == said


@pytest.mark.parametrize(
    ("input", "message"),
    [("", "holds no word"), ("  ", "holds no word"), ([[1.0]], "reads texts, found numbers")],
)
def test_inputs_that_do_not_fit_are_refused(both_ways, input, message):
    with pytest.raises(DataError, match=message):
        explain(both_ways, input)


def test_numbers_of_another_form_are_refused(numbers):
    run, X = numbers
    with pytest.raises(DataError, match="expected 3 channels"):
        explain(run, X[0][:, :2])
    with pytest.raises(DataError, match="found a text"):
        explain(run, "fine")
    with pytest.raises(DataError, match="expected one sequence"):
        explain(run, np.zeros((2, 3, 4)))
