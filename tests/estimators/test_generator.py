"""The generator: text in, more of it out, parameters as scikit-learn has them, runs that others read."""

from __future__ import annotations

import json
import os
import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks

import recurra
from recurra.errors import DataError, InputError, RunError
from recurra.ops.streaming.stream import Stream
from tests.work import calls_of

COUNTED = "one, two, three, four, five, six, seven\n"
WORDS = "the cat sat on a mat and the dog lay by the door while a bird sang in the tree\n"
TEXT = "".join(WORDS[k % 40 :] + WORDS[: k % 31 + 1] + "\n" for k in range(40))
SMALL = {
    "cell": "gru",
    "hidden_size": 8,
    "num_layers": 1,
    "epochs": 2,
    "learning_rate": 0.02,
    "batch_size": 4,
    "settings": {"training.precision": "float32"},
    "random_state": 0,
}
FROM_THE = {"prompt": "the ", "max_tokens": 40, "temperature": 0.9, "seed": 3}


def small(**changes) -> recurra.Generator:
    return recurra.Generator(**SMALL | changes)


@pytest.fixture(scope="module")
def model():
    return small().fit(TEXT)


@pytest.fixture(scope="module")
def by_level():
    return {level: small(level=level, epochs=1).fit(TEXT) for level in ("word", "subword", "character")}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_every_cell_learns_what_comes_next(cell):
    lm = small(cell=cell, level="word", hidden_size=24, epochs=10, learning_rate=0.05, dropout=0)
    lm.fit(COUNTED * 40)
    assert lm.generate("one, two", max_tokens=6, temperature=0) == ", three, four, five"
    assert lm.run_.config.settings.network.cell == cell
    assert lm.score("two, three, four\n") > lm.score("two, four, three\n")


@pytest.mark.parametrize("cell", ["tcn", "transformer"])
def test_what_is_no_cell_learns_it_in_more_steps(cell, tmp_path):
    lm = small(cell=cell, level="word", hidden_size=24, epochs=100, learning_rate=0.005, dropout=0)
    lm.fit(COUNTED * 40)
    assert lm.generate("one, two", max_tokens=6, temperature=0) == ", three, four, five"
    loaded = recurra.load(lm.save(tmp_path / "run"))
    assert loaded.generate("one, two", max_tokens=6, temperature=0) == ", three, four, five"


@pytest.mark.parametrize(
    "sentence",
    [
        "In the morning the fog lay over the harbour, and nobody saw the boat leave.\n",
        "Утром над гаванью лежал туман, и никто не видел, как ушла лодка.\n",
        "早晨港口上有雾，没有人看见小船离开。老人说：“它还会回来的。”\n",
    ],
)
def test_languages_need_no_settings(sentence):
    lm = recurra.Generator(hidden_size=8, epochs=1, random_state=0).fit(sentence * 30)
    assert lm.run_.codec.decode(lm.run_.codec.encode(sentence)) == sentence
    made = lm.generate(sentence[:6], max_tokens=50)
    assert len(made) == 50
    assert set(made) <= set(sentence)
    assert any("tokens: characters" in note for note in lm.notes_)


def test_the_same_seeds_give_the_same_text(model):
    again = clone(model).fit(TEXT)
    assert again.generate(**FROM_THE) == model.generate(**FROM_THE)
    assert model.generate(**FROM_THE | {"seed": 4}) != model.generate(**FROM_THE)
    other = clone(model).set_params(random_state=1).fit(TEXT)
    assert other.generate(**FROM_THE) != model.generate(**FROM_THE)
    assert (model.seed_, other.seed_) == (0, 1)


@given(st.data(), st.integers(0, 9), st.sampled_from([0, 0.5, 1.5]))
@settings(deadline=None, max_examples=40)
@pytest.mark.parametrize("level", ["word", "subword", "character"])
def test_pieces_are_the_text_whatever_the_prompt(by_level, level, data, seed, temperature):
    words = st.lists(st.sampled_from(["the", "cat's", "mat.", "zebra", "\u732b", "Кот"])).map(" ".join)
    prompt = data.draw(words | st.text())
    options = {"max_tokens": 5, "seed": seed, "temperature": temperature}
    made = by_level[level].generate(prompt, **options)
    assert "".join(by_level[level].pieces(prompt, **options)) == made
    if level != "subword":  # bytes make any character
        assert set(made) <= set(TEXT)
        assert len(made) >= 5


def test_options_reach_the_choice_of_tokens(model):
    plain = model.generate("the ", 60)
    assert len(plain) == 60
    likeliest = model.generate("the ", 60, temperature=0)
    assert likeliest != plain
    assert model.generate("the ", 60, top_k=1) == model.generate("the ", 60, top_p=1e-9) == likeliest
    stop = plain[20:23]
    assert model.generate("the ", 60, stop=stop) == plain[: plain.index(stop)]
    assert model.generate("the ", 60, stop=[stop, plain[5:9]]) == plain[: plain.index(plain[5:9])]


