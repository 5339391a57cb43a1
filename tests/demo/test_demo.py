"""The demo: three networks of one size on one split, a picture, a summary."""

import json

import pytest

from recurra.demo import digits as demo
from recurra.demo.picture import draw
from recurra.errors import InputError
from recurra.runs.loading import load
from recurra.runs.places import clear_folder_of_runs


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "SETTINGS", demo.SETTINGS | {"training.epochs": 3})
        summary, runs = demo.compare_on_digits(folder, seed=0, observer=lambda _: None)
    return folder, summary, runs


def test_all_digits_are_there():
    examples, schema = demo.digits()
    assert len(examples) == 1797
    assert set(examples.sequences.lengths) == {8}
    assert schema.classes == [str(k) for k in range(10)]


def test_the_networks_have_the_same_number_of_weights(done):
    weights = [network["weights"] for network in done[1]["networks"]]
    assert len(weights) == 3
    assert max(weights) / min(weights) < 1.02


def test_the_networks_learn_and_stand_beside_baselines(done):
    for network in done[1]["networks"]:
        assert network["accuracy"]["value"] > 0.5  # chance is 0.1
        assert network["accuracy"]["interval"]["low"] < network["accuracy"]["value"]
    assert len(done[1]["baselines"]) == 3


def test_every_network_leaves_a_run_and_the_summary_names_them(done):
    folder, summary, _ = done
    assert json.loads((folder / "summary.json").read_text()) == summary
    for cell in demo.CELLS:
        assert load(folder / cell).metrics["test"]["n"] == summary["networks"][0]["accuracy"]["n"]


def test_the_picture_is_a_png(done, tmp_path):
    path = draw(done[1], done[2], tmp_path / "curves.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_demo_may_be_repeated_but_takes_no_other_folder(done, tmp_path):
    folder = done[0]
    clear_folder_of_runs(folder, demo.CELLS)
    assert not (folder / "lstm" / "config.json").exists()
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="taken"):
        clear_folder_of_runs(tmp_path, demo.CELLS)
    assert (tmp_path / "letter.txt").exists()


@pytest.mark.parametrize("name", ["reviews", "lstm"])
def test_the_demo_takes_no_folder_of_other_models(tmp_path, name):
    (tmp_path / name).mkdir()
    for file in ("config.json", "model.safetensors"):
        (tmp_path / name / file).write_text("{}")
    with pytest.raises(InputError, match=f"taken \\(by {name}\\)"):
        clear_folder_of_runs(tmp_path, demo.CELLS)
    assert (tmp_path / name / "model.safetensors").exists()
