from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recurra.data.audio.config import AudioConfig
from recurra.data.audio.filterbank import loudness
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.transcripts.alphabet import Alphabet, TranscriptConfig, steps_needed
from recurra.data.transcripts.augmentation import Augmentation, AugmentConfig
from recurra.data.transcripts.batches import TranscriptBatches
from recurra.data.transcripts.definition import TranscriptOptions
from recurra.data.transcripts.inference import infer_transcripts
from recurra.data.transcripts.reading import (
    open_source,
    read_transcripts,
    settle_audio,
    usual_voice,
    without_voices,
)
from recurra.errors import DataError, InputError, RunError
from tests.data.audio.made import spoken, written

AUDIO = AudioConfig(rate=8000, mels=8)


def opened(source, audio=AUDIO, **said):
    found = open_source(source)
    schema = infer_transcripts(found.table, TranscriptOptions(**said))
    return read_transcripts(found, schema, audio)


def recordings(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        written(folder / name, spoken("low"))
    return folder


def test_folder_with_a_table(tmp_path):
    recordings(tmp_path, "a.wav", "sub/b.flac")
    (tmp_path / "texts.tsv").write_text("file\ttext\na.wav\tOne\nsub/b.flac\tTwo\n")
    found = opened(tmp_path)
    assert found.examples.targets.tolist() == ["One", "Two"] and found.names == ["a.wav", "sub/b.flac"]
    assert found.examples.sequences.channels == 8


def test_folder_as_librispeech_has_it(tmp_path):
    recordings(tmp_path, "19/198/19-198-0000.flac", "19/198/19-198-0001.flac", "19/198/loose.flac")
    (tmp_path / "19/198/19-198.trans.txt").write_text(
        "19-198-0000 NORTHANGER ABBEY\n19-198-0001 THIS WORK\ngone X\n"
    )
    source = open_source(tmp_path)
    assert any("no recording for 1 of the texts" in note for note in source.table.notes)
    assert source.table.frame["folder"].to_list() == ["19/198"] * 3
    found = opened(tmp_path)
    assert found.examples.targets.tolist() == ["NORTHANGER ABBEY", "THIS WORK"]
    assert found.lines == (f"1 of 3 not used, no text: {found.names[2]}",)
    (tmp_path / "19/198/19-198.trans.txt").write_text("19-198-0000\n")
    with pytest.raises(DataError, match=r"trans\.txt, line 1: the line holds no text"):
        open_source(tmp_path)


def test_folder_with_a_text_beside_each_and_parts(tmp_path):
    recordings(tmp_path, "train/a.wav", "train/b.wav", "test/c.wav")
    for name, text in (("train/a", "one"), ("train/b", "two"), ("test/c", "three")):
        (tmp_path / f"{name}.txt").write_text(text + "\n", encoding="utf-16")
    found = opened(tmp_path)
    assert sorted(zip(found.examples.parts, found.examples.targets, strict=True)) == [
        ("test", "three"),
        ("train", "one"),
        ("train", "two"),
    ]


def test_texts_that_mark_holes_elsewhere_are_texts(tmp_path):
    recordings(tmp_path, *(f"{n}.wav" for n in range(6)))
    said = ["null", "na", "NaN", "?", "True", " ein"]
    for n, text in enumerate(said):
        (tmp_path / f"{n}.txt").write_text(text)
    expected = [text.strip() for text in said]
    assert opened(tmp_path).examples.targets.tolist() == expected
    rows = {"file": [f"{n}.wav" for n in range(6)], "text": said}
    frame = pl.DataFrame({**rows, "file": [str(tmp_path / name) for name in rows["file"]]})
    assert opened(frame).examples.targets.tolist() == expected
    pl.DataFrame(rows).write_ndjson(tmp_path / "a.jsonl")
    assert opened(tmp_path).examples.targets.tolist() == expected
    (tmp_path / "a.jsonl").unlink()
    pl.DataFrame(rows | {"text": ["null", None, "na", " ", "?", "x"]}).write_csv(tmp_path / "a.csv")
    found = opened(tmp_path)
    assert found.examples.targets.tolist() == ["null", "na", "?", "x"]
    assert found.lines == ("2 of 6 not used, no text: 1.wav, 3.wav",)


def test_texts_of_digits_are_kept_as_they_were_written(tmp_path):
    said = ["3.10", "4.50", "12.00", "12345678901234567890", "+4915", "?"]
    recordings(tmp_path, *(f"{n}.wav" for n in range(len(said))))
    rows = pl.DataFrame({"file": [f"{n}.wav" for n in range(len(said))], "text": said})
    rows.write_csv(tmp_path / "a.csv")
    assert opened(tmp_path).examples.targets.tolist() == said
    schema = infer_transcripts(open_source(tmp_path).table, TranscriptOptions())
    renamed = rows.rename({"file": "recording"})
    renamed.write_csv(tmp_path / "a.csv")
    found = read_transcripts(open_source(tmp_path), schema, AUDIO)
    assert found.examples.targets.tolist() == said
    (tmp_path / "a.csv").unlink()
    rows.write_ndjson(tmp_path / "a.jsonl")
    assert opened(tmp_path).examples.targets.tolist() == said


def test_blanks_around_names_of_recordings_are_no_part_of_them(tmp_path):
    recordings(tmp_path, "a.wav", "b.wav")
    pl.DataFrame({"file": [" a.wav", "b.wav  "], "text": ["yes", "no"]}).write_csv(tmp_path / "t.csv")
    source = open_source(tmp_path)
    schema = infer_transcripts(source.table, TranscriptOptions())
    assert settle_audio(source, schema, AudioConfig()).rate == 8000
    found = read_transcripts(source, schema, AUDIO)
    assert found.names == ["a.wav", "b.wav"] and not found.lines


def test_a_recording_in_no_part_is_left_out_and_the_parts_are_kept(tmp_path):
    recordings(tmp_path, "train/a.wav", "dev/b.wav", "test/c.wav", "stray.flac")
    for name in ("train/a", "dev/b", "test/c", "stray"):
        (tmp_path / f"{name}.txt").write_text(name)
    found = opened(tmp_path)
    assert found.examples.parts.tolist() == ["validation", "test", "train"]
    assert found.lines == ("1 of 4 not used, in none of the folders of parts: stray.flac",)
    source = open_source(tmp_path)
    schema = infer_transcripts(source.table, TranscriptOptions())
    assert len(read_transcripts(source, schema, AUDIO, need_roles=False).examples) == 4
    asked = read_transcripts(source, schema, AUDIO, need_texts=False, need_roles=False)
    assert "stray.flac" in asked.names and not asked.lines


def test_parts_are_known_by_how_the_names_of_librispeechs_folders_begin(tmp_path):
    names = ["train-clean-5/1/1-0", "train-clean-5/2/2-0", "dev-clean-2/3/3-0", "test-clean/4/4-0"]
    recordings(tmp_path, *(f"LibriSpeech/{name}.flac" for name in names))
    for name in names:
        path = tmp_path / "LibriSpeech" / f"{name}.trans.txt"
        path.write_text(f"{path.name.split('.')[0]} A WORD\n")
    for folder in (tmp_path, tmp_path / "LibriSpeech"):
        assert opened(folder).examples.parts.tolist() == ["validation", "test", "train", "train"]
        said = "its own parts are kept, by the names of folders: 2 train, 1 validation, 1 test"
        assert said in open_source(folder).table.notes


def test_bad_recordings_are_counted_and_named(tmp_path):
    recordings(tmp_path, "good.wav")
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    written(tmp_path / "short.wav", spoken("low")[:100])
    (tmp_path / "t.csv").write_text(
        "file,text\ngood.wav,yes\nbad.wav,no\nshort.wav,no\ngone.wav,no\n,no\ngood.wav,\n"
    )
    found = opened(tmp_path / "t.csv")
    assert len(found.examples) == 1
    assert found.lines == (
        "1 of 6 not used, recording broken, or no recording: bad.wav",
        "1 of 6 not used, recording shorter than a window of 25 ms: short.wav",
        "1 of 6 not used, recording not there: gone.wav",
        "1 of 6 not used, recording not named: row 5",
        "1 of 6 not used, no text: good.wav",
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, "there is no WAV or FLAC file in this folder"),
        ({"a.wav": None}, "there are 1 recordings, and a text for none of them"),
        (
            {"a.wav": None, "a.csv": "file,text\n", "b.csv": "file,text\n"},
            "several tables lie in this folder",
        ),
        ({"a.wav": None, "a.csv": ""}, "the file is empty"),
        ({"a.wav": None, "a.csv": "file,text\nb.wav,yes\nc.wav,no\n"}, "nothing can be used"),
        ({"a.wav": None, "a.csv": "name,said,also\n1,yes,no\n"}, "no column is plainly the text"),
        ({"a.wav": None, "a.csv": "file,text\n1,yes\n2,no\n"}, "hold no sequences of numbers"),
        ({"a.wav": None, "a.csv": "file,copy,text\na.wav,b.wav,yes\n"}, "several columns name recordings"),
    ],
)
def test_folders_that_cannot_be_used_say_why(tmp_path, made, said):
    for name, content in made.items():
        if content is None:
            recordings(tmp_path, name)
        else:
            (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said) as caught:
        opened(tmp_path)
    assert caught.value.where


