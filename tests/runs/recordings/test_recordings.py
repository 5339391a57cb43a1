"""Runs that write down recordings, and other sequences."""

import json
import shutil
from functools import partial

import numpy as np
import polars as pl
import pytest
import torch

import recurra
from recurra.data.audio.files import pieces
from recurra.data.audio.storage import Growing
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.transcripts import reading
from recurra.data.transcripts.alphabet import Alphabet, TranscriptConfig
from recurra.data.transcripts.definition import TranscriptOptions
from recurra.errors import DataError, InputError, RunError
from recurra.networks.config import NetworkShape
from recurra.networks.transcription_network import TranscriptionNetwork, TranscriptionNetworkConfig
from recurra.report.run_files import read_run_files
from recurra.report.sections.network import facts
from recurra.runs.events import Said
from recurra.runs.recordings import run as run_module
from recurra.runs.recordings.config import RecordingFitOptions
from recurra.runs.recordings.examples import Shown
from recurra.runs.recordings.files import fit_recordings, opened, read_sequences
from recurra.runs.recordings.stream import TranscriptStream
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.files import fit_source
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.files import fit_corpus
from recurra.tasks.transcription.decoding import make_decoder
from recurra.training.loop import StepDone
from tests.data.audio.made import RATE, spoken, texts, written
from tests.runs.recordings.made import SMALL, sound_folder, strokes
from tests.tolerances import assert_close

BY_PART = TranscriptOptions(split="part")


