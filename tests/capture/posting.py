"""Visitors of a house in this process: what they send, also many at the same moment, and what is there afterwards."""

import threading
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from capture.app import create_app
from capture.house import House
from tests.capture.house import Clock

FORM = "/_ob/f/contact"
ANSWERS = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}
KEY = {"_ob_instance": "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"}


def client(house: House) -> FlaskClient:
    app = create_app(house)
    app.testing = True
    return app.test_client()


def clock(house: House) -> Clock:
    assert isinstance(house.now, Clock)
    return house.now


def rows(house: House, table: sa.Table) -> list[dict[str, Any]]:
    with house.database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def count(house: House, *tables: sa.Table) -> list[int]:
    return [len(rows(house, table)) for table in tables]


def at_once(house: House, sent: list[Mapping[str, str]]) -> list[TestResponse]:
    """Post all of them at the same moment, each by a browser of its own."""
    app, gate = create_app(house), threading.Barrier(len(sent))
    answers: list[TestResponse | None] = [None] * len(sent)

    def post(number: int) -> None:
        browser = app.test_client()
        gate.wait()
        answers[number] = browser.post(FORM, data=sent[number])

    threads = [threading.Thread(target=post, args=(number,)) for number in range(len(sent))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return [one for one in answers if one]
