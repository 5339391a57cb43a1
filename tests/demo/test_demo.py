"""The demo: three networks of one size on one split of each part, pictures, summaries."""

import json

import pytest

from recurra.cli import demo as command
from recurra.demo import digits, documentation, sunspots
from recurra.demo.cells import CELLS
from recurra.demo.page import write_demo_page
from recurra.demo.picture import draw_forecasts, draw_learning
from recurra.errors import DataError, InputError
from recurra.runs.loading import load
from recurra.runs.places import check_folder_of_runs, clear_folder_of_runs
from tests.report.tree import check, text_of, tree_of

COMPARE = {
    "digits": digits.compare_on_digits,
    "sunspots": sunspots.compare_on_sunspots,
    "documentation": documentation.compare_on_documentation,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Folder, and for each part its summary and runs, after very short trainings."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    corpus = documentation.documentation()
    short = type(corpus)(corpus.origin, corpus.train[:40_000], corpus.validation[:3_000], corpus.test[:3_000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "SETTINGS", digits.SETTINGS | {"training.epochs": 3})
        patch.setattr(sunspots, "SETTINGS", sunspots.SETTINGS | {"training.epochs": 8})
        patch.setattr(documentation, "SETTINGS", documentation.SETTINGS | {"training.epochs": 3})
        patch.setattr(documentation, "documentation", lambda: short)
        return folder, {
            name: compare(folder / name, seed=0, observer=lambda _: None) for name, compare in COMPARE.items()
        }


def test_all_digits_are_there():
    examples, schema = digits.digits()
    assert len(examples) == 1797
    assert set(examples.sequences.lengths) == {8}
    assert schema.classes == [str(k) for k in range(10)]


def test_all_years_of_sunspots_are_there():
    series, schema = sunspots.sunspots()
    values = series.targets[0][:, 0]
    assert (len(series), len(values)) == (1, 309)
    assert (values[0], values[-1], values.max()) == pytest.approx((5.0, 2.9, 190.2))
    assert series.grid.times_of(series.first)[0] == 1700
    assert schema.targets == ["sunspots"]


def test_pythons_documentation_is_there():
    corpus = documentation.documentation()
    assert "statement" in corpus.train
    assert len(corpus.train) > 100_000
    paragraphs = (corpus.train + corpus.validation + corpus.test).split("\n\n")
    assert len(paragraphs) == len(set(paragraphs))


def test_a_python_without_documentation_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", None)
    with pytest.raises(DataError, match="documentation"):
        documentation.documentation()


@pytest.mark.parametrize("part", COMPARE)
def test_the_networks_have_the_same_number_of_weights(done, part):
    weights = [network["weights"] for network in done[1][part][0]["networks"]]
    assert len(weights) == 3
    assert max(weights) / min(weights) < 1.04


@pytest.mark.parametrize("part", COMPARE)
def test_every_network_learns_and_leaves_a_run(done, part):
    folder, parts = done
    summary = parts[part][0]
    assert json.loads((folder / part / "summary.json").read_text()) == summary
    trivial = summary["baselines"][0]["scores"][0]
    sign = 1 if trivial["higher_is_better"] else -1
    for network in summary["networks"]:
        score = network["score"]
        assert score["interval"]["low"] < score["value"] < score["interval"]["high"]
        assert sign * score["value"] > sign * trivial["value"]
        assert load(folder / part / network["cell"]).metrics["test"]["n"] == score["n"]


def test_the_pictures_are_pngs(done, tmp_path):
    parts = done[1]
    learning = draw_learning(*parts["digits"], "accuracy", tmp_path / "digits.png")
    assert learning.read_bytes().startswith(b"\x89PNG")
    text = draw_learning(*parts["documentation"], "bits per character", tmp_path / "text.png")
    assert text.read_bytes().startswith(b"\x89PNG")
    forecasts = draw_forecasts(parts["sunspots"][1], tmp_path / "sunspots.png")
    assert forecasts.read_bytes().startswith(b"\x89PNG")


def test_the_page_has_every_part_and_links_to_the_runs(done, tmp_path):
    parts, picture = done[1], tmp_path / "one.png"
    draw_learning(*parts["digits"], "accuracy", picture)
    content = {name: (f"About {name}", summary, picture) for name, (summary, _) in parts.items()}
    content["documentation"][1]["samples"] = {"gru": "The <for> statement"}
    page = tree_of(write_demo_page(tmp_path, content).read_text())
    check(page)
    for name, (summary, _) in parts.items():
        (section,) = [each for each in page.iter("section") if each.get("id") == name]
        links = [each.get("href") for each in section.iter("a")]
        assert links == [f"{name}/{cell}/report.html" for cell in CELLS]
        assert all(each["name"] in text_of(section) for each in summary["baselines"])
    assert "The <for> statement" in text_of(page)


def test_the_demo_may_be_repeated_but_takes_no_other_folder(done, tmp_path):
    folder = done[0]
    clear_folder_of_runs(folder / "digits", CELLS)
    assert not (folder / "digits" / "lstm" / "config.json").exists()
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="taken"):
        clear_folder_of_runs(tmp_path, CELLS)
    assert (tmp_path / "letter.txt").exists()


@pytest.mark.parametrize("name", ["reviews", "lstm"])
def test_the_demo_takes_no_folder_of_other_models(tmp_path, name):
    (tmp_path / name).mkdir()
    for file in ("config.json", "model.safetensors"):
        (tmp_path / name / file).write_text("{}")
    with pytest.raises(InputError, match=f"taken \\(by {name}\\)"):
        check_folder_of_runs(tmp_path, CELLS)
    assert (tmp_path / name / "model.safetensors").exists()


def test_nothing_is_cleared_where_one_part_is_taken(tmp_path):
    (tmp_path / "documentation").mkdir()
    (tmp_path / "documentation" / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=r"taken \(by mine.txt\)"):
        command.run_demo(tmp_path, seed=0, as_json=True)
    assert sorted(tmp_path.rglob("*")) == before
