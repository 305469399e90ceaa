"""The preview's mailbox: what would have been sent, to the letter, and inert."""

import json
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from capture.app import create_app
from capture.house import House
from capture.model import Outgoing
from capture.outbox.letters import letter
from capture.outbox.notifications import outgoing_for
from capture.outbox.worker import Worker, letterhead
from capture.store import outbox
from capture.store.saving import save
from tests.capture.house import CONTACT, NOW, SETTINGS, a_house
from tests.capture.samples import make_submission

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, preview=True) as house:
        yield house


@pytest.fixture
def client(house: House) -> FlaskClient:
    return create_app(house).test_client()


def tell(house: House, *more: Outgoing, webhook: str = "", **changes: Any) -> dict[str, str]:
    """A submission is saved; the ids of its rows by channel."""
    submission = make_submission(received_at=NOW, **changes)
    told = outgoing_for(CONTACT, replace(SETTINGS, webhook=webhook), submission)
    with house.database.write() as connection:
        save(connection, submission, [*told, *more], house.token, now=NOW)
    with house.database.read() as connection:
        return {one.channel: one.id for one in outbox.deliveries(connection, outbox.STATES)}


def test_an_empty_mailbox_says_how_to_fill_it(client: FlaskClient) -> None:
    page = client.get("/_ob/mail/")
    assert page.status_code == 200
    assert "No mail yet." in page.text


def test_mail_is_listed_and_shown_exactly_as_it_would_be_sent(house: House, client: FlaskClient) -> None:
    row = tell(house)["mail"]
    Worker(house).step(NOW)
    page = client.get("/_ob/mail/")
    assert f'href="/_ob/mail/{row}"' in page.text
    shown = unescape(client.get(f"/_ob/mail/{row}").text)
    with house.database.read() as connection:
        found = outbox.delivery(connection, row)
    assert found
    assert found.state == "sent"
    message = letter(found, letterhead(house))
    assert message.get_content().replace("\r\n", "\n").strip() in shown
    for name, value in message.items():
        assert f">{name}<" in shown
        assert str(value) in shown
    assert f'href="/inbox/i/{found.inquiry}"' in shown


def test_posts_to_the_webhook_are_shown_too(house: House, client: FlaskClient) -> None:
    row = tell(house, webhook="https://hook.test/in")["webhook"]
    assert "https://hook.test/in" in client.get("/_ob/mail/").text
    shown = unescape(client.get(f"/_ob/mail/{row}").text)
    body = json.loads(shown[shown.index("{\n") : shown.rindex("}") + 1])
    assert body["type"] == "inquiry.received"
    assert row in shown


def test_what_visitors_type_is_text_here(house: House, client: FlaskClient) -> None:
    values = {"name": EVIL, "email": "ann@example.com", "message": EVIL}
    rows = tell(house, webhook="https://hook.test/in", values=values, page_title=EVIL, extra={EVIL: (EVIL,)})
    for path in ("/_ob/mail/", *(f"/_ob/mail/{row}" for row in rows.values())):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert EVIL in unescape(client.get(f"/_ob/mail/{rows['mail']}").text)


def test_a_mail_that_cannot_be_made_is_said(house: House, client: FlaskClient) -> None:
    tell(house, Outgoing("mail", "notify", "nobody", {"form": "contact"}))
    with house.database.read() as connection:
        [broken] = [one for one in outbox.deliveries(connection, outbox.STATES) if one.target == "nobody"]
    assert "not one that a mail can be sent to" in client.get(f"/_ob/mail/{broken.id}").text


@pytest.mark.parametrize("path", ["/_ob/mail/", "/_ob/mail/nothing", f"/_ob/mail/{'0' * 32}"])
def test_every_answer_is_kept_by_nobody_and_runs_nothing(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == (200 if path.endswith("/") else 404)
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "<script" not in answer.text
    assert "style=" not in answer.text


def test_it_reads_and_nothing_else(client: FlaskClient) -> None:
    assert client.post("/_ob/mail/").status_code == 405


def test_in_production_there_is_none(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        row = tell(house)["mail"]
        client = create_app(house).test_client()
        assert client.get("/_ob/mail/").status_code == 404
        assert client.get(f"/_ob/mail/{row}").status_code == 404
