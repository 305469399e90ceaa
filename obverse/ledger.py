"""The ledger: what every output asked, what it was answered, and what the answers were made of.

After a commit every recorded answer equals the present one. It is three tables (cell -> digest, question -> digest of
its answer, output -> question numbers) beside what was known of the sources. Strings stand in it once; outputs and
questions refer by number, so that ten thousand pages load in milliseconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from obverse.options import RELEASE
from obverse.problems import Level, Problem
from obverse.sources import Stamp

FORMAT = 2
_MAGIC = f"obverse ledger {FORMAT} {sys.implementation.cache_tag}\n".encode()
_CHECK = 16

Key: TypeAlias = tuple[Any, ...]
"""A question: its kind, then its arguments."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is recorded of one question.

    The digest of its answer, the numbers of its cells, and for a question about time the ISO moment from which it will
    be answered differently ("" for others).
    """

    digest: str
    cells: tuple[int, ...]
    until: str


@dataclass(frozen=True, slots=True)
class Written:
    """What is recorded of one output.

    The digest of its job, its packed question numbers, the assets it wants, the stat it was left with, the digest of
    its bytes ("" for a copied file), the problems found while it was made, and why it was last written.
    """

    job: str
    reads: bytes
    wants: tuple[str, ...]
    stamp: Stamp
    digest: str
    problems: tuple[Problem, ...]
    because: str

    @property
    def numbers(self) -> array[int]:
        """The numbers of the questions it asked."""
        return unpacked(self.reads)


@dataclass(slots=True)
class Ledger:
    """All that one output folder's last build left behind. An empty one means that nothing is known.

    `sources`: path -> (stamp, digest). `pages`: content path -> a `pages.Record`. `references`: template digest -> the
    names it mentions. `addresses`: content path -> (site-local URL, body key) of what was published. `told`: problems.
    """

    sources: dict[str, tuple[Stamp | None, str]] = field(default_factory=dict)
    pages: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rules: str = ""
    setting: str = ""
    next_due: str = ""
    built_at: str = ""
    cells: list[tuple[str, str]] = field(default_factory=list)
    questions: list[tuple[Key, Answered]] = field(default_factory=list)
    outputs: dict[str, Written] = field(default_factory=dict)
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)
    told: tuple[Problem, ...] = ()


def load(file: Path) -> Ledger:
    """The ledger in `file`; an empty one when there is none, or when it is damaged or of another format or Python."""
    try:
        data = file.read_bytes()
    except OSError:
        return Ledger()
    head, check, body = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + _CHECK], data[len(_MAGIC) + _CHECK :]
    if head != _MAGIC or check != _checksum(body):
        return Ledger()
    return _from_plain(marshal.loads(body))  # noqa: S302 - checked: our own bytes, on our own disk


def dump(ledger: Ledger) -> bytes:
    """The ledger as bytes; a checksum guards against a torn or foreign file."""
    body = marshal.dumps(_to_plain(ledger))
    return _MAGIC + _checksum(body) + body


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK).digest()


def _to_plain(ledger: Ledger) -> tuple[Any, ...]:
    return (
        {path: (_stamp_out(stamp), digest) for path, (stamp, digest) in ledger.sources.items()},
        ledger.pages,
        ledger.references,
        (ledger.rules, ledger.setting, ledger.next_due, ledger.built_at),
        ledger.cells,
        [(key, one.digest, packed(one.cells), one.until) for key, one in ledger.questions],
        {
            path: (
                one.job,
                one.reads,
                one.wants,
                _stamp_out(one.stamp),
                one.digest,
                _problems_out(one.problems),
                one.because,
            )
            for path, one in ledger.outputs.items()
        },
        ledger.addresses,
        _problems_out(ledger.told),
    )


def _from_plain(plain: tuple[Any, ...]) -> Ledger:
    sources, pages, references, known, cells, questions, outputs, addresses, told = plain
    rules, setting, next_due, built_at = known
    return Ledger(
        sources={path: (Stamp(*stamp) if stamp else None, digest) for path, (stamp, digest) in sources.items()},
        pages=pages,
        references=references,
        rules=rules,
        setting=setting,
        next_due=next_due,
        built_at=built_at,
        cells=cells,
        questions=[(key, Answered(digest, tuple(unpacked(used)), until)) for key, digest, used, until in questions],
        outputs={
            path: Written(job, reads, wants, Stamp(*stamp), digest, problems_in(found), because)
            for path, (job, reads, wants, stamp, digest, found, because) in outputs.items()
        },
        addresses=addresses,
        told=problems_in(told),
    )


def packed(numbers: Iterable[int]) -> bytes:
    """Numbers of questions or cells as the ledger keeps them."""
    return array("I", numbers).tobytes()


def unpacked(data: bytes) -> array[int]:
    """The numbers again."""
    numbers: array[int] = array("I")
    numbers.frombytes(data)
    return numbers


def _stamp_out(stamp: Stamp | None) -> tuple[int, int, int, int] | None:
    return (stamp.mtime_ns, stamp.size, stamp.inode, stamp.ctime_ns) if stamp else None


def _problems_out(problems: tuple[Problem, ...]) -> tuple[tuple[Any, ...], ...]:
    return tuple(
        (one.code, one.path, one.message, one.line, one.column, one.excerpt, one.hint, str(one.level), one.spared)
        for one in problems
    )


def problems_in(rows: tuple[tuple[Any, ...], ...]) -> tuple[Problem, ...]:
    """Problems from the plain rows they are kept as."""
    return tuple(
        Problem(code, path, message, line, column, excerpt, hint, Level(level), spared)
        for code, path, message, line, column, excerpt, hint, level, spared in rows
    )


def stamps_of(out: Path, release: Path, paths: Mapping[str, Written]) -> dict[str, Stamp]:
    """The present stat of every known output that is there: the price of knowing that nothing is to do."""
    found = {}
    site, released = os.fspath(out) + os.sep, os.fspath(release) + os.sep
    for path in paths:
        file = released + path[len(RELEASE) :] if path.startswith(RELEASE) else site + path
        with contextlib.suppress(OSError, ValueError):
            one = os.stat(file)
            found[path] = Stamp(one.st_mtime_ns, one.st_size, one.st_ino)
    return found
