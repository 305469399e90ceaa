"""Footnotes in comrak's HTML -> footnotes as the default engine writes them: the same ids, marks and ways back."""

from __future__ import annotations

import html as entities
import re
from urllib.parse import unquote

_SECTION = '<section class="footnotes" data-footnotes>\n<ol>\n'
_END = "</ol>\n</section>"
_MARK = re.compile(
    r'<sup class="footnote-ref"><a href="#fn-([^"]*)" id="fnref-[^"]*" data-footnote-ref>(\d+)</a></sup>'
)
_ITEM = re.compile(r'<li id="fn-([^"]*)">')
_BACK = re.compile(
    r'( ?)<a href="#fnref-([^"]*)" class="footnote-backref" data-footnote-backref data-footnote-backref-idx="(\d+)"'
    r'[^>]*>↩</a>((?: <a href="#fnref-[^"]*" class="footnote-backref"[^>]*>↩<sup class="footnote-ref">\d+</sup></a>)*)'
)
# What a note on the line of another looks like at the least.
NESTED = re.compile(r"\]:[ \t]*\[\^")
# A note on the line of another: it would be a list item within a list item.
_NOTE_IN_NOTE = re.compile(r"^([ \t>]*\[\^[^\]\n]+\]:[ \t]*)(?=\[\^[^\]\n]+\]:)", re.MULTILINE)


def prepared(text: str) -> str:
    """The text with the start of a note that stands on the line of another escaped."""
    return _NOTE_IN_NOTE.sub(r"\1\\", text)


def shaped(html: str) -> str:
    """The HTML with its marks and its section of footnotes in the default engine's shape."""
    start = html.rfind(_SECTION)
    if start < 0:
        return html
    seen: dict[str, int] = {}

    def mark(found: re.Match[str]) -> str:
        count = seen[found[1]] = seen.get(found[1], 0) + 1
        label = _label(found[1])
        return f'<sup id="{_id(count, label)}"><a class="footnote-ref" href="#fn:{label}">{found[2]}</a></sup>'

    body, notes = _MARK.sub(mark, html[:start]), _MARK.sub(mark, html[start + len(_SECTION) :])
    notes = _ITEM.sub(lambda found: f'<li id="fn:{_label(found[1])}">', _BACK.sub(_ways_back, notes))
    return f'{body}<div class="footnote">\n<hr>\n<ol>\n{notes.rpartition(_END)[0]}</ol>\n</div>'


def _ways_back(found: re.Match[str]) -> str:
    """The links to all marks of a note: in its last paragraph, or in one of their own."""
    label = _label(found[2])
    links = "".join(
        f'<a class="footnote-backref" href="#{_id(count, label)}" title="Jump back to footnote {found[3]} in the text">'
        "&#8617;</a>"
        for count in range(1, found[4].count("<a ") + 2)
    )
    return f"&#160;{links}" if found[1] else f"<p>{links}</p>"


def _id(count: int, label: str) -> str:
    return f"fnref:{label}" if count == 1 else f"fnref{count}:{label}"


def _label(encoded: str) -> str:
    """A note's label as it was written, escaped for an attribute."""
    return entities.escape(unquote(encoded)) if "%" in encoded else encoded
