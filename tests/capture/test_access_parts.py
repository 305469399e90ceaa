"""The parts of the door by themselves: passwords, waits, names of browsers, where a login may lead."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from capture.access import passwords, throttle
from capture.access.guard import safe_next
from capture.access.passwords import Busy, complaint, door, fits, hashed
from capture.access.sessions import agent_family, cookie_name
from capture.app import create_app
from capture.setup import Setup
from capture.store.database import Database
from capture.store.people import attempts_at
from tests.capture.house import a_house

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


# Passwords.


def test_a_password_fits_its_own_hash_only() -> None:
    kept = hashed("correct horse battery")
    assert kept.startswith("scrypt:32768:8:3$")
    assert fits("correct horse battery", kept)
    assert not fits("correct horse battery ", kept)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")


def test_letters_composed_in_two_ways_are_one_password(quick: None) -> None:
    assert fits("cafe\u0301 au lait", hashed("caf\u00e9 au lait"))


def test_nothing_fits_nobody(quick: None) -> None:
    assert not fits("", "")
    assert not fits("nobody has this password", "")


def test_a_password_of_a_megabyte_is_cut_before_it_is_worked_on(quick: None) -> None:
    kept = hashed("x" * 1001)
    assert not fits("x" * 1001, kept)
    assert not fits("x" * 1_000_000, kept)


def test_text_that_no_encoding_carries_is_no_fault(quick: None) -> None:
    assert not fits("\ud800" * 12, hashed("correct horse battery"))


@pytest.mark.parametrize(
    "password, wrong",
    [("x" * 11, "short"), ("x" * 12, ""), ("e\u0301" * 11, "short"), ("x" * 1000, ""), ("x" * 1001, "long")],
)
def test_a_new_password_has_bounds(password: str, wrong: str) -> None:
    assert complaint(password) == (f"access.password.{wrong}" if wrong else "")


def test_no_more_than_six_are_taken_in_line_and_two_worked_on() -> None:
    inside: list[int] = []

    def enter(depth: int) -> None:
        with door():
            inside.append(depth)
            if depth < 6:
                enter(depth + 1)
            else:
                with pytest.raises(Busy), door():
                    pass

    enter(1)
    assert inside == [1, 2, 3, 4, 5, 6]
    with door():  # every place was given back
        pass
    assert passwords._working.acquire(blocking=False)
    assert passwords._working.acquire(blocking=False)
    assert not passwords._working.acquire(blocking=False)
    passwords._working.release(2)


# Waits.


def test_waits_begin_with_a_second_double_and_end() -> None:
    waits = [throttle.ACCOUNT.wait(count).total_seconds() for count in (0, 4, 5, 6, 9, 14, 15, 1000)]
    assert waits == [0, 0, 1, 2, 16, 512, 900, 900]


def test_a_try_is_counted_before_it_is_looked_at_and_not_while_it_waits(database: Database) -> None:
    asked = throttle.counters("key", "ann@house.test", "192.0.2.0/24")
    with database.write() as connection:
        waits = [throttle.admit(connection, asked, NOW).total_seconds() for _ in range(9)]
        assert waits == [0, 0, 0, 0, 0, 1, 1, 1, 1]
        assert throttle.admit(connection, asked, NOW + timedelta(seconds=1)) == timedelta(0)
        assert throttle.admit(connection, asked, NOW + timedelta(seconds=2)) == timedelta(seconds=1)


def test_many_at_once_are_as_many(database: Database) -> None:
    asked = throttle.counters("key", "ann@house.test", "192.0.2.0/24")
    admitted: list[bool] = []

    def one() -> None:
        with database.write() as connection:
            admitted.append(throttle.admit(connection, asked, NOW) == timedelta(0))

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(admitted) == [False] * 7 + [True] * 5


def test_rotating_names_run_into_the_wait_of_their_network(sqlite_database: Database) -> None:
    with sqlite_database.write() as connection:
        waits = [
            throttle.admit(connection, throttle.counters("key", f"{n}@house.test", "192.0.2.0/24"), NOW)
            for n in range(31)
        ]
        assert waits == [timedelta(0)] * 30 + [timedelta(seconds=1)]
        elsewhere = throttle.counters("key", "0@house.test", "198.51.100.0/24")
        assert throttle.admit(connection, elsewhere, NOW) == timedelta(0)


def test_rotating_networks_run_into_the_wait_of_the_account_but_not_so_its_owner(sqlite_database: Database) -> None:
    with sqlite_database.write() as connection:
        for n in range(5):
            throttle.admit(connection, throttle.counters("key", "ann@house.test", f"10.0.{n}.0/24"), NOW)
        stranger = throttle.counters("key", "ann@house.test", "10.0.99.0/24")
        assert throttle.admit(connection, stranger, NOW) > timedelta(0)
        known = throttle.counters("key", "ann@house.test", "10.0.99.0/24", device="mark")
        assert throttle.admit(connection, known, NOW) == timedelta(0)


def test_a_day_later_all_is_forgotten_and_no_address_was_kept(sqlite_database: Database) -> None:
    asked = throttle.counters("key", "ann@house.test", "192.0.2.0/24")
    with sqlite_database.write() as connection:
        for second in range(8):
            throttle.admit(connection, asked, NOW + timedelta(minutes=second))
        kept = connection.exec_driver_sql("SELECT key FROM attempts").scalars().all()
        assert len(kept) == 2
        assert not [one for one in kept if "ann" in one or "192" in one]
        assert throttle.admit(connection, asked, NOW + timedelta(days=2)) == timedelta(0)
        assert [one.count for one in attempts_at(connection, (one.key for one in asked)).values()] == [1, 1]


def test_a_good_login_forgives_the_account_and_not_the_network(sqlite_database: Database) -> None:
    asked = throttle.counters("key", "ann@house.test", "192.0.2.0/24")
    with sqlite_database.write() as connection:
        throttle.admit(connection, asked, NOW)
        throttle.forgive(connection, asked)
        assert [one[0] for one in attempts_at(connection, (one.key for one in asked))] == ["n"]


# Names.


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Safari/604"


@pytest.mark.parametrize(
    "text, family",
    [
        (FIREFOX, "Firefox, Linux"),
        (EDGE, "Edge, Windows"),
        (IPHONE, "Safari, iPhone"),
        ("curl/8.5", ""),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_a_browser_is_kept_as_its_family_only(text: str, family: str) -> None:
    assert agent_family(text) == family


@pytest.mark.parametrize(
    "address, name",
    [
        ("https://site.test", "__Host-obverse"),
        ("https://site.test/blog", "__Host-obverse"),
        ("http://127.0.0.1:8000", "obverse-8000"),
        ("http://127.0.0.1", "obverse"),
    ],
)
def test_cookies_are_named_by_where_they_are_set(address: str, name: str, tmp_path: Path) -> None:
    assert cookie_name(Setup(tmp_path, address)) == name


# Where a login may lead.


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with a_house(tmp_path_factory.mktemp("house")) as house:
        yield create_app(house)


@pytest.mark.parametrize("text", ["/inbox/", "/inbox/i/0af3", "/inbox/?view=all&q=a%2Fb", "/inbox/?q=//evil.example"])
def test_a_login_leads_back_to_where_one_was(app: Flask, text: str) -> None:
    with app.test_request_context("/inbox/login"):
        assert safe_next(text) == text


def test_below_a_base_path_a_login_stays_there(app: Flask) -> None:
    with app.test_request_context("/inbox/login", base_url="http://localhost/blog"):
        assert safe_next("/blog/inbox/i/1") == "/blog/inbox/i/1"
        assert safe_next("/inbox/i/1") == "/blog/inbox/"
