"""The door as browsers meet it: who comes in, who does not, and what no other site can make them do."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture.access import guard, passwords
from capture.access.sessions import ensure_desk_user, make_link
from capture.store import people
from tests.capture.desk import ANN, PASSWORD, Desk, a_desk, log_in, token_in


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slowness of a real hash is tested with the passwords."""
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    assert sqlite_url.endswith(str(tmp_path / "var/obverse.db"))  # migrated already, and found by itself
    with a_desk(tmp_path) as one:
        yield one


# Coming in.


def test_a_person_logs_in_and_comes_to_where_they_wanted(database_url: str, tmp_path: Path) -> None:
    with a_desk(tmp_path, database_url) as desk:
        browser = desk.browser()
        asked = browser.get("/inbox/?view=won")
        assert (asked.status_code, asked.location) == (303, "/inbox/login?next=/inbox/?view%3Dwon")
        page = browser.get(asked.location)
        assert 'value="/inbox/?view=won"' in page.text
        done = log_in(browser, data={"next": "/inbox/?view=won"})
        assert (done.status_code, done.location) == (303, "/inbox/?view=won")
        assert browser.get(done.location).status_code == 200
        assert browser.get("/inbox/login?next=/inbox/help").location == "/inbox/help"


@pytest.mark.parametrize(
    "email, password",
    [(ANN, "a coin has two sides!"), (ANN, ""), ("eve@house.test", PASSWORD), ("", "")],
)
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(desk: Desk, email: str, password: str) -> None:
    answer = log_in(desk.browser(), email, password)
    assert answer.status_code == 422
    assert "Address and password do not go together." in answer.text
    assert "obverse=" not in answer.headers.get_all("Set-Cookie")
    assert PASSWORD not in answer.text


def test_what_was_typed_as_a_name_comes_back_as_text(desk: Desk) -> None:
    answer = log_in(desk.browser(), '"><script>alert(1)</script>', "x")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text


def test_names_are_compared_as_people_write_them(desk: Desk) -> None:
    assert log_in(desk.browser(), "  Ann@House.TEST ").status_code == 303


def test_who_was_here_before_is_not_kept_out_by_guesses_from_elsewhere(desk: Desk) -> None:
    browser = desk.logged_in()
    browser.post("/inbox/logout", data={"_csrf": token_in(browser.get("/inbox/sessions"))})
    for n in range(6):
        log_in(desk.browser(), ANN, "wrong", environ_base={"REMOTE_ADDR": f"10.0.{n}.1"})
    assert log_in(desk.browser(), environ_base={"REMOTE_ADDR": "10.9.9.9"}).status_code == 429
    assert log_in(browser).status_code == 303


# Cookies and sessions.


def test_the_cookie_is_nobodys_but_this_hosts(tmp_path: Path) -> None:
    with a_desk(tmp_path, address="https://site.test") as desk:
        browser = desk.browser()
        secure = {"base_url": "https://site.test"}
        form = {"_csrf": token_in(browser.get("/inbox/login", **secure)), "email": ANN, "password": PASSWORD}
        answer = browser.post("/inbox/login", data=form, **secure)
        cookies = {one.partition("=")[0]: one for one in answer.headers.get_all("Set-Cookie")}
        assert set(cookies) == {"__Host-obverse", "__Host-obverse-known", "__Host-obverse-door"}
        for one in cookies.values():
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(one.split("; "))
            assert "Domain" not in one
        assert re.match(r"__Host-obverse=[0-9a-f]{64};", cookies["__Host-obverse"])


def test_the_database_holds_no_secret_that_lets_in(desk: Desk) -> None:
    browser = desk.logged_in()
    cookie = browser.get_cookie("obverse")
    assert cookie is not None
    link = make_link(desk.house, desk.ann, 5)
    with desk.house.database.read() as connection:
        rows = [
            *connection.exec_driver_sql("SELECT * FROM sessions"),
            *connection.exec_driver_sql("SELECT * FROM links"),
        ]
    told = repr([tuple(row) for row in rows])
    assert cookie.value not in told
    assert link.rpartition("/")[2] not in told