def test_folders_called_as_words_are_told_what_table_to_write(tmp_path):
    names = [f"{word}/{n}.wav" for word in ("no", "yes") for n in range(2)]
    recordings(tmp_path, *names)
    with pytest.raises(DataError, match=r"\(no, yes\)") as caught:
        opened(tmp_path)
    assert "the line file,text and one like no/0.wav,no for each" in caught.value.fix
    (tmp_path / "texts.csv").write_text("\n".join(["file,text", *(f"{n},{n.split('/')[0]}" for n in names)]))
    assert opened(tmp_path).examples.targets.tolist() == ["no", "no", "yes", "yes"]


def test_who_speaks_is_heard_where_recordings_are_short(tmp_path):
    for name, words in (("a", "low"), ("b", "mid"), ("c", "high"), ("d", "low mid"), ("e", "mid")):
        written(tmp_path / f"{name}.wav", spoken(words))
    rows = "a.wav,yes,ann\nb.wav,no, ann\nc.wav,no,bob\nd.wav,yes,\ne.wav,no,NaN\ngone.wav,no,eve\n"
    (tmp_path / "a.csv").write_text("file,text,Speaker_ID\n" + rows)
    source = open_source(tmp_path)
    schema = infer_transcripts(source.table, TranscriptOptions())
    assert schema.speaker == "Speaker_ID" and schema.table.group is None
    audio = settle_audio(source, schema, AudioConfig(rate=8000, mels=8))
    assert audio.centre == "speaker" and audio.centred == "all" and audio.usual_voice is None
    raw = read_transcripts(source, schema, audio).examples
    assert raw.speakers.tolist() == ["ann", "ann", "bob", None, None]
    audio = audio.model_copy(update={"usual_voice": usual_voice(raw.take(np.array([0, 1])))})
    found = without_voices(raw, audio).sequences
    later = replace(source, table=replace(source.table, frame=source.table.frame.drop("Speaker_ID")))
    read = read_transcripts(later, schema, audio, need_roles=False)
    assert (
        "there is no column 'Speaker_ID': every recording is heard as of a speaker of its own" in read.lines
    )
    alone = without_voices(read.examples, audio).sequences
    changed = [np.abs(found[n] - alone[n]).max() > 1e-3 for n in range(5)]
    assert changed == [True, True, False, False, False]
    assert without_voices(raw, audio.model_copy(update={"centre": "recording"})) is raw


