"""Frames drawn from logits, and what pieces are like."""

import itertools

import numpy as np
import pytest
import torch

from recurra.errors import InputError
from recurra.networks.piece_network import Chords
from recurra.tasks.music.likeness import NoteStatistics, overlap
from recurra.tasks.music.sampling import check_choosing, choose_chord, choose_keys, go_on
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
    made = go_on(step, choose_keys, opening, frames=4, seed=1)
    assert made.argmax(1).tolist() == [8, 9, 10, 11] and made.sum() == 4
    assert np.array_equal(np.stack(read), np.concatenate([opening, made[:-1]]))
    assert go_on(step, choose_keys, opening, frames=0).shape == (0, 88)


@pytest.mark.parametrize("options", [{"temperature": -1}, {"threshold": 1.0}, {"most": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError):
        check_choosing(**{"temperature": 1.0, "threshold": 0.0, "most": None} | options)


@pytest.mark.parametrize(("frames", "seed", "given"), [(-1, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_pieces_that_cannot_be_gone_on_with_are_refused(frames, seed, given):
    with pytest.raises(InputError):
        go_on(lambda frame: frame, choose_keys, np.zeros((given, 88)), frames=frames, seed=seed)


def test_chords_come_as_often_as_their_probability_says():
    draw = torch.Generator().manual_seed(0)
    said = Chords(*(2 * torch.randn(*size, generator=draw) for size in ((7,), (4, 3), (4, 3))))
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)))
    logits = said._replace(raw=said.raw.expand(16, -1)).logits(every)
    p = torch.where(every > 0, torch.sigmoid(logits), torch.sigmoid(-logits)).prod(1).numpy()
    assert p.sum() == pytest.approx(1, abs=1e-5)
    arrays = [each.numpy().astype(np.float64) for each in said]
    rng = np.random.default_rng(0)
    drawn = np.array([choose_chord(*arrays, rng) for _ in range(4000)]) @ [8, 4, 2, 1]
    assert np.abs(np.bincount(drawn, minlength=16) / 4000 - p).max() < 5 * np.sqrt(0.25 / 4000)
    likeliest = choose_chord(*arrays, rng, temperature=0)
    assert np.array_equal(likeliest, said.likeliest().numpy())
    assert not choose_chord(*arrays, rng, threshold=0.999999).any()


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
