"""The house: what one capture process is given -> everything that hangs on it while it runs."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from capture.files import make_folder
from capture.ids import Ids
from capture.limits import Limits
from capture.release import Releases
from capture.setup import Setup
from capture.store.audit import tells_upgrades
from capture.store.database import Database, Unavailable
from capture.store.line import Line
from capture.store.migrations import Tell, TooNew, upgrade
from capture.uploads.shelf import FOLDER as UPLOADS

_log = logging.getLogger("obverse.capture")


class Readiness:
    """Whether the tables are known to be this program's; a database that was away is brought up to date later."""

    def __init__(self, tell: Tell | None = None) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._ready = False

    def ensure(self, database: Database) -> None:
        """Migrate once. Raises Unavailable while the database is away, TooNew when a newer program owns it."""
        if self._ready:
            return
        with self._lock:
            if not self._ready:
                upgrade(database, self._tell)
                self._ready = True


@dataclass(frozen=True, slots=True)
class House:
    """One capture process at run time. `now` is aware UTC, `token` 32 random hexadecimal digits.

    `wake` tells the outbox worker that there is something to do. `key` is the site's secret key, by which `ids` names
    what comes. In `spool` posts wait while the database is away, in `uploads` lie the files that came with posts.
    """

    setup: Setup
    database: Database
    releases: Releases
    now: Callable[[], datetime]
    token: Callable[[], str]
    key: str = field(repr=False)
    wake: Callable[[], None] = lambda: None
    limits: Limits = field(default_factory=Limits)
    readiness: Readiness = field(default_factory=Readiness)
    line: Line = field(default_factory=Line)
    ids: Ids = field(init=False, repr=False)
    spool: Path = field(init=False)
    uploads: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", Ids(self.key, self.token))
        object.__setattr__(self, "spool", self.setup.folder / "spool")
        object.__setattr__(self, "uploads", self.setup.folder / UPLOADS)

    def ready(self) -> Database:
        """The database with its tables up to date. Raises Unavailable, also when a newer program owns it by now."""
        try:
            self.readiness.ensure(self.database)
        except TooNew as error:
            raise Unavailable(str(error)) from None
        return self.database


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def hex_token() -> str:
    """128 random bits. Many are drawn at once: each draw lets go of the interpreter, for all who wait for it."""
    try:
        return _tokens.pop()
    except IndexError:
        return _draw()


def _draw() -> str:
    drawn = secrets.token_hex(16 * _DRAWN)
    _tokens.extend(drawn[at : at + 32] for at in range(32, len(drawn), 32))
    return drawn[:32]


_DRAWN = 128
_tokens: list[str] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tokens.clear)  # no two processes may draw the same


def open_house(setup: Setup, now: Callable[[], datetime] = utc_now, token: Callable[[], str] = hex_token) -> House:
    """Open the database, bring its tables up to date, and take in the release.

    A database that is away does not keep the house shut: posts go to the spool until it is back. Without a key of the
    site's own the house makes one up, and then a retry that comes after its end is not known again. Raises TooNew.
    """
    make_folder(setup.folder)
    database = Database.open(setup.secrets.database, setup.folder)
    releases = Releases(setup.folder / "releases", setup.release)
    readiness = Readiness(tells_upgrades(setup.secrets.key, now))
    house = House(setup, database, releases, now, token, setup.secrets.key or hex_token(), readiness=readiness)
    try:
        house.readiness.ensure(database)
    except TooNew:
        database.close()
        raise
    except Unavailable as error:
        _log.error("the database cannot be used (%s); posts are kept in the spool until it can", error)
    house.releases.current()
    return house
