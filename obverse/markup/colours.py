"""A block of code -> its HTML, with Pygments' classes: as `pymdownx.highlight` writes it, each distinct block once.

Plain code needs no library at all. Numbered lines are left to the extension, which alone knows how to write them.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterable
from typing import Any

from obverse import compiled
from obverse.markup.fences import Fence

# Blocks remembered in a process, and how long one may be: together a few megabytes at the most.
KEPT, LONGEST = 256, 4_000

_AFTER = "</code></pre></div>"


def coloured(source: str, fence: Fence) -> str:
    """The HTML of a block of code, which ends in a line's end. Raises what a lexer raises."""
    if not fence.language and not fence.marked and not fence.title and "\r" not in source and source[:1] != "\ufeff":
        return f'<div class="highlight"><pre><span></span><code>{html.escape(source, quote=False)}{_AFTER}'
    make = _kept if len(source) <= LONGEST else _made
    return make(source, fence.language, fence.marked, fence.title.strip())


def _made(source: str, language: str, marked: tuple[int, ...], title: str) -> str:
    from pygments import highlight

    from obverse.markup.lexing import quickened

    name, lexer = _lexer(language)
    shown = highlight(source, quickened(lexer(stripnl=False)), _formatter(marked, title)).strip()
    return f'<div class="language-{name} {shown[len("<div class=") + 1 :]}' if language else str(shown)


_kept = functools.lru_cache(maxsize=KEPT)(_made)


@functools.cache
def _finder() -> Any:
    """Pygments' own. A lexer's words are not joined anew for each process: that takes longer than all else it needs."""
    from pygments import lexer
    from pygments.lexers import get_lexer_by_name

    lexer.regex_opt = joining(lexer.regex_opt)  # type: ignore[attr-defined] # it is there, if not told
    return get_lexer_by_name


def joining(join: Callable[..., str]) -> Callable[..., str]:
    """What `join` does, a pattern for any of some words, once for all processes."""

    def joined(words: Iterable[str], prefix: str = "", suffix: str = "") -> str:
        return str(compiled.kept("words", (*sorted(words), prefix, suffix), lambda: join(words, prefix, suffix)))

    return joined


@functools.lru_cache(maxsize=64)
def _lexer(language: str) -> tuple[str, Any]:
    """The name and the class of a language's lexer: to find it, Pygments looks through all it has.

    Each block gets a lexer of its own, since some keep state.
    """
    get_lexer_by_name = _finder()
    try:
        return language, type(get_lexer_by_name(language))
    except Exception:  # noqa: BLE001 - a language nobody knows, or a lexer that cannot be loaded
        return "text", type(get_lexer_by_name("text"))


@functools.lru_cache(maxsize=16)
def _formatter(marked: tuple[int, ...], title: str) -> Any:
    """To make a formatter takes as long as to format a dozen lines."""
    from pygments.formatters.html import HtmlFormatter

    return HtmlFormatter(cssclass="highlight", wrapcode=True, hl_lines=list(marked), filename=title)
