"""Case 17: the clock goes two hours back, or three years ahead and back again: nothing is fired all at once or sticks.

Tokens, tries of deliveries, limits and waits each; what would be deleted by such a clock is case 75.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from capture.access import passwords, throttle
from capture.access.sessions import make_link
from capture.app import create_app
from capture.house import House
from capture.inbox.display import waiting
from capture.limits import WINDOW, Limit, Limits, Room
from capture.outbox.worker import LEASE, Worker
from capture.store import outbox
from capture.store.database import Database
from capture.store.tables import inquiries
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.desk import a_desk
from tests.capture.house import NOW, no_sync
from tests.capture.posting import clock
from tests.capture.receivers import mail_server
from tests.capture.test_outbox_worker import STILL, house_on, table, tell

__all__ = ["no_sync"]

YEARS = timedelta(days=3 * 365)
HOURS = timedelta(hours=2)
JUMPS = pytest.mark.parametrize("jump", [-HOURS, YEARS], ids=["back", "ahead"])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")


# Tokens.


@JUMPS
def test_a_retry_is_known_again_and_a_new_one_is_taken(house: House, jump: timedelta, no_sync: None) -> None:
    browser, sent = visitor(house), key()
    first = receipt_of(post(browser, **sent))
    clock(house).at += jump
    assert receipt_of(post(browser, **sent)) == first
    assert receipt_of(post(browser, message="And this?", **key())) != first
    assert len(stored(house)) == 2


@JUMPS
def test_a_thank_you_page_does_not_tell_names_for_years(house: House, jump: timedelta, no_sync: None) -> None:
    browser = visitor(house)
    clock(house).at += jump
    page = f"/_ob/t/{receipt_of(post(browser))}"
    assert "Ann Example" in browser.get(page).text
    clock(house).at -= jump
    later = browser.get(page)
    assert (later.status_code, "Ann Example" in later.text) == (200, False)


def test_who_is_logged_in_stays_so_when_the_clock_goes_a_little_back(
    tmp_path: Path, database_url: str, quick: None
) -> None:
    with a_desk(tmp_path, database_url) as desk:
        browser = desk.logged_in()
        desk.clock.at -= HOURS
        assert browser.get("/inbox/").status_code == 200
        assert desk.logged_in().get("/inbox/").status_code == 200


def test_sessions_and_links_of_a_clock_far_ahead_end_with_it(tmp_path: Path, database_url: str, quick: None) -> None:
    with a_desk(tmp_path, database_url) as desk:
        desk.clock.at += YEARS
        browser, link = desk.logged_in(), make_link(desk.house, desk.ann, 12 * 60)
        assert (browser.get("/inbox/").status_code, desk.browser().get(link).status_code) == (200, 200)
        desk.clock.at -= YEARS
        assert (browser.get("/inbox/").status_code, desk.browser().get(link).status_code) == (303, 410)
        assert desk.logged_in().get("/inbox/").status_code == 200


# Tries.


def test_a_clock_that_jumps_neither_fires_everything_nor_sticks(database_url: str, tmp_path: Path) -> None:
    with mail_server(manner="defer") as mail, house_on(tmp_path, database_url, mail) as house:
        tell(house, "a@house.test")
        worker = Worker(house, STILL)
        assert worker.step(NOW) == 1
        assert worker.step(NOW + YEARS) == 1  # forward: its next try, once, and the next after that in its order
        assert worker.step(NOW + YEARS) == 0
        row = table(house)["a@house.test"]
        assert (row.attempts, row.next_at) == (2, NOW + YEARS + timedelta(minutes=1))
        assert worker.step(NOW) == 1  # back: it does not wait three years
        assert table(house)["a@house.test"].next_at == NOW + timedelta(minutes=5)
        assert worker.step(NOW - HOURS) == 0  # a little back: a little longer
        assert table(house)["a@house.test"].attempts == 3


def test_a_claim_of_a_clock_that_was_wrong_ends(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as house:
        tell(house, "a@house.test")
        with house.database.write() as connection:
            outbox.claim(connection, "gone", NOW + timedelta(days=900), 1, LEASE)
        assert Worker(house, STILL).step(NOW) == 1
        assert len(mail.taken) == 1


# Limits.


@pytest.mark.parametrize("jump", [HOURS, YEARS])
def test_a_clock_set_back_keeps_nobody_out(jump: timedelta) -> None:
    limits, now, limit = Limits(), 1e9, [Limit(("a",), 3)]
    for _ in range(6):
        limits.take(limit, 3, now, proved=True)
    now -= jump.total_seconds()
    assert [limits.take(limit, 3, now) for _ in range(4)] == [Room()] * 3 + [Room(proof=True)]
    assert limits.take([Limit(("b",), 3)], 3, now) == Room()
    assert limits.take(limit, 3, now + 2 * WINDOW) == Room()


@pytest.mark.parametrize("jump", [HOURS, YEARS])
def test_a_clock_put_back_keeps_nobody_from_the_login(sqlite_database: Database, jump: timedelta) -> None:
    """Nor does it make guessing free: what was counted is counted on."""
    asked = throttle.counters("key", "ann@house.test", "192.0.2.0/24")
    with sqlite_database.write() as connection:
        for _ in range(20):
            throttle.admit(connection, asked, NOW + jump)
        waits = [throttle.admit(connection, asked, NOW) for _ in range(2)]
        assert waits == [timedelta(0), timedelta(seconds=2)]


def test_a_clock_put_back_a_little_lets_nobody_wait_longer_than_the_longest(sqlite_database: Database) -> None:
    asked = throttle.counters("key", "ann@house.test", "192.0.2.0/24")
    with sqlite_database.write() as connection:
        for n in range(12):
            throttle.admit(connection, asked, NOW + timedelta(minutes=n))
        assert throttle.admit(connection, asked, NOW) <= throttle.ACCOUNT.longest
        assert throttle.admit(connection, asked, NOW + 2 * throttle.ACCOUNT.longest) == timedelta(0)


# How long somebody waits for us.


@JUMPS
def test_an_answer_ends_a_wait_and_a_wait_is_shown_whatever_the_clock_says(
    house: House, jump: timedelta, no_sync: None
) -> None:
    post(visitor(house))
    clock(house).at += jump
    post(create_app(house).test_client(), email="bob@example.org")
    since = [one[0] for one in stored(house, inquiries.c.waiting_since)]
    assert all(since)
    shown = [waiting(NOW + moved, NOW) for moved in (timedelta(0), jump)]
    assert all(one is not None and 1 <= one.reeds <= 5 for one in shown)
