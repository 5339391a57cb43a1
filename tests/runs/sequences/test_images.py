"""Runs on images: every way to read them, from files to answers, scores and the page."""

import base64
import io
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import recurra
from recurra.cli.main import app
from recurra.data.images.pixels import Pixels
from recurra.data.schema import SchemaOptions, infer_schema, to_examples
from recurra.data.sources import read
from recurra.diagnosis.examples import subject_of
from recurra.runs.events import ignore
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.files import fit_source
from recurra.runs.sequences.pictures import SHOWN, pictures
from recurra.tasks.baselines import run_baselines
from recurra.tasks.baselines.images import SIDE, small_copies
from recurra.tasks.task import Answer
from tests.data.images.made import bar, folder_of_bars, folder_of_clips, write_idx, write_image
from tests.report.tree import check, text_of, tree_of

QUICK = {
    "network.hidden_size": 12,
    "training.epochs": 2,
    "network.convolutions": "[]",
    "task.label_smoothing": 0.0,
}


def run(*arguments, status=0):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exit_code == status, found.output
    return found.stdout


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return folder_of_bars(tmp_path_factory.mktemp("images") / "bars", 40)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return folder_of_clips(tmp_path_factory.mktemp("images") / "clips", 12)


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        ("rows", {"network.cell": "lstm"}),
        ("columns", {"network.cell": "gru"}),
        ("pixels", {"network.cell": "mingru", "network.segment": 4}),
        ("whole", {"network.cell": "feedforward", "network.hidden_size": 32, "training.epochs": 15}),
        ("whole", {"network.cell": "feedforward", "network.image_channels": "4,8"}),
    ],
)
def test_every_way_of_reading_learns_and_is_kept(bars, tmp_path, steps, settings):
    options = SequenceFitOptions(data={"steps": steps}, settings=QUICK | settings, baselines=False)
    made = fit_source(bars, options, out=tmp_path / "run")
    if "training.epochs" in settings:
        assert made.metrics["test"]["scores"][0]["value"] > 0.8
    again = recurra.load(tmp_path / "run")
    images = np.stack([bar("lying", 3), bar("standing", 5)])
    as_steps = {
        "rows": images,
        "columns": images.transpose(0, 2, 1),
        "pixels": images.reshape(2, 64, 1),
        "whole": images.reshape(2, 1, 64),
    }[steps]
    given = made.predict_proba(as_steps)
    np.testing.assert_allclose(again.predict_proba(as_steps), given, atol=1e-6)
    if steps == "whole":
        found = made.stream().step(as_steps[0, 0].astype(np.float32))
        np.testing.assert_allclose(found, given[0], atol=2e-5)
    # As files they come to the same as in memory.
    for n, kind in enumerate(("lying", "standing")):
        write_image(tmp_path / "new" / f"{n}{kind}.png", images[n])
    examples, _ = to_examples(read(tmp_path / "new"), made.config.data_schema, need_targets=False)
    np.testing.assert_allclose(made.answer(examples).probabilities, given, atol=1e-6)


def test_frames_from_the_command_line(clips, tmp_path):
    place = tmp_path / "run"
    small = [
        part for k, v in (QUICK | {"network.image_channels": "4"}).items() for part in ("--set", f"{k}={v}")
    ]
    run("fit", clips, "--cell", "gru", "--out", place, *small)
    content = json.loads((place / "metrics.json").read_text())
    assert [each["name"] for each in content["baselines"]] == [
        "always the commonest class",
        "1-nearest neighbour",
        "summaries, logistic regression",
    ]
    answers = json.loads(run("predict", place, clips, "--json"))
    assert [each["file"] for each in answers][:2] == ["left/0", "left/1"]
    one = json.loads(run("predict", place, clips / "right" / "3", "--json"))
    frames = sorted(file.name for file in (clips / "right" / "3").iterdir())
    assert [each["file"] for each in one] == frames[:1]
    assert one[0]["p(left)"] == pytest.approx(
        next(a for a in answers if a["file"] == "right/3")["p(left)"], abs=1e-5
    )
    told = json.loads(run("evaluate", place, clips, "--json"))
    right = sum(each["file"].startswith(each["prediction"]) for each in answers)
    assert told["scores"][0]["value"] == pytest.approx(right / len(answers))
    looked_at = subject_of(recurra.load(place), clips, observer=ignore)
    assert looked_at.inputs[0].shape == (24, 6, 64) and looked_at.inputs[0].dtype == torch.float32
    assert torch.isfinite(looked_at.loss(looked_at.network(*looked_at.inputs)))
    page = tree_of((place / "report.html").read_text())
    check(page)
    assert "Of each sequence a few frames are shown" in text_of(page)


