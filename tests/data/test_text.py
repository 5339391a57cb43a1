from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recurra.data.text import TextConfig, TextEncoder
from recurra.data.vocabulary import LEVELS, choose_level
from recurra.errors import DataError, RunError, StorageError

ENGLISH = ["A warm, funny film.<br /><br />I laughed!", "It isn't funny; the film drags on."]
RUSSIAN = ["Тёплый и смешной фильм, советую всем.", "Фильм скучный, а конец — глупый!"]
CHINESE = ["这部电影很温暖，也很好笑。", "电影太长了，结局很无聊！"]
JAPANESE = ["テレビで映画を見る。", "映画はとても長い。"]
ALL = ENGLISH + RUSSIAN + CHINESE + JAPANESE
ONCE = {level: TextEncoder.fit(ALL, TextConfig(level=level, min_frequency=1)) for level in LEVELS}


def words(text: str, **config) -> list[str]:
    encoder = TextEncoder.fit([text], TextConfig(level="word", min_frequency=1, **config))
    return encoder.tokens(encoder.encode([text])[0])


def test_word_splits_words_and_each_mark():
    assert words("It ISN'T that bad!!<br /><BR>3.5 of 10") == [
        *("it", "isn", "'", "t", "that", "bad", "!", "!", "3", ".", "5", "of", "10")
    ]


def test_word_keeps_capitals_on_demand():
    assert words("Das Buch", lowercase=False) == ["Das", "Buch"]


def test_word_normalises_composed_and_wide_letters():
    assert words("Cafe\u0301 ＡＢＣ\u00a0ﬁn \u200b\x00") == ["café", "abc", "fin"]


def test_word_russian():
    assert words(RUSSIAN[0]) == ["тёплый", "и", "смешной", "фильм", ",", "советую", "всем", "."]


def test_word_separates_han_but_keeps_katakana_latin_and_digits():
    assert words("这部电影iPhone15很好看") == ["这", "部", "电", "影", "iphone15", "很", "好", "看"]
    assert words("テレビで映画") == ["テレビ", "で", "映", "画"]


def test_word_keeps_marks_of_hindi_letters():
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]


def test_vocabulary_is_by_frequency_then_by_token():
    encoder = TextEncoder.fit(["c b a c b d", "a e"], TextConfig(level="word", min_frequency=1))
    assert encoder.vocabulary == ["<pad>", "<unk>", "a", "b", "c", "d", "e"]
    small = TextConfig(level="word", vocabulary_size=4, min_frequency=1)
    assert TextEncoder.fit(["c b a c b d", "a e"], small).vocabulary == ["<pad>", "<unk>", "a", "b"]


def test_rare_tokens_are_unknown():
    encoder = TextEncoder.fit(["a a b", "b a c"], TextConfig(level="word", min_frequency=2))
    assert encoder.encode(["a b c d"])[0].tolist() == [2, 3, 1, 1]


def test_names_of_special_tokens_in_texts_are_plain_text():
    for encoder in ONCE.values():
        ids = encoder.encode(["<pad> <unk>"])[0]
        assert len(ids) > 2
        assert encoder.padding_id not in ids


@pytest.mark.parametrize("level", LEVELS)
def test_encode_types_and_empty_texts(level):
    packed = ONCE[level].encode(["", "film", "   ", "<br />"])
    assert packed.values.dtype == np.int32
    assert packed.lengths[0] == 0
    assert packed.lengths[1] > 0
    assert packed.lengths[[2, 3]].tolist() == ([3, 1] if level == "character" else [0, 0])
    assert ONCE[level].encode([]).values.dtype == np.int32
    assert len(ONCE[level].encode([])) == 0
    assert ONCE[level].encode([""]).lengths.tolist() == [0]


def test_encode_takes_object_arrays():
    texts = np.array(ENGLISH, dtype=object)
    assert (ONCE["word"].encode(texts).values == ONCE["word"].encode(ENGLISH).values).all()


def test_encode_in_slices_equals_one_by_one(monkeypatch):
    monkeypatch.setattr("recurra.data.vocabulary._SLICE_CHARACTERS", 40)
    for encoder in ONCE.values():
        together = encoder.encode(ALL)
        assert [together[n].tolist() for n in range(len(ALL))] == [
            encoder.encode([t])[0].tolist() for t in ALL
        ]


@pytest.mark.parametrize("max_steps", [2, 5, 6])
def test_long_text_keeps_head_and_tail(max_steps):
    text = " ".join(f"w{n}" for n in range(20))
    encoder = TextEncoder.fit([text], TextConfig(level="word", min_frequency=1, max_steps=max_steps))
    packed, cut = encoder.encode_counting([text, "w1 w2"])
    head = -(-max_steps // 2)
    expected = [f"w{n}" for n in range(20)]
    assert encoder.tokens(packed[0]) == expected[:head] + expected[head - max_steps :]
    assert packed.lengths.tolist() == [max_steps, 2]
    assert cut == 1


@settings(deadline=None)
@given(st.text())
@example("İ ß ﬃ Ω … ½")
def test_character_decode_gives_the_text_back(text):
    text = text.encode("utf-8", "replace").decode()
    encoder = TextEncoder.fit(["x" + text], TextConfig(level="character", lowercase=False))
    rules = encoder._tokenizer.normalizer
    assert encoder.decode(encoder.encode([text])[0]) == rules.normalize_str(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(ALL), min_size=1), st.sampled_from(["word", "subword"]))
