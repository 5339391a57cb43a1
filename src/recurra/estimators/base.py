"""What the estimators share: parameters, columns, training, saving."""

from __future__ import annotations

import numbers
import warnings
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from recurra.data.examples import Examples
from recurra.data.schema import Schema
from recurra.data.schema.frames import frame_columns, numbered
from recurra.errors import DataError, InputError
from recurra.estimators.record import Record, read_record, write_record
from recurra.runs.budget import parse_duration
from recurra.runs.events import Event, PhaseStarted, Said
from recurra.runs.loading import load_as
from recurra.runs.places import check_place
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.streaming import RunStream
from recurra.tasks.settings import RoomsOfSettings, Settings
from recurra.training.loop import EpochRecord

SETTINGS = {
    "cell": "network.cell",
    "hidden_size": "network.hidden_size",
    "num_layers": "network.num_layers",
    "bidirectional": "network.bidirectional",
    "pooling": "network.pooling",
    "dropout": "network.dropout",
    "epochs": "training.epochs",
    "learning_rate": "training.learning_rate",
    "batch_size": "batches.max_batch",
    "class_weight": "task.class_weight",
}


class RunEstimator(BaseEstimator):
    """What every estimator does about its settings, its seed, what it says and the run that it keeps.

    Attributes:
        _settings: parameter -> the dotted name of the setting that it is.
        _form: the settings.
    """

    _settings: ClassVar[dict[str, str]]
    _form: ClassVar[type[RoomsOfSettings]]
    settings: dict[str, Any] | None
    validation: float | None
    out: str | Path | None
    random_state: int | np.random.RandomState | None
    verbose: bool
    run_: Any

    @classmethod
    def _name(cls) -> str:
        """Of the estimator of this room that the class is, or was derived from."""
        return next(each.__name__ for each in cls.__mro__ if each.__module__.startswith("recurra."))

    def stream(self, batch: int = 1, **options: Any) -> RunStream:
        """The trained network fed step by step.

        Args:
            batch, options: of `Run.stream`.

        Raises:
            InputError: this network cannot run step by step, and why.
            NotFittedError: there is no network yet.
        """
        check_is_fitted(self, "run_")
        return self.run_.stream(batch, **options)

    def save(self, path: str | Path) -> Path:
        """Write a run folder that `load`, `recurra.load` and the command line read.

        Raises:
            InputError: there is something at `path` already.
            StorageError: it could not be written.
        """
        check_is_fitted(self, "run_")
        folder = self.run_.save(path)
        write_record(folder, self._record())
        return folder

    def _overrides(self, more: dict[str, Any]) -> dict[str, Any]:
        """The settings that were asked for, by their dotted names, `more` among them; checked.

        Raises:
            InputError: a name that does not exist, a value that does not fit, or a setting given twice.
        """
        given = {name: getattr(self, name) for name in self._settings}
        overrides = more | {
            self._settings[name]: plain(value) for name, value in given.items() if value is not None
        }
        own = self.settings or {}
        if not isinstance(own, dict):
            raise InputError(
                f"expected a dict, found {own!r}",
                where="settings",
                fix='For example {"network.zoneout": 0.1}.',
            )
        if twice := sorted(set(overrides) & set(own)):
            raise InputError(
                f"{twice[0]} is given by a parameter and in settings", where="settings", fix="Give it once."
            )
        overrides |= {name: plain(value) for name, value in own.items()}
        try:
            self._form().changed(overrides)
        except InputError as error:
            raise InputError(
                error.problem, where=f"parameters of {type(self).__name__}", fix=error.fix
            ) from None
        if self.validation is not None and not (
            isinstance(self.validation, numbers.Real) and 0 <= self.validation < 1
        ):
            raise InputError(
                f"expected a share from 0 to below 1, found {self.validation!r}", where="validation"
            )
        return overrides

    def _seed(self) -> int:
        state = check_random_state(self.random_state)
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        return int(state.randint(2**31 - 1))

    def _place(self) -> Path | None:
        """The folder to write the run to, if one is asked for.

        Raises:
            InputError: there is something at it already.
        """
        if self.out is None:
            return None
        try:
            check_place(Path(self.out), overwrite=False, resume=False)
        except InputError as error:
            raise InputError(
                error.problem,
                where=f"out={str(self.out)!r}",
                fix="Give another folder for each fit, or write one run with `save`.",
            ) from None
        return Path(self.out)

    def _take(self, run: Any) -> None:
        self.run_ = run
        self.history_ = run.history
        self.seed_ = run.config.options.seed

    def _record_beside_run(self) -> None:
        """The last thing `fit` does: its record and a page beside the run that it wrote, if it was to write one."""
        if self.run_.path is not None:
            from recurra.report.writing import write_page

            write_record(self.run_.path, self._record())
            write_page(self.run_.path)

    def _record(self) -> Record:
        params = {name: plain(value) for name, value in self.get_params().items()}
        params |= {"random_state": self.seed_, "out": None}
        return Record(estimator=self._name(), params=params)

    def _tell(self, event: Event, notes: list[str]) -> None:
        if isinstance(event, Said):
            notes.append(event.text)
            if event.kind == "warning":
                warnings.warn(event.text, UserWarning, stacklevel=2)
        if not self.verbose:
            return
        if isinstance(event, Said):
            print(event.text)
        elif isinstance(event, PhaseStarted):
            print(f"{event.name} ...")
        elif isinstance(event, EpochRecord):
            measured = "".join(f", validation {name} {value:.4g}" for name, value in event.validation.items())
            best = " (best so far)" if event.validation and event.is_best else ""
            print(f"epoch {event.epoch}: training loss {event.train_loss:.4g}{measured}{best}")


