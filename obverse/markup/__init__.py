"""The one seam to Markdown: text -> HTML. Nothing else in Obverse knows which engine reads a writer's words.

Importing this module costs nothing: the engine and its libraries are loaded by the first `render`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Raised with every change that can alter the HTML of any text: it is a part of the memo's key.
REVISION = 1
LIBRARIES = ("Markdown", "pymdown-extensions", "Pygments")


@dataclass(frozen=True, slots=True)
class MarkupOptions:
    """How bodies are read. `extensions` are Python-Markdown extensions that a site's hooks add: names or instances."""

    engine: str = "markdown"
    extensions: tuple[object, ...] = ()


def render(text: str, options: MarkupOptions) -> str:
    """The HTML of a Markdown text: pure, and the same on every machine. Raises ValueError for an unknown engine."""
    if options.engine != "markdown":
        raise ValueError(f"unknown Markdown engine {options.engine!r}")
    from obverse.markup import engine

    return engine.render(text, options.extensions)


def versions() -> str:
    """The engine and the versions of its libraries, for the keys of memos. Imports none of them."""
    from importlib import metadata  # costs more than a build that has nothing to do

    return " ".join(
        [
            f"obverse-markup {REVISION}",
            *(f"{name} {metadata.version(name)}" for name in LIBRARIES),
        ]
    )
