"""What several cases do: a visitor's post to a house, and what is then stored."""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from capture.app import create_app
from capture.house import House
from capture.store.tables import submissions

FORM = "/_ob/f/contact"
ANSWERS = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}


def visitor(house: House) -> FlaskClient:
    """A browser without scripts."""
    return create_app(house).test_client()


def key() -> dict[str, str]:
    """What the page's script sends along: a key for this time that the form is filled in."""
    return {"_ob_instance": secrets.token_hex(16)}


def post(browser: FlaskClient, **more: str) -> TestResponse:
    """Send the contact form."""
    return browser.post(FORM, data={**ANSWERS, **more})


def receipt_of(answer: TestResponse) -> str:
    """The receipt that somebody was thanked with."""
    assert answer.status_code == 303, (answer.status_code, answer.text[:300])
    return answer.headers["Location"].rpartition("/")[2]


def stored(house: House, *columns: sa.Column[Any]) -> list[tuple[Any, ...]]:
    """These columns of all rows, in the order they came; of submissions' receipts when none are named."""
    wanted = columns or (submissions.c.receipt,)
    with house.database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*wanted))]
