"""Tables and the axis that scores share."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from recurra.report.score_table import Row, score_table
from recurra.report.tables import Table
from tests.report.tree import text_of


def tree(html):
    return fromstring(str(html).strip())


def scored(name, value, low=None, high=None, **given):
    score = {"name": name, "value": value, "interval": {"low": low, "high": high}}
    return Row("a", "b", score, 1.0, **given)


def test_a_stacked_table_stays_one_for_a_screen_reader_and_names_every_cell():
    table = tree(Table("Lengths", ["word", "letters"], [["<step>", ("4", "of 26")]], stacked=True).html())
    assert table.attrib["role"] == "region" and table.attrib["tabindex"] == "0"
    assert [each.get("role") for each in table.iter() if each.tag in ("table", "tr", "th", "td")] == [
        "table",
        "row",
        "columnheader",
        "columnheader",
        "row",
        "rowheader",
        "cell",
    ]
    (cell,) = table.iter("td")
    assert cell.get("data-head") == "letters" and text_of(cell) == "4of 26"
    assert text_of(next(table.iter("tbody"))[0][0]) == "<step>"


@pytest.mark.parametrize(
    ("name", "rows", "labels"),
    [
        ("accuracy", [(0.9, 0.85, 0.93), (0.8, 0.75, 0.86)], ["60 %", "80 %", "100 %"]),
        ("RMSE", [(1.2, 1.0, 1.4), (1.3, 1.1, 1.5)], ["0.5", "1", "1.5", "2"]),
    ],
)
def test_intervals_have_an_axis_of_round_numbers(name, rows, labels):
    table = tree(score_table("scores", [scored(name, *row) for row in rows]))
    (axis,) = [each for each in table.iter("span") if each.get("class") == "axis"]
    assert [each.text for each in axis] == labels
    places = [float(each.attrib["style"].split("left: ")[1].split("%")[0]) for each in axis]
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 100
    for svg in table.iter("svg"):
        ticks = [float(line.attrib["x1"]) for line in svg if line.get("class") == "tick"]
        assert ticks == places
    # The first value, in the unit of the axis, lies where its number says.
    (at,) = [line for line in next(table.iter("svg")) if line.get("class") == "at"]
    first, last = (float(text.split()[0]) / (100 if "%" in text else 1) for text in (labels[0], labels[-1]))
    slope = (places[-1] - places[0]) / (last - first)
    assert float(at.attrib["x1"]) == pytest.approx(places[0] + slope * (rows[0][0] - first), abs=0.2)


def test_what_is_far_off_is_said_and_does_not_stretch_the_axis():
    rows = [scored("RMSE", 1.0, 0.9, 1.1), scored("RMSE", 90.0, 80.0, 99.0, compared=False)]
    table = tree(score_table("scores", rows))
    assert len(list(table.iter("svg"))) == 1 and "off the scale ›" in text_of(table)


def test_unknown_ends_draw_a_value_alone():
    table = tree(score_table("scores", [scored("RMSE", 1.0)]))
    assert [line.get("class") for line in next(table.iter("svg"))][-1] == "at"
    assert "not known" in text_of(table)
