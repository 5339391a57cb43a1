"""Runs that read a text and write another: trained, kept, asked, compared, diagnosed."""

from copy import copy

import numpy as np
import polars as pl
import pytest

from recurra.comparison.compare import compare
from recurra.data.parallel import PairOptions
from recurra.diagnosis.examination import diagnose
from recurra.errors import DataError, InputError, RunError
from recurra.runs.events import ignore
from recurra.runs.fitting import carry_out
from recurra.runs.loading import load
from recurra.runs.pairs.config import PairFitOptions
from recurra.runs.pairs.files import fit_pairs, opened, read_more
from recurra.runs.pairs.run import Translation
from recurra.runs.pairs.scoring import choose_length_penalty
from recurra.statistics.repeated import RepeatedScores
from recurra.tasks.translation.settings import LENGTH_PENALTIES
from tests.runs.pairs.made import QUICK, pairs, table


def asked(settings=None, **more):
    return PairFitOptions(settings=QUICK | (settings or {}), test_share=0.2, validation=0.1, **more)


@pytest.fixture(scope="module")
def fitting_and_run():
    fitting, sources = opened(table(), asked())
    return fitting, carry_out(fitting, sources=sources)


def test_it_learns_to_put_words_in_another_order():
    settings = {
        "network.cell": "gru",
        "network.hidden_size": 32,
        "network.embedding_size": 24,
        "training.epochs": 8,
        "training.learning_rate": 0.02,
        "network.input_dropout": 0.1,
        "network.output_dropout": 0.0,
    }
    run = fit_pairs(table(400), asked(settings, seed=1))
    bleu = run.metrics["test"]["scores"][0]["value"]
    assert bleu > 90 and run.metrics["standing"]["is"] == "better"
    sources, targets = pairs(20, seed=9)
    assert np.mean([a == b for a, b in zip(run.predict(sources), targets, strict=True)]) >= 0.8
    looked = run.alignment("the old bird likes the man.", "das vogel alt das mann mag.")
    best = [looked.source[k].strip() for k in looked.weights.argmax(1)]
    told = {word.strip(): best[n] for n, word in enumerate(looked.answer)}
    assert (told["vogel"] == "bird") + (told["alt"] == "old") + (told["mag"] == "likes") >= 2


def test_what_a_run_holds(fitting_and_run):
    fitting, run = fitting_and_run
    metrics = run.metrics
    assert metrics["task"] == "translate" and metrics["measure"] == "bleu"
    assert [score["name"] for score in metrics["test"]["scores"]] == ["BLEU", "chrF"]
    assert metrics["signatures"]["BLEU"].startswith("nrefs:1|")
    assert [each["name"] for each in metrics["baselines"]] == [
        "the source as it is",
        "nearest neighbour by TF-IDF",
    ]
    assert "The LSTM is" in metrics["verdict"] or "A tie" in metrics["verdict"]
    assert {"source", "reference", "answer", "row"} == set(metrics["test"]["samples"][0])
    for picture in metrics["test"]["alignments"]:
        assert np.allclose(np.sum(picture["weights"], 1), 1, atol=0.02)
        assert np.shape(picture["weights"]) == (len(picture["answer"]), len(picture["source"]))
    assert run.config.settings.task.tokenize == "13a"
    assert run.config.parts == {name: len(part) for name, part in fitting.prepared.parts.items()}
    seen = set(fitting.prepared.parts["train"].texts) & set(fitting.prepared.parts["test"].texts)
    assert not seen  # a source that stands there twice stays on one side