def test_who_speaks_is_not_heard_where_it_is_not_known_or_wanted(tmp_path):
    recordings(tmp_path, "a.wav")
    (tmp_path / "a.csv").write_text("file,text,speaker,prompt\na.wav,yes,x,y\n")
    source = open_source(tmp_path)
    told = infer_transcripts(source.table, TranscriptOptions(group="prompt"))
    assert (told.speaker, told.table.group) == ("speaker", "prompt")
    unknown = infer_transcripts(source.table, TranscriptOptions(ignore=["speaker"], group="prompt"))
    assert unknown.speaker is None
    assert settle_audio(source, unknown, AudioConfig()).centre == "recording"
    with pytest.raises(InputError, match="no column says who speaks"):
        settle_audio(source, unknown, AudioConfig(centre="speaker"))
    assert settle_audio(source, told, AudioConfig(), streams=True).centre == "running"
    assert settle_audio(source, told, AudioConfig(centre="recording")).centre == "recording"
    assert settle_audio(source, told, AudioConfig(centre_bands=True)).centre == "recording"
    assert settle_audio(source, told, AudioConfig(rate=8000, centre_bands=False)).centre == "speaker"
    assert AudioConfig(centre_bands=False).settled([8000], [7.0], speakers=True).centre == "recording"
    with pytest.raises(ValueError, match="leave centre_bands out"):
        AudioConfig(centre="speaker", centre_bands=True)
    with pytest.raises(ValueError, match="2 numbers for 8 bands"):
        AudioConfig(mels=8, usual_voice=(0.0, 1.0))


