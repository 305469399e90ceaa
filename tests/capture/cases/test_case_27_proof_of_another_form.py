"""Case 27: a proof made for form A sent with form B, a challenge nobody signed, an algorithm or a cost of the client's.

All are as good as no proof: it is asked for one, nothing is stored yet, and what was written stands in the page.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture import proof as proofs
from capture.house import House
from capture.proof import COST, LIFE, make, read
from capture.store.tables import submissions
from tests.capture.house import KEY, NOW, Tokens, a_house, no_sync
from tests.capture.posting import client, clock, count
from tests.capture.proving import AS_JSON, FORM, TIGHT, Page, asked, crowd, found, held, letter

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house that asks for a proof, and has what it takes without one."""
    with a_house(tmp_path, sqlite_url, settings=TIGHT) as house:
        crowd(client(house))
        yield house


def forged(cost: int) -> dict[str, str]:
    """A challenge that somebody made themselves, with its number."""
    digest = hashlib.sha256(b"00.0").hexdigest()
    text = json.dumps(["contact", "00", digest, cost, int(NOW.timestamp())])
    token = base64.urlsafe_b64encode(text.encode()).decode()
    return {"_ob_challenge": f"{token}.{'0' * 64}", "_ob_proof": "0"}


def refused(house: House, sent: dict[str, str]) -> None:
    before = count(house, submissions)
    answer = client(house).post(FORM, data={**letter(1), **sent})
    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.fields["message"] == letter(1)["message"]
    assert (page.fields["_ob_challenge"] != sent.get("_ob_challenge"), page.fields["_ob_proof"]) == (True, "")
    told = client(house).post(FORM, json={**letter(1), **sent}, headers=AS_JSON)
    assert (told.status_code, told.mimetype) == (428, "application/problem+json")
    assert count(house, submissions) == before


def test_of_another_form(house: House) -> None:
    refused(house, asked(client(house), "guide"))


def test_signed_by_nobody(house: House) -> None:
    refused(house, forged(COST))
    refused(house, forged(0))
    refused(house, {"_ob_challenge": "", "_ob_proof": "0"})


def test_the_algorithm_is_ours(house: House) -> None:
    one = asked(client(house))
    challenge = read(KEY, one["_ob_challenge"], "contact", NOW)
    assert challenge
    salt = challenge.salt
    weaker = hashlib.sha1(f"{salt}.0".encode(), usedforsecurity=False).hexdigest()
    for named in ("SHA-1", "none", ""):
        sent = {"_ob_algorithm": named, "algorithm": named, "_ob_proof": "0", "_ob_digest": weaker, "maxnumber": "0"}
        answer = client(house).post(FORM, json={**letter(1), **one, **sent}, headers=AS_JSON)
        assert answer.status_code == 428
        assert answer.json
        assert (answer.json["challenge"]["algorithm"], answer.json["challenge"]["maxnumber"]) == ("SHA-256", COST)


def test_a_cost_that_was_enough_yesterday_is_not(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "COST", 0)
    cheap = make(KEY, "contact", NOW, Tokens())
    assert read(KEY, cheap.token, "contact", NOW)
    monkeypatch.undo()
    assert read(KEY, cheap.token, "contact", NOW) is None
    refused(house, {"_ob_challenge": cheap.token, "_ob_proof": found(cheap.salt, cheap.digest, cheap.most)})


def test_one_that_is_too_old(house: House) -> None:
    one = asked(client(house))
    clock(house).move(seconds=LIFE.total_seconds() + 1)
    crowd(client(house))
    refused(house, one)


def test_after_all_that_a_right_one_is_let_in(house: House) -> None:
    answer = client(house).post(FORM, json={**letter(1), **asked(client(house))}, headers=AS_JSON)
    assert answer.status_code == 201
    assert held(house)[-1] == ""
