"""The page of the demo: the three networks side by side on each part, and where their own pages are."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recurra.demo.documentation import PROMPT
from recurra.report.page import Section, render, render_page
from recurra.report.score_table import Row, score_table
from recurra.runs.run import REPORT
from recurra.storage import write_bytes

_NOTE = (
    "Intervals are 95 % intervals over the test examples alone. One split and one seed: differences inside the "
    "intervals mean nothing."
)


def write_demo_page(out: Path, parts: Mapping[str, tuple[str, dict[str, Any], Path]]) -> Path:
    """Write `report.html` in `out`, the folder of the demo.

    Args:
        parts: name of each part's folder -> its heading, its summary and its picture.
    """
    sections = [_section(out, name, *part) for name, part in parts.items()]
    lead = render(
        "verdict.html",
        mark="○",
        badge="RNN, LSTM and GRU with the same number of weights, on data that every install has",
        standing="none",
        sentences=["Each is trained once on each part; none of it needs a download."],
    )
    page = render_page("What recurrent networks are for", "the demo", lead, sections, intervals=_NOTE)
    write_bytes(out / REPORT, page.encode())
    return out / REPORT


def _section(out: Path, name: str, heading: str, summary: dict[str, Any], picture: Path) -> Section:
    networks, (trivial, *rivals) = summary["networks"], summary["baselines"]
    rows = [
        Row(
            n["cell"].upper(),
            f"{n['hidden_size']} units, {n['weights']:,} weights",
            n["score"],
            n["training_s"],
            marked=True,
        )
        for n in networks
    ]
    rows += [
        Row(b["name"], b["description"], b["scores"][0], b["seconds"], compared=b is not trivial)
        for b in (*rivals, trivial)
    ]
    score = networks[0]["score"]
    told = ", ".join(f"{n['cell'].upper()} {n['score']['value']:.4g}" for n in networks)
    body = render(
        "runs_side_by_side.html",
        table=score_table(f"{score['name']} on {score['n']:,} test examples: {summary['data']}", rows),
        picture=base64.b64encode(picture.read_bytes()).decode(),
        alt=f"{heading}. {score['name']} on the test part: {told}; the numbers stand in the table above.",
        samples=[(cell.upper(), text) for cell, text in summary.get("samples", {}).items()],
        prompt=repr(PROMPT),
        pages=[(n["cell"].upper(), f"{name}/{n['cell']}/{REPORT}") for n in networks],
    )
    return Section(name, heading, body)
