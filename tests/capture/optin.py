"""A house whose forms ask for a newsletter that counts once it is confirmed by mail, and what its visitors do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from capture.access.sessions import begin, cookie_name
from capture.house import House
from capture.model import CONFIRM
from capture.outbox.worker import Worker
from capture.setup import Secrets
from capture.store import people
from capture.store.tables import consents, outbox
from obverse.forms.form import Form
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import CONTACT, CONTACT_DE, GUIDE, KEY, Clock, a_house
from tests.capture.outbox_room import STILL
from tests.capture.receivers import MailServer

TEXT = "I agree to receive one article a month."
ADDRESS = "ann@example.org"
LINK = re.compile(r"https?://\S+")


def confirmed_by_mail(form: Form) -> Form:
    """The same form, whose consents are to be confirmed."""
    return replace(form, fields=tuple(replace(one, confirm=one.type == "consent") for one in form.fields))


FORMS = tuple(confirmed_by_mail(one) for one in (CONTACT, CONTACT_DE, GUIDE))


@contextmanager
def a_house_that_asks(folder: Path, url: str = "", smtp: str = "", **given: Any) -> Iterator[House]:
    """That house; with `smtp` its mails go there."""
    secrets = Secrets(key=KEY, database=url, smtp=smtp)
    with a_house(folder, url, **{"secrets": secrets, "forms": FORMS, **given}) as house:
        yield house


def tick(house: House, **more: str) -> str:
    """Send the contact form with the box ticked; the receipt."""
    return receipt_of(post(visitor(house), news="yes", **{**key(), **more}))


def asked(house: House) -> list[str]:
    """Who was asked to confirm."""
    return [target for kind, target in stored(house, outbox.c.kind, outbox.c.target) if kind == CONFIRM]


def askings(house: House, *columns: sa.Column[Any]) -> list[tuple[Any, ...]]:
    """These columns of all askings, in the order they were made, in which tokens count here."""
    return [row[1:] for row in sorted(stored(house, consents.c.confirm_token, *columns), key=lambda row: row[0])]


def links(house: House) -> list[str]:
    """The paths of the links, in the same order."""
    return [f"/_ob/c/{one}" for (one,) in askings(house, consents.c.confirm_token)]


def token(house: House, column: sa.Column[Any] = consents.c.confirm_token) -> str:
    """The token of the one asking there is."""
    ((one,),) = stored(house, column)
    return str(one)


def link(house: House) -> str:
    """The path of the link that the one asking has."""
    return f"/_ob/c/{token(house)}"


def way_out(house: House) -> str:
    """The path where the one asking is withdrawn in one click."""
    return f"/_ob/u/{token(house, consents.c.withdraw_token)}"


def times(house: House) -> list[tuple[bool, bool]]:
    """Of each asking: whether it was confirmed, and whether withdrawn."""
    return [(bool(yes), bool(no)) for yes, no in askings(house, consents.c.confirmed_at, consents.c.withdrawn_at)]


def sales(house: House) -> FlaskClient:
    """A browser that somebody of the house is logged in with."""
    browser = visitor(house)
    with house.database.write() as connection:
        if not people.person(connection, "a" * 32):
            people.add_person(connection, "a" * 32, "ann@house.test", "Ann", "", house.now())
        secret = begin(connection, "a" * 32, house.now(), house.token)
    browser.set_cookie(cookie_name(house.setup), secret, domain="localhost")
    return browser


def moved(house: House, **by: float) -> None:
    """Time passes."""
    assert isinstance(house.now, Clock)
    house.now.move(**by)


def mailed(house: House, server: MailServer, address: str = ADDRESS) -> list[str]:
    """The texts of the mails that ask an address, after all that is due has been delivered."""
    Worker(house, STILL).step(house.now())
    return [one.message.get_content() for one in server.to(address)]
