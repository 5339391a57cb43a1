"""Made scenes: digits of MNIST on a canvas with sentences that describe them, captioned, and checked by a parser.

    python benchmarks/scenes.py [--digit 20] [--scenes 12000] [--seeds 3]

A scene is one digit, two side by side, or rows of one to three equal digits above each other, anywhere on the canvas.
The digits of training scenes and those of test scenes are different images. Every sentence of the grammar is an exact
description, so an answer is right or not: it is parsed and compared with what was drawn. Scenes lie in
`runs/scenes-...` as images and tables that `recurra fit --task caption` reads; a killed training goes on, a finished
one is kept in benchmarks/results/scenes.jsonl.

    scene  = group | group relation group
    group  = "a" digit | "two" digits | "three" digits
    relation = "left of" | "right of" | "above" | "below"         (left and right of single digits alone)
"""

from __future__ import annotations

import argparse
import csv
import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from trials import Trials, data_folder, table, trained

from recurra.data.captions import CaptionOptions, read_captions
from recurra.data.sources import read
from recurra.runs.captions.config import CaptionFitOptions
from recurra.runs.captions.files import fit_captions
from recurra.statistics.intervals import proportion_interval

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COUNTS = {"a": 1, "two": 2, "three": 3}
RELATIONS = {"left of": "right of", "above": "below"}  # and the same seen from the other side
TEST_SHARE, TEST_SCENES = 0.2, 2_000  # of the digits' images; scenes
_GROUP = re.compile(r"(?P<count>a|two|three) (?P<digit>[a-z]+)")


@dataclass(frozen=True)
class Scene:
    """What is drawn: groups (count, digit), and how the first stands to the second.

    >>> parse("two ones above a five") == parse("a five below two ones")
    True
    """

    groups: tuple[tuple[int, int], ...]
    relation: str | None = None

    def captions(self) -> list[str]:
        """Every sentence of the grammar that describes it."""
        said = [_said(*group) for group in self.groups]
        if self.relation is None:
            return said
        return [f"{said[0]} {self.relation} {said[1]}", f"{said[1]} {RELATIONS[self.relation]} {said[0]}"]


def parse(caption: str) -> Scene | None:
    """The scene that a sentence describes; None where it is no sentence of the grammar."""
    for relation, other in RELATIONS.items():
        for word in (relation, other):
            one, found, two = caption.partition(f" {word} ")
            if not found:
                continue
            groups = [_group(one), _group(two)]
            if None in groups or (relation == "left of" and any(g[0] > 1 for g in groups if g)):
                return None
            return Scene(tuple(groups if word == relation else groups[::-1]), relation)  # pyright: ignore
    group = _group(caption)
    return None if group is None else Scene((group,))


def _said(count: int, digit: int) -> str:
    word = DIGITS[digit]
    if count == 1:
        return f"a {word}"
    return f"{'two' if count == 2 else 'three'} {word}{'es' if word == 'six' else 's'}"


def _group(text: str) -> tuple[int, int] | None:
    match = _GROUP.fullmatch(text)
    if match is None:
        return None
    found = [(COUNTS[match["count"]], digit) for digit in range(10)]
    return next((group for group in found if _said(*group) == text), None)


def draw_scene(rng: np.random.Generator) -> Scene:
    """A scene at random: one in eight a single digit, three in eight side by side, four in eight above each other."""
    kind = rng.integers(8)
    digits = [int(d) for d in rng.integers(10, size=2)]
    if kind == 0:
        return Scene(((1, digits[0]),))
    if kind <= 3:
        return Scene(((1, digits[0]), (1, digits[1])), "left of")
    counts = [int(c) for c in rng.integers(1, 4, size=2)]
    return Scene(((counts[0], digits[0]), (counts[1], digits[1])), "above")


