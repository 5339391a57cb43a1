"""An answer at every step of a sequence, with scikit-learn's conventions as far as they reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from recurra.data.examples import Examples
from recurra.data.labels import class_order
from recurra.data.schema import Schema
from recurra.data.schema.arrays import tagged_from_arrays
from recurra.data.schema.frames import frame_columns
from recurra.estimators.base import RunEstimator, schema_of
from recurra.estimators.labels import Labels
from recurra.estimators.record import Record, stored_record
from recurra.runs.budget import parse_duration
from recurra.runs.loading import load_as
from recurra.runs.tags.config import TagFitOptions
from recurra.runs.tags.fit import fit
from recurra.runs.tags.run import TagRun
from recurra.runs.tags.targets import encode_targets
from recurra.tasks.tagging.settings import TagSettings


class SequenceTagger(RunEstimator):
    """A class, several labels or a number at every step of numeric sequences, by a recurrent network.

    X is a list of arrays (T, I) or (T,), or of frames with the same columns; or an array (N, T, I), or (N, T)
    of one feature. y has an array (T,) for each, or (T, K) of 0 and 1 for several labels. Texts, whole numbers and
    bools are classes, numbers with a fraction are numbers; among numbers NaN, among objects None says that a step has
    no target: it is read, and does not count.

    Args:
        cell: "rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer" or "feedforward".
        hidden_size, num_layers: of the network.
        bidirectional: whether a step may know what comes after it; by default it may not.
        dropout, epochs, learning_rate, batch_size, settings: see `recurra info --settings`; what is left out follows
            from the data.
        budget: time for the training, such as "10m", or seconds.
        validation: share of the sequences that decides when to stop.
        init: a run to start from.
        out: the run folder to write.
        random_state: of everything random.
        verbose: whether to print what is found and done.

    Attributes:
        run_: the trained run.
        classes_: (K,) classes in the type of y, or the numbers of the labels; none where y are numbers.
        history_, notes_, seed_: what happened in each epoch, what was said of the data, the seed.

    >>> X = [np.arange(n, dtype=float) % 3 for n in (4, 6, 5, 7)]
    >>> model = SequenceTagger(hidden_size=4, epochs=2, random_state=0).fit(X, [x > 1 for x in X])
    >>> [said.shape for said in model.predict(X[:2])], model.predict_proba(X[:1])[0].shape
    ([(4,), (6,)], (4, 2))
    """

    _settings: ClassVar[dict[str, str]] = {
        "cell": "network.cell",
        "hidden_size": "network.hidden_size",
        "num_layers": "network.num_layers",
        "bidirectional": "network.bidirectional",
        "dropout": "network.dropout",
        "epochs": "training.epochs",
        "learning_rate": "training.learning_rate",
        "batch_size": "batches.max_batch",
    }
    _form = TagSettings
    run_: TagRun

    def __init__(
        self,
        cell: str | None = None,
        *,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        bidirectional: bool | None = None,
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

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X, N sequences, and y, a target for each of their steps.

        Raises:
            DataError, InputError: X, y or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        examples, labels, schema = _tagged(X, y)
        notes: list[str] = []
        options = TagFitOptions(
            settings=self._overrides({}),
            seed=self._seed(),
            validation=self.validation,
            budget_s=None if self.budget is None else parse_duration(self.budget),
            baselines=False,
            init=None if self.init is None else str(self.init),
        )
        out = self._place()
        nothing = examples.take(np.zeros(0, dtype=np.int64))
        tell = lambda event: self._tell(event, notes)  # noqa: E731
        self._take(fit(examples, schema, options, test=nothing, out=out, observer=tell))
        self._restore(labels)
        self.notes_ = notes
        self._record_beside_run()
        return self

    def predict(self, X: Any) -> list[np.ndarray]:
        """Of each sequence (T,) classes in the type of y, or numbers, or (T, K) of 0 and 1; the same as in a stream.

        Steps at the end of a sequence that are NaN in every feature are padding, and get no answer.
        """
        check_is_fitted(self, "run_")
        said = self.run_.predict(X)
        return said if self._labels is None else [self._labels.restore(each) for each in said]

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Of each sequence (T, K) calibrated probabilities, columns as in `classes_`.

        Raises:
            InputError: the targets are numbers.
        """
        check_is_fitted(self, "run_")
        found = self.run_.predict_proba(X)
        assert self._labels is not None
        order = self._labels.places_in(self.run_.classes)
        return [each[:, order] for each in found]

    def score(self, X: Any, y: Any) -> float:
        """Accuracy, or less the NLL per step, or R², over all steps of X that have a target: more is better.

        A class that `fit` did not see is never answered: its steps count as wrong.
        """
        check_is_fitted(self, "run_")
        kind = self.run_.targets.kind
        examples, _ = tagged_from_arrays(
            X, y, "regress" if kind == "real" else "classify", self.run_.config.data_schema.channels
        )
        scores = {score.name: score.value for score in self.run_.evaluate(examples)}
        if kind == "real":
            return scores["R²"]
        if kind == "multilabel":
            return -scores["NLL per step"]
        labels = encode_targets(examples, self.run_.targets)
        learned = int(labels.known.sum())
        return scores["accuracy"] * learned / (learned + len(labels.unlearned))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A fitted tagger from a run folder, whoever made it. Nothing in the folder is executed.

        Raises:
            RunError: no run folder, an altered one, or one of another task.
        """
        run = load_as(path, TagRun)
        record = stored_record(Path(path), cls._name(), cls._get_param_names())
        options = run.config.options
        given = {
            "settings": options.settings,
            "random_state": options.seed,
            "validation": options.validation,
            "budget": options.budget_s,
            "init": options.init,
        }
        estimator = cls(**(given | ({} if record is None else record.params)))
        estimator._take(run)
        kept = (None, None) if record is None else (record.classes, record.dtype)
        several = run.targets.kind == "multilabel"
        real = run.targets.kind == "real"
        estimator._restore(None if real else Labels.from_json(*kept, run.classes, several=several))
        estimator.notes_ = []
        return estimator

    def _restore(self, labels: Labels | None) -> None:
        self._labels = labels
        if labels is not None:
            self.classes_ = labels.values
        elif hasattr(self, "classes_"):
            del self.classes_  # of an earlier fit

    def _record(self) -> Record:
        record = super()._record()
        return record if self._labels is None else record.model_copy(update=self._labels.to_json())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags


def _tagged(X: Any, y: Any) -> tuple[Examples, Labels | None, Schema]:
    """The examples of X and y, what its classes are, and what a run keeps of it."""
    examples, given = tagged_from_arrays(X, y)
    assert examples.steps is not None and examples.steps.targets is not None
    frames = X if frame_columns(X) else None
    if examples.steps.targets.dtype == np.float64:
        return examples, None, schema_of(frames, None, examples, task="tag", target_kind="real")
    labels, _ = Labels.read(given)
    kind = "multilabel" if labels.several else "binary" if len(labels.names) == 2 else "multiclass"
    classes = list(labels.names) if labels.several else class_order(list(labels.names))
    schema = schema_of(frames, None, examples, task="tag", target_kind=kind, classes=classes)
    return examples, labels, schema