def test_options_that_contradict_are_refused(tmp_path):
    recordings(tmp_path, "a.wav")
    (tmp_path / "a.csv").write_text("file,text,more\na.wav,yes,x\n")
    with pytest.raises(InputError, match="--target"):
        opened(tmp_path, text="text", target="more")
    with pytest.raises(InputError, match="--id"):
        opened(tmp_path, id="more")
    with pytest.raises(DataError, match="there is no column 'speaker'"):
        opened(tmp_path, group="speaker")
    with pytest.raises(DataError, match="this is one recording"):
        open_source(tmp_path / "a.wav")


def test_rate_is_the_commonest_and_names_what_cannot_be_opened(tmp_path):
    for name, rate in (("a.wav", 8000), ("b.wav", 8000), ("c.wav", 44_100)):
        written(tmp_path / name, spoken("low"), rate)
    frame = pl.DataFrame({"file": ["a.wav", "b.wav", "c.wav"], "text": ["x", "y", "z"]})
    frame.write_csv(tmp_path / "t.csv")
    found = open_source(tmp_path)
    schema = infer_transcripts(found.table, TranscriptOptions())
    settled = settle_audio(found, schema, AudioConfig())
    assert (settled.rate, settled.mels) == (8000, 24)
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match=r"no recording can be opened: a\.wav is not there"):
        settle_audio(found, schema, AudioConfig())


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"lowest_hz": 5000}, "audio.lowest_hz: lowest_hz 5000 is above the highest of 8000 per second"),
        (
            {"hop_ms": 0.1, "window_ms": 1},
            "audio.hop_ms: hop_ms 0.1 is less than a sample of 8000 per second",
        ),
        ({"usual_voice": [1, 2]}, "audio.usual_voice: usual_voice has 2 numbers for 24 bands"),
    ],
)
def test_what_does_not_fit_the_recordings_is_told(tmp_path, said, problem):
    recordings(tmp_path, "a.wav")
    (tmp_path / "t.csv").write_text("file,text\na.wav,yes\n")
    found = open_source(tmp_path)
    schema = infer_transcripts(found.table, TranscriptOptions())
    with pytest.raises(InputError, match=problem):
        settle_audio(found, schema, AudioConfig(**said))


