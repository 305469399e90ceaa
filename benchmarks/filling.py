"""A migrated database -> the same with many inquiries in it, as years of a busy site leave them.

Ids are random, as real ones are, so that each row lies somewhere among all others. Three of twenty are open, four are
held, the others won or lost; all were told of. What is the same in each run is made from the row's number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from capture.store.moments import to_text
from capture.store.tables import answers, contacts, events, inquiries, outbox, submissions
from tests.capture.running import database

BATCH = 20_000  # inquiries in one transaction
APART = timedelta(seconds=90)
PAGES = 200
_WORDS = "word " * 60
_STAGES = ("won", *["lost"] * 12, *["held"] * 4, "new", "contacted", "qualified")


def fill(root: Path, url: str, count: int, now: datetime | None = None) -> None:
    """Store so many inquiries, of as many people, without the endpoint; the last one came shortly before `now`."""
    end = now or datetime.now(UTC)
    with database(root, url) as opened:
        for start in range(0, count, BATCH):
            several = [
                Old(number, end - (count - number) * APART) for number in range(start, min(start + BATCH, count))
            ]
            with opened.write() as connection:
                if not opened.is_postgres:
                    connection.exec_driver_sql("PRAGMA cache_size=-2000000")
                for table, row in _ROWS.items():
                    connection.execute(table.insert(), [one for old in several for one in row(old)])
        if opened.is_postgres:  # it does so by itself, after a while
            with opened.write() as connection:
                connection.exec_driver_sql("ANALYZE")


@dataclass(frozen=True, slots=True)
class Old:
    """One old inquiry, by its number and when it came."""

    number: int
    at: datetime

    @property
    def came(self) -> str:
        """When it came, as it is stored."""
        return to_text(self.at)

    @property
    def stage(self) -> str:
        """Its stage, or "held"."""
        return _STAGES[self.number % len(_STAGES)]

    @property
    def page(self) -> str:
        """The page it came from."""
        return f"articles/{self.number % PAGES}.md"

    def id(self, kind: str) -> str:
        """One of its ids; to anybody they look random."""
        return hashlib.blake2b(f"{kind} {self.number}".encode(), digest_size=16).hexdigest()


def _contact(old: Old) -> Iterator[dict[str, Any]]:
    address = f"{old.id('address')[:12]}@old.test"
    yield {"id": old.id("contact"), "email_key": address, "email": address, "name": "Ann", "created_at": old.came}


def _inquiry(old: Old) -> Iterator[dict[str, Any]]:
    held = old.stage == "held"
    yield {
        "id": old.id("inquiry"),
        "contact": old.id("contact"),
        "form": "contact",
        "lang": "en",
        "page": old.page,
        "page_title": f"Article {old.number % PAGES}",
        "received_at": old.came,
        "waiting_since": old.came if old.stage == "new" else None,
        "held": held,
        "held_reasons": "pitch" if held else "",
        "stage": "new" if held else old.stage,
        "value": 100_000 if old.stage == "won" else None,
        "currency": "EUR" if old.stage == "won" else "",
        "touched_at": old.came,
        "search": f"ann {old.id('address')[:12]}@old.test number{old.number} {_WORDS}",
    }


def _submission(old: Old) -> Iterator[dict[str, Any]]:
    yield {
        "id": old.id("submission"),
        "receipt": old.id("receipt"),
        "inquiry": old.id("inquiry"),
        "form": "contact",
        "received_at": old.came,
        "instance": old.id("instance"),
        "content": old.id("content"),
        "page": old.page,
    }


def _answers(old: Old) -> Iterator[dict[str, Any]]:
    said = {"name": "Ann", "email": f"{old.id('address')[:12]}@old.test", "message": f"number{old.number} {_WORDS}"}
    yield {"submission": old.id("submission"), "values": said, "extra": {}, "labels": [], "consents": []}


def _events(old: Old) -> Iterator[dict[str, Any]]:
    own = {"at": old.came, "inquiry": old.id("inquiry"), "old": "", "new": "", "amount": None, "currency": ""}
    known = {"subject": old.id("submission"), "page": old.page, "form": "contact", "reason": ""}
    yield {**own, **known, "kind": "received"}
    if old.stage == "held":
        yield {**own, **known, "kind": "held", "reason": "pitch"}
    elif old.stage != "new":
        worth = {"amount": 100_000, "currency": "EUR"} if old.stage == "won" else {}
        yield {**own, "subject": "", "page": "", "form": "", "reason": "", "kind": "stage", "new": old.stage, **worth}


def _outbox(old: Old) -> Iterator[dict[str, Any]]:
    if old.stage != "held":
        yield {
            "id": old.id("outbox"),
            "inquiry": old.id("inquiry"),
            "submission": old.id("submission"),
            "channel": "mail",
            "kind": "notify",
            "target": "team@house.test",
            "payload": {"form": "contact", "inquiry": old.id("inquiry"), "message": _WORDS},
            "state": "sent",
            "created_at": old.came,
            "next_at": old.came,
            "attempts": 1,
            "done_at": old.came,
        }


_ROWS: dict[sa.Table, Callable[[Old], Iterator[dict[str, Any]]]] = {
    contacts: _contact,
    inquiries: _inquiry,
    submissions: _submission,
    answers: _answers,
    events: _events,
    outbox: _outbox,
}