def test_a_token_is_a_step_and_costs_no_more_than_the_last(model, monkeypatch):
    lengths = []
    step = Stream.step

    def counted(self, x, out=None):
        if isinstance(x, np.ndarray):
            lengths.append(x.size)
        return step(self, x, out)

    monkeypatch.setattr(Stream, "step", counted)
    model.generate("the cat", max_tokens=30)
    assert lengths == [1] * (7 + 29)
    monkeypatch.undo()
    model.generate("a", max_tokens=5)
    work = [calls_of(lambda n=n: model.generate("a", max_tokens=n, temperature=0)) for n in (20, 40, 60)]
    grown = [after - before for before, after in pairwise(work)]
    assert grown[1] == pytest.approx(grown[0], rel=0.05)


def test_scores_are_of_the_probability_of_the_text(model):
    line = WORDS * 3
    nats = model.run_.nats(model.run_.codec.encode(line))
    assert model.perplexity(line) == pytest.approx(np.exp(nats.mean()))
    assert model.bits_per_character(line) == pytest.approx(nats.sum() / np.log(2) / len(line))
    assert model.score(line) == -model.bits_per_character(line)
    assert model.score(line) > model.score(line[::-1].strip() + "\n")
    assert model.perplexity("a\n") > 1


def test_bits_are_of_characters_whatever_a_token_is(by_level):
    for level, lm in by_level.items():
        nats = lm.run_.nats(lm.run_.codec.encode(WORDS))
        assert lm.run_.codec.level == level
        assert lm.bits_per_character(WORDS) == pytest.approx(nats.sum() / np.log(2) / len(WORDS))


def test_text_is_read_from_any_container(model, tmp_path):
    lines = TEXT.splitlines()
    (tmp_path / "parts").mkdir()
    (tmp_path / "text.txt").write_text(TEXT)
    pl.DataFrame({"n": range(len(lines)), "said": lines}).write_csv(tmp_path / "table.csv")
    for n in range(2):
        (tmp_path / "parts" / f"{n}.txt").write_text("\n".join(lines[40 * n : 40 * (n + 1)]))
    frame = pd.DataFrame({"said": lines, "by": ["me"] * len(lines)})
    expected = model.bits_per_character(TEXT)
    for same in (
        lines,
        np.array(lines),
        pd.Series(lines, name="q"),
        pl.Series("q", lines),
        {"said": lines},
        tmp_path / "text.txt",
        str(tmp_path / "text.txt"),
        tmp_path / "table.csv",
        tmp_path / "parts",
    ):
        assert model.bits_per_character(same) == expected
    by_column = small().fit(frame, text="said")
    assert by_column.generate(**FROM_THE) == model.generate(**FROM_THE)
    assert by_column.run_.config.options.data.text == "said"
    for same in (frame, lines, TEXT, frame.to_dict("records"), pd.Series(lines, name="q")):
        assert by_column.bits_per_character(same) == expected


