"""A consent that was confirmed, or withdrawn: told to the webhook once, with no more than a mailing tool needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from capture.app import create_app
from capture.house import House
from capture.keeping import contacts
from capture.model import CONFIRMED, LOST_REASONS, WITHDRAWN
from capture.outbox import agreement
from capture.outbox.webhook import LARGEST, body
from capture.outbox.worker import Worker
from capture.setup import Secrets
from capture.store import changes, outbox, retention
from capture.store.consents import confirm
from capture.store.outbox import Delivery
from capture.store.retention import Keep
from capture.store.tables import consents, inquiries
from tests.capture.cases.visits import stored, visitor
from tests.capture.house import KEY, NOW, SETTINGS, no_sync, write_release
from tests.capture.optin import ADDRESS, FORMS, TEXT, a_house_that_asks, link, links, moved, sales, tick, times, way_out
from tests.capture.outbox_room import SECRET, STILL, staff, submit
from tests.capture.receivers import Post, Receiver, mail_server
from tests.capture.test_consents import KEEP, dump, let_go

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")

YES, NO = {"do": "confirm"}, {"do": "withdraw"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
HOOK = "https://hook.test/in"
PAGE = "articles/two-sides.md"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house_that_asks(tmp_path, database_url, settings=replace(SETTINGS, webhook=HOOK)) as one:
        yield one


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """The same where the kind of database says nothing."""
    with a_house_that_asks(tmp_path, sqlite_url, settings=replace(SETTINGS, webhook=HOOK)) as one:
        yield one


@pytest.fixture
def telling(tmp_path: Path, sqlite_url: str, hook: Receiver) -> Iterator[House]:
    """One whose posts come to the receiver."""
    with mail_server() as server:
        secrets = Secrets(key=KEY, database=sqlite_url, smtp=server.url, webhook=SECRET)
        with a_house_that_asks(tmp_path, secrets=secrets, settings=replace(SETTINGS, webhook=hook.url)) as one:
            yield one


def told(house: House) -> list[Delivery]:
    """The rows of the outbox that tell of consents, in order of time."""
    with house.database.read() as connection:
        rows = outbox.deliveries(connection, outbox.STATES)
    return sorted((one for one in rows if one.kind in (CONFIRMED, WITHDRAWN)), key=lambda one: one.created_at)


def kinds(house: House) -> list[str]:
    return [one.kind for one in told(house)]


def posted(house: House, hook: Receiver) -> list[dict[str, Any]]:
    """What came of consents, signed, after all that is due has been delivered."""
    Worker(house, STILL).step(house.now())
    read = (_signed(one) for one in hook.taken)
    return [one for one in read if one["type"] != "inquiry.received"]


def _signed(one: Post) -> dict[str, Any]:
    """What was posted, signed at the time that the house's clock showed."""
    id_, seconds = one.headers["webhook-id"], int(one.headers["webhook-timestamp"])
    signed = Webhook(SECRET).sign(id_, datetime.fromtimestamp(seconds, UTC), one.body.decode())
    assert one.headers["webhook-signature"] == signed
    read: dict[str, Any] = json.loads(one.body)
    return read


def test_a_confirmed_consent_is_told_with_what_a_mailing_tool_needs(telling: House, hook: Receiver) -> None:
    tick(telling, _ob_page=PAGE)
    assert posted(telling, hook) == []
    moved(telling, hours=2)
    visitor(telling).post(link(telling), data=YES)
    assert posted(telling, hook) == [
        {
            "type": "consent.confirmed",
            "timestamp": "2026-11-23T12:00:00+00:00",
            "data": {
                "email": ADDRESS,
                "form": "contact",
                "field": "news",
                "lang": "en",
                "rules": FORMS[0].rules,
                "words": FORMS[0].words,
                "text": TEXT,
                "time": "2026-11-23T12:00:00+00:00",
                "page": {
                    "id": PAGE,
                    "title": "Marketing vs. sales",
                    "url": "https://site.test/articles/two-sides/",
                },
                "unsubscribe": f"https://site.test{way_out(telling)}",
                "shortened": False,
            },
        }
    ]


