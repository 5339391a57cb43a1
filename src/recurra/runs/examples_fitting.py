"""What trainings on examples share, whether the network answers once for a sequence or at every step."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

import numpy as np

from recurra.data.examples import Examples
from recurra.data.schema import Schema
from recurra.errors import RunError
from recurra.runs.config import RunConfig, circumstances
from recurra.runs.events import Observer
from recurra.runs.fitting import Fitting
from recurra.runs.run import Run

C = TypeVar("C", bound=RunConfig)
R = TypeVar("R", bound=Run[Any, Any])


class ExamplesFitting(Fitting[C, R]):
    """How a network is trained on examples.

    Args:
        examples: to learn from.
        schema: what they were read by.
        options: what was asked for.
        test: examples to score on; None holds a part of `examples` out.
    """

    run_form: type[Run[Any, Any]]
    options: Any
    prepared: Any

    def __init__(self, examples: Examples, schema: Schema, options: Any, test: Examples | None):
        self.examples, self.schema, self.options, self.test = examples, schema, options, test
        self.baselines: list[Any] = []

    @abstractmethod
    def _prepared(self, init: Any, observer: Observer) -> Any:
        """Parts, encoders, batches and task."""

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """See `Fitting.prepare`."""
        if init is not None and not isinstance(init, self.run_form):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        prepared = self.prepared = self._prepared(init, observer)
        self.settings, self.shape, self.objective = prepared.settings, prepared.shape, prepared.task
        self.training, self.validation = prepared.training, prepared.validation
        self.fingerprint = prepared.fingerprint

    def test_groups(self) -> np.ndarray | None:
        """See `Fitting.test_groups`."""
        return self.prepared.parts["test"].clusters

    def new_config(self, sources: list[str]) -> C:
        """Settings, schema and encoders."""
        prepared = self.prepared
        form: Any = self.config_form  # of either kind: the fields have the same names
        return form(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={name: len(part) for name, part in prepared.parts.items()},
            fingerprint=prepared.fingerprint,
            numbers=None if prepared.numbers is None else prepared.numbers.to_json(),
            targets=prepared.targets.to_json(),
        )
