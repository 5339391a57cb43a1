"""Files are written whole or not at all, whatever goes wrong."""

import errno
import os
from pathlib import Path

import pytest

from recurra.errors import RunError, StorageError
from recurra.storage import (
    LARGEST_TEXT,
    append_line,
    read_json,
    read_text,
    sha256,
    write_bytes,
    write_json,
)


def test_write_replaces_the_content_and_leaves_no_other_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_file_and_says_why(tmp_path, monkeypatch, code, call):
    path = tmp_path / "a.json"
    write_json(path, "old")

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os if call == "fsync" else Path, call, fail)
    with pytest.raises(StorageError, match=r"a\.json: .*untouched"):
        write_json(path, "new")
    monkeypatch.undo()
    assert read_json(path) == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_not_a_number_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_lines_are_added_whole(tmp_path):
    path = tmp_path / "h.jsonl"
    append_line(path, {"a": 1})
    append_line(path, {"b": "é"})
    assert path.read_text(encoding="utf-8") == '{"a": 1}\n{"b": "é"}\n'


def test_text_is_read_as_it_was_written(tmp_path):
    write_bytes(tmp_path / "a.txt", "é\r\n\n".encode())
    assert read_text(tmp_path / "a.txt") == "é\r\n\n"


@pytest.mark.parametrize(
    ("content", "problem"), [(b"\xff\xfe\x00", "not UTF-8"), (b"12345", "larger than"), (None, "missing")]
)
def test_text_that_cannot_be_had_names_the_file(tmp_path, monkeypatch, content, problem):
    monkeypatch.setattr("recurra.storage.LARGEST_TEXT", 4)
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(RunError, match=rf"a\.txt: the file is {problem}"):
        read_text(tmp_path / "a.txt")


def test_a_large_text_is_not_read(tmp_path, monkeypatch):
    with (tmp_path / "a.txt").open("wb") as stream:
        stream.truncate(LARGEST_TEXT + 1)
    monkeypatch.setattr(Path, "read_bytes", None)
    with pytest.raises(RunError, match="larger than 64 MiB"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_broken_json_names_the_file(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"config\.json: the file is not valid JSON"):
        read_json(path)


def test_missing_file_names_the_file(tmp_path):
    with pytest.raises(RunError, match=r"none\.json: the file is missing"):
        read_json(tmp_path / "none.json")


def test_sha256_is_that_of_the_bytes(tmp_path):
    write_bytes(tmp_path / "x", b"abc")
    assert sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