def test_columns_of_other_names_are_found_again(tmp_path):
    recordings(tmp_path, "a.wav", "b.wav")
    (tmp_path / "t.csv").write_text("path,said\na.wav,yes\nb.wav,no\n")
    schema = infer_transcripts(open_source(tmp_path).table, TranscriptOptions(text="said"))
    (tmp_path / "t.csv").write_text("recording,speaker\na.wav,1\nb.wav,2\n")
    found = read_transcripts(open_source(tmp_path), schema, AUDIO, need_texts=False)
    assert len(found.examples) == 2 and found.names == ["a.wav", "b.wav"]
    (tmp_path / "t.csv").unlink()
    (tmp_path / "b.txt").write_text("no")
    with_texts = read_transcripts(open_source(tmp_path), schema, AUDIO, need_roles=False)
    assert with_texts.examples.targets.tolist() == ["no"]
    one = read_transcripts(open_source(tmp_path / "a.wav", need_texts=False), schema, AUDIO, need_texts=False)
    assert one.names == ["a.wav"]


def test_numeric_sequences_with_a_text(tmp_path):
    frame = pl.DataFrame(
        {"points": [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]]], "writer": [1, 2], "text": ["ab", "c"]}
    )
    frame.write_ndjson(tmp_path / "strokes.jsonl")
    found = opened(tmp_path / "strokes.jsonl", None, group="writer")
    assert found.examples.sequences.lengths.tolist() == [2, 1] and found.examples.sequences.channels == 2
    assert found.examples.groups.tolist() == ["1", "2"]
    long = pl.DataFrame({"id": [1, 1, 2], "x": [1.0, 2.0, 3.0], "text": ["ab", "ab", "c"]})
    long.write_csv(tmp_path / "long.csv")
    by_rows = opened(tmp_path / "long.csv", None, id="id")
    assert by_rows.examples.sequences.lengths.tolist() == [2, 1]
    assert by_rows.examples.targets.tolist() == ["ab", "c"]


def test_alphabet_of_characters_and_of_words():
    letters = Alphabet.fit(["Ab b"], TranscriptConfig())
    assert letters.tokens == (" ", "a", "b")
    assert letters.decode(letters.encode("  bA\tb ")) == "ba b"
    assert letters.unknown("abc") == ["c"] and letters.encode("abc").tolist() == [2, 3]
    words = Alphabet.fit(["one two"], TranscriptConfig(level="word", lower=False))
    assert words.unknown("One two") == ["One"] and Alphabet.from_json(words.to_json()) == words
    with pytest.raises(RunError):
        Alphabet.from_json({"level": "word", "lower": True, "tokens": ["a", "a"]})
    with pytest.raises(DataError):
        Alphabet.fit(["  "], TranscriptConfig())


def batches(**more):
    draw = np.random.default_rng(0)
    sequences = Packed.from_list(
        [draw.standard_normal((int(n), 6)).astype(np.float32) for n in draw.integers(10, 30, 20)]
    )
    texts = Packed.from_list([draw.integers(1, 5, n % 4 + 1) for n in range(20)])
    scaling = NumberEncoder.fit(sequences)
    return sequences, texts, scaling, TranscriptBatches(sequences, texts, scaling, max_batch=8, **more)


def test_evaluation_is_the_scaled_sequences_and_their_texts():
    sequences, texts, scaling, made = batches()
    expected = scaling.encode(sequences)
    for batch in made.evaluation():
        for row, n in enumerate(batch.index.tolist()):
            length = int(batch.inputs[1][row])
            assert np.array_equal(batch.inputs[0][row, :length].numpy(), expected[n])
            assert not batch.inputs[0][row, length:].any()
            target = batch.target[row]
            assert target[target > 0].tolist() == texts[n].tolist()


def test_numbers_far_from_zero_are_augmented_as_those_near_it():
    near = np.random.default_rng(0).integers(-4000, 4000, (40, 2)) / 1024
    found = []
    for values in (near, near + 2.0**30):
        sequences, texts = Packed.from_list([values]), Packed.from_list([np.array([1])])
        made = TranscriptBatches(
            sequences,
            texts,
            NumberEncoder.fit(sequences),
            augmentation=Augmentation(AugmentConfig(), sound=False),
        )
        found.append(next(made.epoch(1)).inputs[0].numpy())
    np.testing.assert_allclose(*found, atol=1e-5)


