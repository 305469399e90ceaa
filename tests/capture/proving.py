"""What a browser does where a proof of work is asked for: it reads the page, finds the number, and sends all again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from capture.house import House
from capture.store.tables import submissions
from tests.capture.cases.visits import stored
from tests.capture.house import SETTINGS

# After two posts of one network to one form, a proof is asked for; after six nothing more is taken.
TIGHT = replace(SETTINGS, rate=2, proofs=3)
FORM = "/_ob/f/contact"
AS_JSON = {"Accept": "application/json"}


def letter(number: int) -> dict[str, str]:
    """What one of several visitors writes, none of whom is another."""
    return {"name": "Ann", "email": f"ann{number}@example.org", "message": f"Question number {number}"}


def crowd(browser: FlaskClient, many: int = 2) -> None:
    """So many come that the next one is asked for a proof."""
    for number in range(many):
        assert browser.post(FORM, data=letter(100 + number)).status_code == 303


def until_asked(browser: FlaskClient) -> None:
    """Others come until the next one is asked for a proof."""
    numbers = iter(range(200, 210))
    while (status := browser.post(FORM, data=letter(next(numbers))).status_code) == 303:
        pass
    assert status == 200


class Page(HTMLParser):
    """The fields of the one form on a page as a browser would send them, and what the script finds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.asked: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-challenge" in given:
            self.asked = given
        if tag == "input" and given.get("type") not in ("radio", "checkbox"):
            self.fields[given["name"]] = given.get("value", "")
        self._open = given.get("name", "") if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.fields[self._open] = data.removeprefix("\n")
            self._open = ""


def found(salt: str, digest: str, most: int) -> str:
    """The number that is asked for."""
    numbers = (str(one) for one in range(most + 1))
    return next(one for one in numbers if hashlib.sha256(f"{salt}.{one}".encode()).hexdigest() == digest)


def proof(challenge: Mapping[str, str | int]) -> dict[str, str]:
    """What a program sends for the challenge that it was given as JSON."""
    number = found(str(challenge["salt"]), str(challenge["challenge"]), int(challenge["maxnumber"]))
    return {"_ob_challenge": str(challenge["token"]), "_ob_proof": number}


def solved(answer: TestResponse) -> dict[str, str]:
    """The fields of a page that asked for a proof, with the proof."""
    assert answer.status_code == 200, (answer.status_code, answer.text[:300])
    page = Page(answer.text)
    number = found(page.asked["data-salt"], page.asked["data-challenge"], int(page.asked["data-most"]))
    return {**page.fields, "_ob_proof": number}


def asked(browser: FlaskClient, form: str = "contact") -> dict[str, str]:
    """A challenge for a form with its number."""
    answer = browser.get(f"/_ob/challenge?form={form}")
    assert answer.status_code == 200
    assert answer.json
    return proof(answer.json)


def held(house: House) -> list[str]:
    """Why each submission is held, "" for a clean one, in the order they came."""
    return [reasons for (reasons,) in stored(house, submissions.c.held_reasons)]
