"""Reports: what each page brought, from events alone."""

from datetime import timedelta

import sqlalchemy as sa

from capture.model import Submission, Verdict
from capture.store import tables
from capture.store.database import Database
from capture.store.inquiries import release, set_stage
from capture.store.reports import PageReport, per_page
from capture.store.saving import save
from tests.capture.samples import NOW, make_submission, tokens

DAY = timedelta(days=1)
HELD = Verdict(("fast",))


def put(database: Database, page: str, *stages: tuple[str, dict], days: int = 0, **changes: object) -> str:
    submission: Submission = make_submission(**{"page": page, "received_at": NOW + days * DAY, **changes})
    with database.write() as connection:
        inquiry = save(connection, submission, [], tokens(submission.id)).inquiry
        for stage, more in stages:
            set_stage(connection, inquiry, stage, actor="", now=NOW + 99 * DAY, **more)
    return inquiry


def won(value: int | None = None, currency: str = "") -> tuple[str, dict]:
    return ("won", {"value": value, "currency": currency})


LOST = ("lost", {"reason": "price"})
QUALIFIED = ("qualified", {})


def report(database: Database, **range_: object) -> list[PageReport]:
    with database.read() as connection:
        return per_page(connection, **range_)


def different() -> dict:
    """Content of its own, so that nothing is taken for a repeat."""
    return {"values": {"message": next(_numbers)}}


_numbers = iter(range(10_000))


def test_nothing_brings_nothing(database: Database) -> None:
    assert report(database) == []


def test_each_page_is_told_what_it_brought(database: Database) -> None:
    put(database, "a.md", **different())
    put(database, "a.md", QUALIFIED, LOST, **different())
    put(database, "a.md", won(100_00, "EUR"), **different())
    put(database, "a.md", won(50_00, "EUR"), **different())
    put(database, "a.md", won(70_00, "USD"), **different())
    put(database, "a.md", won(), **different())
    put(database, "a.md", verdict=HELD, **different())
    put(database, "b.md", won(900_00, "EUR"), LOST, **different())
    put(database, "", **different())
    assert report(database) == [
        PageReport("", inquiries=1),
        PageReport("a.md", inquiries=6, held=1, qualified=5, won=4, values={"EUR": 150_00, "USD": 70_00}),
        PageReport("b.md", inquiries=1, qualified=1),
    ]
    assert [(one.value, one.currency) for one in report(database)] == [(0, ""), (150_00, "EUR"), (0, "")]


def test_a_corrected_value_replaces_the_first(database: Database) -> None:
    put(database, "a.md", won(1, "EUR"), won(2, "EUR"))
    assert report(database) == [PageReport("a.md", inquiries=1, qualified=1, won=1, values={"EUR": 2})]


def test_a_follow_up_does_not_count_again(database: Database) -> None:
    put(database, "a.md", instance="one")
    put(database, "other.md", instance="one", values={"message": "again"})
    assert report(database) == [PageReport("a.md", inquiries=1)]


def test_a_repeat_does_not_count(database: Database) -> None:
    put(database, "a.md")
    put(database, "a.md")
    assert report(database) == [PageReport("a.md", inquiries=1)]


def test_a_released_one_counts_as_an_inquiry(database: Database) -> None:
    inquiry = put(database, "a.md", verdict=HELD)
    assert report(database) == [PageReport("a.md", held=1)]
    with database.write() as connection:
        release(connection, inquiry, [], actor="", now=NOW, token=tokens())
        set_stage(connection, inquiry, "won", actor="", now=NOW, value=5, currency="EUR")
    assert report(database) == [PageReport("a.md", inquiries=1, qualified=1, won=1, values={"EUR": 5})]


def test_a_range_is_of_the_receipt_and_keeps_what_came_later(database: Database) -> None:
    for days in range(3):
        put(database, f"{days}.md", won(days + 1, "EUR"), days=days, **different())
    found = report(database, since=NOW + DAY, until=NOW + 2 * DAY)
    assert found == [PageReport("1.md", inquiries=1, qualified=1, won=1, values={"EUR": 2})]
    assert [one.page for one in report(database, since=NOW + DAY)] == ["1.md", "2.md"]


def test_erasing_people_changes_no_report(database: Database) -> None:
    put(database, "a.md", won(5, "EUR"))
    put(database, "b.md", verdict=HELD, **different())
    before = report(database)
    gone = ("outbox", "answers", "receipts", "submissions", "notes", "messages", "inquiries", "contacts")
    with database.write() as connection:
        for name in gone:
            connection.execute(sa.delete(tables.metadata.tables[name]))
    assert report(database) == before
    assert len(before) == 2
