"""The one seam to Markdown: text -> HTML. Nothing else in Obverse knows which engine reads a writer's words.

Importing this module costs nothing: the engine and its libraries are loaded by the first `render`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = ("markdown", "pymdown-extensions", "pygments")


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
    """The engine's own code and the versions of its libraries, for the keys of memos. Imports none of them."""
    found: dict[str, str] = {}
    for folder in reversed(sys.path):
        with contextlib.suppress(OSError):
            found.update(_distributions(folder))
    return " ".join([f"obverse-markup {_own_code()}", *(f"{name} {found.get(name, '?')}" for name in LIBRARIES)])


@functools.cache
def _own_code() -> str:
    """The digest of all that makes HTML of a text: whoever changes it need not remember to say so."""
    here = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted((*here.glob("*.py"), here.parent / "survey.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _distributions(folder: str) -> dict[str, str]:
    """The versions of the libraries that are installed in a folder.

    Read from the names there: `importlib.metadata` alone costs more than a build that has nothing to do.
    """
    names = (one.partition("-") for one in os.listdir(folder or ".") if one.endswith(".dist-info"))
    return {name.lower().replace("_", "-"): rest.removesuffix(".dist-info") for name, _, rest in names}
