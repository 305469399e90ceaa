"""Case 21: nobody writes for three times the usual gap, or a test does not arrive: the owner hears of it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture.app import create_app
from capture.house import House
from capture.outbox.worker import Worker
from capture.setup import Secrets
from capture.store import inquiries, notices
from capture.store.inquiries import Query
from capture.watch.rounds import rounds
from capture.watch.watcher import Round, Watcher
from tests.capture.cases.visits import ANSWERS, FORM, key
from tests.capture.house import KEY, SETTINGS, Clock, a_house
from tests.capture.receivers import MailServer, Receiver, mail_server, receiver
from tests.capture.test_watch_canary import BOX, SIGNING, served
from tests.capture.test_watch_silence import fill, office

WEEKS = 3
MONDAY = datetime(2026, 10, 26, tzinfo=UTC)  # after three weeks of work
LOOK = timedelta(hours=6)


class Desk:
    """A house that watches over itself."""

    def __init__(self, house: House, watched: tuple[Round, ...], mail: MailServer, hook: Receiver) -> None:
        assert isinstance(house.now, Clock)
        self.house, self.clock, self.mail, self.hook = house, house.now, mail, hook
        self.watcher, self.worker = Watcher(watched, house.now), Worker(house)

    def until(self, end: datetime) -> None:
        """Time goes by without any visitor, looked at every six hours for a minute."""
        while self.clock() < end:
            now = self.clock()
            for _ in range(3):
                self.watcher.step(self.clock())
                self.worker.step(self.clock())
                self.clock.move(seconds=20)
            self.clock.at = now + LOOK

    def told(self) -> list[str]:
        """What the owner was told of the house itself, in order."""
        own = [one.message for one in self.mail.to("team@house.test") if one.message["X-Obverse-Notice"]]
        return [str(one["X-Obverse-Notice"]) for one in own]


@contextmanager
def desk(folder: Path, url: str) -> Iterator[Desk]:
    with mail_server() as mail, receiver() as hook:
        given = replace(SETTINGS, canary=(BOX,), webhook=hook.url, rate=10_000)
        secret = Secrets(key=KEY, database=url, smtp=mail.url, webhook=SIGNING)
        with a_house(folder, url, settings=given, secrets=secret) as house, served(house) as listener:
            assert isinstance(house.now, Clock)
            house.now.at = MONDAY
            yield Desk(house, rounds(house, listener, "web-1"), mail, hook)


@pytest.fixture
def quiet(tmp_path: Path, sqlite_url: str) -> Iterator[Desk]:
    with desk(tmp_path, sqlite_url) as one:
        yield one


def test_case_21_a_silence_is_told_once_and_a_weekend_is_none(quiet: Desk) -> None:
    fill(quiet.house, office(WEEKS, 5))
    quiet.until(MONDAY + timedelta(hours=12))
    assert quiet.told() == []
    quiet.until(MONDAY + timedelta(days=6))
    assert quiet.told() == ["silence"]
    with quiet.house.database.read() as connection:
        assert MONDAY < next(iter(notices.standing(connection))).at < MONDAY + timedelta(days=4)
    browser = create_app(quiet.house).test_client()
    assert browser.post(FORM, data={**ANSWERS, **key()}).status_code == 303
    quiet.until(quiet.clock() + timedelta(hours=6))
    with quiet.house.database.read() as connection:
        assert list(notices.standing(connection)) == []
        # The canary went through the form all the while: it neither broke the silence nor stands among the inquiries.
        assert inquiries.listing(connection, Query()).counts["all"] == 1 + len(office(WEEKS, 5))
    assert len(quiet.mail.to(BOX)) > 6 * 3
    assert [json.loads(one.body)["type"] for one in quiet.hook.taken] == ["inquiry.received"]


def test_case_21_a_test_that_does_not_arrive_is_told_by_the_second_channel(quiet: Desk) -> None:
    quiet.until(MONDAY + timedelta(hours=6))
    assert (quiet.hook.taken, len(quiet.mail.to(BOX))) == ([], 1)
    quiet.mail.manner = "refuse"
    quiet.until(MONDAY + timedelta(hours=18))
    told = [json.loads(one.body) for one in quiet.hook.taken]
    assert [one["type"] for one in told] == ["house.canary-lost"]
    assert told[0]["data"]["detail"].startswith("mail: 550")
    assert "@" not in told[0]["data"]["detail"]
    quiet.mail.manner = "accept"
    quiet.until(MONDAY + timedelta(hours=24))
    assert [json.loads(one.body)["type"] for one in quiet.hook.taken[1:]] == ["house.canary-back"]
    assert quiet.told() == ["canary-back"]
