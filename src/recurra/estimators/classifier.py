"""Classification of sequences with scikit-learn's conventions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from recurra.data.labels import class_order
from recurra.data.schema import examples_from_arrays
from recurra.errors import InputError
from recurra.estimators.base import SETTINGS, SequenceEstimator, plain, schema_of
from recurra.estimators.labels import Labels
from recurra.estimators.record import Record
from recurra.runs.sequences.run import SequenceRun


class SequenceClassifier(ClassifierMixin, SequenceEstimator):
    """Classes of sequences, by a recurrent network; a scikit-learn classifier.

    X may be
        - texts: a list, a 1-D array, a series, or a frame of one column;
        - an array (N, T) or a frame: N sequences of T steps of one feature. It is a table, as all of
          scikit-learn sees it: `predict` takes the same columns. NaN is a missing value, and at the end of a
          row padding;
        - an array (N, T, I), or a list of arrays (T_i, I) or (T_i,), or of frames: I features, any number of
          steps, in `predict` too; frames keep their columns and the order of these. An array (N, T) whose T is
          not that of `fit` goes in as `list(X)`.

    y may be (N,) texts, whole numbers or bools, and predictions come back in its type; or (N, K) of 0 and 1
    for K labels, any of which may hold.

    Below 500 examples none are held out: the network trains on all of them to the end; `notes_` says so.

    Args:
        cell: "rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer" or "feedforward". None,
            here and below, is the default for the kind of data.
        hidden_size: units per layer and direction.
        num_layers: recurrent layers on top of each other.
        bidirectional: read from both ends.
        pooling: how steps become one vector: of "last", "mean", "max" and "attention", one or more.
        dropout: between layers and before the output.
        epochs: passes over the training part, at most.
        learning_rate: peak learning rate of AdamW.
        batch_size: sequences in a batch, at most.
        class_weight: "balanced", or a dict from class to weight; None weighs all examples the same.
        budget: seconds, or a text such as "10m", for the whole of `fit`; None trains for all epochs.
        validation: share of the examples held out to choose the best weights and to calibrate; 0 for none,
            None for a tenth where that is at least 50 examples.
        settings: any other setting by its dotted name, such as {"network.zoneout": 0.1};
            `recurra info --settings` lists them.
        init: a run folder to take the first weights from.
        out: a new folder to write the run to; None writes nothing.
        random_state: seed; the same one gives the same network.
        verbose: print what happens.

    Attributes:
        classes_: (K,) the classes, sorted; for several labels 0 .. K - 1.
        run_: the trained network with all that belongs to it, see `recurra.runs.run.Run`.
        history_: a dict per epoch: training loss, validation numbers, learning rate and more.
        notes_: what was said of the data and the training, a sentence each.
        seed_: the seed that was used.
        n_features_in_: columns of X; only if X was a table.
        feature_names_in_: their names; only if they are all texts.

    >>> X = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]] * 5)
    >>> y = np.array(["up", "down"] * 5)
    >>> model = SequenceClassifier("gru", hidden_size=4, epochs=60, random_state=0).fit(X, y)
    >>> model.classes_, model.predict([[0.0, 1.0, 3.0]])
    (array(['down', 'up'], dtype='<U4'), array(['up'], dtype='<U4'))
    """

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
        class_weight: dict[Any, float] | str | None = None,
        budget: float | str | None = None,
        validation: float | None = None,
        settings: dict[str, Any] | None = None,
        init: str | Path | None = None,
        out: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ):
        super().__init__(
            cell,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            pooling=pooling,
            dropout=dropout,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            budget=budget,
            validation=validation,
            settings=settings,
            init=init,
            out=out,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X, N sequences, and y, their classes.

        Raises:
            DataError, InputError: X, y or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        given, X = X, self._checked(X, fitted=False)
        labels, targets = Labels.read(y)
        examples = examples_from_arrays(X, targets, task="classify")
        schema = schema_of(
            given,
            y,
            examples,
            task="classify",
            target_kind="multilabel"
            if labels.several
            else ("binary" if len(labels.names) == 2 else "multiclass"),
            classes=list(labels.names) if labels.several else class_order(list(labels.names)),
        )
        self._train(X, examples, schema, self._weights(labels))
        self._labels = labels
        self.classes_ = labels.values
        self._record_beside_run()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(N,) classes, or (N, K) of 0 and 1, in the type of y."""
        X = self._checked(X, fitted=True)
        return self._labels.restore(self.run_.answer(X).labels)

    def predict_proba(self, X: Any) -> np.ndarray:
        """(N, K) calibrated probabilities, columns as in `classes_`; rows sum to 1 but for several labels."""
        X = self._checked(X, fitted=True)
        return self.run_.predict_proba(X)[:, self._labels.places_in(self.run_.classes)]

    def _weights(self, labels: Labels) -> dict[str, Any]:
        """The setting that `class_weight` asks for."""
        asked = self.class_weight
        if asked is None:
            return {}
        if asked == "balanced":
            return {SETTINGS["class_weight"]: "balanced"}
        if not isinstance(asked, dict) or labels.several:
            raise InputError(
                f"expected None, 'balanced' or (for one class of several) a dict, found {asked!r}",
                where="class_weight",
            )
        place = dict(zip(labels.values.tolist(), labels.names, strict=True))
        unknown = [key for key in asked if plain(key) not in place]
        if unknown:
            raise InputError(
                f"the classes are {', '.join(map(repr, place))}, found a weight for {unknown[0]!r}",
                where="class_weight",
            )
        return {SETTINGS["class_weight"]: {place[plain(key)]: float(weight) for key, weight in asked.items()}}

    def _record(self) -> Record:
        record = super()._record()
        if isinstance(self.class_weight, dict):  # JSON knows no keys but texts
            record.params["class_weight"] = self._weights(self._labels)[SETTINGS["class_weight"]]
        return record.model_copy(update=self._labels.to_json())

    def _restore(self, run: SequenceRun, record: Record) -> None:
        super()._restore(run, record)
        several = run.config.data_schema.target_kind == "multilabel"
        self._labels = Labels.from_json(record.classes, record.dtype, run.classes, several=several)
        self.classes_ = self._labels.values
        if isinstance(self.class_weight, dict):
            values = dict(zip(self._labels.names, self._labels.values.tolist(), strict=True))
            self.class_weight = {values[name]: weight for name, weight in self.class_weight.items()}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
