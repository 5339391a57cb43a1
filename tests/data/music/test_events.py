"""Notes to events and back, and MIDI files as performances."""

import re

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.music.events import BEGIN, EventCodec, EventConfig
from recurra.data.music.midi import Performance, read_midi
from recurra.data.music.performances import read_performances, recognise
from recurra.data.music.writing import write_notes
from recurra.errors import DataError, InputError
from tests.data.music.made import chorales, midi_folder

NOTES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 200), st.integers(21, 108), st.integers(1, 127)),
    min_size=1,
    max_size=30,
)


def performance(notes, steps=24):
    begin, length, pitch, velocity = np.array(notes).T
    return Performance(begin / steps, (begin + length) / steps, pitch, velocity)


def table(played):
    return list(zip(played.begin, played.end, played.pitch, played.velocity, strict=True))


@settings(max_examples=60)
@given(notes=NOTES, longest=st.integers(1, 96), velocities=st.integers(1, 127))
def test_events_are_themselves_after_a_way_through_notes(notes, longest, velocities):
    codec = EventCodec(EventConfig(longest=longest, velocities=velocities))
    ids = codec.encode(performance(notes))
    assert ids[0] == BEGIN and ids.max() < codec.vocabulary_size and (ids[1:] > BEGIN).all()
    assert np.array_equal(codec.encode(codec.decode(ids)), ids)


@settings(max_examples=60)
@given(notes=NOTES)
def test_notes_that_do_not_overlap_are_kept_exactly(notes):
    codec = EventCodec(EventConfig(velocities=127))
    begins, kept = {}, []
    for begin, length, pitch, velocity in sorted(notes):
        if begin >= begins.get(pitch, 0):
            kept.append((begin, length, pitch, velocity))
            begins[pitch] = begin + length
    played = performance(sorted(kept, key=lambda note: (note[0], note[2])))
    assert table(codec.decode(codec.encode(played))) == table(played)


def test_notes_between_two_steps_follow_each_other():
    off = np.arange(4) + 0.5
    codec = EventCodec(EventConfig(steps=1, velocities=1))
    found = codec.decode(codec.encode(Performance(off, off + 1, np.array([60, 61, 62, 63]), np.full(4, 80))))
    assert found.begin.tolist() == [1, 2, 3, 4] and found.end.tolist() == [2, 3, 4, 5]


def test_note_ends_when_its_key_is_struck_again():
    codec = EventCodec(EventConfig())
    found = codec.decode(codec.encode(performance([(0, 48, 60, 80), (24, 48, 60, 80), (24, 10, 60, 80)])))
    assert found.begin.tolist() == [0, 1] and found.end.tolist() == [1, 3]


def test_events_in_any_order_are_music():
    codec = EventCodec(EventConfig())
    draw = np.random.default_rng(0)
    for _ in range(20):
        ids = draw.integers(0, codec.vocabulary_size, 200)
        found = codec.decode(ids)
        assert (found.end > found.begin).all() and len(codec.names(ids)) == 200
        again = codec.decode(codec.encode(found))
        assert np.array_equal(again.pitch, found.pitch) and np.array_equal(again.end, found.end)
    with pytest.raises(InputError, match="expected events from 0 to"):
        codec.decode([codec.vocabulary_size])
    assert not len(codec.decode([]))


def test_opening_is_what_is_struck_before_its_end():
    codec = EventCodec(EventConfig(velocities=1))
    ids = codec.encode(performance([(0, 24, 60, 80), (24, 24, 62, 80), (48, 24, 64, 80)]))
    assert codec.names(codec.first(ids, 1)) == ["begin", "key 60", "lasts 24", "wait 24"]
    assert codec.decode(codec.first(ids, 2)).pitch.tolist() == [60, 62]
    assert codec.steps_passed(ids) == 48 and np.array_equal(codec.first(ids, 3), ids)


def test_written_notes_are_read_again(tmp_path):
    played = performance([(0, 24, 60, 80), (0, 48, 64, 3), (36, 6, 21, 127), (50, 200, 108, 1)])
    path = write_notes(tmp_path / "a.mid", played)
    assert table(read_midi(path.read_bytes(), "a.mid")) == table(played)


def test_performances_are_read_from_folders_and_what_is_none_is_told(tmp_path):
    midi_folder(tmp_path / "songs" / "train", 3)
    midi_folder(tmp_path / "songs" / "test", 2)
    (tmp_path / "songs" / "test" / "broken.mid").write_bytes(b"MThd")
    found = read_performances(tmp_path / "songs")
    assert len(found) == 5 and sorted(found.parts.tolist()) == ["test"] * 2 + ["train"] * 3
    assert any("test/broken.mid: this is no MIDI file" in warning for warning in found.warnings)
    with pytest.raises(DataError, match="events are those of MIDI files, and this is none"):
        read_performances(chorales(tmp_path / "c.json"))


@pytest.mark.parametrize("times", [(0x0FFFFFFF, 48), (0, 0x0FFFFFFF)], ids=["stands", "ends"])
def test_a_note_far_away_is_no_piece(tmp_path, times):
    wait, length = times
    notes = [
        mido.Message("note_on", note=60, velocity=70, time=wait),
        mido.Message("note_off", note=60, time=length),
    ]
    file = mido.MidiFile(ticks_per_beat=96)
    file.tracks.append(mido.MidiTrack(notes))
    (tmp_path / "songs").mkdir()
    file.save(tmp_path / "songs" / "far.mid")
    said = "its last note ends after 2,796,20. quarter notes, more than the 25,000 that a piece may last"
    with pytest.raises(DataError, match=f"^far.mid: {said}"):
        read_performances(tmp_path / "songs" / "far.mid")
    midi_folder(tmp_path / "songs", 2)
    found = read_performances(tmp_path / "songs")
    assert len(found) == 2
    assert len(found.warnings) == 1 and re.match(f"left out: far.mid: {said}", found.warnings[0])


def test_events_are_foretold_where_they_are_asked_for(tmp_path):
    midi_folder(tmp_path, 1)
    assert "event by event" in recognise(tmp_path, {"level": "events"}, None)
    for roles in ({}, {"level": "frames"}, {"level": "events", "target": "x"}):
        assert recognise(tmp_path, roles, None) is None