def test_where_text_came_from_is_kept_and_text_itself_is_not(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    assert small(epochs=1).fit(path).run_.config.sources == [str(path)]
    assert small(epochs=1).fit(str(path)).run_.config.sources == [str(path)]
    assert small(epochs=1).fit(TEXT.replace("\n", " ")).run_.config.sources == []


def test_nothing_is_held_out_but_the_validation_part(model):
    config = model.run_.config
    assert config.parts.keys() == {"train", "validation"}
    assert config.parts["train"] + config.parts["validation"] == len(TEXT)
    assert config.parts["validation"] == pytest.approx(len(TEXT) / 20, rel=0.5)
    assert [record["epoch"] for record in model.history_] == [1, 2]
    assert model.history_[0]["validation"]
    assert f"train: {config.parts['train']:,} tokens" in model.notes_
    everything = small(epochs=1, validation=0).fit(TEXT).run_
    assert everything.config.parts == {"train": len(TEXT)}
    assert "test" not in everything.metrics


def test_parameters_reach_the_settings(model):
    lm = small(
        cell="rnn",
        hidden_size=np.int64(6),
        num_layers=2,
        level="word",
        dropout=0.25,
        epochs=1,
        learning_rate=0.01,
        batch_size=3,
        budget="100s",
        settings={"network.weight_drop": 0.1},
    ).fit(TEXT)
    chosen = lm.run_.config.settings
    network = chosen.network
    assert (network.cell, network.hidden_size, network.num_layers, network.weight_drop) == ("rnn", 6, 2, 0.1)
    assert (network.embedding_size, network.dropout, network.output_dropout) == (6, 0.25, 0.25)
    assert (chosen.training.epochs, chosen.training.learning_rate) == (1, 0.01)
    assert (chosen.windows.rows, chosen.corpus.level) == (3, "word")
    assert lm.run_.config.options.budget_s == 100
    assert [layer.hidden_size for layer in model.run_.network.encoders] == [8]
    apart = {"network.embedding_size": 5, "network.tied": False, "network.output_dropout": 0.0}
    other = small(settings=apart, dropout=0.3, epochs=1).fit(TEXT).run_.network.config
    assert (other.hidden_size, other.embedding_size, other.dropout, other.output_dropout) == (8, 5, 0.3, 0.0)


@pytest.mark.parametrize("level", ["word", "subword", "character"])
def test_saved_and_loaded_it_writes_the_same(by_level, tmp_path, level):
    lm = by_level[level]
    folder = lm.save(tmp_path / "run")
    expected = lm.generate(**FROM_THE)
    again = recurra.Generator.load(folder)
    assert recurra.load(folder).generate(**FROM_THE) == again.generate(**FROM_THE) == expected
    # Not to the last bit: where torch multiplies, it sums by where in memory the weights lie.
    assert again.perplexity(WORDS) == pytest.approx(lm.perplexity(WORDS), rel=1e-6)
    assert again.get_params() == lm.get_params() | {"out": None}
    assert again.history_ == lm.history_
    with pytest.raises(InputError, match="this place is taken"):
        lm.save(folder)
    (folder / "estimator.json").unlink()
    bare = recurra.Generator.load(folder)
    assert bare.generate(**FROM_THE) == expected
    assert clone(bare).fit(TEXT).generate(**FROM_THE) == expected


def test_out_leaves_a_run_that_can_be_started_from(model, tmp_path):
    first = small(out=tmp_path / "run").fit(TEXT)
    assert first.generate(**FROM_THE) == model.generate(**FROM_THE)
    assert recurra.Generator.load(tmp_path / "run").out is None
    second = small(init=tmp_path / "run", epochs=1, learning_rate=1e-9).fit(TEXT)
    assert second.generate("the ", 20, temperature=0) == first.generate("the ", 20, temperature=0)
    with pytest.raises(InputError, match="this place is taken"):
        small(out=tmp_path / "run").fit(TEXT)
    with pytest.raises(InputError, match="the tokens are those of the run to start from"):
        small(init=tmp_path / "run", level="word").fit(TEXT)


def test_nothing_is_written_unless_asked(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small(epochs=1).fit(TEXT).generate("the")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("level", ["word", "subword", "character"])
def test_pickled_it_is_the_same(by_level, level):
    lm = by_level[level]
    again = pickle.loads(pickle.dumps(lm))
    assert again.generate(**FROM_THE) == lm.generate(**FROM_THE)
    assert again.get_params() == lm.get_params()


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_mixin_order,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimators_unfitted,
    ],
)
def test_scikit_learn_check_passes(check):
    """Those of the checks that fit nothing: the others fit tables of numbers, and there is no text in those."""
    check("Generator", small())


def test_fitting_changes_no_parameter_and_no_global_generator():
    lm = small(epochs=1, random_state=np.random.RandomState(5))
    before = {name: value for name, value in lm.get_params().items() if name != "random_state"}
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert lm.fit(TEXT) is lm
    lm.generate("the", max_tokens=3)
    after = {name: value for name, value in lm.get_params().items() if name != "random_state"}
    assert after == before
    torch.testing.assert_close(torch.get_rng_state(), torch_state, rtol=0, atol=0)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_a_search_over_texts_takes_the_better_one():
    search = GridSearchCV(small(batch_size=4), {"epochs": [1, 4]}, cv=2, error_score="raise")
    search.fit([WORDS] * 12)
    assert search.best_params_ == {"epochs": 4}
    assert search.best_estimator_.generate("the", max_tokens=4)


