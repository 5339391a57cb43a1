"""The page of a run: what it says of each kind, and that it is one file which anybody can open and read."""

from __future__ import annotations

import json
import re
import shutil
from types import SimpleNamespace

import pytest

from recurra.errors import RunError
from recurra.report.page import render
from recurra.report.run_files import read_run_files
from recurra.report.run_page import run_page
from recurra.report.sections.verdict import title
from recurra.report.writing import write_page
from recurra.storage import read_json, sha256, write_json
from tests.cli.test_commands import recurra
from tests.report.conftest import HOSTILE, KINDS
from tests.report.tree import check, text_of, tree_of
from tests.runs.forecasts.made import daily, trained


def page_of(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def section_of(root, name):
    (found,) = [each for each in root.iter("section") if each.get("id") == name]
    return found


def altered(folder, place, *, config=None, metrics=None, history=None):
    """A copy of a run whose files are changed, and go with each other again."""
    shutil.copytree(folder, place)
    if metrics is not None:
        write_json(place / "metrics.json", metrics(read_json(place / "metrics.json")))
    content = read_json(place / "config.json")
    content = content if config is None else config(content)
    content["files"]["metrics.json"] = sha256(place / "metrics.json")
    write_json(place / "config.json", content)
    if history is not None:
        (place / "history.jsonl").write_text(history)
    return place


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_for_nothing_and_can_be_read_by_everybody(runs, kind):
    page = page_of(runs[kind])
    check(tree_of(page))
    assert "http:" not in page and "https:" not in page
    assert "Undefined" not in page and "None" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_says_how_good_the_network_is_and_beside_what(runs, kind):
    metrics = read_json(runs[kind] / "metrics.json")
    (head,) = tree_of(page_of(runs[kind])).iter("header")
    said, score = text_of(head), metrics["test"]["scores"][0]
    assert f"{score['name'][1:]} " in said and "95 % interval" in said
    assert " ".join(metrics["verdict"].split()) in said
    words = {"better": "Better than", "tie": "No better than", "worse": "Worse than"}
    assert words[metrics["standing"]["is"]] in said
    assert metrics["standing"]["baseline"] in [each["name"] for each in metrics["baselines"]]
    beaten = metrics["standing"]["is"] == "better"
    assert ("does not beat the best baseline" in said) is not beaten


def test_a_training_that_learned_nothing_is_told_by_its_history_alone(runs, tmp_path):
    """The loss of every epoch is that of a constant answer."""
    chance = read_json(runs["classes"] / "metrics.json")["training"]["chance"]
    records = [json.loads(line) for line in (runs["classes"] / "history.jsonl").read_text().splitlines()]
    for record in records:
        record["train_loss"] = chance["training"]
    flat = altered(
        runs["classes"], tmp_path / "run", history="".join(json.dumps(each) + "\n" for each in records)
    )
    told = chance["training"]
    assert f"The loss is {told:.3g}, and {told:.3g} is what a constant answer has" in text_of(
        tree_of(run_page(read_run_files(flat)))
    )


def test_a_run_on_images_is_named_by_what_it_reads():
    schema = SimpleNamespace(text=None, image="photo", channels=[], target=["label"])
    run = SimpleNamespace(cell="LSTM", config=SimpleNamespace(kind="sequence", data_schema=schema))
    assert title(run) == "LSTM: label from photo"


@pytest.mark.parametrize("kind", KINDS)
def test_every_baseline_stands_in_the_table_with_its_time(runs, kind):
    metrics = read_json(runs[kind] / "metrics.json")
    table = next(section_of(tree_of(page_of(runs[kind])), "scores").iter("table"))
    rows = [text_of(row) for body in table.iter("tbody") for row in body]
    names = [each["name"] for each in metrics["baselines"]]
    assert len(rows) == 1 + len(names) >= 2
    assert all(row.startswith(name) and row.endswith(" s") for name, row in zip(names, rows[1:], strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_how_to_make_the_run_again(runs, kind):
    config = read_json(runs[kind] / "config.json")
    said = text_of(section_of(tree_of(page_of(runs[kind])), "reproduction"))
    assert config["command"][:2] == ["recurra", "fit"]
    assert " ".join(config["command"]) in said
    for version in config["versions"].values():
        assert version in said
    assert "same numbers come out" in said


def test_answers_stand_beside_references_with_where_the_network_looked(runs):
    metrics = read_json(runs["pairs"] / "metrics.json")
    section = section_of(tree_of(page_of(runs["pairs"])), "translations")
    (table,) = section.iter("table")
    rows = [["".join(cell.itertext()) for cell in row] for body in table.iter("tbody") for row in body]
    assert rows == [
        [each["source"], each["reference"], each["answer"]] for each in metrics["test"]["samples"]
    ]
    assert any(HOSTILE in row[0] for row in rows)
    pictures = [svg.attrib["aria-label"] for svg in section.iter("svg")]
    assert len(pictures) == len(metrics["test"]["alignments"]) > 0
    assert all(label.startswith("Where each part of the answer looked most: ") for label in pictures)
    said = " ".join(section.itertext())
    assert all(signature in said for signature in metrics["signatures"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_curves_come_with_their_numbers(runs, kind):
    section = section_of(tree_of(page_of(runs[kind])), "learning")
    labels = [svg.attrib["aria-label"] for svg in section.iter("svg")]
    best = read_json(runs[kind] / "metrics.json")["training"]["best_epoch"]
    assert labels[0].startswith("Training loss goes from")
    assert labels[0].endswith(f"the weights of epoch {best} are kept.")
    assert labels[-1].startswith("The learning rate goes from")
    (table,) = section.iter("table")
    assert len([row for body in table.iter("tbody") for row in body]) == 3
    # Text of the figures is text, which is found, read aloud and drawn in the reader's own letters.
    assert any(text_of(text) == "epoch" for svg in section.iter("svg") for text in svg.iter("text"))


def test_what_was_said_of_the_data_is_on_the_page_warnings_first(runs):
    section = section_of(tree_of(page_of(runs["classes"])), "data")
    (warning,) = [each for each in section.iter("p") if each.get("class") == "warning"]
    assert (
        text_of(warning)
        == "Warning: 2 of the 40 test inputs also stand in the training data, and are scored, too"
    )
    assert [text_of(each).split("/")[-1] for each in section.iter("h3")] == [
        "reviews.csv",
        "held_out.csv",
        "Preparing the data",
    ] or "Reading" in text_of(section)
    assert "target: label" in text_of(section) and "different words" in text_of(section)


def test_classes_have_a_confusion_matrix_and_a_table(runs):
    part = read_json(runs["classes"] / "metrics.json")["test"]
    matrix, mistakes, by_class = section_of(tree_of(page_of(runs["classes"])), "classes").iter("table")
    (body,) = matrix.iter("tbody")
    assert [[int(cell.text) for cell in row[1:]] for row in body] == part["confusion"]
    assert [row[0].text for row in body] == [row["name"] for row in part["per_class"]]
    wrong = sum(map(sum, part["confusion"])) - sum(row[k] for k, row in enumerate(part["confusion"]))
    assert sum(int(row[2].text) for row in next(mistakes.iter("tbody"))) == wrong
    assert len(list(next(by_class.iter("tbody")))) == 3


def test_labels_have_a_table_and_no_matrix(runs):
    section = section_of(tree_of(page_of(runs["labels"])), "classes")
    (table,) = section.iter("table")
    assert sorted(row[0].text for row in next(table.iter("tbody"))) == ["bad", "red"]


def test_numbers_are_drawn_against_the_truth(runs):
    (svg,) = section_of(tree_of(page_of(runs["numbers"])), "answers").iter("svg")
    assert len(read_json(runs["numbers"] / "metrics.json")["test"]["pairs"]) == 12
    assert "half of the answers are off by less than" in svg.attrib["aria-label"]


def test_forecasts_are_drawn_with_their_intervals_and_what_came(runs):
    *windows, by_step = section_of(tree_of(page_of(runs["forecasts"])), "forecasts").iter("svg")
    assert len(windows) == 2
    for name, svg in zip(("s0", "s1"), windows, strict=True):
        label = svg.attrib["aria-label"]
        assert label.startswith(f"Forecast of {name} for 5 steps from 2024-")
        assert re.search(r"The 80 % interval holds [0-5] of [3-5] values\.", label)
        drawn = {text_of(text) for text in svg.iter("text")}
        assert {"history", "forecast", "what came", "80 % interval"} <= drawn
    assert by_step.attrib["aria-label"].startswith("MASE goes from")


def test_without_a_test_part_forecasts_go_on_after_the_data(tmp_path):
    trained(daily(60, series=2), test_share=0, out=tmp_path / "run")
    section = section_of(tree_of(run_page(read_run_files(tmp_path / "run"))), "forecasts")
    labels = [svg.attrib["aria-label"] for svg in section.iter("svg")]
    assert [label.split(" for ")[0] for label in labels] == ["Forecast of s0", "Forecast of s1"]
    assert "holds" not in labels[0] and "How the data go on after their end." in text_of(section)
    assert not list(section.iter("table"))


def test_a_language_model_shows_what_it_writes(runs):
    metrics = read_json(runs["texts"] / "metrics.json")
    section = section_of(tree_of(page_of(runs["texts"])), "samples")
    texts = ["".join(each.itertext()) for each in section.iter("pre")]
    assert [each["temperature"] for each in metrics["other_samples"]] == [0.5, 1.0]
    low, high = (each["text"] for each in metrics["other_samples"])
    assert texts == [low, metrics["sample"], high]


def test_names_are_text_and_never_markup(runs):
    page = page_of(runs["classes"])
    assert HOSTILE not in page
    assert HOSTILE in text_of(section_of(tree_of(page), "classes"))


def test_the_same_files_give_the_same_bytes(runs, tmp_path):
    for folder in runs.values():
        assert write_page(folder, tmp_path / "again.html").read_text() == page_of(folder)


def test_colours_follow_the_page():
    from recurra.report import drawing

    figure, panel = drawing.new_figure()
    panel.plot([1, 2], [3, 4], color=drawing.BLUE)
    svg = str(drawing.inline(figure, "one", 'a "line"'))
    assert "var(--blue)" in svg and drawing.BLUE not in svg and drawing.INK not in svg
    assert 'aria-label="a &#34;line&#34;"' in svg
    assert not re.search(r"xmlns|metadata|<style|xlink|https?:", svg)


def test_two_figures_of_a_page_share_no_name():
    from recurra.report import drawing

    names = []
    for name in ("one", "two"):
        figure, panel = drawing.new_figure()
        panel.plot([1, 2], [3, 4], marker="o")
        names.append(set(re.findall(r'id="([^"]+)"', str(drawing.inline(figure, name, "")))))
    assert names[0] and not names[0] & names[1]


def test_without_a_test_part_the_page_says_so(runs, tmp_path):
    part = "validation"
    folder = altered(
        runs["numbers"],
        tmp_path / "run",
        metrics=lambda m: without(m, "test", "baselines", "verdict", "standing"),
    )
    root = tree_of(run_page(read_run_files(folder)))
    check(root)
    (head,) = root.iter("header")
    assert "Not compared with a baseline" in text_of(head)
    assert f"{part} examples" in text_of(head) and "expect less on new examples" in text_of(head)
    folder = altered(folder, tmp_path / "none", metrics=lambda m: without(m, "validation"))
    root = tree_of(run_page(read_run_files(folder)))
    check(root)
    assert "Nothing was held out to test on" in text_of(next(root.iter("header")))
    assert "scores" not in [each.get("id") for each in root.iter("section")]


@pytest.mark.parametrize("kind", KINDS)
def test_runs_made_before_there_were_pages_have_one(runs, kind, tmp_path):
    folder = altered(
        runs[kind],
        tmp_path / "run",
        config=lambda c: without(c, "command", "told"),
        metrics=lambda m: without(m, "standing", "examples", "other_samples"),
    )
    root = tree_of(run_page(read_run_files(folder)))
    check(root)
    assert "begun from Python" in text_of(section_of(root, "reproduction"))


def test_a_run_that_was_cut_short_is_said_not_to_reproduce(runs, tmp_path):
    def cut(metrics):
        return metrics | {"training": metrics["training"] | {"stopped": "clock", "reproducible": False}}

    root = tree_of(run_page(read_run_files(altered(runs["texts"], tmp_path / "run", metrics=cut))))
    assert "The same numbers will not come out" in text_of(section_of(root, "reproduction"))
    assert "cut short by the clock" in text_of(section_of(root, "network"))
    assert "Unfinished: the clock cut the training short at step" in text_of(next(root.iter("header")))


@pytest.mark.parametrize(
    ("stopped", "said"), [("interrupted", "with --resume"), ("not finite at step 7", "a lower learning rate")]
)
def test_a_training_that_did_not_end_well_is_said_first_of_all(runs, tmp_path, stopped, said):
    def ended(metrics):
        return metrics | {"training": metrics["training"] | {"stopped": stopped}}

    root = tree_of(run_page(read_run_files(altered(runs["texts"], tmp_path / "run", metrics=ended))))
    check(root)
    (head,) = root.iter("header")
    assert said in text_of(head) and "Unfinished" not in text_of(
        next(tree_of(page_of(runs["texts"])).iter("header"))
    )
    assert text_of(head).index("Unfinished:") < text_of(head).index("95 % interval")


def test_the_command_is_one_that_begins_anew(runs, tmp_path):
    folder = altered(
        runs["texts"], tmp_path / "run", config=lambda c: c | {"command": [*c["command"], "--resume"]}
    )
    said = text_of(section_of(tree_of(run_page(read_run_files(folder))), "reproduction"))
    assert "--out" in said and "--resume" not in said


def test_how_intervals_differ_from_those_of_a_comparison_is_said(runs):
    said = text_of(section_of(tree_of(page_of(runs["classes"])), "scores"))
    assert "over the test examples alone (Wilson's, for a share)" in said and "Student's t" in said


def test_scores_without_bounds_and_many_epochs_and_classes(runs, tmp_path):
    def more(metrics):
        part = metrics["test"]
        part["scores"][0]["interval"] |= {"low": None, "high": None}
        row = part["per_class"][0]
        part["per_class"] = [row | {"name": f"c{k}", "precision": None} for k in range(130)]
        part["confusion"] = [[int(j in (k, 0)) for j in range(130)] for k in range(130)]
        return metrics

    record = json.loads((runs["classes"] / "history.jsonl").read_text().splitlines()[0])
    history = "".join(json.dumps(record | {"epoch": k}) + "\n" for k in range(1, 451))
    folder = altered(runs["classes"], tmp_path / "run", metrics=more, history=history)
    root = tree_of(run_page(read_run_files(folder)))
    check(root)
    assert "not known" in text_of(next(root.iter("header")))
    mistakes, by_class = section_of(root, "classes").iter("table")
    assert len(list(next(mistakes.iter("tbody")))) == 10
    assert len(list(next(by_class.iter("tbody")))) == 100
    assert "30 rarer ones are not shown" in text_of(section_of(root, "classes"))
    (numbers,) = section_of(root, "learning").iter("table")
    assert len(list(next(numbers.iter("tbody")))) == 150


def test_templates_take_text_for_text():
    assert str(render("text.html", text="a < b & c")) == '<pre class="text">a &lt; b &amp; c</pre>'


def test_the_command_makes_the_page_anew(runs, tmp_path):
    folder = shutil.copytree(runs["texts"], tmp_path / "run")
    (folder / "report.html").unlink()
    done = recurra("report", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"The page is {folder / 'report.html'}\n"
    assert page_of(folder) == page_of(runs["texts"])
    out = tmp_path / "page.html"
    done = recurra("report", folder, "--out", out, "--json")
    assert json.loads(done.stdout) == {"run": str(folder), "report": str(out)}
    assert recurra("report", folder, "--out", out).returncode == 2
    assert recurra("report", folder, "--out", out, "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "page.pdf"], "expected a name ending in .html"),
        (["--out", "no/such/folder/page.html"], "there is no such folder"),
    ],
)
def test_a_place_that_cannot_be_is_said(runs, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = recurra("report", runs["texts"], *arguments)
    assert done.returncode in (1, 2) and message in done.stderr


def test_what_is_no_finished_run_has_no_page(runs, tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        write_page(tmp_path)
    folder = shutil.copytree(runs["texts"], tmp_path / "run")
    write_json(folder / "metrics.json", {})
    with pytest.raises(RunError, match="not the one that this run wrote"):
        write_page(folder)
    folder = altered(runs["texts"], tmp_path / "training", config=lambda c: c | {"status": "training"})
    with pytest.raises(RunError, match="has not ended"):
        write_page(folder)


def test_intervals_over_groups_are_told_as_such(runs, tmp_path):
    def grouped(metrics):
        metrics["test"]["scores"][0]["interval"]["method"] = "groups"
        return metrics

    folder = altered(runs["classes"], tmp_path / "run", metrics=grouped)
    said = text_of(section_of(tree_of(run_page(read_run_files(folder))), "scores"))
    assert "over the groups that the test examples are of" in said and "Wilson" not in said
