"""The ledger: what every output asked, what it was answered, and what the answers were made of.

After a commit every recorded answer equals the present one. It is three tables (cell -> digest, question -> digest of
its answer, output -> question numbers) beside what was known of the sources. Cells are kept by their *origin*, what
they are all made of, each with the questions that read it: while the mark of an origin is the same, none of its cells
is looked at, and an edit costs what it touches.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from obverse.options import RELEASE
from obverse.problems import Level, Problem
from obverse.rows import Row, Rows, whole

Key: TypeAlias = tuple[Any, ...]
"""A question: its kind, then its arguments."""

PlainProblems: TypeAlias = tuple[tuple[Any, ...], ...]
"""Problems as plain values."""

T = TypeVar("T")

Table: TypeAlias = dict[str, T] | Rows
"""Rows by key: `Rows` where they come out of a file."""

Cells: TypeAlias = dict[str, tuple[bytes, bytes]]
"""What is recorded of the cells of one origin: cell -> (digest, packed numbers of its questions)."""


class Written(NamedTuple):
    """What is recorded of one output.

    Its job as plain values, the assets it wants, the problems found while it was made, and why it was last written.
    """

    job: tuple[Any, ...]
    wants: tuple[str, ...]
    problems: PlainProblems
    because: str


@dataclass(slots=True)
class Outputs:
    """All that is known of the outputs, by path.

    `records` tell of each what `Written` says, `reads` its questions as packed numbers, `stamps` the stat it was left
    with. From the records follow `wants`, by how many outputs each asset is wanted, `told`, those that have problems,
    and `assets`, those that are assets, each with its name.
    """

    records: Table[Written] = field(default_factory=dict)
    reads: Table[bytes] = field(default_factory=dict)
    stamps: dict[str, tuple[int, ...]] = field(default_factory=dict)
    wants: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    assets: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.stamps)

    def without_assets(self) -> Outputs:
        """The same outputs, to be changed by themselves, but for the assets: who wants those may have changed."""
        made = Outputs(
            self.records.copy(), self.reads.copy(), dict(self.stamps), dict(self.wants), set(self.told),
            dict(self.assets),
        )  # fmt: skip
        for path in self.assets:
            made.forget(path)
        return made

    def whole(self) -> Outputs:
        """The same outputs for whoever is going to look at most of them."""
        return Outputs(
            dict(whole(self.records)), dict(whole(self.reads)), self.stamps, self.wants, self.told, self.assets
        )

    def unpack(self) -> None:
        """Have all rows at hand, for whoever is going to ask for most of them one by one."""
        for table in (self.records, self.reads):
            if isinstance(table, Rows):
                table.base.whole()

    def put(self, path: str, record: Written, reads: bytes, stamp: tuple[int, ...]) -> None:
        """Know this of the output at `path`, and nothing else any more."""
        self.forget(path)
        self.records[path], self.reads[path], self.stamps[path] = record, reads, stamp
        for name in record.wants:
            self.wants[name] = self.wants.get(name, 0) + 1
        if record.problems:
            self.told.add(path)
        if record.job[1] == "asset":
            self.assets[path] = record.job[5][0]

    def take(self, path: str, other: Outputs) -> None:
        """Know of the output at `path` what `other` knows."""
        self.put(path, other.records[path], other.reads[path], other.stamps[path])

    def forget(self, path: str) -> None:
        """Know nothing of the output at `path`."""
        if path in self.stamps:
            for name in self.records[path].wants:
                self.wants[name] -= 1
                if not self.wants[name]:
                    del self.wants[name]
            del self.records[path], self.reads[path], self.stamps[path]
            self.told.discard(path)
            self.assets.pop(path, None)


@dataclass(slots=True)
class Asked:
    """All questions by number, and the cells they were answered from.

    `keys` and `digests` (of the answers) are in step; `until` tells of a question about time the ISO moment from which
    it will be answered differently. `marks` are those of all origins but pages, which have theirs from their places;
    `cells` are the cells of each origin.
    """

    keys: list[Key] | Row = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    until: dict[int, str] = field(default_factory=dict)
    marks: dict[str, str | None] = field(default_factory=dict)
    cells: dict[str, Cells] | Rows = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a ledger has to say before it is read: enough to know that there is nothing to do.

    `sources` and the texts are the ledger's own; `stamps` are those of its outputs by path.
    """

    sources: dict[str, tuple[tuple[int, ...] | None, str]] = field(default_factory=dict)
    stamps: dict[str, tuple[int, ...]] = field(default_factory=dict)
    rules: str = ""
    setting: str = ""
    next_due: str = ""
    built_at: str = ""
    told: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Base:
    """The file that a ledger was loaded from: its checksum, its parts' bytes, number of questions; changes since."""

    check: bytes
    sizes: tuple[int, int]
    keys: int
    since: tuple[Any, ...] | None = None


