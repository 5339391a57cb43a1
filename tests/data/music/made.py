"""Small made pieces of music, and files that hold them."""

import json

import numpy as np

from recurra.data.music import KEYS, keys_down, write_midi

CHORDS = [[39, 43, 46], [41, 44, 48], [43, 46, 50], [39, 44, 48]]


def roll(frames=24, seed=0):
    """Chords of three keys that follow each other in a circle, each held for two frames."""
    shift = int(np.random.default_rng(seed).integers(0, 4))
    made = np.zeros((frames, KEYS), dtype=np.uint8)
    for frame in range(frames):
        made[frame, CHORDS[(frame // 2 + shift) % len(CHORDS)]] = 1
    return made


def rolls(count=20, seed=0):
    draw = np.random.default_rng(seed)
    return [roll(int(draw.integers(12, 30)), seed=k) for k in range(count)]


def midi_folder(folder, count=12, **options):
    """A folder of MIDI files, some of them further down."""
    for k, each in enumerate(rolls(count)):
        place = folder / "more" if k % 3 == 0 else folder
        place.mkdir(parents=True, exist_ok=True)
        write_midi(place / f"{k:02}.mid", each, **({"frame": "eighth"} | options))
    return folder


def chorales(path, count=30):
    """A JSON file of pieces in three parts."""
    lists = [keys_down(each) for each in rolls(count)]
    parts = {"train": lists[: count - 10], "valid": lists[-10:-5], "test": lists[-5:]}
    path.write_text(json.dumps(parts))
    return path
