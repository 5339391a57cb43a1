import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from recurra.data.audio.config import AudioConfig
from recurra.data.audio.files import BadRecording, head_of, pieces
from recurra.data.audio.filterbank import LogMel, loudness
from recurra.data.audio.storage import Growing
from recurra.errors import InputError
from tests.data.audio.made import RATE, spoken, written
from tests.tolerances import assert_close

MEL = LogMel(AudioConfig(rate=RATE, mels=40, centre="none"))
RUNNING = LogMel(AudioConfig(rate=RATE, mels=40, centre="running"))
RECORDING = LogMel(AudioConfig(rate=RATE, mels=40, centre="recording"))
LOUDNESS = LogMel(AudioConfig(rate=RATE, mels=40, centre="running", centre_bands=False))


def whole(path, rate=RATE):
    return np.concatenate(list(pieces(path, rate)))


@pytest.mark.parametrize(
    ("ending", "subtype", "step"),
    [
        ("wav", "PCM_U8", 2**-7),
        ("wav", "PCM_16", 2**-15),
        ("wav", "PCM_24", 2**-23),
        ("wav", "PCM_32", 2**-23),
        ("wav", "FLOAT", 1e-7),
        ("flac", "PCM_16", 2**-15),
        ("flac", "PCM_24", 2**-23),
    ],
)
def test_every_depth_is_read_to_its_own_step(tmp_path, ending, subtype, step):
    samples = spoken("low high")
    path = written(tmp_path / f"a.{ending}", samples, subtype=subtype)
    assert head_of(path) == (RATE, len(samples) / RATE)
    assert np.abs(whole(path) - samples).max() <= 1.01 * step


def test_channels_are_mixed_to_one(tmp_path):
    samples = np.stack([spoken("low"), spoken("high"), np.zeros_like(spoken("low"))], axis=1)
    path = written(tmp_path / "a.wav", samples, subtype="FLOAT")
    assert np.abs(whole(path) - samples.mean(1)).max() < 1e-6


def test_other_rates_keep_pitch_and_length(tmp_path):
    rate = 22_050
    time = np.arange(rate) / rate
    path = written(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * time), rate, "FLOAT")
    found = whole(path)
    assert abs(len(found) - RATE) <= 2
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(found)) / RATE)
    assert np.abs(found - expected)[500:-500].max() < 1e-3


def test_long_files_come_in_pieces(tmp_path):
    samples = np.tile(spoken("low high mid"), 60)
    path = written(tmp_path / "a.wav", samples, subtype="FLOAT")
    found = list(pieces(path, RATE))
    assert len(found) > 2 and max(map(len, found)) < len(samples)
    assert np.array_equal(np.concatenate(found), samples)


