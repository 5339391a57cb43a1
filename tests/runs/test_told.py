"""What a run keeps for the people who look at it later: the command, what was said of the data, examples."""

from __future__ import annotations

import numpy as np
import pytest

from recurra.runs.config import read_config
from recurra.runs.events import Noting, PhaseStarted, Said, noting
from recurra.runs.forecasts.examples import Example, chosen_windows
from recurra.runs.run import REPORT, clear_run
from recurra.runs.sequences.config import SequenceFitOptions, SequenceRunConfig
from recurra.runs.sequences.files import fit_source
from recurra.tasks.regress import RegressTask
from recurra.tasks.task import Answer
from tests.report.test_forecast_picture import GRIDS, made
from tests.runs.conftest import QUICK, sentences


def test_what_is_said_is_kept_with_its_phase_and_passed_on():
    seen = []
    observer = noting(seen.append)
    events = [Said("first"), PhaseStarted("Reading x"), Said("second", "warning")]
    for event in events:
        observer(event)
    assert seen == events
    assert observer.told == [("", events[0]), ("Reading x", events[2])]
    assert noting(observer) is observer and isinstance(observer, Noting)


def test_a_run_keeps_what_was_said_of_its_data_and_nothing_that_depends_on_the_clock(tmp_path):
    rows = sentences(80)
    fit_source(
        rows,
        SequenceFitOptions(settings=QUICK, validation=0.1),
        test=rows[:10],
        out=tmp_path / "run",
        command=["recurra", "fit", "a file.csv"],
    )
    config = read_config(tmp_path / "run", SequenceRunConfig)
    assert config.command == ["recurra", "fit", "a file.csv"]
    assert config.told[-1].phase == "Preparing the data"
    assert [told.text for told in config.told if told.kind == "warning"] == [
        "10 of the 10 test inputs also stand in the training data, and are scored, too"
    ]
    assert any(told.text.startswith("target: label") for told in config.told)
    assert not any("accuracy" in told.text for told in config.told)  # the baselines, and their times


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: f"{grid.kind} {grid.frequency} {grid.origin}")
def test_an_example_is_the_same_once_it_was_written_down(grid):
    series, forecasts = made(2, grid, origin=58)
    example = Example.of(series, forecasts, 0, season=7)
    again = Example.from_json(example.to_json())
    assert len(example.truth) == 2 < len(example.point) == 7
    assert len(example.times) == len(example.history) + len(example.point)
    assert again.to_json() == example.to_json()
    assert np.allclose(again.history, example.history, rtol=1e-5, equal_nan=True)
    assert again.times == example.times


def test_a_few_windows_are_chosen_the_latest_of_series_far_apart():
    origins = np.array([[n, k] for n in range(9) for k in range(10, 20)])
    chosen = origins[chosen_windows(origins, horizon=5)]
    assert chosen[:, 0].tolist() == [0, 3, 5, 8]
    assert set(chosen[:, 1]) == {19}
    assert len(chosen_windows(origins, horizon=500)) == 2
    assert chosen_windows(origins[:1], horizon=5) == [0]


def test_pairs_of_numbers_are_spread_over_all_examples():
    truth = np.arange(5000, dtype=float)
    pairs = RegressTask.tables(None, Answer(truth + 1), truth)["pairs"]  # pyright: ignore
    assert len(pairs) == 400 and pairs[0] == [0, 1] and pairs[-1] == [4999, 5000]
    assert len(RegressTask.tables(None, Answer(truth[:3]), truth[:3])["pairs"]) == 3  # pyright: ignore


def test_a_run_that_is_replaced_takes_its_page_along(tmp_path):
    (tmp_path / REPORT).write_text("old")
    (tmp_path / "notes.txt").write_text("a person's own")
    clear_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
