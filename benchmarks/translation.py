"""Translation and summaries by `recurra fit --task translate`, each beside its baselines.

    python benchmarks/translation.py [multi30k "multi30k de-en" fra_eng] [--budget 90m] [--seeds N] [--pairs N]

- multi30k: the 29,000 pairs of Multi30k (RECURRA_DATA/multi30k), English to German and back, with attention and
  without, once more with input feeding; BLEU on test 2016 flickr, its own validation part, 90 minutes of training each.
- fra_eng: short sentences of Tatoeba, English to French (RECURRA_DATA/fra_eng), 20 minutes; all translations of a
  source stand on one side of the split, each is scored against one of them.
- summaries: BBC news and extracts of them (RECURRA_DATA/bbc_news_summary), ROUGE beside the first three sentences, 60
  minutes. 2,000 articles are few for a network that has read nothing else.

--budget is of each training, --pairs takes the first so many of each training part, to see that all of it works. A
killed trial goes on when the script is run again; every finished one is kept in benchmarks/results/translation.jsonl;
the test part is opened by each of them once.
"""

from __future__ import annotations

import argparse
import gzip
import zipfile
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl
from trials import Trials, data_folder, table, trained

from recurra.data.parallel import PairOptions
from recurra.runs.budget import parse_duration
from recurra.runs.pairs.config import PairFitOptions
from recurra.runs.pairs.files import fit_pairs
from recurra.runs.pairs.run import PairRun

ASKED = [
    "I love you.",
    "Where is the station?",
    "She doesn't want to go home.",
    "We have known each other for years.",
]


@dataclass(frozen=True)
class Test:
    """One training.

    Args:
        data: which.
        text, target: its columns.
        budget: of the training, where nobody says how much.
        settings: beside the defaults.
    """

    data: str
    text: str
    target: str
    budget: str
    settings: dict[str, Any] = field(default_factory=dict)


TESTS: dict[str, Test] = {
    **{
        f"multi30k {text}-{target}, {attention} attention": Test(
            "multi30k", text, target, "90m", {"network.attention": kind}
        )
        for text, target in (("en", "de"), ("de", "en"))
        for attention, kind in (("with", "multiplicative"), ("no", "none"))
    },
    "multi30k en-de, with attention and input feeding": Test(
        "multi30k", "en", "de", "90m", {"network.input_feeding": True}
    ),
    "fra_eng en-fr": Test("fra_eng", "en", "fr", "20m"),
    "summaries": Test(
        "summaries",
        "article",
        "summary",
        "60m",
        {
            "tokens.shared": True,
            "tokens.longest_source": 500,
            "tokens.longest_target": 400,
            "batches.max_batch": 16,
        },
    ),
}


def pairs(name: str, most: int | None) -> pl.DataFrame:
    """The pairs of a data set, with the part of each where the data say it."""
    folder = data_folder()
    if name == "multi30k":
        parts = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
        frames = []
        for part, stem in parts.items():
            sides = {
                ending: gzip.decompress((folder / "multi30k" / f"{stem}.{ending}.gz").read_bytes())
                .decode()
                .splitlines()
                for ending in ("en", "de")
            }
            frame = pl.DataFrame(sides).with_columns(part=pl.lit(part))
            frames.append(frame.head(most) if most and part == "train" else frame)
        return pl.concat(frames)
    if name == "fra_eng":
        with zipfile.ZipFile(folder / "fra_eng" / "fra-eng.zip") as archive:
            lines = archive.read("fra.txt").decode().splitlines()
        rows = [line.split("\t")[:2] for line in lines]
        # They are sorted by length: the first ones alone would be single words.
        frame = pl.DataFrame(rows, schema=["en", "fr"], orient="row").sample(
            fraction=1.0, shuffle=True, seed=0
        )
        return frame.head(most) if most else frame
    frame = pl.read_csv(folder / "bbc_news_summary" / "bbc_news_summary.csv.gz").select("article", "summary")
    return frame.head(most) if most else frame


def fitted(name: str, seed: int, asked: argparse.Namespace) -> PairRun:
    """Trained and scored; a killed training goes on from its checkpoint."""
    test = TESTS[name]
    options = PairFitOptions(
        data=PairOptions(
            text=test.text, target=test.target, split="part" if test.data == "multi30k" else None
        ),
        settings=test.settings,
        seed=seed,
        budget_s=parse_duration(asked.budget or test.budget),
        **({} if test.data == "multi30k" else {"test_share": 0.1 if test.data == "summaries" else 0.01}),
    )
    place = f"translation-{'-'.join(name.replace(',', '').split())}-{seed}{_part(asked)}"
    return trained(fit_pairs, pairs(test.data, asked.pairs), options, place=place)


def trial(name: str, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Fit and score, and a few answers."""
    run = fitted(name, seed, asked)
    metrics = run.metrics
    # Only answers to sentences of our own are kept: those of the data are not ours to hand on.
    answers = run.predict(ASKED) if TESTS[name].data == "fra_eng" else []
    return {
        "scores": metrics["test"]["scores"],
        "signatures": metrics["signatures"],
        "baselines": metrics["baselines"],
        "verdict": metrics["verdict"],
        "samples": [{"source": text, "answer": answer} for text, answer in zip(ASKED, answers, strict=False)],
        "weights": metrics["training"]["weights"],
        "epochs": metrics["training"]["epochs"],
        "seconds": round(metrics["seconds"]["training"], 1),  # over all resumptions
    }


def row(name: str, seed: int, done: dict[str, Any]) -> list[str]:
    """A training, each of its scores with its interval, and the headline of its baselines."""
    shown = [
        f"{score['name']} {score['value']:.1f} ({score['interval']['low']:.1f} to {score['interval']['high']:.1f})"
        for score in done["scores"]
    ]
    rivals = [f"{each['name']} {each['scores'][0]['value']:.1f}" for each in done["baselines"]]
    return [
        name,
        str(seed),
        ", ".join(shown),
        ", ".join(rivals),
        str(done["epochs"]),
        f"{done['seconds']:.0f} s",
    ]


def _part(asked: argparse.Namespace) -> str:
    """What tells a trial on a part of the data, or of another budget, from a whole one."""
    given = [asked.pairs and f"{asked.pairs} pairs", asked.budget]
    return "".join(f" {each}" for each in given if each).replace(" ", "-")


def main() -> None:
    """Run what is missing, print the table and some samples."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "tests", nargs="*", metavar="TEST", help="beginnings of names, such as 'multi30k de-en'; else all"
    )
    parser.add_argument("--budget", help="of each training")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--pairs", type=int, help="of each training part, the first so many")
    asked = parser.parse_args()
    if wrong := [each for each in asked.tests if not any(name.startswith(each) for name in TESTS)]:
        parser.error(f"there is no {', '.join(wrong)}; there are {'; '.join(TESTS)}")
    trials, rows, samples = Trials("translation"), [], []
    for name in TESTS:
        if asked.tests and not name.startswith(tuple(asked.tests)):
            continue
        for seed in range(asked.seeds):
            done = trials.run(f"{name}, seed {seed}{_part(asked)}", partial(trial, name, seed, asked))
            rows.append(row(name, seed, done))
            if not seed:
                samples += [[name, each["source"], each["answer"]] for each in done["samples"]]
    print(table(["", "seed", "scores (95 % intervals)", "baselines", "epochs", "training"], rows))
    if samples:
        print("\n" + table(["", "source", "answer"], samples))


if __name__ == "__main__":
    main()
