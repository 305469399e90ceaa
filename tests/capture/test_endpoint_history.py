"""Any history of posts, repeats, corrections, files, restarts and erasures -> what a simple model says is there."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from werkzeug.test import TestResponse

from capture.app import create_app
from capture.house import House, open_house
from capture.keeping.contacts import erase
from capture.setup import Secrets, Setup
from capture.spool import ingest
from capture.store.changes import release
from capture.store.database import FILE
from capture.store.tables import answers, attachments, inquiries
from obverse.forms.form import Form, FormField
from tests.capture.files import PDF
from tests.capture.house import KEY, SETTINGS, Clock, Tokens, no_sync, write_release

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")

EMAIL = FormField("email", type="email", label="E-mail", required=True, max=254)
PLAN = FormField("plan", type="file", label="Plan", accept=("pdf",), max_size=100_000, max_files=1)
FORM = Form("ask", "en", "Ask", "Send", (EMAIL, FormField("text", required=True, rows=4), PLAN))

TEN_MINUTES = timedelta(minutes=10)
PLANS = (b"", PDF, PDF + b"\n")

# Few of each, so that the same come again.
KEYS = st.sampled_from(["", "1" * 32, "2" * 32, "3" * 32])
TEXTS = st.sampled_from(["What does it cost?", "When can you come?", "Two lines\nof text"])
TRAPS = st.sampled_from([False, False, True])


@dataclass(frozen=True)
class Sent:
    """A post, when it came. Who sends under one key is one person."""

    key: str
    text: str
    plan: bytes
    trap: bool
    at: datetime

    @property
    def email(self) -> str:
        return f"{self.key[:1] or 'x'}@example.org"

    @property
    def content(self) -> tuple[str, str, bytes]:
        return self.email, self.text, self.plan


@dataclass
class Inquiry:
    """What sales has of it. What was erased is still known to have been sent."""

    sent: list[Sent]
    held: bool
    erased: int = 0


class History(RuleBasedStateMachine):
    """A house, and the least that could be said of what is in it. `migrated` is a database with nothing in it."""

    migrated: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        (self.root / "var").mkdir(mode=0o700)
        shutil.copyfile(self.migrated, self.root / "var" / FILE)
        write_release(self.root / "release", settings=replace(SETTINGS, rate=0), forms=(FORM,))
        self.clock, self.tokens = Clock(), Tokens()
        self.inquiries: list[Inquiry] = []
        self.waiting: list[Sent] = []
        self.receipts: set[str] = set()
        self.open()

    def open(self) -> None:
        self.house = self.opened()
        self.browser = create_app(self.house).test_client()

    def opened(self, database: str = "") -> House:
        setup = Setup(
            folder=self.root / "var",
            address="https://site.test",
            secrets=Secrets(key=KEY, database=database),
            release=self.root / "release",
        )
        return open_house(setup, self.clock, self.tokens)

    def teardown(self) -> None:
        self.house.database.close()
        self.folder.cleanup()

    # --- what happens

    @rule(key=KEYS, text=TEXTS, plan=st.sampled_from(PLANS), trap=TRAPS)
    def post(self, key: str, text: str, plan: bytes, trap: bool) -> None:
        sent = self.now_sent(key, text, plan, trap)
        answer = self.answer(self.browser, sent)
        outcome = self.take(sent)
        assert answer.status_code == (200 if outcome == "replayed" else 201), (outcome, answer.text)
        assert answer.headers.get("Idempotency-Replayed", "") == ("true" if outcome == "replayed" else "")

    @rule(key=KEYS, text=TEXTS, plan=st.sampled_from(PLANS), trap=TRAPS)
    def post_while_the_database_is_away(self, key: str, text: str, plan: bytes, trap: bool) -> None:
        house = self.opened("postgresql://nobody@/none?host=/nowhere")
        sent = self.now_sent(key, text, plan, trap)
        assert self.answer(create_app(house).test_client(), sent).status_code == 201
        house.database.close()
        self.waiting.append(sent)

    @rule()
    def the_spool_is_read(self) -> None:
        assert ingest(self.house) <= len(self.waiting)
        for sent in self.waiting:
            self.take(sent)
        self.waiting.clear()

    @rule(text=st.sampled_from(["", " \n "]), plan=st.sampled_from([b"", b"MZ not a plan"]))
    def post_what_has_to_be_mended(self, text: str, plan: bytes) -> None:
        sent = self.now_sent("4" * 32, text, plan, trap=False)
        assert self.answer(self.browser, sent, keep=False).status_code == 422

    @rule(seconds=st.sampled_from([60, 590, 660]))
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.house.database.close()
        self.open()

    @precondition(lambda self: any(one.held for one in self.inquiries))
    @rule(data=st.data())
    def release_one_that_is_held(self, data: st.DataObject) -> None:
        held = sa.select(inquiries.c.id).where(inquiries.c.held).order_by(inquiries.c.id)
        with self.house.database.write() as connection:
            id_ = data.draw(st.sampled_from(connection.execute(held).scalars().all()))
            release(connection, id_, [], actor="ida", now=self.clock(), token=self.tokens)
        self.of_row(id_).held = False

    @precondition(lambda self: self.inquiries and not self.waiting)
    @rule(who=st.sampled_from("x123"))
    def erase_a_person(self, who: str) -> None:
        erase(self.house.database, self.root / "var", KEY, f"{who}@example.org", self.clock())
        for one in self.inquiries:
            if one.sent[0].email.startswith(who):
                one.erased = len(one.sent)

    # --- what is there

    @invariant()
    def every_post_is_kept_once(self) -> None:
        texts = Counter((sent.email, sent.text) for one in self.inquiries for sent in one.sent[one.erased :])
        with self.house.database.read() as connection:
            found = connection.execute(sa.select(answers.c["values"])).scalars().all()
            assert Counter((one["email"], one["text"]) for one in found if one) == texts
            assert len(found) == sum(len(one.sent) for one in self.inquiries)
            held = connection.execute(sa.select(inquiries.c.held)).scalars().all()
        assert Counter(held) == Counter(one.held for one in self.inquiries)

    @invariant()
    def every_file_is_there_as_it_was_sent(self) -> None:
        plans = [sent.plan for one in self.inquiries for sent in one.sent[one.erased :] if sent.plan]
        with self.house.database.read() as connection:
            rows = connection.execute(sa.select(attachments.c.id, attachments.c.sha256)).all()
        assert Counter(row.sha256 for row in rows) == Counter(hashlib.sha256(plan).hexdigest() for plan in plans)
        assert sorted(plans) == sorted((self.house.uploads / row.id).read_bytes() for row in rows)

    @invariant()
    def everybody_who_was_thanked_is_thanked_again(self) -> None:
        assert [one for one in self.receipts if self.browser.get(f"/_ob/t/{one}").status_code != 200] == []

    # --- the model

    def now_sent(self, key: str, text: str, plan: bytes, trap: bool) -> Sent:
        self.clock.move(seconds=1)
        return Sent(key, text, plan, trap, self.clock())

    def take(self, sent: Sent) -> str:
        """What becomes of a post: what the key has brought is known again, and without one what came lately."""
        same = [one for one in self.inquiries for old in one.sent if self.is_same(sent, old)]
        if same:
            return "replayed"
        first = next((one for one in self.inquiries if sent.key and one.sent[0].key == sent.key), None)
        if first is None:
            self.inquiries.append(Inquiry([sent], sent.trap))
            return "stored"
        first.sent.append(sent)
        first.held = first.held and sent.trap
        return "follow-up"

    @staticmethod
    def is_same(sent: Sent, old: Sent) -> bool:
        lately = sent.key == old.key if sent.key else abs(sent.at - old.at) <= TEN_MINUTES
        return lately and sent.content == old.content

    def answer(self, browser: FlaskClient, sent: Sent, *, keep: bool = True) -> TestResponse:
        data: dict[str, Any] = {"email": sent.email, "text": sent.text, "_ob_instance": sent.key}
        data |= {"_ob_trap": "x"} if sent.trap else {}
        data |= {"plan": (io.BytesIO(sent.plan), "plan.pdf")} if sent.plan else {}
        kind = "multipart/form-data"
        answer = browser.post("/_ob/f/ask", data=data, content_type=kind, headers={"Accept": "application/json"})
        if keep:
            assert answer.status_code in (200, 201), answer.text
            self.receipts.add(answer.json["receipt"])
        return answer

    def of_row(self, id_: str) -> Inquiry:
        """The inquiry of the model that a row stands for: it came at the same moment."""
        with self.house.database.read() as connection:
            at = connection.execute(sa.select(inquiries.c.received_at).where(inquiries.c.id == id_)).scalar_one()
        return next(one for one in self.inquiries if one.sent[0].at.isoformat()[:19] == str(at)[:19])


def _history(migrated: Path, examples: int, steps: int) -> None:
    machine = type("Bound", (History,), {"migrated": migrated})
    run = settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None)
    run_state_machine_as_test(machine, settings=run)  # type: ignore[no-untyped-call]


def test_a_history_ends_as_the_model_says(sqlite_template: Path) -> None:
    _history(sqlite_template, 6, 12)


@pytest.mark.long
def test_many_histories_end_as_the_model_says(sqlite_template: Path) -> None:
    _history(sqlite_template, 200, 40)
