"""The command line with pairs of texts."""

import json

from typer.testing import CliRunner

from recurra.cli.main import app
from tests.runs.pairs.made import QUICK, pairs, table

MORE = {
    "network.cell": "gru",
    "training.epochs": 10,
    "training.learning_rate": 0.02,
}  # until it has learned to end
SMALL = [word for name, value in (QUICK | MORE).items() for word in ("--set", f"{name}={value}")]


def run(*arguments, status=0, input=None):
    found = CliRunner().invoke(app, [str(each) for each in arguments], input=input)
    assert found.exit_code == status, found.output
    return found.stdout


def test_fit_predict_evaluate_and_report_of_aligned_files(tmp_path):
    for name, seed, count in (("train", 0, 90), ("test", 1, 20)):
        for ending, texts in zip(("en", "de"), pairs(count, seed), strict=True):
            (tmp_path / f"{name}.{ending}").write_text("".join(f"{text}\n" for text in texts))
    place, test = tmp_path / "run", tmp_path / "test.en"
    asked = ["--task", "translate", "--target", tmp_path / "train.de", "--test", test, "--out", place]
    shown = run("fit", tmp_path / "train.en", *asked, *SMALL)
    for part in (
        "line n of train.de is the target of line n of train.en",
        "BLEU on ",
        "nrefs:1|",
        "reference",
    ):
        assert part in shown
    printed = run("predict", place, test)
    assert len(printed.splitlines()) == 20
    records = json.loads(run("predict", place, test, "--json"))
    assert [record["prediction"] for record in records] == printed.splitlines()
    assert records[0]["answers"][0]["score"] >= records[0]["answers"][-1]["score"]
    run("predict", place, test, "--out", tmp_path / "answers.txt")
    assert (tmp_path / "answers.txt").read_text() == printed
    run("predict", place, test, "--out", tmp_path / "answers.jsonl")
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    told = json.loads(run("evaluate", place, test, "--json"))
    assert [score["name"] for score in told["scores"]] == ["BLEU", "chrF"] and "BLEU" in told["signatures"]
    assert "translate, from train.en to train.de" in run("info", place)
    page = (place / "report.html").read_text()
    assert "Where it looked" in page and "nrefs:1|" in page
    assert len(run("predict", place, "-", input="the dog\n\nthe cat\n").splitlines()) == 3


def test_fit_of_a_table_and_what_is_refused(tmp_path):
    table(60).write_csv(tmp_path / "pairs.tsv", separator="\t")
    data = tmp_path / "pairs.tsv"
    run(
        "fit",
        data,
        "--task",
        "translate",
        "--text",
        "de",
        "--target",
        "en",
        "--out",
        tmp_path / "run",
        *SMALL,
    )
    assert run("predict", tmp_path / "run", data).count("\n") == 60
    for more in (["--text", "fr", "--target", "en"], ["--horizon", "3"], ["--features", "en"]):
        found = CliRunner().invoke(app, ["fit", str(data), "--task", "translate", *more, *SMALL])
        assert found.exit_code != 0 and found.exception is not None
    found = CliRunner().invoke(app, ["explain", str(tmp_path / "run"), "das haus"])
    assert "not for" in str(found.exception) or "explain" in str(found.exception)