def picture(scene: Scene, images: dict[int, np.ndarray], side: int, rng: np.random.Generator) -> np.ndarray:
    """The scene on a canvas: digits of `side` pixels, rows of them jittered, nothing overlapping."""
    height, width = int(2.6 * side), int(3.6 * side)
    canvas = np.zeros((height, width), dtype=np.uint8)

    def put(group: tuple[int, int], top: tuple[int, int], left: tuple[int, int]) -> None:
        count, digit = group
        x, y = (
            int(rng.integers(left[0], left[1] - count * side + 1)),
            int(rng.integers(top[0], top[1] - side + 1)),
        )
        for k in range(count):
            chosen = images[digit][rng.integers(len(images[digit]))]
            canvas[y : y + side, x + k * side : x + (k + 1) * side] = chosen

    if scene.relation is None:
        put(scene.groups[0], (0, height), (0, width))
    elif scene.relation == "left of":
        middle = int(rng.integers(side, width - side + 1))
        top = int(rng.integers(0, height - side - side // 2 + 1))
        for group, left in zip(scene.groups, ((0, middle), (middle, width)), strict=True):
            put(group, (top, top + side + side // 2), left)
    else:
        middle = int(rng.integers(side, height - side + 1))
        for group, top in zip(scene.groups, ((0, middle), (middle, height)), strict=True):
            put(group, top, (0, width))
    return canvas


def digit_images(side: int) -> dict[str, dict[int, np.ndarray]]:
    """Part -> digit -> (N, side, side) uint8; no image is in both parts."""
    from PIL import Image

    frame = read(data_folder() / "mnist_t10k").frame
    images, labels = frame["image"].to_numpy(), frame["label"].to_numpy()
    cut = images[:, 4:24, 4:24]  # where MNIST's digits are
    small = np.stack([np.asarray(Image.fromarray(each).resize((side, side))) for each in cut])
    border = round((1 - TEST_SHARE) * len(small))
    parts = {"train": np.arange(border), "test": np.arange(border, len(small))}
    return {
        part: {digit: small[places[labels[places] == digit]] for digit in range(10)}
        for part, places in parts.items()
    }


def write_scenes(folder: Path, side: int, count: int) -> None:
    """`train.csv` and `test.csv` with the images that they name; nothing where they are there already."""
    from PIL import Image

    images = digit_images(side)
    for number, (part, scenes) in enumerate((("train", count), ("test", TEST_SCENES))):
        if (folder / f"{part}.csv").exists():
            continue
        (folder / part).mkdir(parents=True, exist_ok=True)
        rng, rows = np.random.default_rng(number), []
        for n in range(scenes):
            scene = draw_scene(rng)
            name = f"{part}/{n:05d}.png"
            Image.fromarray(picture(scene, images[part], side, rng)).save(folder / name)
            rows.append([name, *[*scene.captions(), ""][:2]])
        with (folder / f"{part}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["image", "caption_1", "caption_2"], *rows])


def trial(side: int, count: int, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """One training; how many unseen scenes are described exactly, by the parser."""
    folder = Path("runs") / f"scenes-{side}-{count}"
    write_scenes(folder, side, count)
    options = CaptionFitOptions(data=CaptionOptions(), settings=settings, seed=seed)
    place = f"{folder.name}-seed-{seed}"
    run = trained(fit_captions, folder / "train.csv", options, place=place, test=folder / "test.csv")
    test = read_captions(folder / "test.csv", schema=run.config.data_schema).examples
    assert test.targets is not None
    right, kinds = [], []
    for found, said in zip(run.caption(test), test.targets, strict=True):
        scene = parse(said[0])
        assert scene is not None and set(scene.captions()) == set(said)
        right.append(parse(found[0].text) == scene)
        kinds.append(scene.relation or "single")
    by_kind = {
        kind: statistics.mean(r for r, k in zip(right, kinds, strict=True) if k == kind)
        for kind in sorted(set(kinds))
    }
    interval = proportion_interval(sum(right), len(right))
    return {
        "right": sum(right),
        "of": len(right),
        "interval": [interval.low, interval.high],
        "by_kind": by_kind,
        "baselines": {b["name"]: b["scores"][0]["value"] for b in run.metrics["baselines"]},
        "training": run.metrics["training"],
        "seconds": run.metrics["seconds"],
    }


def main() -> None:
    """Train what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--digit", type=int, default=20, help="pixels of a digit; 10 for a quick look")
    parser.add_argument("--scenes", type=int, default=12_000, help="training scenes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=None, help="else the default for so many captions")
    asked = parser.parse_args()
    settings = {} if asked.epochs is None else {"training.epochs": asked.epochs}
    trials, rows = Trials("scenes"), []
    for seed in range(asked.seeds):
        name = f"digits of {asked.digit} pixels, {asked.scenes} scenes, epochs {asked.epochs or 'default'}, seed {seed}"
        done = trials.run(name, lambda s=seed: trial(asked.digit, asked.scenes, s, settings))
        low, high = done["interval"]
        kinds = ", ".join(f"{kind} {100 * share:.1f}" for kind, share in done["by_kind"].items())
        baselines = ", ".join(f"{name} {100 * value:.1f}" for name, value in done["baselines"].items())
        share = f"{100 * done['right'] / done['of']:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        rows.append([str(seed), share, kinds, baselines, f"{done['seconds']['training']:.0f} s"])
    print(table(["seed", "exactly right, % (95 %)", "by kind", "baselines", "training"], rows))


if __name__ == "__main__":
    main()
