"""Runs that write captions, from files to answers, scores, the page and the comparison."""

import json

import numpy as np
import polars as pl
import pytest
import torch
from typer.testing import CliRunner

import recurra
from recurra.cli.main import app
from recurra.data.captions import read_captions
from recurra.diagnosis.examples import subject_of
from recurra.diagnosis.measures.memory import memory
from recurra.errors import DataError, InputError, RunError
from recurra.runs.captions.config import CaptionFitOptions
from recurra.runs.captions.files import fit_captions
from recurra.runs.events import ignore
from tests.data.captions.made import scene, write_flickr, write_scenes
from tests.data.images.made import write_image
from tests.report.tree import check, text_of, tree_of

SMALL = {
    "network.hidden_size": 32,
    "network.embedding_size": 16,
    "network.image_channels": "8,16",
    "network.input_dropout": 0.0,
    "network.output_dropout": 0.0,
    "task.label_smoothing": 0.0,
    "task.beam": 2,
    "tokens.longest": 12,
    "training.learning_rate": 0.01,
    "training.epochs": 2,
}
SET = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]


def run(*arguments, status=0):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exit_code == status, found.output
    return found.stdout


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes"), 60)


@pytest.fixture(scope="module")
def place(scenes, tmp_path_factory):
    place = tmp_path_factory.mktemp("captions") / "run"
    run(
        "fit",
        scenes,
        "--task",
        "caption",
        "--out",
        place,
        *SET,
        "--set",
        "training.epochs=14",
        "--validation",
        "0",
    )
    return place


def test_made_scenes_are_described(place, scenes):
    content = json.loads((place / "metrics.json").read_text())
    scores = {score["name"]: score["value"] for score in content["test"]["scores"]}
    assert next(iter(scores)) == "exactly right" and scores["exactly right"] >= 0.6
    assert [each["name"] for each in content["baselines"]] == [
        "always the commonest caption",
        "nearest neighbour",
    ]
    assert "BLEU" in content["signatures"]
    kept = recurra.load(place)
    examples = read_captions(scenes, schema=kept.config.data_schema).examples
    told = json.loads(run("evaluate", place, scenes, "--json"))
    right = np.mean(
        [answer in said for answer, said in zip(kept.predict(examples), examples.targets, strict=True)]
    )
    assert told["n"] == 60 and told["scores"][0]["value"] == pytest.approx(right)


def test_bleu_is_told_as_it_was_computed_of_the_data_at_hand(place, scenes):
    one = scenes.parent / "one_each.csv"
    some = pl.read_csv(scenes).head(4)
    some.with_columns(caption_2=pl.Series(["a bar", None, None, None])).write_csv(one)
    told = json.loads(run("evaluate", place, one, "--json"))
    assert told["signatures"]["BLEU"].startswith("nrefs:var|"), "and not nrefs:2, as in training"


def test_images_get_captions(place, scenes, tmp_path):
    image, _ = scene("lying", 1)
    write_image(tmp_path / "new.png", image)
    (tmp_path / "broken.png").write_text("no picture")
    answers = json.loads(run("predict", place, tmp_path, "--json"))
    assert [each["file"] for each in answers] == ["new.png"] and answers[0]["prediction"]
    found = [each["text"] for each in answers[0]["answers"]]
    assert found[0] == answers[0]["prediction"] and len(found) == len(set(found))
    kept = recurra.load(place)
    assert kept.predict(image[None]) == kept.predict(image[None, :, :, None]) == [answers[0]["prediction"]]
    assert kept.predict([]) == []
    for other in (np.zeros((2, 4, 16)), np.zeros((2, 4, 16, 1)), np.zeros((2, 64)), np.zeros((2, 8, 8, 3))):
        with pytest.raises(
            DataError, match=r"images of shape \(8, 8, 1\) or \(8, 8\) as in training, found \("
        ):
            kept.predict(other)
    assert run("predict", place, scenes).splitlines()[0] == "row,file,prediction,score"
    again = CliRunner().invoke(app, ["predict", str(place), str(tmp_path / "broken.png")])
    assert "none of the images can be read" in str(again.exception)