def test_the_length_penalty_that_answers_best_is_kept(fitting_and_run, monkeypatch):
    fitting, run = fitting_and_run
    chosen = run.config.settings.task.length_penalty
    assert fitting.settings.task.length_penalty is None and chosen in LENGTH_PENALTIES
    run, validation, tried = copy(run), fitting.prepared.parts["validation"], []
    words = {0.6: 2, 1.0: 3, 1.5: 6, 2.0: 4}  # of the true answer, that a network writes with each

    def translate(sources, observer):
        penalty = run.config.settings.task.length_penalty
        tried.append(penalty)
        true = dict(zip(validation.texts, validation.targets, strict=True))
        return [[Translation(" ".join(true[text].split()[: words[penalty]]), 0, 0)] for text in sources]

    monkeypatch.setattr(run, "translate", translate, raising=False)
    choose_length_penalty(run, validation)
    assert run.config.settings.task.length_penalty == 1.5 and tried == [0.6, 1.0, 1.5, 2.0]
    choose_length_penalty(run, validation)  # as where an interrupted training goes on: nobody asked for 1.5
    assert tried == 2 * [0.6, 1.0, 1.5, 2.0]
    options = run.config.options
    options = options.model_copy(update={"settings": options.settings | {"task.length_penalty": 1.5}})
    run.config = run.config.model_copy(update={"options": options})
    choose_length_penalty(run, validation)
    assert len(tried) == 8 and run.config.settings.task.length_penalty == 1.5
    choose_length_penalty(run, validation.take(np.arange(0)))


def test_contributions_add_up_to_the_headline_score(fitting_and_run):
    fitting, run = fitting_and_run
    columns = [fitting.contributions[None], *(sums[None] for _, sums in fitting.of_baselines())]
    scores = RepeatedScores(fitting.measure(), columns, [True, False, False])
    assert np.isclose(scores.mean(0), run.metrics["test"]["scores"][0]["value"])
    assert np.isclose(scores.mean(2), fitting.of_baselines()[1][0].scores[0].value)
    assert np.isclose(run.evaluate(fitting.prepared.parts["test"])[0].value, scores.mean(0))


def test_a_saved_run_answers_as_before(fitting_and_run, tmp_path):
    run = fitting_and_run[1]
    run.save(tmp_path / "run")
    again = load(tmp_path / "run")
    sources = [*pairs(9, seed=4)[0], "", "words 漢字 nobody ever saw", " "]
    found = run.translate(sources)
    assert found == again.translate(sources)
    assert [each[0].text for each in found] == run.predict(sources)
    assert found[9][0].text == found[11][0].text == ""
    assert [run.translate([text])[0][0].text for text in sources] == run.predict(sources)
    for answers in found[:9]:
        assert [each.score for each in answers] == sorted((each.score for each in answers), reverse=True)
        assert len({each.text for each in answers}) == len(answers) <= 2
    assert len(run.translate(sources[:1], beam=5)[0]) > 2
    assert run.translate([]) == []
    for one in (run.predict, run.translate):
        with pytest.raises(DataError, match="sources: expected several texts, found one"):
            one("the dog")
    with pytest.raises(InputError, match="reads the whole source before it writes"):
        run.stream()


def test_altered_folders_are_refused(fitting_and_run, tmp_path):
    fitting_and_run[1].save(tmp_path / "run")
    (tmp_path / "run" / "tokenizer.json").write_text("{}")
    with pytest.raises(RunError, match=r"tokenizer\.json: the file is not the one"):
        load(tmp_path / "run")


def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path):
    whole = fit_pairs(table(), asked({"training.epochs": 3}), out=tmp_path / "whole")
    half = tmp_path / "half"

    def stop(event):
        if getattr(event, "epoch", None) == 2:
            raise KeyboardInterrupt

    options = asked({"training.epochs": 3, "training.checkpoint_every_s": 0.001})
    with pytest.raises(KeyboardInterrupt):
        fit_pairs(table(), options, out=half, observer=stop)
    gone_on = fit_pairs(table(), options, out=half, resume=True)
    for a, b in zip(whole.network.parameters(), gone_on.network.parameters(), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())
    with pytest.raises(RunError, match="not the data that this training began with"):
        fit_pairs(table(seed=3), options, out=half, resume=True)


@pytest.mark.parametrize("settings", [
    {"network.cell": "lstm", "network.num_layers": 2, "network.input_feeding": True},
    {"network.cell": "mingru", "network.attention": "none", "network.tied": False},
    {"network.cell": "transformer", "network.attention": "additive", "tokens.shared": True},
    {"network.cell": "tcn", "tokens.level": "character"},
])  # fmt: skip
def test_networks_of_every_kind(settings):
    run = fit_pairs(table(30), asked({"training.epochs": 1} | settings, baselines=False))
    assert run.predict(["the dog"])[0] is not None
    assert (run.alignment("the dog", "das") is None) == (settings.get("network.attention") == "none")


