"""Runs that write text: the surprise of every token, and what the next one depends on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recurra.data.corpus import read_corpus
from recurra.errors import DataError, InputError
from recurra.explanation import explain
from recurra.explanation.texts import CONTEXT, MOST
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import fit

SMALL = {"network.hidden_size": 16, "network.embedding_size": 8, "training.threads": 1}


def novel(n=4000, seed=0):
    """Lines of small letters in any order, each followed by itself as a capital."""
    draw = np.random.default_rng(seed)
    pairs = [letter + letter.upper() for letter in draw.choice(list("abc"), n // 2)]
    return "".join("".join(pairs[k : k + 16]) + "\n" for k in range(0, len(pairs), 16))


@pytest.fixture(scope="module")
def run():
    settings = SMALL | {"network.num_layers": 1, "training.epochs": 12, "training.learning_rate": 0.03}
    settings |= {"windows.rows": 8, "windows.steps": 20}
    return fit(read_corpus(novel()), TextFitOptions(settings=settings, baselines=False))


def test_surprise_is_what_the_run_measures(run):
    text = "aAcCbBaA"
    (example,) = explain(run, text).examples
    assert "".join(part.text for part in example.parts) == text
    nats = run.nats(run.codec.encode(text))
    assert -np.log(example.course.values) == pytest.approx(nats, abs=1e-4)
    assert f"{nats.mean() / np.log(2):.2f} bits" in example.answer


def test_the_letter_that_decides_the_next_one_is_found_by_both_ways(run):
    (example,) = explain(run, "bBaAcCaAcCb").examples
    assert example.attribution.of == "log-odds that ‘B’ comes next"
    assert example.answers["B"] > 0.8
    for values in (example.attribution.occlusion, example.attribution.integrated):
        assert int(np.argmax([value for (value,) in values])) == len(values) - 1
    assert example.attribution.complete


def test_another_next_token_can_be_explained_if_it_is_one(run):
    (example,) = explain(run, "aAb", of="a").examples
    assert example.attribution.of == "log-odds that ‘a’ comes next"
    p = example.answers["a"]
    assert example.attribution.value == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
    with pytest.raises(InputError, match="expected one character that the run knows, found 'ab'"):
        explain(run, "aAb", of="ab")
    with pytest.raises(InputError, match="expected one character that the run knows, found ''"):
        explain(run, "aAb", of="")


@pytest.mark.parametrize("marked", [False, True])
def test_what_comes_next_is_what_can_be_written_and_unknown_words_stand_as_themselves(marked):
    """Most words of this text are unknown, so that the unknown one is the likeliest."""
    words = [f"odd{k}" if k % 3 else ("the", "house")[k % 2] for k in range(1500)]
    text = " <unk> ".join([" ".join(words)] * 2) if marked else " ".join(words)
    settings = SMALL | {"network.num_layers": 1, "training.epochs": 4, "training.learning_rate": 0.03}
    settings |= {"corpus.vocabulary_size": 6, "corpus.level": "word", "windows.rows": 4, "windows.steps": 20}
    run = fit(read_corpus(text), TextFitOptions(settings=settings, baselines=False))
    (example,) = explain(run, "odd the strange house").examples
    assert [part.text.strip() for part in example.parts] == ["odd", "the", "strange", "house"]
    assert [part.known for part in example.parts] == [False, True, False, True]
    assert not any("unk" in token or "pad" in token for token in [*example.answers, *example.course.says])
    assert sum(example.answers.values()) == pytest.approx(1, abs=0.05)
    p = max(example.answers.values())
    assert example.attribution.value == pytest.approx(np.log(p / (1 - p)), abs=1e-3)


def test_long_texts_are_cut_and_far_tokens_are_not_looked_at(run):
    text = novel(3000, seed=3).replace("\n", " ")
    assert len(text) > MOST
    (example,) = explain(run, text).examples
    assert len(example.parts) == MOST
    looked = [value is not None for (value,) in example.attribution.occlusion]
    assert sum(looked) == CONTEXT and all(looked[-CONTEXT:])
    assert any(f"the last {MOST} are read" in note for note in example.notes)
    json.dumps(explain(run, "a\n").to_json(), allow_nan=False)


def test_a_transformer_is_explained_as_it_writes():
    settings = {"network.cell": "transformer", "network.hidden_size": 8, "network.heads": 2}
    settings |= {"network.embedding_size": 8, "training.epochs": 1, "windows.steps": 8, "training.threads": 1}
    run = fit(read_corpus(novel()), TextFitOptions(settings=settings, baselines=False))
    text = "aAcCbBaAcCbBaAcC"
    (example,) = explain(run, text).examples
    assert example.gates == []
    step = run._reading_anew()
    chances = [step(int(k), None)[0].softmax(0) for k in [run.codec.line_end_id, *run.codec.encode(text)]]
    told = [float(p[int(k)]) for p, k in zip(chances[:-1], run.codec.encode(text), strict=True)]
    assert example.course.values == pytest.approx(told, abs=1e-5)
    last = chances[-1].clone()
    last[list(run.codec.never)] = 0
    assert max(example.answers.values()) == pytest.approx(float((last / last.sum()).max()), abs=1e-5)
    assert sum(value is not None for (value,) in example.attribution.occlusion) == 8


def test_lines_of_a_text_are_inputs_by_their_numbers(run):
    examples = explain(run, data="aAcC\n\nbBaA\n", rows=[3, 1]).examples
    assert [example.name for example in examples] == ["line 3", "line 1"]
    with pytest.raises(InputError, match="there is no 2 among the 2 lines"):
        explain(run, data="aAcC\n\nbB\n", rows=[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": ""}, "the text is empty"),
        ({}, "nothing to explain"),
        ({"input": "a", "series": ["s"]}, "no effect"),
        ({"input": "a", "rows": [1]}, "Give one"),
        ({"data": "aA\nbB\n", "rows": ["a"]}, "expected the whole numbers of rows"),
        ({"data": "aA\nbB\n", "rows": [1.7]}, "expected the whole numbers of rows"),
        ({"data": "aA\nbB\n", "rows": 1}, "expected the whole numbers of rows"),
        ({"input": [1.0]}, "expected a text, found list"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(run, arguments, message):
    with pytest.raises((InputError, DataError), match=message):
        explain(run, **arguments)