@pytest.mark.parametrize("act", [NO, ONE_CLICK], ids=["the button", "one click"])
def test_a_withdrawal_is_told_and_names_no_way_out_any_more(
    telling: House, hook: Receiver, act: dict[str, str]
) -> None:
    tick(telling)
    browser = visitor(telling)
    browser.post(link(telling), data=YES)
    posted(telling, hook)
    moved(telling, days=1)
    browser.post(way_out(telling), data=act)
    yes, no = posted(telling, hook)
    assert (yes["type"], no["type"]) == ("consent.confirmed", "consent.withdrawn")
    assert no["timestamp"] == no["data"]["time"] == "2026-11-24T10:00:00+00:00"
    assert {**yes["data"], "time": "", "unsubscribe": ""} == {**no["data"], "time": ""}


def test_a_link_that_is_pressed_twice_tells_once(house: House) -> None:
    tick(house)
    browser = visitor(house)
    for data in (YES, YES, NO, NO, YES):
        browser.post(link(house), data=data)
        moved(house, seconds=1)
        for one in told(house):
            deliver(house, one)
    assert kinds(house) == [CONFIRMED, WITHDRAWN]


def test_two_who_press_it_at_once_tell_once(house: House) -> None:
    tick(house)
    path = link(house)
    browsers = [visitor(house) for _ in range(8)]  # Python 3.11 compiles their routes in one thread at a time only
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda one: one.post(path, data=YES), browsers))
        assert kinds(house) == [CONFIRMED]
        deliver(house, *told(house))
        list(several.map(lambda one: one.post(path, data=NO), browsers))
    assert sorted(kinds(house)) == [CONFIRMED, WITHDRAWN]


def test_looking_tells_nothing(small: House) -> None:
    tick(small)
    for _ in range(3):
        visitor(small).get(link(small))
    assert kinds(small) == []


def test_what_was_never_agreed_to_is_not_told_as_withdrawn(small: House) -> None:
    tick(small)
    visitor(small).post(link(small), data=NO)
    assert times(small) == [(False, True)]
    assert kinds(small) == []


def test_a_withdrawal_is_told_of_every_sentence_that_stood(small: House, tmp_path: Path) -> None:
    browser = visitor(small)
    tick(small)
    browser.post(links(small)[0], data=YES)
    fields = (*FORMS[0].fields[:-1], replace(FORMS[0].fields[-1], text="I agree to two articles a month."))
    form = replace(FORMS[0], fields=fields)
    write_release(tmp_path / "release", forms=(form,), settings=replace(SETTINGS, webhook=HOOK))
    small.releases._looked = None  # as if a second had passed
    for _ in range(2):  # the second sentence stands confirmed, and once more is only asked
        moved(small, days=1)
        tick(small, message=str(small.now()))
        if len(links(small)) == 2:
            browser.post(links(small)[1], data=YES)
    deliver(small, *told(small))
    moved(small, days=1)
    browser.post(links(small)[1], data=NO)
    said = [(one.kind, one.payload["text"]) for one in told(small)]
    assert said[:2] == [(CONFIRMED, TEXT), (CONFIRMED, "I agree to two articles a month.")]
    assert sorted(said[2:]) == [(WITHDRAWN, TEXT), (WITHDRAWN, "I agree to two articles a month.")]


def test_what_is_withdrawn_before_it_was_told_is_not_told_as_confirmed(telling: House, hook: Receiver) -> None:
    tick(telling)
    browser = visitor(telling)
    browser.post(link(telling), data=YES)
    moved(telling, minutes=1)
    browser.post(link(telling), data=NO)
    assert [one["type"] for one in posted(telling, hook)] == ["consent.withdrawn"]


def test_without_a_webhook_nobody_is_told(tmp_path: Path, sqlite_url: str) -> None:
    with a_house_that_asks(tmp_path, sqlite_url) as house:
        tick(house)
        visitor(house).post(link(house), data=YES)
        assert times(house) == [(True, False)]
        assert kinds(house) == []


