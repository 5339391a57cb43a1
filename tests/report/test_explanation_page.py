"""The page of an explanation, made from what was found alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recurra.explanation import explain
from recurra.report.explanation_page import explanation_page
from tests.report.test_browser import browser, check_page  # noqa: F401 (a fixture)
from tests.report.tree import check, text_of, tree_of

# A text with markup in it, one series and one sequence of numbers, and running text.
ASKED = {
    "classes": {"input": "w1 <b>fine</b> & w2 dull w3 zyx"},
    "numbers": {"input": [[0.1, 0.2], [0.3, None], [0.5, -1.0], [0.2, 0.1]]},
    "forecasts": {},
    "texts": {"input": "the cat sat\non a <mat>"},
}


@pytest.fixture(scope="module")
def found(runs):
    return {kind: explain(runs[kind], **asked) for kind, asked in ASKED.items()}


@pytest.mark.parametrize("kind", ASKED)
def test_it_can_be_read_by_everybody_and_tells_every_number(found, kind):
    page = explanation_page(found[kind])
    root = tree_of(page)
    check(root)
    said = text_of(root)
    for example in found[kind].examples:
        assert example.answer in said and example.attribution.agreement.says in said
        assert example.attribution.baseline in said
        assert all(part.text.strip() in said for part in example.parts)
        assert all(column in said for column in example.columns[1:])
    assert page == explanation_page(found[kind])


def test_signs_and_numbers_stand_where_colours_do(found):
    root = tree_of(explanation_page(found["numbers"]))
    cells = [each for each in root.iter("td") if each.get("class") in ("for", "against")]
    assert cells
    for cell in cells:
        sign = {"for": "+", "against": "−"}[cell.attrib["class"]]
        assert text_of(cell).startswith(sign) or text_of(cell) == "0"
    (example,) = found["classes"].examples
    root = tree_of(explanation_page(found["classes"]))
    (read,) = [each for each in root.iter("p") if (each.get("class") or "").startswith("read")]
    strong = max(example.attribution.parts, key=abs)
    assert any(text_of(each)[0] == ("+" if strong > 0 else "−") for each in read.iter("small"))


def test_what_cannot_be_relied_on_is_said(found):
    (example,) = found["classes"].examples
    own = example.attribution
    doubtful = replace(
        own,
        gap=0.5,
        gap_share=0.2,
        agreement=replace(own.agreement, verdict="do not agree", says="They differ."),
    )
    page = explanation_page(replace(found["classes"], examples=[replace(example, attribution=doubtful)]))
    said = text_of(tree_of(page))
    assert "miss the whole difference by 0.5, 20.0 % of all that they attribute" in said
    assert "trust occlusion more" in said
    assert 'class="verdict worse"' in page and "They differ." in said
    nothing = replace(own, occlusion=[[0.0]] * len(own.parts), parts=[0.0] * len(own.parts))
    page = explanation_page(replace(found["classes"], examples=[replace(example, attribution=nothing)]))
    assert "None of its parts makes a difference" in text_of(tree_of(page))


def test_a_page_holds_no_character_that_html_must_not(found):
    (example,) = found["classes"].examples
    odd = replace(example.parts[0], text="a\x1b[31m\x07\x9b\udcff")
    changed = replace(example, parts=[odd, *example.parts[1:]])
    page = explanation_page(replace(found["classes"], examples=[changed]))
    assert r"a\x1b[31m\x07\x9b\udcff" in page
    page.encode()


@pytest.mark.parametrize("kind", ASKED)
def test_it_opens_offline_fits_every_width_and_can_be_read(found, browser, tmp_path, kind):  # noqa: F811
    (tmp_path / "why.html").write_text(explanation_page(found[kind]), encoding="utf-8")
    check_page(tmp_path / "why.html", browser)
