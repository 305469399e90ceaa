"""Blocks of code in comrak's HTML -> blocks of code with Pygments' classes, as the default engine writes them."""

from __future__ import annotations

import functools
import html as entities
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from obverse.markup import colours, fences

if TYPE_CHECKING:
    from pymdownx.highlight import Highlight

# With a position when the writer's text has a `<pre>` too: then only those with one are the engine's.
_BLOCK = re.compile(r"<pre><code([^>]*)>(.*?)</code></pre>", re.DOTALL)
_PLACED = re.compile(r'<pre data-sourcepos="[\d:-]+"><code([^>]*)>(.*?)</code></pre>', re.DOTALL)
_LANGUAGE = re.compile(r' class="language-([^"]*)"')
_META = re.compile(r' data-meta="([^"]*)"')


def coloured(html: str, literal: Callable[[str], str]) -> str:
    """The HTML with its blocks of code coloured; `literal` gives their text as it was written."""
    pattern = _PLACED if "<pre data-sourcepos=" in html else _BLOCK

    def block(found: re.Match[str]) -> str:
        source = literal(_text(found[2])) or "\n"
        return made(source, _info(found[1]) if found[1] else "")

    return pattern.sub(block, html)


def made(source: str, info: str) -> str:
    """The HTML of a block of code, which ends in a line's end; `info` is what stands behind its fence."""
    fence = fences.understood(info)
    if fence.marked:
        count = source.count("\n")
        fence = replace(fence, marked=tuple(number for number in fence.marked if number <= count))
    try:
        return _numbered(source, fence) if fence.first else colours.coloured(source, fence)
    except Exception:  # noqa: BLE001 - a lexer that stumbles must not cost the page
        return f'<div class="highlight"><pre><code>{entities.escape(source, quote=False)}</code></pre></div>'


def _text(escaped: str) -> str:
    """The text behind the four entities that the engine writes."""
    if "&" not in escaped:
        return escaped
    text = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return text.replace("&amp;", "&")


def _info(attributes: str) -> str:
    """What stood behind the fence. The engine writes the two attributes in any order."""
    language, meta = _LANGUAGE.search(attributes), _META.search(attributes)
    return _text(" ".join(one[1] for one in (language, meta) if one))


def _numbered(source: str, fence: fences.Fence) -> str:
    """Code whose lines are numbered, which `pymdownx.highlight` alone knows how to write."""
    return str(
        _highlight(bool(fence.language)).highlight(
            source, fence.language, hl_lines=list(fence.marked), linestart=fence.first, title=fence.title or None
        )
    )


@functools.cache
def _highlight(named: bool) -> Highlight:
    from markdown import Markdown
    from pymdownx.highlight import Highlight

    return Highlight(Markdown(), linenums_style="pymdownx-inline", stripnl=False, pygments_lang_class=named)
