"""The line: who arrives together is saved by one commit, and nobody suffers by a neighbour."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
import sqlalchemy as sa

from capture.model import Outgoing, Saved, Submission, Verdict
from capture.store import tables
from capture.store.database import Database, Refused, Unavailable, _raw
from capture.store.line import Line, save
from capture.store.saving import Arrival, save_together
from capture.store.saving import save as save_alone
from capture.store.texts import json_text
from tests.capture.samples import make_outgoing, make_submission, tokens
from tests.serving import until

Token = Callable[[], str]


def together(
    database: Database, some: Sequence[Submission], then: Callable[[Saved], Any] = lambda saved: saved
) -> list[Future[Any]]:
    """Send one, and all others while it is being saved; what becomes of each."""
    # One source for all: whoever saves a group gives ids to everybody in it.
    line, token = Line(), tokens()

    def send(one: Submission) -> Any:
        return then(save_one(line, database, one, [make_outgoing()], token))

    futures: list[Future[Any]] = []
    # The first one waits for a writer before it, the others for the first.
    with ThreadPoolExecutor(len(some)) as pool, database.write():
        for one in some:
            futures.append(pool.submit(send, one))
            until(lambda: line._is_led and len(line._waiting) == len(futures) - 1)
    return futures


def save_one(line: Line, database: Database, one: Submission, outgoing: Sequence[Outgoing], token: Token) -> Saved:
    """What became of one that came by itself. Raises what kept it from being saved."""
    (outcome,) = save(line, database, [(one, outgoing)], token)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is executed through the connection that writes, and the commits; a statement for each of its rows."""
    done: list[str] = []
    with database.write():
        raw = _raw(database._only_writer(lasting=True))
    raw.set_trace_callback(done.append)
    try:
        yield done
    finally:
        raw.set_trace_callback(None)


def everything(database: Database) -> dict[str, set[tuple[Any, ...]]]:
    """All rows but for what is random in them."""
    names = ("contacts", "inquiries", "submissions", "receipts", "answers", "events", "outbox")
    random = {"id", "inquiry", "contact", "payload"}
    with database.read() as connection:
        return {
            name: {
                tuple(str(value) for column, value in row._mapping.items() if column not in random)
                for row in connection.execute(sa.select(tables.metadata.tables[name]))
            }
            for name in names
        }


def test_who_arrives_together_is_saved_by_one_commit_and_one_statement_a_table(sqlite_database: Database) -> None:
    some = [make_submission(instance=f"i{n}", values={"email": f"{n}@example.org"}) for n in range(12)]
    with statements(sqlite_database) as done:
        futures = together(sqlite_database, some)
    assert [one.result().receipt for one in futures] == [one.receipt for one in some]
    assert done.count("COMMIT") == 3  # the writer that all wait for, the first, and the eleven others
    # The rows of one statement follow one another.
    written = [table for table, _ in groupby(one.split()[2] for one in done if one.startswith("INSERT"))]
    assert sorted(written) == sorted(["contacts", "inquiries", "submissions", "answers", "events", "outbox"] * 2)


