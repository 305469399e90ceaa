"""A data folder -> one with a person who may log in, and as many inquiries as are wanted, written at once.

python -m benchmarks.filling FOLDER COUNT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from capture.store.database import Database
from capture.store.migrations import upgrade
from capture.store.moments import to_text
from capture.store.people import add_person
from capture.store.tables import answers, contacts, events, inquiries, submissions

_AT_ONCE = 5000


def fill(folder: Path, count: int) -> None:
    """Make the database and put `count` inquiries of as many people into it."""
    database = Database.open("", folder)
    try:
        upgrade(database)
        with database.write() as connection:
            add_person(connection, "0" * 32, "desk@measured.test", "Desk", "", datetime.now(UTC))
        for first in range(0, count, _AT_ONCE):
            numbers = range(first, min(count, first + _AT_ONCE))
            with database.write() as connection:
                for table, rows in _rows(numbers):
                    connection.execute(sa.insert(table), rows)
    finally:
        database.close()


def _rows(numbers: range) -> list[tuple[sa.Table, list[dict[str, Any]]]]:
    then = datetime.now(UTC) - timedelta(days=365)
    moments = {number: to_text(then + timedelta(seconds=10 * number)) for number in numbers}
    made: list[tuple[sa.Table, list[dict[str, Any]]]] = [
        (contacts, [_contact(one, at) for one, at in moments.items()]),
        (inquiries, [_inquiry(one, at) for one, at in moments.items()]),
        (submissions, [_submission(one, at) for one, at in moments.items()]),
        (answers, [_answers(one) for one in numbers]),
        (events, [_event(one, at) for one, at in moments.items()]),
    ]
    return made


def _id(kind: int, number: int) -> str:
    return f"{kind:016x}{number:016x}"


def _contact(number: int, at: str) -> dict[str, Any]:
    email = f"old{number}@visitor.test"
    return {"id": _id(1, number), "email_key": email, "email": email, "name": f"Old {number}", "created_at": at}


def _inquiry(number: int, at: str) -> dict[str, Any]:
    search = f"old {number} old{number}@visitor.test what did it cost"
    more = {"stage": "won", "held": False, "touched_at": at, "search": search}
    return {"id": _id(2, number), "contact": _id(1, number), "form": "contact", "received_at": at, **more}


def _submission(number: int, at: str) -> dict[str, Any]:
    same = {"inquiry": _id(2, number), "form": "contact", "received_at": at}
    return {"id": _id(3, number), "receipt": _id(4, number), "content": _id(5, number), **same}


def _answers(number: int) -> dict[str, Any]:
    values = {"name": f"Old {number}", "email": f"old{number}@visitor.test", "message": "What did it cost?"}
    return {"submission": _id(3, number), "values": values, "extra": {}, "labels": [], "consents": []}


def _event(number: int, at: str) -> dict[str, Any]:
    return {"at": at, "inquiry": _id(2, number), "kind": "received", "form": "contact", "subject": _id(3, number)}


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
