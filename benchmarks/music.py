"""Polyphonic music, frame by frame, beside the print; and a MIDI file of the network's own.

    python benchmarks/music.py [NAME ...] [--cells gru,lstm] [--outputs keys,chords] [--seeds 1]

NAME is jsb, musedata or piano: the piano rolls of Boulanger-Lewandowski et al. (arXiv:1206.6392) with their parts, the
first frame of each piece only read. Printed beside `keys`, where every key is foretold by itself: Bai et al.
(arXiv:1803.01271), JSB at 300,000 weights; beside `chords`, where keys depend on each other: RNN-NADE of
Boulanger-Lewandowski et al. Networks have 300,000 weights. Openings of test pieces are gone on with, the notes compared
with what follows there, and one piece is written as MIDI, opened again, and left in runs/. A killed trial goes on when
the script is run again; every finished one is kept in benchmarks/results/music.jsonl.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from trials import Trials, data_folder, table, trained

from recurra.data.music import KEYS, read_pieces, write_midi
from recurra.networks.config import NetworkShape
from recurra.networks.piece_network import PieceNetwork
from recurra.networks.sizing import sized
from recurra.runs.pieces.config import PieceFitOptions
from recurra.runs.pieces.files import fit_pieces
from recurra.runs.pieces.run import PieceRun
from recurra.runs.pieces.scoring import OPENING
from recurra.tasks.music.likeness import overlap
from recurra.tasks.music.settings import PieceSettings

FILES = {"jsb": "JSB_Chorales.mat", "musedata": "MuseData.mat", "piano": "Piano_midi.mat"}
PRINTED = {
    ("jsb", "keys", "gru"): 8.43,
    ("jsb", "keys", "lstm"): 8.45,
    ("musedata", "keys", "gru"): 7.3,
    ("piano", "keys", "gru"): 7.5,
    ("jsb", "chords", "rnn"): 5.56,
    ("musedata", "chords", "rnn"): 5.60,
    ("piano", "chords", "rnn"): 7.05,
}
_FRAMES = 128  # of the MIDI file


def settings_of(cell: str, output: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Those of a network with as many weights as were asked for; all others are the defaults."""
    settings: dict[str, Any] = {"network.cell": cell, "network.output": output}
    shape = NetworkShape(input="features", input_size=KEYS, output_size=KEYS)
    chosen = sized(
        PieceSettings().changed(settings).network, asked.weights, lambda config: PieceNetwork(config, shape)
    )
    settings["network.hidden_size"] = chosen.hidden_size
    if asked.epochs is not None:
        settings |= {"training.epochs": asked.epochs, "training.patience": asked.epochs}
    return settings


def trial(name: str, cell: str, output: str, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Fit, score the test part once, go on with its pieces; a killed one goes on from its checkpoint."""
    source, place = data_folder() / "poly_music" / FILES[name], f"music-{name}-{output}-{cell}-{seed}"
    place += f"-{asked.epochs}-epochs" if asked.epochs is not None else ""
    options = PieceFitOptions(settings=settings_of(cell, output, asked), seed=seed)
    run = trained(fit_pieces, source, options, place=place)
    music = run.metrics["music"]
    return {
        "scores": {score["name"]: score for score in run.metrics["test"]["scores"]},
        "baselines": {each["name"]: each["scores"][0]["value"] for each in run.metrics["baselines"]},
        "validation": run.metrics["validation"]["scores"][0]["value"],
        "verdict": run.metrics["verdict"],
        "music": {side: music[side] for side in ("data", "generated")},
        "midi": midi_file(run, source, Path("runs") / f"{place}.mid"),
        "weights": run.metrics["training"]["weights"],
        "epochs": run.metrics["training"]["epochs"],
        "seconds": round(run.metrics["seconds"]["training"], 1),  # over all resumptions
    }


def midi_file(run: PieceRun, source: Path, path: Path) -> dict[str, Any]:
    """A test piece gone on with, written and opened again: what was found in the file."""
    pieces = read_pieces(source)
    assert pieces.parts is not None
    first = int(np.flatnonzero(pieces.parts == "test")[0])
    opening = pieces.roll(first)[:OPENING]
    whole = np.concatenate([opening, run.generate(opening, frames=_FRAMES, seed=run.config.options.seed)])
    schema = run.config.data_schema
    write_midi(path, whole, frame=schema.frame, tempo=schema.tempo)
    back = read_pieces(path, frame=schema.frame)
    heard = back.roll(0)
    return {
        "file": str(path),
        "frames": len(heard),
        "notes down": int(heard.sum()),
        "the same as drawn": bool(
            np.array_equal(heard, whole[: len(heard)]) and not whole[len(heard) :].any()
        ),
    }


def row(name: str, cell: str, output: str, records: list[dict[str, Any]]) -> list[str]:
    """A network on a set: mean over seeds and their range, what is printed, how near its music is."""
    values = [record["scores"]["NLL per frame"]["value"] for record in records]
    best = min(records[0]["baselines"].items(), key=lambda item: item[1])
    music = [record["music"] for record in records]

    def mean(of: Any) -> float:
        return float(np.mean([of(each) for each in music]))

    return [
        name,
        output,
        cell.upper(),
        f"{np.mean(values):.3f}" + (f" ({min(values):.3f} to {max(values):.3f})" if values[1:] else ""),
        str(PRINTED.get((name, output, cell), "–")),
        f"{best[1]:.3f} ({best[0]})",
        " of ".join(f"{mean(lambda each, of=of: each[of]['keys_down']):.2f}" for of in ("generated", "data")),
        *(
            f"{mean(lambda each, key=key: overlap(each['data'][key], each['generated'][key])):.1%}"
            for key in ("pitch_classes", "intervals")
        ),
        f"{records[0]['weights']:,}",
        f"{np.mean([record['seconds'] for record in records]):.0f} s",
    ]


def main() -> None:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FILES))
    parser.add_argument("--cells", default="gru,lstm")
    parser.add_argument("--outputs", default="keys,chords")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--weights", type=int, default=300_000)
    parser.add_argument("--epochs", type=int, help="else as the defaults have it")
    asked = parser.parse_args()
    names = asked.names or list(FILES)
    if unknown := set(names) - set(FILES):
        parser.error(f"expected {', '.join(FILES)}, found {', '.join(sorted(unknown))}")
    trials, rows = Trials("music"), []
    # Trials of other sizes are other trials.
    other = f", {asked.weights:,} weights" * (asked.weights != 300_000)
    other += f", {asked.epochs} epochs" if asked.epochs is not None else ""
    for name in names:
        for output in asked.outputs.split(","):
            for cell in asked.cells.split(","):
                records = [
                    trials.run(
                        f"{name}, {output}, {cell}, seed {seed}{other}",
                        partial(trial, name, cell, output, seed, asked),
                    )
                    for seed in range(asked.seeds)
                ]
                rows.append(row(name, cell, output, records))
    header = [
        "",
        "output",
        "cell",
        "NLL per frame",
        "printed",
        "best baseline",
        "keys at a time",
        "notes shared",
    ]
    print(table([*header, "intervals shared", "weights", "time"], rows))


if __name__ == "__main__":
    main()
