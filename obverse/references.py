"""References: what the bundled theme's templates mention of each other, kept beside them from site to site.

To find them every template has to be read as Jinja reads it, which a first build would do for nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from obverse.sources import digest_of
from obverse.theme import Theme

FOLDER = "__pycache__"

References = Mapping[str, tuple[str, ...]]
"""Digest of a template -> the names it mentions, as `templates.references_in` finds them."""


def kept(theme: Path, rules: str) -> References:
    """What is known of the templates in the folder `theme` under these rules; nothing where nothing was kept."""
    try:
        known = json.loads(_file(theme, rules).read_bytes())
    except (OSError, ValueError):
        return {}
    return {digest: tuple(names) for digest, names in known.items()}


def keep(theme: Path, rules: str, found: Theme, known: References) -> None:
    """Keep what a build has found beyond what was `known`. Where that cannot be written, the next build finds it."""
    bundled = {one.digest for one in found.bundled.values()}
    wanted = {digest: names for digest, names in found.references.items() if digest in bundled}
    if wanted.keys() <= known.keys() or sys.dont_write_bytecode:
        return
    file = _file(theme, rules)
    draft = file.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        for older in file.parent.glob("references-*.json"):
            older.unlink(missing_ok=True)
        draft.write_text(json.dumps({**known, **wanted}), "utf-8")
        os.replace(draft, file)


def _file(theme: Path, rules: str) -> Path:
    return theme / FOLDER / f"references-{digest_of(rules.encode())[:16]}.json"
