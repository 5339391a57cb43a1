"""A pace that is measured on a few batches, and what it says of all."""

from types import SimpleNamespace

import pytest
import torch

from recurra.errors import InputError
from recurra.runs import budget
from recurra.training.config import TrainingConfig


class Epoch(list):
    """Batches of so many time steps."""

    def epoch(self, epoch, start=0):
        yield from (SimpleNamespace(steps=steps) for steps in self)


@pytest.fixture
def clock(monkeypatch):
    """A time step takes a thousandth of a second, nothing else takes any time."""
    now = SimpleNamespace(s=0.0)

    def step(network, objective, optimizer, batch, config, *, learning_rate, state):
        now.s += 0.001 * batch.steps
        return 0.0, 0.0, state

    monkeypatch.setattr(budget, "take_step", step)
    monkeypatch.setattr(budget.time, "perf_counter", lambda: now.s)
    return now


@pytest.mark.parametrize(
    "sizes", [[100, 10, 10, 10, *[100] * 26], [10, 100, 100, 100, *[10] * 26], [50], [0, 0]]
)
def test_batches_that_happen_to_be_short_do_not_make_an_epoch_short(clock, sizes):
    network = torch.nn.Linear(1, 1)
    pace = budget.measure_pace(network, None, Epoch(sizes), TrainingConfig(), seed=0, seconds=1.0)
    assert pace.epoch_s(len(sizes), 0) == pytest.approx(0.001 * sum(sizes))
    assert clock.s < 0.5 or len(sizes) == 1


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("10 m", 600),
        ("10M", 600),
        ("90sec", 90),
        ("1 hour 30 minutes", 5400),
        ("1.5h", 5400),
        ("1d", 86_400),
        ("45", 45),
    ],
)
def test_durations_are_read_as_people_write_them(typed, seconds):
    assert budget.parse_duration(typed) == seconds


@pytest.mark.parametrize("typed", ["", "soon", "10 parsecs", "0s", "-5m", "m10", "5 5"])
def test_what_is_no_duration_is_refused(typed):
    with pytest.raises(InputError, match="expected a time above zero"):
        budget.parse_duration(typed)
