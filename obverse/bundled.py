"""Bundled: what comes with Obverse besides its code (the default theme, the starter site) -> where it lies on disk."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The path of "templates", "content", "obverse.toml" or "build.py" as shipped.

    A wheel carries them inside the package, in `_bundled`; in the repository they stand beside it. Never looked up
    through the folder of installed libraries: an editable install leaves a copy there that goes stale.
    """
    inside = _HERE / "_bundled" / name
    return inside if inside.exists() else _HERE.parent / name
