"""Case 66: no other site's page can make a browser change anything: login, logout, bulk, exports and all the rest.

Every address there is comes from the application itself, so that a new one cannot be forgotten; and looking at one
changes nothing, whatever is asked along with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from capture.access import guard
from capture.access.sessions import make_link
from capture.store import inquiries
from capture.store.inquiries import Query
from capture.store.tables import metadata
from tests.capture.desk import token_in
from tests.capture.hostile import ENDPOINT, PHONE, Siege, siege

READING = {"GET", "HEAD", "OPTIONS"}
# What strangers may send to: it acts on nobody's behalf, so nobody's browser can be made to use a right it has. A link
# of a consent is a right of its own, which whoever does not know it cannot make anybody use.
NOBODYS = {("POST", "/_ob/f/<name>"), ("POST", "/_ob/c/<token>"), ("POST", "/_ob/u/<token>")}
# The door, where there is no session yet: each form carries the token of a cookie that its own page set.
DOOR = {("POST", "/inbox/login"), ("POST", "/inbox/enter/<secret>")}
SENT = {"name": "Ann", "email": "ann@example.org", "phone": PHONE, "message": "Hello", "stage": "qualified"}
GIVEN = {**SENT, "text": "x", "subject": "x", "owner": "ida", "session": "others", "old": "x", "new": "y" * 12}
FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://owned.test"},
    {"Origin": "null"},
    {"Origin": "http://localhost.owned.test"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A preview, which has all addresses; with an inquiry to change."""
    with siege(tmp_path_factory.mktemp("csrf"), ()) as one:
        assert one.app.test_client().post(ENDPOINT, data=SENT).status_code == 303
        yield one


@pytest.fixture(scope="module")
def ids(house: Siege) -> dict[str, str]:
    """What stands in the places of addresses: ids of what is there."""
    with house.house.database.read() as connection:
        (row,) = inquiries.listing(connection, Query(view="all")).rows
        delivery = str(connection.exec_driver_sql("SELECT min(id) FROM outbox").scalar_one())
        receipt = str(connection.exec_driver_sql("SELECT receipt FROM submissions").scalar_one())
    link = make_link(house.house, "ida", 5).rpartition("/")[2]
    return {"id": row.id, "delivery": delivery, "receipt": receipt, "secret": link, "name": "contact"}


def routes(house: Siege) -> set[tuple[str, str]]:
    """(method, rule) of all that the application has."""
    return {
        (method, rule.rule)
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
    }


def changing(house: Siege) -> list[tuple[str, str]]:
    """What changes something on behalf of who is logged in."""
    taken_nowhere = {("PUT", "/_ob/f/<name>"), ("PATCH", "/_ob/f/<name>"), ("DELETE", "/_ob/f/<name>")}
    return sorted(one for one in routes(house) - NOBODYS - DOOR - taken_nowhere if one[0] not in READING)


def at(rule: str, ids: dict[str, str]) -> str:
    known = ids if "deliveries" not in rule and "/mail/" not in rule else {**ids, "id": ids["delivery"]}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: known.get(found[1], "x"), rule)


HANDED_OUT = {"inquiries.exported", "audit.exported", "file.downloaded"}


def everything(house: Siege) -> dict[str, list[Any]]:
    """Every row of every table, but when a session was last used."""
    with house.house.database.read() as connection:
        return {
            table.name: connection.execute(sa.select(*(one for one in table.c if one.name != "seen_at"))).all()
            for table in metadata.sorted_tables
        }


def test_the_addresses_are_those_that_are_meant(house: Siege) -> None:
    """Whatever takes a body is the inbox's, but for NOBODYS: what is not there has no session to misuse."""
    outside = {(method, rule) for method, rule in changing(house) if not guard.is_staff(rule)}
    assert outside == set()
    assert {*NOBODYS, *DOOR} <= routes(house)
    assert len(changing(house)) > 8


@pytest.mark.parametrize("token", [None, "", "f" * 64, "\udc80é"], ids=["none", "empty", "wrong", "no text"])
def test_nothing_changes_without_the_token(house: Siege, ids: dict[str, str], token: str | None) -> None:
    before, client = everything(house), house.client()
    proof = {} if token is None else {"_csrf": token.encode("utf-8", "surrogatepass")}
    for method, rule in changing(house):
        answer = client.open(at(rule, ids), method=method, data={**GIVEN, **proof})
        assert (method, rule, answer.status_code) == (method, rule, 403)
    assert everything(house) == before


@pytest.mark.parametrize("headers", FOREIGN, ids=repr)
def test_nothing_changes_from_elsewhere_even_with_it(
    house: Siege, ids: dict[str, str], headers: dict[str, str]
) -> None:
    before, client = everything(house), house.client()
    for method, rule in changing(house):
        answer = client.open(at(rule, ids), method=method, data={**GIVEN, "_csrf": house.csrf}, headers=headers)
        assert (method, rule, answer.status_code) == (method, rule, 403)
    assert everything(house) == before


def test_the_token_in_the_address_is_none(house: Siege, ids: dict[str, str]) -> None:
    """An address may be in a history or a log; a token counts in a body alone."""
    before, client = everything(house), house.client()
    for method, rule in changing(house):
        answer = client.open(at(rule, ids), method=method, data=GIVEN, query_string={"_csrf": house.csrf})
        assert (method, rule, answer.status_code) == (method, rule, 403)
    assert everything(house) == before


@pytest.mark.parametrize("rule", sorted(rule for _, rule in DOOR))
def test_the_door_opens_for_its_own_pages_alone(house: Siege, ids: dict[str, str], rule: str) -> None:
    """Else a page could log somebody in as somebody else, and read what they then write."""
    path, before = at(rule, ids), everything(house)
    given = {"email": "ida@house.test", "password": "x"}
    stranger, other = house.app.test_client(), house.app.test_client()
    others = token_in(other.get(path))
    for proof in ({}, {"_csrf": others}, {"_csrf": ""}):
        assert stranger.post(path, data={**given, **proof}).status_code == 403
    for headers in FOREIGN:
        assert other.post(path, data={**given, "_csrf": others}, headers=headers).status_code == 403
    assert everything(house) == before


def test_looking_changes_nothing(house: Siege, ids: dict[str, str]) -> None:
    """Not even where a method is asked for that the browser did not use; a link from a mail only shows its button."""
    before = everything(house)
    given = {**GIVEN, "_csrf": house.csrf, "_method": "POST"}
    more = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE", "X-Method-Override": "POST"}
    seen = 0
    for method, rule in sorted(routes(house)):
        if method in READING:
            for client in (house.client(), house.app.test_client()):
                answer = client.open(at(rule, ids), method=method, query_string=given, headers=more)
                seen += answer.status_code == 200
    after = everything(house)
    told = after.pop("audit")[len(before.pop("audit")) :]
    assert after == before
    assert {one[3] for one in told} <= HANDED_OUT, "what leaves as a file is told, and that is all"
    assert seen > 20


def test_what_is_meant_is_done(house: Siege, ids: dict[str, str]) -> None:
    """That the others are refused for what they lack, and not for what they ask."""
    before = everything(house)
    given = {**GIVEN, "_csrf": house.csrf}
    for headers in ({}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}):
        answer = house.client().post(f"/inbox/i/{ids['id']}/note", data=given, headers=headers)
        assert answer.status_code == 303
    assert everything(house) != before