@dataclass(slots=True)
class Ledger:
    """All that one output folder's last build left behind. An empty one means that nothing is known.

    `sources`: path -> (stamp, digest). `pages`: content path -> a `pages.Record`. `places`: content path -> a
    `standing.Placed`. `orders`: what `orders.orders` makes of all places. `standing`: a `standing.Standing`. `planned`:
    what the plan was made of, and its mark. `forms`: their mark and a `form_files.Named`. `references`: template digest
    -> the names it mentions. `addresses`: content path -> (site-local URL, body key) of what was published. `told`:
    problems.
    """

    sources: dict[str, tuple[tuple[int, ...] | None, str]] = field(default_factory=dict)
    pages: Table[tuple[Any, ...]] = field(default_factory=dict)
    places: Table[tuple[Any, ...]] = field(default_factory=dict)
    orders: Table[Any] = field(default_factory=dict)
    standing: tuple[Any, ...] = ()
    planned: tuple[str, str] = ("", "")
    forms: tuple[str, Any] = ("", ())
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rules: str = ""
    setting: str = ""
    next_due: str = ""
    built_at: str = ""
    asked: Asked = field(default_factory=Asked)
    outputs: Outputs = field(default_factory=Outputs)
    addresses: Table[tuple[str, str]] = field(default_factory=dict)
    told: tuple[Problem, ...] = ()
    base: Base | None = field(default=None, compare=False)

    @property
    def stamps(self) -> dict[str, tuple[int, ...]]:
        """The stat that each output was left with."""
        return self.outputs.stamps

    def outline(self) -> Outline:
        """What it says before it is read."""
        return Outline(self.sources, self.stamps, self.rules, self.setting, self.next_due, self.built_at, self.told)


def packed(numbers: Iterable[int]) -> bytes:
    """Numbers of questions or cells as the ledger keeps them."""
    return array("I", numbers).tobytes()


def unpacked(data: bytes) -> array[int]:
    """The numbers again."""
    numbers: array[int] = array("I")
    numbers.frombytes(data)
    return numbers


def problems_out(problems: Iterable[Problem]) -> PlainProblems:
    """Problems as the ledger keeps them."""
    return tuple(
        (one.code, one.path, one.message, one.line, one.column, one.excerpt, one.hint, str(one.level), one.spared)
        for one in problems
    )


def problems_in(told: PlainProblems) -> tuple[Problem, ...]:
    """Problems from the plain rows they are kept as."""
    return tuple(
        Problem(code, path, message, line, column, excerpt, hint, Level(level), spared)
        for code, path, message, line, column, excerpt, hint, level, spared in told
    )


def touched(out: Path, release: Path, stamps: Mapping[str, tuple[int, ...]]) -> dict[str, bool]:
    """Those outputs that are not as they were left, and whether they are there at all.

    A stat of each: the price of knowing that nothing is to do.
    """
    found: dict[str, bool] = {}
    site, released = os.fspath(out) + os.sep, os.fspath(release) + os.sep
    look = os.stat
    for path, stamp in stamps.items():
        file = released + path[len(RELEASE) :] if path.startswith(RELEASE) else site + path
        try:
            one = look(file)
        except (OSError, ValueError):  # it is gone, or no file system takes such a name
            found[path] = False
            continue
        if (one.st_mtime_ns, one.st_size, one.st_ino, 0) != stamp:
            found[path] = True
    return found
