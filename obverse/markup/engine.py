"""Python-Markdown as Obverse sets it up: Markdown text -> HTML."""

from __future__ import annotations

import functools
from typing import Any

from markdown import Markdown

EXTENSIONS = (
    "pymdownx.betterem",
    "pymdownx.superfences",
    "pymdownx.highlight",
    "pymdownx.inlinehilite",
    "pymdownx.magiclink",
    "pymdownx.tasklist",
    "pymdownx.tilde",
    "pymdownx.caret",
    "pymdownx.mark",
    "pymdownx.saneheaders",
    "pymdownx.quotes",
    "pymdownx.details",
    "pymdownx.blocks.admonition",
    "pymdownx.blocks.details",
    "pymdownx.blocks.tab",
    "pymdownx.tabbed",
    "pymdownx.keys",
    "markdown.extensions.admonition",
    "markdown.extensions.tables",
    "markdown.extensions.footnotes",
    "markdown.extensions.attr_list",
    "markdown.extensions.def_list",
    "markdown.extensions.md_in_html",
    "markdown.extensions.abbr",
    "markdown.extensions.sane_lists",
)
SETTINGS: dict[str, dict[str, Any]] = {
    "pymdownx.highlight": {"linenums_style": "pymdownx-inline"},
    "pymdownx.tilde": {"subscript": False},
    "pymdownx.caret": {"superscript": False},
    "pymdownx.quotes": {"callouts": True},
    "pymdownx.tabbed": {"alternate_style": True},
    "pymdownx.blocks.tab": {"alternate_style": True},
}


def render(text: str, extensions: tuple[object, ...]) -> str:
    """The HTML of a text. One converter is kept per process and set of extensions."""
    converter = _converter(extensions)
    converter.reset()
    return converter.convert(text)


@functools.lru_cache(maxsize=4)
def _converter(extensions: tuple[object, ...]) -> Markdown:
    return Markdown(extensions=[*EXTENSIONS, *extensions], extension_configs=SETTINGS, output_format="html")
