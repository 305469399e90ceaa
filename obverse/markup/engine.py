"""Python-Markdown as Obverse sets it up: Markdown text -> HTML."""

from __future__ import annotations

import functools
import threading
from typing import Any

from markdown import Extension, Markdown

from obverse.markup.guards import Guards
from obverse.markup.inline import Inline
from obverse.markup.tree import Notes, Reading, unreserved

EXTENSIONS = (
    "pymdownx.betterem",
    "pymdownx.highlight",
    "pymdownx.tasklist",
    "pymdownx.tilde",
    "pymdownx.caret",
    "pymdownx.quotes",
    "pymdownx.details",
    "pymdownx.blocks.admonition",
    "pymdownx.blocks.details",
    "pymdownx.blocks.tab",
    "pymdownx.tabbed",
    "pymdownx.keys",
    "markdown.extensions.admonition",
    "markdown.extensions.abbr",
)
# What finds HTML, fences and tabs ahead of the blocks. The first reads with `html.parser`, which differs between
# releases of Python; none knows where a list or a quote ends.
REPLACED = ("html_block", "fenced_code_block", "fenced_raw_block", "normalize_whitespace")
SETTINGS: dict[str, dict[str, Any]] = {
    "pymdownx.highlight": {"linenums_style": "pymdownx-inline"},
    "pymdownx.tilde": {"subscript": False},
    "pymdownx.caret": {"superscript": False},
    "pymdownx.quotes": {"callouts": True},
    "pymdownx.tabbed": {"alternate_style": True},
    "pymdownx.blocks.tab": {"alternate_style": True},
}
# A converter keeps the text it is at in itself: it reads one at a time.
_LOCK = threading.Lock()


def render(text: str, extensions: tuple[object, ...]) -> str:
    """The HTML of a text. One converter is kept per process and set of extensions."""
    with _LOCK:
        kept = _kept(extensions)
        try:
            return kept.convert(unreserved(text))
        finally:
            # Now, and not before the next text: nothing of this one is to be kept.
            kept.reset()


@functools.lru_cache(maxsize=4)
def _kept(extensions: tuple[object, ...]) -> Markdown:
    return converter(extensions)


def converter(extensions: tuple[object, ...], guarded: bool = True) -> Markdown:
    """A new converter. One that is not guarded gives the same HTML, with all the library's own detours."""
    added = [one for one in extensions if isinstance(one, str | Extension)]
    reading = Reading()
    own = (*EXTENSIONS, Inline(), Notes(), reading, *((Guards(reading, not added),) if guarded else ()))
    made = Markdown(extensions=[*own, *added], extension_configs=SETTINGS, output_format="html")
    for name in REPLACED:
        made.preprocessors.deregister(name, strict=False)
    return made
