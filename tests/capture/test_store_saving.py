"""Saving: once however often it comes, in both databases."""

import sqlalchemy as sa

from capture.model import Saved, Submission, Verdict
from capture.store import tables
from capture.store.database import Database
from capture.store.saving import save
from tests.capture.samples import make_outgoing, make_submission, tokens

HELD = Verdict(("trap",))


def put(database: Database, submission: Submission, *, told: bool = True) -> Saved:
    with database.write() as connection:
        return save(connection, submission, [make_outgoing()] if told else [], tokens(submission.id))


def rows(database: Database, table: sa.Table, *columns: str) -> list[tuple]:
    order = "id" if "id" in table.c else next(iter(table.primary_key)).name
    with database.read() as connection:
        found = connection.execute(sa.select(*(table.c[name] for name in columns)).order_by(table.c[order]))
        return [tuple(row) for row in found]


def count(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_a_submission_is_saved_whole(database: Database) -> None:
    submission = make_submission(instance="one")
    saved = put(database, submission)
    assert saved == Saved("stored", submission.id, submission.receipt, saved.inquiry)
    assert rows(database, tables.inquiries, "id", "form", "stage", "held", "waiting_since") == [
        (saved.inquiry, "contact", "new", False, "2026-11-23T22:05:00.000000Z")
    ]
    assert rows(database, tables.submissions, "id", "receipt", "inquiry", "follows") == [
        (submission.id, submission.receipt, saved.inquiry, None)
    ]
    assert rows(database, tables.answers, "values") == [(dict(submission.values),)]
    assert rows(database, tables.contacts, "email_key", "name") == [("ada@example.org", "Ada Byron")]
    assert rows(database, tables.events, "kind", "page", "subject") == [
        ("received", "articles/pricing.md", submission.id)
    ]
    assert rows(database, tables.outbox, "target", "state", "submission", "payload") == [
        ("sales@example.com", "waiting", submission.id, {"form": "contact", "inquiry": saved.inquiry})
    ]


def test_the_same_instance_and_content_is_answered_as_the_first(database: Database) -> None:
    submission = make_submission(instance="one")
    first = put(database, submission)
    assert put(database, submission) == Saved("replayed", first.id, first.receipt, first.inquiry)
    assert [count(database, table) for table in (tables.submissions, tables.events, tables.outbox)] == [1, 1, 1]
