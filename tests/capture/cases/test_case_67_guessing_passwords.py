"""Case 67: ten thousand guesses, from ever other networks, at ever other names: waits that grow, nobody locked out for
good, answers and times that tell nothing, and never more than a few hashes at once.

The parts by themselves: `test_rotating_names_run_into_the_wait_of_their_network`, `test_many_at_once_are_as_many`,
`test_no_more_than_six_are_taken_in_line_and_two_worked_on`; who was here before:
`test_who_was_here_before_is_not_kept_out_by_guesses_from_elsewhere`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture.access import passwords, throttle
from capture.store.database import Database
from tests.capture.desk import ANN, Desk, a_desk, log_in
from tests.capture.house import NOW

GUESSES = 10_000


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, quick: None) -> Iterator[Desk]:
    with a_desk(tmp_path, sqlite_url) as one:
        yield one


def test_in_a_day_few_of_ten_thousand_guesses_at_an_account_are_looked_at(sqlite_database: Database) -> None:
    """One each nine seconds, each from another network."""
    with sqlite_database.write() as connection:
        looked_at = 0
        for number in range(0, GUESSES, 10):  # a tenth of them: what is refused is not counted
            network = f"10.{number >> 8 & 255}.{number & 255}.0/24"
            asked = throttle.counters("key", ANN, network)
            looked_at += not throttle.admit(connection, asked, NOW + timedelta(days=1) * number / GUESSES)
        assert 90 < looked_at < 120
        for hours in (25, 49):  # and it is over when they are
            asked = throttle.counters("key", ANN, "192.0.2.0/24")
            assert throttle.admit(connection, asked, NOW + timedelta(hours=24 + hours)) == timedelta(0)


def test_no_wait_is_longer_than_a_quarter_of_an_hour_however_many_have_failed() -> None:
    assert max(one.wait(10**6) for one in (throttle.ACCOUNT, throttle.NETWORK, throttle.DEVICE)) == timedelta(
        minutes=15
    )


def test_after_five_wrong_ones_a_person_waits_and_is_never_locked_out(desk: Desk) -> None:
    browser = desk.browser()
    answers = [log_in(browser, ANN, "wrong") for _ in range(6)]
    assert [one.status_code for one in answers] == [422] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert "Please wait a second" in answers[-1].text
    assert f'value="{ANN}"' in answers[-1].text
    assert log_in(browser).status_code == 429  # right, but too early
    desk.clock.move(seconds=1)
    assert log_in(browser).status_code == 303


def test_nobody_learns_who_may_log_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same page, the same waits, and a hash of the same cost for a name that nobody has."""
    worked: list[str] = []
    check = passwords.check_password_hash
    monkeypatch.setattr(passwords, "check_password_hash", lambda kept, text: worked.append(kept) or check(kept, text))
    pages = {}
    for name in (ANN, "eve@house.test"):
        browser = desk.browser()
        answers = [log_in(browser, name, "wrong") for _ in range(6)]
        told = [re.sub(r'name="_csrf" value="\w+"', "", one.text).replace(name, "") for one in answers]
        pages[name] = [(one.status_code, text) for one, text in zip(answers, told, strict=True)]
    assert pages[ANN] == pages["eve@house.test"]
    assert [one.rpartition("$")[0].partition("$")[0] for one in worked] == ["scrypt:1024:8:1"] * 10


def test_a_flood_of_logins_is_answered_at_once(desk: Desk) -> None:
    browser = desk.browser()
    with passwords.door(), passwords.door(), passwords.door(), passwords.door(), passwords.door(), passwords.door():
        answer = log_in(browser)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    assert log_in(browser).status_code == 303
