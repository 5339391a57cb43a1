"""The command line as a person meets it: what it prints, its exit status, and that no traceback is shown."""

import csv
import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from recurra.cli.app import SECTIONS, app
from recurra.cli.console import print_json
from recurra.cli.main import run
from recurra.cli.visible import put
from recurra.training.interruption import Interruption
from tests.runs.conftest import sentences

QUICK = ["--set", "network.hidden_size=8", "--set", "network.embedding_size=8", "--set", "training.epochs=3"]
NOISE = np.random.default_rng(0).bytes(4000)


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def recurra(*arguments, stdin=""):
    """The command in this process: what its entry point prints, and the status it exits with."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["recurra", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        patch.setenv("COLUMNS", "100")
        try:
            run()
        except SystemExit as exit:
            status = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    return Done(status, out.getvalue(), err.getvalue())


def write_csv(path, rows):
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table of sentences, another to predict, and a run trained on the first."""
    folder = tmp_path_factory.mktemp("cli")
    write_csv(folder / "reviews.csv", sentences(120))
    write_csv(folder / "new.csv", [{"text": row["text"]} for row in sentences(20, seed=5)])
    write_csv(folder / "labelled.csv", sentences(40, seed=6))
    done = recurra("fit", folder / "reviews.csv", "--out", folder / "run", *QUICK)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_verbs_stand_in_the_order_in_which_they_are_needed():
    verbs = [command.name or command.callback.__name__ for command in app.registered_commands]
    made = ["demo", "fit", "compare", "evaluate", "predict", "generate", "forecast"]
    assert verbs == [*made, "report", "diagnose", "explain", "info", "import", "bench"]


def test_help_lists_the_verbs():
    done = recurra("--help")
    assert done.returncode == 0
    assert {"demo", "fit", "evaluate", "predict", "info"} <= set(done.stdout.split())


