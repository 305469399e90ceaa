"""A house whose outbox a test fills and works off: who is told, what the rows are then, and who looks at the pages."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from capture.access.sessions import begin, cookie_name
from capture.app import create_app
from capture.house import House
from capture.outbox.notifications import outgoing_for
from capture.outbox.worker import Channels
from capture.setup import Secrets
from capture.store import outbox, people
from capture.store.outbox import Delivery
from capture.store.saving import save
from tests.capture.house import CONTACT, NOW, SETTINGS, Clock, a_house
from tests.capture.receivers import MailServer, Receiver, mail_server, receiver
from tests.capture.samples import make_submission

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
STILL = Channels(jitter=lambda: 0.0)
_numbers = itertools.count()


class Crash(BaseException):
    """As if the process were killed here."""


@contextmanager
def house_on(tmp_path: Path, url: str, mail: MailServer | None = None, **setup: Any) -> Iterator[House]:
    """A house that sends by that mail server; closed at the end."""
    secrets = Secrets(key="5e" * 32, database=url, smtp=mail.url if mail else "", webhook=SECRET)
    with a_house(tmp_path, url, **{"secrets": secrets, **setup}) as house:
        yield house


@contextmanager
def house_with_all(tmp_path: Path, url: str) -> Iterator[tuple[House, MailServer, Receiver, Receiver]]:
    """A house that tells by mail, webhook and chat, and who hears of it by each."""
    with mail_server() as mail, receiver() as hook, receiver() as room:
        given = Secrets(key="5e" * 32, smtp=mail.url, webhook=SECRET, chat=room.url)
        told = replace(SETTINGS, webhook=hook.url, chat="sales")
        with house_on(tmp_path, url, secrets=given, settings=told) as house:
            yield house, mail, hook, room


def tell(house: House, *targets: str, webhook: str = "", **changes: Any) -> None:
    """A submission is saved, of which these are to be told."""
    form = replace(CONTACT, notify=targets)
    settings = replace(SETTINGS, webhook=webhook, notify=())
    submission = make_submission(**{"received_at": NOW, "instance": f"{next(_numbers)}", **changes})
    with house.database.write() as connection:
        save(connection, submission, outgoing_for(form, settings, submission), house.token, now=NOW)


def table(house: House) -> dict[str, Delivery]:
    """All rows by their target."""
    with house.database.read() as connection:
        return {one.target: one for one in outbox.deliveries(connection, outbox.STATES)}


def clock(house: House) -> Clock:
    """The house's clock, which only the test moves."""
    assert isinstance(house.now, Clock)
    return house.now


def staff(house: House) -> FlaskClient:
    """A browser of somebody of the house who is logged in."""
    with house.database.write() as connection:
        people.add_person(connection, "ida", "ida@house.test", "Ida Nichols", "", NOW)
        secret = begin(connection, "ida", NOW, house.token)
    client = create_app(house).test_client()
    client.set_cookie(cookie_name(house.setup), secret, domain=house.setup.address.rpartition("/")[2])
    return client


def page(client: FlaskClient, path: str) -> str:
    """What stands at that place of the inbox."""
    response = client.get(path, base_url="https://site.test")
    assert response.status_code == 200, (path, response.status_code)
    return response.text


def submit(client: FlaskClient, path: str, **fields: str) -> str:
    """Send a form of the inbox as its page would; where it leads to."""
    token = re.search('name="_csrf" value="([^"]+)"', page(client, "/inbox/deliveries"))
    assert token
    headers = {"Origin": "https://site.test"}
    answer = client.post(path, base_url="https://site.test", data={"_csrf": token[1], **fields}, headers=headers)
    assert answer.status_code == 303, (path, answer.status_code)
    return answer.headers["Location"]
