"""What the command line asks of, and shows of, runs that write captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, plain, print_scores
from recurra.cli.predict import as_csv
from recurra.data.captions import read_inputs
from recurra.networks.config import cell_name
from recurra.runs.captions.files import fit_captions, read_more
from recurra.runs.captions.run import CaptionRun
from recurra.runs.events import PhaseStarted, Said
from recurra.runs.parts import scored_part
from recurra.tasks.captioning.settings import CaptionSettings, default_caption_settings

FORMS = (".csv",)
fit = fit_captions
_SAMPLES = 4


def show_result(run: CaptionRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, some captions, the verdict."""
    metrics = run.metrics
    print_ = watcher.console.print
    name = "test" if "test" in metrics else "validation"
    if name not in metrics:
        print_(NOTHING_HELD_OUT)
        return
    part = metrics[name]
    print_scores(run, part, f"{part['n']:,} {name} examples", watcher.console)
    for sample in part.get("samples", [])[:_SAMPLES]:
        print_(f"\n  {plain(sample['name'])}{'' if sample['right'] else '  (not a caption of it)'}")
        print_(f"  {'caption':<8} {plain(sample['references'][0])}")
        print_(f"  {'answer':<8} {plain(sample['answer'])}")
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def evaluate(run: CaptionRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the captioned images of `data`, and how they were computed; of data with parts, of the test part."""
    examples = read_more(data, run.config.data_schema, encoding=encoding, observer=watcher)
    examples = scored_part(examples, watcher, "examples")
    watcher(PhaseStarted("Captioning"))
    measures = run.measures
    scores = [score.to_json() for score in run.evaluate(examples, watcher, measures)]
    return {"n": len(examples), "scores": scores, "signatures": {"BLEU": measures.signature}}


def predict(
    run: CaptionRun, data: str, *, encoding: str | None, watcher: Watcher
) -> tuple[list[dict[str, Any]], str]:
    """The best caption of each image as CSV; all that were found in the records."""
    examples, notes = read_inputs(data, run.config.data_schema, encoding=encoding)
    for note in notes:
        watcher(Said(note))
    watcher(PhaseStarted("Captioning"))
    records = []
    for n, found in enumerate(run.caption(examples, watcher)):
        answers = [
            {"text": c.text, "score": round(c.score, 4), "log_probability": round(c.log_probability, 4)}
            for c in found
        ]
        file = {} if examples.names is None else {"file": str(examples.names[n])}
        best = {"prediction": found[0].text, "score": answers[0]["score"]}
        records.append({"row": int(examples.rows[n]), **file, **best, "answers": answers})
    return records, as_csv([{k: v for k, v in record.items() if k != "answers"} for record in records])


def facts(run: CaptionRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    schema, network = run.config.data_schema, run.config.settings.network
    attention = network.attention if network.attention != "none" else "no"
    return {
        "task": f"caption, of {schema.read}",
        "vocabulary": f"{run.codec.target.vocabulary_size:,}",
        "decoder": f"{cell_name(network.decoder_cell)} with {attention} attention",
    }


def default_choices() -> list[CaptionSettings]:
    """The defaults for data of several sizes."""
    images = ((28, 28, 1), (224, 224, 3), None)
    return [default_caption_settings(count, image) for count in (500, 40_000) for image in images]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra predict {place} NEW_DATA",
        f"recurra evaluate {place} DATA_WITH_CAPTIONS",
        f"recurra info {place}",
    ]
