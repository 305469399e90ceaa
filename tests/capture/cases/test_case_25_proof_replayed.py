"""Case 25: a proof of work is made once and used again. It counts for the first; what is remembered is bounded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from capture.house import House, hex_token
from capture.proof import LIFE
from capture.store.tables import outbox, proofs
from tests.capture.house import SETTINGS, a_house, no_sync
from tests.capture.posting import at_once, client, clock, count
from tests.capture.proving import FORM, TIGHT, asked, crowd, held, letter, solved, until_asked

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house that asks for a proof after two posts."""
    with a_house(tmp_path, database_url, settings=TIGHT) as house:
        yield house


def test_a_proof_counts_for_one_and_the_next_is_held(house: House) -> None:
    browser = client(house)
    crowd(browser)
    sent = {**letter(1), **asked(browser)}
    assert browser.post(FORM, data=sent).status_code == 303
    told = count(house, outbox)
    again = browser.post(FORM, data={**sent, **letter(2)})
    assert again.status_code == 303, "stored, and thanked like any other"
    assert (held(house), count(house, outbox)) == (["", "", "", "reused"], told)


def test_the_same_post_sent_twice_is_no_replay(house: House) -> None:
    browser = client(house)
    crowd(browser)
    sent = solved(browser.post(FORM, data=letter(1)))
    first, second = (browser.post(FORM, data=sent) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert held(house) == ["", "", ""]


def test_of_four_at_once_it_counts_for_one(house: House) -> None:
    browser = client(house)
    crowd(browser)
    one = asked(browser)
    assert {answer.status_code for answer in at_once(house, [{**letter(n), **one} for n in range(4)])} == {303}
    assert sorted(held(house)) == ["", "", "", "reused", "reused", "reused"]


def test_another_process_knows_it(tmp_path: Path, house: House) -> None:
    browser = client(house)
    crowd(browser)
    one = asked(browser)
    assert browser.post(FORM, data={**letter(1), **one}).status_code == 303
    with a_house(tmp_path / "other", house.setup.secrets.database, settings=TIGHT) as other:
        neighbour = client(replace(other, token=hex_token))
        until_asked(neighbour)
        assert neighbour.post(FORM, data={**letter(2), **one}).status_code == 303
    assert held(house)[-1] == "reused"


def test_what_counts_no_more_is_forgotten(house: House) -> None:
    browser = client(house)
    for _ in range(5):
        crowd(browser)
        assert browser.post(FORM, data={**letter(1), **asked(browser)}).status_code == 303
        clock(house).move(seconds=2 * LIFE.total_seconds())
    assert count(house, proofs) == [1]


def test_where_nothing_is_asked_nothing_is_used(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path, sqlite_url, settings=SETTINGS) as house:
        browser = client(house)
        one = asked(browser)
        assert [browser.post(FORM, data={**letter(n), **one}).status_code for n in range(3)] == [303] * 3
        assert (held(house), count(house, proofs)) == ([""] * 3, [0])
