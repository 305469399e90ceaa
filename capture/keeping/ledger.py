"""Who was erased and when -> a file that tells nobody who it was, and by which a restored backup is erased again.

A line of JSON an erasure, written before the erasure begins: `at`, and `who` as an HMAC of the address with the site's
key. It lies beside the database, since a restored database knows only what it knew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from capture.files import append, lines_of
from capture.store.moments import from_text, to_text
from obverse.forms.checking import email_key

FILE = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One line: what was received until `at` from whoever `who` stands for is erased."""

    at: datetime
    who: str


def mark(key: str, email: str) -> str:
    """What stands for an address. Raises ValueError without a key: anybody could then try addresses."""
    if not key:
        raise ValueError("the site has no key")
    return hmac.new(key.encode(), f"erased\0{email_key(email)}".encode(), hashlib.sha256).hexdigest()


def erasures(folder: Path) -> tuple[Erasure, ...]:
    """All that is in the ledger of a data folder; a line that a power cut left half is none. Raises OSError."""
    return tuple(erasure for line in lines_of(folder / FILE) if (erasure := _read(line)))


def note(folder: Path, given: Iterable[Erasure]) -> None:
    """Write down those that are not there yet, to the disk. Raises OSError."""
    known = set(erasures(folder))
    lines = [json.dumps({"at": to_text(one.at), "who": one.who}) for one in given if one not in known]
    if not lines:
        return
    append(folder / FILE, lines)


def _read(line: bytes) -> Erasure | None:
    try:
        plain = json.loads(line)
        return Erasure(from_text(plain["at"]), str(plain["who"]))
    except (ValueError, KeyError, TypeError):
        return None
