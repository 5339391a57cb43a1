"""A page as a tree, read without forgiveness, and what every page has to keep."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree.ElementTree import Element

VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Element("page")
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> at {self.getpos()} says {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert tag == self.open[-1].tag, f"</{tag}> at {self.getpos()} closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        parent = self.open[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data


def tree_of(page: str) -> Element:
    """The <html> element of a page; an element that is not closed where it should be is an error."""
    assert page.startswith("<!DOCTYPE html>\n")
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> is not closed"
    (root,) = reader.root
    return root


def text_of(element: Element) -> str:
    """Its text on one line."""
    return " ".join("".join(element.itertext()).split())


def check(root: Element) -> None:
    """What every page keeps: it asks nothing of the network, runs no code, and can be read without being seen."""
    _asks_for_nothing(root)
    _has_headings_in_order(root)
    _says_what_pictures_and_tables_are(root)


def _asks_for_nothing(root: Element) -> None:
    assert not list(root.iter("script"))
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    for each in root.iter():
        assert not [name for name in each.attrib if name.startswith("on")], "an event handler"
        for name, value in each.attrib.items():
            if name in ("href", "src", "srcset", "action", "data", "xlink:href"):
                beside = re.fullmatch(r"[\w-]+(/[\w-]+)*\.html", value) is not None
                assert value.startswith(("#", "data:")) or beside, f"{each.tag} {name}={value}"
                if value.startswith("#"):
                    assert value[1:] in ids, value
            if name in ("aria-labelledby", "aria-describedby"):
                assert value in ids, value
            assert set(re.findall(r"url\(([^)]*)\)", value)) <= {f"#{each}" for each in ids}
    style = "".join(each.text or "" for each in root.iter("style"))
    assert "url(" not in style and "@import" not in style
    (policy,) = [e for e in root.iter("meta") if e.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy.attrib["content"]


def _has_headings_in_order(root: Element) -> None:
    assert root.attrib["lang"] == "en"
    (title,) = root.iter("title")
    assert text_of(title)
    levels = [int(each.tag[1]) for each in root.iter() if re.fullmatch(r"h[1-6]", each.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(text_of(each) for each in root.iter() if re.fullmatch(r"h[1-6]", each.tag))
    assert len(list(root.iter("main"))) == 1


def _says_what_pictures_and_tables_are(root: Element) -> None:
    hidden = {each for outer in root.iter() if outer.get("aria-hidden") == "true" for each in outer.iter()}
    for svg in root.iter("svg"):
        if svg not in hidden:
            assert svg.attrib["role"] == "img" and len(svg.attrib["aria-label"]) > 30
            assert "nan" not in svg.attrib["aria-label"]
    for image in root.iter("img"):
        assert len(image.attrib["alt"]) > 30
    for each in root.iter("div"):
        if (
            each.get("class") == "wide"
        ):  # what may have to be moved sideways can be reached by keys, and has a name
            assert each.get("role") == "region" and each.get("tabindex") == "0" and each.attrib["aria-label"]
    for table in root.iter("table"):
        (caption,) = table.iter("caption")
        assert text_of(caption)
        heads = list(table.iter("th"))
        assert heads and all(each.get("scope") in ("row", "col") for each in heads)
        for body in table.iter("tbody"):
            assert all(row[0].tag == "th" for row in body)
