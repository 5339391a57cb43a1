"""From performances to a run that goes on with them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
from torch import nn

from recurra.data.examples import Examples
from recurra.data.music.events import BEGIN, EventCodec
from recurra.data.music.performances import Performances
from recurra.data.packed import Packed
from recurra.errors import InputError, RunError
from recurra.networks.language import LanguageNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, Said
from recurra.runs.fitting import Conduct, carry_out
from recurra.runs.language import LanguageFitting
from recurra.runs.parts import draw_split
from recurra.runs.performances.config import (
    PerformanceFitOptions,
    PerformanceRunConfig,
    PerformanceSchema,
)
from recurra.runs.performances.run import PerformanceRun
from recurra.runs.performances.scoring import beside_the_data
from recurra.runs.pieces.fit import held_out, refuse_one
from recurra.runs.run import Run
from recurra.tasks.music.event_settings import PerformanceSettings, default_performance_settings
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle
from recurra.training.loop import History


def fit(
    played: Performances,
    options: PerformanceFitOptions,
    *,
    test: Performances | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> PerformanceRun:
    """Train a network on the events of `played`, and score it beside its baselines.

    Args:
        test: pieces to score on; without them those of the test part, or some that are held out.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(PerformanceFitting(played, options, test), sources=sources, **conduct)


class PerformanceFitting(LanguageFitting[PerformanceRunConfig, PerformanceRun]):
    """How a network that goes on with events is made."""

    config_form = PerformanceRunConfig
    options: PerformanceFitOptions
    settings: PerformanceSettings
    codec: EventCodec

    def __init__(self, played: Performances, options: PerformanceFitOptions, test: Performances | None):
        self.played, self.options, self.given = played, options, test
        self.baselines = []
        self.pieces: dict[str, Packed]

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """Events of the pieces of each part, one after the other, and batches of them."""
        if init is not None and not isinstance(init, PerformanceRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        overrides = self.options.settings
        if init is not None and any(name.startswith("events.") for name in overrides):
            raise InputError("the events are those of the run to start from", where="--init")
        asked = PerformanceSettings().changed(overrides) if init is None else init.config.settings
        self.codec = EventCodec(asked.events)
        self.pieces = self._split(observer)
        self.streams = {name: each.flat()[0] for name, each in self.pieces.items()}
        for name, ids in self.streams.items():
            observer(Said(f"{name}: {len(self.pieces[name]):,} pieces, {len(ids):,} events"))
        if init is None:
            settings = default_performance_settings(len(self.streams["train"])).changed(overrides)
        else:
            settings = init.config.settings.changed(MACHINE | overrides)
        self.settings = settings.model_copy(update={"training": settle(settings.training)})
        self._begin(BEGIN, init, observer)

    def _split(self, observer: Observer) -> dict[str, Packed]:
        """The events of the pieces of each part that there is."""
        parts = self.played.parts
        if self.given is not None and parts is not None:
            raise InputError(
                f"{self.played.origin} has a test part of its own, and --test gives another one",
                where="--test",
                fix="Leave it out, or give the training pieces as a folder of their own.",
            )
        events = Packed.from_list([self.codec.encode(each) for each in self.played.played])
        refuse_one(
            len(events), self.played.origin, 0.0 if self.given is not None else self.options.test_share
        )
        examples = Examples(None, events, None, rows=np.arange(len(events)), parts=parts)
        validation = held_out(len(events), self.options.validation)
        split = draw_split(
            examples, self.options, given=self.given is not None, observer=observer, validation=validation
        )
        places = {"train": split.train, "validation": split.validation, "test": split.test}
        found = {name: events.take(chosen) for name, chosen in places.items() if len(chosen)}
        if self.given is not None:
            found["test"] = Packed.from_list([self.codec.encode(each) for each in self.given.played])
        return found

    def new_config(self, sources: list[str]) -> PerformanceRunConfig:
        """Settings and what was found of the music."""
        return PerformanceRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=PerformanceSchema(
                origin=self.played.origin, tempo=float(np.clip(self.played.tempo, 4, 1000))
            ),
            shape=self.shape,
            sources=sources,
            parts={name: len(ids) for name, ids in self.streams.items()},
            fingerprint=self.fingerprint,
        )

    def score(
        self, config: PerformanceRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> PerformanceRun:
        """The test part once, beside the baselines; and music of its own beside that of the data."""
        assert isinstance(network, LanguageNetwork)
        run = PerformanceRun(
            config=config,
            network=network,
            codec=self.codec,
            history=[asdict(record) for record in history.records],
        )
        content = {"task": "generate", "level": "event", **self._scored(run, observer)}
        held = next(name for name in ("test", "validation", "train") if name in self.pieces)
        content["music"] = {"part": held} | beside_the_data(run, self.pieces[held])
        run.metrics = content
        return run
