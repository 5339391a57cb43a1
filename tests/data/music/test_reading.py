"""Pieces of music from folders and files, and what of them cannot be used."""

import json
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from recurra.data.music import KEYS, is_music, keys_down, read_pieces, roll_of
from recurra.data.music.performances import read_performances
from recurra.data.music.reading import recognise
from recurra.errors import DataError, InputError
from tests.data.music.made import chorales, midi_folder, roll, rolls


def cells(made):
    found = np.empty((1, len(made)), dtype=object)
    found[0] = made
    return found


def test_folder_of_midi_files_is_read_and_what_is_broken_is_told(tmp_path):
    midi_folder(tmp_path / "songs", 6)
    (tmp_path / "songs" / "broken.mid").write_bytes(b"MThd and more, but not music")
    (tmp_path / "songs" / "empty.mid").write_bytes(b"")
    (tmp_path / "songs" / "read me.txt").write_text("not music")
    found = read_pieces(tmp_path / "songs")
    assert len(found) == 6 and found.frame == "quarter" and found.tempo == pytest.approx(100, rel=1e-4)
    assert {name.split("/")[-1] for name in found.names} == {f"{k:02}.mid" for k in range(6)}
    assert "left out: empty.mid: the file is empty" in found.warnings
    assert any(warning.startswith("left out: broken.mid: this is no MIDI") for warning in found.warnings)


def test_folders_named_by_parts_are_these_parts(tmp_path):
    for part in ("train", "valid", "test"):
        midi_folder(tmp_path / "songs" / part, 3)
    found = read_pieces(tmp_path / "songs", frame="eighth")
    assert sorted(found.parts.tolist()) == ["test"] * 3 + ["train"] * 3 + ["validation"] * 3
    assert np.array_equal(found.roll(0), rolls(3)[1])


def test_a_piece_of_no_part_is_left_out_and_the_parts_are_kept(tmp_path):
    for part in ("train", "test"):
        midi_folder(tmp_path / "songs" / part, 3)
    midi_folder(tmp_path / "songs" / "other", 1)
    said = "it is of none of the parts that the others are of"
    for found in (read_pieces(tmp_path / "songs"), read_performances(tmp_path / "songs")):
        assert found.parts.tolist() == ["test"] * 3 + ["train"] * 3 and len(found) == 6
        assert f"left out: other/more/00.mid: {said}" in found.warnings
    np.savez(tmp_path / "a.npz", train=roll(), test=roll(), demo=roll())
    found = read_pieces(tmp_path / "a.npz")
    assert found.parts.tolist() == ["train", "test"] and found.warnings == (f"left out: demo 1: {said}",)
    np.savez(tmp_path / "b.npz", valid=roll(), test=roll(), demo=roll())
    found = read_pieces(tmp_path / "b.npz")
    assert found.parts is None and len(found) == 3


def test_mat_npz_and_json_hold_the_same_pieces(tmp_path):
    made = rolls(4)
    savemat(tmp_path / "a.mat", {"traindata": cells(made[:3]), "testdata": cells(made[3:])})
    np.savez(tmp_path / "a.npz", train_1=made[0], train_2=made[1] * 90, train_3=made[2] > 0, test=made[3])
    lists = [[[*frame, -1, None] for frame in keys_down(each)] for each in made]
    (tmp_path / "a.json").write_text(json.dumps({"train": lists[:3], "test": lists[3:]}))
    for name in ("a.mat", "a.npz", "a.json"):
        found = read_pieces(tmp_path / name)
        assert is_music(tmp_path / name) and found.frame is None
        assert list(found.parts) == ["train"] * 3 + ["test"]
        assert all(np.array_equal(found.roll(n), made[n]) for n in range(4)), name


