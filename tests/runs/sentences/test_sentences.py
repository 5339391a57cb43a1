"""Tagged words, from sentences to a run and its answers."""

import json

import numpy as np
import pytest
import torch

from recurra.comparison.compare import compare
from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.diagnosis import diagnose
from recurra.errors import DataError, InputError, RunError
from recurra.runs.fitting import carry_out
from recurra.runs.loading import load
from recurra.runs.sentences.config import SentenceFitOptions
from recurra.runs.sentences.files import fit_sentences, opened, read_sentences
from recurra.runs.sentences.fit import SentenceFitting
from recurra.runs.sentences.targets import true_tags
from recurra.statistics.repeated import RepeatedScores
from tests.runs.sentences.made import QUICK, columns, known, lists, sentences


def options(**more):
    settings = QUICK | more.pop("settings", {})
    return SentenceFitOptions(settings=settings, validation=0.2, **more)


def schema(scheme="IOB2"):
    return SentenceSchema(form="columns", text="column 1", target="column 2", scheme=scheme)


def fitting(tags="spans", test=None, **more):
    return SentenceFitting(
        sentences(tags=tags), schema("IOB2" if tags == "spans" else None), options(**more), test
    )


@pytest.fixture(scope="module")
def spans_run():
    made = fitting()
    return made, carry_out(made)


@pytest.fixture(scope="module")
def words_run():
    made = fitting("words")
    return made, carry_out(made)


def test_spans_are_learned_as_one_answer(spans_run):
    made, run = spans_run
    assert run.config.settings.task.output == "crf" and run.network.crf is not None
    assert run.config.learned_scheme == "BIOES" and "E-PER" in run.tags and "S-LOC" in run.tags
    scores = run.metrics["test"]["scores"]
    assert scores[0]["name"] == "entity F1" and scores[0]["value"] > 0.9
    assert [row["name"] for row in run.metrics["test"]["per_class"]] == ["LOC", "PER"]
    assert run.metrics["standing"]["is"] in ("better", "tie", "worse")
    assert "entity F1" in run.metrics["verdict"]
    assert [each["name"] for each in run.metrics["baselines"]] == [
        "always the commonest tag",
        "the word's commonest tag",
        "word features, logistic regression",
    ]
    assert len(made.contributions) == run.metrics["test"]["n"]


def test_tags_of_words_are_learned_one_by_one(words_run):
    _, run = words_run
    assert run.config.settings.task.output == "softmax" and run.network.crf is None
    assert run.metrics["test"]["scores"][0]["name"] == "accuracy"
    assert run.metrics["test"]["scores"][0]["value"] > 0.9
    confusion = np.array(run.metrics["test"]["confusion"])
    assert confusion.sum() == run.metrics["test"]["words"]


def test_answers_are_in_the_scheme_of_the_data_and_scored_as_seqeval_does(spans_run):
    from seqeval.metrics import f1_score

    made, run = spans_run
    part = made.prepared.parts["test"]
    said = run.answer(part)
    assert {tag for tags in said for tag in tags} <= {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}
    found = run.evaluate(part)
    assert found[0].name == "entity F1"
    assert found[0].value == pytest.approx(f1_score(made.prepared.truth["test"], said))


def test_the_same_sentences_are_scored_with_the_same_intervals():
    made = fitting(seed=3, settings={"training.epochs": 3})
    run = carry_out(made)
    again = run.evaluate(made.prepared.parts["test"])
    assert [score.to_json() for score in again] == run.metrics["test"]["scores"]


def test_forbidden_transitions_are_in_the_network(spans_run):
    _, run = spans_run
    names, forbidden = run.tags, run.network.crf.forbidden
    assert forbidden[names.index("O"), names.index("E-PER")]
    assert forbidden[names.index("B-PER"), -1] and not forbidden[names.index("S-LOC"), names.index("O")]


def test_unseen_words_are_known_by_their_characters(words_run):
    _, run = words_run
    assert run.vocabulary.ids(["Qqburg"]).tolist() == [1]
    assert run.predict([["in", "Qqburg", "."]]) == [["ADP", "PROPN", "PUNCT"]]