def test_decoded_text_encodes_to_the_same_ids(texts, level):
    ids = ONCE[level].encode([" ".join(texts)])[0]
    assert ids.min() > 1
    assert ONCE[level].encode([ONCE[level].decode(ids)])[0].tolist() == ids.tolist()


def test_subword_decode_keeps_spacing():
    encoder = ONCE["subword"]
    text = "фильм,  «это» (это)"
    known = TextEncoder.fit([*ALL, text], TextConfig(level="subword"))
    assert known.decode(known.encode([text])[0]) == "фильм, «это» (это)"
    assert encoder.decode(encoder.encode([CHINESE[0]])[0]) == CHINESE[0].replace("，", ",")


@pytest.mark.parametrize("level", LEVELS)
def test_a_word_without_end_is_soon_done(level):
    endless = "ab" * 100_000
    begun = time.process_time()
    encoder = TextEncoder.fit([endless, "c d"], TextConfig(level=level, min_frequency=1, max_steps=10**6))
    packed = encoder.encode([endless])
    assert time.process_time() - begun < 10
    assert encoder.decode(packed[0]) == endless


def test_decode_leaves_padding_out_and_refuses_foreign_ids():
    encoder = ONCE["word"]
    ids = [*encoder.encode(["film"])[0].tolist(), 0, 0]
    assert encoder.decode(ids) == "film"
    for wrong in (-1, encoder.vocabulary_size):
        with pytest.raises(DataError, match=f"found {wrong} at step 1"):
            encoder.tokens([2, wrong])


def test_lone_surrogates_do_not_stop_the_work():
    texts = ["good \ud800 film", "film"]
    encoder = TextEncoder.fit(texts, TextConfig(level="word", min_frequency=1))
    assert encoder.tokens(encoder.encode(texts)[0]) == ["good", "?", "film"]


def test_fit_refuses_what_is_no_text():
    with pytest.raises(DataError, match=r"found NoneType .* in place 1"):
        TextEncoder.fit(["a", None])  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="found no word that occurs 1 times"):
        TextEncoder.fit(["", "  "], TextConfig(level="word"))
    with pytest.raises(DataError, match="found no"):
        TextEncoder.fit([])


def test_config_refuses_unknown_keys_and_values():
    for wrong in ({"levels": "word"}, {"level": "letter"}, {"max_steps": 1}, {"vocabulary_size": 2}):
        with pytest.raises(ValidationError):
            TextConfig.model_validate(wrong)


def test_min_frequency_by_default_keeps_single_words_of_small_data_only():
    texts = [f"alpha beta word{n}" for n in range(100)]
    assert TextEncoder.fit(texts, TextConfig(level="word")).vocabulary_size == 104
    assert TextEncoder.fit(texts * 120, TextConfig(level="word")).vocabulary_size == 104
    large = [*texts, "alpha beta " * 20_000]
    assert TextEncoder.fit(large, TextConfig(level="word")).vocabulary == ["<pad>", "<unk>", "alpha", "beta"]


