"""A running house -> how long each page of the inbox takes, and what the house looks at by itself.

Pages come over HTTP as a browser gets them; what is looked at by itself is called with the same database.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from capture.access.sessions import begin, cookie_name
from capture.house import hex_token
from capture.setup import Setup
from capture.store import arrivals, canaries, held, outbox, retention
from capture.store.database import Database
from capture.store.retention import Keep
from capture.store.tables import events, inquiries, users
from tests.capture.running import MANY, Running, database

TIMES = 3
DAY = 1000  # events of a day that a digest has not told of
_NEWEST = sa.select(sa.func.max(events.c.id))


def looks(one: Running, root: Path, url: str) -> Mapping[str, float]:
    """Milliseconds by what was looked at: the median of three times after a first one."""
    with database(root, url) as opened:
        cookie = _logged_in(opened)
        pages = {name: partial(_got, one, path, cookie) for name, path in _pages(opened).items()}
        return {name: _timed(look) for name, look in {**pages, **_own(opened)}.items()}


def _timed(look: Callable[[], object]) -> float:
    spans = []
    for _ in range(1 + TIMES):
        began = time.perf_counter()
        look()
        spans.append(1000 * (time.perf_counter() - began))
    return statistics.median(spans[1:])


def _logged_in(opened: Database) -> str:
    with opened.write() as connection:
        user = connection.execute(sa.select(users.c.id)).scalars().first()
        assert user
        secret = begin(connection, user, datetime.now(UTC), hex_token)
    return f"{cookie_name(Setup(folder=Path(), address=MANY.address))}={secret}"


def _pages(opened: Database) -> Mapping[str, str]:
    with opened.read() as connection:
        one = connection.execute(sa.select(inquiries.c.id).limit(1)).scalar_one()
    return {
        "the list": "/inbox/",
        "the list, held": "/inbox/?view=held",
        "the list, won": "/inbox/?view=won",
        "the list, all, newest": "/inbox/?view=all&sort=newest",
        "the list, far down": "/inbox/?view=all&sort=newest&from=100000",
        "of one page": "/inbox/?page=articles/7.md",
        "a search": "/inbox/?q=number77&view=all",
        "one inquiry": f"/inbox/i/{one}",
        "what is new": f"/inbox/changes?since={datetime.now(UTC) - timedelta(seconds=15):%Y-%m-%dT%H:%M:%SZ}",
        "deliveries": "/inbox/deliveries",
        "the report": "/inbox/report",
        "the audit log": "/inbox/audit",
        "/healthz": "/healthz",
    }


def _got(one: Running, path: str, cookie: str) -> None:
    answer = one.ask(path, Cookie=cookie)
    assert answer.status == 200, (path, answer.status)


def _own(opened: Database) -> Mapping[str, Callable[[], object]]:
    """What no page waits for. What writes does so in a transaction that visitors wait for."""
    now = datetime.now(UTC)
    keep = Keep(held=30, won=3650, lost=3650)

    def read(look: Callable[[sa.Connection], object]) -> Callable[[], object]:
        def looked() -> None:
            with opened.read() as connection:
                look(connection)

        return looked

    def write(change: Callable[[sa.Connection], object]) -> Callable[[], object]:
        def changed() -> None:
            with opened.write() as connection:
                change(connection)

        return changed

    return {
        "claim of the outbox": write(lambda c: outbox.claim(c, "bench", now, 1, timedelta(minutes=5))),
        "next of the outbox": read(outbox.next_due),
        "silence": read(lambda c: (arrivals.last_arrivals(c, now, 1000), arrivals.first_arrival(c))),
        "digest": read(lambda c: held.held_after(c, (c.scalar(_NEWEST) or 0) - DAY)),
        "old canaries": write(lambda c: canaries.remove_old(c, now)),
        "retention, what is due": read(lambda c: retention.due(c, keep, now)),
    }
