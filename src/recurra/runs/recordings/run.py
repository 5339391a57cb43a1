"""A trained network that writes down what it hears, or reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.audio.files import BadRecording, pieces, resampling
from recurra.data.audio.filterbank import LogMel
from recurra.data.audio.speakers import Voices
from recurra.data.audio.storage import Growing
from recurra.data.examples import Examples
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.schema import examples_from_arrays
from recurra.data.transcripts.alphabet import Alphabet
from recurra.data.transcripts.batches import TranscriptBatches
from recurra.errors import DataError, InputError, RunError
from recurra.networks.transcription_network import TranscriptionNetwork, Written
from recurra.ops.streaming.stages import Stage
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.loading import load_as
from recurra.runs.recordings.config import RecordingRunConfig
from recurra.runs.recordings.language import FILES, FOLDER, fused, write_language
from recurra.runs.recordings.stream import TranscriptStream
from recurra.runs.run import (
    METRICS,
    MODEL,
    Run,
    check_files,
    check_scaling,
    check_targets,
    read_history,
    read_network,
)
from recurra.runs.texts.run import TextRun
from recurra.storage import read_json
from recurra.tasks.metrics import Score
from recurra.tasks.transcription.decoding import Fusion, make_decoder
from recurra.tasks.transcription.scores import transcript_scores, transcript_sums
from recurra.tasks.transcription.task import TranscriptionTask
from recurra.training.loop import predictions


@dataclass(kw_only=True, repr=False)
class RecordingRun(Run[RecordingRunConfig, TranscriptionNetwork]):
    """A run that writes down sequences.

    Args:
        numbers: scales the steps.
        alphabet: what it writes.
        language: says how likely texts are, beside the network; None where nothing does.
    """

    purpose = "for writing down recordings and other sequences"
    verb = "predict"

    numbers: NumberEncoder
    alphabet: Alphabet
    language: TextRun | None = None

    @property
    def fusion(self) -> Fusion | None:
        """The language model as a search takes it."""
        if self.language is None or self.config.fusion is None:
            return None
        return fused(self.language, self.alphabet, self.config.fusion)

    @property
    def only(self) -> list[np.ndarray]:
        """The tokens of the texts that alone may be written; none: any text may."""
        return [self.alphabet.encode(text) for text in self.config.settings.decoding.only or ()]

    @property
    def task(self) -> TranscriptionTask:
        """The task that the network was trained for."""
        return TranscriptionTask(self.alphabet)

    @property
    def hears(self) -> bool:
        """Whether it reads recordings; else it reads sequences of numbers."""
        return self.config.data_schema.input == "sound"

    @property
    def front(self) -> LogMel:
        """From sound to steps.

        Raises:
            InputError: it reads numbers.
        """
        if not self.hears:
            raise InputError("this run reads sequences of numbers, not sound", fix="Give it arrays (T, I).")
        return LogMel(self.config.settings.audio)

    def log_p(self, sequences: Packed, observer: Observer = ignore) -> list[np.ndarray]:
        """Of each sequence of raw steps (T', V + 1) log probabilities of blank and tokens, float32."""
        found = dict(self._each_log_p(sequences, observer))
        return [found[n].copy() for n in range(len(sequences))]

    def transcribe(self, sequences: Packed, observer: Observer = ignore) -> list[str]:
        """The text of each sequence of raw steps, as they were read.

        Each is decoded as soon as the network has read it: the probabilities of all, of many words, may be more than
        memory.
        """
        fusion, only, texts = self.fusion, self.only, [""] * len(sequences)
        for n, log_p in self._each_log_p(sequences, observer):
            decoder = make_decoder(self.config.settings.decoding.beam, fusion, only)
            decoder.advance(log_p)
            texts[n] = self.alphabet.decode(decoder.best())
        return texts

    def _each_log_p(self, sequences: Packed, observer: Observer) -> Iterator[tuple[int, np.ndarray]]:
        """The place of each sequence and its (T', V + 1), in the order of the batches, of which one is held."""
        if not len(sequences):
            return
        sizes, done = self.config.settings.batches.model_dump(), 0
        batches = TranscriptBatches(sequences, None, self.numbers, **sizes)
        for batch, output in predictions(self.network, batches, "float32"):
            assert isinstance(output, Written)
            log_p = output.logits.log_softmax(2).cpu().numpy()
            for n, row, length in zip(batch.index.tolist(), log_p, output.lengths.tolist(), strict=True):
                yield n, row[: int(length)]
            done += len(batch)
            observer(Measured(done, len(sequences)))

    def predict(
        self, inputs: Any, *, rate: int | None = None, speakers: Sequence[str | None] | None = None
    ) -> list[str]:
        """The text of each input.

        Args:
            inputs: `Examples`; of a run that hears names of WAV and FLAC files, or (n,) arrays of samples, 1 the
                loudest; of any other a list of (T, I) arrays, or an array (N, T, I).
            rate: samples per second of arrays; None: that of the run.
            speakers: who speaks in each recording, where it is known. A run that centres by speakers
                (`audio.centre=speaker`) takes off what the recordings of one have in common.

        Raises:
            DataError: a file that cannot be read, naming it; arrays of another form, or with NaN or infinite samples.
            InputError: a rate that is none.
        """
        if speakers is not None and (isinstance(inputs, Examples) or not self.hears):
            raise InputError("who speaks is said of files and samples of sound", where="speakers")
        if isinstance(inputs, Examples):
            assert inputs.sequences is not None
            return self.transcribe(inputs.sequences)
        if not self.hears:
            sequences = examples_from_arrays(inputs, channels=self.config.data_schema.channels).sequences
            if sequences is None:
                raise DataError("expected sequences of numbers, found texts", where="inputs")
            return self.transcribe(sequences)
        if isinstance(inputs, str | Path):
            raise DataError(
                "expected a list of recordings, found one name", where="inputs", fix="Give [name]."
            )
        who = [None] * len(inputs) if speakers is None else list(speakers)
        if len(who) != len(inputs):
            raise DataError(f"expected {len(inputs)} speakers, found {len(who)}", where="speakers")
        audio, heard = self.config.settings.audio, Growing(self.front.mels)
        for each in inputs:
            heard.add(self._heard(each, self.front.rate if rate is None else rate))
        sequences = heard.packed()
        return self.transcribe(
            Voices(sequences, who, audio.usual_voice).taken_off() if audio.centre == "speaker" else sequences
        )

    def _heard(self, sound: Any, rate: int) -> np.ndarray:
        """(T, mels) features of a file's name, or of samples."""
        mel = self.front
        if isinstance(sound, str | Path):
            try:
                steps = mel.whole(pieces(Path(sound), mel.rate))
            except BadRecording as error:
                raise DataError(f"this recording is {error}", where=str(sound)) from error
        else:
            samples = np.asarray(sound, dtype=np.float32)
            if samples.ndim != 1:
                raise DataError(
                    f"expected samples (n,) of one channel, found an array of shape {samples.shape}",
                    where="inputs",
                )
            if not np.isfinite(samples).all():
                raise DataError("expected samples, found NaN or infinite numbers", where="inputs")
            if rate != mel.rate:
                samples = resampling(rate, mel.rate).resample_chunk(samples, last=True)
            steps = mel.whole([samples])
        return steps

    def evaluate(self, examples: Examples, observer: Observer = ignore) -> list[Score]:
        """Scores with intervals over sequences, against the examples' own texts."""
        if examples.targets is None or examples.sequences is None:
            raise DataError("the data has no texts to compare with")
        references = [self.alphabet.plain(text) for text in examples.targets.tolist()]
        sums = transcript_sums(self.transcribe(examples.sequences, observer), references)
        return transcript_scores(sums, examples.groups)

    def stream(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, batch: int = 1, *, precision: str | None = None, backend: str = "auto"
    ) -> TranscriptStream:
        """The run fed piece by piece, as sound comes in: `feed(samples)` gives the text up to there.

        All pieces together give what the whole recording gives.

        Args:
            batch, precision, backend: as other runs have them; here 1, as trained, and "auto" or "reference" alone.

        Raises:
            InputError: the network needs the whole sequence, and why.
        """
        if batch != 1 or precision not in (None, "float32") or backend not in ("auto", "reference"):
            raise InputError(
                "a run that writes down sequences is fed one of them at a time, in 32-bit floats, by PyTorch",
                where="stream",
                fix="Leave batch, precision and backend out.",
            )
        return TranscriptStream(
            self.network,
            self.numbers,
            self.alphabet,
            beam=self.config.settings.decoding.beam,
            fusion=self.fusion,
            only=self.only,
            front=self.front if self.hears else None,
        )

    def _write_encoders(self, folder: Path) -> list[str]:
        return [] if self.language is None else write_language(self.language, folder)

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        raise InputError("this run is fed piece by piece, not by stages", fix="Use run.stream().")


def load_run(folder: Path) -> RecordingRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, RecordingRunConfig)
    check_files(folder, config, set() if config.fusion is None else set(FILES))
    alphabet = Alphabet.from_json(config.targets)
    check_targets(folder, config, alphabet.outputs)
    numbers, audio = NumberEncoder.from_json(config.numbers), config.settings.audio
    check_scaling(folder, config, numbers.size)
    if config.data_schema.input == "sound" and (audio.rate is None or audio.mels != numbers.channels):
        raise RunError(
            f"the scaling is of {numbers.channels} bands, and sound becomes {audio.mels or 'no known number'}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    make = partial(TranscriptionNetwork, config.settings.network, config.shape)
    return RecordingRun(
        config=config,
        network=read_network(folder / MODEL, make),
        numbers=numbers,
        alphabet=alphabet,
        language=None if config.fusion is None else load_as(folder / FOLDER, TextRun),
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