def test_augmentation_is_a_function_of_seed_epoch_and_place():
    augmentation = Augmentation(AugmentConfig(), sound=True)
    *_, made = batches(augmentation=augmentation, seed=3)

    def content(source, epoch, start=0):
        return [
            (int(n), each.numpy().tobytes())
            for batch in source.epoch(epoch, start)
            for n, each in zip(batch.index, batch.inputs[0], strict=True)
        ]

    first = content(made, 0)
    assert content(made, 0) == first and content(made, 1) != first
    assert content(made, 0, start=1) == first[-len(content(made, 0, start=1)) :]
    assert content(made.reseeded(4), 0) != first
    plain = dict(content(batches()[-1], 0))
    assert any(plain[n] != x for n, x in first)


def test_augmentation_leaves_as_many_steps_as_a_text_needs():
    change = Augmentation(AugmentConfig(stretch=0.9), sound=False)
    steps = np.ones((20, 2), dtype=np.float32)
    lengths = {len(change.shaped(steps, np.random.default_rng(n), least=15)) for n in range(40)}
    assert min(lengths) == 15 and max(lengths) > 30


@pytest.mark.parametrize("centred", ["bands", "all", "running", "none"])
def test_what_was_taken_off_stays_taken_off(centred):
    """A microphone changes bands alike at every step: where their means are 0, nothing of it is to be heard."""
    draw = np.random.default_rng(0)
    steps = draw.standard_normal((20, 8)).astype(np.float32)
    change = Augmentation(AugmentConfig(silence=0, stretch=0, warp=0, noise=0), sound=True, centred=centred)
    steps -= loudness(steps)
    added = change.shaped(steps, draw) - steps
    assert np.abs(added - added[0]).max() < 1e-5
    assert (np.abs(added).max() < 1e-6) == (centred == "bands")
    assert (abs(added.mean()) < 1e-6) == (centred in ("bands", "running"))
    assert (abs(loudness(steps + added)) < 1e-5) == (centred in ("bands", "all"))


def test_noise_fills_what_is_soft_and_leaves_what_is_loud():
    draw = np.random.default_rng(0)
    steps = np.where(draw.random((50, 8)) < 0.5, 0.0, -20.0).astype(np.float32)  # 87 dB softer
    still = AugmentConfig(silence=0, stretch=0, warp=0, gain_db=0, channel_db=0, noise=1)
    for centred in ("all", "none"):
        change = Augmentation(still, sound=True, centred=centred)
        found = [change.shaped(steps - steps.mean(), np.random.default_rng(n)) for n in range(20)]
        gaps = [np.ptp([each[steps == 0].mean(), each[steps < 0].mean()]) for each in found]
        assert all(1 < gap < 13 for gap in gaps) and max(gaps) - min(gaps) > 4
        assert (max(abs(loudness(each)) for each in found) < 1e-5) == (centred == "all")
    assert np.array_equal(Augmentation(still, sound=True, centred="bands").shaped(steps, draw), steps)


def test_silence_comes_before_and_after_where_it_is_known_what_is_soft():
    draw = np.random.default_rng(0)
    steps = np.concatenate([np.full((3, 8), -10.0), draw.standard_normal((20, 8))]).astype(np.float32)
    still = AugmentConfig(silence=6, stretch=0, warp=0, gain_db=0, channel_db=0, noise=0)
    change = Augmentation(still, sound=True, centred="none")
    found = [change.shaped(steps, np.random.default_rng(n)) for n in range(60)]
    begins = [int(np.flatnonzero((each == steps[-1]).all(1))[0]) - 22 for each in found]
    assert {len(each) - 23 for each in found} == set(range(13)) and set(begins) == set(range(7))
    for begin, each in zip(begins, found, strict=True):
        assert np.array_equal(each[begin : begin + 23], steps)
        added = np.concatenate([each[:begin], each[begin + 23 :]])
        assert not len(added) or np.abs(added + 10).max() < 2
    for centred, sound in (("bands", True), ("running", True), ("none", False)):
        assert len(Augmentation(still, sound=sound, centred=centred).shaped(steps, draw)) == 23


