"""Case 68: a session that somebody planted, or that was ended by a logout, a new password or from elsewhere, is dead.

That a code of a second factor is good once waits for second factors.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from capture.access import passwords
from capture.store import people
from tests.capture.desk import ANN, PASSWORD, Desk, a_desk, log_in, token_in

NEW = "another good sentence"


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")
    with a_desk(tmp_path, database_url) as one:
        yield one


def secret_of(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("obverse")
    assert cookie is not None
    return cookie.value


def opens(desk: Desk, secret: str) -> bool:
    """Whether somebody who has that cookie is in."""
    browser = desk.browser()
    browser.set_cookie("obverse", secret)
    return browser.get("/inbox/").status_code == 200


def send(browser: FlaskClient, path: str, **form: str) -> int:
    return browser.post(path, data={"_csrf": token_in(browser.get("/inbox/sessions")), **form}).status_code


def test_a_planted_cookie_is_worth_nothing_after_the_login(desk: Desk) -> None:
    browser = desk.browser()
    browser.set_cookie("obverse", "f" * 64)
    assert log_in(browser).status_code == 303
    assert secret_of(browser) != "f" * 64
    assert not opens(desk, "f" * 64)


def test_a_login_ends_the_session_that_the_browser_came_with(desk: Desk) -> None:
    browser = desk.logged_in()
    first = secret_of(browser)
    browser.delete_cookie("obverse")
    token = token_in(browser.get("/inbox/login"))
    browser.set_cookie("obverse", first)
    again = browser.post("/inbox/login", data={"_csrf": token, "email": ANN, "password": PASSWORD})
    assert again.status_code == 303
    assert (opens(desk, first), opens(desk, secret_of(browser))) == (False, True)


def test_a_logout_ends_the_session_and_not_the_cookie_alone(desk: Desk) -> None:
    browser, other = desk.logged_in(), desk.logged_in()
    secret = secret_of(browser)
    assert send(browser, "/inbox/logout") == 303
    assert browser.get_cookie("obverse") is None
    assert (opens(desk, secret), opens(desk, secret_of(other))) == (False, True)


def test_a_new_password_ends_every_session_before_it(desk: Desk) -> None:
    browser, other = desk.logged_in(), desk.logged_in()
    before = [secret_of(browser), secret_of(other)]
    assert send(browser, "/inbox/password", old=PASSWORD, new=NEW, again=NEW) == 303
    assert [opens(desk, one) for one in before] == [False, False]
    assert opens(desk, secret_of(browser))
    assert log_in(desk.browser()).status_code == 422
    assert log_in(desk.browser(), ANN, NEW).status_code == 303


def test_a_session_is_ended_from_another_and_all_others_at_once(desk: Desk) -> None:
    browser, lost, more = desk.logged_in(), desk.logged_in(), desk.logged_in()
    with desk.house.database.read() as connection:
        ids = {one.id for one in people.sessions_of(connection, desk.ann)}
    assert secret_of(lost) not in ids, "the database knows digests only"
    send(lost, "/inbox/logout")
    assert send(browser, "/inbox/sessions/end", session="others") == 303
    assert [opens(desk, secret_of(one)) for one in (more, browser)] == [False, True]
