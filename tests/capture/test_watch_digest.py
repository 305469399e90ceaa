"""What is held is told once a day, in numbers and links: a wave of spam is one mail, without a word of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from capture.audit.chain import Entry, verified
from capture.audit.kinds import HOUSE
from capture.house import House
from capture.inbox.words import say_in
from capture.model import Verdict
from capture.outbox.letters import Letterhead, letter
from capture.outbox.worker import Worker
from capture.setup import Secrets
from capture.store import audit, changes, outbox, tables
from capture.store.outbox import Delivery
from capture.store.saving import save
from capture.watch.rounds import MORNING, tell_what_is_held
from tests.capture.house import KEY, SETTINGS, a_house
from tests.capture.receivers import mail_server
from tests.capture.samples import NOW, make_submission, tokens

TODAY = NOW.replace(hour=MORNING, minute=0)
DAY = timedelta(days=1)
SPAM = {"name": "Best Prices", "email": "seller@spam.test", "message": "Buy followers at https://spam.test"}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house(tmp_path, database_url) as house:
        yield house


def hold(house: House, name: str, *reasons: str, at: datetime = NOW) -> str:
    """A submission that is held for these reasons; the inquiry's id."""
    values = {**SPAM, "message": f"{SPAM['message']} {name}"}
    with house.database.write() as connection:
        submission = make_submission(values=values, received_at=at, verdict=Verdict(reasons))
        return save(connection, submission, (), tokens(name)).inquiry


def told(house: House) -> list[Delivery]:
    with house.database.read() as connection:
        rows = outbox.deliveries(connection, outbox.STATES)
    return sorted((one for one in rows if one.kind == "held"), key=lambda one: one.created_at)


def numbers(house: House) -> list[tuple[int, int]]:
    return [(one.payload["n"], one.payload["waiting"]) for one in told(house)]


def test_it_is_one_mail_a_day_of_what_is_new_and_none_when_nothing_is(house: House) -> None:
    tell_what_is_held(house, TODAY)
    hold(house, "one", "trap")
    hold(house, "two", "links", "pitch")
    tell_what_is_held(house, TODAY - timedelta(minutes=1))
    assert told(house) == []
    for minutes in (0, 10, 600):
        tell_what_is_held(house, TODAY + timedelta(minutes=minutes))
        assert numbers(house) == [(2, 2)]
    hold(house, "three", "links")
    tell_what_is_held(house, TODAY + timedelta(hours=12))
    assert numbers(house) == [(2, 2)]
    for days in (1, 2, 3):
        tell_what_is_held(house, TODAY + days * DAY)
        assert numbers(house) == [(2, 2), (1, 3)]
    assert [one.target for one in told(house)] == ["team@house.test"] * 2


def test_what_was_released_is_told_no_more(house: House) -> None:
    first, _ = hold(house, "one", "trap"), hold(house, "two", "trap")
    with house.database.write() as connection:
        changes.release(connection, first, (), actor="", now=NOW, token=house.token)
    tell_what_is_held(house, TODAY)
    assert numbers(house) == [(1, 1)]


def test_a_clock_that_was_ahead_hides_nothing_and_repeats_nothing(house: House) -> None:
    hold(house, "one", "trap", at=NOW + 1000 * DAY)
    tell_what_is_held(house, TODAY + 1000 * DAY)
    tell_what_is_held(house, TODAY)
    assert numbers(house) == [(1, 1)]
    hold(house, "two", "trap")
    tell_what_is_held(house, TODAY + DAY)
    assert sorted(numbers(house)) == [(1, 1), (1, 2)]


def test_several_processes_send_it_once(house: House, tmp_path: Path, database_url: str) -> None:
    hold(house, "one", "trap")
    with a_house(tmp_path, database_url) as other:
        tell_what_is_held(house, TODAY)
        hold(house, "two", "trap")
        tell_what_is_held(other, TODAY + timedelta(seconds=5))
    assert numbers(house) == [(1, 1)]


def test_a_wave_of_spam_is_one_mail_without_a_word_of_it(tmp_path: Path, sqlite_url: str) -> None:
    with mail_server() as mail:
        secrets = Secrets(key=KEY, database=sqlite_url, smtp=mail.url)
        with a_house(tmp_path, sqlite_url, secrets=secrets) as house:
            ids = [hold(house, f"wave {one}", "links", "pitch") for one in range(40)]
            last = hold(house, "last", "trap", "of-a-newer-program")
            tell_what_is_held(house, TODAY)
            assert Worker(house).step(TODAY) == 1
    assert len(mail.taken) == 1
    message = mail.messages[0]
    text = message.get_content()
    assert message["Subject"] == "41 inquiries are held"
    assert "Links: 40\nAdvertising: 40\nHidden field: 1\n" in text.replace("\r\n", "\n")
    assert f"https://site.test/inbox/i/{last} (Hidden field, For a reason" in text
    assert text.count("/inbox/i/") == 5
    assert ids[0] not in text
    assert "https://site.test/inbox/?view=held" in text
    for word in ("Best Prices", "seller", "spam.test", "Buy", "wave"):
        assert word not in message.as_string()


def test_one_is_one(house: House) -> None:
    hold(house, "one", "trap")
    tell_what_is_held(house, TODAY)
    message = letter(told(house)[0], Letterhead(SETTINGS, "https://site.test", say_in("en"), lambda _: say_in("en")))
    assert message["Subject"] == "1 inquiry is held"


def test_it_takes_the_head_of_the_audit_log_out_of_the_house(house: House) -> None:
    with house.database.write() as connection:
        audit.append(connection, KEY, Entry(NOW, HOUSE, "database.upgraded", facts={"to": "0009"}))
    hold(house, "one", "trap")
    tell_what_is_held(house, TODAY)
    text = letter(
        told(house)[0], Letterhead(SETTINGS, "https://site.test", say_in("en"), lambda _: say_in("en"))
    ).get_content()
    (head,) = re.findall(r"obverse audit verify --head (\S+) ", text)
    with house.database.write() as connection:
        assert not verified(audit.walked(connection), KEY, head).broken
        connection.execute(tables.audit.delete())  # and made anew, by somebody who has the key
        audit.append(connection, KEY, Entry(NOW, HOUSE, "database.upgraded", facts={"to": "0001"}))
        assert verified(audit.walked(connection), KEY, head).broken
