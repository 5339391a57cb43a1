"""What the pages say of the source is so: links, paths, equations, gate orders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.cells.rnn import RNNCell

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "recurra"
PAGES = [
    ROOT / "docs" / "finding-your-way.md",
    ROOT / "docs" / "cells.md",
    ROOT / "docs" / "bench.md",
    ROOT / "docs" / "comparing.md",
    ROOT / "docs" / "diagnosis.md",
    ROOT / "docs" / "explanation.md",
    ROOT / "docs" / "forecasting.md",
    ROOT / "docs" / "generation.md",
    ROOT / "docs" / "images.md",
    ROOT / "docs" / "importing.md",
    ROOT / "docs" / "translation.md",
    ROOT / "docs" / "music.md",
    ROOT / "docs" / "sequences.md",
    ROOT / "docs" / "speech.md",
    ROOT / "docs" / "streaming.md",
    ROOT / "docs" / "tagging.md",
    ROOT / "examples" / "README.md",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_folder_and_lone_module_of_the_source_is_on_the_map():
    text = PAGES[0].read_text(encoding="utf-8")
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    modules = {path.name for path in SOURCE.glob("[a-z]*.py")}
    assert {name for name in folders if f"`{name}/`" not in text} == set()
    assert {name for name in modules if f"`{name}`" not in text} == set()


def test_modules_on_the_map_are_where_it_says():
    text = PAGES[0].read_text(encoding="utf-8")
    for line in text.splitlines():
        row = re.match(r"\| \[`(\w+)/`\]", line)
        if row:
            for name in re.findall(r"`([\w/]+\.py|\w+/)`", line.split("|", 2)[2]):
                assert (SOURCE / row[1] / name).exists(), f"{row[1]}/{name}"
    rooms = ("runs", "networks", "tasks", "report/sections")
    table = text[text.index("## Each task") : text.index("## A kind of run more")]
    for _, _, run, _, *others, _ in (
        line.split("|") for line in table.splitlines()[3:] if line.startswith("|")
    ):
        for room, cell in zip(rooms, [run, *others], strict=True):
            for name in re.findall(r"`(\w+/)`", cell) + re.findall(r"(?:^|, )\s*`(\w+\.py)`", cell):
                assert (SOURCE / room / name).exists(), f"{room}/{name}"
    steps = re.findall(r"`(\w+(?:/\w+)+(?:\.py)?)`", text[text.index("## One") :])
    assert len(steps) > 15
    assert [path for path in steps if not (SOURCE / path).exists()] == []


def test_equations_are_those_of_the_cells():
    page = " ".join(PAGES[1].read_text(encoding="utf-8").split())
    for cell in (RNNCell, LSTMCell, GRUCell):
        lines = [line.strip() for line in (cell.__doc__ or "").splitlines()]
        equations = [re.split(r",\s+with ", line)[0] for line in lines if re.match(r"\w_t = ", line)]
        plain = [equation for equation in equations if "norm(" not in equation]
        assert plain
        assert [equation for equation in plain if " ".join(equation.split()) not in page] == []


def test_gate_orders_are_those_of_the_cells():
    row = next(
        line for line in PAGES[1].read_text(encoding="utf-8").splitlines() if line.startswith("| **Recurra**")
    )
    orders = [tuple(cell.strip().split(", ")) for cell in row.split("|")[2:5]]
    assert orders == [RNNCell.gates, LSTMCell.gates, GRUCell.gates]