def test_a_run_comes_back_from_its_folder_and_answers_the_same(tmp_path, spans_run):
    _, run = spans_run
    run.save(tmp_path / "run")
    again = load(tmp_path / "run")
    words = lists(20, seed=9)[0]
    assert again.predict([*words, []]) == run.predict([*words, []])
    assert torch.equal(again.network.input.counts, run.network.input.counts)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["tags"].append("B-X")
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="do not fit a network"):
        load(tmp_path / "run")


def test_answers_do_not_depend_on_the_sentences_beside(spans_run):
    _, run = spans_run
    words = lists(30, seed=4)[0]
    assert run.predict(words) == [run.predict([sentence])[0] for sentence in words]


def test_the_same_seed_gives_the_same_run_and_another_another():
    def weights(seed):
        return (
            carry_out(fitting(seed=seed, baselines=False, settings={"training.epochs": 1}))
            .network.head[1]
            .weight
        )

    assert torch.equal(weights(3), weights(3)) and not torch.equal(weights(3), weights(4))


def test_what_cannot_be_said_is_refused(spans_run):
    _, run = spans_run
    with pytest.raises(InputError, match="expected a list of words, found the text"):
        run.predict(["in Bburg"])
    with pytest.raises(InputError, match="expected a list of words, found None"):
        run.predict([None])
    assert run.predict(iter([["in"]])) == run.predict([["in"]])
    with pytest.raises(InputError, match="reads from both ends cannot run step by step"):
        run.stream()
    with pytest.raises(DataError, match="no word has a tag to compare with"):
        run.evaluate(Sentences.of([["in", "Bburg"]]))


def test_other_schemes_are_scored_by_their_spans(spans_run):
    made, run = spans_run
    part = made.prepared.parts["test"]
    truth = true_tags(part, "IOB2")
    other = Sentences.of([part.words_of(n) for n in range(len(part))], [_as_bioes(tags) for tags in truth])
    assert true_tags(other, "IOB2") == truth
    assert run.evaluate(other)[0].value == run.evaluate(part)[0].value


def test_tags_of_other_data_that_were_not_learned_are_told(spans_run):
    _, run = spans_run
    said = []
    run.evaluate(
        Sentences.of([["Anna", "in", "Cburg"]], [["B-ANIMAL", "O", "B-LOC"]]),
        observer=lambda event: said.append(getattr(event, "text", "")),
    )
    assert [text for text in said if text] == [
        "1 words of these data have tags that the training part does not hold (B-ANIMAL): "
        "every answer to them counts as wrong"
    ]


def test_test_data_without_spans_are_refused_where_spans_were_learned(tmp_path, spans_run):
    path = tmp_path / "words.conll"
    path.write_text("Anna NOUN\nin ADP\n\nCburg PROPN\n")
    with pytest.raises(
        DataError, match=r"words.conll: expected tags that mark spans \(IOB2\).* found ADP, NOUN"
    ):
        read_sentences(path, schema())


def _as_bioes(tags):
    from recurra.data.sentences.schemes import converted

    return converted(tags, "BIOES")


def test_missing_and_strange_tags_are_told_and_do_not_stop_anything():
    words, tags = lists(60)
    tags[1][0] = None
    test = Sentences.of([["Anna", "w1s"], ["in", "Cburg"]], [["B-ANIMAL", "O"], ["O", "B-LOC"]])
    said = []
    made = SentenceFitting(Sentences.of(words, tags), schema(), options(baselines=False), test)
    run = carry_out(made, observer=lambda event: said.append(str(getattr(event, "text", ""))))
    assert any("tags that the training part does not hold (B-ANIMAL)" in text for text in said)
    recall = {score["name"]: score["value"] for score in run.metrics["test"]["scores"]}["recall"]
    assert recall <= 0.5


@pytest.mark.parametrize(
    ("tags", "message"), [([["O", "O"]] * 30, "two tags or more"), ([["X", "Y"]] * 30, "enough examples")]
)
def test_too_little_to_learn_from(tags, message):
    words = [["a", f"b{k}" if message.startswith("two") else "b"] for k in range(30)]
    with pytest.raises(DataError, match=message):
        carry_out(SentenceFitting(Sentences.of(words, tags), schema(None), options(), None))


