"""Spoken digits (RECURRA_DATA/fsdd) and pen strokes (RECURRA_DATA/pendigits), written down by `--task transcribe`.

    python benchmarks/speech.py [digits] [strings] [pens] [--seeds N] [--epochs N] [--train N]

- digits: each of the five speakers held out in turn, trained on the other four; share of words that are right.
- strings: three to seven recordings of one speaker one after the other, made here with a seed; recordings 0 to 4 of
  each speaker and digit, the official test part, are in test strings alone. Word error rate of a network that reads
  from both ends, of one that reads forwards alone, and of the latter fed in chunks of 100 ms.
- pens: two to five pen trajectories one after the other, the pen lifted between them; no writer is known, so all stand
  on both sides. Error rates of a network with the defaults.

A killed script goes on where it was. --epochs and --train (strings to learn from) are for trying it out; their trials
stand under names of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import soundfile
from trials import Trials, data_folder, table, trained

from recurra.data.transcripts.definition import TranscriptOptions
from recurra.runs.recordings.config import RecordingFitOptions
from recurra.runs.recordings.files import fit_recordings
from recurra.runs.recordings.run import RecordingRun
from recurra.tasks.transcription.scores import transcript_scores, transcript_sums

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 8000
SEED = 0  # of what is made
CHUNK = RATE // 10
BY_WORD: dict[str, Any] = {"transcript.level": "word"}
PLACE = Path("runs") / "speech"


def recordings() -> pl.DataFrame:
    """A row for each recording: its file, unpacked into `runs/speech`, what it says, who says it, its number."""
    folder = PLACE / "recordings"
    if not folder.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        # Moved when whole: a script that runs beside this one, or after it was killed, must not take a part for it.
        with (
            tempfile.TemporaryDirectory(dir=PLACE) as unpacked,
            tarfile.open(data_folder() / "fsdd" / "recordings.tar.gz") as archive,
        ):
            archive.extractall(unpacked, filter="data")
            with contextlib.suppress(OSError):  # another was faster
                (Path(unpacked) / "recordings").rename(folder)
    rows = []
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, number = path.stem.split("_")
        rows.append(
            {
                "file": str(path.resolve()),
                "text": WORDS[int(digit)],
                "speaker": speaker,
                "number": int(number),
            }
        )
    return pl.DataFrame(rows)


def joined(train: int, test: int) -> pl.DataFrame:
    """Strings of three to seven recordings of one speaker, with up to a fifth of a second between them."""
    found, folder = recordings(), PLACE / f"strings-{train}"
    folder.mkdir(parents=True, exist_ok=True)
    draw, rows = np.random.default_rng(SEED), []
    for part, count in (("train", train), ("validation", max(20, train // 10)), ("test", test)):
        held = found.filter((pl.col("number") < 5) if part == "test" else (pl.col("number") >= 5))
        for n in range(count):
            speaker = draw.choice(held["speaker"].unique().sort().to_list())
            of_speaker = held.filter(speaker=speaker)
            chosen = of_speaker[draw.integers(0, len(of_speaker), draw.integers(3, 8)).tolist()]
            pieces = []
            for file in chosen["file"]:
                pieces += [soundfile.read(file, dtype="float32")[0], np.zeros(draw.integers(0, RATE // 5))]
            path = folder / f"{part}-{n}.flac"
            soundfile.write(path, np.concatenate(pieces), RATE)
            rows.append({"file": str(path.resolve()), "text": " ".join(chosen["text"]), "part": part})
    return pl.DataFrame(rows)


def pens(train: int, test: int) -> pl.DataFrame:
    """Digits written one after the other: steps (x, y, whether the pen is lifted before)."""
    numbers = np.loadtxt(data_folder() / "pendigits" / "pendigits.tra", delimiter=",")
    draw, rows = np.random.default_rng(SEED), []
    order = draw.permutation(len(numbers))
    border = len(numbers) * 4 // 5
    for part, count in (("train", train), ("validation", max(20, train // 10)), ("test", test)):
        able = order[border:] if part == "test" else order[:border]
        for _ in range(count):
            chosen = numbers[draw.choice(able, draw.integers(2, 6))]
            strokes = chosen[:, :16].reshape(-1, 8, 2) / 100
            strokes[:, :, 0] += np.arange(len(strokes))[:, None]
            lifted = np.zeros((len(strokes), 8, 1))
            lifted[:, 0] = 1
            steps = np.concatenate([strokes, lifted], axis=2).reshape(-1, 3)
            rows.append(
                {
                    "steps": steps.tolist(),
                    "text": "".join(str(int(each)) for each in chosen[:, 16]),
                    "part": part,
                }
            )
    return pl.DataFrame(rows)


def main() -> None:
    """Run what is asked for, and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "parts", nargs="*", default=[], metavar="PART", help="digits, strings, pens; else all"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--train", type=int, default=3000, help="strings to learn from")
    asked = parser.parse_args()
    tables: dict[str, Callable[[Trials, argparse.Namespace], str]] = {
        "digits": of_digits,
        "strings": of_strings,
        "pens": of_pens,
    }
    if unknown := sorted(set(asked.parts) - set(tables)):
        parser.error(f"expected {', '.join(tables)}, found {unknown[0]}")
    trials = Trials("speech")
    for part in asked.parts or tables:
        print(f"\n{tables[part](trials, asked)}\n")


