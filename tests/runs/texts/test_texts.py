"""Runs that write text: the same numbers twice, killed and resumed, saved and loaded; and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from recurra.data.corpus import percentage, read_corpus
from recurra.errors import InputError, RunError
from recurra.runs.events import Said
from recurra.runs.fitting import carry_out
from recurra.runs.loading import load
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import TextFitting, fit
from recurra.runs.texts.run import TextRun, begin_of
from recurra.tasks.generation.task import LanguageTask
from recurra.training.loop import StepDone

WORDS = "the cat sat on a mat and the dog lay by the door while a bird sang in the tree\n"
TEXT = "".join(WORDS[k % 40 :] + WORDS[: k % 31] + "\n" for k in range(60))
SMALL = {
    "network.hidden_size": 12,
    "network.embedding_size": 8,
    "windows.rows": 4,
    "windows.steps": 20,
    "training.epochs": 3,
    "training.checkpoint_every_s": 1e-9,
}


class Killed(BaseException):
    pass


def fitted(out=None, *, text=TEXT, resume=False, until=None, **changes) -> TextRun:
    def observe(event):
        if isinstance(event, StepDone) and event.step == until:
            raise Killed

    options = TextFitOptions(settings=SMALL | changes.pop("settings", {}), **changes)
    return fit(read_corpus(text), options, out=out, resume=resume, observer=observe)


def without_times(run: TextRun) -> dict:
    content = {name: value for name, value in run.metrics.items() if name != "seconds"}
    content["baselines"] = [b | {"seconds": 0} for b in content.get("baselines", [])]
    return content


def weights(run: TextRun) -> dict[str, list]:
    return {name: tensor.tolist() for name, tensor in run.network.state_dict().items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> TextRun:
    return fitted(tmp_path_factory.mktemp("texts") / "run")


def test_a_run_scores_itself_beside_its_baselines_and_samples(whole):
    metrics = whole.metrics
    assert metrics["test"]["scores"][0]["name"] == "bits per character"
    assert [b["name"] for b in metrics["baselines"]] == ["unigram", "6-gram, Kneser-Ney"]
    assert "LSTM" in metrics["verdict"]
    assert len(metrics["sample"]) == 300
    assert whole.config.parts["test"] == metrics["test"]["n"]


def test_twice_the_same_call_gives_the_same_numbers(whole):
    again = fitted()
    assert weights(again) == weights(whole)
    assert without_times(again) == without_times(whole)


@pytest.mark.parametrize("until", [2, 17, 40])
def test_a_killed_training_goes_on_to_the_same_numbers(whole, tmp_path, until):
    with pytest.raises(Killed):
        fitted(tmp_path / "run", until=until)
    resumed = fitted(tmp_path / "run", resume=True)
    assert weights(resumed) == weights(whole)
    assert without_times(resumed) == without_times(whole)


def test_a_loaded_run_writes_and_scores_the_same(whole):
    loaded = load(whole.path)
    assert isinstance(loaded, TextRun)
    options = {"max_tokens": 30, "temperature": 0.9, "seed": 3}
    assert loaded.generate("the ", **options) == whole.generate("the ", **options)
    assert "".join(loaded.pieces("the ", **options)) == whole.generate("the ", **options)
    assert [s.value for s in loaded.evaluate(WORDS)] == [s.value for s in whole.evaluate(WORDS)]


def test_nats_are_those_of_the_network_token_by_token(whole):
    ids = whole.codec.encode(WORDS * 8)
    found, token, stream = [], begin_of(whole.codec), whole.stream()
    for following in ids.tolist():
        found.append(-np.log(stream.step(token)[following]))
        token = following
    np.testing.assert_allclose(whole.nats(ids), found, rtol=1e-4, atol=1e-5)


def test_a_stream_reads_texts(whole):
    stream, by_ids = whole.stream(), whole.stream()
    read = stream.read("the cat sat")
    for token in whole.codec.encode("the cat sat"):
        expected = by_ids.step(int(token))
    assert np.array_equal(read, expected) and read.sum() == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="a token or more"):
        stream.read("")
    with pytest.raises(InputError, match="the stream has 2"):
        whole.stream(2).read("the")


def test_what_does_not_fit_is_refused(whole, tmp_path):
    with pytest.raises(RunError, match="not the data that this training began with"):
        with pytest.raises(Killed):
            fitted(tmp_path / "run", until=2)
        fitted(tmp_path / "run", text=TEXT + WORDS, resume=True)
    with pytest.raises(InputError, match="the tokens are those of the run to start from"):
        fitted(init=str(whole.path), settings={"corpus.level": "word"})
    with pytest.raises(InputError, match="a token for each of 40000 rows"):
        fitted(settings={"windows.rows": 40_000})


def test_another_run_s_weights_are_a_start(whole):
    begun = fitted(init=str(whole.path), settings={"training.epochs": 1})
    assert begun.history[0]["train_loss"] < whole.history[0]["train_loss"]


def test_all_but_the_machine_is_taken_from_another_run(whole, tmp_path):
    folder = whole.save(tmp_path / "first")
    content = json.loads((folder / "config.json").read_text())
    content["settings"]["training"] |= {"device": "cuda", "threads": 7}
    content["settings"]["corpus"]["vocabulary_size"] = 5_000
    (folder / "config.json").write_text(json.dumps(content))
    settings = fitted(init=str(folder), settings={"training.epochs": 1}).config.settings
    training = settings.training
    assert training.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert training.threads == torch.get_num_threads()
    assert training.checkpoint_every_s == SMALL["training.checkpoint_every_s"]
    assert settings.corpus.vocabulary_size == 5_000


def test_an_altered_file_is_refused(whole, tmp_path):
    folder = whole.save(tmp_path / "copy")
    tokens = folder / "tokenizer.json"
    tokens.write_text(tokens.read_text().replace("the", "teh").replace("a", "b"))
    with pytest.raises(RunError, match=r"tokenizer\.json.*SHA-256"):
        load(folder)


def test_without_shares_nothing_is_held_out():
    corpus = read_corpus(TEXT, validation_share=0, test_share=0)
    run = fit(corpus, TextFitOptions(settings=SMALL))
    assert "test" not in run.metrics
    assert run.config.parts.keys() == {"train"}


RARE = "".join(line.replace("bird", f"b{k:x}rd") for k, line in enumerate(TEXT.splitlines(keepends=True)))


def test_unknown_words_are_counted_told_and_charged_for():
    options = TextFitOptions(settings=SMALL | {"corpus.level": "word", "training.epochs": 1})
    fitting = TextFitting(read_corpus(RARE), options)
    run = carry_out(fitting)
    text = fitting.corpus.test
    unknown = run.codec.unknown_share(run.codec.encode(text))
    assert run.metrics["test"]["unknown"] == unknown > 0
    told = []
    scores = {score.name: score for score in run.evaluate(text, told.append)}
    assert [event.text for event in told if isinstance(event, Said)] == [
        f"{percentage(unknown)} of the tokens are unknown"
    ]
    for found in run.metrics["test"]["scores"]:
        assert scores[found["name"]].value == pytest.approx(found["value"])
    bits = scores["nats per token"].value * scores["nats per token"].n / np.log(2) / len(text)
    assert scores["bits per character"].value > bits + 0.1
    assert fitting.contributions is not None
    assert fitting.contributions.shape[1] == fitting.of_baselines()[0][1].shape[1] == 4


def test_validation_charges_for_unknown_characters():
    signs = "".join(chr(0x4E00 + n) for n in range(300))
    options = TextFitOptions(settings=SMALL | {"corpus.level": "character"}, baselines=False)
    fitting = TextFitting(read_corpus(signs[:200] * 3 + "\n" + signs + "\n", validation_share=0.3), options)
    fitting.prepare(None, lambda event: None)
    assert isinstance(fitting.objective, LanguageTask)
    assert fitting.objective.spelling_per_token > 0.1


def test_a_text_of_known_tokens_has_no_share_of_unknown_ones(whole):
    assert "unknown" not in whole.metrics["test"]
    told = []
    whole.evaluate(WORDS, told.append)
    assert not [event for event in told if isinstance(event, Said)]
