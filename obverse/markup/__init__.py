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

# Deeper than any text means it: what is nested further is read as text.
DEEPEST = 40

# The engines, and the libraries that each is made of.
ENGINES = {
    "markdown": ("markdown", "pymdown-extensions", "pygments"),
    "commonmark": ("comrak", "pymdown-extensions", "pygments"),
}


@dataclass(frozen=True, slots=True)
class MarkupOptions:
    """How bodies are read, by one of `ENGINES`.

    `extensions` are Python-Markdown extensions that a site's hooks add, names or instances: no other engine knows them.
    """

    engine: str = "markdown"
    extensions: tuple[object, ...] = ()


def render(text: str, options: MarkupOptions, *, deep: bool = True) -> str:
    """The HTML of a Markdown text: pure, and the same on every machine. Raises ValueError for an unknown engine.

    Who has seen that no line nests lists and quotes deeper than `DEEPEST` says so by `deep`: it is looked for once.
    """
    if options.engine == "markdown":
        from obverse.markup import engine

        return engine.render(text, options.extensions)
    if options.engine == "commonmark":
        from obverse.markup import commonmark

        return commonmark.render(text, deep=deep)
    raise ValueError(f"unknown Markdown engine {options.engine!r}")


def versions(engine: str = "") -> str:
    """The engine's own code, its name and the versions of its libraries, for the keys of memos. Imports none of them.

    Without an engine's name, those of all engines.
    """
    names = (engine,) if engine else tuple(ENGINES)
    libraries = sorted({library for name in names for library in ENGINES[name]})
    found: dict[str, str] = {}
    for folder in reversed(sys.path):
        with contextlib.suppress(OSError):
            found.update(_distributions(folder))
    listed = " ".join(f"{name} {found.get(name, '-')}" for name in libraries)
    return f"obverse-markup {_own_code()} {'/'.join(names)}: {listed}"


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