def test_verbose_prints_and_silence_does_not(capsys):
    small(epochs=1).fit(TEXT)
    assert capsys.readouterr().out == ""
    lm = small(epochs=1, verbose=True).fit(TEXT)
    printed = capsys.readouterr().out
    assert all(note in printed for note in lm.notes_)
    assert "epoch 1: training loss" in printed


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cell": "lstn"}, "parameters of Generator: network.cell = 'lstn' does not fit.*'lstm'"),
        ({"hidden_size": -1}, "network.hidden_size = -1 does not fit"),
        ({"level": "letter"}, "corpus.level = 'letter' does not fit"),
        ({"dropout": 1.0}, "network.dropout = 1.0 does not fit"),
        ({"validation": 1.0}, "validation: expected a share"),
        ({"budget": "soon"}, "budget: expected a time above zero"),
        ({"settings": {"network.cell": "rnn"}}, "given by a parameter and in settings"),
        ({"settings": {"network.depth": 2}}, "there is no setting 'network.depth'"),
        ({"init": "no/such/run"}, "not a run folder"),
        ({"batch_size": 100_000}, "a token for each of 100000 rows or more"),
    ],
)
def test_parameters_that_cannot_be_are_told(params, message):
    with pytest.raises(InputError, match=message):
        small(**params).fit(TEXT)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "there is no text"),
        ("  ", "there is no text"),
        ("\n \n", "there is no text"),
        ([], "there are no rows"),
        ([""], "there is no text"),
        ("ab\n", "found 3 tokens. Give more text"),
        ("It was late.", "no file named 'It was late.'.*in a list, or with a line break"),
        ("word " * 40, "no file named 'word .* \\.\\.\\.'"),
        (Path("no_such.txt"), "no such file"),
        (3, "a int is not a table"),
        (None, "a NoneType is not a table"),
        (b"bytes\n", "a bytes is not a table"),
        ([1, 2], "expected one column of texts, found 0"),
        (np.ones((3, 2)), "expected one column of texts, found 0"),
        ({"a": ["x"], "b": ["y"]}, "expected one column of texts, found 2"),
    ],
)
def test_what_is_no_text_is_told(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.txt").write_text(TEXT)
    with pytest.raises(InputError, match=message):
        small().fit(given)


@pytest.mark.parametrize(
    "option",
    [
        {"top_k": 2.5},
        {"top_p": "0.9"},
        {"temperature": "hot"},
        {"max_tokens": 2.0},
        {"seed": None},
        {"stop": [1]},
    ],
)
def test_options_of_a_wrong_type_are_told(model, option):
    (name,) = option
    with pytest.raises(InputError, match=f"{name}: expected"):
        model.generate("a", **option)


def test_numbers_of_numpy_are_options(model):
    given = {
        "max_tokens": np.int64(5),
        "seed": np.int64(3),
        "top_k": np.int64(4),
        "temperature": np.float32(0.5),
    }
    wanted = model.generate("a", max_tokens=5, seed=3, top_k=4, temperature=0.5, stop=None)
    assert model.generate("a", **given) == wanted


def test_other_mistakes_are_told(model, tmp_path):
    for call in ("generate", "pieces"):
        with pytest.raises(NotFittedError):
            getattr(small(), call)("a")
        with pytest.raises(InputError, match="prompt: expected a text to go on from, found int"):
            getattr(model, call)(3)
    for call in ("perplexity", "bits_per_character", "score"):
        with pytest.raises(NotFittedError):
            getattr(small(), call)(TEXT)
        with pytest.raises(DataError, match="no file named"):
            getattr(model, call)("It was late.")
    with pytest.raises(NotFittedError):
        small().save(tmp_path / "run")
    with pytest.raises(InputError, match="temperature: expected"):
        model.generate("a", temperature=-1)
    with pytest.raises(InputError, match="max_tokens: expected a whole number, 0 or more"):
        model.pieces("a", max_tokens=-1)
    with pytest.raises(DataError, match="there is no column 'said'"):
        small().fit({"text": ["a", "b"]}, text="said")


def test_a_folder_that_does_not_fit_is_told(model, tmp_path):
    with pytest.raises(RunError, match="this is not a run folder"):
        recurra.Generator.load(tmp_path)
    classifier = recurra.SequenceClassifier(hidden_size=4, epochs=1).fit(["good", "bad"] * 4, ["a", "b"] * 4)
    with pytest.raises(RunError, match="one is needed that is for writing text"):
        recurra.Generator.load(classifier.save(tmp_path / "classes"))
    folder = model.save(tmp_path / "run")
    record = json.loads((folder / "estimator.json").read_text())
    (folder / "estimator.json").write_text(json.dumps(record | {"params": {"depth": 3}}))
    with pytest.raises(RunError, match="Generator has no parameter 'depth'"):
        recurra.Generator.load(folder)


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="RECURRA_DATA does not name the folder of data")
@pytest.mark.parametrize(
    "name",
    [
        "tinyshakespeare/input.txt",
        "russian_text/crime_and_punishment_ru.txt",
        "chinese_text/hongloumeng_zh.txt",
    ],
)
def test_real_texts_are_learned_from(name):
    whole = (Path(os.environ["RECURRA_DATA"]) / name).read_text(encoding="utf-8")
    text, later = whole[:40_000], whole[40_000:44_000]
    lm = small(hidden_size=32, epochs=1, batch_size=16).fit(text)
    assert lm.bits_per_character(later) < np.log2(lm.run_.codec.vocabulary_size) - 1
    made = lm.generate(later[:20], max_tokens=100)
    assert set(made) <= set(text)
