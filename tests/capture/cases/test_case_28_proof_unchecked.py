"""Case 28: the key of challenges is missing, or what was used cannot be looked up. Held and told, neither lost nor in.

There is no third party here whose answer could fail to come.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.house import House, hex_token
from capture.spool import ingest
from capture.store.database import Unavailable
from capture.store.proofs import spend
from capture.store.tables import outbox, proofs
from tests.capture.house import a_house, no_sync
from tests.capture.posting import client, count
from tests.capture.proving import AS_JSON, FORM, TIGHT, asked, crowd, held, letter

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")


def test_without_a_key_what_comes_past_a_limit_is_held(
    tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_house(tmp_path, database_url, settings=TIGHT) as opened:
        house = replace(opened, key="")
        browser = client(house)
        assert browser.get("/_ob/challenge?form=contact", headers=AS_JSON).status_code == 503
        crowd(browser)
        told = count(house, outbox)
        forged = {"_ob_challenge": asked(client(opened))["_ob_challenge"], "_ob_proof": "0"}
        statuses = [browser.post(FORM, data={**letter(n), **forged}).status_code for n in range(5)]
        assert statuses == [303] * 4 + [429], "and nothing comes past the last limit"
        assert held(house) == ["", "", *["unchecked"] * 4]
        assert count(house, outbox) == told
    assert "the site has no key" in caplog.text
    assert "example.org" not in caplog.text


def test_where_nothing_tells_whether_it_was_used_it_is_held(
    tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_house(tmp_path, database_url, settings=TIGHT) as house:
        browser = client(house)
        crowd(browser)
        told = count(house, outbox)
        with without(house, proofs):
            assert browser.post(FORM, data={**letter(1), **asked(browser)}).status_code == 303
        assert (held(house), count(house, outbox)) == (["", "", "unchecked"], told)
    assert "cannot be checked" in caplog.text
    assert "example.org" not in caplog.text


def test_while_the_database_is_away_it_waits_in_the_spool_and_is_held(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_house(tmp_path, sqlite_url, settings=TIGHT) as house:
        browser = client(house)
        crowd(browser)
        one = asked(browser)
        monkeypatch.setattr(type(house.database), "write", away)
        assert browser.post(FORM, data={**letter(1), **one}).status_code == 303
        assert len(list(house.spool.glob("*.json"))) == 1
        monkeypatch.undo()
        assert ingest(house) == 1
        assert held(house) == ["", "", "unchecked"]


@contextmanager
def without(house: House, table: sa.Table) -> Iterator[None]:
    """While a table is missing."""
    with house.database.write() as connection:
        table.drop(connection)
    try:
        yield
    finally:
        with house.database.write() as connection:
            table.create(connection)


def away(*_: object) -> None:
    raise Unavailable("away")


def test_a_key_that_was_made_up_for_one_start_loses_nothing(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path, sqlite_url, settings=TIGHT) as opened:
        first, then = (replace(opened, key=hex_token()) for _ in range(2))
        crowd(client(first))
        sent = {**letter(1), **asked(client(first))}
        answer = client(then).post(FORM, data=sent)
        assert answer.status_code == 200, "asked once more"
        assert letter(1)["message"] in answer.text
        assert client(then).post(FORM, data={**sent, **asked(client(then))}).status_code == 303
        assert held(opened)[-1] == ""


def test_the_store_says_once_for_whom_a_proof_counts(tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url) as house:
        now = house.now()
        with house.database.write() as connection:
            said = [spend(connection, "a" * 64, one, now, now) for one in ("1" * 32, "2" * 32, "1" * 32)]
        assert said == [True, False, True]
        assert count(house, proofs) == [1]