def test_a_session_ends_after_half_a_day_of_silence_and_after_a_month_in_any_case(desk: Desk) -> None:
    browser = desk.logged_in()
    desk.clock.move(hours=12)
    assert browser.get("/inbox/").status_code == 200
    desk.clock.move(hours=12, seconds=1)
    assert browser.get("/inbox/").status_code == 303
    browser = desk.logged_in()
    desk.clock.move(days=30, seconds=-1)
    with desk.house.database.write() as connection:
        people.touch_session(connection, people.sessions_of(connection, desk.ann)[0].id, desk.clock.at)
    assert browser.get("/inbox/").status_code == 200
    desk.clock.move(seconds=1)
    assert browser.get("/inbox/").status_code == 303


def test_what_is_over_is_swept_away(desk: Desk) -> None:
    desk.logged_in()
    make_link(desk.house, desk.ann, 5)
    desk.clock.move(days=2)
    desk.logged_in()
    with desk.house.database.read() as connection:
        assert len(people.sessions_of(connection, desk.ann)) == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM links").scalar_one() == 0


def test_a_session_is_noted_now_and_then_not_each_time(desk: Desk) -> None:
    browser = desk.logged_in()
    seen = []
    for minutes in (4, 4, 4):
        desk.clock.move(minutes=minutes)
        browser.get("/inbox/")
        with desk.house.database.read() as connection:
            seen.append(people.sessions_of(connection, desk.ann)[0].seen_at - desk.clock.at)
    assert seen == [-timedelta(minutes=4), timedelta(0), -timedelta(minutes=4)]


def test_sessions_are_listed_and_ended(desk: Desk) -> None:
    desk.logged_in()
    desk.logged_in()
    browser = desk.logged_in()
    page = browser.get("/inbox/sessions")
    assert page.text.count("this one") == 1
    others = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
    assert len(others) == 2
    token = token_in(page)
    assert browser.post("/inbox/sessions/end", data={"_csrf": token, "session": others[0]}).status_code == 303
    page = browser.get("/inbox/sessions?done=ended")
    assert others[0] not in page.text
    assert others[1] in page.text
    assert "Logged out there." in page.text
    browser.post("/inbox/sessions/end", data={"_csrf": token, "session": "others"})
    assert 'value="others"' not in browser.get("/inbox/sessions").text
    assert browser.get("/inbox/").status_code == 200


def test_nobody_ends_somebody_elses_session(desk: Desk) -> None:
    ben = desk.add("b", "ben@house.test")
    desk.logged_in("ben@house.test")
    with desk.house.database.read() as connection:
        bens = people.sessions_of(connection, ben)[0].id
    browser = desk.logged_in()
    page = browser.get("/inbox/sessions")
    assert bens not in page.text
    assert browser.post("/inbox/sessions/end", data={"_csrf": token_in(page), "session": bens}).status_code == 404
    with desk.house.database.read() as connection:
        assert len(people.sessions_of(connection, ben)) == 1


def test_a_removed_person_is_out_at_once_and_cannot_come_back(desk: Desk) -> None:
    browser = desk.logged_in()
    link = make_link(desk.house, desk.ann, 5)
    with desk.house.database.write() as connection:
        people.remove_person(connection, desk.ann, desk.clock.at)
    assert browser.get("/inbox/").status_code == 303
    assert log_in(desk.browser()).status_code == 422
    assert desk.browser().get(link).status_code == 410


def test_bytes_that_a_database_refuses_are_no_fault(database_url: str, tmp_path: Path) -> None:
    with a_desk(tmp_path, database_url) as desk:
        assert log_in(desk.browser(), "a\0b@house.test", "\0" * 20).status_code == 422
        browser = desk.logged_in()
        form = {"_csrf": token_in(browser.get("/inbox/sessions")), "session": "a\0b"}
        assert browser.post("/inbox/sessions/end", data=form).status_code == 404
        browser.set_cookie("obverse", "%00")
        assert browser.get("/inbox/").status_code == 303
        assert desk.browser().get("/inbox/enter/a%00b").status_code == 410


