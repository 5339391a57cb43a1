"""What the command line asks of, and shows of, runs that write text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, plain, print_json, print_scores
from recurra.cli.visible import put
from recurra.data.corpus import percentage, read_corpus
from recurra.runs.events import PhaseStarted
from recurra.runs.texts.files import fit_corpus
from recurra.runs.texts.run import TextRun
from recurra.tasks.generation.settings import LanguageSettings, default_language_settings

GENERATE = ("max_tokens", "temperature", "top_k", "top_p", "stop", "seed")
fit = fit_corpus


def show_result(run: TextRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, a sample, the verdict."""
    metrics = run.metrics
    print_ = watcher.console.print
    if "test" not in metrics:
        print_(NOTHING_HELD_OUT)
    else:
        part = metrics["test"]
        unknown = f", {percentage(part['unknown'])} of them unknown" if "unknown" in part else ""
        print_scores(run, part, f"{part['n']:,} test tokens{unknown}", watcher.console)
    print_("\nA sample, at temperature 0.8:")
    print_(f"  {plain(metrics['sample'])}".replace("\n", "\n  ").rstrip())
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def default_choices() -> list[LanguageSettings]:
    """The defaults for texts of several levels and lengths."""
    return [default_language_settings(level, n) for level in ("word", "character") for n in (10_000, 10**6)]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f'recurra generate {place} --prompt "..."',
        f"recurra evaluate {place} OTHER_TEXT",
        f"recurra info {place}",
    ]


def generate(run: TextRun, place: Path, prompt: str, *, as_json: bool, **options: Any) -> None:
    """Print the prompt and how it goes on, as it is made; as JSON when it is done.

    Args:
        place: the run folder.
    """
    options = {
        "max_tokens": 200,
        "temperature": 0.8,
        "top_k": None,
        "top_p": None,
        "stop": [],
        "seed": 0,
    } | options
    pieces = run.pieces(prompt, **options)
    if as_json:
        print_json({"run": str(place), "prompt": prompt, "text": "".join(pieces)} | options)
        return
    put(prompt)
    for piece in pieces:
        put(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


def evaluate(run: TextRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Perplexity and bits per character of all of `data`, and the share of its tokens that are unknown, if any."""
    column = run.config.options.data.text
    corpus = read_corpus(data, validation_share=0, test_share=0, text=column, encoding=encoding)
    watcher(PhaseStarted("Scoring"))
    scores = run.evaluate(corpus.whole, watcher)
    unknown = run.codec.unknown_share(run.codec.encode(corpus.whole))
    told = {"unknown": unknown} if unknown else {}
    return {"n": scores[0].n, **told, "scores": [score.to_json() for score in scores]}


def facts(run: TextRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    config = run.config
    return {
        "task": f"generate, by {config.data_schema.level} ({config.data_schema.why})",
        "vocabulary": f"{run.codec.vocabulary_size:,}",
    }
