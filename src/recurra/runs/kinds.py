"""The kinds of runs: one entry for each, by which every room finds what it has for it.

A kind called "tags" has a folder `recurra.runs.tags`, with the modules `config`, `files` and `run`, and a module of its
name in each room that treats it in a way of its own: `recurra.cli.tags`, `recurra.diagnosis.subjects.tags`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from recurra.errors import RunError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from recurra.runs.config import FitOptions, RunConfig
    from recurra.runs.fitting import Fitting
    from recurra.runs.run import Run
    from recurra.tasks.settings import RoomsOfSettings


DATA = "recurra.data"


@dataclass(frozen=True)
class Kind:
    """One kind of run. Its modules are imported only when they are asked for.

    Args:
        name: of its folder and modules: "tags".
        stored: what `config.json` calls it: "tag".
        prefix: of its classes: "Tag".
        tasks: what a person may call for with --task; the first is what it is told as.
        units: what its examples are called.
        own_options: that it takes beside those of its data.
        recogniser: the module of `recurra.data` that knows data of this kind when it sees them, by a function
            `recognise(data, roles, encoding)`: what is to be told of it, or None. Needed where no task is named, or one
            that several kinds have.
    """

    name: str
    stored: str
    prefix: str
    tasks: tuple[str, ...]
    units: str
    own_options: tuple[str, ...] = ()
    recogniser: str | None = None

    def module(self, name: str) -> ModuleType:
        """A module of its folder."""
        return importlib.import_module(f"recurra.runs.{self.name}.{name}")

    @property
    def options(self) -> type[FitOptions]:
        """What a person may ask for."""
        return getattr(self.module("config"), f"{self.prefix}FitOptions")

    @property
    def data(self) -> type[BaseModel]:
        """What a person may say of the columns."""
        return self.options.model_fields["data"].annotation  # pyright: ignore[reportReturnType]

    @property
    def config(self) -> type[RunConfig]:
        """The content of its `config.json`."""
        return getattr(self.module("config"), f"{self.prefix}RunConfig")

    @property
    def settings(self) -> type[RoomsOfSettings]:
        """Every choice about a training."""
        return self.config.model_fields["settings"].annotation  # pyright: ignore[reportReturnType]

    @property
    def run(self) -> type[Run[Any, Any]]:
        """What a training leaves."""
        return getattr(self.module("run"), f"{self.prefix}Run")

    @property
    def load(self) -> Callable[[Path], Run[Any, Any]]:
        """Reads a run folder of this kind."""
        return self.module("run").load_run

    @property
    def opened(self) -> Callable[..., tuple[Fitting[Any, Any], list[str]]]:
        """From a source and options to the training, its data read, and where they came from."""
        return self.module("files").opened

    def recognise(self, data: Any, roles: dict[str, Any], encoding: str | None) -> str | None:
        """Why data of which no kind is named are of this one, as a sentence to be told; None: they are not."""
        if self.recogniser is None:
            return None
        return importlib.import_module(self.recogniser).recognise(data, roles, encoding)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("sequences", "sequence", "Sequence", ("classify", "regress"), "examples"),
        Kind("tags", "tag", "Tag", ("tag",), "sequences"),
        Kind(
            "sentences", "sentence", "Sentence", ("tag",), "sentences", recogniser=f"{DATA}.sentences.reading"
        ),
        Kind("forecasts", "forecast", "Forecast", ("forecast",), "windows", ("horizon", "look_back")),
        Kind("texts", "text", "Text", ("generate",), "tokens", recogniser=f"{DATA}.corpus.reading"),
        Kind("pieces", "piece", "Piece", ("generate",), "pieces", recogniser=f"{DATA}.music.reading"),
        Kind(
            "performances",
            "performance",
            "Performance",
            ("generate",),
            "events",
            recogniser=f"{DATA}.music.performances",
        ),
        Kind("pairs", "pair", "Pair", ("translate",), "pairs"),
        Kind(
            "recordings",
            "recording",
            "Recording",
            ("transcribe",),
            "sequences",
            ("lm",),
            recogniser=f"{DATA}.transcripts.folder",
        ),
        Kind("captions", "caption", "Caption", ("caption",), "images"),
    )
}


def stored_kind(stored: str, where: str) -> Kind:
    """The kind that a `config.json` names.

    Args:
        where: the file, for the error.

    Raises:
        RunError: it is not known, or is that of an imported network.

    >>> stored_kind("text", "config.json").settings.__name__
    'LanguageSettings'
    """
    for kind in KINDS.values():
        if kind.stored == stored:
            return kind
    if stored == "network":
        raise RunError(
            "this folder holds an imported network, not a run",
            where=str(Path(where).parent),
            fix="Take recurra.load_network.",
        )
    raise RunError(
        f"a run of kind {stored!r} is not known here",
        where=where,
        fix="Use the version of Recurra that made it, or train it again.",
    )