class SequenceEstimator(RunEstimator):
    """Base of `SequenceClassifier` and `SequenceRegressor`; see there."""

    _estimator_type: str
    _settings: ClassVar[dict[str, str]] = {
        name: setting for name, setting in SETTINGS.items() if name != "class_weight"
    }
    _form = Settings
    run_: SequenceRun

    def __init__(
        self,
        cell: str | None = None,
        *,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        bidirectional: bool | None = None,
        pooling: tuple[str, ...] | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        budget: float | str | None = None,
        validation: float | None = None,
        settings: dict[str, Any] | None = None,
        init: str | Path | None = None,
        out: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ):
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.budget = budget
        self.validation = validation
        self.settings = settings
        self.init = init
        self.out = out
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A fitted estimator from a run folder, whoever made it. Nothing in the folder is executed.

        Raises:
            RunError: no run folder, an altered one, or one of another task.
        """
        run = load_as(path, SequenceRun)
        record = read_record(Path(path), cls._name(), cls._get_param_names(), run)
        estimator = cls(**record.params)
        estimator._restore(run, record)
        return estimator

    def _train(self, X: Any, examples: Examples, schema: Schema, overrides: dict[str, Any]) -> None:
        """Fit the run, and set the attributes once that has succeeded."""
        seed = self._seed()
        columns = _noted_columns(X)
        overrides = self._overrides(overrides)
        notes: list[str] = []
        options = SequenceFitOptions(
            settings=overrides,
            seed=seed,
            validation=self.validation,
            budget_s=None if self.budget is None else parse_duration(self.budget),
            baselines=False,
            init=None if self.init is None else str(self.init),
        )
        out = self._place()
        run = fit(
            examples,
            schema,
            options,
            test=examples.take(np.zeros(0, dtype=np.int64)),
            out=out,
            observer=lambda event: self._tell(event, notes),
        )
        self._take(run)
        self.notes_ = notes
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
        vars(self).update(columns)

    def _checked(self, X: Any, *, fitted: bool) -> Any:
        """X; where it is a table, `predict` (`fitted`) compares its columns with those of `fit`."""
        if fitted:
            check_is_fitted(self, "run_")
        if issparse(X):
            raise DataError(
                "sparse data was passed, dense data is required", where="X", fix="Use X.toarray()."
            )
        if not hasattr(X, "shape") and hasattr(X, "__array__"):
            X = np.asarray(X)
        if fitted and _is_table(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        return X

    def _record(self) -> Record:
        return (
            super()
            ._record()
            .model_copy(
                update={
                    "n_features": getattr(self, "n_features_in_", None),
                    "columns": [str(name) for name in getattr(self, "feature_names_in_", [])],
                }
            )
        )

    def _restore(self, run: SequenceRun, record: Record) -> None:
        self._take(run)
        self.notes_ = []
        if record.n_features is not None:
            self.n_features_in_ = record.n_features
        if record.columns:
            self.feature_names_in_ = np.array(record.columns, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True  # and with it a list or 1-D array of them; `one_d_array` means numbers
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags


def schema_of(X: Any, y: Any, examples: Examples, **target: Any) -> Schema:
    """What a run keeps of arrays: names of columns where X and y have them, numbers where not."""
    named = [str(name) for name in getattr(X, "columns", [])]
    target["target"] = [str(name) for name in getattr(y, "columns", [getattr(y, "name", None) or "target"])]
    if examples.texts is not None:
        text = named[0] if named else str(getattr(X, "name", None) or "text")
        return Schema(input="text", layout="text", text=text, **target)
    assert examples.sequences is not None
    size = examples.sequences.channels
    channels = frame_columns(X) or numbered(size)
    if _is_table(X):
        columns = named or [str(k) for k in range(len(X[0]) if isinstance(X, list | tuple) else X.shape[1])]
        return Schema(input="sequence", layout="wide", features=columns, channels=channels, **target)
    return Schema(input="sequence", layout="lists", features=channels, channels=channels, **target)


def plain(value: Any) -> Any:
    """NumPy's scalars and arrays, and paths, as JSON knows them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value


def _noted_columns(X: Any) -> dict[str, Any]:
    """What scikit-learn notes of a table: `n_features_in_`, and `feature_names_in_` where all are texts."""
    noted = BaseEstimator()
    if _is_table(X):
        validate_data(noted, X, reset=True, skip_check_array=True)
    return vars(noted)


def _is_table(X: Any) -> bool:
    """Whether X has columns: an array (N, T), a frame, or nested lists of equal length."""
    if isinstance(X, list | tuple):
        first: Any = X[0] if len(X) else None
        regular = all(isinstance(row, list | tuple) and len(row) == len(first) for row in X)
        return regular and bool(first) and np.ndim(first[0]) == 0
    return len(getattr(X, "shape", ())) == 2
