"""A trained network that reads a text and writes another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.parallel import PairCodec, listed_texts
from recurra.errors import DataError, RunError
from recurra.networks.pair_network import PairNetwork
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.pairs.config import PairRunConfig
from recurra.runs.run import METRICS, MODEL, TOKENIZER, Run, check_files, read_history, read_network
from recurra.storage import read_json
from recurra.tasks.metrics import Score
from recurra.tasks.translation.scores import TextMeasures
from recurra.tasks.translation.search import Hypothesis, search


@dataclass(frozen=True)
class Translation:
    """One answer.

    Args:
        text: what it says.
        score: the logarithm of its probability over the length penalty; the higher the better.
        log_probability: of all its ids and its end together.
    """

    text: str
    score: float
    log_probability: float


@dataclass(frozen=True)
class Alignment:
    """Where a network looked while it wrote.

    Args:
        source, answer: their ids as people read them, (S,) and (T,), ends included.
        weights: (T, S), each row adding up to 1.
    """

    source: list[str]
    answer: list[str]
    weights: np.ndarray


@dataclass(kw_only=True, repr=False)
class PairRun(Run[PairRunConfig, PairNetwork]):
    """A run that reads a text and writes another.

    Args:
        codec: from texts to ids and back.
    """

    purpose = "for pairs of texts"
    verb = "predict"

    codec: PairCodec

    @property
    def measures(self) -> TextMeasures:
        """What its answers are scored by."""
        task = self.config.settings.task
        assert task.measure != "auto"
        return TextMeasures(task.measure, task.tokenize)

    def translate(
        self, sources: Any, observer: Observer = ignore, *, beam: int | None = None
    ) -> list[list[Translation]]:
        """The best answers to each source, from the best on; an empty source has an empty one.

        Args:
            sources: as `recurra.data.parallel.listed_texts` takes them.
            beam: beginnings kept side by side; None: as the settings say.

        Raises:
            DataError: `sources` is one text, or something that is none.
        """
        sources = listed_texts(sources, "sources")
        settings = self.config.settings
        if beam is not None:
            settings = settings.changed({"task.beam": beam})
        how = settings.task.search(self.codec.target.level)
        found = [[Translation("", 0.0, 0.0)] for _ in sources]
        asked = [n for n, text in enumerate(sources) if text.strip()]
        if not asked:
            return found
        packed = self._encoded([sources[n] for n in asked])
        order, done, size = np.argsort(-packed.lengths, kind="stable"), 0, settings.batches.max_batch
        device = next(self.network.parameters()).device
        self.network.eval()
        for start in range(0, len(order), size):
            places = order[start : start + size]
            ids, lengths = packed.pad(places)
            with torch.no_grad():
                memory, state = self.network.read(
                    torch.from_numpy(ids.astype(np.int64)).to(device), torch.from_numpy(lengths).to(device)
                )
            answers = search(
                self.network.decoder,
                memory,
                state,
                settings.task.limits(lengths, settings.tokens.longest_target),
                boundary=self.codec.boundary,
                never=self.codec.never,
                settings=how,
            )
            for place, hypotheses in zip(places.tolist(), answers, strict=True):
                found[asked[place]] = self._translations(hypotheses)
            done += len(places)
            observer(Measured(done, len(order), "sources"))
        return found

    def predict(self, inputs: Any) -> list[str]:
        """The best answer to each source; see `translate`."""
        return [answers[0].text for answers in self.translate(inputs)]

    def evaluate(self, examples: Examples, observer: Observer = ignore) -> list[Score]:
        """Scores of the answers to the examples' texts against their targets, with intervals over pairs.

        Raises:
            DataError: the examples have no targets.
        """
        if examples.texts is None or examples.targets is None:
            raise DataError("the data has no targets to compare with", fix="Give pairs of texts.")
        answers = [each[0].text for each in self.translate(examples.texts.tolist(), observer)]
        measures = self.measures
        return measures.scores(measures.sums(answers, examples.targets.tolist()))

    def alignment(self, source: str, answer: str) -> Alignment | None:
        """Where the network looks in `source` while it writes `answer`; None where it has no attention."""
        packed, said = self._encoded([source]), self.codec.encode_target(answer)
        ids, boundary = packed[0].astype(np.int64), self.codec.boundary
        device = next(self.network.parameters()).device
        read = torch.tensor([[boundary, *said.tolist()]], device=device)
        with torch.no_grad():
            output = self.network.eval()(
                torch.from_numpy(ids[None]).to(device), torch.tensor([len(ids)], device=device), read
            )
        if output.alignment is None:
            return None
        weights = output.alignment[0].float().cpu().numpy()
        return Alignment(
            self.codec.source_pieces(ids.tolist()),
            self.codec.target_pieces([*said.tolist(), boundary]),
            weights,
        )

    def _encoded(self, sources: Sequence[str]) -> Packed:
        longest = self.config.settings.tokens.longest_source
        return Packed.from_list([self.codec.encode_source(text, longest) for text in sources])

    def _translations(self, hypotheses: list[Hypothesis]) -> list[Translation]:
        """Answers that read alike, though of other ids, are one: the best of them."""
        found: dict[str, Translation] = {}
        for each in hypotheses:
            text = self.codec.decode(each.tokens)
            found.setdefault(text, Translation(text, each.score, each.log_probability))
        return list(found.values())

    def _stages(self) -> NoReturn:
        self.network.stages()
        raise AssertionError

    def _write_encoders(self, folder: Path) -> list[str]:
        self.codec.save(folder / TOKENIZER)
        return [TOKENIZER]


def load_run(folder: Path) -> PairRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, PairRunConfig)
    check_files(folder, config, {TOKENIZER})
    codec = PairCodec.load(folder / TOKENIZER)
    found, expected = (
        (codec.source_size, codec.target_size),
        (config.shape.input_size, config.shape.output_size),
    )
    if found != expected:
        raise RunError(
            f"the ids ({found[0]:,} and {found[1]:,}) do not fit a network of {expected[0]:,} and {expected[1]:,}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    return PairRun(
        config=config,
        network=read_network(folder / MODEL, partial(PairNetwork, config.settings.network, config.shape)),
        codec=codec,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
