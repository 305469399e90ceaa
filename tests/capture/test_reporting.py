"""What each article brought: rows, the address for programs, and what the writer's bar is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from capture.app import create_app
from capture.house import House
from capture.model import Verdict
from capture.reporting import rows
from capture.reporting.live import Failed, Live, asked, live_of, looked_up
from capture.reporting.rows import as_csv, as_plain, as_table
from capture.setup import Secrets
from capture.store.changes import set_stage
from capture.store.reports import PageReport
from capture.store.saving import save
from tests.capture.house import KEY, Clock, a_house
from tests.capture.samples import make_submission, tokens

TOKEN = "a-token-of-some-length"
SECRETS = Secrets(key=KEY, report=TOKEN)


def fill(house: House) -> None:
    """Pricing: two inquiries, one of them won for 8,000 EUR. Two sides: one held. A page that is gone: one."""
    token = tokens("fill")
    clock = house.now
    assert isinstance(clock, Clock)

    def take(email: str, page: str, **more: Any) -> str:
        values = {"name": "Ada", "email": email, "message": "Hello"}
        return save(
            connection, make_submission(values=values, page=page, received_at=clock.at, **more), (), token
        ).inquiry

    with house.database.write() as connection:
        won = take("ada@example.org", "articles/pricing.md")
        take("ben@example.org", "articles/pricing.md")
        take("eve@example.org", "articles/two-sides.md", verdict=Verdict(("trap",)))
        lost = take("cy@example.org", "articles/gone.md")
        set_stage(connection, won, "won", actor="", now=clock.at, value=800_000, currency="EUR")
        set_stage(connection, lost, "lost", actor="", now=clock.at, reason="price")


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, preview=True, address="http://localhost", secrets=SECRETS) as one:
        fill(one)
        yield one


# Rows.


def test_rows_have_titles_and_addresses_and_the_most_valuable_is_first(database_url: str, tmp_path: Path) -> None:
    with a_house(tmp_path, database_url) as house:
        fill(house)
        with house.database.read() as connection:
            found = rows(connection, house.releases.current())
    assert [(one.id, one.url, one.title) for one in found] == [
        ("articles/pricing.md", "/articles/pricing/", "What a price says"),
        ("articles/gone.md", "", "articles/gone.md"),
        ("articles/two-sides.md", "/articles/two-sides/", "Marketing vs. sales"),
    ]
    counts = [(one.inquiries, one.held, one.qualified, one.won, one.values) for one in found]
    assert counts == [(2, 0, 1, 1, {"EUR": 800_000}), (1, 0, 0, 0, {}), (0, 1, 0, 0, {})]


def test_the_table_stands_in_columns_and_sums_up(house: House) -> None:
    with house.database.read() as connection:
        told = as_table(rows(connection, house.releases.current()))
    assert told == (
        "article              inquiries  held  qualified  won      value\n"
        "What a price says            2     0          1    1  8,000 EUR\n"
        "articles/gone.md             1     0          0    0          -\n"
        "Marketing vs. sales          0     1          0    0          -\n"
        "in all                       3     1          1    1  8,000 EUR"
    )


def test_the_csv_has_a_column_for_each_currency_and_no_formula(house: House) -> None:
    with house.database.read() as connection:
        found = rows(connection, house.releases.current())
    other = [type(found[0])("=1+1.md", "", "=1+1", won=1, values={"USD": 5})]
    assert as_csv([*found[:1], *other], "EUR") == (
        "id,url,title,inquiries,held,qualified,won,value EUR,value USD\r\n"
        "articles/pricing.md,/articles/pricing/,What a price says,2,0,1,1,8000.0,0.0\r\n"
        "'=1+1.md,,'=1+1,0,0,0,1,0.0,0.05\r\n"
    )


# For programs.


def test_the_report_is_for_who_has_the_token(house: House) -> None:
    client = create_app(house).test_client()
    answer = client.get("/api/v1/report", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert (answer.json["generated"], answer.json["currency"]) == ("2026-11-23T10:00:00.000000Z", "EUR")
    assert answer.json["pages"][0] == {
        "id": "articles/pricing.md",
        "url": "/articles/pricing/",
        "title": "What a price says",
        "inquiries": 2,
        "held": 0,
        "qualified": 1,
        "won": 1,
        "value": 8000.0,
        "values": {"EUR": 8000.0},
    }
    assert "example.org" not in answer.text
    assert "Ada" not in answer.text


def test_without_the_token_there_is_nothing(house: House) -> None:
    client = create_app(house).test_client()
    for sent in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"):
        answer = client.get("/api/v1/report", headers={"Authorization": sent})
        assert (sent, answer.status_code) == (sent, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.content_type == "application/problem+json"
        assert "pages" not in answer.text
    assert client.get("/api/v1/report").status_code == 401


def test_where_no_token_is_set_there_is_no_report(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path) as house:
        client = create_app(house).test_client()
        assert client.get("/api/v1/report", headers={"Authorization": "Bearer "}).status_code == 404
        assert client.post("/api/v1/report").status_code == 405


# The bar.


def bar(house: House, path: str) -> dict[str, Any]:
    answer = create_app(house).test_client().get("/_ob/bar.json", query_string={"path": path})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert isinstance(answer.json, dict)
    return answer.json


def test_the_bar_says_what_the_page_has_brought(house: House) -> None:
    told = bar(house, "/articles/pricing/")
    assert told["lines"] == ["Here in the preview: 2 inquiries · 1 qualified · 1 won · 8,000 EUR"]
    assert [one["href"] for one in told["links"]] == ["/inbox/?view=all&page=articles/pricing.md", "/_ob/mail/"]


def test_the_bar_knows_its_pages(house: House) -> None:
    lines = {
        "/articles/two-sides/": "Here in the preview: 1 held",
        "/contact/": "Here in the preview: no inquiry yet",
        "/talk/": "Here in the preview: no inquiry yet",  # an alias
        "/nowhere/": "Reports count nothing on this page.",
        "": "Reports count nothing on this page.",
        "//[": "Reports count nothing on this page.",
    }
    assert {path: bar(house, path)["lines"] for path in lines} == {path: [line] for path, line in lines.items()}


def test_outside_a_preview_there_is_no_bar(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path) as house:
        client = create_app(house).test_client()
        for name in ("bar.js", "bar.css", "bar.json"):
            assert client.get(f"/_ob/{name}").status_code == 404


def test_the_bars_files_are_what_they_are(house: House) -> None:
    client = create_app(house).test_client()
    assert client.get("/_ob/bar.js").content_type == "text/javascript; charset=utf-8"
    assert client.get("/_ob/bar.css").content_type == "text/css; charset=utf-8"


# Live numbers.


@contextmanager
def site(status: int = 200, body: bytes = b"", **headers: str) -> Iterator[tuple[str, list[Any]]]:
    """A live site on this machine that answers alike to everything, and what it was asked."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/blog", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reported(house: House) -> bytes:
    with house.database.read() as connection:
        plain = as_plain(rows(connection, house.releases.current()), "EUR", house.now())
    return json.dumps(plain).encode()


