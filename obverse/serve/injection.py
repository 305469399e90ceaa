"""HTML as built -> HTML as served: external scripts are added, which a strict policy allows, and nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

SCRIPT = "/_ob/live.js"

_STYLESHEET = re.compile(rb"<link\b[^>]*\brel\s*=\s*[\"']?stylesheet\b[^>]*>", re.IGNORECASE)


def injected(page: bytes, build: str, more: Iterable[str] = ()) -> bytes:
    """The page with the live script, and `more` of them, before `</body>`, else before `</head>`, else at its end.

    The live script carries the build the page was served from, and the page's shape.
    """
    script = f'<script type="module" src="{SCRIPT}" data-build="{build}" data-shape="{shape(page)}"></script>'
    script += "".join(f'<script type="module" src="{one}"></script>' for one in more)
    at = _seam(page.lower())
    return page[:at] + script.encode() + page[at:]


def shape(page: bytes) -> str:
    """A digest of the page without its stylesheet links: two pages of one shape differ in their styles alone."""
    return hashlib.sha256(_STYLESHEET.sub(b"<link>", page)).hexdigest()[:16]


def _seam(page: bytes) -> int:
    at = page.rfind(b"</body")
    if at < 0:
        at = page.find(b"</head")
    return at if at >= 0 else len(page)
