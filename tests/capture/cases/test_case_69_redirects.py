"""Case 69: `next=//evil` in all spellings, and fields such as `redirect` in a form: nobody is led off the site.

A login leads back to where one was: `test_a_login_leads_back_to_where_one_was`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from capture.access import passwords
from capture.access.guard import safe_next
from capture.app import create_app
from tests.capture.cases.visits import ANSWERS, FORM
from tests.capture.desk import a_desk, log_in
from tests.capture.house import a_house

EVIL = ("//evil.example", "/\\evil.example", "https:evil.example", "%09//evil.example", "javascript:alert(1)")
FIELDS = ("next", "_next", "redirect", "_redirect", "return_to", "url", "success_url", "_ob_next", "_ob_redirect")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with a_house(tmp_path_factory.mktemp("house")) as house:
        yield create_app(house)


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example",
        "//evil.example/inbox/",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example/inbox/",
        "%09//evil.example",
        "\t//evil.example",
        "/inbox/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/inbox",
        "/elsewhere/",
        "/inboxes/",
        "/inbox/../",
        "/inbox/%2e%2e/_ob/mail/",
        "/inbox/..%2f..%2f/evil",
        "/inbox//evil.example",
        "/inbox/a/%2e%2e",
        "/inbox/%5c%5cevil.example",
        "/inbox/\u00e9",
        "http://[/inbox/",
        "",
    ],
)
def test_a_login_leads_nowhere_but_to_the_inbox(app: Flask, text: str) -> None:
    with app.test_request_context("/inbox/login"):
        assert safe_next(text) == "/inbox/"


@pytest.mark.parametrize("text", EVIL)
def test_the_login_itself_obeys(tmp_path: Path, sqlite_url: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")
    with a_desk(tmp_path, sqlite_url) as desk:
        browser = desk.browser()
        assert "evil" not in browser.get("/inbox/login", query_string={"next": text}).text
        assert log_in(browser, data={"next": text}).location == "/inbox/"
        assert browser.get("/inbox/login", query_string={"next": text}).location == "/inbox/"


@pytest.mark.parametrize("text", [*EVIL, "https://evil.example/"])
def test_no_field_of_a_form_leads_anywhere(app: Flask, text: str) -> None:
    led = dict.fromkeys(FIELDS, text)
    sent = {**ANSWERS, "message": f"About {FIELDS.index('next')} and {len(text)}", **led}
    for query in ({}, led):
        answer = app.test_client().post(FORM, data=sent, query_string=query)
        assert re.fullmatch("/_ob/t/[0-9a-f]{32}", answer.location)
    told = app.test_client().post(FORM, json=sent, headers={"Accept": "application/json"})
    assert told.json is not None
    assert told.json["next"].startswith(("/", "https://site.test/"))
    assert "evil" not in told.json["next"]