def fitted(source, **more):
    settings = SMALL | more.pop("settings", {})
    options = RecordingFitOptions(
        data=more.pop("data", BY_PART), settings=settings, **more.pop("options", {})
    )
    return fit_recordings(source, options, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sound_folder(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """One that reads forwards alone, so that it streams; saved."""
    place = tmp_path_factory.mktemp("runs") / "tones"
    fitted(folder, settings={"network.bidirectional": False, "network.segment": 2}, out=place)
    return recurra.load(place)


def test_it_learns_and_says_how_well_beside_its_baselines(run):
    metrics = run.metrics
    assert metrics["test"]["scores"][0]["name"] == "word error rate"
    assert metrics["test"]["scores"][0]["value"] < 0.1
    assert metrics["baselines"][0]["name"] == "always the commonest text"
    assert metrics["standing"]["is"] == "better" and "points" in metrics["verdict"]
    json.dumps(metrics, allow_nan=False)


def test_pictures_are_kept_and_read_back(run):
    found = [Shown.from_json(record) for record in run.metrics["transcriptions"]]
    assert 1 <= len(found) <= 4
    for each in found:
        assert each.steps.shape[1] == 12 and 0 <= each.steps.min() <= each.steps.max() == 1
        assert len(each.blank) == run.network.joined(len(each.steps))
        if each.text == each.reference and "  " not in each.text:
            assert all(0 <= step < len(each.blank) for _, step, _ in each.fired)


def test_a_loaded_run_says_the_same_of_files_and_samples(run, folder):
    files = [folder / f"{n}.wav" for n in range(6)]
    samples = [np.concatenate(list(pieces(path, RATE))) for path in files]
    said = run.predict(files)
    assert run.predict(samples) == said
    read = read_sequences(folder, run.config.data_schema, run.config.settings.audio)
    assert run.transcribe(read.examples.sequences)[:6] == said
    assert run.evaluate(read.examples)[0].value < 0.2
    assert run.predict([]) == []


def test_a_run_that_knows_who_speaks_hears_files_as_the_table_that_says_so(folder, tmp_path):
    frame = pl.read_csv(folder / "texts.csv")
    who = ["ann" if n % 2 else "bob" for n in range(len(frame))]
    frame = frame.with_columns(
        pl.Series("speaker", who), file=pl.format("{}/{}", pl.lit(str(folder)), pl.col("file"))
    )
    told = []
    fitted(frame, settings={"training.epochs": 3}, out=tmp_path / "run", observer=told.append)
    said = [event.text for event in told if isinstance(event, Said)]
    assert any(each.startswith("'speaker' says who speaks (--group speaker") for each in said)
    assert not any("not used: 'speaker'" in each for each in said)
    run = recurra.load(tmp_path / "run")
    audio = run.config.settings.audio
    assert audio.centre == "speaker" and len(audio.usual_voice) == 12
    test = frame.filter(pl.col("part") == "test")
    read = read_sequences(test, run.config.data_schema, audio)
    again = [score.value for score in run.evaluate(read.examples)]
    assert again == [score["value"] for score in run.metrics["test"]["scores"]], "the part read alone"
    files, speakers = test["file"].to_list(), test["speaker"].to_list()
    assert run.predict(files, speakers=speakers) == run.transcribe(read.examples.sequences)
    alone = read_sequences(test.drop("speaker"), run.config.data_schema, audio)
    assert run.predict(files) == run.transcribe(alone.examples.sequences)
    assert run.predict([]) == [] and len(run.predict([np.zeros(20, dtype=np.float32)])) == 1
    with pytest.raises(DataError, match="expected 2 speakers, found 1"):
        run.predict(files[:2], speakers=["ann"])
    with pytest.raises(InputError, match="files and samples of sound"):
        run.predict(read.examples, speakers=speakers)


def test_going_on_from_a_run_that_knows_who_speaks(folder, tmp_path):
    frame = pl.read_csv(folder / "texts.csv").with_columns(
        pl.lit("ann").alias("speaker"), file=pl.format("{}/{}", pl.lit(str(folder)), pl.col("file"))
    )
    all_of_it = {"validation": 0.0}
    first = fitted(frame, settings={"training.epochs": 1}, options=all_of_it, out=tmp_path / "run")
    given_apart = fitted(
        frame.filter(pl.col("part") == "train").drop("part"),
        data=TranscriptOptions(),
        settings={"training.epochs": 1},
        test=frame.filter(pl.col("part") == "test").drop("part"),
        options=all_of_it,
    )
    assert given_apart.metrics["test"] == first.metrics["test"], "a part or a table of its own"
    asked = {"settings": {"training.epochs": 1}, "init": str(tmp_path / "run"), "baselines": False}
    told = []
    for data in (frame, frame.drop("speaker")):
        options = RecordingFitOptions(data=BY_PART, **asked)
        again = fit_recordings(data, options, observer=told.append)
        assert again.config.settings.audio == first.config.settings.audio
    assert [e.text for e in told if isinstance(e, Said) and "not known who speaks" in e.text]


@pytest.mark.parametrize("size", [1, 37, 500, 100_000])
def test_a_stream_gives_from_pieces_what_the_whole_gives(run, folder, size):
    for n in range(2 if size == 1 else 5):
        samples = np.concatenate(list(pieces(folder / f"{n}.wav", RATE)))
        whole = run.log_p(_raw(run, samples))[0]
        stream, found = run.stream(), []
        for begin in range(0, len(samples), size):
            found.append(stream.log_p(samples[begin : begin + size]))
        found.append(stream.log_p(np.zeros(0, dtype=np.float32), last=True))
        assert_close(torch.from_numpy(np.concatenate(found)), torch.from_numpy(whole), "stream", slack=10)
        assert stream.end() == run.predict([samples])[0]
        with pytest.raises(InputError, match="has ended"):
            stream.feed(samples)


def test_a_stream_writes_as_it_hears_and_begins_anew(run):
    stream = run.stream()
    heard = [stream.feed(piece) for piece in np.array_split(spoken("low high mid low"), 8)]
    assert len(heard[0]) < len(heard[-1]) and stream.end() == "low high mid low"
    stream.reset()
    assert stream.feed(spoken("high")) in ("", "high") and stream.end() == "high"


def test_a_stream_takes_another_rate(run):
    time = np.arange(0, 0.3, 1 / 44_100)
    sound = np.sin(2 * np.pi * 2500 * time).astype(np.float32) * 0.3
    stream = run.stream()
    for piece in np.array_split(sound, 5):
        stream.feed(piece, rate=44_100)
    assert stream.end() == run.predict([sound], rate=44_100)[0]
    stream.reset()
    stream.feed(sound, rate=44_100)
    with pytest.raises(InputError, match="44,100 samples per second"):
        stream.feed(sound, rate=8000)


def test_what_cannot_be_heard_is_refused_with_its_name(run, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"bad\.wav: this recording is broken"):
        run.predict([tmp_path / "bad.wav"])
    with pytest.raises(DataError, match="found one name"):
        run.predict("bad.wav")
    with pytest.raises(DataError, match="one channel"):
        run.predict([np.zeros((5, 2))])
    spoilt = np.full(2000, np.nan, dtype=np.float32)
    with pytest.raises(DataError, match="found NaN or infinite numbers"):
        run.predict([spoilt])
    with pytest.raises(InputError, match="found NaN or infinite numbers"):
        run.stream().feed(spoilt)
    for rate in (-5, 0):
        with pytest.raises(InputError, match=f"rate: expected samples per second, found {rate}"):
            run.predict([np.zeros(2000)], rate=rate)
    stream, sound = run.stream(), spoken("high")
    for rate in (-5, 0):
        with pytest.raises(InputError, match=f"rate: expected samples per second, found {rate}"):
            stream.feed(sound, rate=rate)
    with pytest.raises(InputError, match="found NaN or infinite numbers"):
        stream.log_p(spoilt, last=True)
    stream.feed(sound, rate=RATE)  # what was refused has left nothing behind
    assert stream.end() == run.predict([sound], rate=RATE)[0]
    with pytest.raises(InputError, match="one channel"):
        run.stream().feed(np.zeros((5, 2)))
    with pytest.raises(InputError, match="one of them at a time"):
        run.stream(batch=2)


class Killed(BaseException):
    pass


def test_same_seed_same_run_also_when_killed_and_resumed(folder, tmp_path):
    few = {"training.epochs": 2, "training.checkpoint_every_s": 1e-9}
    one = fitted(folder, settings=few)

    def kill(event):
        if isinstance(event, StepDone) and event.step == 10:
            raise Killed

    with pytest.raises(Killed):
        fitted(folder, settings=few, out=tmp_path / "run", observer=kill)
    two = fitted(folder, settings=few, out=tmp_path / "run", resume=True)
    state = two.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in one.network.state_dict().items())
    assert [each["train_loss"] for each in one.history] == [each["train_loss"] for each in two.history]
    with pytest.raises(InputError, match="from both ends"):
        one.stream()


def test_large_sets_are_learned_from_a_mapped_file(folder, monkeypatch):
    few = {"training.epochs": 2}
    in_memory = fitted(folder, settings=few, options={"baselines": False})
    monkeypatch.setattr("recurra.data.transcripts.reading.Growing", partial(Growing, large=1000))
    fitting, _ = opened(folder, RecordingFitOptions(data=BY_PART, settings=SMALL | few))
    assert isinstance(fitting.examples.sequences.values, np.memmap)
    mapped = fitted(folder, settings=few, options={"baselines": False})
    losses = [[each["train_loss"] for each in run.history] for run in (in_memory, mapped)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02) and losses[0] != losses[1]


def test_another_folder_is_the_test_part(folder, tmp_path):
    other = sound_folder(tmp_path / "other", 9)
    run = fitted(folder, data=TranscriptOptions(ignore=["part"]), settings={"training.epochs": 1}, test=other)
    assert run.config.parts["test"] == 9 and run.config.sources == [str(folder), str(other)]
    assert run.metrics["transcriptions"][0]["name"].endswith(".wav")


def test_texts_longer_than_their_sound_are_left_out_and_named(folder, tmp_path):
    written(tmp_path / "short.wav", spoken("low")[:600])
    frame = pl.read_csv(folder / "texts.csv").with_columns(
        file=pl.format("{}/{}", pl.lit(str(folder)), pl.col("file"))
    )
    long = pl.DataFrame({"file": ["short.wav"], "text": ["low " * 30], "part": ["train"]})
    pl.concat([frame, long]).write_csv(tmp_path / "t.csv")
    told = []
    run = fitted(
        tmp_path / "t.csv",
        settings={"training.epochs": 1},
        observer=lambda event: told.append(event.text) if isinstance(event, Said) else None,
    )
    assert any(
        "1 of 54 sequences of the train part are too short" in text and "short.wav" in text for text in told
    )
    assert run.config.parts["train"] == 54


def test_a_network_without_recurrence_is_not_said_to_read_from_both_ends(folder):
    said = []
    fitted(
        folder,
        settings={"network.cell": "feedforward", "training.epochs": 1},
        options={"baselines": False},
        observer=lambda event: said.append(getattr(event, "text", "")),
    )
    assert any("the network reads each of them by itself" in text for text in said)


def test_numbers_far_from_zero_are_streamed_as_those_near_it():
    near = np.random.default_rng(0).integers(-4000, 4000, (12, 3)) / 1024
    config = TranscriptionNetworkConfig(hidden_size=6, convolution_size=4, bidirectional=False)
    network = TranscriptionNetwork(
        config, NetworkShape(input="features", input_size=3, output_size=4, steps=12)
    )
    alphabet, found = Alphabet.fit(["abc"], TranscriptConfig()), []
    for values in (near, near + 2.0**30):
        numbers = NumberEncoder.fit(Packed.from_list([values]))
        stream = TranscriptStream(network, numbers, alphabet, beam=1, front=None)
        found.append(np.concatenate([stream.log_p(values[:6]), *map(stream.step, values[6:])]))
    np.testing.assert_allclose(*found, atol=1e-5)


def test_numbers_with_texts(tmp_path):
    frame = strokes()
    run = fitted(
        frame,
        data=TranscriptOptions(),
        settings={"transcript.level": "character", "network.bidirectional": False, "training.epochs": 30},
        out=tmp_path / "run",
    )
    assert run.metrics["test"]["scores"][1]["value"] < 0.1
    again = recurra.load(tmp_path / "run")
    arrays = [np.array(each) for each in frame["points"].head(5).to_list()]
    said = again.predict(arrays)
    stream = again.stream()
    for x, text in zip(arrays, said, strict=True):
        stream.reset()
        for piece in np.array_split(x, 4):
            stream.feed(piece)
        assert stream.end() == text
    with pytest.raises(InputError, match="not sound"):
        again.front  # noqa: B018
    with pytest.raises(InputError, match="expected steps"):
        stream.reset()
        stream.feed(np.zeros(5))


def test_a_run_begins_from_another(run, folder):
    options = {"init": str(run.path)}
    settings = {"training.epochs": 1, "training.learning_rate": 1e-4}
    more = fit_recordings(folder, RecordingFitOptions(data=BY_PART, settings=settings, **options))
    assert more.metrics["test"]["scores"][0]["value"] < 0.2 and more.alphabet == run.alphabet
    assert more.config.settings.audio == run.config.settings.audio
    for name in ("transcript.level", "audio.mels"):
        with pytest.raises(InputError, match="--init"):
            fit_recordings(
                folder, RecordingFitOptions(data=BY_PART, settings={name: SMALL[name]}, init=str(run.path))
            )


@pytest.mark.parametrize(
    ("alter", "problem"),
    [
        (lambda config: config["targets"]["tokens"].append("more"), "do not fit a network"),
        (lambda config: config["numbers"].update(marked=[True] * 12), "gives 24 numbers a step"),
        (lambda config: config["settings"]["audio"].update(mels=13), "of 12 bands, and sound becomes 13"),
    ],
)
def test_an_altered_run_is_refused(run, folder, tmp_path, alter, problem):
    place = shutil.copytree(run.path, tmp_path / "run")
    config = json.loads((place / "config.json").read_text())
    alter(config)
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=problem):
        recurra.load(place)