def test_live_numbers_come_from_the_live_sites_report(house: House) -> None:
    with site(body=reported(house)) as (address, seen):
        found = asked(address, TOKEN)
    assert found["articles/pricing.md"] == PageReport("articles/pricing.md", 2, 0, 1, 1, {"EUR": 800_000})
    assert seen == [("/blog/api/v1/report", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    "status, body, why",
    [
        (401, b"", "refused"),
        (404, b"", "missing"),
        (500, b"", "strange"),
        (503, b"", "away"),
        (200, b"<html>", "strange"),
        (200, b"[]", "strange"),
        (200, b'{"pages": [{"id": "a"}]}', "strange"),
        (200, b'{"pages": [{"id": "a", "inquiries": "many"}]}', "strange"),
        (200, b'{"pages": ' + b"[" * 200_000, "strange"),
        (200, b" " * 300_000, "strange"),
    ],
)
def test_what_is_no_report_is_told_by_a_word(status: int, body: bytes, why: str) -> None:
    with site(status, body) as (address, _), pytest.raises(Failed, match=f"^{why}$"):
        asked(address, TOKEN)


def test_a_redirect_is_not_followed_with_the_token() -> None:
    with site() as (other, seen), site(302, b"", Location=other) as (address, _):
        with pytest.raises(Failed, match="strange"):
            asked(address, TOKEN)
        assert seen == []


@pytest.mark.parametrize(
    "source, token, why",
    [
        ("http://site.test", TOKEN, "address"),
        ("ftp://127.0.0.1", TOKEN, "address"),
        ("https://", TOKEN, "address"),
        ("https://site.test", "", "token"),
        ("http://127.0.0.1:1", TOKEN, "away"),
    ],
)
def test_a_token_goes_nowhere_but_by_https_or_to_this_machine(source: str, token: str, why: str) -> None:
    with pytest.raises(Failed, match=f"^{why}$"):
        asked(source, token)


def test_nobody_waits_for_live_numbers_and_they_are_good_for_a_minute() -> None:
    gate, calls, at = threading.Event(), [], [0.0]

    def ask() -> dict[str, PageReport]:
        calls.append(at[0])
        assert gate.wait(10)
        if len(calls) == 2:
            raise Failed("away")
        return {"a": PageReport("a", len(calls))}

    live = Live(ask, lambda: at[0])
    assert live.standing().state == "waiting"
    assert live.standing().state == "waiting"  # and nobody else is sent
    gate.set()
    live.settle()
    assert live.standing().pages["a"].inquiries == 1
    at[0] = 59.9
    assert live.standing().state == "known"
    at[0] = 60.0
    assert live.standing().state == "known"  # the old ones, while somebody asks
    live.settle()
    assert (live.standing().state, live.standing().why) == ("failed", "away")
    at[0] = 70.0
    live.standing()
    live.settle()
    assert live.standing().pages["a"].inquiries == 3
    assert calls == [0.0, 60.0, 70.0]


def test_the_bar_tells_live_from_preview_and_a_failure_in_words(sqlite_url: str, tmp_path: Path) -> None:
    nine = {"id": "contact.md", "inquiries": 9, "held": 0, "qualified": 0, "won": 0, "values": {}}
    body = json.dumps({"pages": [nine]}).encode()
    with site(body=body) as (address, _):
        given: dict[str, Any] = {"report_source": address, "report_token": TOKEN}
        with a_house(tmp_path, preview=True, address="http://localhost", **given) as house:
            app = create_app(house)
            client = app.test_client()
            first = client.get("/_ob/bar.json?path=/contact/").json
            assert first is not None
            assert first["lines"] == ["Here in the preview: no inquiry yet", "Live: asking …"]
            app.extensions["obverse.live"].settle()
            then = client.get("/_ob/bar.json?path=/contact/").json
            assert then is not None
            assert then["lines"] == ["Here in the preview: no inquiry yet", "Live: 9 inquiries"]
    with a_house(tmp_path, preview=True, address="http://localhost", report_source="http://127.0.0.1:1") as house:
        app = create_app(house)
        app.test_client().get("/_ob/bar.json?path=/contact/")
        app.extensions["obverse.live"].settle()
        told = app.test_client().get("/_ob/bar.json?path=/contact/").json
        assert told is not None
        assert told["lines"][1] == "Live: no numbers, because the token is missing: set OBVERSE_REPORT."


def test_a_live_database_on_this_machine_is_read_and_nothing_is_written(sqlite_url: str, tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        fill(house)
        live = tmp_path / "var" / "obverse.db"
        before = live.read_bytes()
        assert looked_up(live)["articles/pricing.md"].won == 1
        assert live.read_bytes() == before
        with a_house(tmp_path / "desk", preview=True, address="http://localhost", live=live) as desk:
            app = create_app(desk)
            app.test_client().get("/_ob/bar.json?path=/articles/pricing/")
            app.extensions["obverse.live"].settle()
            told = app.test_client().get("/_ob/bar.json?path=/articles/pricing/").json
            assert told is not None
            assert told["lines"][1] == "Live: 2 inquiries · 1 qualified · 1 won · 8,000 EUR"


def test_a_live_database_that_is_none_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "100% of it?.db"
    broken.write_bytes(b"no database at all " * 100)
    with pytest.raises(Failed, match="database"):
        looked_up(broken)
    with pytest.raises(Failed, match="database"):
        looked_up(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_where_nothing_is_live_the_bar_says_nothing_of_it(house: House) -> None:
    assert live_of(house.setup) is None
    assert len(bar(house, "/contact/")["lines"]) == 1
