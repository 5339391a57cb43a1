"""Captions of test images beside their references, and where the network looked while it wrote them."""

from __future__ import annotations

import base64
import struct
from typing import Any

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles

_FAINT = 0.02  # a weight that would not be seen
_ENDS = "∎"


def section(run: RunFiles) -> Section | None:
    """Images with what was said, the looks word by word, and how scores were computed."""
    if run.config.kind != "caption" or run.scored is None:
        return None
    name, part = run.scored
    samples = part.get("samples", [])
    return Section(
        "captions",
        "What it writes",
        render(
            "captions.html",
            part=name,
            samples=samples,
            wrong=sum(not each["right"] for each in samples),
            gazes=[_words(each) for each in part.get("gazes", [])],
            signatures=run.metrics.get("signatures", {}),
            blind=run.config.settings.network.attention == "none",
        ),
    )


def _words(gaze: dict[str, Any]) -> dict[str, Any]:
    """Of each word a picture: the image, and squares over its regions, the stronger the more was looked at them."""
    width, height = _size(gaze["png"])
    said = "".join(gaze["words"]).replace(_ENDS, "").strip()
    words = []
    for word, weights in zip(gaze["words"], gaze["weights"], strict=True):
        rows, columns = len(weights), len(weights[0])
        squares = [
            {
                "x": round(x * width / columns, 2),
                "y": round(y * height / rows, 2),
                "width": round(width / columns, 2),
                "height": round(height / rows, 2),
                "weight": min(1.0, weight),
            }
            for y, line in enumerate(weights)
            for x, weight in enumerate(line)
            if weight > _FAINT
        ]
        best = max(
            ((w, y, x) for y, line in enumerate(weights) for x, w in enumerate(line)), default=(0.0, 0, 0)
        )
        place = f"row {best[1] + 1} of {rows}, column {best[2] + 1} of {columns}"
        words.append({"word": word.strip() or "␣", "squares": squares, "most": place})
    return {"png": gaze["png"], "width": width, "height": height, "said": said, "words": words}


def _size(png: str) -> tuple[int, int]:
    """Width and height of a PNG in base 64."""
    return struct.unpack(">II", base64.b64decode(png[:64])[16:24])
