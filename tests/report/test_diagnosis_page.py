"""The page of a diagnosis, made from `diagnosis.json` alone, and what a run's own page says of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from recurra.diagnosis.measures.capacity import Capacity
from recurra.diagnosis.result import Finding
from recurra.errors import RunError
from recurra.report.diagnosis_page import diagnosis_page
from recurra.report.run_files import read_diagnosis, read_run_files
from recurra.report.run_page import run_page
from recurra.report.writing import write_page
from recurra.storage import read_json, write_json
from tests.cli.test_commands import recurra
from tests.report.tree import check, text_of, tree_of

ILL = [
    Finding("exploding gradient", "problem", "It grows to 300 times.", "Unsteady.", "Train again with "
            "--set training.learning_rate=0.0001 and --set training.clip_norm=0.25.", 300, 100),
    Finding("still units", "warning", "40% do not move.", "They add nothing.", "", 0.4, 0.25),
    Finding("memory", "note", "The last 9 of 20 steps.", "Enough.", "", 9, 0.05),
]  # fmt: skip


@pytest.fixture(scope="module")
def diagnosis(diagnosed):
    return read_diagnosis(diagnosed)


def sections(page):
    return {each.get("id"): each for each in tree_of(page).iter("section")}


def head_of(page):
    return text_of(next(tree_of(page).iter("header")))


def test_it_can_be_read_by_everybody_and_asks_for_nothing(diagnosed):
    page = (diagnosed / "diagnosis.html").read_text()
    check(tree_of(page))
    assert "http:" not in page and "https:" not in page and "Undefined" not in page


def test_findings_stand_with_number_meaning_and_the_option_to_change(diagnosis):
    page = diagnosis_page(replace(diagnosis, findings=ILL))
    check(tree_of(page))
    assert "Found: 1 problem and 1 warning." in head_of(page) and "300 times" in head_of(page)
    section = sections(page)["findings"]
    said = text_of(section)
    for finding in ILL:
        assert finding.says in said and finding.means in said
    options = [text_of(code) for code in section.iter("code")]
    assert options == ["--set training.learning_rate=0.0001", "--set training.clip_norm=0.25"]
    assert [text_of(each) for each in section.iter("h3")] == [
        "▼ Problem: exploding gradient",
        "◆ Warning: still units",
        "Good to know",
    ]


def test_findings_alike_stand_together(diagnosis):
    twice = [replace(ILL[0], says=f"Layer {k} grows.") for k in (1, 2)]
    page = diagnosis_page(replace(diagnosis, findings=[*twice, *ILL[1:]]))
    section = sections(page)["findings"]
    assert text_of(section).count("Problem: exploding gradient") == 1
    assert "Layer 1 grows." in text_of(section) and "Layer 2 grows." in text_of(section)
    assert "Layer 1 grows." in head_of(page) and "Layer 2" not in head_of(page)
    assert "All that was found stands below." in head_of(page)


def test_a_healthy_network_gets_a_clean_bill(diagnosis):
    page = diagnosis_page(replace(diagnosis, findings=ILL[2:]))
    assert "A clean bill of health" in head_of(page) and diagnosis.notes[0] in head_of(page)
    assert text_of(sections(page)["findings"]).startswith("What was found Nothing was found wrong:")


def test_every_measure_has_its_figure_a_way_to_read_it_and_its_numbers(diagnosis):
    tests = [Capacity("copy", [5, 10], [1.0, 0.5]), Capacity("parity", [5], [0.125])]
    full = replace(diagnosis, measures=replace(diagnosis.measures, capacity=tests))
    page = diagnosis_page(full)
    check(tree_of(page))
    found = sections(page)
    figures = {"gradient": 2, "memory": 1, "gates": 4, "training": 2, "time": 1, "capacity": 1}
    for name, count in figures.items():
        assert len(list(found[name].iter("figure"))) == count, name
        assert all(len(text_of(each)) > 80 for each in found[name].iter("figcaption"))
        assert list(found[name].iter("table")), name
    (table,) = found["capacity"].iter("table")
    assert [[text_of(cell) for cell in row] for row in next(table.iter("tbody"))] == [
        ["5", "1.00", "0.12"],
        ["10", "0.50", "–"],
    ]
    (table,) = found["training"].iter("table")
    course = full.measures.training
    rows = list(next(table.iter("tbody")))
    assert [text_of(row[1]) for row in rows] == [f"{loss:.4g}" for loss in course.training_loss]
    assert f"{course.chance:.4g}" in text_of(next(table.iter("caption")))
    assert "Gate f over one sequence" in text_of(found["gates"])


def test_what_was_not_measured_has_no_section(diagnosis):
    measures = replace(diagnosis.measures, training=None, gradients=[])
    found = sections(diagnosis_page(replace(diagnosis, measures=measures)))
    assert list(found) == ["findings", "memory", "gates", "time", "reproduction"]


def test_colours_and_letters_are_the_pages(diagnosed):
    page = (diagnosed / "diagnosis.html").read_text()
    section = sections(page)["gradient"]
    assert "var(--blue)" in page and page.count("#0072b2") == 1  # in the style sheet
    assert any(text_of(each) == "before training" for each in section.iter("text"))


def test_the_page_says_how_to_make_it_again_and_the_command_does(diagnosed, tmp_path):
    found = read_diagnosis(diagnosed)
    said = text_of(sections((diagnosed / "diagnosis.html").read_text())["reproduction"])
    assert f"recurra diagnose {diagnosed}" in said and found.versions["torch"] in said
    assert found.sources[0].endswith("reviews.csv")
    folder = shutil.copytree(diagnosed, tmp_path / "run")
    (folder / "diagnosis.html").unlink()
    done = recurra("report", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "diagnosis.html").read_bytes() == (diagnosed / "diagnosis.html").read_bytes()


def test_a_runs_page_has_the_findings_and_a_link(diagnosed):
    page = (diagnosed / "report.html").read_text()
    check(tree_of(page))
    section = sections(page)["diagnosis"]
    assert [each.get("href") for each in section.iter("a")] == ["diagnosis.html"]
    for finding in read_diagnosis(diagnosed).findings:
        assert finding.says in text_of(section)


def test_without_a_diagnosis_the_training_alone_is_judged(runs, tmp_path):
    section = sections((runs["numbers"] / "report.html").read_text())["diagnosis"]
    assert "recurra diagnose RUN" in text_of(section)
    folder = shutil.copytree(runs["numbers"], tmp_path / "run")
    records = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    for k, record in enumerate(records):
        record["validation"]["loss"] = 0.1 * (1 + k)
    (folder / "history.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    said = text_of(sections(run_page(read_run_files(folder)))["diagnosis"])
    assert "The validation loss ended 3 times as high as in its best epoch." in said


def test_a_diagnosis_of_other_weights_is_not_shown(diagnosed, tmp_path):
    folder = shutil.copytree(diagnosed, tmp_path / "run")
    content = read_json(folder / "diagnosis.json")
    write_json(folder / "diagnosis.json", content | {"model": "0" * 64})
    section = sections(run_page(read_run_files(folder)))["diagnosis"]
    assert "What its training tells" in text_of(section)
    write_json(folder / "diagnosis.json", content | {"format": 1})
    with pytest.raises(RunError, match="Measure again"):
        write_page(folder)


def test_weights_that_are_written_anew_lose_the_diagnosis_of_those_before(diagnosed, tmp_path):
    from recurra.runs.loading import load

    folder = shutil.copytree(diagnosed, tmp_path / "run")
    load(folder).write(folder)
    assert not (folder / "diagnosis.json").exists() and not (folder / "diagnosis.html").exists()
