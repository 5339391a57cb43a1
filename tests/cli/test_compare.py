"""`recurra compare` as a person meets it."""

import json
import sys

import pytest

from tests.cli.test_commands import QUICK, recurra, write_csv
from tests.runs.conftest import sentences

FEW = ["--cells", "rnn,gru", "--trials", "1", "--seeds", "3", *QUICK, "--set", "network.pairs=0"]


@pytest.fixture(autouse=True)
def measured_in_short(monkeypatch):
    monkeypatch.setattr("recurra.comparison.plan._PACE_S", 0.3)
    monkeypatch.setattr("recurra.comparison.costs.LENGTHS", (4, 8))


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("compare") / "reviews.csv", sentences(100))


def test_a_table_what_was_held_equal_and_two_sentences_are_printed(reviews, tmp_path):
    done = recurra("compare", reviews, *FEW, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("the mean of the seeds") :]
    for word in ("score", "95 % interval", "RNN", "GRU", "TF-IDF", "< to take", "stream: a step of one"):
        assert word in table
    assert "Data: the same" in table
    assert "Size: the number of weights" in table
    assert "How sure:" in table
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["command"].startswith("recurra compare")
    done = recurra("info", tmp_path / "out" / "gru-seed-1")
    assert done.returncode == 0
    done = recurra("compare", reviews, *FEW, "--out", tmp_path / "out", "--resume", "--json")
    again = json.loads(done.stdout)
    assert [row["value"] for row in again["rows"]] == [row["value"] for row in summary["rows"]]
    assert "6 of 6 trainings are there from before" in done.stderr


def test_a_network_of_ones_own_is_imported_where_it_is_asked_for(reviews, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "own_networks.py").write_text(
        "from torch import nn\n\nclass Mine(nn.Linear):\n"
        "    def forward(self, x, lengths):\n        return super().forward(x).cumsum(1)\n"
    )
    few = ["--cells", "gru", "--trials", "1", "--seeds", "1", *QUICK, "--set", "network.pairs=0"]
    done = recurra("compare", reviews, *few, "--own", "mine=own_networks:Mine", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
    done = recurra("info", "out/mine-seed-1")
    assert done.returncode == 2
    assert "Hand its class over, in Python: recurra.load" in done.stderr


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(reviews, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recurra.runs.sequences.fit.SequenceFitting.fit_baselines", interrupted)
        done = recurra("compare", reviews, *FEW, "--out", tmp_path / "out")
    assert done.returncode == 130
    assert "Interrupted before the first training, so nothing is lost" in done.stdout
    assert "--resume" not in done.stdout
    assert "recurra: interrupted" in done.stderr
    with monkeypatch.context() as patch:
        patch.setattr("recurra.comparison.trials._final", interrupted)
        done = recurra("compare", reviews, *FEW, "--out", tmp_path / "out")
    assert done.returncode == 130
    assert "0 trainings that ended are kept" in done.stdout
    assert f"--out {tmp_path / 'out'} --resume" in done.stdout


@pytest.mark.parametrize("verb", ["info", "evaluate", "predict", "diagnose"])
def test_a_folder_of_runs_is_answered_with_the_runs_in_it(reviews, tmp_path, verb):
    for name in ("gru-seed-1", "lstm-seed-1"):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "config.json").write_text("{}")
    done = recurra(verb, tmp_path / "out", *([] if verb == "info" else [reviews]))
    assert done.returncode == 2
    assert "holds several runs" in done.stderr
    assert (
        f"Name one of {tmp_path / 'out' / 'gru-seed-1'}, {tmp_path / 'out' / 'lstm-seed-1'}." in done.stderr
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--cells", "gru,xyz"], "--cells: expected one or several different ones of rnn,"),
        (["--own", "Mine"], "--own: expected NAME=MODULE:CLASS, found 'Mine'"),
        (["--own", "mine=no_such_module:Mine"], "--own mine=no_such_module:Mine: there is no Mine to import"),
        (["--own", "gru=json:JSONDecoder"], "'gru' cannot be the name of a module of your own"),
        (["--match", "size"], "--match: 'size' does not fit"),
        (["--budget", "soon"], "--budget: expected a time above zero"),
        (["--seeds", "0"], "--seeds: 0 does not fit"),
        (["--resume"], "--resume: there is no comparison to resume"),
        (["--set", "network.size=3"], "there is no setting 'network.size'"),
        (["--target", "nothing"], "nothing"),
        (["--horizon", "3", "--text", "text"], "--text: this has no effect on forecasts"),
    ],
)
def test_wrong_calls_exit_with_2_and_say_what_to_do(reviews, wrong, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = recurra("compare", reviews, *wrong)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())
