"""Case 31: a held one is silent on every channel, on whichever way it came in: at once, with others, by the spool."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from capture.house import House
from capture.outbox.worker import Worker
from capture.setup import Secrets
from capture.store import tables
from capture.store.changes import release
from capture.store.database import Database, Unavailable
from capture.store.inquiries import set_stage
from obverse.forms.html import TRAP
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import SETTINGS, a_house, no_sync
from tests.capture.outbox_room import SECRET, STILL
from tests.capture.posting import clock
from tests.capture.receivers import MailServer, Receiver, mail_server, receiver
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens
from tests.capture.test_store_saving import HELD, MINUTE, counts, put, rows, turn, typo

__all__ = ["no_sync"]


@dataclass(frozen=True)
class Heard:
    """A house with all channels it may have, and what came out of them."""

    house: House
    mail: MailServer
    hook: Receiver

    def all(self) -> tuple[int, int]:
        """Mails and posts after everything that is due has been delivered."""
        Worker(self.house, STILL).step(clock(self.house)())
        return len(self.mail.taken), len(self.hook.taken)


@contextmanager
def listening(folder: Path, url: str) -> Iterator[Heard]:
    with mail_server() as mail, receiver() as hook:
        secrets = Secrets(key="5e" * 32, database=url, smtp=mail.url, webhook=SECRET)
        with a_house(folder, url, settings=replace(SETTINGS, webhook=hook.url), secrets=secrets) as house:
            yield Heard(house, mail, hook)


def test_no_channel_tells_of_a_held_one_and_all_do_of_a_clean_one(
    tmp_path: Path, database_url: str, no_sync: None
) -> None:
    with listening(tmp_path, database_url) as heard:
        browser, sent = visitor(heard.house), key()
        receipt_of(post(browser, **{TRAP: "x"}, **sent))
        receipt_of(post(browser, **{TRAP: "x"}, message="A typo corrected", **sent))
        assert heard.all() == (0, 0)
        assert stored(heard.house, tables.outbox.c.id) == []
        receipt_of(post(browser, email="bob@example.org", **key()))
        assert heard.all() == (1, 1)


def test_neither_when_it_waited_in_the_spool(
    tmp_path: Path, sqlite_url: str, no_sync: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(tmp_path, sqlite_url) as heard:
        browser = visitor(heard.house)
        with monkeypatch.context() as patched:
            patched.setattr("capture.endpoint.save", away)
            receipt_of(post(browser, **{TRAP: "x"}, **key()))
            receipt_of(post(browser, email="bob@example.org", **key()))
        assert heard.all() == (1, 1)
        assert sorted(stored(heard.house, tables.inquiries.c.held)) == [(False,), (True,)]


def away(*_: object) -> None:
    raise Unavailable("away")


def test_a_held_one_tells_nobody_and_waits_for_nobody(database: Database) -> None:
    saved = put(database, make_submission(instance="one", verdict=HELD))
    assert turn(database, saved) == (True, "new", None)
    assert counts(database, "outbox") == [0]
    assert rows(database, tables.events, "kind", "reason") == [("received", "trap"), ("held", "trap")]
    with database.write() as connection:
        release(connection, saved.inquiry, [make_outgoing()], actor="", now=NOW, token=tokens("release"))
    assert counts(database, "outbox") == [1]


def test_a_suspect_follow_up_of_an_open_one_waits_but_tells_nobody(database: Database) -> None:
    first = make_submission(instance="one")
    saved = put(database, first)
    with database.write() as connection:
        set_stage(connection, saved.inquiry, "contacted", actor="", now=NOW)
    put(database, typo(first, verdict=HELD))
    assert turn(database, saved) == (False, "contacted", NOW + MINUTE)
    assert counts(database, "outbox") == [1]
