import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.audio.filterbank import loudness
from recurra.data.audio.speakers import Voices, loud_steps
from recurra.data.packed import Packed

BANDS = 6


def said(count: int, seed: int, voice: np.ndarray) -> list[np.ndarray]:
    """Recordings of one voice: loud steps between soft ones."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        steps = draw.normal(0, 1, (draw.integers(20, 60), BANDS))
        steps[: draw.integers(0, 15)] -= 12
        found.append((steps + voice).astype(np.float32))
    return found


def left(recordings, speakers, usual=None):
    packed = Voices(Packed.from_list(recordings), speakers, usual).taken_off()
    return [np.asarray(packed[n]) for n in range(len(packed))]


@given(st.integers(0, 1000), st.lists(st.floats(-3, 3), min_size=BANDS, max_size=BANDS))
def test_a_voice_is_gone_once_enough_was_heard_of_it(seed, curve):
    """Of some 4,500 loud steps the usual voice weighs 300: a sixteenth of the curve is left."""
    voice, flat = np.array(curve) - np.mean(curve), np.zeros(BANDS)
    plain, coloured = (left(said(150, seed, each), ["a"] * 150, flat) for each in (flat, voice))
    gap = max(np.abs(a - b).max() for a, b in zip(plain, coloured, strict=True))
    assert gap <= 0.1 * np.abs(voice).max() + 0.05
    assert max(abs(loudness(each)) for each in coloured) < 1e-5


def test_of_one_short_recording_most_of_the_word_is_left():
    (word,) = said(1, 0, np.zeros(BANDS))
    word[:, 0] += 4
    usual = np.zeros(BANDS)
    (alone,), of_many = left([word], [None], usual), left([word] * 200, ["a"] * 200, usual)
    tilt = [each[:, 0].mean() - each[:, 1:].mean() for each in (word, alone, of_many[0])]
    assert tilt[1] > 0.8 * tilt[0] and tilt[2] < 0.2 * tilt[0]


def test_nobody_is_moved_by_others_or_by_silence():
    one, other = said(4, 1, np.zeros(BANDS)), said(3, 2, np.linspace(-1, 1, BANDS))
    usual = np.linspace(0.2, -0.2, BANDS)
    together = left([*one, *other], ["a"] * 4 + ["b"] * 3, usual)
    for each, expected in zip(together, left(one, ["a"] * 4, usual), strict=False):
        assert np.array_equal(each, expected)
    voices = Voices(Packed.from_list([one[0]]), ["a"], usual)
    silent = np.concatenate([np.full((500, BANDS), -14, np.float32), one[0]])
    assert np.array_equal(Voices(Packed.from_list([silent]), ["a"], usual).of("a"), voices.of("a"))
    assert len(loud_steps(silent)) == len(loud_steps(one[0]))


def test_the_usual_voice_is_that_of_speakers_not_of_recordings():
    one, other = np.zeros((50, BANDS)), np.ones((50, BANDS)) * np.arange(BANDS)
    found = Voices(Packed.from_list([one] * 9 + [other]), ["a"] * 9 + ["b"])
    assert found.usual == pytest.approx(np.arange(BANDS) / 2)
    by_themselves = Voices(Packed.from_list([one, other]), [None, None])
    assert by_themselves.usual == pytest.approx(np.arange(BANDS) / 2)


def test_unknown_speakers_are_nobody_else_and_nothing_may_have_been_said():
    one, other = said(2, 3, np.zeros(BANDS))
    usual = np.zeros(BANDS)
    apart = left([one, other], [1, None], usual)
    assert np.array_equal(apart[1], left([other], [None], usual)[0])
    assert np.array_equal(left([one, other], [None, 0], usual)[0], left([one], [None], usual)[0])
    empty = np.zeros((0, BANDS), dtype=np.float32)
    assert [len(each) for each in left([empty, one], ["a", "a"])] == [0, len(one)]
    assert Voices(Packed.from_list([empty]), ["a"]).usual.tolist() == [0.0] * BANDS
