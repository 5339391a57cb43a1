"""What the command line asks of, and shows of, runs that read a text and write another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, plain, print_scores
from recurra.data.parallel import read_sources
from recurra.networks.config import cell_name
from recurra.runs.events import PhaseStarted, Said
from recurra.runs.pairs.files import fit_pairs, read_more
from recurra.runs.pairs.run import PairRun
from recurra.runs.parts import scored_part
from recurra.tasks.translation.settings import PairSettings, default_pair_settings

FORMS = (".txt",)
fit = fit_pairs
_SAMPLES, _LONGEST = 3, 200


def show_result(run: PairRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, some answers, the verdict."""
    metrics = run.metrics
    print_ = watcher.console.print
    name = "test" if "test" in metrics else "validation"
    if name not in metrics:
        print_(NOTHING_HELD_OUT)
        return
    part = metrics[name]
    print_scores(run, part, f"{part['n']:,} {name} pairs", watcher.console)
    headline = part["scores"][0]["name"]
    print_(f"{headline}: {plain(metrics['signatures'][headline])}")
    for sample in part.get("samples", [])[:_SAMPLES]:
        print_()
        for role in ("source", "reference", "answer"):
            text = " ".join(sample[role].split())
            print_(f"  {role:<10} {plain(text[:_LONGEST])}")
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def evaluate(run: PairRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the pairs of `data`, and how they were computed; of data with parts of their own, of the test part."""
    examples = read_more(data, run.config.data_schema, encoding=encoding, observer=watcher)
    examples = scored_part(examples, watcher, "pairs")
    watcher(PhaseStarted("Answering"))
    scores = [score.to_json() for score in run.evaluate(examples, watcher)]
    return {"n": len(examples), "scores": scores, "signatures": run.metrics.get("signatures", {})}


def predict(
    run: PairRun, data: str, *, encoding: str | None, watcher: Watcher
) -> tuple[list[dict[str, Any]], str]:
    """The best answer to each source in a line of its own, line breaks within it as blanks; all in the records."""
    sources, notes = read_sources(data, run.config.data_schema, encoding=encoding)
    for note in notes:
        watcher(Said(note))
    watcher(PhaseStarted("Answering"))
    answers = run.translate(sources, watcher)
    records = [
        {
            "row": n + 1,
            "prediction": found[0].text,
            "score": round(found[0].score, 4),
            "answers": [
                {
                    "text": each.text,
                    "score": round(each.score, 4),
                    "log_probability": round(each.log_probability, 4),
                }
                for each in found
            ],
        }
        for n, found in enumerate(answers)
    ]
    return records, "".join(f"{' '.join(found[0].text.splitlines())}\n" for found in answers)


def facts(run: PairRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    schema, network = run.config.data_schema, run.config.settings.network
    attention = network.attention if network.attention != "none" else "no"
    return {
        "task": f"translate, from {schema.text} to {schema.target}",
        "vocabulary": f"{run.codec.source.vocabulary_size:,}"
        + (", shared" if run.codec.shared else f" and {run.codec.target.vocabulary_size:,}"),
        "decoder": f"{cell_name(network.decoder_cell)} with {attention} attention",
    }


def default_choices() -> list[PairSettings]:
    """The defaults for data of several sizes."""
    return [default_pair_settings(n, 14 * n) for n in (500, 30_000, 1_000_000)]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra predict {place} NEW_SOURCES",
        f"recurra evaluate {place} OTHER_PAIRS",
        f"recurra info {place}",
    ]
