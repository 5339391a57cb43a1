"""Tagging words: parts of speech, chunks and entities, and what a CRF and the characters bring.

    python benchmarks/tagging.py [parts chunks chunks-pos entities] [--seeds N] [--set K=V ...]

- parts: UD English EWT, universal parts of speech; accuracy on its test file.
- chunks: CoNLL-2000; F1 of its test file. chunks-pos: the same, its column of parts of speech read, too.
- entities: CoNLL-2002, Dutch; F1 of testb. testa is not looked at: a tenth of the training file says when to stop.

Each by `recurra fit` with no option; the same without the CRF (parts have none by themselves) and without characters,
with three seeds, or as many as --seeds says, on the same parts. A killed trial goes on from its checkpoint when the
script is run again; every finished one is kept in benchmarks/results/tagging.jsonl, and the test file is opened by each
of them once. With --set trials are named, and kept, by their settings.
"""

from __future__ import annotations

import argparse
import hashlib
from functools import partial
from statistics import mean
from typing import Any

from trials import Trials, data_folder, table, trained

from recurra.data.sentences.definition import SentenceOptions
from recurra.runs.sentences.config import SentenceFitOptions
from recurra.runs.sentences.files import fit_sentences

DATA = {
    "parts": ("ud_english_ewt", "en_ewt-ud-train.conllu.gz", "en_ewt-ud-test.conllu"),
    "chunks": ("conll2000", "train.txt", "test.txt"),
    "chunks-pos": ("conll2000", "train.txt", "test.txt"),
    "entities": ("conll2002_dutch", "ned.train", "ned.testb"),
}
WHOLE, NO_CRF, NO_CHARACTERS = "whole network", "without CRF", "without characters"
KINDS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    NO_CRF: {"task.output": "softmax"},
    NO_CHARACTERS: {"network.characters": "none"},
}
FEATURES = {"chunks-pos": ["2"]}
# Words have a tag of their own there, and no CRF to be left out.
LEFT_OUT = {("parts", NO_CRF), ("chunks-pos", NO_CRF), ("chunks-pos", NO_CHARACTERS)}


def trial(data: str, kind: str, seed: int, settings: dict[str, Any], place: str) -> dict[str, Any]:
    """Fit, and score the test file once; the baselines are the same for all, and fitted with the first."""
    folder, train, test = DATA[data]
    options = SentenceFitOptions(
        data=SentenceOptions(features=FEATURES.get(data, [])),
        settings=KINDS[kind] | settings,
        seed=seed,
        split_seed=0,
        baselines=kind == WHOLE and seed == 0,
    )
    source = data_folder() / folder
    run = trained(fit_sentences, source / train, options, place=place, test=source / test)
    training, part = run.metrics["training"], run.metrics["test"]
    return {
        "scores": {score["name"]: score for score in part["scores"]},
        "baselines": {
            each["name"]: {"score": each["scores"][0], "seconds": round(each["seconds"], 1)}
            for each in run.metrics.get("baselines", [])
        },
        "sentences": part["n"],
        "weights": training["weights"],
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "seconds": round(run.metrics["seconds"]["training"], 1),  # over all resumptions
        "total_seconds": round(run.metrics["seconds"]["total"], 1),
    }


def row(name: str, done: list[dict[str, Any]]) -> list[str]:
    """Mean over seeds, each seed, the interval of the first over sentences, unseen words, time."""
    headline = next(iter(done[0]["scores"]))
    values = [100 * each["scores"][headline]["value"] for each in done]
    interval = done[0]["scores"][headline]["interval"]
    unseen = [100 * each["scores"]["accuracy of unseen words"]["value"] for each in done]
    return [
        f"{name}, {headline}",
        f"{mean(values):.2f}",
        " ".join(f"{value:.2f}" for value in values),
        f"{100 * interval['low']:.1f} to {100 * interval['high']:.1f}",
        f"{mean(unseen):.1f}",
        f"{done[0]['weights']:,}",
        f"{mean(each['total_seconds'] for each in done):.0f} s",
    ]


def main(asked: list[str], seeds: int, assignments: list[str]) -> None:
    """Run what is missing, print the table."""
    settings = dict(assignment.split("=", 1) for assignment in assignments)
    ending = "".join(f" {name}={value}" for name, value in settings.items())
    trials, rows = Trials("tagging"), []
    for data in asked:
        for kind in KINDS:
            if (data, kind) in LEFT_OUT:
                continue
            done = []
            for seed in range(seeds):
                name = f"{data} · {kind} · {seed}{ending}"
                told = f"-{hashlib.blake2b(ending.encode(), digest_size=4).hexdigest()}" if settings else ""
                place = f"tagging-{data}-{kind.replace(' ', '-')}-{seed}{told}"
                done.append(trials.run(name, partial(trial, data, kind, seed, settings, place)))
            rows.append(row(f"{data}: {kind}", done))
            for baseline, found in done[0]["baselines"].items():
                score = found["score"]
                low, high = (100 * score["interval"][end] for end in ("low", "high"))
                value = f"{100 * score['value']:.2f}"
                rows.append(
                    [
                        f"{data}: {baseline}",
                        value,
                        "",
                        f"{low:.1f} to {high:.1f}",
                        "",
                        "",
                        f"{found['seconds']} s",
                    ]
                )
    head = ["", "mean", "seeds", "95 % interval of seed 0", "unseen words", "weights", "time"]
    print(table(head, rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="*", choices=[[], *DATA], default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="K=V", dest="assignments")
    given = parser.parse_args()
    main(given.data or list(DATA), given.seeds, given.assignments)