def test_it_is_confirmed_and_told_in_one_transaction(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tick(small)
    real = agreement.tell

    def killed(*given: Any) -> None:
        real(*given)
        raise ZeroDivisionError

    monkeypatch.setattr(agreement, "tell", killed)
    assert visitor(small).post(link(small), data=YES).status_code == 500
    assert times(small) == [(False, False)]
    assert kinds(small) == []


def test_the_worker_is_woken(tmp_path: Path, sqlite_url: str) -> None:
    woken: list[bool] = []
    with a_house_that_asks(tmp_path, sqlite_url, settings=replace(SETTINGS, webhook=HOOK)) as house:
        tick(house)
        visitor(replace(house, wake=lambda: woken.append(True))).post(link(house), data=YES)
        assert woken == [True]


def test_a_page_that_is_gone_is_told_by_its_id(small: House) -> None:
    tick(small, _ob_page=PAGE)
    tick(small, email="bob@example.org")
    asked_on = {"ann@example.org": PAGE, "bob@example.org": ""}
    release = replace(small.releases.current(), pages={})
    for (id_,) in stored(small, consents.c.id):
        with small.database.write() as connection:
            changed = confirm(connection, id_, NOW)
            agreement.tell(connection, changed, release, NOW, small.token)
    found = {one.payload["email"]: json.loads(body(one, "https://site.test"))["data"]["page"] for one in told(small)}
    assert found == {who: {"id": id_, "title": "", "url": ""} for who, id_ in asked_on.items()}


# --- seen, and sent again ---


def test_the_inbox_says_what_was_told(tmp_path: Path, sqlite_url: str) -> None:
    given: dict[str, Any] = {"settings": replace(SETTINGS, webhook=HOOK), "address": "http://localhost"}
    with a_house_that_asks(tmp_path, sqlite_url, **given) as small:
        tick(small)
        browser, visit = sales(small), visitor(small)
        visit.post(link(small), data=YES)
        ((id_,),) = stored(small, inquiries.c.id)
        words = f"Word to the webhook {HOOK} that a consent was confirmed"
        assert words in browser.get(f"/inbox/i/{id_}").text
        assert words in browser.get("/inbox/deliveries").text
        deliver(small, *told(small))
        visit.post(link(small), data=NO)
        assert f"Word to the webhook {HOOK} that a consent was withdrawn" in browser.get("/inbox/deliveries").text


def test_it_is_sent_again_under_its_id(telling: House, hook: Receiver) -> None:
    tick(telling)
    visitor(telling).post(link(telling), data=YES)
    posted(telling, hook)
    (row,) = told(telling)
    with telling.database.write() as connection:
        outbox.replay(connection, row.id, telling.now(), sent_too=True)
    posted(telling, hook)
    with telling.database.write() as connection:
        days = (NOW - timedelta(days=1), NOW + timedelta(days=1))
        assert outbox.replay_range(connection, *days, telling.now(), channel="webhook", sent_too=True) == 2
    twice = posted(telling, hook)
    ids = [one.headers["webhook-id"] for one in hook.taken if b"consent.confirmed" in one.body]
    assert ids == [row.id] * 3
    assert twice[0] == twice[1] == twice[2]


def test_the_inbox_sends_again_what_was_given_up(tmp_path: Path, sqlite_url: str) -> None:
    given: dict[str, Any] = {"settings": replace(SETTINGS, webhook=HOOK)}
    with a_house_that_asks(tmp_path, sqlite_url, **given) as house:
        tick(house)
        visitor(house).post(link(house), data=YES)
        (row,) = told(house)
        with house.database.write() as connection:
            outbox.dead(connection, row.id, "the receiver said 400", NOW)
        submit(staff(house), f"/inbox/deliveries/{row.id}/replay")
        assert [one.state for one in told(house)] == ["waiting"]


def test_a_preview_shows_what_would_be_posted(tmp_path: Path, sqlite_url: str) -> None:
    given: dict[str, Any] = {"preview": True, "settings": replace(SETTINGS, webhook=HOOK)}
    with a_house_that_asks(tmp_path, sqlite_url, **given) as house:
        tick(house)
        visitor(house).post(link(house), data=YES)
        (row,) = told(house)
        page = create_app(house).test_client().get(f"/_ob/mail/{row.id}").text
        assert "consent.confirmed" in page
        assert ADDRESS in page


def test_a_long_sentence_is_cut_and_that_is_said(small: House) -> None:
    tick(small)
    visitor(small).post(link(small), data=YES)
    (row,) = told(small)
    content = body(replace(row, payload={**row.payload, "text": "é" * 30_000}), "https://site.test")
    data = json.loads(content)["data"]
    assert len(content) < LARGEST
    assert (data["shortened"], data["email"], data["text"][-1]) == (True, ADDRESS, "…")


# --- erased, and let go of ---


def deliver(house: House, *rows: Delivery) -> None:
    """These have been taken by their receiver."""
    with house.database.write() as connection:
        for one in rows:
            outbox.sent(connection, one.id, house.now())


def emptied(house: House) -> None:
    """The inquiries go by their age; what stands confirmed does not."""
    with house.database.write() as connection:
        for (id_,) in stored(house, inquiries.c.id):
            changes.set_stage(connection, id_, "lost", actor="", now=house.now(), reason=LOST_REASONS[0])
    moved(house, days=31)
    assert len(let_go(house, house.now()).lost) == len(stored(house, inquiries.c.id))


def erase(house: House) -> None:
    contacts.erase(house.database, house.setup.folder, KEY, ADDRESS, house.now())


@pytest.mark.parametrize("acts", [(YES,), (YES, NO)], ids=["confirmed", "withdrawn"])
def test_an_erasure_takes_what_is_told_with_the_rest(house: House, acts: tuple[dict[str, str], ...]) -> None:
    tick(house)
    tick(house, email="bob@example.org")
    mine, other = links(house)
    for data in acts:
        visitor(house).post(mine, data=data)
    visitor(house).post(other, data=YES)
    erase(house)
    assert ADDRESS not in dump(house.database)
    assert [one.payload["email"] for one in told(house)] == ["bob@example.org"]


def test_an_erasure_takes_what_was_told_after_the_inquiry_went(house: House) -> None:
    tick(house)
    visitor(house).post(link(house), data=YES)
    emptied(house)
    assert kinds(house) == []
    visitor(house).post(link(house), data=NO)
    assert kinds(house) == [WITHDRAWN]
    erase(house)
    assert ADDRESS not in dump(house.database)
    assert kinds(house) == []


def test_what_was_withdrawn_after_its_inquiry_went_is_let_go_of(house: House) -> None:
    for name in ("ann", "bob"):
        tick(house, email=f"{name}@example.org", message=name)
    for path in links(house):
        visitor(house).post(path, data=YES)
    emptied(house)
    visitor(house).post(links(house)[0], data=NO)
    deliver(house, *told(house))
    moved(house, days=29)
    assert let_go(house, house.now()).askings == 0
    assert kinds(house) == [WITHDRAWN]
    moved(house, days=2)
    assert let_go(house, house.now()).askings == 1
    assert ADDRESS not in dump(house.database)
    assert "bob@example.org" in dump(house.database)
    assert kinds(house) == []
    with house.database.read() as connection:
        assert retention.due(connection, KEEP, house.now()).askings == 0


def test_as_long_as_its_inquiry_is_kept_a_withdrawal_is_too(small: House) -> None:
    tick(small)
    for data in (YES, NO):
        visitor(small).post(link(small), data=data)
    moved(small, days=400)
    with small.database.read() as connection:
        assert retention.due(connection, Keep(), small.now()).askings == 0
    retention.forget_askings(small.database, small.now())
    assert stored(small, consents.c.email) == [(ADDRESS,)]


def test_an_inquiry_of_which_a_consent_is_yet_to_be_told_is_kept(small: House) -> None:
    tick(small)
    visitor(small).post(link(small), data=YES)
    ((id_,),) = stored(small, inquiries.c.id)
    with small.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'sent' WHERE kind != 'consent-confirmed'")
        changes.set_stage(connection, id_, "lost", actor="", now=NOW, reason=LOST_REASONS[0])
    with small.database.read() as connection:
        assert retention.due(connection, KEEP, NOW + timedelta(days=31)).lost == ()
    deliver(small, *told(small))
    with small.database.read() as connection:
        assert retention.due(connection, KEEP, NOW + timedelta(days=31)).lost == (id_,)
