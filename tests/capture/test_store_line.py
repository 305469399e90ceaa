"""The line: writers who come at once are written together, each has its own result, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.house import store
from capture.model import Saved, Submission
from capture.store.database import Database, Refused, Unavailable
from capture.store.line import MOST, Line
from capture.store.saving import Member, save_all, save_group
from capture.store.tables import contacts, events, inquiries, outbox, submissions
from tests.capture.house import a_house
from tests.capture.samples import make_outgoing, make_submission, tokens
from tests.serving import until

PATIENT = 10.0


class Book:
    """What was written, in groups. `gate` holds a group back until it is opened."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def write(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(items))
        assert self.gate.wait(PATIENT)
        return [ValueError(str(one)) if one < 0 else one * 10 for one in items]


@pytest.fixture
def book() -> Book:
    return Book()


def gathered(line: Line[int, int], book: Book, numbers: Sequence[int]) -> list[int | str]:
    """What each of these gets that stand in line while the first one, 0, is being written."""

    def one(number: int) -> int | str:
        try:
            return line.put(number, book.write, PATIENT)
        except ValueError as error:
            return f"refused {error}"

    book.gate.clear()
    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        first = pool.submit(one, 0)
        until(lambda: book.groups == [[0]])
        found = []
        for count, number in enumerate(numbers, 1):
            found.append(pool.submit(one, number))
            until(lambda count=count: len(line._waiting) == count)  # type: ignore[misc]
        book.gate.set()
        assert first.result() == 0
        return [each.result() for each in found]


def test_alone_one_is_written_at_once(book: Book) -> None:
    line: Line[int, int] = Line()
    assert [line.put(number, book.write, PATIENT) for number in (1, 2)] == [10, 20]
    assert book.groups == [[1], [2]]


def test_who_comes_during_a_write_is_written_with_all_who_did(book: Book) -> None:
    assert gathered(Line(), book, [1, 2, 3]) == [10, 20, 30]
    assert book.groups == [[0], [1, 2, 3]]


def test_each_has_its_own_result(book: Book) -> None:
    assert gathered(Line(), book, [1, -2, 3]) == [10, "refused -2", 30]


def test_no_group_is_larger_than_one_commit_should_hold_up(book: Book) -> None:
    assert gathered(Line(), book, range(1, MOST + 6)) == [10 * one for one in range(1, MOST + 6)]
    assert [len(group) for group in book.groups] == [1, MOST, 5]


def test_a_writer_that_breaks_is_told_to_all_and_the_next_one_writes(book: Book) -> None:
    line: Line[int, int] = Line()

    def broken(_items: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        line.put(1, broken, PATIENT)
    assert line.put(2, book.write, PATIENT) == 20


def test_who_waits_too_long_goes_and_is_not_written(book: Book) -> None:
    line: Line[int, int] = Line()
    book.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(line.put, 0, book.write, PATIENT)
        until(lambda: book.groups == [[0]])
        began = time.monotonic()
        with pytest.raises(Unavailable):
            line.put(1, book.write, 0.05)
        assert time.monotonic() - began < 5
        book.gate.set()
        first.result()
    assert line.put(2, book.write, PATIENT) == 20
    assert book.groups == [[0], [2]]


def test_a_thousand_at_once_are_each_written_once(book: Book) -> None:
    line: Line[int, int] = Line()
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda one: line.put(one, book.write, PATIENT), range(1000)))
    assert found == [10 * one for one in range(1000)]
    assert sorted(one for group in book.groups for one in group) == list(range(1000))


# Submissions


def members(*some: Submission) -> list[Member]:
    return [Member(one, (make_outgoing(),)) for one in some]


def counted(database: Database, *tables: sa.Table) -> list[int]:
    with database.read() as connection:
        return [connection.execute(sa.select(sa.func.count()).select_from(one)).scalar_one() for one in tables]


def person(number: int, **more: object) -> Submission:
    return make_submission(instance=f"instance-{number:08}", email=f"ann{number}@example.org", **more)


def saved_one_by_one(database: Database, group: list[Member], token: Callable[[], str]) -> list[Saved]:
    found = []
    for one in group:
        with database.write() as connection:
            found += save_all(connection, [one], token)
    return found


def test_new_ones_are_written_with_one_statement_a_table(sqlite_database: Database) -> None:
    told: list[str] = []
    engine = sqlite_database._engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: told.append(given[2].split("(")[0].strip()))
    found = save_group(sqlite_database, members(*map(person, range(20))), tokens("group"))
    assert [one.outcome for one in found if isinstance(one, Saved)] == ["stored"] * 20
    assert sorted(one for one in told if one.startswith("INSERT")) == sorted(
        f"INSERT INTO {name}" for name in ("contacts", "inquiries", "submissions", "answers", "events", "outbox")
    )
    assert counted(sqlite_database, contacts, inquiries, submissions, events, outbox) == [20] * 5


def test_a_group_comes_to_what_its_members_come_to_alone(tmp_path: Path) -> None:
    """Repeats, corrections, people who are known and content without a key, in one group and one after the other."""
    first, other = person(1), person(2)
    twin = make_submission(email="twin@example.org", content="d" * 32)
    group = members(
        first,
        other,
        first,
        replace(other, id="f" * 32, content="c" * 32, follow_up_receipt="e" * 32),
        replace(person(3), email=first.email),
        make_submission(),
        twin,
        replace(twin, id="a" * 32, receipt="b" * 32),
        make_submission(instance="nobody-00000001", email=""),
        make_submission(instance="nobody-00000002", email=""),
    )
    outcomes = []
    for name, way in (("together", save_group), ("alone", saved_one_by_one)):
        with a_house(tmp_path / name) as house:
            found = way(house.database, group, tokens("same"))
            outcomes.append([(one.outcome, one.id, one.receipt) for one in found if isinstance(one, Saved)])
            outcomes[-1].append(tuple(counted(house.database, contacts, inquiries, submissions, events, outbox)))  # type: ignore[arg-type]
    assert outcomes[0] == outcomes[1]
    assert [one[0] for one in outcomes[0][:-1]] == [
        *("stored", "stored", "replayed", "follow-up", "stored", "replayed", "stored", "replayed", "stored", "stored")
    ]


def test_one_that_is_refused_harms_no_other(sqlite_database: Database) -> None:
    broken = replace(person(2), form=None)  # type: ignore[arg-type]  # as a fault of the program would have it
    found = save_group(sqlite_database, members(person(1), broken, person(3)), tokens("group"))
    assert isinstance(found[1], Refused)
    assert [one.outcome for one in found if isinstance(one, Saved)] == ["stored", "stored"]
    assert counted(sqlite_database, submissions, inquiries) == [2, 2]


def test_nobody_has_a_result_before_the_commit_of_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the group's transaction is held open, none of its members is answered and none is to be seen."""
    with a_house(tmp_path) as house:
        house.ready()
        holding, held = threading.Event(), threading.Event()

        def slowly(connection: sa.Connection, group: Sequence[Member], token: Callable[[], str]) -> list[Saved]:
            found = save_all(connection, group, token)
            held.set()
            assert holding.wait(PATIENT)
            return found

        monkeypatch.setattr("capture.store.saving.save_all", slowly)
        with ThreadPoolExecutor(3) as pool:
            sent = [pool.submit(store, house, person(number), [make_outgoing()]) for number in range(3)]
            assert held.wait(PATIENT)
            time.sleep(0.1)
            assert not any(one.done() for one in sent)
            assert counted(house.database, submissions) == [0]
            holding.set()
            assert [one.result().outcome for one in sent] == ["stored"] * 3
        assert counted(house.database, submissions) == [3]
