"""The live site's numbers, for the bar of a preview: asked for in a thread, kept for a minute, never waited for.

They come from the live site's report by https, or from its database when that lies on this machine, which is only read.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from capture.outbox.deadline import Deadline
from capture.setup import Setup
from capture.store.reports import PageReport, per_page

FRESH = 60.0  # seconds that an answer is good for
AGAIN = 10.0  # seconds after which a failure is tried again
PATIENCE = 5.0
LARGEST = 256 * 1024

Pages = Mapping[str, PageReport]


class Failed(Exception):  # noqa: N818  # it says why, and is a state of the live site, not a fault
    """There are no live numbers. The text is a code: the word `bar.why.CODE`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the live site: "waiting" for the first answer, "failed" with a code, or "known"."""

    state: str
    why: str = ""
    pages: Pages = field(default_factory=dict)


class Live:
    """The live numbers of one preview. `ask` gets them or raises Failed; `clock` counts seconds."""

    def __init__(self, ask: Callable[[], Pages], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._standing = Standing("waiting")
        self._next = float("-inf")
        self._thread: threading.Thread | None = None

    def standing(self) -> Standing:
        """What is known now; when that is old, somebody is sent to ask."""
        with self._lock:
            asking = self._thread is not None and self._thread.is_alive()
            if not asking and self._clock() >= self._next:
                self._thread = threading.Thread(target=self._renew, name="live-numbers", daemon=True)
                self._thread.start()
            return self._standing

    def settle(self, timeout: float | None = None) -> None:
        """Wait for whoever was sent."""
        if self._thread:
            self._thread.join(timeout)

    def _renew(self) -> None:
        try:
            standing = Standing("known", pages=self._ask())
        except Failed as why:
            standing = Standing("failed", str(why))
        with self._lock:
            self._standing = standing
            self._next = self._clock() + (FRESH if standing.state == "known" else AGAIN)


def live_of(setup: Setup) -> Live | None:
    """The live numbers that a preview was told of; None when it was told of none, or nothing is live here yet."""
    source, token, path = setup.report_source, setup.report_token, setup.live
    if source:
        return Live(lambda: asked(source, token))
    return Live(lambda: looked_up(path)) if path and path.is_file() else None


def asked(source: str, token: str) -> Pages:
    """The numbers of the live site at `source`. Redirects are not followed: the token is for that host alone."""
    parts = urlsplit(source)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise Failed("address")
    if not token:
        raise Failed("token")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "Obverse"}
    try:
        with Deadline(PATIENCE, lambda: connection.sock):
            connection.request("GET", parts.path.rstrip("/") + "/api/v1/report", headers=headers)
            response = connection.getresponse()
        return _read(response.status, _body(response))
    except OSError:
        raise Failed("away") from None
    except (http.client.HTTPException, ValueError, TypeError, KeyError, RecursionError):
        raise Failed("strange") from None
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse) -> bytes:
    """The body, within its bounds of size and time: a byte now and then is no answer."""
    end, body = time.monotonic() + PATIENCE, b""
    while part := response.read1(65536):
        body += part
        if len(body) > LARGEST:
            raise Failed("strange")
        if time.monotonic() > end:
            raise Failed("away")
    return body


def _read(status: int, body: bytes) -> Pages:
    if status != http.HTTPStatus.OK:
        codes = {401: "refused", 403: "refused", 404: "missing", 502: "away", 503: "away", 504: "away"}
        raise Failed(codes.get(status, "strange"))
    found = [_report(one) for one in json.loads(body)["pages"]]
    return {one.page: one for one in found}


def _report(plain: Mapping[str, Any]) -> PageReport:
    """A row of the report; what is no number there raises ValueError or TypeError."""
    values = {str(one): round(100 * amount) for one, amount in dict(plain["values"]).items()}
    inquiries, held, qualified, won = (int(plain[name]) for name in ("inquiries", "held", "qualified", "won"))
    return PageReport(str(plain["id"]), inquiries, held, qualified, won, values)


def looked_up(path: Path) -> Pages:
    """The numbers of the live database on this machine, which nothing is written to."""
    url = sa.URL.create("sqlite", database=path.absolute().as_uri(), query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": PATIENCE})
    try:
        with engine.connect() as connection:
            return {one.page: one for one in per_page(connection)}
    except sa.exc.SQLAlchemyError:
        raise Failed("database") from None
    finally:
        engine.dispose()
