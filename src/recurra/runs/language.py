"""What trainings and runs of language networks share, whether the tokens are of a text or events of music."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from recurra.data.corpus import Spelling
from recurra.data.corpus.batches import StreamBatches
from recurra.data.corpus.reading import Part
from recurra.networks.config import NetworkShape
from recurra.networks.language import LanguageNetwork
from recurra.ops.streaming.stages import Probabilities, Stage
from recurra.ops.streaming.stream import Stream
from recurra.runs.config import RunConfig
from recurra.runs.events import Measured, Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Fitting
from recurra.runs.run import Run
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult, best_baseline, standing, verdict
from recurra.tasks.generation.baselines import Tokens, run_language_baselines
from recurra.tasks.generation.decoding import Step
from recurra.tasks.generation.metrics import (
    compare_streams,
    headline_of,
    language_scores,
    stream_measure,
    stream_sums,
)
from recurra.tasks.generation.task import LanguageTask, nats_of
from recurra.tasks.metrics import Score
from recurra.training.loop import predictions

_EXACT = 200_000  # tokens that are read as one stream; more in eight, which begin anew
_STEPS = 256
_VALIDATION_ROWS = 16

C = TypeVar("C", bound=RunConfig)
R = TypeVar("R", bound="LanguageRun[Any]")


@dataclass(kw_only=True, repr=False)
class LanguageRun(Run[C, LanguageNetwork]):
    """A run that goes on token by token.

    Args:
        codec: from what people have to ids and back.
    """

    verb = "generate"

    codec: Any

    @property
    @abstractmethod
    def begin(self) -> int:
        """The id that stands before the first token."""

    def step(self) -> Step:
        """What reads a token and gives the logits of the next; the state is carried, so no token costs more than the
        last. A transformer carries none: it reads the last tokens anew for each, as many as a window of its training.
        """
        if not self.network.config.carries_state:
            return self._reading_anew()
        stream = Stream(self.network.stages())
        return lambda token, state: (stream.step(torch.tensor(token)), state)

    def _reading_anew(self) -> Step:
        network, seen = self.network.eval(), []
        device = next(network.parameters()).device

        @torch.no_grad()
        def step(token: int, state: None) -> tuple[torch.Tensor, None]:
            seen.append(token)
            del seen[: -self._window]
            return network(torch.tensor([seen], device=device)).logits[0, -1].cpu(), state

        return step

    @property
    def _window(self) -> int:
        """Tokens that gradients went back in training."""
        return self.config.settings.windows.steps  # pyright: ignore[reportAttributeAccessIssue]

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        stages = self.network.stages()
        return [*stages, Probabilities(stages[-1].width)], None

    def nats(self, ids: np.ndarray, observer: Observer = ignore) -> np.ndarray:
        """(n,) minus the logarithm of the probability that each of some tokens was given."""
        rows = _rows(len(ids))
        steps = _STEPS if self.network.config.carries_state else self._window
        source = StreamBatches(ids, begin=self.begin, rows=rows, steps=steps, vary=False)
        found, done, device = [], 0, next(self.network.parameters()).device
        for batch, output in predictions(self.network, source, "float32"):
            assert batch.target is not None
            found.append(nats_of(output, batch.target.to(device)).cpu().numpy())
            done += batch.target.numel()
            observer(Measured(done, len(ids)))
        return np.concatenate(found, axis=1).ravel()

    def scores(self, nats: np.ndarray, spelling: Spelling) -> list[Score]:
        """Scores of tokens whose `nats` are known; the fewer than eight left over at the end are not in.

        Args:
            spelling: what these and the left over stand for.
        """
        headline = headline_of(self.codec.level)
        spelled = spelling.first(len(nats))
        return language_scores(nats, *spelled, headline=headline, seed=self.config.options.seed)


class LanguageFitting(Fitting[C, R]):
    """How a language network is trained on streams of ids; `prepare` makes these and then calls `_begin`.

    Args (that `prepare` sets before):
        codec: what the ids mean.
        streams: (n,) ids of each part that there is.
    """

    network_form = LanguageNetwork
    settings: Any
    codec: Tokens
    streams: dict[str, np.ndarray]
    baselines: list[BaselineResult]

    def _begin(self, begin: int, init: Run[Any, Any] | None, observer: Observer) -> None:
        """Batches, objective and shape.

        Args:
            begin: the id before the first.
        """
        windows, train, held = self.settings.windows, self.streams["train"], self.streams.get("validation")
        self.training = StreamBatches(train, begin=begin, seed=self.options.seed, **windows.model_dump())
        self.validation = None
        if held is not None:
            rows = min(_VALIDATION_ROWS, max(1, len(held) // 100))
            self.validation = StreamBatches(held, begin=begin, rows=rows, steps=windows.steps, vary=False)
        else:
            observer(Said("without a validation part the last weights are kept"))
        per_token, spelled = None, 0.0
        if headline_of(self.codec.level) != "perplexity":
            characters, spelling = self.spelling("train" if held is None else "validation")
            assert characters is not None
            per_token = float(characters.mean())
            spelled = 0.0 if spelling is None else float(spelling.mean())
        task = self.settings.task
        self.objective = LanguageTask(task.activation_penalty, task.change_penalty, per_token, spelled)
        self.fingerprint = _fingerprint(self.streams)
        self.validation_steps = 0 if held is None else len(held)
        self.final_steps = len(self.streams.get("test", ()))
        self.shape = NetworkShape(
            input="tokens",
            input_size=self.codec.vocabulary_size,
            output_size=self.codec.vocabulary_size,
            steps=windows.steps if init is None else init.config.shape.steps,
        )
        rows = f"{windows.rows} rows of about {windows.steps} tokens"
        observer(Said(f"{len(self.training):,} batches an epoch, {rows}"))

    def spelling(self, part: Part) -> Spelling:
        """What the tokens of a part stand for."""
        return Spelling(self.codec.characters(self.streams[part]))

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """Counted on training and validation part together, scored on the test part."""
        test = self.streams.get("test")
        if test is None:
            return
        observer(PhaseStarted("Fitting the baselines"))
        seen = [self.streams[name] for name in ("train", "validation") if name in self.streams]
        self.baselines = run_language_baselines(
            np.concatenate(seen),
            test,
            self.codec,
            spelling=self.spelling("test"),
            time_limit_s=time_limit_s,
            seed=self.options.seed,
        )
        for result in self.baselines:
            observer(Said(result.told()))

    def _scored(self, run: R, observer: Observer) -> dict[str, Any]:
        """What the metrics say of the test part, opened once, beside the baselines; nothing where there is none."""
        test, content = self.streams.get("test"), {}
        if test is None:
            return content
        nats = run.nats(test, observer)
        spelling = self.spelling("test").first(len(nats))
        scores = run.scores(nats, spelling)
        content["test"] = {"n": len(nats), "scores": [score.to_json() for score in scores]}
        self.contributions = stream_sums(nats, *spelling)
        content["baselines"] = [result.to_json() for result in self.baselines]
        if self.baselines:
            best = best_baseline(self.baselines)
            paired = compare_streams(
                nats,
                best.prediction[: len(nats)],
                *spelling,
                headline=headline_of(self.codec.level),
                seed=self.options.seed,
            )
            name = self.settings.network.cell_name
            content["verdict"] = verdict(scores, self.baselines, paired, name)
            content["standing"] = standing(scores[0].higher_is_better, paired, best.name)
        return content

    def measure(self) -> Measure:
        """Perplexity, or bits per character."""
        return stream_measure(headline_of(self.codec.level), scored_tokens(len(self.streams["test"])))

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`; of the tokens that the network is scored on."""
        n = scored_tokens(len(self.streams["test"]))
        spelling = self.spelling("test").first(n)
        return [(result, stream_sums(result.prediction[:n], *spelling)) for result in self.baselines]


def scored_tokens(count: int) -> int:
    """How many of so many tokens `LanguageRun.nats` looks at: all but a few at the end of a long stream."""
    return count - count % _rows(count)


def _rows(count: int) -> int:
    return 1 if count <= _EXACT else 8


def _fingerprint(streams: dict[str, np.ndarray]) -> str:
    """A hash of all that training and scoring read: resuming on other data is refused."""
    digest = hashlib.blake2b(digest_size=16)
    for name, ids in streams.items():
        digest.update(str((name, ids.shape, ids.dtype)).encode())
        digest.update(np.ascontiguousarray(ids).data)
    return digest.hexdigest()