def _told_apart(texts, **sizes):
    """Batches of sequences each of which is its own number at every step, another after each; steps unscaled."""
    still = {"silence": 0, "stretch": 0, "warp": 0, "gain_db": 0, "channel_db": 0, "noise": 0}
    config = AugmentConfig(**still, time_masks=0, band_masks=0, followed=1)
    sequences = Packed.from_list([np.full((4, 2), n, dtype=np.float32) for n in range(len(texts))])
    scaling = NumberEncoder.fit(Packed.from_list([np.array([[-1.0, -1.0], [1.0, 1.0]], dtype=np.float32)]))
    return TranscriptBatches(
        sequences,
        Packed.from_list([np.array(text) for text in texts]),
        scaling,
        augmentation=Augmentation(config, sound=True),
        between=np.array([9]),
        **sizes,
    )


def test_a_sequence_is_followed_by_another_with_its_text():
    texts = [[n + 1] for n in range(6)]
    followed = set()
    for epoch in range(8):
        for batch in _told_apart(texts).epoch(epoch):
            for row, n in enumerate(batch.index.tolist()):
                steps = batch.inputs[0][row, : int(batch.inputs[1][row]), 0].round().int().tolist()
                other = steps[-1]
                assert steps == [n] * 4 + [other] * 4
                assert batch.target[row].tolist() == [n + 1, 9, other + 1]
                followed.add(other)
    assert followed == set(range(6))


def test_a_share_of_the_looks_is_followed_and_none_where_that_moves_a_mean():
    draw = np.random.default_rng(0)
    change = Augmentation(AugmentConfig(followed=0.25), sound=True)
    assert 400 < sum(change.follows(draw) for _ in range(2000)) < 600
    for config, sound, centred in (
        (AugmentConfig(followed=0), True, "all"),
        (AugmentConfig(followed=1), True, "bands"),
        (AugmentConfig(followed=1), True, "running"),
        (AugmentConfig(followed=1), False, "none"),
    ):
        assert not Augmentation(config, sound=sound, centred=centred).follows(draw)


def test_none_follows_where_the_text_of_both_needs_more_steps():
    *_, batch = _told_apart([[1, 2, 3, 4]] * 3).epoch(0)  # with the blank space between them nine, of eight
    assert batch.inputs[1].tolist() == [4, 4, 4]
    assert batch.target.tolist() == [[1, 2, 3, 4]] * 3


@pytest.mark.parametrize("room", [7, 8])
def test_none_follows_where_a_batch_of_both_had_too_many_steps(room):
    for batch in _told_apart([[1]] * 6, tokens_per_batch=2 * room, max_batch=2).epoch(0):
        assert batch.inputs[1].tolist() == [8 if room == 8 else 4] * len(batch)
        assert batch.inputs[1].max() * len(batch) <= 2 * room


def test_masks_hide_at_most_what_is_asked():
    config = AugmentConfig(time_masks=1, time_width=4, time_share=0.5, band_masks=1, band_width=9)
    change = Augmentation(config, sound=True)
    hidden = [
        change.masked(np.ones((20, 12), dtype=np.float32), np.random.default_rng(n)) == 0 for n in range(50)
    ]
    assert max(each.all(1).sum() for each in hidden) == 4 and max(each.all(0).sum() for each in hidden) == 3


def test_a_part_holds_a_share_of_the_sequences():
    *_, made = batches()
    part = made.part(0.5)
    assert sum(len(batch) for batch in part.epoch(0)) == 10


def test_steps_needed_counts_blanks_between_repetitions():
    assert steps_needed(np.array([1, 1, 1])) == 5 and steps_needed(np.zeros(0, dtype=np.int64)) == 0


class Counted(tuple):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self):
        Counted.times += 1
        return super().__iter__()


def test_the_alphabet_is_numbered_once_however_many_texts_there_are():
    alphabet = Alphabet("word", True, Counted(["one", "two"]))
    assert [alphabet.encode("two").tolist() for _ in range(5)] == [[2]] * 5
    assert Counted.times == 1