def test_mixed_parts_and_settings_that_cannot_be(folder):
    with pytest.raises(InputError, match="lowest_hz"):
        opened(folder, RecordingFitOptions(settings={"audio.rate": 2000, "audio.lowest_hz": 1500}))
    with pytest.raises(InputError, match="--test-share"):
        opened(folder, RecordingFitOptions(test_share=0.5), test=folder)


def test_recordings_of_the_test_part_that_were_learned_from_are_told(folder, monkeypatch):
    frame = pl.read_csv(folder / "texts.csv").drop("part")
    frame = frame.with_columns(file=pl.format("{}/{}", pl.lit(str(folder)), pl.col("file")))
    options = RecordingFitOptions(settings={"audio.mels": 12})
    said = Said("2 of the 5 test recordings also stand in the training data, and are scored, too", "warning")
    for large in (1 << 30, 20_000):  # bytes from which on they lie on disk: here those to learn from alone
        monkeypatch.setattr(reading, "Growing", partial(Growing, large=large))
        told = []
        opened(frame[:20], options, test=frame[18:23], observer=told.append)
        assert said in told
    numbers, told = strokes(8), []
    opened(numbers[:6], RecordingFitOptions(), test=numbers[5:], observer=told.append)
    said = "1 of the 3 test sequences also stand in the training data, and are scored, too"
    assert Said(said, "warning") in told


