"""What is told, and the row before -> a row that hangs on it; rows in their order -> whether they are as written. Pure.

Each row's `hash` is the SHA-256 of all it says and of the hash before it, so a row that is changed, removed, put in or
moved breaks the chain there, and whoever has the rows can tell without any secret. Whoever may write to the database
could make all hashes anew; so each hash has a `seal`, its HMAC by the site's key, which is not in the database. One
seal vouches for its row and all before it. What neither can show is that the last rows are gone: for that the head
(number and hash of the last row) is noted elsewhere, and the chain is held against it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import Any

from capture.audit.kinds import KINDS
from capture.store.moments import to_text

NOTHING = "0" * 64  # what the first row hangs on
_SHORTEST = 16  # digits of a hash that name a row beyond doubt

# What a row may say: codes, ids, times, names of settings. No address, name or sentence of anybody fits in.
_CODE = re.compile(r"[A-Za-z0-9_.:+-]{0,80}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is told: who did what to what, when (aware). `actor` is a user's id, TERMINAL or HOUSE, "" for a stranger.

    `subject` is an id, `about` what it is the id of; both "" where the kind says all.
    """

    at: datetime
    actor: str
    kind: str
    about: str = ""
    subject: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored. `facts` is JSON, `previous` the hash before it, `key` the mark of the key of `seal`."""

    number: int
    at: str
    actor: str
    kind: str
    about: str
    subject: str
    facts: str
    previous: str
    hash: str
    key: str
    seal: str

    @property
    def head(self) -> str:
        """What names this row and vouches for all before it, once it is noted elsewhere."""
        return f"{self.number}:{self.hash}"

    @property
    def short(self) -> str:
        """The same in as few digits as name it beyond doubt, for people."""
        return f"{self.number}:{self.hash[:_SHORTEST]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of walking the chain: rows seen, the last head, and a sentence of what is `broken` first, or "".

    `foreign` is how many rows have a seal of a key that is not here; `first` the number of the first row.
    """

    rows: int
    first: int
    head: str
    broken: str
    foreign: int


def row_after(last: Row | None, entry: Entry, key: str) -> Row:
    """The row of an entry, hanging on the last one. Raises ValueError for what has no place in the log."""
    _check(entry)
    facts = json.dumps(entry.facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    number, previous = (last.number + 1, last.hash) if last else (1, NOTHING)
    said = (to_text(entry.at), entry.actor, entry.kind, entry.about, entry.subject, facts)
    row = Row(number, *said, previous=previous, hash="", key=mark_of(key), seal="")
    row = replace(row, hash=digest(row))
    return replace(row, seal=seal(key, row.hash))


def digest(row: Row) -> str:
    """The hash of all that a row says, and of the hash before it: a JSON array of its columns in their order."""
    said = json.dumps(astuple(row)[:8], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"obverse audit 1\n{said}".encode()).hexdigest()


def seal(key: str, hash: str) -> str:
    """The HMAC of a hash by the site's key, "" without one."""
    return hmac.new(_own(key), hash.encode(), hashlib.sha256).hexdigest() if key else ""


def mark_of(key: str) -> str:
    """What names a key without telling it, "" without one."""
    return hmac.new(_own(key), b"mark", hashlib.sha256).hexdigest()[:8] if key else ""


def _own(key: str) -> bytes:
    """A key of the log's own, made of the site's: what seals here can sign nothing else."""
    return hmac.new(key.encode(), b"obverse audit", hashlib.sha256).digest()


def _check(entry: Entry) -> None:
    if entry.kind not in KINDS:
        raise ValueError(f"the audit log knows no '{entry.kind}'")
    if not all(_is_code(one) for one in (entry.actor, entry.about, entry.subject, entry.facts)):
        raise ValueError(f"'{entry.kind}' would tell the audit log more than ids, counts and names of settings")


def _is_code(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_code(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return all(map(_is_code, value))
    return isinstance(value, bool | int) or (isinstance(value, str) and _CODE.fullmatch(value) is not None)


# Proving.


def verified(rows: Iterable[Row], key: str, known: str = "") -> Verdict:
    """Walk the rows, by number. `known` is a head that was noted elsewhere ("213:9f3a…", 16 digits are enough).

    Raises ValueError for a head that is none.
    """
    walk = _Walk(mark_of(key), key, *_head(known))
    for row in rows:
        walk.take(row)
    return walk.verdict()


def _head(known: str) -> tuple[int, str]:
    if not known:
        return 0, ""
    found = re.fullmatch(rf"(\d{{1,18}}):([0-9a-f]{{{_SHORTEST},64}})", known.strip().lower())
    if found is None or not int(found[1]):
        raise ValueError("a head is a number, a colon and 16 to 64 digits of a hash")
    return int(found[1]), found[2]


@dataclass(slots=True)
class _Walk:
    """Where a walk along the chain stands."""

    mark: str
    key: str
    known_number: int
    known_hash: str
    last: Row | None = None
    first: Row | None = None
    rows: int = 0
    foreign: int = 0
    broken: str = ""
    anchored: bool = False  # a row says that those before the first were let go of

    def take(self, row: Row) -> None:
        """One row more. After the first break nothing is said any more."""
        self.rows += 1
        if not self.broken:
            self.broken = self._wrong(row)
        self.first = self.first or row
        self.anchored = self.anchored or (not self.broken and self._anchors(row))
        self.foreign += row.key != self.mark
        self.last = row

    def _wrong(self, row: Row) -> str:
        last = self.last
        if last is not None and row.number != last.number + 1:
            return f"row {last.number + 1} is missing: after {last.number} comes {row.number}"
        if digest(row) != row.hash:
            return f"row {row.number} was changed: its hash is not that of what it says"
        if (last is not None or row.number == 1) and row.previous != (last.hash if last else NOTHING):
            return f"row {row.number} does not hang on row {row.number - 1}: one of the two was put in or exchanged"
        return self._unsealed(row) or self._not_known(row)

    def _unsealed(self, row: Row) -> str:
        if row.key != self.mark:
            return ""
        if not hmac.compare_digest(seal(self.key, row.hash).encode(), row.seal.encode()):
            return f"row {row.number} was made by somebody without the site's key: its seal is false"
        if self.last is not None and self.last.key != self.mark and row.kind != "key.changed":
            return f"row {row.number - 1} was made with another key than the site's, and no row says why"
        return ""

    def _not_known(self, row: Row) -> str:
        if row.number != self.known_number or row.hash.startswith(self.known_hash):
            return ""
        return f"row {row.number} is another one than was noted as the head"

    def _anchors(self, row: Row) -> bool:
        if row.kind != "audit.pruned" or row.key != self.mark or self.first is None:
            return False
        facts = json.loads(row.facts)
        return (facts.get("through"), facts.get("hash")) == (self.first.number - 1, self.first.previous)

    def verdict(self) -> Verdict:
        """What was found in the end."""
        head = self.last.head if self.last else ""
        first = self.first.number if self.first else 0
        return Verdict(self.rows, first, head, self.broken or self._lacking(), self.foreign)

    def _lacking(self) -> str:
        """What only the end shows: rows that are not there."""
        if self.last is None or self.first is None:
            return "row 1 is missing: the log is empty, and it never is"
        if self.first.number > 1 and not self.anchored:
            return f"row {self.first.number - 1} is missing, and no row says that those before were let go of"
        if self.last.key != self.mark:
            return f"row {self.last.number}, the last, was made with another key than the site's"
        if self.known_number > self.last.number:
            return f"row {self.last.number + 1} is missing: row {self.known_number} was noted as the head"
        return ""
