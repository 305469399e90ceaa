"""Case 35: a whole office behind one address runs into a limit. The page keeps the text and lets it come with a proof.

With a script a browser sends it by itself: `tests/browser/test_proof.py`. Without one a person waits, and is held.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from capture.house import House
from capture.proof import PATIENCE
from capture.store.tables import answers, outbox
from tests.capture.house import a_house, no_sync
from tests.capture.posting import client, clock, count, rows
from tests.capture.proving import AS_JSON, FORM, TIGHT, Page, asked, crowd, held, letter, proof, solved

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")

LONG = {**letter(1), "message": "One & two\n<b>three</b>", "budget": "middle", "theirs": "kept as well"}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house where two have come from one address."""
    with a_house(tmp_path, database_url, settings=TIGHT) as house:
        crowd(client(house))
        yield house


def test_the_page_keeps_all_and_its_proof_lets_it_in(house: House) -> None:
    browser = client(house)
    answer = browser.post(FORM, data={**LONG, "_ob_elapsed": "61000"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert 'value="middle" checked' in answer.text
    assert "mailto:hello@house.test" in answer.text
    page = Page(answer.text)
    assert (page.fields["theirs"], page.fields["_ob_elapsed"]) == ("kept as well", "61000")
    assert "data-alone" in page.asked
    assert count(house, answers) == [2]
    assert browser.post(FORM, data={**solved(answer), "budget": "middle"}).status_code == 303
    stored = rows(house, answers)[-1]
    assert (stored["values"]["message"], stored["extra"]) == (LONG["message"], {"theirs": ["kept as well"]})
    assert (held(house)[-1], count(house, outbox)) == ("", [3])


def test_who_has_no_script_waits_and_is_held(house: House) -> None:
    browser = client(house)
    first = browser.post(FORM, data=LONG)
    assert f"please wait {PATIENCE.seconds} seconds" in first.text
    sent = {**Page(first.text).fields, "budget": "middle"}
    clock(house).move(seconds=PATIENCE.seconds - 1)
    early = browser.post(FORM, data=sent)
    assert "please wait a second" in early.text
    assert Page(early.text).fields["_ob_challenge"] == sent["_ob_challenge"], "nobody waits twice"
    assert count(house, answers) == [2]
    clock(house).move(seconds=1)
    assert browser.post(FORM, data=sent).status_code == 303
    assert (held(house)[-1], count(house, outbox)) == ("waited", [2])
    assert rows(house, answers)[-1]["values"]["message"] == LONG["message"]


def test_a_program_is_given_the_challenge(house: House) -> None:
    browser = client(house)
    answer = browser.post(FORM, json=LONG, headers=AS_JSON)
    assert (answer.status_code, answer.mimetype) == (428, "application/problem+json")
    assert answer.json
    assert (answer.json["code"], answer.json["challenge"]["algorithm"]) == ("proof", "SHA-256")
    again = browser.post(FORM, json={**LONG, **proof(answer.json["challenge"])}, headers=AS_JSON)
    assert again.status_code == 201


def test_an_answer_to_be_mended_takes_its_proof_along(house: House) -> None:
    browser = client(house)
    sent = solved(browser.post(FORM, data={**LONG, "email": "ann"}))
    page = browser.post(FORM, data=sent)
    assert page.status_code == 422
    assert browser.post(FORM, data={**Page(page.text).fields, "email": "ann@example.org"}).status_code == 303
    assert held(house)[-1] == ""


def test_nothing_more_is_taken_past_so_many_times_the_limit(house: House) -> None:
    browser = client(house)
    statuses = [browser.post(FORM, data={**letter(n), **asked(browser)}).status_code for n in range(5)]
    assert statuses == [303, 303, 303, 303, 429]
    assert browser.post(FORM, data=letter(9)).status_code == 429
    assert "Question number 9" in browser.post(FORM, data=letter(9)).text


def test_a_page_sends_itself_once_and_never_without_its_file(house: House) -> None:
    browser = client(house)
    wrong = {**solved(browser.post(FORM, data=LONG)), "_ob_proof": "200001"}
    assert "data-alone" not in Page(browser.post(FORM, data=wrong).text).asked
    with_file = browser.post(FORM, data={**LONG, "cv": (BytesIO(b"%PDF"), "cv.pdf")})
    assert with_file.status_code == 200
    assert "data-alone" not in Page(with_file.text).asked


def test_other_forms_and_other_networks_are_not_asked(house: House) -> None:
    browser = client(house)
    assert browser.post("/_ob/f/guide", data={"email": "ann@example.org"}).status_code == 303
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert browser.post(FORM, data=letter(7), environ_overrides=elsewhere).status_code == 303
