"""Case 9: a crash between a delivery and its mark: it is sent once more, under the same webhook-id or Message-ID."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from capture.outbox import mail as by_mail
from capture.outbox import webhook
from capture.outbox.backoff import Outcome
from capture.outbox.worker import LEASE, Channels, Worker
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, Crash, house_on, table, tell
from tests.capture.receivers import mail_server, receiver


def post_and_crash(*given: Any, **named: Any) -> Outcome:
    webhook.post(*given, **named)
    raise Crash


def send_and_crash(*given: Any) -> Outcome:
    by_mail.send(*given)
    raise Crash


CRASHING = Channels(send=send_and_crash, post=post_and_crash)


def test_a_post_is_made_again_with_its_id(database_url: str, tmp_path: Path) -> None:
    with receiver() as hook, house_on(tmp_path, database_url) as house:
        tell(house, webhook=hook.url)
        with pytest.raises(Crash):
            Worker(house, CRASHING).step(NOW)
        later = Worker(house, STILL)
        assert later.step(NOW + LEASE - timedelta(seconds=1)) == 0
        assert later.step(NOW + LEASE) == 1
        assert later.step(NOW + 3 * LEASE) == 0
        [row] = table(house).values()
    first, again = hook.taken
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == row.id
    assert first.body == again.body
    assert (row.state, row.attempts) == ("sent", 2)


def test_a_mail_is_sent_again_byte_by_byte(database_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, house_on(tmp_path, database_url, mail) as house:
        tell(house, "a@house.test")
        with pytest.raises(Crash):
            Worker(house, CRASHING).step(NOW)
        second = Worker(house, STILL)
        assert second.step(NOW + LEASE - timedelta(seconds=1)) == 0
        assert second.step(NOW + LEASE) == 1
        assert second.step(NOW + 3 * LEASE) == 0
        first, again = mail.taken
        assert first.raw == again.raw
        assert first.message["Message-ID"]
        assert table(house)["a@house.test"].attempts == 2
