"""Frames drawn from logits, and what pieces are like."""

import numpy as np
import pytest

from recurra.errors import InputError
from recurra.tasks.music.likeness import NoteStatistics, overlap
from recurra.tasks.music.sampling import choose_keys, go_on
from tests.data.music.made import roll, rolls


def test_keys_come_as_often_as_their_probability_says():
    z = np.linspace(-3, 3, 88)
    rng = np.random.default_rng(0)
    for temperature in (0.5, 1.0, 2.0):
        drawn = np.mean([choose_keys(z, rng, temperature=temperature) for _ in range(2000)], axis=0)
        p = 1 / (1 + np.exp(-z / temperature))
        assert np.abs(drawn - p).max() < 5 * np.sqrt(0.25 / 2000)


def test_unlikely_keys_and_all_but_the_likeliest_stay_up():
    z, rng = np.linspace(-3, 3, 88), np.random.default_rng(0)
    p = 1 / (1 + np.exp(-z))
    for _ in range(50):
        assert not choose_keys(z, rng, threshold=0.4)[p < 0.4].any()
        assert not choose_keys(z, rng, most=5)[:-5].any()
    assert np.array_equal(choose_keys(z, rng, temperature=0), (z >= 0).astype(np.uint8))
    assert np.array_equal(choose_keys(np.array([-1e9, 1e9]), rng, temperature=1e-3), [0, 1])


def test_piece_goes_on_frame_by_frame_from_what_was_drawn():
    read = []

    def step(frame):
        read.append(frame.copy())
        return np.where(np.roll(frame, 1) > 0, 50.0, -50.0)

    opening = np.eye(88, dtype=np.uint8)[[3, 7]]
    made = go_on(step, opening, frames=4, seed=1)
    assert made.argmax(1).tolist() == [8, 9, 10, 11] and made.sum() == 4
    assert np.array_equal(np.stack(read), np.concatenate([opening, made[:-1]]))
    assert go_on(step, opening, frames=0).shape == (0, 88)


@pytest.mark.parametrize(
    "options",
    [{"temperature": -1}, {"threshold": 1.0}, {"most": 0}, {"frames": -1}, {"seed": -1}, {"opening": []}],
)
def test_options_out_of_range_are_refused(options):
    opening = np.zeros((1 if "opening" not in options else 0, 88))
    options = {"frames": 1} | {name: value for name, value in options.items() if name != "opening"}
    with pytest.raises(InputError):
        go_on(lambda frame: frame, opening, **options)


def test_statistics_of_known_music():
    found = NoteStatistics.of([roll(8, seed=0)])
    assert found.keys_down == 3 and found.silent == 0 and found.repeated == pytest.approx(4 / 7)
    assert sum(found.pitch_classes) == pytest.approx(1) and sum(found.intervals) == pytest.approx(1)
    octaves = np.zeros((2, 88), dtype=np.uint8)
    octaves[:, [3, 15, 27]] = 1
    held = NoteStatistics.of([octaves])
    assert held.intervals[0] == 1 and held.pitch_classes[0] == 1 and held.held_for == 2


def test_statistics_of_silence_are_none_where_there_is_nothing_to_average():
    found = NoteStatistics.of([np.zeros((3, 88), dtype=np.uint8)]).to_json()
    assert found["silent"] == 1 and found["held_for"] is None and found["lowest"] is None
    assert NoteStatistics.of([np.zeros((1, 88))]).to_json()["repeated"] is None


def test_overlap_is_that_of_distributions():
    one, other = (NoteStatistics.of(rolls(5, seed=seed)) for seed in (0, 1))
    assert overlap(one.pitch_classes, one.pitch_classes) == pytest.approx(1)
    assert 0.8 < overlap(one.pitch_classes, other.pitch_classes) <= 1
    assert overlap([1, 0], [0, 1]) == 0
