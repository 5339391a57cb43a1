"""From pieces of music to a run that goes on with them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
from torch import nn

from recurra.data.examples import Examples
from recurra.data.music import KEYS, Pieces, keys_down
from recurra.data.music.batches import FrameBatches, excerpts
from recurra.data.music.writing import TEMPO
from recurra.data.packed import Packed
from recurra.errors import DataError, InputError, RunError
from recurra.networks.config import NetworkShape
from recurra.networks.piece_network import PieceNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Conduct, Fitting, carry_out
from recurra.runs.parts import draw_split, fingerprint
from recurra.runs.pieces.config import PieceFitOptions, PieceRunConfig, PieceSchema
from recurra.runs.pieces.run import PieceRun
from recurra.runs.pieces.scoring import score_run
from recurra.runs.run import Run
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.music.baselines import run_piece_baselines
from recurra.tasks.music.scores import MEASURES
from recurra.tasks.music.settings import PieceSettings, default_piece_settings
from recurra.tasks.music.task import PieceTask
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle
from recurra.training.loop import History

ASSUMED = "quarter"  # what a frame lasts where neither data nor person say
_OPENINGS = 32
_VALIDATION, _ENOUGH = 0.1, 10


def fit(
    pieces: Pieces,
    options: PieceFitOptions,
    *,
    test: Pieces | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> PieceRun:
    """Train a network on `pieces`, and score it beside its baselines.

    Args:
        test: pieces to score on; without them those of the test part, or some that are held out.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(PieceFitting(pieces, options, test), sources=sources, **conduct)


