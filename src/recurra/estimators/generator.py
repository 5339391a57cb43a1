"""Text that is gone on with: a language model from running text, and more of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from recurra.data.corpus import Corpus, is_text_itself, read_corpus
from recurra.errors import DataError, InputError
from recurra.estimators.base import RunEstimator, plain
from recurra.estimators.record import stored_record
from recurra.runs.budget import parse_duration
from recurra.runs.events import PhaseStarted
from recurra.runs.loading import load_as
from recurra.runs.texts.config import CorpusOptions, TextFitOptions
from recurra.runs.texts.fit import fit
from recurra.runs.texts.run import TextRun
from recurra.tasks.generation.settings import LanguageSettings

_VALIDATION = 0.05
# What a parameter says of a second setting, where `settings` leaves that open: the last layer of tied tables has
# as many units as a token has numbers.
_ALSO = {"hidden_size": "network.embedding_size", "dropout": "network.output_dropout"}


class Generator(RunEstimator):
    """How a text goes on, by a recurrent network that foretells each of its tokens.

    X, wherever text is read, may be
        - the text itself: a str with a line break in it, or one longer than a path;
        - a list, array or series of texts, which follow each other, each from a new line;
        - a frame of pandas or polars, or a dict, with a column of texts;
        - the path of a text file, a table (.csv, .tsv, .jsonl, .parquet) or a folder of text files.

    Any language goes; whether a token is a word, a subword or a character is worked out, and `notes_` tells. All
    is learned from but the last twentieth, which is held out to stop in time and to keep the best weights.

    Args:
        cell: "rnn", "lstm", "gru", "mingru", "minlstm", "tcn", "transformer" or "feedforward". None,
            here and below, is the default for so much text.
        hidden_size: units per layer, and numbers per token.
        num_layers: recurrent layers on top of each other.
        level: what a token is: "word", "subword" or "character".
        dropout: between layers and before the output.
        epochs: passes over the training part, at most.
        learning_rate: peak learning rate of AdamW.
        batch_size: pieces of the text that are read side by side.
        budget: seconds, or a text such as "10m", for the whole of `fit`; None trains for all epochs.
        validation: share of the text held out, its last lines; 0 for none, None for a twentieth.
        settings: any other setting by its dotted name, such as {"network.weight_drop": 0.5};
            `recurra info --settings` lists them.
        init: a run folder to take the first weights, and the tokens, from.
        out: a new folder to write the run to; None writes nothing.
        random_state: seed; the same one gives the same network.
        verbose: print what happens.

    Attributes:
        run_: the trained network with all that belongs to it, see `recurra.runs.texts.run.TextRun`.
        history_: a dict per epoch: training loss, validation numbers, learning rate and more.
        notes_: what was said of the text and the training, a sentence each.
        seed_: the seed that was used.

    >>> lm = Generator("gru", level="word", hidden_size=24, num_layers=1, epochs=10, learning_rate=0.05, random_state=0)
    >>> lm = lm.fit("one, two, three, four, five, six, seven\\n" * 40)
    >>> lm.generate("one, two", max_tokens=4, temperature=0)
    ', three, four'
    >>> lm.score("two, three, four\\n") > lm.score("two, four, three\\n")
    True
    """

    _settings: ClassVar[dict[str, str]] = {
        "cell": "network.cell",
        "hidden_size": "network.hidden_size",
        "num_layers": "network.num_layers",
        "level": "corpus.level",
        "dropout": "network.dropout",
        "epochs": "training.epochs",
        "learning_rate": "training.learning_rate",
        "batch_size": "windows.rows",
    }
    _form = LanguageSettings
    run_: TextRun

    def __init__(
        self,
        cell: str | None = None,
        *,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        level: str | None = None,
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
        self.level = level
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

    def fit(self, X: Any, y: Any = None, *, text: str | None = None) -> Self:
        """Train on the text X.

        Args:
            y: not used; it is here for scikit-learn.
            text: the column of a table that holds the text.

        Raises:
            DataError, InputError: X or a parameter cannot be used; both are ValueErrors.
            TrainingError: the loss was not finite from the start.
        """
        started = time.monotonic()
        options = self._options(text)
        out = self._place()
        notes: list[str] = []
        self._tell(PhaseStarted("Reading the text"), notes)
        share = _VALIDATION if options.validation is None else options.validation
        run = fit(
            _read(X, text, share),
            options,
            sources=[str(X)] if isinstance(X, str | os.PathLike) and not is_text_itself(X) else [],
            out=out,
            started=started,
            observer=lambda event: self._tell(event, notes),
        )
        self._take(run)
        self.notes_ = notes
        self._record_beside_run()
        return self

    def generate(
        self,
        prompt: str = "",
        max_tokens: int = 200,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] = (),
        seed: int = 0,
    ) -> str:
        """How the text goes on after `prompt`, without it.

        Args:
            prompt: what to go on from; what no training text held is read as unknown. Empty: the beginning of a
                line.
            max_tokens: tokens to add, at most.
            temperature: below 1 the likely becomes likelier; 0 leaves nothing but the likeliest.
            top_k: choose among so many of the likeliest tokens; None for all.
            top_p: choose among the likeliest tokens that have this share together; None for all.
            stop: a text, or several, before which to end.
            seed: of the choices; the same one gives the same text.

        Raises:
            InputError: the prompt is no text, or an option is out of range.
        """
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "stop": stop}
        return "".join(self.pieces(prompt, max_tokens=max_tokens, seed=seed, **options))

    def pieces(self, prompt: str = "", **options: Any) -> Iterator[str]:
        """The same piece by piece, as it is made: the state is carried, so no token costs more than the last.

        Args:
            options: of `generate`.
        """
        check_is_fitted(self, "run_")
        if not isinstance(prompt, str):
            raise InputError(
                f"expected a text to go on from, found {type(prompt).__name__}",
                where="prompt",
                fix="Give one str.",
            )
        return self.run_.pieces(prompt, **options)

    def perplexity(self, X: Any) -> float:
        """How many tokens to choose from at each step would be as hard: exp of the mean surprise of a token.

        It depends on what a token is, and words that are unknown are all one token: a text with many of them seems
        easy. `bits_per_character` has neither fault.

        Raises:
            DataError: X is no text.
        """
        return self._scored(X)["perplexity"]

    def bits_per_character(self, X: Any) -> float:
        """Bits that each character of the text X takes, told by the network what comes next; lower is better.

        An unknown token takes those of its spelling as well, as if all characters of the training text, and one for
        any other, were equally likely.

        Raises:
            DataError: X is no text.
        """
        return self._scored(X)["bits per character"]

    def score(self, X: Any, y: Any = None) -> float:
        """Minus `bits_per_character`: higher is better, as scikit-learn's searches have it; y is not used."""
        return -self.bits_per_character(X)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A fitted generator from a run folder, whoever made it. Nothing in the folder is executed.

        Raises:
            RunError: no run folder, an altered one, or one that writes no text.
        """
        run = load_as(path, TextRun)
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

    def _options(self, text: str | None) -> TextFitOptions:
        own = self.settings or {}
        also = {
            setting: plain(getattr(self, name))
            for name, setting in _ALSO.items()
            if getattr(self, name) is not None and setting not in own
        }
        return TextFitOptions(
            settings=self._overrides(also),
            seed=self._seed(),
            validation=self.validation,
            test_share=0.0,
            budget_s=None if self.budget is None else parse_duration(self.budget),
            baselines=False,
            init=None if self.init is None else str(self.init),
            data=CorpusOptions(text=text),
        )

    def _scored(self, X: Any) -> dict[str, float]:
        check_is_fitted(self, "run_")
        column = self.run_.config.options.data.text if _has_columns(X) else None
        corpus = _read(X, column, 0.0)
        scores = self.run_.evaluate(corpus.whole)
        return {score.name: score.value for score in scores}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _read(X: Any, column: str | None, validation_share: float) -> Corpus:
    """`read_corpus`, with more help for a str that was meant as text and taken for a path."""
    try:
        return read_corpus(X, validation_share=validation_share, test_share=0.0, text=column)
    except DataError:
        if not isinstance(X, str) or X == "-" or is_text_itself(X) or Path(X).exists():
            raise
        raise DataError(
            f"there is no file named {X if len(X) < 80 else X[:76] + ' ...'!r}",
            where="X",
            fix="If this is the text itself, give it in a list, or with a line break at its end.",
        ) from None


def _has_columns(X: Any) -> bool:
    """Whether a name tells which part of X is meant: not so of texts in a list, an array or a series."""
    records = isinstance(X, list) and bool(X) and isinstance(X[0], dict)
    return records or hasattr(X, "columns") or isinstance(X, str | os.PathLike | dict)