# Passwords.


def change(desk: Desk, browser, old: str, new: str, again: str | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    token = token_in(browser.get("/inbox/sessions"))
    form = {"_csrf": token, "old": old, "new": new, "again": new if again is None else again}
    return browser.post("/inbox/password", data=form)


@pytest.mark.parametrize(
    "old, new, again, said",
    [
        ("wrong", "another good sentence", None, "not your password until now"),
        (PASSWORD, "short", None, "at least 12 characters"),
        (PASSWORD, "x" * 1001, None, "at most 1000 characters"),
        (PASSWORD, "another good sentence", "another good sentense", "not the same in both fields"),
    ],
)
def test_a_password_is_not_changed_by_mistake(desk: Desk, old: str, new: str, again: str | None, said: str) -> None:
    answer = change(desk, desk.logged_in(), old, new, again)
    assert answer.status_code == 422
    assert said in answer.text
    assert log_in(desk.browser()).status_code == 303


def test_an_open_session_is_no_place_to_guess_the_password_at(desk: Desk) -> None:
    browser = desk.logged_in()
    said = [change(desk, browser, "wrong", "another good sentence").text for _ in range(6)]
    assert "Too many tries" in said[-1]
    assert "Too many tries" not in said[-2]


# One-time links.


def test_a_link_lets_in_once_and_looking_at_it_uses_nothing_up(database_url: str, tmp_path: Path) -> None:
    with a_desk(tmp_path, database_url) as desk:
        link = make_link(desk.house, desk.ann, 5)
        assert [desk.browser().get(link).status_code for _ in range(3)] == [200] * 3
        assert desk.browser().head(link).status_code == 200
        browser = desk.browser()
        done = browser.post(link, data={"_csrf": token_in(browser.get(link))})
        assert (done.status_code, done.location) == (303, "/inbox/")
        assert browser.get("/inbox/").status_code == 200
        late = desk.browser()
        token = token_in(late.get("/inbox/login"))
        assert late.post(link, data={"_csrf": token}).status_code == 410
        assert late.get("/inbox/").status_code == 303
        assert "used up" in late.get(link).text
        assert browser.get(link).location == "/inbox/"


def test_a_link_is_for_a_time(desk: Desk) -> None:
    link = make_link(desk.house, desk.ann, 5)
    browser = desk.browser()
    token = token_in(browser.get(link))
    desk.clock.move(minutes=5)
    assert browser.post(link, data={"_csrf": token}).status_code == 410
    assert browser.get(link).status_code == 410
    assert browser.get("/inbox/enter/nothing").status_code == 410


def test_a_link_is_not_pressed_by_another_site(desk: Desk) -> None:
    link = make_link(desk.house, desk.ann, 5)
    assert desk.browser().post(link).status_code == 403
    browser = desk.browser()
    token = token_in(browser.get(link))
    assert browser.post(link, data={"_csrf": token}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.post(link, data={"_csrf": token}).status_code == 303


def test_the_desk_has_one_user_and_no_password_lets_it_in(desk: Desk) -> None:
    assert ensure_desk_user(desk.house) == ensure_desk_user(desk.house)
    assert log_in(desk.browser(), "desk@localhost", "").status_code == 422


# Other sites.


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil-localhost"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
]
OWN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": "http://localhost"},
    {},
]


def test_what_another_site_sends_changes_nothing_even_with_the_token(desk: Desk) -> None:
    browser = desk.logged_in()
    token = token_in(browser.get("/inbox/sessions"))
    for headers in FOREIGN:
        assert (headers, browser.post("/inbox/logout", data={"_csrf": token}, headers=headers).status_code) == (
            headers,
            403,
        )
        assert (headers, log_in(desk.browser(), headers=headers).status_code) == (headers, 403)
    assert browser.get("/inbox/").status_code == 200