def _raw(run, samples):
    from recurra.data.packed import Packed

    return Packed.from_list([run._heard(samples, RATE)])


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """A word in each recording, twenty of each of three words to learn from."""
    folder = tmp_path_factory.mktemp("commands")
    said = [("low", "mid", "high")[n % 3] for n in range(75)]
    files = [str(written(folder / f"{n}.wav", spoken(word, seed=n))) for n, word in enumerate(said)]
    parts = ["train"] * 60 + ["test"] * 15
    return pl.DataFrame({"file": files, "text": said, "part": parts})


def test_of_few_single_words_one_is_written_whatever_is_said(commands, tmp_path):
    told = []
    few = {"network.bidirectional": False, "training.epochs": 20}
    fitted(commands, settings=few, out=tmp_path / "run", observer=told.append)
    assert any(
        "one of the 3 words of the training part is written" in e.text for e in told if isinstance(e, Said)
    )
    run = recurra.load(tmp_path / "run")
    assert run.config.settings.decoding.only == ("high", "low", "mid")
    assert facts(read_run_files(tmp_path / "run"))["Written"] == "one of 3 texts, whatever is said"
    assert run.metrics["test"]["scores"][0]["value"] < 0.2
    heard = [spoken("low high low"), np.zeros(4000, dtype=np.float32), spoken("mid"), spoken("low")]
    said = run.predict(heard)
    assert all(word in ("high", "low", "mid") for word in said) and said[2:] == ["mid", "low"]
    for samples, word in zip(heard, said, strict=True):
        stream = run.stream()
        grown = [stream.feed(piece) for piece in np.array_split(samples, 7)]
        assert stream.end() == word and set(grown) <= {"", "high", "low", "mid"}


