"""A text in, another text out: translations and summaries by an encoder-decoder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from recurra.data.examples import Examples
from recurra.data.parallel import PairOptions, listed_texts, read_pairs
from recurra.errors import DataError
from recurra.estimators.base import RunEstimator
from recurra.estimators.record import stored_record
from recurra.runs.budget import parse_duration
from recurra.runs.events import Said
from recurra.runs.loading import load_as
from recurra.runs.pairs.config import PairFitOptions
from recurra.runs.pairs.fit import fit
from recurra.runs.pairs.run import PairRun, Translation
from recurra.tasks.translation.settings import PairSettings

# What a parameter says of more settings, where `settings` leaves them open.
_ALSO = {
    "hidden_size": ("network.embedding_size",),
    "dropout": ("network.input_dropout", "network.output_dropout"),
}


class Translator(RunEstimator):
    """Texts from texts, by an encoder-decoder with attention.

    X are sources and y their targets, as long as each other: lists, arrays or series of str, or frames of one column of
    them. Empty and repeated pairs are left out and told. A tenth of the pairs, at most 2,000, is held out to stop in
    time and to keep the best weights; none where that would be fewer than 50.

    Args:
        cell: "rnn", "lstm", "gru", "mingru" or "minlstm", which read and write; or "tcn", "transformer" or
            "feedforward", which read for a GRU that writes. None, here and below, is the default for so many pairs.
        hidden_size: units per layer, and numbers per token.
        num_layers: layers of the encoder, and of the decoder.
        attention: "multiplicative", "additive" or "none".
        level: what a token is: "subword", "word" or "character".
        dropout: share of features hidden in training, everywhere.
        epochs: passes over the training part, at most.
        learning_rate: peak learning rate of AdamW.
        batch_size: pairs in a batch at most.
        beam: beginnings that are kept side by side when it answers.
        budget: seconds, or a text such as "10m", for the whole of `fit`; None trains for all epochs.
        validation: share of the pairs held out; 0 for none.
        settings: any other setting by its dotted name, such as {"network.input_feeding": True};
            `recurra info --settings` lists them.
        init: a run folder to take the first weights, and the tokens, from.
        out: a new folder to write the run to; None writes nothing.
        random_state: seed; the same one gives the same network.
        verbose: print what happens.

    Attributes:
        run_: the trained network with all that belongs to it, see `recurra.runs.pairs.run.PairRun`.
        history_: a dict per epoch: training loss, validation numbers, learning rate and more.
        notes_: what was said of the texts and the training, a sentence each.
        seed_: the seed that was used.

    >>> names, said = ["one", "two", "six", "ten"], ["eins", "zwei", "sechs", "zehn"]
    >>> X, y = [f"{a} {b}" for a in names for b in names], [f"{b} {a}" for a in said for b in said]
    >>> small = {"level": "word", "hidden_size": 24, "dropout": 0.0, "batch_size": 4, "learning_rate": 0.02}
    >>> translator = Translator("gru", epochs=40, random_state=0, **small).fit(X, y)
    >>> translator.predict(["two six", "ten ten"]).tolist()
    ['sechs zwei', 'zehn zehn']
    """

    _settings: ClassVar[dict[str, str]] = {
        "cell": "network.cell",
        "hidden_size": "network.hidden_size",
        "num_layers": "network.num_layers",
        "attention": "network.attention",
        "level": "tokens.level",
        "dropout": "network.dropout",
        "epochs": "training.epochs",
        "learning_rate": "training.learning_rate",
        "batch_size": "batches.max_batch",
        "beam": "task.beam",
    }
    _form = PairSettings
    run_: PairRun

    def __init__(
        self,
        cell: str | None = None,
        *,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        attention: str | None = None,
        level: str | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        beam: int | None = None,
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
        self.attention = attention
        self.level = level
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.beam = beam
        self.budget = budget
        self.validation = validation
        self.settings = settings
        self.init = init
        self.out = out
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train on sources X and their targets y.

        Raises:
            DataError, InputError: the texts or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        started = time.monotonic()
        options = self._options()
        out = self._place()
        columns = {"source": listed_texts(X, "X"), "target": listed_texts(y, "y")}
        _check_pairs(columns["source"], columns["target"])
        pairs, notes = read_pairs(columns, PairOptions(text="source", target="target")), []
        for note in pairs.notes:
            self._tell(Said(note), notes)
        run = fit(
            pairs.examples,
            pairs.schema,
            options,
            out=out,
            started=started,
            observer=lambda event: self._tell(event, notes),
        )
        self._take(run)
        self.notes_ = notes
        self._record_beside_run()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(N,) the best answer to each source, as objects; an empty source has an empty one."""
        check_is_fitted(self, "run_")
        return np.array(self.run_.predict(listed_texts(X, "X")), dtype=object)

    def translate(self, X: Any, *, beam: int | None = None) -> list[list[Translation]]:
        """Of each source the best answers with their scores, from the best on.

        Args:
            beam: beginnings kept side by side, and answers at most; None: as in training.
        """
        check_is_fitted(self, "run_")
        return self.run_.translate(listed_texts(X, "X"), beam=beam)

    def score(self, X: Any, y: Any) -> float:
        """BLEU of the answers against y; of summaries ROUGE-L. From 0 to 100, the more the better."""
        check_is_fitted(self, "run_")
        sources, targets = listed_texts(X, "X"), listed_texts(y, "y")
        _check_pairs(sources, targets)
        examples = Examples(
            texts=np.array(sources, dtype=object),
            sequences=None,
            targets=np.array(targets, dtype=object),
            rows=np.arange(len(sources)) + 1,
        )
        return self.run_.evaluate(examples)[0].value

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A fitted translator from a run folder, whoever made it. Nothing in the folder is executed.

        Raises:
            RunError: no run folder, an altered one, or one of another task.
        """
        run = load_as(path, PairRun)
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
        estimator.notes_ = []
        return estimator

    def _options(self) -> PairFitOptions:
        own = self.settings or {}
        also = {
            setting: getattr(self, name)
            for name, more in _ALSO.items()
            for setting in more
            if getattr(self, name) is not None and setting not in own
        }
        return PairFitOptions(
            settings=self._overrides(also),
            seed=self._seed(),
            validation=self.validation,
            test_share=0.0,
            budget_s=None if self.budget is None else parse_duration(self.budget),
            baselines=False,
            init=None if self.init is None else str(self.init),
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _check_pairs(sources: Sequence[str], targets: Sequence[str]) -> None:
    if len(sources) != len(targets) or not len(sources):
        raise DataError(
            f"expected a target for each source, found {len(sources)} sources and {len(targets)} targets",
            where="y",
        )