def of_digits(trials: Trials, asked: argparse.Namespace) -> str:
    """A row for each speaker."""
    found = recordings()
    speakers, rows, means = found["speaker"].unique().sort().to_list(), [], []
    for speaker in speakers:
        frame = found.with_columns(
            part=pl.when(pl.col("speaker") == speaker).then(pl.lit("test")).otherwise(pl.lit("train"))
        )
        done = [
            trial(trials, asked, f"digits {speaker}", frame, seed, BY_WORD) for seed in range(asked.seeds)
        ]
        right = [1 - each["word error rate"] for each in done]
        means.append(float(np.mean(right)))
        rows.append(
            [
                speaker,
                ", ".join(percent(each) for each in right),
                percent(means[-1]),
                done[0]["baseline"],
                minutes(done),
            ]
        )
    rows.append(["mean", "", percent(float(np.mean(means))), "", ""])
    return table(["held out", "right, by seed", "mean", "best baseline", "minutes each"], rows)


def of_strings(trials: Trials, asked: argparse.Namespace) -> str:
    """A row for each way to read."""
    frame, rows = joined(asked.train, 300), []
    for name, settings in (
        ("both ends", BY_WORD),
        ("forwards", BY_WORD | {"network.bidirectional": False}),
    ):
        done = [
            trial(
                trials,
                asked,
                f"strings {asked.train} {name}",
                frame,
                seed,
                settings,
                streamed=name == "forwards",
            )
            for seed in range(asked.seeds)
        ]
        for way, told in (("word error rate", "whole files"), ("streamed", "chunks of 100 ms")):
            if way in done[0]:
                shown = [percent(each[way]) for each in done]
                rows.append([name, told, ", ".join(shown), done[0]["baseline"], minutes(done)])
    return table(["reads", "fed", "word error rate, by seed", "best baseline", "minutes each"], rows)


def of_pens(trials: Trials, asked: argparse.Namespace) -> str:
    """Error rates by seed."""
    frame = pens(asked.train, 500)
    done = [trial(trials, asked, f"pens {asked.train}", frame, seed, {}) for seed in range(asked.seeds)]
    rows = [
        [name, ", ".join(percent(each[name]) for each in done), minutes(done)]
        for name in ("character error rate", "word error rate")
    ]
    return table(["strings of digits by pen", "by seed", "minutes each"], rows)


def trial(
    trials: Trials,
    asked: argparse.Namespace,
    name: str,
    frame: pl.DataFrame,
    seed: int,
    settings: dict[str, Any],
    *,
    streamed: bool = False,
) -> dict[str, Any]:
    """Error rates of one training, and the time that it took."""
    if asked.epochs is not None:
        name, settings = f"{name}, {asked.epochs} epochs", settings | {"training.epochs": asked.epochs}

    def work() -> dict[str, Any]:
        data = TranscriptOptions(split="part", ignore=["number"] if "number" in frame else [])
        options = RecordingFitOptions(data=data, settings=settings, seed=seed)
        place = f"speech/{name} {seed}".replace(" ", "-").replace(",", "")
        run = trained(fit_recordings, frame, options, place=place)
        best = min(run.metrics["baselines"], key=lambda each: each["scores"][0]["value"])
        found = {score["name"]: score["value"] for score in run.metrics["test"]["scores"]}
        found |= {
            "baseline": f"{best['name']}: {percent(best['scores'][0]['value'])} wrong",
            "seconds": run.metrics["seconds"]["training"],
            "epochs": run.metrics["training"]["epochs"],
        }
        return found | ({"streamed": in_chunks(run, frame.filter(part="test"))} if streamed else {})

    return trials.run(f"{name}, seed {seed}", work)


def in_chunks(run: RecordingRun, frame: pl.DataFrame) -> float:
    """The word error rate of recordings that are fed as they would come in."""
    stream, said = run.stream(), []
    for file in frame["file"]:
        stream.reset()
        samples = soundfile.read(file, dtype="float32")[0]
        for begin in range(0, len(samples), CHUNK):
            stream.feed(samples[begin : begin + CHUNK])
        said.append(stream.end())
    return transcript_scores(transcript_sums(said, frame["text"].to_list()))[0].value


def percent(value: float) -> str:
    """A share as people read it."""
    return f"{100 * value:.1f} %"


def minutes(done: list[dict[str, Any]]) -> str:
    """The mean time of a training."""
    return f"{np.mean([each['seconds'] for each in done]) / 60:.1f}"


if __name__ == "__main__":
    main()
