"""Answers: the one place where questions are asked. Remembers what was answered, of which cells, and what has changed.

A build starts from the ledger's tables, asks again only the questions whose cells changed, and notes which answers are
no longer what they were. Rendering asks more; everything asked is numbered, and an output keeps its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from obverse.cells import Cells, digest_of_value
from obverse.clock import NEVER
from obverse.ledger import Answered, Key
from obverse.questions import QUESTIONS, until


class Answers:
    """The question and cell tables of one build."""

    def __init__(self, cells: Cells, known_cells: list[tuple[str, str]], known: list[tuple[Key, Answered]]) -> None:
        """Begin with what the last build recorded, and find out which of its answers have changed."""
        self._cells = cells
        self._cell_names = [name for name, _ in known_cells]
        self._cell_numbers = {name: number for number, name in enumerate(self._cell_names)}
        self._questions = [key for key, _ in known]
        self._answered = [answered for _, answered in known]
        self._numbers = {key: number for number, key in enumerate(self._questions)}
        self._values: dict[int, Any] = {}
        changed = {number for number, (name, digest) in enumerate(known_cells) if cells.digest(name) != digest}
        self.changed = self._ask_again(changed)

    def _ask_again(self, changed_cells: set[int]) -> frozenset[int]:
        """The numbers of the questions that have another answer now. Only those that read a changed cell are asked."""
        if not changed_cells:
            return frozenset()
        changed = set()
        for number, answered in enumerate(self._answered):
            if changed_cells.isdisjoint(answered.cells):
                continue
            before = answered.digest
            self._evaluate(number)
            if self._answered[number].digest != before:
                changed.add(number)
        return frozenset(changed)

    def ask(self, key: Key) -> tuple[int, Any]:
        """The number of a question and its answer, worked out at most once a build."""
        number = self._numbers.get(key)
        if number is None:
            number = len(self._questions)
            self._numbers[key] = number
            self._questions.append(key)
            self._answered.append(Answered("", (), ""))
        if number not in self._values:
            self._evaluate(number)
        return number, self._values[number]

    def _evaluate(self, number: int) -> None:
        kind, *arguments = self._questions[number]
        used: dict[int, None] = {}

        def read(name: str) -> Any:
            used[self._cell(name)] = None
            return self._cells.value(name)

        value = QUESTIONS[kind](read, *arguments)
        moment = until(value)
        ends = moment.isoformat() if moment is not None and moment != NEVER else ""
        self._values[number] = value
        self._answered[number] = Answered(digest_of_value(value), tuple(used), ends)

    def _cell(self, name: str) -> int:
        number = self._cell_numbers.get(name)
        if number is None:
            number = len(self._cell_names)
            self._cell_numbers[name] = number
            self._cell_names.append(name)
        return number

    def question(self, number: int) -> Key:
        """The question with this number."""
        return self._questions[number]

    def next_due(self, live: Iterable[int]) -> datetime:
        """When the first of these questions about time will be answered differently."""
        moments = (self._answered[number].until for number in live)
        return min((datetime.fromisoformat(moment) for moment in moments if moment), default=NEVER)

    def tables(self, live: set[int]) -> tuple[list[tuple[str, str]], list[tuple[Key, Answered]], dict[int, int] | None]:
        """The tables to record: cells, questions, and how questions are numbered anew (None: as they were).

        Questions no output asks any more stay while they are few; more than that and all are numbered anew.
        """
        if len(self._questions) <= 2 * len(live) + 100:
            return (
                self._cell_table(range(len(self._cell_names))),
                list(zip(self._questions, self._answered, strict=True)),
                None,
            )
        questions = {old: new for new, old in enumerate(sorted(live))}
        used = dict.fromkeys(cell for old in questions for cell in self._answered[old].cells)
        cells = {old: new for new, old in enumerate(used)}
        kept = []
        for old in questions:
            answered = self._answered[old]
            renumbered = tuple(cells[cell] for cell in answered.cells)
            kept.append((self._questions[old], Answered(answered.digest, renumbered, answered.until)))
        return self._cell_table(cells), kept, questions

    def _cell_table(self, numbers: Iterable[int]) -> list[tuple[str, str]]:
        names = (self._cell_names[number] for number in numbers)
        return [(name, self._cells.digest(name)) for name in names]
