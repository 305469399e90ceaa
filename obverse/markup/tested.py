"""Tested: the versions of libraries that our short cuts were compared with. For others, the library does all itself."""

from __future__ import annotations

import re
from typing import Any

# From the first up to, but without, the second.
TESTED = {"markdown": ((3, 11), (3, 12)), "pymdownx": ((12,), (13,)), "pygments": ((2, 21), (2, 22))}


def known(library: Any) -> bool:
    """Whether what is ours was compared with this version of a library."""
    first, beyond = TESTED[library.__name__]
    version = tuple(int(part) for part in re.findall(r"\d+", library.__version__)[:2])
    return first <= version < beyond
