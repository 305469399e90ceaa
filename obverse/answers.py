"""Answers: the one place where questions are asked. Remembers what was answered, of which cells, and what has changed.

A build starts from the ledger's tables, asks again only the questions whose cells changed, and notes which answers are
no longer what they were. Rendering asks more; everything asked is numbered, and an output keeps its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from obverse.cells import OF_PAGE, Cells, digest_of_rows, digest_of_value, origin_of
from obverse.clock import NEVER
from obverse.ledger import Asked, Key, packed, unpacked
from obverse.ledger import Cells as Known
from obverse.questions import OF_ONE_PAGE, QUESTIONS, TABLES, until
from obverse.rows import Rows, whole

Told: TypeAlias = tuple[Key, bytes, str, tuple[tuple[str, bytes], ...]]
"""A question that a worker asked: its key, the digest of the answer, until when that holds, and its cells."""


class Answers:
    """The question and cell tables of one build."""

    def __init__(self, cells: Cells, known: Asked, pages: Iterable[str]) -> None:
        """Begin with what the last build recorded, and find out which of its answers have changed.

        `pages` are the content paths of those pages that are not as they were then.
        """
        self._cells = cells
        self._keys = known.keys.copy()
        self._before = len(known.keys)
        self._digests = list(known.digests)
        self._until = dict(known.until)
        self._marks, self._known = known.marks, known.cells
        of_pages = (OF_PAGE + path for path in pages)
        self._others = (*(one for one in of_pages if one in known.cells), *cells.others(known.marks))
        self._numbers: dict[Key, int] | None = None
        self._expected: dict[Key, int] = {}
        self._values: dict[int, Any] = {}
        self._used: dict[int, Iterable[str]] = {}
        self._readers: dict[str, list[int]] = {}
        self._read_elsewhere: dict[str, bytes] = {}
        self.changed = frozenset(self._ask_again())

    def _ask_again(self) -> Iterator[int]:
        """The numbers of the questions that have another answer now. Only those that read a changed cell are asked."""
        again: set[int] = set()
        for origin in self._others:
            for name, (digest, readers) in self._known[origin].items():
                if self._cells.digest(name) != digest:
                    again.update(unpacked(readers))
        for number in sorted(again):
            before = self._digests[number]
            self._record(number)
            if self._digests[number] != before:
                yield number

    def ask(self, key: Key) -> tuple[int, Any]:
        """The number of a question and its answer, worked out at most once a build."""
        number = self._number(key)
        if number not in self._values:
            if self._digests[number]:  # recorded, and as it was: only its value is not at hand
                self._evaluate(number, self._cells.value)
            else:
                self._record(number)
        return number, self._values[number]

    def expect(self, numbers: Iterable[int]) -> None:
        """Have these questions at hand: while no other is asked, the rest need not be looked at."""
        self._expected = {self._keys[number]: number for number in numbers}

    def _number(self, key: Key) -> int:
        if self._expected and key in self._expected:
            return self._expected[key]
        if self._numbers is None:  # a build that renders nothing, or what asks as it did, never needs to find one
            self._numbers = {known: number for number, known in enumerate(self._keys)}
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._keys)
            self._keys.append(key)
            self._digests.append(b"")
        return number

    def _evaluate(self, number: int, read: Callable[[str], Any]) -> Any:
        kind, *arguments = self._keys[number]
        value = self._values[number] = QUESTIONS[kind](read, *arguments)
        return value

    def _record(self, number: int) -> None:
        """Answer a question, and remember the answer and the cells it was made from."""
        used: dict[str, None] = {}
        value_of = self._cells.value

        def read(name: str) -> Any:
            used[name] = None
            return value_of(name)

        value = self._evaluate(number, read)
        moment = until(value)
        ends = moment.isoformat() if moment is not None and moment != NEVER else ""
        self._note(number, self._digest_of(number, value), ends)
        self._used[number] = used

    def _digest_of(self, number: int, value: Any) -> bytes:
        kind, *names = self._keys[number]
        if kind in {"card", "page"}:  # the answer is the cell itself, whose digest is known
            return self._cells.digest(f"{kind}:{names[0]}")
        return digest_of_rows(value) if kind in TABLES else digest_of_value(value)

    def _note(self, number: int, digest: bytes, moment: str) -> None:
        self._digests[number] = digest
        self._until.pop(number, None)
        if moment:
            self._until[number] = moment

    def _read_by(self, number: int, used: Iterable[str]) -> None:
        readers = self._readers
        for name in used:
            if name in readers:
                readers[name].append(number)
            else:
                readers[name] = [number]

    def forget(self, first: int) -> None:
        """Let go of all answers, and of what was told of the questions from number `first` on that no other page asks.

        For a worker, which has told all of it: what is asked again is worked out again, and told again.
        """
        self.rest()
        numbers = self._numbers or {}
        for number in range(first, len(self._keys)):
            if self._keys[number][0] in OF_ONE_PAGE:
                numbers.pop(self._keys[number], None)
                self._keys[number], self._digests[number] = (), b"told"

    def rest(self) -> None:
        """Let go of all answers: of those that others will ask for, whoever asks has them at hand."""
        self._values = {}

    def question(self, number: int) -> Key:
        """The question with this number."""
        return self._keys[number]

    def __len__(self) -> int:
        """How many questions are known."""
        return len(self._keys)

    @property
    def asked_more(self) -> bool:
        """Whether anything was asked that was never asked before."""
        return len(self._keys) > self._before

    # What workers ask.

    def told(self, first: int) -> list[Told]:
        """All questions from number `first` on, for the process that keeps the tables; each is told once."""
        used, self._used = self._used, {}
        digest = self._cells.digest
        return [
            (
                self._keys[number],
                self._digests[number],
                self._until.get(number, ""),
                tuple([(name, digest(name)) for name in used.get(number, ())]),
            )
            for number in range(first, len(self._keys))
        ]

    def adopt(self, told: Told) -> int:
        """The number of a question that a worker has asked."""
        key, digest, ends, cells = told
        number = self._number(key)
        if not self._digests[number]:
            self._note(number, digest, ends)
            self._read_by(number, [name for name, _ in cells])
            self._read_elsewhere.update(cells)
        return number

    # What is recorded.

    def next_due(self, asked: Callable[[int], bool]) -> datetime:
        """When the first of the questions about time that some output `asked` will be answered differently."""
        moments = (moment for number, moment in self._until.items() if asked(number))
        return min(map(datetime.fromisoformat, moments), default=NEVER)

    def tables(self, live: set[int] | None) -> tuple[Asked, dict[int, int] | None]:
        """The tables to record, and how questions are numbered anew (None: as they were).

        Questions no output asks any more stay while they are few; more than that and all are numbered anew. `live` are
        those that some output asks, None where they need not be counted.
        """
        if live is None or len(self._keys) <= 2 * len(live) + 100:
            return Asked(self._keys, self._digests, self._until, *self._present()), None
        numbers = {old: new for new, old in enumerate(sorted(live))}
        kept = Asked(
            [self._keys[old] for old in numbers],
            [self._digests[old] for old in numbers],
            {numbers[old]: moment for old, moment in self._until.items() if old in numbers},
            *_renumbered(*self._present(), numbers),
        )
        return kept, numbers

    def _present(self) -> tuple[dict[str, str | None], dict[str, Known] | Rows]:
        """The marks and the cells as they are now; those of an unchanged origin that was not read are not touched."""
        marks, found = dict(self._marks), self._known.copy()
        for number, used in self._used.items():
            self._read_by(number, used)
        self._used = {}
        newly: dict[str, list[str]] = {}
        for name in self._readers:
            newly.setdefault(origin_of(name), []).append(name)
        for origin in self._others:
            known = self._known[origin]
            found[origin] = {name: (self._digest(name), readers) for name, (_, readers) in known.items()}
        for origin, names in newly.items():
            found[origin] = self._with_readers(found.get(origin, {}), names)
        touched = (origin for origin in (*self._others, *newly) if not origin.startswith(OF_PAGE))
        marks.update((origin, self._cells.mark(origin)) for origin in touched)
        return marks, found

    def _with_readers(self, known: Known, names: list[str]) -> Known:
        rows = dict(known)
        for name in names:
            more = self._readers[name]
            if name in rows:
                more = [*more, *unpacked(rows[name][1])]
            rows[name] = (self._digest(name), packed(sorted(set(more)) if len(more) > 1 else more))
        return rows

    def _digest(self, name: str) -> bytes:
        return self._read_elsewhere.get(name) or self._cells.digest(name)


def _renumbered(
    marks: dict[str, str | None], cells: Mapping[str, Known], numbers: dict[int, int]
) -> tuple[dict[str, str | None], dict[str, Known]]:
    """The cells that questions which stay have read, with their new numbers, and the marks of their origins."""
    found: dict[str, Known] = {}
    for origin, rows in whole(cells).items():
        kept = {}
        for name, (digest, readers) in rows.items():
            stay = packed(numbers[old] for old in unpacked(readers) if old in numbers)
            if stay:
                kept[name] = (digest, stay)
        if kept:
            found[origin] = kept
    return {origin: marks[origin] for origin in found if origin in marks}, found
