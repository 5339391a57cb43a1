"""A tag for every word of sentences, with scikit-learn's conventions as far as they reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.definition import SentenceSchema
from recurra.data.sentences.schemes import recognise
from recurra.errors import DataError
from recurra.estimators.base import RunEstimator
from recurra.estimators.record import stored_record
from recurra.runs.budget import parse_duration
from recurra.runs.loading import load_as
from recurra.runs.sentences.config import SentenceFitOptions
from recurra.runs.sentences.fit import fit
from recurra.runs.sentences.run import SentenceRun
from recurra.tasks.sentences.settings import SentenceSettings


class WordTagger(RunEstimator):
    """A tag for every word: parts of speech, chunks, named entities, by a recurrent network over words and characters.

    X is a list of sentences, each a list of words; y has a list of tags for each of them, None where a word has none.
    Either may be a series of lists, or a frame of one column of them. A word may be a tuple of it and of what else is
    known of it: ("dog", "NOUN"). Tags such as B-LOC and I-LOC mark spans, which are learned as one answer, by a
    conditional random field.

    Args:
        cell: "lstm", "gru", "rnn", "mingru", "minlstm", "tcn", "transformer" or "feedforward".
        hidden_size, num_layers: of the network.
        characters: what reads the characters of a word: "cnn", "lstm", "gru" or "none".
        output: "crf" or "softmax"; left out, the first where tags mark spans.
        dropout, epochs, learning_rate, batch_size, settings: see `recurra info --settings`; what is left out follows
            from the data.
        budget: time for the training, such as "10m", or seconds.
        validation: share of the sentences that decides when to stop.
        init: a run to start from.
        out: the run folder to write.
        random_state: of everything random.
        verbose: whether to print what is found and done.

    Attributes:
        run_: the trained run, see `recurra.runs.sentences.run.SentenceRun`.
        classes_: (K,) the tags of y, in order.
        history_, notes_, seed_: what happened in each epoch, what was said of the data, the seed.

    >>> X = [["Anna", "sings"], ["Bert", "sleeps"], ["birds", "sing"]] * 20
    >>> y = [["NAME", "VERB"], ["NAME", "VERB"], ["NOUN", "VERB"]] * 20
    >>> tagger = WordTagger(hidden_size=8, num_layers=1, epochs=10, learning_rate=0.02, random_state=0).fit(X, y)
    >>> tagger.predict([["Anna", "sleeps"]]), tagger.score(X, y)
    ([['NAME', 'VERB']], 1.0)
    """

    _settings: ClassVar[dict[str, str]] = {
        "cell": "network.cell",
        "hidden_size": "network.hidden_size",
        "num_layers": "network.num_layers",
        "characters": "network.characters",
        "output": "task.output",
        "dropout": "network.dropout",
        "epochs": "training.epochs",
        "learning_rate": "training.learning_rate",
        "batch_size": "batches.max_batch",
    }
    _form = SentenceSettings
    run_: SentenceRun

    def __init__(
        self,
        cell: str | None = None,
        *,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        characters: str | None = None,
        output: str | None = None,
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
        self.characters = characters
        self.output = output
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

    def fit(self, X: Sequence[Sequence[str]], y: Sequence[Sequence[str | None]]) -> Self:
        """Train on X, N sentences as lists of words, and y, a tag for each word.

        Raises:
            DataError, InputError: X, y or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        if y is None:
            raise DataError("learning requires y to be passed, but the tags y are None", where="y")
        sentences = _sentences(X, y)
        if not len(sentences):
            raise DataError("expected sentences to learn from, found none", where="X")
        tags = [sentences.tags_of(n) for n in range(len(sentences))]
        schema = SentenceSchema(
            form="lists",
            text="words",
            target="tags",
            features=[f"feature {k}" for k, _ in enumerate(sentences.features, 1)],
            scheme=recognise(tags),
        )
        options = SentenceFitOptions(
            settings=self._overrides({}),
            seed=self._seed(),
            validation=self.validation,
            budget_s=None if self.budget is None else parse_duration(self.budget),
            baselines=False,
            init=None if self.init is None else str(self.init),
        )
        out = self._place()
        notes: list[str] = []
        nothing = sentences.take(np.zeros(0, dtype=np.int64))
        tell = lambda event: self._tell(event, notes)  # noqa: E731
        self._take(fit(sentences, schema, options, test=nothing, out=out, observer=tell))
        self.notes_ = notes
        self._record_beside_run()
        return self

    @property
    def classes_(self) -> np.ndarray:
        """(K,) the tags that it may give, in the scheme of y."""
        check_is_fitted(self, "run_")
        return np.array(self.run_.answers, dtype=object)

    def predict(self, X: Sequence[Sequence[str]]) -> list[list[str]]:
        """A tag for every word of sentences as lists of words."""
        check_is_fitted(self, "run_")
        return self.run_.answer(_sentences(X, None))

    def score(self, X: Sequence[Sequence[str]], y: Sequence[Sequence[str | None]]) -> float:
        """The F1 of spans where tags mark some, else accuracy, over all words that have a tag."""
        check_is_fitted(self, "run_")
        return self.run_.evaluate(_sentences(X, y))[0].value

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A fitted tagger from a run folder, whoever made it. Nothing in the folder is executed.

        Raises:
            RunError: no run folder, an altered one, or one of another task.
        """
        run = load_as(path, SentenceRun)
        record = stored_record(Path(path), cls._name(), cls._get_param_names())
        options = run.config.options
        given = {
            "settings": options.settings,
            "random_state": options.seed,
            "validation": options.validation,
            "budget": options.budget_s,
            "init": options.init,
        }
        estimator = cls(**(given if record is None else record.params))
        estimator._take(run)
        estimator.notes_ = []
        return estimator

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags


def _sentences(X: Any, y: Any) -> Sentences:
    """Lists of words, and of tags of the same lengths, checked."""
    for given, name in ((X, "X"), (y, "y")):
        if not hasattr(given, "__iter__") and not (given is None and name == "y"):
            raise DataError(f"expected a list of lists, found a {type(given).__name__}", where=name)
    X, y = _of_frame(X, "X"), _of_frame(y, "y")
    words = [_listed(sentence, f"X[{n}]", "words") for n, sentence in enumerate(X)]
    if y is None:
        return Sentences.of(words)
    tags = [_listed(each, f"y[{n}]", "tags") for n, each in enumerate(y)]
    if len(tags) != len(words):
        raise DataError(f"expected tags for {len(words)} sentences, found {len(tags)}", where="y")
    for n, (own, theirs) in enumerate(zip(words, tags, strict=True)):
        if len(own) != len(theirs):
            raise DataError(
                f"expected {len(own)} tags, one for each word, found {len(theirs)}",
                where=f"y[{n}]",
                fix="Give None where a word has no tag.",
            )
    return Sentences.of(words, tags)


def _of_frame(given: Any, where: str) -> Any:
    """The only column of a frame, which would give its names or its columns one after the other; all else as it is.

    >>> import polars as pl
    >>> _of_frame(pl.DataFrame({"tokens": [["a", "dog"]]}), "X").to_list()
    [['a', 'dog']]
    """
    if not hasattr(given, "columns"):
        return given
    names = list(given.columns)
    if len(names) != 1:
        raise DataError(
            f"expected one column with a list in each row, found {len(names)} columns",
            where=where,
            fix="Give lists of words; `recurra fit` reads tables with a row for each word.",
        )
    return given[names[0]]


def _listed(each: Any, where: str, what: str) -> list[Any]:
    """A sentence as a list of texts; None may stand among tags."""
    to_list = getattr(each, "tolist", None) or getattr(each, "to_list", None)  # of arrays, and of series
    found = each if to_list is None else to_list()
    if isinstance(found, str) or not isinstance(found, list | tuple):
        raise DataError(
            f"expected a list of {what}, found {type(each).__name__} {str(each)[:40]!r}",
            where=where,
            fix='Cut sentences into words: [["A", "dog", "barks"]].',
        )
    for item in found:
        parts = item if isinstance(item, tuple) and item and what == "words" else (item,)
        if not all(isinstance(part, str) or (what == "tags" and part is None) for part in parts):
            raise DataError(f"expected texts as {what}, found {item!r}", where=where)
    return list(found)
