"""Case 63: no id is counted or to be guessed; a receipt shows nothing to who has it not.

What a visitor is given is 128 random bits. The ids of rows that only the house sees are 116 of them, behind a time.
"""

import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture.house import House, hex_token
from capture.ids import Ids
from capture.store.tables import contacts, inquiries, outbox, submissions
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import KEY, SETTINGS, Tokens, a_house, no_sync

__all__ = ["no_sync"]

POSTS = 64
IDS = (submissions.c.id, submissions.c.receipt)
TIMELY = (inquiries.c.id, contacts.c.id, outbox.c.id)


@pytest.fixture
def chance(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house with real chance, as it runs: its ids elsewhere in the tests are counted."""
    with a_house(tmp_path, database_url, settings=replace(SETTINGS, rate=0)) as house:
        yield replace(house, token=hex_token)


def ids_in(house: House, *columns: sa.Column[Any]) -> list[str]:
    return [one for column in columns for (one,) in stored(house, column)]


def test_each_bit_of_every_id_is_chance(chance: House, no_sync: None) -> None:
    """That a bit is the same in all of them happens by chance once in 10^15 runs of this test."""
    browser = visitor(chance)
    for number in range(POSTS):
        post(browser, email=f"ann{number}@example.org", **(key() if number % 2 else {}))
    for columns, bits in ((IDS, 128), (TIMELY, 116)):
        for column in columns:
            ids = ids_in(chance, column)
            assert len(ids) == len(set(ids)) == POSTS
            numbers = [int(one, 16) % (1 << bits) for one in ids]
            assert (column, reduce(and_, numbers), reduce(or_, numbers)) == (column, 0, (1 << bits) - 1)


def test_no_two_processes_draw_the_same_chance() -> None:
    """It is drawn ahead, and what a parent has drawn must not be its child's as well."""
    drawn = {hex_token() for _ in range(3)}
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, "".join(hex_token() for _ in range(300)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    theirs = {text[at : at + 32] for at in range(0, len(text), 32)}
    assert len(theirs) == 300
    assert not theirs & (drawn | {hex_token() for _ in range(300)})


def test_a_receipt_that_follows_from_a_key_needs_the_sites_own() -> None:
    """Else whoever knows what a script sent could work out the receipt of it."""
    named = [Ids(secret, Tokens()).named("contact", "0" * 32, "c" * 32) for secret in ("1" * 64, "2" * 64)]
    assert not {*named[0]} & {*named[1]}
    assert len({*named[0]}) == 3


def test_a_receipt_stays_what_it_was_before_an_update() -> None:
    """A retry may come to a newer program than the first attempt: it has to find what that one stored."""
    text = json.dumps(["receipt", "contact", "0" * 32]).encode()
    mac = hmac.digest(KEY.encode(), text, "sha256").hex()
    assert Ids(KEY, Tokens()).named("contact", "0" * 32, "c" * 32)[1] == mac[:32]


def test_nothing_but_the_receipt_opens_its_page(chance: House, no_sync: None) -> None:
    browser = visitor(chance)
    receipt = receipt_of(post(browser, **key()))
    others = ids_in(chance, submissions.c.id, inquiries.c.id, contacts.c.id, outbox.c.id)
    others += [f"{int(receipt, 16) + step:032x}" for step in (-1, 1)]
    others += [receipt[:-1], receipt.upper() + "0", "1", "0" * 32, "%", "_" * 32]
    for other in others:
        page = browser.get(f"/_ob/t/{other}")
        assert (other, page.status_code, "Ann" in page.text) == (other, 404, False)
    assert "Ann Example" in browser.get(f"/_ob/t/{receipt}").text


def test_the_page_of_a_receipt_tells_no_more_than_its_form_thanks_for(chance: House, no_sync: None) -> None:
    browser = visitor(chance)
    page = browser.get(f"/_ob/t/{receipt_of(post(browser, **key()))}")
    ids = ids_in(chance, submissions.c.id, inquiries.c.id, contacts.c.id, outbox.c.id)
    assert not [one for one in ("ann@example.org", "What does it cost?", *ids) if one in page.text]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for id_ in ids:
        asked = browser.get(f"/inbox/i/{id_}")
        assert (asked.status_code, "Ann" in asked.text) == (303, False)


def test_the_same_key_of_another_form_is_another_receipt(tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    with a_house(tmp_path, sqlite_url) as house:
        browser, sent = visitor(house), key()
        guide = browser.post("/_ob/f/guide", data={"email": "ann@example.org", **sent})
        assert receipt_of(guide) != receipt_of(post(browser, **sent))