class PieceFitting(Fitting[PieceRunConfig, PieceRun]):
    """How a network that goes on with music is made."""

    config_form = PieceRunConfig
    network_form = PieceNetwork
    options: PieceFitOptions
    settings: PieceSettings

    def __init__(self, pieces: Pieces, options: PieceFitOptions, test: Pieces | None):
        self.pieces, self.options, self.given = pieces, options, test
        self.parts: dict[str, Packed]
        self.seen: Packed
        self.padding: float
        self.baselines: list[tuple[BaselineResult, np.ndarray]] = []

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """Parts as the data have them, or drawn; batches."""
        if init is not None and not isinstance(init, PieceRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        self.parts, self.seen = self._split(observer)
        train, held = self.parts["train"], self.parts.get("validation")
        if init is None:
            settings = default_piece_settings(train.lengths).changed(self.options.settings)
        else:
            settings = init.config.settings.changed(MACHINE | self.options.settings)
        self.settings = settings.model_copy(update={"training": settle(settings.training)})
        self.schema = self._schema(observer)
        sizes = self.settings.batches.model_dump()
        transpose, longest = self.settings.rolls.transpose, self.settings.rolls.excerpt
        learned = excerpts(train, longest)
        if len(learned) > len(train):
            observer(
                Said(f"pieces of more than {longest} frames are learned in parts: {len(learned):,} in all")
            )
        self.training = FrameBatches(learned, transpose=transpose, seed=self.options.seed, **sizes)
        self.validation = None if held is None else FrameBatches(held, **sizes)
        if held is None:
            observer(Said("without a validation part the last weights are kept"))
        if transpose:
            observer(Said(f"in every epoch each piece is moved by up to {transpose} semitones"))
        observer(Said("the first frame of a piece is only read, all others are foretold"))
        padding = self.padding = self.training.padding_share()
        observer(Said(f"{len(self.training):,} batches an epoch; {padding:.1%} of their frames are padding"))
        self.objective = PieceTask()
        self.fingerprint = fingerprint(*self.parts.values())
        self.validation_steps = _foretold(held)
        self.final_steps = self.validation_steps + _foretold(self.parts.get("test"))
        self.shape = NetworkShape(
            input="features",
            input_size=KEYS,
            output_size=KEYS,
            steps=int(train.lengths.max()) if init is None else init.config.shape.steps,
        )

    def _split(self, observer: Observer) -> tuple[dict[str, Packed], Packed]:
        """The rolls of each part that there is; and those of training and validation in their first order."""
        rolls, parts = self.pieces.rolls, self.pieces.parts
        if self.given is not None and parts is not None:
            raise InputError(
                f"{self.pieces.origin} has a test part of its own, and --test gives another one",
                where="--test",
                fix="Leave it out, or give the training pieces as a file of their own.",
            )
        refuse_one(len(rolls), self.pieces.origin, 0.0 if self.given is not None else self.options.test_share)
        examples = Examples(None, rolls, None, rows=np.arange(len(rolls)), parts=parts)
        validation = held_out(len(rolls), self.options.validation)
        split = draw_split(
            examples, self.options, given=self.given is not None, observer=observer, validation=validation
        )
        places = {"train": split.train, "validation": split.validation, "test": split.test}
        found = {name: rolls.take(chosen) for name, chosen in places.items() if len(chosen)}
        if self.given is not None:
            found["test"] = self.given.rolls
        return found, rolls.take(np.sort(np.concatenate([split.train, split.validation])))

    def _schema(self, observer: Observer) -> PieceSchema:
        """What of the music the run keeps; what nobody says is taken for granted, aloud."""
        frame = self.pieces.frame
        if frame is None:
            observer(
                Said(
                    f"how long a frame lasts is not said: taken for a {ASSUMED} note where MIDI is read or written "
                    "(--set rolls.frame=eighth says otherwise)"
                )
            )
        train = self.parts["train"]
        first = [keys_down(train[n][:1])[0] for n in range(len(train))]
        openings = list({tuple(keys): keys for keys in first if keys}.values())
        return PieceSchema(
            origin=self.pieces.origin,
            frame=frame or ASSUMED,  # pyright: ignore[reportArgumentType]
            known=frame is not None,
            tempo=float(np.clip(self.pieces.tempo or TEMPO, 4, 1000)),
            openings=openings[:_OPENINGS] or [[]],
        )

    def new_config(self, sources: list[str]) -> PieceRunConfig:
        """Settings and what was found of the music."""
        return PieceRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={
                name: len(self.parts[name]) if name in self.parts else 0
                for name in ("train", "validation", "test")
            },
            fingerprint=self.fingerprint,
        )

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On training and validation part together, scored on the test part."""
        test = self.parts.get("test")
        if test is None:
            return
        observer(PhaseStarted("Fitting the baselines"))
        self.baselines = run_piece_baselines(
            self.seen, test, seed=self.options.seed, time_limit_s=time_limit_s
        )
        for result, _ in self.baselines:
            observer(Said(result.told()))

    def score(
        self, config: PieceRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> PieceRun:
        """The test part once, beside the baselines; and music of its own beside that of the data."""
        assert isinstance(network, PieceNetwork)
        run = PieceRun(config=config, network=network, history=[asdict(record) for record in history.records])
        run.metrics, self.contributions = score_run(run, self.parts, self.baselines, observer)
        run.metrics["training"] = {"padding_share": self.padding}
        return run

    def measure(self) -> Measure:
        """NLL per frame, as a function of sums over pieces."""
        return MEASURES[0]

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines


def refuse_one(pieces: int, origin: str, test_share: float) -> None:
    """See that there is a piece to learn from where one is held out: pieces stay whole.

    Raises:
        DataError: there is one alone.
    """
    if pieces == 1 and test_share > 0:
        raise DataError(
            "one piece cannot be both learned from and tested on",
            where=origin,
            fix="Give a folder of pieces, or another one to test on (--test), or hold nothing out: --test-share 0.",
        )


def held_out(pieces: int, asked: float | None) -> float | None:
    """The share of pieces to validate on: a tenth where there are ten or more, for a piece is many examples.

    >>> held_out(12, None), held_out(5, None), held_out(12, 0.0)
    (0.1, None, 0.0)
    """
    return _VALIDATION if asked is None and pieces >= _ENOUGH else asked


def _foretold(rolls: Packed | None) -> int:
    """Frames that are foretold: all but the first of each piece."""
    return 0 if rolls is None else int((rolls.lengths - 1).sum())