def test_what_can_be_made_before_is_made_before_it_is_its_turn(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever serves the line has only to write: all others wait for that."""
    made: list[str] = []

    def noted(values: Any) -> str:
        if isinstance(values, Mapping):  # all else is of the form, and remembered
            made.append(threading.current_thread().name)
        return json_text(values)

    monkeypatch.setattr("capture.store.saving.json_text", noted)
    some = [make_submission(instance=f"i{n}", values={"email": f"{n}@example.org"}) for n in range(4)]
    assert {one.result().outcome for one in together(sqlite_database, some)} == {"stored"}
    assert sorted(Counter(made).values()) == [3] * 4  # the answers of each have two, what is to be told one


def test_nobody_is_answered_before_the_commit_of_their_group(sqlite_database: Database) -> None:
    def stored(saved: Saved) -> bool:
        with sqlite_database.read() as connection:
            found = sa.select(tables.submissions.c.id).where(tables.submissions.c.id == saved.id)
            return connection.execute(found).scalar() == saved.id

    futures = together(sqlite_database, [make_submission(instance=f"i{n}") for n in range(5)], stored)
    assert [one.result() for one in futures] == [True] * 5


def mixed() -> list[Submission]:
    """Strangers, twins, a corrected typo, a replay, one person twice, a held one, and people without an address."""
    first = make_submission(instance="one", values={"email": "a@example.org", "message": "frist"})
    typo = make_submission(instance="one", values={"email": "a@example.org", "message": "first"})
    twin = make_submission(values={"email": "t@example.org"})
    nobody = [make_submission(values={"name": "Ann", "message": str(number)}) for number in range(2)]
    again = make_submission(values={"email": "B@Example.org", "name": "Bea", "message": "2"})
    bea = make_submission(values={"email": "b@example.org", "message": "1"})
    held = make_submission(values={"email": "h@example.org"}, verdict=Verdict(("trap",)))
    return [first, typo, first, twin, replace(twin, id="f" * 32, receipt="e" * 32), *nobody, bea, again, held]


def test_together_is_as_one_after_the_other(sqlite_database: Database, tmp_path: Any, sqlite_template: Any) -> None:
    some = mixed()
    other = Database.open(f"sqlite:///{tmp_path / 'other' / 'obverse.db'}", tmp_path)
    (tmp_path / "other" / "obverse.db").write_bytes(sqlite_template.read_bytes())
    make = tokens()
    with sqlite_database.write() as connection:
        whole = save_together(connection, [Arrival(one, [make_outgoing()]) for one in some], make)
    apart = []
    for one in some:
        with other.write() as connection:
            apart.append(save_alone(connection, one, [make_outgoing()], make))
    assert [(one.outcome, one.receipt) for one in whole] == [(one.outcome, one.receipt) for one in apart]
    assert everything(sqlite_database) == everything(other)
    other.close()


def test_what_is_stored_already_is_known_to_a_group(sqlite_database: Database) -> None:
    some = mixed()
    arrivals = [Arrival(one, [make_outgoing()]) for one in some]
    with sqlite_database.write() as connection:
        first = save_together(connection, arrivals, tokens("a"))
    before = everything(sqlite_database)
    with sqlite_database.write() as connection:
        again = save_together(connection, arrivals, tokens("b"))
    assert [one.receipt for one in again] == [one.receipt for one in first]
    assert {one.outcome for one in again} == {"replayed"}
    assert {name: len(rows) for name, rows in everything(sqlite_database).items()} == {
        name: len(rows) for name, rows in before.items()
    }


def test_one_that_no_database_takes_fails_alone(sqlite_database: Database) -> None:
    good = [make_submission(instance=f"i{n}", values={"email": f"{n}@example.org"}) for n in range(6)]
    poison = make_submission(instance="poison", form=None, values={"email": "p@example.org"})
    futures = together(sqlite_database, [*good[:3], poison, *good[3:]])
    failed = futures.pop(3)
    assert isinstance(failed.exception(), Refused)
    assert "p@example.org" not in str(failed.exception())
    assert [one.result().receipt for one in futures] == [one.receipt for one in good]
    assert len(everything(sqlite_database)["outbox"]) > 0
    with sqlite_database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.submissions)).scalar_one() == 6


def test_a_database_that_is_away_is_told_to_all_at_once(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    line, started, gone = Line(), threading.Event(), threading.Event()

    def away(_self: Database) -> Any:
        tried.append(1)
        started.set()
        assert gone.wait(10)
        raise Unavailable("away")

    monkeypatch.setattr(Database, "write", away)
    with ThreadPoolExecutor(5) as pool:
        send: Callable[[], Future[Saved]] = lambda: pool.submit(  # noqa: E731
            save_one, line, sqlite_database, make_submission(), [], tokens()
        )
        futures = [send()]
        assert started.wait(10)
        futures += [send() for _ in range(4)]
        until(lambda: len(line._waiting) == 4)
        gone.set()
    assert [type(one.exception()) for one in futures] == [Unavailable] * 5
    assert len(tried) == 2, "the four others wait once, together"


def test_who_leads_and_dies_takes_nobody_along(sqlite_database: Database) -> None:
    """What stops a thread, and is no error, leaves the others an outcome: they go to the spool."""

    def dying(_group: object) -> None:
        raise KeyboardInterrupt

    line = Line()
    with pytest.raises(KeyboardInterrupt):
        line.enter([Arrival(make_submission(), [])], dying)
    assert save_one(line, sqlite_database, make_submission(), [], tokens()).outcome == "stored"
    (outcome,) = line.enter([Arrival(make_submission(), [])], lambda _group: None)
    assert isinstance(outcome, Unavailable)


def test_who_brings_several_has_them_saved_by_one_commit(sqlite_database: Database) -> None:
    """Also behind others: nobody else's group parts them, and one that no database takes spoils no other."""
    line, token = Line(), tokens()
    good = [make_submission(instance=f"i{n}", values={"email": f"{n}@example.org"}) for n in range(5)]
    poison = make_submission(instance="poison", form=None)
    with ThreadPoolExecutor(3) as pool:
        with sqlite_database.write():
            first = pool.submit(save, line, sqlite_database, [(good[0], [])], token)
            until(lambda: line._is_led)
            several = pool.submit(save, line, sqlite_database, [(one, []) for one in good[1:3]], token)
            until(lambda: len(line._waiting) == 2)
            mixed = pool.submit(save, line, sqlite_database, [(one, []) for one in (good[3], poison, good[4])], token)
            until(lambda: len(line._waiting) == 5)
        assert [one.id for one in [*first.result(), *several.result()] if isinstance(one, Saved)] == [
            one.id for one in good[:3]
        ]
        fourth, refused, fifth = mixed.result()
    assert isinstance(fourth, Saved)
    assert isinstance(refused, Refused)
    assert isinstance(fifth, Saved)


def test_both_databases_save_many_at_once(database: Database) -> None:
    line, token = Line(), tokens()
    some = [make_submission(instance=f"i{n}", values={"email": f"{n % 7}@example.org", "n": n}) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda one: save_one(line, database, one, [make_outgoing()], token), some * 2))
    assert [one.receipt for one in saved] == [one.receipt for one in some * 2]
    with database.read() as connection:
        counted = [
            connection.execute(sa.select(sa.func.count()).select_from(one)).scalar_one()
            for one in (tables.submissions, tables.inquiries, tables.contacts, tables.outbox)
        ]
    assert counted == [40, 40, 7, 40]


def test_two_processes_with_the_same_in_another_order_never_wait_in_a_ring(postgres_url: str, tmp_path: Any) -> None:
    """Each has a line of its own; what they save together is locked in one order."""
    databases = [Database.open(postgres_url, tmp_path) for _ in range(2)]
    some = [make_submission(instance=f"i{n}", values={"email": f"{n % 5}@example.org", "n": n}) for n in range(30)]

    def group(number: int) -> list[Saved]:
        arrivals = [Arrival(one, [make_outgoing()]) for one in (some, some[::-1])[number % 2]]
        with databases[number % 2].write() as connection:
            return save_together(connection, arrivals, tokens(str(number)))

    with ThreadPoolExecutor(6) as pool:
        saved = [one for group_saved in pool.map(group, range(12)) for one in group_saved]
    assert len({one.inquiry for one in saved}) == 30
    assert sum(one.outcome == "stored" for one in saved) == 30
    for one in databases:
        one.close()
