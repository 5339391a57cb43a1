"""A trained network that tags words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.batches import Batches
from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.schemes import OUTSIDE, converted, marked, split_tag
from recurra.data.sentences.vocabulary import Vocabulary
from recurra.errors import DataError, InputError, RunError
from recurra.networks.sentence_network import SentenceNetwork
from recurra.ops.streaming.stages import Stage
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, Said, ignore
from recurra.runs.run import METRICS, MODEL, TOKENIZER, Run, check_files, read_history, read_network
from recurra.runs.sentences.config import SentenceRunConfig
from recurra.runs.sentences.targets import learned_tags, told_of_strangers, true_tags
from recurra.storage import read_json
from recurra.tasks.metrics import Score
from recurra.tasks.sentences.scores import SentenceMeasures
from recurra.tasks.sentences.task import SentenceTask
from recurra.training.loop import predictions


@dataclass(kw_only=True, repr=False)
class SentenceRun(Run[SentenceRunConfig, SentenceNetwork]):
    """A run that tags words.

    Args:
        vocabulary: the words and characters that it knows.
    """

    purpose = "for tagging the words of sentences"
    verb = "predict"

    vocabulary: Vocabulary

    @property
    def task(self) -> SentenceTask:
        """The task that the network was trained for."""
        return SentenceTask(self.config.tags, marks_spans=self.marks_spans)

    @property
    def marks_spans(self) -> bool:
        """Whether its tags mark spans of words."""
        return self.config.data_schema.scheme is not None

    @property
    def tags(self) -> list[str]:
        """The tags that it may give, as it learned them."""
        return list(self.config.tags)

    @property
    def answers(self) -> list[str]:
        """The tags that it may give, in the scheme of the data that it was trained on."""
        scheme = self.config.data_schema.scheme
        if scheme is None:
            return self.tags
        kinds = sorted({split_tag(tag)[1] for tag in self.tags if tag != OUTSIDE})
        shown = [
            marked([(kind, 0, n), (kind, n + 1, n + 1)], n + 2, scheme) for kind in kinds for n in (0, 2)
        ]
        return sorted({OUTSIDE, *(tag for tags in shown for tag in tags)})

    def answer(self, sentences: Sentences, observer: Observer = ignore) -> list[list[str]]:
        """A tag for each word of each sentence, in the scheme of the data that the run was trained on."""
        names, scheme, task = self.config.tags, self.config.data_schema.scheme, self.task
        found: list[list[str]] = [[] for _ in range(len(sentences))]
        if not sentences.count:
            return found
        encoded = self.vocabulary.encode(sentences)
        batches = Batches(encoded.kinds, finish=encoded.finish, **self.config.settings.batches.model_dump())
        done = 0
        for batch, output in predictions(self.network, batches, "float32"):
            for n, places in zip(batch.index.tolist(), task.answers(output), strict=True):
                tags = [names[place] for place in places.tolist()]
                found[n] = tags if scheme is None else [str(tag) for tag in converted(tags, scheme)]
            done += len(batch)
            observer(Measured(done, len(sentences), "sentences"))
        return found

    def predict(self, sentences: Sequence[Sequence[str | tuple[str, ...]]]) -> list[list[str]]:
        """A tag for each word of sentences as lists of words.

        Args:
            sentences: each word a text, or a tuple of it and of what the further columns say of it.

        Raises:
            InputError: texts that are not cut into words.
            DataError: words with more, or less, known of them than the run learned from.
        """
        sentences = list(sentences)
        for n, sentence in enumerate(sentences):
            if isinstance(sentence, str) or not hasattr(sentence, "__len__"):
                found = f"the text {sentence[:40]!r}" if isinstance(sentence, str) else repr(sentence)[:40]
                raise InputError(
                    f"expected a list of words, found {found}",
                    where="sentences",
                    fix='Cut it into words: [["A", "dog", "barks", "."]].',
                )
            for word in sentence:
                if not all(isinstance(each, str) for each in (word if isinstance(word, tuple) else (word,))):
                    raise InputError(
                        f"expected texts as words, found {word!r}",
                        where=f"sentences[{n}]",
                        fix="A number is a word as a text, and a missing one an empty text.",
                    )
        return self.answer(Sentences.of(sentences))

    def evaluate(self, sentences: Sentences, observer: Observer = ignore) -> list[Score]:
        """Scores with intervals over sentences; words without a tag do not count.

        Raises:
            DataError: no word has a tag.
        """
        truth = true_tags(sentences, self.config.data_schema.scheme)
        if not any(tag is not None for tags in truth for tag in tags):
            raise DataError("no word has a tag to compare with", fix="Give a file with a tag for every word.")
        strangers = [
            str(tag)
            for tags, learned in zip(truth, learned_tags(truth, self.config.learned_scheme), strict=True)
            for tag, own in zip(tags, learned, strict=True)
            if own is not None and own not in self.config.tags
        ]
        if strangers:
            observer(Said(told_of_strangers(strangers, "these data"), "warning"))
        measures = SentenceMeasures.of(truth, [self.config.tags], marks_spans=self.marks_spans)
        said = self.answer(sentences, observer)
        sums = measures.sums(truth, said, self.unseen(sentences))
        return measures.scores(sums, seed=self.config.options.seed)

    def unseen(self, sentences: Sentences) -> list[np.ndarray]:
        """Of each sentence (T,) bool, the words that have no vector."""
        flat = self.vocabulary.encode(sentences).unseen()
        return np.split(flat, np.cumsum(sentences.words.lengths)[:-1])

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        return self.network.stages(), None

    def _write_encoders(self, folder: Path) -> list[str]:
        self.vocabulary.save(folder / TOKENIZER)
        return [TOKENIZER]


def load_run(folder: Path) -> SentenceRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, SentenceRunConfig)
    check_files(folder, config, {TOKENIZER})
    vocabulary, shape = Vocabulary.load(folder / TOKENIZER), config.shape
    found = (vocabulary.size, vocabulary.characters_size, len(config.tags))
    if found != (shape.input_size, shape.characters, shape.output_size):
        raise RunError(
            f"{found[0]:,} words, {found[1]:,} characters and {found[2]:,} tags do not fit a network of "
            f"{shape.input_size:,}, {shape.characters:,} and {shape.output_size:,}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    if vocabulary.features_sizes != shape.features:
        raise RunError(
            f"further columns of {vocabulary.features_sizes} values do not fit a network of {shape.features}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    make: Any = partial(SentenceNetwork, config.settings.network, shape)
    return SentenceRun(
        config=config,
        network=read_network(folder / MODEL, make),
        vocabulary=vocabulary,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