def test_summaries_are_scored_by_rouge():
    sources, targets = pairs(60)
    long = [f"{source} It was so. And more was said of it. Nobody knows." for source in sources]
    frame = pl.DataFrame({"article": long, "summary": [target[:12] for target in targets]})
    run = fit_pairs(frame, asked({"training.epochs": 1}))
    assert [score["name"] for score in run.metrics["test"]["scores"]] == ["ROUGE-L", "ROUGE-1", "ROUGE-2"]
    assert run.metrics["baselines"][0]["name"] == "first 3 sentences"


def test_long_texts_are_counted_and_said():
    frame = table(80).with_columns(
        de=pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("lang " * 40)).otherwise("de"),
        en=pl.when(pl.int_range(pl.len()) >= 60).then(pl.lit("long " * 40) + pl.col("en")).otherwise("en"),
    )
    told = []
    options = asked({"tokens.longest_target": 20, "tokens.longest_source": 20, "training.epochs": 1})
    fit_pairs(frame, options, observer=lambda event: told.append(getattr(event, "text", "")))
    said = " / ".join(told)
    assert "not learned from, a target of more than 20 ids" in said
    assert "sources are longer than 20 ids: what stands behind them is not read" in said
    assert "(--set tokens.longest_source=40 reads more)" in said
    assert "(--set tokens.longest_target=40 takes more)" in said
    with pytest.raises(DataError, match="every target is longer than 1 ids"):
        fit_pairs(frame, asked({"tokens.longest_target": 1}))


def test_limits_are_as_long_as_texts_are_unless_they_are_said():
    frame = table(60).with_columns(de=pl.concat_str(pl.lit("lang " * 290), "de"))
    found = []
    for settings in ({}, {"tokens.longest_target": 400}):
        fitting, _ = opened(frame, asked({"training.epochs": 1} | settings))
        fitting.prepare(None, ignore)
        assert len(fitting.prepared.parts["train"]) >= 40
        found.append((fitting.settings.tokens.longest_source, fitting.settings.tokens.longest_target))
    assert found == [(250, 300), (250, 400)]


def test_starting_from_another_run(fitting_and_run, tmp_path):
    fitting_and_run[1].save(tmp_path / "first")
    told = []
    run = fit_pairs(
        table(seed=5),
        PairFitOptions(settings={"training.epochs": 1}, init=str(tmp_path / "first"), test_share=0.2),
        observer=lambda event: told.append(getattr(event, "text", "")),
    )
    assert any("starting from" in text for text in told)
    assert run.codec.to_json() == fitting_and_run[1].codec.to_json()
    with pytest.raises(InputError, match="the ids are those of the run to start from"):
        fit_pairs(table(), asked(init=str(tmp_path / "first")))


def test_other_pairs_are_scored_by_the_columns_of_the_first(fitting_and_run):
    run = fitting_and_run[1]
    more = read_more(table(15, seed=8).select("de", "en"), run.config.data_schema)
    assert more.texts[0].startswith("the ") and run.evaluate(more)[0].n <= 15


def test_diagnose():
    # Of so many subwords logits are made piece by piece.
    fitting, _ = opened(table(40), asked({"tokens.level": "subword", "training.epochs": 1}, baselines=False))
    run = carry_out(fitting)
    found = diagnose(run, data=fitting.prepared.parts["test"])
    assert found.cell == "LSTM" and any("loss is that of all ids" in note for note in found.notes)


def test_compare(tmp_path):
    found = compare(
        table(80), task="translate", text="en", target="de", cells="gru,transformer", trials=1, seeds=1,
        settings=QUICK | {"training.epochs": 1, "network.heads": 2}, out=tmp_path / "compared",
    )  # fmt: skip
    assert found.summary["task"] == "translate" and found.summary["measure"]["name"] == "BLEU"
    assert found.runs["transformer"][0].network.decoder.config.decoder_cell == "gru"
    weights = [run[0].metrics["training"]["weights"] for run in found.runs.values()]
    assert max(weights) <= 1.2 * min(weights)  # as near as so few units can come


def test_columns_may_be_named(tmp_path):
    options = asked({"training.epochs": 1}).model_copy(update={"data": PairOptions(text="de", target="en")})
    fitting, _ = opened(table(60), options)
    assert fitting.examples.texts[0].startswith("das ")