def test_a_column_of_files_and_a_number_to_tell(bars, tmp_path):
    rows = [(kind, n) for kind in ("lying", "standing") for n in range(40)]
    frame = pl.DataFrame(
        {"photo": [f"{kind}/{n}.png" for kind, n in rows], "place": [n % 8 + 0.5 for _, n in rows]}
    )
    frame.write_csv(bars / "list.csv")
    small = [part for k, v in QUICK.items() for part in ("--set", f"{k}={v}")]
    place = tmp_path / "run"
    shown = run("fit", bars / "list.csv", "--target", "place", "--steps", "whole", "--out", place, *small)
    (bars / "list.csv").unlink()
    assert "RMSE" in shown and "pixels, ridge regression" in shown
    assert "true:" in text_of(tree_of((place / "report.html").read_text()))
    assert "photo" in run("report", place) or (place / "report.html").exists()


def test_the_page_shows_images_with_their_answers(tmp_path):
    images = np.stack([bar("lying" if n % 2 else "standing", n) for n in range(60)])
    labels = np.arange(60) % 2
    labels[::7] = 1 - labels[::7]  # some cannot be right
    data = write_idx(tmp_path, "t10k", images, labels)
    small = [part for k, v in QUICK.items() for part in ("--set", f"{k}={v}")]
    run("fit", data, "--steps", "whole", "--cell", "feedforward", "--out", tmp_path / "run", *small)
    page = tree_of((tmp_path / "run" / "report.html").read_text())
    check(page)
    section = page.find(".//section[@id='images']")
    assert section is not None
    shown = section.findall(".//img")
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["images"]
    assert len(shown) == len(kept) == 12
    wrong = [item for item in section.findall(".//li") if item.get("class") == "wrong"]
    assert len(wrong) == sum(not each["right"] for each in kept) > 0
    assert all("it is" in text_of(item) for item in wrong)
    png = shown[0].get("src").removeprefix("data:image/png;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(png))).size == (8, 8)


def test_pictures_are_wrong_ones_and_right_ones(bars):
    table = read(bars)
    examples, _ = to_examples(table, infer_schema(table))
    said = examples.targets.copy()
    said[:3] = "standing"
    answer = Answer(said, np.tile([0.9, 0.1], (len(said), 1)))
    shown = pictures(examples, answer, ["lying", "standing"], seed=0)
    assert len(shown) == SHOWN and sum(not each["right"] for each in shown) == 3
    assert {each["name"] for each in shown if not each["right"]} == {f"lying/{n}.png" for n in (0, 1, 10)}
    assert all(each["share"] == 0.9 for each in shown)


def test_baselines_of_images_read_pixels_whatever_a_step_is(bars):
    scores = []
    for steps in ("rows", "pixels"):
        table = read(bars)
        examples, _ = to_examples(table, infer_schema(table, SchemaOptions(steps=steps)))
        learn, test = examples.take(np.arange(0, 80, 2)), examples.take(np.arange(1, 80, 2))
        found = run_baselines(learn, test, ["lying", "standing"])
        scores.append([result.scores[0].value for result in found])
        assert [result.name for result in found][1:] == ["1-nearest neighbour", "pixels, logistic regression"]
    assert scores[0] == scores[1] and scores[0][1] > 0.8


def test_small_copies_are_means_over_fields(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (2 * SIDE, 3 * SIDE), dtype=np.uint8)
    write_image(tmp_path / "x" / "a.png", image)
    write_image(tmp_path / "y" / "a.png", image)
    table = read(tmp_path)
    examples, _ = to_examples(table, infer_schema(table))
    assert isinstance(examples.sequences, Pixels)
    small = small_copies(examples.sequences)
    expected = image.reshape(SIDE, 2, SIDE, 3).mean((1, 3))
    np.testing.assert_allclose(small[0].reshape(SIDE, SIDE), expected, rtol=1e-5)


def test_nothing_readable_is_told_without_a_traceback(bars, tmp_path):
    place = tmp_path / "run"
    small = [part for k, v in QUICK.items() for part in ("--set", f"{k}={v}")]
    run("fit", bars, "--out", place, *small, "--no-baselines")
    (tmp_path / "bad" / "lying").mkdir(parents=True)
    (tmp_path / "bad" / "lying" / "x.png").write_text("no picture")
    for verb, data, name in (("predict", "bad/lying/x.png", "x.png"), ("evaluate", "bad", "lying/x.png")):
        found = CliRunner().invoke(app, [verb, str(place), str(tmp_path / data)])
        assert found.exit_code and "no row can be used" in str(found.exception)
        assert f"no image ({name})" in str(found.exception)
    assert json.loads(run("explain", place, "--data", bars, "--rows", "1", "--json"))["examples"]


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="needs real data")
def test_real_digits_are_read(tmp_path):
    table = read(Path(os.environ["RECURRA_DATA"]) / "mnist_t10k")
    examples, unusable = to_examples(table, infer_schema(table))
    assert len(examples) == 10_000 and not len(unusable)
    assert examples.sequences.images(0).mean() == pytest.approx(23.5, abs=0.1)
    assert examples.targets[:3].tolist() == ["7", "2", "1"]
