from __future__ import annotations

import gzip

import pytest

from recurra.data.sources import read
from recurra.data.sources.encodings import to_utf8
from recurra.errors import DataError

RUSSIAN = "Погода сегодня хорошая, и дети играют в саду до самого вечера.\n" * 20
CHINESE = "今天天气很好，孩子们在花园里玩到晚上，大家都很高兴。\n" * 20
GREEK = "Η μέρα είναι όμορφη και τα παιδιά παίζουν στον κήπο μέχρι το βράδυ.\n" * 20
JAPANESE = "今日はとても天気がいいです。公園で子供たちが遊んでいます。\n" * 20
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, když šel přes řeku.\n" * 20
FRENCH = "Le garçon qui écoutait la leçon est passé hier devant notre maison.\n" * 20
ENGLISH = "The weather is fine and nobody is at home.\n" * 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_its_mark(encoding):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    assert to_utf8((mark + RUSSIAN).encode(encoding), "f")[0].decode() == RUSSIAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (CHINESE, "gb18030"),
        (GREEK, "cp1253"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CZECH, "cp1250"),
        (FRENCH, "cp1252"),
        (FRENCH, "latin-1"),
    ],
)
def test_old_encodings_are_detected_and_said(text, encoding):
    data, notes = to_utf8(text.encode(encoding), "f")
    assert data.decode() == text
    assert len(notes) == 1
    assert "not UTF-8 (line 1): read as" in notes[0]


def test_one_accent_in_ascii_is_western():
    text = ENGLISH + "a sister ð city and a café\n" + ENGLISH
    data, notes = to_utf8(text.encode("latin-1"), "f")
    assert data.decode() == text
    assert notes == ["not UTF-8 (line 201): read as cp1252; --encoding forces another"]


def test_bytes_that_cp1252_lacks_are_latin1():
    assert to_utf8(ENGLISH.encode() + b"\x81\x9d\n", "f")[0].decode() == ENGLISH + "\x81\x9d\n"


def test_damaged_utf8_stays_utf8():
    data, notes = to_utf8(RUSSIAN.encode() + b"\xd0\n" + RUSSIAN.encode(), "f")
    assert data.decode() == RUSSIAN + "\ufffd\n" + RUSSIAN
    assert "1 damaged characters in UTF-8 text, the first in line 21" in notes[0]


def test_forced_encoding_is_kept(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\nna\xefve,1\nx,0\n")
    assert read(path, encoding="cp1251").frame["text"][0] == "naпve"
    with pytest.raises(DataError, match="the bytes in line 2 are not utf-8"):
        read(path, encoding="utf-8")
    with pytest.raises(DataError, match="no encoding named 'klingon'"):
        read(path, encoding="klingon")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        (b"PK\x03\x04abc", "a ZIP archive"),
        (b"\x80\x04\x95abc", "a Python pickle"),
        (bytes(range(1, 256)) * 20, "looks like a binary file"),
        (b"a,b\n" + b"\0\1\2\3" * 100, "a NUL byte"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.bin", "a.jsonl"])
def test_binary_files_are_refused(tmp_path, data, what, name):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=what) as caught:
        read(path)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("cut", [3, 15, 60, -4])
def test_broken_gzip_is_named(tmp_path, cut):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(1000)))[:cut])
    with pytest.raises(DataError, match=r"a\.csv\.gz: the gzip data are broken or cut off"):
        read(path)


def test_corrupt_gzip_is_named(tmp_path):
    path = tmp_path / "a.csv.gz"
    data = bytearray(gzip.compress(b"a,b\n1,2\n" * 100))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="the gzip data are broken"):
        read(path)


def test_missing_file_shows_what_is_beside_it(tmp_path):
    (tmp_path / "reviews.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        DataError, match=r"revews\.csv: there is no such file\. Beside it there is: reviews\.csv"
    ):
        read(tmp_path / "revews.csv")