def test_auto_level():
    assert choose_level(ENGLISH) == choose_level(RUSSIAN) == choose_level(CHINESE) == "word"
    assert choose_level(["иванов", "петрова", "сидоров"]) == "character"
    assert choose_level(["ACGTTGCAACGTTGCAACGTTGCA " * 3] * 4) == "character"
    assert choose_level(["", " "]) == "word"
    rng = np.random.default_rng(0)
    stems, ends = [f"стол{n}" for n in range(800)], ["а", "у", "ом", "ами", "ов", "ы", "ах"]
    texts = [" ".join(rng.choice(stems) + rng.choice(ends) for _ in range(10)) for _ in range(300)]
    assert choose_level(texts) == "subword"
    assert choose_level([" ".join(rng.choice(stems[:50]) for _ in range(10)) for _ in range(300)]) == "word"


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("lowercase", [True, False])
def test_save_and_load(tmp_path, level, lowercase):
    config = TextConfig(level=level, lowercase=lowercase, min_frequency=1, max_steps=7)
    encoder = TextEncoder.fit(ALL, config)
    encoder.save(tmp_path / "tokenizer.json")
    loaded = TextEncoder.load(tmp_path / "tokenizer.json")
    assert (loaded.level, loaded.lowercase, loaded.max_steps) == (level, lowercase, 7)
    assert loaded.vocabulary == encoder.vocabulary
    assert loaded.to_json() == encoder.to_json()
    packed = encoder.encode(ALL)
    for other in (loaded, copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert (other.encode(ALL).values == packed.values).all()
        assert other.decode(packed[0]) == encoder.decode(packed[0])
    assert [p.name for p in tmp_path.iterdir()] == ["tokenizer.json"]


def altered(**parts) -> str:
    written = json.loads(ONCE["word"].to_json())
    for path, value in parts.items():
        *above, last = path.split("__")
        node = written
        for key in above:
            node = node[key]
        node[last] = value
    return json.dumps(written)


SPLIT = {"type": "Split", "pattern": {"Regex": "(a{900}){900}"}, "behavior": "Removed", "invert": True}


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "{}", '{"model": {}}', "\0\0", "[" * 100_000, '{"model": {"vocab": [1]}}'),
        ONCE["word"].to_json()[:-100],
        altered(pre_tokenizer=SPLIT),
        altered(pre_tokenizer={"type": "Whitespace"}),
        altered(normalizer=None),
        altered(decoder={"type": "Fuse"}),
        altered(version="2.0"),
        altered(truncation=None),
        altered(truncation__max_length=0),
        altered(truncation__max_length=True),
        altered(padding={"strategy": {"Fixed": 10**9}, "direction": "Right"}),
        altered(model__vocab={"<pad>": 0, "<unk>": 1, "a": 3}),
        altered(model__vocab={"<pad>": 1, "<unk>": 0, "a": 2}),
        altered(model__vocab={"<pad>": 0, "<unk>": 1, "a": 2.0}),
        altered(model__vocab={"<pad>": 0, "<unk>": 1, "a": "2"}),
        altered(model__vocab={"a": 0, "b": 1}),
        altered(model__unk_token="a"),
        altered(model__type="WordPiece"),
        altered(post_processor={"type": "ByteLevel"}),
        altered(
            added_tokens=[
                {"id": 2, "content": "film", "single_word": False, "lstrip": False, "rstrip": False}
                | {"normalized": False, "special": True}
            ]
        ),
    ],
)
def test_load_refuses_altered_files(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"tokenizer\.json: expected a tokenizer that Recurra wrote"):
        TextEncoder.load(tmp_path / "tokenizer.json")


def test_load_refuses_merges_of_strange_tokens():
    written = json.loads(ONCE["subword"].to_json())
    written["model"]["merges"].append(["strange", "tokens"])
    with pytest.raises(RunError, match="the library refuses it"):
        TextEncoder.from_json(json.dumps(written))


def test_load_refuses_missing_and_binary_and_large_files(tmp_path, monkeypatch):
    with pytest.raises(RunError, match="missing"):
        TextEncoder.load(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match="not UTF-8"):
        TextEncoder.load(tmp_path / "tokenizer.json")
    monkeypatch.setattr("recurra.storage.LARGEST_TEXT", 2)
    with pytest.raises(RunError, match="larger than"):
        TextEncoder.load(tmp_path / "tokenizer.json")


def test_save_that_fails_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    ONCE["word"].save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space left"):
        ONCE["character"].save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["tokenizer.json"]
    with pytest.raises(StorageError, match="not a folder"):
        ONCE["word"].save(tmp_path / "tokenizer.json" / "inside")


def test_vocabulary_is_the_same_in_every_process_and_with_any_threads():
    script = (
        "import hashlib, sys, numpy as np\n"
        "from recurra.data.text import TextConfig, TextEncoder\n"
        "rng = np.random.default_rng(0)\n"
        "letters = np.array(list('абвгдеabcdef电影好看'))\n"
        "texts = [' '.join(''.join(rng.choice(letters, 4)) for _ in range(20)) for _ in range(200)]\n"
        "for level in ('word', 'subword', 'character'):\n"
        "    config = TextConfig(level=level, vocabulary_size=300)\n"
        "    print(hashlib.sha256(TextEncoder.fit(texts, config).to_json().encode()).hexdigest())\n"
    )

    def run(threads: str) -> str:
        environment = os.environ | {"TOKENIZERS_PARALLELISM": threads}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, check=True
        )
        return done.stdout.decode()

    first = run("true")
    assert len(first.split()) == 3
    assert {run("true"), run("false")} == {first}


@pytest.mark.full
def test_imdb_makes_sense(monkeypatch):
    folder = os.environ.get("RECURRA_DATA")
    if not folder:
        pytest.skip("RECURRA_DATA is not set")
    import polars as pl

    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    texts = pl.read_csv(Path(folder) / "imdb" / "imdb_train.csv.gz")["text"].to_list()
    encoder = TextEncoder.fit(texts)
    packed, cut = encoder.encode_counting(texts)
    assert encoder.level == "word"
    assert encoder.vocabulary_size == 30_000
    assert packed.lengths.max() == 800
    assert 0.01 < cut / len(texts) < 0.1
    assert (packed.values == encoder.unknown_id).mean() < 0.03