def test_the_page_shows_captions_and_where_the_network_looked(place):
    page = tree_of((place / "report.html").read_text())
    check(page)
    section = page.find(".//section[@id='captions']")
    assert section is not None and section.findall(".//img")
    pictures = section.findall(".//svg")
    assert pictures and all(picture.findall(".//rect") for picture in pictures)
    assert "Where it looked" in text_of(section) and "nrefs:2" in text_of(section)
    kept = recurra.load(place)
    gazes = kept.metrics["test"]["gazes"]
    weights = np.array(gazes[0]["weights"])
    np.testing.assert_allclose(weights.sum((1, 2)), 1, atol=0.01)
    assert weights.shape[1:] == kept.network.grid


def test_it_is_diagnosed_and_cannot_be_explained_or_streamed(place, scenes):
    kept = recurra.load(place)
    looked_at = subject_of(kept, scenes, observer=ignore)
    loss = looked_at.loss(looked_at.network(*looked_at.inputs))
    assert torch.isfinite(loss) and looked_at.chance > 0
    assert max(memory(looked_at).change) > 0, "words are changed, and not the image"
    with pytest.raises(InputError, match="no steps to be fed"):
        kept.stream()
    found = CliRunner().invoke(app, ["explain", str(place), "--data", str(scenes)])
    assert isinstance(found.exception, InputError) and "for captions" in str(found.exception)


def test_flickrs_layout_keeps_its_parts(tmp_path):
    folder = write_flickr(tmp_path / "flickr", absent=(2,))
    shown = run("fit", folder, "--task", "caption", "--out", tmp_path / "run", *SET)
    assert "test examples" in shown
    assert json.loads((tmp_path / "run" / "config.json").read_text())["parts"] == {
        "train": 9, "validation": 1, "test": 1,
    }  # fmt: skip


def test_vectors_are_captioned_and_a_run_goes_on_from_another(tmp_path):
    rng = np.random.default_rng(0)
    high = rng.integers(2, size=80)
    frame = pl.DataFrame(
        {
            "a": high + 0.1 * rng.normal(size=80),
            "b": rng.normal(size=80),
            "caption": [["it is low", "it is high"][h] for h in high],
        }
    )
    options = CaptionFitOptions(settings=SMALL | {"training.epochs": 6, "network.vector_size": 16})
    made = fit_captions(frame, options, out=tmp_path / "run")
    assert made.metrics["test"]["scores"][0]["value"] == 1.0
    kept = recurra.load(tmp_path / "run")
    assert kept.predict([[0.0, 0.0], [1.0, 0.0]]) == ["it is low", "it is high"]
    with pytest.raises(DataError, match="inputs of one shape, found several"):
        kept.predict([[0.0, 0.0], [1.0]])
    with pytest.raises(DataError, match=r"vectors of shape \(2,\) as in training, found \(3,\)"):
        kept.predict([[0.0, 0.0, 1.0]])
    run("report", tmp_path / "run")
    page = tree_of((tmp_path / "run" / "report.html").read_text())
    check(page)
    assert "test vectors" in text_of(page) and "test images" not in text_of(page)
    assert subject_of(kept, frame, observer=ignore).notes[0] == "32 of 80 vectors, drawn by the seed"
    again = CaptionFitOptions(init=str(tmp_path / "run"), settings={"training.epochs": 1}, baselines=False)
    assert fit_captions(frame, again).metrics["test"]["scores"][0]["value"] == 1.0
    with pytest.raises(InputError, match=r"tokens\.level"):
        fit_captions(frame, again.model_copy(update={"settings": {"tokens.level": "character"}}))
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["shape"]["input_size"] = 3
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="do not fit a network"):
        recurra.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--cell", "tcn"], "written by a recurrent cell"),
        (["--image", "file", "--features", "caption_1"], "reads images and --features numbers"),
        (["--set", "tokens.longest=2"], "every caption is longer than 2 ids"),
        (["--steps", "rows"], "has no effect on captions"),
    ],
)
def test_what_cannot_be_asked_is_refused(scenes, tmp_path, options, problem):
    found = CliRunner().invoke(
        app, ["fit", str(scenes), "--task", "caption", "--out", str(tmp_path / "run"), *SET, *options]
    )
    assert isinstance(found.exception, InputError) and problem in str(found.exception)
