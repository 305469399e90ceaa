"""What is asked of the database by each page and each round reads an index, never all the rows of a growing table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from capture.store import arrivals, attachments, canaries, channels, held, notices, outbox, recent, saving
from capture.store.database import Database
from capture.store.inquiries import SORTS, VIEWS, Query, changed_since, detail, forms_and_pages, listing
from capture.store.known import is_known
from capture.store.tables import metadata, submissions
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens

SMALL = {"users", "sessions", "channels", "notices", "links", "attempts"}
ID = "0" * 32

# Removing a submission has the outbox looked through for what hangs on it: an index for one canary an hour would be one
# more that each post has to write into.
DEAR = "outbox: DELETE FROM submissions"

ASKED: dict[str, Callable[[sa.Connection], Any]] = {
    **{
        f"the list, {view}, by {sort}": lambda c, view=view, sort=sort: listing(c, Query(view, sort=sort, user=ID))
        for view in VIEWS
        for sort in SORTS
    },
    "the list, by owner": lambda c: listing(c, Query(owner=ID)),
    "the list, by stage": lambda c: listing(c, Query(stage="new")),
    "the list, of a page": lambda c: listing(c, Query(page="a.md")),
    "the filters": forms_and_pages,
    "one inquiry": lambda c: detail(c, ID),
    "what is new": lambda c: changed_since(c, NOW),
    "deliveries": outbox.health,
    "what could not be sent": lambda c: outbox.deliveries(c, ("dead",)),
    "a claim": lambda c: outbox.claim(c, "me", NOW, 1, timedelta(minutes=5)),
    "what is due next": outbox.next_due,
    "who stopped": lambda c: outbox.stopped(c, "webhook", "https://hook.test"),
    "broken channels": lambda c: channels.broken(c, NOW),
    "the silence": lambda c: (arrivals.last_arrivals(c, NOW, 1000), arrivals.first_arrival(c)),
    "the digest": lambda c: held.held_after(c, 7),
    "old canaries": lambda c: canaries.remove_old(c, NOW),
    "a canary's trail": lambda c: canaries.trail(c, c.execute(sa.select(submissions.c.id)).scalars().first()),
    "limits": lambda c: recent.recent(c, 7, NOW, NOW),
    "whom sales knows": lambda c: is_known(c, "ann@visitor.test"),
    "a form's files": lambda c: attachments.is_stored(c, ID),
    "a thank-you": lambda c: saving.thanked(c, ID),
    "a submission": lambda c: saving.save(c, make_submission(), [make_outgoing("a")], tokens("x")),
    "notices": notices.standing,
}


@contextmanager
def heard(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements, with what they were given."""
    told: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            told.append((statement, given[0] if many else given))

    engine = database._engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def whole_tables(database: Database, told: list[tuple[str, Any]]) -> set[str]:
    """The growing tables of which a statement reads each row."""
    found = set()
    with database.read() as connection:
        for statement, given in told:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given):
                scanned = re.match(r"SCAN (\w+)(?! USING (COVERING )?INDEX)", row[3])
                if scanned and scanned[1] in set(metadata.tables) - SMALL:
                    found.add(f"{scanned[1]}: {statement[:120]}")
    return {one for one in found if not one.startswith(DEAR)}


@pytest.mark.parametrize("name", ASKED)
def test_no_growing_table_is_read_as_a_whole(sqlite_database: Database, name: str) -> None:
    with sqlite_database.write() as connection:
        saving.save(connection, make_submission(page="a.md"), [make_outgoing("b")], tokens("y"))
    with heard(sqlite_database) as told, sqlite_database.write() as connection:
        ASKED[name](connection)
    assert told
    assert not whole_tables(sqlite_database, told)


def test_reading_a_whole_table_would_be_seen(sqlite_database: Database) -> None:
    with heard(sqlite_database) as told, sqlite_database.read() as connection:
        connection.exec_driver_sql("SELECT search FROM inquiries WHERE search LIKE '%x%'")
    assert len(whole_tables(sqlite_database, told)) == 1
