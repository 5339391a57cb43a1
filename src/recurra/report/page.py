"""A page for people in one file: a title, what it comes to, sections. It asks nothing of the network, and runs no code.

Whatever leaves a page makes its own sections of it; those of a run are in `recurra.report.sections`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import recurra
from recurra.report import wording

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Args:
        id: what links to it, in the form "learning".
        title: its heading.
        body: HTML whose own headings begin at h3.
    """

    id: str
    title: str
    body: Markup


def render(template: str, **content: Any) -> Markup:
    """A template of this room as HTML; text in `content` is escaped.

    Args:
        template: the name of its file in `templates`.

    >>> render("text.html", text="<b> & more")
    Markup('<pre class="text">&lt;b&gt; &amp; more</pre>')
    """
    from markupsafe import Markup

    return Markup(_environment().get_template(template).render(**content))


# Characters that HTML must not hold: control characters but tab and line end, halves of characters.
_NOT_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def render_page(title: str, about: str, lead: Markup, sections: Iterable[Section], *, intervals: str) -> str:
    """The whole page.

    Args:
        title: what it is of, in a few words.
        about: which data that rests on, in a few words.
        lead: HTML of what it comes to; it stands before all sections.
        sections: in order.
        intervals: what the intervals on it say, or what else its numbers are, in a sentence at its foot.
    """
    content = {
        "title": title,
        "about": about,
        "lead": lead,
        "sections": list(sections),
        "intervals": intervals,
    }
    page = str(render("page.html", version=recurra.__version__, **content)).strip() + "\n"
    return _NOT_HTML.sub(lambda found: repr(found[0])[1:-1], page)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("recurra.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("score", "interval", "number", "count", "seconds", "share", "share_interval"):
        environment.filters[name] = getattr(wording, name)
    return environment