def test_files_are_told_and_impossible_tags_counted(tmp_path):
    path = tmp_path / "ned.train"
    path.write_text(columns(60) + "\nAnna I-PER\n. O\n")
    said = []
    found, sources = opened(
        path, options(), observer=lambda event: said.append(str(getattr(event, "text", "")))
    )
    assert sources == [str(path)] and found.schema.scheme == "IOB2"
    text = "\n".join(said)
    assert "the tags mark spans (IOB2) of 2 types: LOC, PER" in text
    assert (
        "1 tags cannot stand where they do in IOB2, the first at word 1 of the sentence that begins in line"
        in text
    )
    with pytest.raises(InputError, match="--test-share"):
        opened(path, options(test_share=0.1), test=path)


@pytest.mark.parametrize(
    ("cell", "characters", "output"),
    [
        ("gru", "lstm", "softmax"),
        ("tcn", "none", "crf"),
        ("transformer", "gru", "crf"),
        ("mingru", "cnn", "crf"),
    ],
)
def test_every_network_can_be_trained(tmp_path, cell, characters, output):
    settings = {
        "network.cell": cell,
        "network.characters": characters,
        "task.output": output,
        "task.scheme": "as found",
        "training.epochs": 1,
    }
    run = carry_out(fitting(settings=settings, baselines=False), out=tmp_path / "run")
    assert (run.network.crf is not None) == (output == "crf") and "B-PER" in run.tags
    assert run.config.settings.words.lowercase == (characters != "none")
    assert load(tmp_path / "run").predict([["in", "Bburg"]]) == run.predict([["in", "Bburg"]])


def test_a_training_goes_on_from_another(tmp_path, spans_run):
    _, run = spans_run
    run.save(tmp_path / "first")
    again = carry_out(
        fitting(init=str(tmp_path / "first"), seed=1, baselines=False, settings={"training.epochs": 1})
    )
    assert again.vocabulary == run.vocabulary
    with pytest.raises(InputError, match="the words are those of the run to start from"):
        carry_out(fitting(init=str(tmp_path / "first"), settings={"words.least": 2}))


def test_the_scores_of_other_tags_begin_anew(tmp_path, spans_run):
    _, run = spans_run
    run.save(tmp_path / "first")
    words, tags = lists()
    renamed = [[tag.replace("LOC", "TIME") for tag in each] for each in tags]  # as many, in another order
    still = {"training.epochs": 1, "training.learning_rate": 1e-12}
    asked = options(init=str(tmp_path / "first"), baselines=False, settings=still)
    said = []
    made = SentenceFitting(Sentences.of(words, renamed), schema(), asked, None)
    other = carry_out(made, observer=lambda event: said.append(getattr(event, "text", "")))
    own, given = other.network.state_dict(), run.network.state_dict()
    assert own.keys() == given.keys()
    begun = {name for name in own if not torch.allclose(own[name], given[name], atol=1e-6)}
    assert {"head.1.weight", "head.1.bias", "crf.between"} <= begun
    assert {name.split(".")[0] for name in begun} <= {"head", "crf"}
    (told,) = (text for text in said if text.startswith("starting from"))
    assert "new: head.1.weight" in told and told.endswith("for the classes are others than there")
    assert f"{len(own) - 6} of {len(own)} weights" in told


def test_networks_are_compared_with_the_baselines(tmp_path):
    path = tmp_path / "ned.train"
    path.write_text(columns(150))
    found = compare(path, cells="gru,tcn", trials=1, seeds=2, settings=QUICK | {"training.epochs": 1})
    assert set(found.runs) == {"gru", "tcn"}
    assert (found.summary["task"], found.summary["measure"]["name"]) == ("tag", "entity F1")
    assert "word features, logistic regression" in str(found.summary["rows"])


def test_contributions_are_what_the_headline_is_of(spans_run):
    made, run = spans_run
    scores = RepeatedScores(made.measure(), [made.contributions[None]], [True])
    assert scores.mean(0) == pytest.approx(run.metrics["test"]["scores"][0]["value"])
    for result, sums in made.of_baselines():
        again = RepeatedScores(made.measure(), [sums[None]], [False])
        assert again.mean(0) == pytest.approx(result.scores[0].value)