def test_any_text_or_those_asked_for_are_written(commands, tmp_path):
    few = {"training.epochs": 15}
    free = fitted(commands, settings=few | {"decoding.only": []}, out=tmp_path / "free")
    assert free.config.settings.decoding.only == ()
    on = RecordingFitOptions(
        data=BY_PART, settings={"training.epochs": 1}, init=str(tmp_path / "free"), baselines=False
    )
    assert fit_recordings(commands, on).config.settings.decoding.only == ()
    assert len(free.predict([spoken("low high low mid")])[0].split()) > 1
    asked = fitted(commands, settings=few | {"decoding.only": ["low  high", "MID", "mid"]})
    assert asked.config.settings.decoding.only == ("low high", "mid")
    assert asked.predict([spoken("low high"), spoken("mid")]) == ["low high", "mid"]
    for texts_, problem in ((["stop"], "does not hold stop"), ([" "], "one character or more")):
        with pytest.raises(InputError, match=problem):
            fitted(commands, settings=few | {"decoding.only": texts_})
    with pytest.raises(InputError, match="no say where all texts are known"):
        fitted(commands, settings=few | {"decoding.only": ["low"]}, options={"lm": "any"})


def test_going_on_with_a_run_of_another_kind_says_which_it_is(run):
    frame = pl.DataFrame({"text": ["a good film", "a bad film"] * 20, "label": ["p", "n"] * 20})
    with pytest.raises(RunError, match=r"kind 'sequence', found one of kind 'recording'.*--task"):
        fit_source(frame, SequenceFitOptions(), out=run.path, resume=True)