def test_rolls_of_all_midi_numbers_and_stacked_ones_are_read(tmp_path):
    wide = np.zeros((2, 5, 128), dtype=np.float32)
    wide[:, :, [10, 60]] = 0.7
    np.savez(tmp_path / "a.npz", pieces=wide)
    found = read_pieces(tmp_path / "a.npz")
    assert len(found) == 2 and found.parts is None and keys_down(found.roll(1)) == [[60]] * 5
    assert found.warnings == ("10 notes above or below the piano are left out",)
    savemat(tmp_path / "a.mat", {"traindata": cells(list(wide))})
    assert read_pieces(tmp_path / "a.mat").warnings == found.warnings


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"{", "this is not valid JSON"),
        (b"[1]", "piece 1 is no list of frames"),
        (b"[[1]]", "frame 1 of piece 1 is no list of notes"),
        (b'{"train": 3}', "'train' holds no list of pieces"),
        (b'{"test": [[[60], ["C"]]]}', "'C' in frame 2 of piece test 1 is no MIDI number"),
        (b"[[[60], [60.5]]]", "60.5 in frame 2 of piece 1 is no MIDI number"),
        (b"[[[60], [128]]]", "128 in frame 2 of piece 1 is not from 0 to 127"),
        (b"[[[60]]]", "no piece has 2 frames or more"),
        (b"[]", "no piece has 2 frames or more"),
        (b'"' + b"[" * 100_000, "this is not valid JSON"),
    ],
)
def test_json_that_is_not_music_is_told_with_its_place(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_pieces(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"a": np.zeros((5, 12))},
            r"a.npz, a 1: expected a roll of 88 keys, found float64 of shape \(5, 12\)",
        ),
        ({"a": np.full((5, 88), np.nan)}, "expected 0 and 1, found NaN"),
        ({"a": np.array([["x"] * 88] * 2)}, "expected a roll of 88 keys, found <U1"),
        ({"a": np.array([[1, 2], None], dtype=object)}, "it holds pickled objects"),
        ({}, "there are no rolls in it"),
    ],
)
def test_archive_that_is_not_music_is_told(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_pieces(tmp_path / "a.npz")


@pytest.mark.parametrize("ending", ["npz", "mat"])
def test_broken_archives_are_told(tmp_path, ending):
    np.savez(tmp_path / "whole.npz", a=roll())
    savemat(tmp_path / "whole.mat", {"a": roll()}, do_compression=True)
    whole = (tmp_path / f"whole.{ending}").read_bytes()
    for name, content in {"cut": whole[:-40], "noise": b"\x01\x02" * 300}.items():
        (tmp_path / f"{name}.{ending}").write_bytes(content)
        with pytest.raises(DataError, match=f"{name}.{ending}: the (archive|file) is broken"):
            read_pieces(tmp_path / f"{name}.{ending}")


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (9000000000000, 88), }",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 88",
    ],
)
def test_an_archive_whose_heads_are_wrong_is_told(tmp_path, header):
    header += b" " * (117 - len(header)) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00\x76\x00" + header + bytes(264))
    with pytest.raises(DataError, match="the archive is broken"):
        read_pieces(tmp_path / "a.npz")


def test_sources_without_music_say_what_to_give(tmp_path):
    with pytest.raises(DataError, match="there are no MIDI files in this folder"):
        read_pieces(tmp_path)
    (tmp_path / "a.mid").write_bytes(b"no")
    (tmp_path / "b.mid").write_bytes(b"no")
    with pytest.raises(
        DataError, match=r"none of its 2 MIDI files can be used; a\.mid: this is no MIDI file"
    ):
        read_pieces(tmp_path)
    (tmp_path / "a.txt").write_text("do re mi")
    with pytest.raises(DataError, match=r"neither MIDI nor .* Give a folder of MIDI files"):
        read_pieces(tmp_path / "a.txt")


def test_music_is_known_by_name_and_content(tmp_path):
    assert is_music(chorales(tmp_path / "c.json")) and is_music("songs.MID") and is_music("rolls.mat")
    (tmp_path / "rows.json").write_text('[{"text": "a", "label": 1}]')
    (tmp_path / "more.json").write_text('{"train": [{"text": "a"}]}')
    assert not any(
        map(is_music, (tmp_path / "rows.json", tmp_path / "more.json", tmp_path, "-", [1], "a\nb.mid"))
    )
    midi_folder(tmp_path, 1)
    assert is_music(tmp_path)


@pytest.mark.parametrize(
    ("content", "known"),
    [
        ('{"train": [[[], [60], [62]], [[60], []]], "test": [[[60]]]}', True),
        ('{"train": [[], [[null], [60]]], "test": []}', True),
        ('{"valid": [], "test": [[[60]]]}', True),
        ('{"train": [[[60], ["C"]], 3]}', True),  # to be told with its place
        ("[[[], [60, 64]], [], [[-1, NaN, 60.0]]]", True),
        ('{"train": [[[]], []]}', False),
        ('{"pieces": [[[60]]]}', False),
        ('{"train": [[["C"], [60]]]}', False),
        ("[[[0.5, 60]]]", False),
        ("[[[60, 200]]]", False),
        ('[[[60, 62], "a"]]', False),
        ("[[60, 62], [64]]", False),
        ("[[[true]]]", False),
        ("[]", False),
        ("3", False),
    ],
)
def test_chorales_are_known_by_their_first_note_wherever_it_is(tmp_path, content, known):
    (tmp_path / "a.json").write_text(content)
    assert is_music(tmp_path / "a.json") == known
    assert (recognise(tmp_path / "a.json", {}, None) is not None) == known
    assert recognise(tmp_path / "a.json", {"level": "frames"}, None)


def test_frames_by_numbers():
    assert roll_of([[20, 21, 108, 109]]).sum() == 2 and roll_of([]).shape == (0, KEYS)


def test_levels_are_frames_or_events(tmp_path):
    midi_folder(tmp_path, 1)
    with pytest.raises(InputError, match="--level: expected frames or events, found 'event'"):
        recognise(tmp_path, {"level": "event"}, None)
