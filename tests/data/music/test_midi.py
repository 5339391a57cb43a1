"""Rolls to MIDI and back, and MIDI files as they are found."""

import io
import sys

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recurra.data.music import KEYS, NOTE_VALUES, keys_down, read_pieces, write_midi
from recurra.data.music.midi import Performance, read_midi
from recurra.data.music.quantisation import to_roll, usual_frame
from recurra.data.music.writing import held
from recurra.errors import DataError, InputError
from tests.data.music.made import roll


@settings(max_examples=40)
@given(
    made=arrays.arrays(np.uint8, st.tuples(st.integers(1, 30), st.just(KEYS)), elements=st.integers(0, 1)),
    frame=st.sampled_from(sorted(NOTE_VALUES)),
    tempo=st.floats(20, 300),
)
def test_roll_is_itself_after_a_way_through_midi(tmp_path_factory, made, frame, tempo):
    made[-1, 40] = 1  # silent frames at the end are lost: a file ends with its last note
    path = tmp_path_factory.mktemp("midi") / "piece.mid"
    write_midi(path, made, frame=frame, tempo=tempo)
    found = read_pieces(path, frame=frame, fewest=1)
    assert np.array_equal(found.roll(0), made)
    assert found.frame == frame and found.tempo == pytest.approx(tempo, rel=1e-4)


def test_midi_is_what_another_reader_says_too(tmp_path):
    write_midi(tmp_path / "a.mid", roll(8), frame="quarter", tempo=90, program=19)
    file = mido.MidiFile(tmp_path / "a.mid")
    messages = [message for track in file.tracks for message in track]
    assert [round(mido.tempo2bpm(m.tempo)) for m in messages if m.type == "set_tempo"] == [90]
    assert [m.program for m in messages if m.type == "program_change"] == [19]
    struck = [m for m in messages if m.type == "note_on" and m.velocity]
    assert len(struck) == len(held(roll(8))) and file.length == pytest.approx(8 * 60 / 90, rel=1e-3)


def made_file(tracks, *, kind=1, division=96):
    """Bytes of a MIDI file from lists of messages."""
    file = mido.MidiFile(type=kind, ticks_per_beat=division)
    for messages in tracks:
        track = mido.MidiTrack()
        track.extend(messages)
        file.tracks.append(track)
    stream = io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()


def note(pitch, length, *, wait=0, channel=0):
    return [
        mido.Message("note_on", note=pitch, velocity=70, time=wait, channel=channel),
        mido.Message("note_off", note=pitch, velocity=0, time=length, channel=channel),
    ]


def test_drums_and_notes_beyond_the_piano_are_left_out_and_changes_of_tempo_move_nothing():
    tempo = [
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("set_tempo", tempo=300_000, time=96),
    ]
    drums, beyond = note(38, 48, channel=9), note(110, 48)
    data = made_file([tempo, [*note(60, 96), *note(62, 96)], drums, beyond])
    found = read_midi(data, "song.mid")
    assert (found.drums, found.beyond, found.tempos) == (1, 1, 2)
    assert (
        found.pitch.tolist() == [60, 62] and found.begin.tolist() == [0, 1] and found.end.tolist() == [1, 2]
    )


def test_format_0_and_notes_that_end_by_velocity_0_are_read():
    messages = [
        mido.Message("note_on", note=60, velocity=9),
        mido.Message("note_on", note=60, velocity=0, time=48),
    ]
    found = read_midi(made_file([messages], kind=0), "song.mid")
    assert found.end.tolist() == [0.5] and found.tempo == 120


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"MThd", "this is no MIDI file, or a broken one"),
        (b"RIFF and what follows", "this is no MIDI file, or a broken one"),
        (made_file([note(60, 96)])[:-9], "this is no MIDI file, or a broken one"),
        (made_file([[]]), "the file holds no notes"),
        (made_file([note(38, 9, channel=9)]), "the file holds drums alone"),
        (made_file([note(1, 9)]), "the file holds notes beyond the piano alone"),
    ],
)
def test_broken_midi_is_told(data, message):
    with pytest.raises(DataError, match=f"^song.mid: {message}"):
        read_midi(data, "song.mid")


def test_a_missing_reader_is_no_fault_of_the_files(tmp_path, monkeypatch):
    write_midi(tmp_path / "a.mid", roll(8), frame="quarter")
    write_midi(tmp_path / "b.mid", roll(8), frame="quarter")
    monkeypatch.setitem(sys.modules, "symusic", None)
    with pytest.raises(InputError, match=r"^MIDI files need symusic, which is not installed"):
        read_pieces(tmp_path)


@pytest.mark.parametrize(("step", "frame"), [(1.0, "quarter"), (0.5, "eighth"), (0.25, "sixteenth")])
def test_frame_is_the_longest_that_fits_the_notes(step, frame):
    begin = np.arange(40) * step
    performance = Performance(begin + 0.01, begin + step - 0.01, np.full(40, 60), np.full(40, 80))
    assert usual_frame([performance])[0] == frame
    assert to_roll(performance, frame, "a.mid")[:, 39].all()


def test_notes_off_the_beat_follow_each_other():
    off, pitch = np.arange(4) + 0.5, np.array([60, 61, 62, 63])
    legato = Performance(off, off + 1, pitch, np.full(4, 80))
    assert keys_down(to_roll(legato, "quarter", "a.mid")) == [[], [60], [61], [62], [63]]
    again = Performance(off, off + 0.5, np.full(4, 60), np.full(4, 80))
    assert keys_down(to_roll(again, "quarter", "a.mid")) == [[], *[[60]] * 4]
    apart = Performance(off[::2], off[::2] + 1, pitch[:2], np.full(2, 80))
    assert keys_down(to_roll(apart, "quarter", "a.mid")) == [[], [60], [], [61]]


def test_played_music_that_fits_no_frame_is_told_so():
    begin = np.sort(np.random.default_rng(0).random(200) * 50)
    frame, why = usual_frame([Performance(begin, begin + 0.3, np.full(200, 60), np.full(200, 80))])
    assert frame == "sixteenth" and "no longer one fits" in why


def test_short_notes_are_kept_and_endless_ones_refused():
    short = Performance(np.array([0.1]), np.array([0.12]), np.array([60]), np.array([80]))
    assert to_roll(short, "quarter", "a.mid").shape == (1, KEYS)
    endless = Performance(np.array([0.0]), np.array([1e6]), np.array([60]), np.array([80]))
    with pytest.raises(DataError, match="its last note ends after 1,000,000 frames"):
        to_roll(endless, "quarter", "a.mid")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tempo": 0}, "tempo: expected from 4"), ({"program": 128}, "program: expected an instrument")],
)
def test_midi_that_cannot_be_is_not_written(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        write_midi(tmp_path / "a.mid", roll(4), frame="quarter", **options)
    assert not (tmp_path / "a.mid").exists()
