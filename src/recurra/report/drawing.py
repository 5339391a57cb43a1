"""Figures inside a page: SVG whose text is text, in the page's colours, the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by colour-blind readers; line styles and markers do it in print.
INK, BLUE, ORANGE, GREEN, PINK = "#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7"
LINE, SOFT = "#b0b0b0", "#555555"
# As the page's style sheet names them, light and dark.
_VARIABLES = {INK: "ink", BLUE: "blue", ORANGE: "orange", GREEN: "green", PINK: "pink"}
_VARIABLES |= {LINE: "line", SOFT: "soft"}
_WIDTH, _HEIGHT = 4.4, 2.7  # inches: letters stay readable where the page is as narrow as a telephone


def new_figure(height: float = _HEIGHT) -> tuple[Figure, Axes]:
    """A figure of the width of a column, with one panel."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    panel = figure.subplots()
    panel.grid(color=LINE, alpha=0.4)
    for name, spine in panel.spines.items():
        spine.set_color(LINE)
        spine.set_visible(name in ("left", "bottom"))
    return figure, panel


def legend(figure: Figure, panel: Axes) -> None:
    """What is what, above the panel, where nothing can lie under it."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False, fontsize=9)


def plain_logarithms(panel: Axes) -> None:
    """Plain numbers at 1, 2 and 5 times each power of ten of a logarithmic y axis: a narrow range has some, too."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    panel.minorticks_off()
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def inline(figure: Figure, name: str, alt: str) -> Markup:
    """`figure` as an SVG element to stand in a page.

    Args:
        name: unlike that of any other figure of the page; what its parts are called is made from it.
        alt: what it shows, for those who do not see it.
    """
    import matplotlib
    from markupsafe import Markup, escape

    stream = io.StringIO()
    with (
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}),
        warnings.catch_warnings(),
    ):
        # The browser has its own fonts: letters that are missing here may well be there.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            stream,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    drawn = stream.getvalue()
    viewed = re.search(r'viewBox="([^"]+)"', drawn)
    assert viewed is not None
    body = drawn[drawn.index(">", viewed.end()) + 1 :]
    # Rules that would hold for the whole page, names that are not referred to, namespaces that HTML knows by itself.
    body = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body).replace("xlink:href=", "href=")
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    return Markup(f'<svg role="img" aria-label="{escape(alt)}" viewBox="{viewed[1]}">{body.strip()}')