@pytest.mark.parametrize("characters", ["cnn", "lstm"])
def test_a_tagger_is_diagnosed(tmp_path, characters):
    path = tmp_path / "ned.train"
    path.write_text(columns(100))
    asked = options(settings={"network.characters": characters, "training.epochs": 1}, baselines=False)
    run = fit_sentences(path, asked, out=tmp_path / "run")
    found = diagnose(run)
    assert found.cell == "LSTM" and "the last tagged word" in "\n".join(found.notes)
    assert [gate.name for gate in found.measures.gates][:2] == ["layer 1", "layer 1 backwards"]


class Killed(BaseException):
    pass


def test_what_further_columns_say_is_learned(tmp_path):
    words, tags = known()
    form = SentenceSchema(form="lists", text="words", target="tags", features=["pos"])
    run = carry_out(SentenceFitting(Sentences.of(words, tags), form, options(), None), out=tmp_path / "run")
    scores = [run.metrics["test"]["scores"][0], *(each["scores"][0] for each in run.metrics["baselines"])]
    by_word, ours, linear = scores[2]["value"], scores[0]["value"], scores[3]["value"]
    assert ours > 0.99 and linear > 0.99 and by_word < 0.7
    again = load(tmp_path / "run")
    assert again.predict([[("new", "Y"), ("w1", "Z"), ("w2", "other")]])[0][:2] == ["y", "z"]
    with pytest.raises(DataError, match="expected words with 1 further columns"):
        again.predict([["w1"]])
    diagnose(again, Sentences.of(words, tags))


def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path):
    def kill(event):
        if getattr(event, "epoch", 0) == 2:
            raise Killed

    settings = {"training.epochs": 4}
    whole = carry_out(fitting(baselines=False, settings=settings))
    with pytest.raises(Killed):
        carry_out(fitting(baselines=False, settings=settings), out=tmp_path / "run", observer=kill)
    again = carry_out(fitting(baselines=False, settings=settings), out=tmp_path / "run", resume=True)
    for name, weight in whole.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], weight), name


def test_slips_and_tags_of_no_known_scheme_are_told(tmp_path):
    said = []
    lines_ = "".join(f"Anna{n} B-PER\nleft O\nOslo{n} I-LOC\n\n" for n in range(30))
    (tmp_path / "a.train").write_text(lines_.replace("left O", "left 0", 1))
    quick = options(settings={"training.epochs": 1})
    run = fit_sentences(tmp_path / "a.train", quick, observer=said.append)
    told = "\n".join(getattr(event, "text", "") for event in said)
    assert (
        "tags of 1 word are none of IOB2, the first, '0', at word 2 of the sentence that begins in line 1"
        in told
    )
    assert "0" not in run.tags and run.marks_spans
    (tmp_path / "b.train").write_text(lines_.replace("-", "_"))
    said.clear()
    assert not fit_sentences(tmp_path / "b.train", quick, observer=said.append).marks_spans
    assert any("look as if they marked spans" in getattr(event, "text", "") for event in said)


def test_words_taken_for_tags_are_said(tmp_path):
    words = "".join(f"w{n} x{n} T{n % 3}\n" + "\n" * (n % 5 == 4) for n in range(150))
    (tmp_path / "w.txt").write_text(words)
    for target, many in (("2", True), ("3", False)):
        said: list = []
        opened(
            tmp_path / "w.txt", SentenceFitOptions(data=SentenceOptions(target=target)), observer=said.append
        )
        told = [event for event in said if "150 different tags of 150 words" in getattr(event, "text", "")]
        assert bool(told) == many and all(event.kind == "warning" for event in told)


def test_broken_tags_are_scored_as_they_are_read():
    truth = true_tags(Sentences.of([["in", "Oslo"]], [["O", "I-LOC"]]), "IOB2")
    assert truth == [["O", "B-LOC"]]


@pytest.mark.parametrize("word", [3, None, ("a", 3)])
def test_words_are_texts(spans_run, word):
    with pytest.raises(InputError, match=r"sentences\[0\]: expected texts as words"):
        spans_run[1].predict([[word, "x"]])