def test_broken_recordings_say_what_they_are(tmp_path):
    made = {
        "no.wav": b"this is no sound at all",
        "empty.wav": b"",
        "cut.wav": b"RIFF\x00\x00",
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    written(tmp_path / "head.wav", np.zeros(0))
    written(tmp_path / "silent.wav", np.full(4000, 0.25), subtype="FLOAT")
    written(tmp_path / "nan.wav", np.full(4000, np.nan), subtype="FLOAT")
    whole_flac = written(
        tmp_path / "whole.flac", np.random.default_rng(0).uniform(-1, 1, 200_000)
    ).read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole_flac[: len(whole_flac) // 2] + b"\x00" * 1000)
    whole_wav = written(tmp_path / "whole.wav", spoken("low high")).read_bytes()
    size = whole_wav.index(b"data") + 4
    (tmp_path / "half.wav").write_bytes(whole_wav[: len(whole_wav) // 2])
    unknown = whole_wav[:size] + b"\xff\xff\xff\xff" + whole_wav[size + 4 :]  # as written into a pipe
    (tmp_path / "piped.wav").write_bytes(unknown)
    said = {}
    for path in sorted(tmp_path.iterdir()):
        try:
            whole(path)
        except BadRecording as error:
            said[path.name] = str(error)
    assert said == {
        "no.wav": "broken, or no recording",
        "empty.wav": "empty",
        "cut.wav": "broken, or no recording",
        "cut.flac": "broken in the middle",
        "half.wav": "cut off before its end",
        "head.wav": "empty",
        "silent.wav": "silent",
        "nan.wav": "holds samples that are no finite numbers",
    }
    with pytest.raises(BadRecording, match="not there"):
        whole(tmp_path / "absent.wav")


def test_features_equal_another_way_to_compute_them():
    samples = spoken("low high")
    emphasised = samples - 0.97 * np.concatenate([[0.0], samples[:-1]])
    window, hop, size = MEL.window, MEL.hop, MEL.size
    _, _, spectrum = signal.stft(
        emphasised,
        RATE,
        window="hann",
        nperseg=window,
        noverlap=window - hop,
        nfft=size,
        boundary=None,
        padded=False,
        scaling="spectrum",
    )
    power = np.abs(spectrum * signal.get_window("hann", window).sum()).T ** 2
    hz = np.arange(size // 2 + 1) * RATE / size
    mel = 2595 * np.log10(1 + hz / 700)  # the same scale by its other formula, but for its fourth digit
    edges = np.linspace(2595 * np.log10(1 + 80 / 700), 2595 * np.log10(1 + RATE / 2 / 700), 42)
    bands = np.stack([np.interp(mel, edges[k : k + 3], [0, 1, 0]) for k in range(40)], axis=1)
    expected = np.log(np.maximum(power @ bands, 1e-7))
    found, _ = MEL(torch.from_numpy(samples))
    assert found.shape == expected.shape
    assert np.abs(found.numpy() - expected).max() < 2e-3


@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_pieces_give_the_steps_of_the_whole(sizes):
    samples = np.random.default_rng(0).uniform(-1, 1, sum(sizes)).astype(np.float32)
    cut = np.split(samples, np.cumsum(sizes)[:-1])
    for mel in (MEL, RUNNING, LOUDNESS):
        expected, _ = mel(torch.from_numpy(samples))
        assert len(expected) == mel.steps(len(samples))
        assert_close(torch.from_numpy(mel.whole(cut)), expected, "features", slack=10)


def test_means_are_taken_off():
    samples = spoken("low high")
    plain = MEL.whole([samples])
    means = np.cumsum(plain, axis=0) / np.arange(1, len(plain) + 1)[:, None]
    assert_close(
        torch.from_numpy(RUNNING.whole([samples])),
        torch.from_numpy(plain - means).float(),
        "running",
        slack=10,
    )
    whole = RECORDING.whole(np.array_split(samples, 3))
    assert_close(torch.from_numpy(whole), torch.from_numpy(plain - plain.mean(0)), "recording", slack=10)
    energies = np.cumsum(np.exp(plain.astype(np.float64)).mean(1)) / np.arange(1, len(plain) + 1)
    assert_close(
        torch.from_numpy(LOUDNESS.whole([samples])),
        torch.from_numpy(plain - np.log(energies)[:, None]).float(),
        "loudness up to there",
        slack=10,
    )
    all_of_it = LogMel(RECORDING.config.model_copy(update={"centre_bands": False})).whole([samples])
    expected = torch.from_numpy(plain - np.float32(loudness(plain)))
    assert_close(torch.from_numpy(all_of_it), expected, "loudness", slack=10)
    louder = RECORDING.whole([0.5 * samples])
    loud = plain > np.log(1e-6)
    assert np.abs(louder - whole)[loud].max() < 0.2
    with pytest.raises(InputError, match="not known before its end"):
        RECORDING.begin()


@given(st.integers(0, 40), st.integers(0, 2**31))
def test_silence_hardly_changes_how_loud_a_recording_is(silent, seed):
    """k times as many steps, of which only one in k is spoken, are softer by log k and no more."""
    spoken = np.random.default_rng(seed).normal(0, 2, (10, 8))
    whole = np.concatenate([np.full((silent, 8), -30.0), spoken])
    assert abs(loudness(whole) - (loudness(spoken) - np.log(len(whole) / 10))) < 1e-6
    assert loudness(whole + 3) == pytest.approx(loudness(whole) + 3)


def test_every_band_holds_a_frequency():
    tight = LogMel(AudioConfig(rate=16_000, mels=80))
    assert (tight._bands.sum(0) > 0).all()
    with pytest.raises(InputError, match="too many"):
        LogMel(AudioConfig(rate=8000, mels=256, window_ms=1, hop_ms=1))
    with pytest.raises(InputError, match="leave gaps"):
        LogMel(AudioConfig(rate=8000, mels=4, window_ms=5, hop_ms=10))


def test_large_features_go_to_a_file_and_stay_near():
    draw = np.random.default_rng(0)
    sequences = [draw.uniform(-16, 16, (count, 3)).astype(np.float32) for count in (5, 7, 1, 9)]
    growing = Growing(3, large=100)
    for each in sequences:
        growing.add(each)
    packed = growing.packed()
    assert isinstance(packed.values, np.memmap) and packed.lengths.tolist() == [5, 7, 1, 9]
    for n, each in enumerate(sequences):
        assert np.abs(packed[n].astype(np.float32) - each).max() < 0.008
