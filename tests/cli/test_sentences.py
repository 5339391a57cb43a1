"""The command line with tagged words."""

import json

import pytest
from typer.testing import CliRunner

from recurra.cli.main import app
from tests.runs.sentences.made import QUICK, columns, known, lists

SMALL = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]


def run(*arguments, text=None):
    found = CliRunner().invoke(app, [str(each) for each in arguments], input=text)
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    (folder / "ned.train").write_text(columns())
    (folder / "ned.testb").write_text(columns(40, seed=1))
    arguments = [folder / "ned.train", "--test", folder / "ned.testb", "--validation", 0.2]
    shown = run("fit", *arguments, "--out", folder / "run", *SMALL)
    return folder, shown


def test_fit_says_what_it_found_and_how_good_it_is(tagger):
    folder, shown = tagger
    assert "holds words with their tags: to be tagged, as with --task tag" in shown
    assert "entity F1 on 40 test sentences" in shown
    assert "word features, logistic regression" in shown and "LOC" in shown
    page = (folder / "run" / "report.html").read_text()
    assert "Type by type" in page and "What its answers look like" in page and 'class="tagged"' in page
    assert "LSTM: column 2 of every word" in page


def test_evaluate_and_info(tagger):
    folder, _ = tagger
    told = json.loads(run("evaluate", folder / "run", folder / "ned.testb", "--json"))
    written = json.loads((folder / "run" / "metrics.json").read_text())
    assert told["scores"] == written["test"]["scores"]
    shown = run("info", folder / "run")
    assert "spans of words (IOB2, learned as BIOES), by crf" in shown


def test_predict_answers_in_the_form_of_the_data(tagger):
    folder, _ = tagger
    text = (folder / "ned.testb").read_text()
    answered = run("predict", folder / "run", folder / "ned.testb")
    assert [line.split(" ")[:1] for line in answered.split("\n")] == [
        line.split(" ")[:1] for line in text.split("\n")
    ]
    bare = "\n".join(line.split(" ")[0] for line in text.split("\n"))
    assert run("predict", folder / "run", "-", text=bare) == answered
    words, _ = lists(3, seed=2)
    (folder / "new.jsonl").write_text("".join(json.dumps({"tokens": each}) + "\n" for each in words))
    records = [json.loads(line) for line in run("predict", folder / "run", folder / "new.jsonl").splitlines()]
    assert [record["tokens"] for record in records] == words
    assert all(len(record["tags"]) == len(record["tokens"]) for record in records)
    (folder / "new.csv").write_text("sentence,word\n1,in\n1,Bburg\n")
    assert run("predict", folder / "run", folder / "new.csv").splitlines()[0] == "sentence,word,tag"
    (folder / "new.conllu").write_text("1\tin\t_\t_\t_\t_\t_\t_\t_\t_\n2\tBburg\t_\t_\t_\t_\t_\t_\t_\t_\n\n")
    assert run("predict", folder / "run", folder / "new.conllu").startswith("1\tin\t_\tO\t_")


def test_further_columns_are_asked_for_by_their_number(tmp_path):
    words, tags = known(60)
    text = "\n".join(
        "".join(f"{word} {pos} {tag}\n" for (word, pos), tag in zip(*each, strict=True))
        for each in zip(words, tags, strict=True)
    )
    (tmp_path / "all.conll").write_text(text)
    shown = run("fit", tmp_path / "all.conll", "--features", "2", "--out", tmp_path / "run", *SMALL)
    assert "and what else is read of a word column 2" in shown
    assert "with column 2 (3 values)" in run("info", tmp_path / "run")
    bare = "\n".join(line.rpartition(" ")[0] for line in text.split("\n"))
    assert run("predict", tmp_path / "run", "-", text=bare) == text


def test_answers_go_into_files_as_lines_or_as_records(tagger):
    folder, _ = tagger
    run("predict", folder / "run", folder / "ned.testb", "--out", folder / "out.jsonl")
    records = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert len(records) == 40 and set(records[0]) == {"words", "tags"}
    run("predict", folder / "run", folder / "ned.testb", "--out", folder / "out.conll")
    assert (folder / "out.conll").read_text() == run("predict", folder / "run", folder / "ned.testb")


def test_universal_parts_of_speech(tmp_path):
    words, tags = lists(60, tags="words")
    rows = [
        "".join(
            f"{k + 1}\t{w}\t_\t{t}\t_\t_\t_\t_\t_\t_\n" for k, (w, t) in enumerate(zip(*each, strict=True))
        )
        for each in zip(words, tags, strict=True)
    ]
    path = tmp_path / "xx-ud-train.conllu"
    path.write_text("\n".join(rows) + "\n")
    shown = run("fit", path, "--out", tmp_path / "run", *SMALL)
    assert "accuracy on 12 test sentences" in shown
    assert "Tag by tag" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("a X\nb Y Z\n\nc X\n", [], "line 2: expected 2 fields"),
        ("a X\nb Y\n\nc X\n", ["--target", "7"], "from 1 to 2"),
        ("a X\nb Y\n\nc X\n", ["--features", "2", "--target", "2"], "holds the tags"),
        ("a X\nb Y\n\nc X\n", ["--features", "2"], "expected a column of words and one of tags"),
        ("a X\nb Y\n\nc X\n", ["--set", "task.output=hmm"], "task.output"),
        ("a X\nb Y\n\nc X\n", ["--set", "network.pooling=last"], "no setting 'network.pooling'"),
        ("\n\n", ["--task", "tag"], "empty"),
    ],
)
def test_mistakes_are_told_without_a_traceback(tmp_path, content, arguments, message):
    path = tmp_path / "words.conll"
    path.write_text(content)
    found = CliRunner().invoke(app, ["fit", str(path), "--out", str(tmp_path / "run"), *arguments])
    assert found.exit_code != 0 and message in str(found.exception)


def test_a_tagger_is_not_explained_and_says_so(tagger):
    folder, _ = tagger
    for given in (
        "in Bburg",
        str(folder / "run" / "config.json"),
    ):  # a file, too: nothing else is asked for first
        found = CliRunner().invoke(app, ["explain", str(folder / "run"), given])
        assert "such runs are not explained" in str(found.exception)
        assert str(found.exception).startswith(str(folder / "run"))
