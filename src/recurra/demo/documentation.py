"""Python's own documentation of its language, which every Python carries, read and written by character."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recurra.data.corpus import Corpus, read_corpus
from recurra.demo.cells import compare_cells
from recurra.errors import DataError
from recurra.runs.events import Observer
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import TextFitting
from recurra.runs.texts.run import TextRun

WEIGHTS = 120_000
PROMPT = "The "
SETTINGS: dict[str, Any] = {
    "corpus.level": "character",
    "network.num_layers": 1,
    "network.embedding_size": 32,
    "network.tied": False,
    "network.dropout": 0.0,
    "network.output_dropout": 0.0,
    "windows.rows": 32,
    "windows.steps": 40,
    "training.epochs": 3,
    "training.learning_rate": 5e-3,
}


def documentation() -> Corpus:
    """The topics of Python's `help`, one after the other, each paragraph once (what stands in the training part and
    again in the test part would be no test), without the tables that are drawn with characters.

    Raises:
        DataError: this Python comes without them.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise DataError(
            "this Python comes without its documentation (the module pydoc_data)",
            fix="Install the package of your system that has Python's documentation or its whole standard library.",
        ) from error
    paragraphs = dict.fromkeys(
        paragraph.strip("\n") for name in sorted(topics) for paragraph in topics[name].split("\n\n")
    )
    return read_corpus("\n\n".join(p for p in paragraphs if "+--" not in p) + "\n")


def compare_on_documentation(
    out: Path, *, seed: int, observer: Observer
) -> tuple[dict[str, Any], dict[str, TextRun]]:
    """The three networks, their runs and summary in `out`."""
    corpus = documentation()

    def fitting(settings: dict[str, Any], baselines: bool) -> TextFitting:
        options = TextFitOptions(settings=SETTINGS | settings, seed=seed, baselines=baselines)
        return TextFitting(corpus, options)

    characters = len(corpus.train) + len(corpus.validation) + len(corpus.test)
    data = f"{characters:,} characters of Python's documentation, each foretold from those before it"
    return compare_cells(data, fitting, WEIGHTS, sources=["pydoc_data.topics"], out=out, observer=observer)
