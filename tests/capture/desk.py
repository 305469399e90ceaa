"""A house with people who may log in, and a browser without scripts that logs them in."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from capture.access import passwords
from capture.app import create_app
from capture.house import House
from capture.store.people import add_person
from tests.capture.house import Clock, a_house

PASSWORD = "a coin has two sides"
ANN = "ann@house.test"


@dataclass(frozen=True)
class Desk:
    """The house, its application, and its people's ids."""

    house: House
    app: Flask
    ann: str

    @property
    def clock(self) -> Clock:
        assert isinstance(self.house.now, Clock)
        return self.house.now

    def browser(self) -> FlaskClient:
        """A browser that knows nothing yet."""
        return self.app.test_client()

    def logged_in(self, email: str = ANN, password: str = PASSWORD) -> FlaskClient:
        """A browser somebody is logged in with."""
        browser = self.browser()
        assert log_in(browser, email, password).status_code == 303
        return browser

    def add(self, id: str, email: str, password: str = PASSWORD) -> str:
        with self.house.database.write() as connection:
            return add_person(connection, id * 32, email, id.title(), passwords.hashed(password), self.house.now())


@contextmanager
def a_desk(folder: Path, url: str = "", **given: Any) -> Iterator[Desk]:
    """A house where Ann may log in; reached at http://localhost unless another address is given."""
    with a_house(folder, url, **{"address": "http://localhost", **given}) as house:
        desk = Desk(house, create_app(house), "a" * 32)
        desk.add("a", ANN)
        yield desk


def token_in(response: TestResponse) -> str:
    """The token that the forms of a page carry."""
    found = re.search(r'name="_csrf" value="(\w+)"', response.text)
    assert found, response.text
    return found[1]


def log_in(browser: FlaskClient, email: str = ANN, password: str = PASSWORD, **more: Any) -> TestResponse:
    """What a person does: open the page, fill the form, press the button."""
    form = {"_csrf": token_in(browser.get("/inbox/login")), "email": email, "password": password}
    return browser.post("/inbox/login", data=form | more.pop("data", {}), **more)