def test_our_own_pages_may(desk: Desk) -> None:
    for headers in OWN:
        assert (headers, log_in(desk.browser(), headers=headers).status_code) == (headers, 303)


def test_the_login_needs_the_token_of_its_own_page(desk: Desk) -> None:
    form = {"email": ANN, "password": PASSWORD}
    assert desk.browser().post("/inbox/login", data=form).status_code == 403
    other = token_in(desk.browser().get("/inbox/login"))
    browser = desk.browser()
    browser.get("/inbox/login")
    answer = browser.post("/inbox/login", data={**form, "_csrf": other})
    assert answer.status_code == 403
    assert "press the button once more" in answer.text
    assert browser.post("/inbox/login", data={**form, "_csrf": token_in(answer)}).status_code == 303


# Every route there is.


def routes(desk: Desk) -> Iterator[tuple[str, str, str]]:
    """(method, path, endpoint) of all that the inbox has, now and whatever comes to it."""
    for rule in desk.app.url_map.iter_rules():
        if guard.is_staff(rule.rule):
            path = re.sub(r"<[^>]+>", "0" * 32, rule.rule)
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield method, path, rule.endpoint


def test_nobody_sees_anything_without_a_login(desk: Desk) -> None:
    closed = [one for one in routes(desk) if one[2] not in guard.OPEN]
    assert len(closed) > 20
    assert {one[2] for one in routes(desk)} >= guard.OPEN
    for method, path, _ in [*closed, ("GET", "/inbox", ""), ("GET", "/inbox/none/such", ""), ("POST", "/inbox/x", "")]:
        answer = desk.browser().open(path, method=method)
        if path == "/inbox":
            assert answer.status_code in (303, 308)
            continue
        assert (method, path, answer.status_code) == (method, path, 303)
        assert answer.location.startswith("/inbox/login?next=")
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_not_there_is_404_in_the_inboxs_look(desk: Desk) -> None:
    browser = desk.logged_in()
    for path in ("/inbox/none/such", "/inbox/i/" + "0" * 32, "/inbox/i/..", "/inbox/logout"):
        answer = browser.get(path)
        assert (path, answer.status_code) == (path, 404)
        assert 'class="masthead"' in answer.text


def test_every_answer_has_the_headers(desk: Desk) -> None:
    browser = desk.logged_in()
    for path in ("/inbox/", "/inbox/none", "/inbox/sessions", "/inbox/export.csv"):
        answer = browser.get(path)
        assert answer.headers["Content-Security-Policy"] == guard.CSP
        assert "unsafe" not in guard.CSP
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    public = desk.browser().get("/healthz")
    assert "X-Robots-Tag" not in public.headers


def test_a_page_that_was_posted_to_after_the_session_ended_is_come_back_to(desk: Desk) -> None:
    answer = desk.browser().post(
        "/inbox/i/0af3/note", data={"text": "x"}, headers={"Referer": "http://localhost/inbox/i/0af3?view=won"}
    )
    assert answer.location == "/inbox/login?next=/inbox/i/0af3?view%3Dwon"
    foreign = desk.browser().post("/inbox/i/0af3/note", headers={"Referer": "https://evil.example/x"})
    assert foreign.location == "/inbox/login?next=/inbox/"


def test_below_a_base_path_everything_stays_there(tmp_path: Path) -> None:
    with a_desk(tmp_path, address="http://localhost/blog", base_path="/blog") as desk:
        browser = desk.browser()
        asked = browser.get("/blog/inbox/")
        assert asked.location == "/blog/inbox/login?next=/blog/inbox/"
        form = {"_csrf": token_in(browser.get(asked.location)), "email": ANN, "password": PASSWORD, "next": "/inbox/"}
        assert browser.post("/blog/inbox/login", data=form).location == "/blog/inbox/"
        assert browser.get("/blog/inbox/").status_code == 200