def test_the_installed_command_shows_no_traceback(tmp_path):
    command = [sys.executable, "-m", "recurra", "fit", str(tmp_path / "nothing.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("recurra: ")
    assert "Traceback" not in done.stderr


def test_what_is_printed_into_a_file_is_utf8_in_every_locale(tmp_path):
    code = "from recurra.cli import main, visible; main.app = lambda: visible.put('Köln 学\\n'); main.run()"
    with (tmp_path / "printed.txt").open("wb") as stream:
        environment = os.environ | {"PYTHONIOENCODING": "ascii"}
        done = subprocess.run([sys.executable, "-c", code], stdout=stream, env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "printed.txt").read_text(encoding="utf-8") == "Köln 学\n"


def test_json_is_json_whatever_the_name_of_the_file(capsys):
    print_json({"data": "caf\udce9.csv"})
    printed = capsys.readouterr().out
    assert json.loads(printed.encode()) == {"data": "caf\udce9.csv"}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are those of Unix")
def test_what_the_system_takes_in_part_is_not_lost_without_a_word(tmp_path):
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from recurra.cli import main, visible
main.app = lambda: visible.put("x" * 900 + "\\n" + "x" * 900 + "\\n")
main.run()
"""
    with (tmp_path / "printed.txt").open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=stream,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            check=False,
        )
    assert done.returncode == 1
    assert "could not be written" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_without_a_standard_output_nothing_is_printed_and_nothing_breaks():
    command = f"{shlex.quote(sys.executable)} -m recurra --version >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_line_break_between_names_of_columns_is_refused(place):
    done = recurra("fit", place / "reviews.csv", "--features", "a\nb")
    assert done.returncode == 2
    assert "--features: expected names with commas between them" in done.stderr


def test_ctrl_c_while_the_command_is_being_imported_is_no_traceback():
    code = (
        "import sys; from recurra.cli.entry import run\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted()); run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "recurra: interrupted\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--version"], ["info", "--json"]])
def test_standard_output_that_takes_no_more_is_told(arguments, unbuffered):
    with Path("/dev/full").open("wb") as stream:
        command = [sys.executable, "-m", "recurra", *arguments]
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(
            command, stdout=stream, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("recurra: what is printed could not be written (")
    assert done.stderr.count("\n") == 1


def test_help_does_not_import_torch():
    code = "import sys; import recurra.cli.main; sys.exit('torch' in sys.modules or 'polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_of_fit_says_which_options_are_for_what():
    done = recurra("fit", "--help")
    assert done.returncode == 0
    headings = ["Arguments", "Options", *SECTIONS]
    parts = re.split(r"^(\w[\w ]+):$", done.stdout, flags=re.MULTILINE)
    assert parts[1::2] == headings
    for heading, part in zip(headings, parts[2::2], strict=True):
        options = {name.replace("-", "_") for name in re.findall(r"^  --([\w-]+)", part, re.MULTILINE)}
        assert options == set(SECTIONS[heading]) if heading in SECTIONS else "season" not in options
    assert "  --budget" in parts[4] and "  -h, --help" in parts[4]


def test_fit_says_what_it_found_and_how_good_it_is(place):
    said = (place / "said.txt").read_text()
    for part in ("target: label", "text: text", "120", "epoch   1", "TF-IDF", "accuracy", "recurra predict"):
        assert part in said
    assert "baseline" in said


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_names_with_blanks_and_names_that_are_no_utf8(place, tmp_path):
    data, out = tmp_path / "caf\udce9.csv", tmp_path / "my run"
    shutil.copy(place / "reviews.csv", data)
    done = recurra("fit", data, "--out", out, "--no-baselines", *QUICK)
    assert done.returncode == 0, done.stderr
    assert f"recurra predict '{out}' NEW_DATA" in done.stdout
    assert data.name in json.loads((out / "config.json").read_bytes())["sources"][0]
    assert recurra("predict", out, data).returncode == 0


def test_fit_leaves_a_run(place):
    names = {path.name for path in (place / "run").iterdir()}
    assert names >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "metrics.json",
        "history.jsonl",
        "checkpoint",
        "report.html",
    }


def test_json_of_fit_is_the_whole_output(place, tmp_path):
    done = recurra("fit", place / "reviews.csv", "--out", tmp_path / "run", "--json", *QUICK)
    content = json.loads(done.stdout)
    assert content["test"]["scores"][0]["name"] == "accuracy"
    assert content["run"] == str(tmp_path / "run")
    assert len(content["baselines"]) >= 2


def test_predict_prints_a_csv_with_a_row_for_each_row(place):
    done = recurra("predict", place / "run", place / "new.csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0
    assert [row["row"] for row in rows] == [str(n) for n in range(1, 21)]
    assert {row["prediction"] for row in rows} <= {"good", "bad"}
    assert all(abs(float(row["p(bad)"]) + float(row["p(good)"]) - 1) < 1e-5 for row in rows)


def test_predict_writes_a_file(place, tmp_path):
    done = recurra("predict", place / "run", place / "new.csv", "--out", tmp_path / "answers.jsonl")
    assert done.returncode == 0
    assert len((tmp_path / "answers.jsonl").read_text().strip().split("\n")) == 20


def test_predict_reads_standard_input(place):
    done = recurra("predict", place / "run", "-", stdin=(place / "new.csv").read_text())
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().split("\n")) == 21


def test_evaluate_scores(place):
    done = recurra("evaluate", place / "run", place / "labelled.csv", "--json")
    content = json.loads(done.stdout)
    assert content["n"] == 40
    assert 0 <= content["scores"][0]["value"] <= 1


def test_info_tells_of_the_run(place):
    done = recurra("info", place / "run")
    assert done.returncode == 0
    assert "LSTM" in done.stdout
    assert "accuracy" in done.stdout


def test_the_same_command_gives_the_same_numbers(place, tmp_path):
    done = recurra("fit", place / "reviews.csv", "--out", tmp_path / "run", *QUICK)
    assert done.returncode == 0
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "run" / name).read_bytes() == (place / "run" / name).read_bytes()


def test_a_budget_is_kept_and_written_down(place, tmp_path):
    started = time.monotonic()
    done = recurra(
        "fit",
        place / "reviews.csv",
        "--out",
        tmp_path / "run",
        "--budget",
        "20s",
        "--set",
        "training.epochs=100000",
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 30  # the clock of a loaded machine; the budget itself is 20
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert 0 < config["total_steps"] < 10**6
    assert (tmp_path / "run" / "metrics.json").exists()


def test_start_from_another_runs_weights(place, tmp_path):
    done = recurra(
        "fit",
        place / "labelled.csv",
        "--init",
        place / "run",
        "--out",
        tmp_path / "run",
        "--set",
        "training.epochs=1",
    )
    assert done.returncode == 0, done.stderr
    assert "starting from" in done.stdout


def test_ctrl_c_leaves_a_usable_run_that_goes_on_to_the_same_numbers(place, tmp_path, monkeypatch):
    class AtOnce(Interruption):
        requested = property(lambda self: True, lambda self, value: None)

    arguments = ("fit", place / "reviews.csv", "--out", tmp_path / "run", *QUICK)
    monkeypatch.setattr("recurra.training.loop.Interruption", AtOnce)
    done = recurra(*arguments)
    assert done.returncode == 1
    assert "--resume" in done.stdout
    assert recurra("predict", tmp_path / "run", place / "new.csv").returncode == 0
    monkeypatch.undo()
    begun = json.loads((tmp_path / "run" / "config.json").read_text())
    assert recurra(*arguments, "--resume").returncode == 0
    resumed = json.loads((tmp_path / "run" / "config.json").read_text())
    assert resumed["command"] == begun["command"] == ["recurra", *map(str, arguments)]
    assert resumed["told"] == begun["told"] != []
    weights = [(folder / "model.safetensors").read_bytes() for folder in (tmp_path / "run", place / "run")]
    assert weights[0] == weights[1]
    seconds = json.loads((tmp_path / "run" / "metrics.json").read_text())["seconds"]
    assert seconds["total"] >= seconds["training"] + seconds["scoring"]  # both sessions' training


def test_ctrl_c_before_training_says_that_nothing_is_lost(place, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("recurra.runs.sequences.fit.SequenceFitting.fit_baselines", interrupted)
    done = recurra("fit", place / "reviews.csv", "--out", tmp_path / "run", *QUICK)
    assert done.returncode == 130
    assert "Interrupted before anything was trained, so nothing is lost" in done.stdout
    assert "recurra: interrupted" in done.stderr


def wrong(*arguments, status=2, **kwargs):
    done = recurra(*arguments, **kwargs)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr + done.stdout


def test_a_missing_file_is_named(tmp_path):
    assert "nothing.csv" in wrong("fit", tmp_path / "nothing.csv")


def test_an_unknown_column_lists_those_there_are(place):
    said = wrong("fit", place / "reviews.csv", "--target", "lable")
    assert "lable" in said
    assert "text, label" in said


def test_an_unknown_setting_names_the_nearest(place):
    assert "network.hidden_size" in wrong("fit", place / "reviews.csv", "--set", "network.hiden_size=3")


def test_a_value_that_does_not_fit_is_named(place):
    said = wrong("fit", place / "reviews.csv", "--set", "network.hidden_size=-3")
    assert "network.hidden_size" in said


def test_a_taken_place_is_refused_and_kept(place):
    before = (place / "run" / "model.safetensors").read_bytes()
    assert "--overwrite" in wrong("fit", place / "reviews.csv", "--out", place / "run")
    assert (place / "run" / "model.safetensors").read_bytes() == before


def test_resuming_other_data_is_refused(place):
    said = wrong("fit", place / "labelled.csv", "--out", place / "run", "--resume", *QUICK)
    assert "the data is not the data" in said


def test_resuming_with_other_options_is_refused(place):
    said = wrong("fit", place / "reviews.csv", "--out", place / "run", "--resume", "--seed", "3", *QUICK)
    assert "seed" in said


def test_a_budget_that_is_no_time_is_named(place):
    assert "--budget" in wrong("fit", place / "reviews.csv", "--budget", "soon")


def test_not_a_run_is_told(tmp_path, place):
    assert "not a run folder" in wrong("predict", tmp_path, place / "new.csv")


def test_predicting_without_the_text_column_names_it(place, tmp_path):
    write_csv(tmp_path / "other.csv", [{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    assert "text" in wrong("predict", place / "run", tmp_path / "other.csv")


def test_evaluating_without_targets_is_told(place):
    assert "label" in wrong("evaluate", place / "run", place / "new.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"text,label\n"),
        ("one_class.csv", b"text,label\n" + b"a b c,x\n" * 30),
        ("ragged.csv", b"text,label\na,x\nb,y,z,w\nc,x\n"),
        ("binary.csv", bytes(range(256)) * 20),
        ("broken.csv.gz", gzip.compress(b"text,label\n" + NOISE.hex().encode(), mtime=0)[:-900]),
        ("few.csv", b"text,label\na,x\nb,y\n"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_bad_files_are_told_without_a_traceback(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    said = wrong("fit", tmp_path / name, "--out", tmp_path / "run")
    assert name in said or "example" in said
    assert not (tmp_path / "run").exists()


def test_rows_that_cannot_be_used_are_listed(tmp_path):
    rows = sentences(60)
    for n in (3, 17, 40):
        rows[n]["label"] = ""
    write_csv(tmp_path / "holes.csv", rows)
    done = recurra("fit", tmp_path / "holes.csv", "--out", tmp_path / "run", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "rows 4, 18, 41" in done.stdout


def test_no_permission_is_told_and_nothing_lost(place, tmp_path):
    (tmp_path / "file").write_text("I was here")
    said = wrong("fit", place / "reviews.csv", "--out", tmp_path / "file" / "run", *QUICK, status=1)
    assert "--out" in said
    assert (tmp_path / "file").read_text() == "I was here"


def test_numbers_are_fitted_from_a_long_table(tmp_path):
    draw = np.random.default_rng(0)
    rows = [
        {"id": n, "t": t, "x": round(float(draw.normal(n % 2)), 4), "label": "ab"[n % 2]}
        for n in range(50)
        for t in range(int(draw.integers(4, 9)))
    ]
    write_csv(tmp_path / "long.csv", rows)
    done = recurra(
        "fit", tmp_path / "long.csv", "--id", "id", "--time", "t", "--target", "label", "--out", tmp_path / "run",
        "--set", "training.epochs=5", "--set", "network.hidden_size=8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "50 examples" in done.stdout


def test_an_old_run_stays_until_nothing_new_can_be_refused(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    arguments = ("fit", place / "reviews.csv", "--out", tmp_path / "run", "--overwrite")
    assert "no setting" in wrong(*arguments, "--set", "network.nope=1")
    assert "Give one of them" in wrong(*arguments, "--resume")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}


def test_answers_do_not_overwrite_a_file_unasked(place, tmp_path):
    data = tmp_path / "new.csv"
    shutil.copy(place / "new.csv", data)
    assert "there already" in wrong("predict", place / "run", data, "--out", data)
    assert data.read_bytes() == (place / "new.csv").read_bytes()
    again = recurra("predict", place / "run", place / "new.csv", "--out", data, "--overwrite", "--json")
    assert json.loads(again.stdout) == {"answers": 20, "out": str(data)}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--seed", "-1"), "--seed"),
        (("--seed", str(2**70)), "--seed"),
        (("--test-share", "2"), "--test-share"),
        (("--set", "training.clip_norm=Infinity"), "training.clip_norm"),
    ],
)
def test_numbers_out_of_range_are_named(place, option, said):
    assert said in wrong("fit", place / "reviews.csv", *option)


def test_a_share_to_test_on_beside_test_data_is_refused(place):
    data = place / "reviews.csv"
    for task in ((), ("--task", "generate")):
        said = wrong("fit", data, "--test", data, "--test-share", "0.2", *task)
        assert "--test-share: the test data are those of --test" in said


def test_settings_say_what_depends_on_the_data():
    kinds = json.loads(recurra("info", "--settings", "--json").stdout)
    assert {"network.segment", "windows.most"} <= kinds["forecasts"].keys()
    assert {"corpus.level", "windows.rows"} <= kinds["texts"].keys()
    listed = kinds["sequences"]
    assert listed["training.epochs"]["default"] == "depends on the data"
    assert listed["training.clip_norm"]["default"] == 1.0
    assert all(entry["description"] for entry in listed.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--cell", "foo"),
            "--cell: expected one of rnn, lstm, gru, mingru, minlstm, tcn, transformer, feedforward, found",
        ),
        (("--set", "network.heads=3", "--cell", "transformer"), "--set network.heads=3 --set network.cell="),
        (("--set", "network.pooling=best"), "network.pooling"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_read(place, options, said):
    output = wrong("fit", place / "reviews.csv", *options)
    assert said in output and "Reading" not in output


def test_one_pooling_needs_no_comma(place, tmp_path):
    out = tmp_path / "run"
    done = recurra("fit", place / "reviews.csv", "--out", out, *QUICK, "--set", "network.pooling=max")
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "config.json").read_text())["settings"]["network"]["pooling"] == ["max"]


def test_scoring_needs_no_columns_that_only_splitting_needed(place, tmp_path):
    people = [row | {"person": f"p{n % 30}"} for n, row in enumerate(sentences(120))]
    write_csv(tmp_path / "people.csv", people)
    said = recurra(
        "fit", tmp_path / "people.csv", "--group", "person", "--test", place / "labelled.csv",
        "--out", tmp_path / "run", *QUICK,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    again = recurra("evaluate", tmp_path / "run", place / "labelled.csv", "--json")
    assert json.loads(again.stdout)["n"] == 40


def test_of_data_with_a_split_the_test_rows_are_scored_by_fit_and_evaluate_alike(tmp_path):
    rows = [
        row | {"part": ("train", "train", "test")[n % 3], "who": f"w{n % 18}"}
        for n, row in enumerate(sentences(90))
    ]
    write_csv(tmp_path / "data.csv", rows)
    options = ("--split", "part", "--group", "who", "--out", tmp_path / "run")
    done = recurra("fit", tmp_path / "data.csv", *options, *QUICK)
    assert done.returncode == 0, done.stderr
    again = recurra("evaluate", tmp_path / "run", tmp_path / "data.csv", "--json")
    fitted = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    told = json.loads(again.stdout)
    assert told["n"] == fitted["n"] == 30
    assert told["scores"][0] == fitted["scores"][0]
    assert "the test part alone is scored, 30 of 90 examples" in again.stderr
    for each in (done, again):
        assert "the 30 test examples are of 6 groups" in " ".join((each.stdout + each.stderr).split())


def test_nothing_that_a_terminal_would_obey_comes_from_a_file(tmp_path):
    rows = "".join(f"{word} {k},{word}\x1b[31m\n" for k in range(30) for word in ("dull", "fine"))
    (tmp_path / "data.csv").write_text("text,label\n" + rows)
    done = recurra("fit", tmp_path / "data.csv", "--out", tmp_path / "run", *QUICK)
    told = [done, recurra("info", tmp_path / "run"), recurra("explain", tmp_path / "run", "dull 3")]
    odd = tmp_path / "\x1b]0;odd\x07.csv"
    odd.write_text("text\nfine\n")
    told.append(recurra("evaluate", tmp_path / "run", odd))
    assert [each.returncode for each in told] == [0, 0, 0, 2]
    assert not any(sign in each.stdout + each.stderr for each in told for sign in "\x1b\x07")
    assert all("x1b" in each.stdout + each.stderr for each in told)
    (tmp_path / "new.csv").write_text("text\nfine 3\n")
    answers = ("predict", tmp_path / "run", tmp_path / "new.csv")
    assert "\x1b[31m" in recurra(*answers).stdout, "programs get the label as it is"


def test_answers_are_made_visible_for_a_terminal_alone():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for place, expected in ((io.StringIO(), "a\x1b[2J\r\n"), (Terminal(), "a\\x1b[2J\r\n")):
        with redirect_stdout(place):
            put("a\x1b[2J\r\n")
        assert place.getvalue() == expected
