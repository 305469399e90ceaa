"""The canary: a test through the real endpoint, followed to a real mailbox; no inquiry for anybody, told when lost."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture.app import create_app
from capture.backup.pause import pause
from capture.house import House
from capture.ids import Ids
from capture.outbox.worker import Worker
from capture.run.demands import demands
from capture.run.server import make_server
from capture.run.sockets import listening
from capture.setup import Secrets
from capture.store import notices
from capture.store.arrivals import last_arrivals
from capture.store.canaries import Sending, Trail
from capture.store.inquiries import VIEWS, Query, changed_since, detail, export, forms_and_pages, listing
from capture.store.reports import per_page
from capture.store.tables import answers, contacts, events, inquiries, submissions
from capture.watch.canary import LOOKS, TRIES, Canary, Failure, verdict
from capture.watch.filling import fitting
from capture.watch.posting import Answered, post
from capture.watch.rounds import remove_old_canaries
from obverse.forms.checking import check
from obverse.forms.form import Form, FormField
from tests.capture.house import CONTACT, GUIDE, KEY, NOW, SETTINGS, Clock, a_house
from tests.capture.inbox_room import room
from tests.capture.receivers import MailServer, Receiver, mail_server, receiver
from tests.capture.running import MANY, database, let_in, make_root, running
from tests.serving import until

SIGNING = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TODAY = date(2026, 5, 31)
BOX = "tests@house.test"
HOUR = timedelta(hours=1)


@contextmanager
def served(house: House) -> Iterator[tuple[str, int]]:
    """The house behind the very server of `obverse run`; where it listens."""
    made = listening("127.0.0.1", 0)
    server = make_server(create_app(house).wsgi_app, made, proxies=0)
    over = threading.Event()
    thread = threading.Thread(target=server.serve, args=(over.is_set,))
    thread.start()
    try:
        yield made.getsockname()[:2]
    finally:
        over.set()
        server.wake()
        thread.join(10)
        server.drain(1, lambda: True)


class Scene:
    """A house, its canary and its worker, at a time that only the test moves."""

    def __init__(self, house: House, canary: Canary, mail: MailServer, hook: Receiver) -> None:
        self.house, self.canary, self.mail, self.hook = house, canary, mail, hook
        self.worker = Worker(house)
        assert isinstance(house.now, Clock)
        self.clock = house.now

    def look(self, times: int = 1, *, deliver: bool = True) -> None:
        for _ in range(times):
            self.canary.look(self.clock())
            if deliver:
                self.worker.step(self.clock())
            self.clock.move(seconds=20)

    def next_hour(self, **given: Any) -> None:
        self.clock.move(hours=1)
        self.look(2, **given)

    def told(self) -> list[str]:
        """The subjects of the mails to the owner."""
        return [str(one.message["Subject"]) for one in self.mail.to("team@house.test")]

    def stands(self) -> list[Mapping[str, Any]]:
        with self.house.database.read() as connection:
            return [one.facts for one in notices.standing(connection)]

    def count(self, table: sa.Table) -> int:
        with self.house.database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


@contextmanager
def scene(tmp_path: Path, url: str, **settings: Any) -> Iterator[Scene]:
    with mail_server() as mail, receiver() as hook:
        given = replace(SETTINGS, canary=(BOX,), **settings)
        secret = Secrets(key=KEY, database=url, smtp=mail.url, webhook=SIGNING)
        with a_house(tmp_path, url, settings=given, secrets=secret) as house, served(house) as listener:
            yield Scene(house, Canary(house, partial(post, listener), "web-1"), mail, hook)


@pytest.fixture
def calm(tmp_path: Path, sqlite_url: str) -> Iterator[Scene]:
    with scene(tmp_path, sqlite_url) as one:
        yield one


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Scene]:
    """The same over each kind of database, where that may make a difference."""
    with scene(tmp_path, database_url) as one:
        yield one


def test_it_goes_through_the_form_to_the_mailbox_every_hour_and_nobody_else_hears_of_it(calm: Scene) -> None:
    calm.look(3)
    assert [one.message["X-Obverse-Notice"] for one in calm.mail.to(BOX)] == ["canary"]
    assert "Test of the form “contact”" in calm.mail.to(BOX)[0].message["Subject"]
    calm.look(60)
    assert len(calm.mail.to(BOX)) == 1
    calm.next_hour()
    assert len(calm.mail.to(BOX)) == 2
    assert (calm.told(), calm.stands(), len(calm.mail.taken)) == ([], [], 2)


def test_it_is_no_inquiry_in_any_list_report_or_measure(either: Scene) -> None:
    either.look(2)
    assert (either.count(inquiries), either.count(submissions), either.count(events)) == (1, 1, 0)
    with either.house.database.read() as connection:
        own = str(connection.scalar(sa.select(inquiries.c.id)))
        assert [listing(connection, Query(view=one, user="")).total for one in VIEWS] == [0] * len(VIEWS)
        assert set(listing(connection, Query()).counts.values()) == {0}
        assert list(export(connection, Query(view="all"))) == []
        assert (changed_since(connection, NOW - HOUR), detail(connection, own)) == ((), None)
        assert forms_and_pages(connection) == ((), ())
        assert per_page(connection) == []
        assert last_arrivals(connection, either.clock(), 10) == []
        assert connection.scalars(sa.select(contacts.c.email_key)).all() == [None]


def test_what_it_leaves_is_gone_after_a_day_and_visitors_stay(either: Scene) -> None:
    visitor = create_app(either.house).test_client()
    mine = {"name": "Test", "email": BOX, "message": "I am a person", "_ob_instance": secrets.token_hex(16)}
    assert visitor.post("/_ob/f/contact", data=mine).status_code == 303
    either.look(2)
    assert either.count(inquiries) == 2
    remove_old_canaries(either.house, either.clock() + timedelta(hours=23))
    assert either.count(inquiries) == 2
    for late in (timedelta(days=-1, minutes=-5), timedelta(days=1, minutes=5)):  # set back, or a day later
        remove_old_canaries(either.house, either.clock() + late)
        assert [either.count(one) for one in (inquiries, submissions, answers, contacts)] == [1, 1, 1, 1]
    assert listed(either.house) == ["I am a person"]


def listed(house: House) -> list[str]:
    with house.database.read() as connection:
        return [row.excerpt for row in listing(connection, Query(view="all")).rows]


@pytest.mark.parametrize(
    "mark",
    ["", "1", "é", "0" * 32, Ids("another key", lambda: "").canary("contact", "a" * 32)],
)
def test_the_public_cannot_forge_the_mark(calm: Scene, mark: str) -> None:
    sent = {"name": "Ann", "email": "a@b.test", "message": "Real", "_ob_instance": "a" * 32, "_ob_canary": mark}
    assert create_app(calm.house).test_client().post("/_ob/f/contact", data=sent).status_code == 303
    assert listed(calm.house) == ["Real"]


def test_a_mark_of_another_form_or_instance_is_none(calm: Scene) -> None:
    own = Ids(calm.house.key, calm.house.token)
    for number, mark in enumerate((own.canary("guide", "a" * 32), own.canary("contact", "b" * 32)), 1):
        sent = {"name": "Ann", "email": "a@b.test", "message": f"Real {number}", "_ob_canary": mark}
        browser = create_app(calm.house).test_client()
        assert browser.post("/_ob/f/contact", data={**sent, "_ob_instance": "a" * 32}).status_code == 303
    assert calm.count(events) == 2  # two submissions of one instance: received, and followed up
    assert listed(calm.house) == ["Real 1"]


def test_a_mail_server_that_refuses_is_told_by_the_webhook_once_and_again_when_mended(
    tmp_path: Path, sqlite_url: str
) -> None:
    with scene(tmp_path, sqlite_url) as one:
        given = replace(one.house.releases.current().settings, canary_webhook=one.hook.url)
        object.__setattr__(one.house.releases.current(), "settings", given)
        one.mail.manner = "refuse"
        one.look(4)
        assert [(fact["step"], fact["detail"][:9], fact["place"]) for fact in one.stands()] == [
            ("delivered", "mail: 550", "web-1")
        ]
        types = [json.loads(post.body)["type"] for post in one.hook.taken]
        assert types == ["house.canary", "house.canary-lost"]
        one.next_hour()
        one.next_hour()
        assert len(one.stands()) == 1
        types = [json.loads(post.body)["type"] for post in one.hook.taken]
        assert types == ["house.canary", "house.canary-lost", "house.canary", "house.canary"]
        one.mail.manner = "accept"
        one.next_hour()
        one.look(2)
        assert one.stands() == []
        assert json.loads(one.hook.taken[-1].body)["type"] == "house.canary-back"
        assert one.told() == ["Tests through a form come through again"]


def test_the_webhook_of_inquiries_hears_of_no_test(tmp_path: Path, sqlite_url: str) -> None:
    with receiver() as inquiries_hook, scene(tmp_path, sqlite_url, webhook=inquiries_hook.url) as one:
        given = replace(one.house.releases.current().settings, canary_webhook=one.hook.url)
        object.__setattr__(one.house.releases.current(), "settings", given)
        one.look(3)
        assert [json.loads(post.body)["type"] for post in one.hook.taken] == ["house.canary"]
        assert inquiries_hook.taken == []


def test_it_is_asked_for_no_proof_however_many_arrive(tmp_path: Path, sqlite_url: str) -> None:
    with scene(tmp_path, sqlite_url, rate=1, rate_form=1, rate_recipient=1, proofs=1) as one:
        browser, sent = create_app(one.house).test_client(), {"name": "Ann", "email": "a@b.test", "message": "Hello"}
        statuses = [
            browser.post("/_ob/f/contact", data={**sent, "message": f"Hello {n}"}).status_code for n in range(2)
        ]
        assert statuses == [303, 429]
        one.look(3)
        assert (len(one.mail.to(BOX)), one.stands()) == (1, [])


def test_a_house_without_a_key_knows_no_canary() -> None:
    nobody = Ids("", lambda: "")
    assert not nobody.is_canary("contact", "a" * 32, nobody.canary("contact", "a" * 32))


def test_a_mail_server_that_wants_it_twice_is_no_outage_and_one_that_never_takes_it_is(calm: Scene) -> None:
    calm.mail.deferred = {BOX}
    calm.look(10)
    assert calm.stands() == []
    calm.look(LOOKS - 10)
    assert [fact["step"] for fact in calm.stands()] == ["delivered"]
    calm.look(2)
    assert calm.told() == ["A test through a form did not come through"]
    text = calm.mail.to("team@house.test")[0].message.get_content()
    assert "on web-1 did not come through. It was not delivered by mail: 451" in " ".join(text.split())


def test_an_endpoint_that_is_away_or_refuses_is_told(calm: Scene) -> None:
    calm.canary._post = lambda *_: Answered("", "ConnectionRefusedError")
    calm.look(TRIES - 1)
    assert calm.stands() == []
    calm.look(2)
    assert [(fact["step"], fact["detail"]) for fact in calm.stands()] == [("post", "ConnectionRefusedError")]
    assert calm.told() == ["A test through a form did not come through"]
    assert calm.mail.to(BOX) == []


def test_a_database_that_is_away_is_told_when_it_is_back_and_then_it_may_have_come_through(calm: Scene) -> None:
    class Away:
        def ensure(self, _: object) -> None:
            from capture.store.database import Unavailable

            raise Unavailable("away")

    known = calm.house.readiness
    object.__setattr__(calm.house, "readiness", Away())
    calm.look(5, deliver=False)
    object.__setattr__(calm.house, "readiness", known)
    calm.look(3)
    assert (len(calm.mail.to(BOX)), calm.stands(), calm.told()) == (1, [], [])


def test_a_rule_that_would_hold_visitors_holds_it_and_is_told(tmp_path: Path, sqlite_url: str) -> None:
    with scene(tmp_path, sqlite_url, hold=("test",)) as one:
        one.look(3)
        assert [(fact["step"], fact["detail"]) for fact in one.stands()] == [("held", "rule")]
        assert one.mail.to(BOX) == []


def test_a_pause_of_the_outbox_is_no_outage(calm: Scene) -> None:
    pause(calm.house.setup.folder, "restored")
    calm.look(LOOKS + 5)
    assert (calm.count(submissions), calm.stands()) == (0, [])


def test_a_clock_that_jumps_sends_one_more_and_tells_nothing(calm: Scene) -> None:
    calm.look(3)
    for days in (3 * 365, -3 * 365):
        calm.clock.move(days=days)
        calm.look(3)
        assert (calm.told(), calm.stands()) == ([], [])
    assert len(calm.mail.to(BOX)) == 3


def test_without_a_mailbox_or_a_receiver_there_is_none(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path, sqlite_url) as house:
        Canary(house, lambda *_: pytest.fail("it was sent"), "web-1").look(NOW)


def test_the_inbox_says_where_it_was_lost(tmp_path: Path) -> None:
    with room(tmp_path, filled=False) as one:
        given = replace(one.house.releases.current().settings, canary=(BOX,))
        object.__setattr__(one.house.releases.current(), "settings", given)
        canary = Canary(one.house, lambda *_: Answered("", "HTTP 503"), "web-1")
        for _ in range(TRIES):
            canary.look(one.clock())
        page = one.client().get("/inbox/").text
        assert "on web-1: The form&#39;s endpoint did not take it (HTTP 503)." in page
        assert "The house itself" in one.client().get("/inbox/deliveries").text


def test_every_step_has_its_words_and_one_verdict() -> None:
    sent, waiting, gone = (Sending("mail", state, "451 later") for state in ("sent", "waiting", "dead"))
    for trail, is_last, expected in (
        (None, False, None),
        (None, True, Failure("stored")),
        (Trail(("trap", "links"), ()), False, Failure("held", "trap links")),
        (Trail((), (sent,)), False, Failure("outbox")),
        (Trail((), (sent, waiting)), False, None),
        (Trail((), (sent, waiting)), True, Failure("delivered", "mail: 451 later")),
        (Trail((), (waiting, gone)), False, Failure("delivered", "mail: 451 later")),
        (Trail((), (sent, sent)), False, True),
    ):
        assert verdict(trail, 2, is_last=is_last) == expected


# The form


def test_what_is_filled_in_is_what_the_form_asks_for() -> None:
    form = Form(
        "all",
        "en",
        "All",
        "Send",
        (
            FormField("title", type="heading"),
            FormField("name", required=True, min=80, max=90),
            FormField("short", required=True, max=3),
            FormField("mail", type="email", required=True),
            FormField("phone", type="tel", required=True),
            FormField("site", type="url", required=True),
            FormField("many", type="number", required=True, min=2.5, max=2.75),
            FormField("whole", type="number", required=True, whole=True, min=3),
            FormField("one", type="choice", required=True, options={"a": "A", "b": "B"}),
            FormField("some", type="choices", required=True, min=2, options={"a": "A", "b": "B"}),
            FormField("worth", type="money", required=True, min=10),
            FormField("day", type="date", required=True, earliest="today", latest="today"),
            FormField("time", type="datetime", required=True, latest="2020-01-31"),
            FormField("yes", type="boolean", required=True),
            FormField("agreed", type="consent", required=True, text="I agree"),
            FormField("free"),
        ),
    )
    found = fitting([form], BOX, "https://site.test", TODAY)
    assert found
    assert check(form, found[1]).errors == ()
    assert set(found[1]) == {one.name for one in form.fields if one.required}


def test_a_form_that_nobody_can_guess_is_passed_over() -> None:
    secret = Form("code", "en", "Code", "Send", (FormField("code", required=True, pattern="[A-Z]{5}-7"),))
    assert fitting([secret], BOX, "https://site.test", TODAY) is None
    assert (fitting([secret, CONTACT, GUIDE], BOX, "", TODAY) or [None])[0] is CONTACT


def test_its_settings_are_looked_at_before_the_start() -> None:
    given = replace(SETTINGS, canary=("tests@example.org",), canary_webhook="https://house.test/hook")
    said = " ".join(one.message for one in demands(given, Secrets(smtp="smtp://mail.house.test"), (CONTACT,), 1))
    assert "[capture] canary holds a placeholder" in said
    assert "canary_webhook has no secret" in said


@pytest.mark.long
def test_a_running_process_sends_it_by_itself(tmp_path: Path) -> None:
    with mail_server() as mail:
        root = make_root(tmp_path, MANY, smtp=mail.url)
        let_in(root)
        toml = root / "obverse.toml"
        toml.write_text(toml.read_text() + f'canary = ["{BOX}"]\n')
        site = root / ".obverse" / "release" / "site.json"
        site.write_text(json.dumps(json.loads(site.read_text()) | {"canary": [BOX]}))
        with running(root) as one:
            until(lambda: mail.to(BOX), 90)
            assert one.send().status == 303
            assert not [line for line in one.told if line["kind"] in ("fault", "notice", "watch")]
        with database(root) as opened, opened.read() as connection:
            assert listing(connection, Query(view="all")).total == 1
