"""Text files of one text per line, with or without a label in front."""

from __future__ import annotations

import re

import polars as pl

from recurra.data.sources.table import Table

_MARK = "__label__"
# What stands in front of the text, and how such files are made. Tried in this order, on every line.
_FORMS = {
    "LABEL:fine text": r"^(?P<label>[\w+-]+):(?P<fine>[\w+-]+)\s+(?P<text>.+)$",
    "LABEL: text": r"^(?P<label>[\w+-]+):\s+(?P<text>.+)$",
    "number text": r"^(?P<label>[+-]?\d+)(?:\s+(?P<text>.*))?$",
}
_ENOUGH = 10
_WORDS = 20


def read_lines(data: bytes, origin: str) -> Table:
    """A row per line of UTF-8 `data`; blank lines are none. Lines end at CR, LF or CR LF only.

    A label in front of every line is taken as such where there is no doubt: `__label__x text` (fastText),
    and, in files of ten lines or more where few labels come again and again, `LABEL:fine text` (as in TREC),
    `LABEL: text`, and `0 text`; a label alone has an empty text. Other lines are texts without a label, to be
    written on unless their first words might be labels, they might be columns, or they hold no letter.
    """
    # str.splitlines would also cut at U+0085, U+2028 and form feeds, which texts may hold.
    lines = pl.Series("text", re.split(r"\r\n|\r|\n", data.decode("utf-8")), dtype=pl.String)
    lines = lines.filter(lines.str.contains(r"\S"))
    return _marked(lines, origin) or _labelled(lines, origin) or _plain(lines, origin)


def _marked(lines: pl.Series, origin: str) -> Table | None:
    if not lines.str.starts_with(_MARK).all():
        return None
    labels = lines.str.extract_all(_MARK + r"\S+").list.eval(pl.element().str.strip_prefix(_MARK))
    text = lines.str.replace(rf"^(?:{_MARK}\S+\s*)+", "")
    one = bool((labels.list.len() == 1).all())
    frame = pl.DataFrame({"label": labels.list.first() if one else labels, "text": text})
    return Table(
        frame,
        origin,
        "labelled lines",
        notes=(f"every line begins with a label ({_MARK}...)",),
        roles={"target": "label", "text": "text"},
        task="classify",
    )


def _labelled(lines: pl.Series, origin: str) -> Table | None:
    if len(lines) < _ENOUGH:
        return None
    for form, pattern in _FORMS.items():
        if not lines.head(_ENOUGH).str.contains(pattern).all() or not lines.str.contains(pattern).all():
            continue
        frame = lines.str.extract_groups(pattern).struct.unnest().with_columns(pl.col("text").fill_null(""))
        if 2 <= (count := frame["label"].n_unique()) <= max(2, len(lines) // 5):
            return Table(
                frame,
                origin,
                "labelled lines",
                notes=(f"every line begins with one of {count} labels ({form})",),
                roles={"target": "label", "text": "text"},
                task="classify",
            )
    return None


def _plain(lines: pl.Series, origin: str) -> Table:
    first = lines.str.extract(r"^(\S+)\s+\S")
    notes: tuple[str, ...] = ()
    if (
        len(lines) >= _ENOUGH
        and not first.null_count()
        and 2 <= first.n_unique() <= min(_WORDS, len(lines) // 5)
    ):
        words = ", ".join(first.unique().sort().head(5).to_list())
        notes = (
            f"every line begins with one of {first.n_unique()} words ({words}): if that is its label, "
            "write a tab after it",
        )
    words = lines.str.count_matches(r"\S+")
    in_columns = len(lines) >= _ENOUGH and words[0] > 1 and words.n_unique() == 1
    running = not notes and not in_columns and lines.str.contains(r"\p{L}").any()
    task = "generate" if running else None
    return Table(lines.to_frame(), origin, "lines", notes, roles={"text": "text"}, task=task)