def test_texts_of_several_words_may_be_written_anew(run):
    assert run.config.settings.decoding.only == ()


def test_a_language_model_is_weighed_kept_and_taken_along(folder, tmp_path):
    (tmp_path / "said.txt").write_text("\n".join(texts(200)) + "\n")
    small = {
        "network.hidden_size": 16,
        "network.embedding_size": 16,
        "training.epochs": 2,
        "training.threads": 1,
    }
    corpus = TextFitOptions(settings=small, baselines=False)
    fit_corpus(tmp_path / "said.txt", corpus, out=tmp_path / "lm")
    options = {"lm": str(tmp_path / "lm"), "baselines": False}
    frame = (
        pl.read_csv(folder / "texts.csv")
        .with_columns(part=pl.Series([("train", "test", "validation")[n % 3] for n in range(80)]))
        .head(45)
    )
    frame.write_csv(folder / "thirds.csv")
    made = fitted(
        folder / "thirds.csv",
        settings={"training.epochs": 8, "decoding.beam": 3},
        options=options,
        out=tmp_path / "run",
    )
    (tmp_path / "lm").rename(tmp_path / "gone")
    (tmp_path / "run").rename(tmp_path / "moved")
    run = recurra.load(tmp_path / "moved")
    assert run.config.fusion == made.config.fusion and "of 12 choices" in run.config.fusion.why
    told = facts(read_run_files(tmp_path / "moved"))["Language model"]
    assert "weight" in told and "of 12 choices" in told
    sound = [spoken("low high"), spoken("mid")]
    assert run.predict(sound) == made.predict(sound)
    (tmp_path / "moved" / "language" / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="is not the one that this run wrote"):
        recurra.load(tmp_path / "moved")
    (folder / "thirds.csv").unlink()


def test_a_language_model_needs_something_to_be_weighed_on(folder, run, tmp_path):
    (tmp_path / "said.txt").write_text("low high\n" * 300)
    small = {
        "network.hidden_size": 8,
        "network.embedding_size": 8,
        "training.epochs": 1,
        "training.threads": 1,
    }
    fit_corpus(tmp_path / "said.txt", TextFitOptions(settings=small, baselines=False), out=tmp_path / "lm")
    few = {"training.epochs": 1}
    with pytest.raises(InputError, match=r"--validation 0\.1"):
        fitted(folder, settings=few, options={"lm": str(tmp_path / "lm"), "baselines": False})
    said = few | {"decoding.lm_weight": 0.5, "decoding.word_bonus": 1.0}
    made = fitted(folder, settings=said, options={"lm": str(tmp_path / "lm"), "baselines": False})
    assert made.config.fusion.why == "as asked"
    with pytest.raises(RunError, match="for writing text"):
        fitted(folder, settings=few, options={"lm": str(run.path)})


def test_each_batch_is_written_before_the_next_is_read(run, folder, monkeypatch):
    """The probabilities of all sequences at once, of many words, may be more than memory."""
    made, told = [], []
    monkeypatch.setattr(run_module, "make_decoder", lambda *how: made.append(how) or make_decoder(*how))
    read = read_sequences(folder, run.config.data_schema, run.config.settings.audio)
    run.transcribe(read.examples.sequences, lambda event: told.append((event.done, len(made))))
    assert len(told) > 1 and all(done == written for done, written in told)
