"""Saving: once however often it comes, in both databases."""

import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.model import Consent, Saved, Submission, Verdict
from capture.store import tables
from capture.store.database import Database
from capture.store.inquiries import detail, set_stage
from capture.store.saving import Thanked, save, thanked
from capture.store.texts import fold, is_id, json_text, storable, storable_json
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens

HELD = Verdict(("trap",))
MINUTE = timedelta(minutes=1)


def put(database: Database, submission: Submission) -> Saved:
    with database.write() as connection:
        return save(connection, submission, [make_outgoing()], tokens(submission.id))


def rows(database: Database, table: sa.Table, *columns: str) -> list[tuple]:
    order = "id" if "id" in table.c else next(iter(table.primary_key)).name
    with database.read() as connection:
        found = connection.execute(sa.select(*(table.c[name] for name in columns)).order_by(table.c[order]))
        return [tuple(row) for row in found]


def counts(database: Database, *names: str) -> list[int]:
    with database.read() as connection:
        every = (sa.select(sa.func.count()).select_from(tables.metadata.tables[name]) for name in names)
        return [connection.execute(one).scalar_one() for one in every]


def turn(database: Database, saved: Saved) -> tuple:
    """Whether the inquiry is held, in which stage, and since when it waits."""
    with database.read() as connection:
        found = detail(connection, saved.inquiry)
        assert found is not None
        return (found.row.held, found.row.stage, found.row.waiting_since)


def typo(submission: Submission, message: str = "What does it cost, please?", **changes: object) -> Submission:
    """The same instance of the form sent once more, with another message."""
    values = {**submission.values, "message": message}
    at = submission.received_at + MINUTE
    return make_submission(**{"instance": submission.instance, "values": values, "received_at": at, **changes})


def test_a_submission_is_saved_whole(database: Database) -> None:
    submission = make_submission(instance="one")
    saved = put(database, submission)
    assert saved == Saved("stored", submission.id, submission.receipt, saved.inquiry)
    assert rows(database, tables.inquiries, "id", "form", "stage", "held", "waiting_since") == [
        (saved.inquiry, "contact", "new", False, "2026-11-23T22:05:00.000000Z")
    ]
    assert rows(database, tables.submissions, "id", "receipt", "inquiry", "follows") == [
        (submission.id, submission.receipt, saved.inquiry, None)
    ]
    assert rows(database, tables.answers, "values") == [(dict(submission.values),)]
    assert rows(database, tables.contacts, "email_key", "name") == [("ada@example.org", "Ada Byron")]
    assert rows(database, tables.events, "kind", "page", "subject") == [
        ("received", "articles/pricing.md", submission.id)
    ]
    assert rows(database, tables.outbox, "target", "state", "submission", "payload") == [
        ("sales@example.com", "waiting", submission.id, {"form": "contact", "inquiry": saved.inquiry})
    ]


def test_rows_of_one_second_stand_side_by_side(database: Database) -> None:
    """So that what is saved at one time changes few pages; whatever clock was wrong, they have ids."""
    times = [NOW.replace(year=1, second=7), NOW, NOW, NOW.replace(microsecond=999_999), NOW + timedelta(seconds=1)]
    for number, at in enumerate(times):
        put(database, make_submission(received_at=at, instance=f"i{number}", values={"email": f"{number}@b.test"}))
    for table, when in ((tables.inquiries, "received_at"), (tables.contacts, "created_at"), (tables.outbox, "next_at")):
        found = rows(database, table, when, "id")
        assert len(found) == len({id_ for _, id_ in found}) == 5
        assert all(is_id(id_) for _, id_ in found)
        seconds = {id_[:3]: when[:19] for when, id_ in found}
        assert sorted(seconds.values()) == sorted({when[:19] for when, _ in found})


def test_events_hold_nothing_personal(database: Database) -> None:
    put(database, make_submission(instance="one", values={"name": "Zebedee", "email": "z@example.org"}))
    with database.read() as connection:
        told = " ".join(str(tuple(row)) for row in connection.execute(sa.select(tables.events)))
    assert "contact" in told
    assert "zebedee" not in told.lower()
    assert "z@example.org" not in told


def test_the_same_instance_and_content_is_answered_as_the_first(database: Database) -> None:
    submission = make_submission(instance="one")
    first = put(database, submission)
    late = replace(submission, received_at=NOW + timedelta(days=3))
    assert put(database, late) == Saved("replayed", first.id, first.receipt, first.inquiry)
    assert counts(database, "submissions", "events", "outbox", "contacts") == [1, 1, 1, 1]


def test_a_corrected_typo_is_a_follow_up_of_the_same_inquiry(database: Database) -> None:
    first = make_submission(instance="one")
    saved, second = put(database, first), typo(first)
    followed = put(database, second)
    assert followed == Saved("follow-up", second.id, second.follow_up_receipt, saved.inquiry)
    assert put(database, second) == replace(followed, outcome="replayed")
    assert put(database, first) == replace(saved, outcome="replayed")
    assert counts(database, "inquiries", "submissions", "outbox") == [1, 2, 2]
    assert [kind for (kind,) in rows(database, tables.events, "kind")] == ["received", "follow-up"]
    with database.read() as connection:
        found = detail(connection, saved.inquiry)
        assert found is not None
        assert [(one.id, one.follows) for one in found.submissions] == [(first.id, ""), (second.id, first.id)]


def test_a_third_content_of_one_instance_has_a_receipt_of_its_own(database: Database) -> None:
    first = make_submission(instance="one")
    receipts = [put(database, one).receipt for one in (first, typo(first), typo(first, "third", follow_up_receipt=""))]
    same = typo(first, "fourth", follow_up_receipt=receipts[1])  # a receipt is never given twice
    receipts.append(put(database, same).receipt)
    assert len(set(receipts)) == 4
    assert counts(database, "inquiries", "submissions") == [1, 4]


@pytest.mark.parametrize("stage, more", [("contacted", {}), ("lost", {"reason": "price"})])
def test_a_follow_up_waits_again_and_reopens_nothing(database: Database, stage: str, more: dict) -> None:
    first = make_submission(instance="one")
    saved = put(database, first)
    with database.write() as connection:
        set_stage(connection, saved.inquiry, stage, actor="", now=NOW, **more)
    put(database, typo(first))
    assert turn(database, saved) == (False, stage, NOW + MINUTE)


def test_a_follow_up_while_it_waits_does_not_set_the_clock_back(database: Database) -> None:
    first = make_submission(instance="one")
    saved = put(database, first)
    put(database, typo(first))
    assert turn(database, saved) == (False, "new", NOW)


def test_a_follow_up_may_correct_the_address(database: Database) -> None:
    first = make_submission(instance="one", values={"name": "Ada", "email": "ada@exmaple.org"})
    saved = put(database, first)
    put(database, make_submission(instance="one", values={"name": "Ada", "email": "ada@example.org"}))
    with database.read() as connection:
        found = detail(connection, saved.inquiry)
        assert found is not None
        assert found.row.email == "ada@example.org"


@pytest.mark.parametrize(
    "apart, outcome", [("0:01", "replayed"), ("9:59", "replayed"), ("10:01", "stored"), ("-9:59", "replayed")]
)
def test_without_a_key_the_same_within_ten_minutes_is_the_same(database: Database, apart: str, outcome: str) -> None:
    minutes, seconds = (int(part.lstrip("-")) for part in apart.split(":"))
    distance = timedelta(minutes=minutes, seconds=seconds) * (-1 if apart.startswith("-") else 1)
    first = put(database, make_submission())
    second = put(database, make_submission(received_at=NOW + distance))
    assert second.outcome == outcome
    assert ((second.id, second.receipt) == (first.id, first.receipt)) is (outcome == "replayed")
    repeats = [number for (number,) in rows(database, tables.submissions, "repeats")]
    assert sorted(repeats) == ([1] if outcome == "replayed" else [0, 0])


def test_seven_in_a_quarter_of_a_second_are_one_and_each_receipt_leads_to_it(database: Database) -> None:
    some = [make_submission(received_at=NOW + timedelta(milliseconds=32 * number)) for number in range(7)]
    saved = [put(database, one) for one in some]
    assert len({one.id for one in saved}) == 1
    assert counts(database, "submissions", "outbox") == [1, 1]
    assert rows(database, tables.submissions, "repeats") == [(6,)]
    with database.read() as connection:
        found = [thanked(connection, one.receipt) for one in some]
    assert found == [Thanked("contact", "en", some[0].rules, some[0].words, some[0].values, some[0].received_at)] * len(
        some
    )


def test_without_a_key_other_content_or_another_form_is_new(database: Database) -> None:
    put(database, make_submission())
    assert put(database, make_submission(values={"name": "Bob"})).outcome == "stored"
    assert put(database, make_submission(form="guide")).outcome == "stored"


def test_the_same_person_next_day_is_a_new_inquiry_of_the_same_contact(database: Database) -> None:
    first = put(database, make_submission())
    again = {"name": "Ada King", "email": "ADA@Example.ORG", "phone": "+44 20 7946 0000"}
    second = put(database, make_submission(values=again, received_at=NOW + timedelta(days=1)))
    assert second.inquiry != first.inquiry
    assert rows(database, tables.contacts, "email_key", "name", "phone") == [
        ("ada@example.org", "Ada King", "+44 20 7946 0000")
    ]


def test_a_held_one_does_not_rename_a_person(database: Database) -> None:
    put(database, make_submission())
    put(database, make_submission(values={"name": "Nasty", "email": "ada@example.org"}, verdict=HELD))
    assert rows(database, tables.contacts, "name") == [("Ada Byron",)]


def test_people_without_an_address_are_never_joined(database: Database) -> None:
    for number in range(2):
        values = {"name": "Ada", "message": str(number), "phone": "+44 20 7946 0000"}
        put(database, make_submission(values=values, network="192.0.2.0/24"))
    assert counts(database, "contacts") == [2]


def test_a_clean_follow_up_releases_a_held_one(database: Database) -> None:
    first = make_submission(instance="one", verdict=HELD)
    saved = put(database, first)
    put(database, typo(first, verdict=HELD))
    assert turn(database, saved) == (True, "new", None)
    put(database, typo(first, "I am no machine"))
    assert turn(database, saved) == (False, "new", NOW)
    assert counts(database, "outbox") == [1]


def test_out_of_the_spool_it_is_touched_now_and_waits_since_it_was_received(database: Database) -> None:
    submission, later = make_submission(instance="one"), NOW + timedelta(hours=5)
    with database.write() as connection:
        saved = save(connection, submission, [make_outgoing()], tokens(), now=later)
        found = detail(connection, saved.inquiry)
    assert found is not None
    assert (found.row.waiting_since, found.row.touched_at) == (NOW, later)
    assert found.deliveries[0].next_at == later


@pytest.mark.parametrize("receipt", ["0" * 32, "", "\0", "\ud800", "x" * 10_000])
def test_an_unknown_receipt_thanks_nobody(database: Database, receipt: str) -> None:
    with database.read() as connection:
        assert thanked(connection, receipt) is None


HOSTILE = {
    "markup": "<img src=x onerror=alert(1)>\"'`",
    "sql": "'); DROP TABLE inquiries; --",
    "percent": "%s %(x)s {0} $1 :name",
    "formula": '=HYPERLINK("https://evil.example")',
    "marks": "a\u202eb\u200bc\ufeff e\u0301 \u00e9",
    "astral": "\U0001f980 \U0010ffff",
    "lines": "a\r\nb\tc\x1b[31m\x7f\x85\u2028",
    "long": "x" * 100_000,
    "number": 1.5,
    "big": 10**30,
    "many": ("a", "b'", ""),
    "yes": True,
    "nul": "",
}


def test_hostile_texts_come_back_as_they_were(database: Database) -> None:
    hostile = dict(HOSTILE)
    names = {"'; --<b>": ("\u202e", "%"), "\\": ("",)}
    consent = Consent("<i>", "'%s", given=False)
    submission = make_submission(
        instance="<script>'",
        values=hostile,
        extra=names,
        labels=tuple((name, name * 2) for name in hostile),
        consents=(consent,),
        page_title=hostile["sql"],
        referrer=hostile["percent"],
        name=hostile["markup"],
        email="o'brien+%s@example.org",
        phone=hostile["formula"],
    )
    saved = put(database, submission)
    with database.read() as connection:
        found = detail(connection, saved.inquiry)
        assert found is not None
        assert (found.submissions[0].values, found.submissions[0].extra) == (hostile, names)
        assert found.submissions[0].labels == submission.labels
        assert found.submissions[0].consents == (consent,)
        assert (found.row.name, found.row.page_title) == (hostile["markup"], hostile["sql"])


def test_what_no_database_can_hold_is_put_out_of_the_way(database: Database) -> None:
    values = {"na\0me": "a\0b", "half": "\ud800x", "nan": float("nan"), "inf": (float("inf"),)}
    submission = make_submission(name="\0N\udfff", email="a\0@example.org", page_title="\ud800", values=values)
    saved = put(database, submission)
    with database.read() as connection:
        found = detail(connection, saved.inquiry)
        assert found is not None
        assert found.submissions[0].values == {"name": "ab", "half": "\ufffdx", "nan": "nan", "inf": ("inf",)}
        assert (found.row.name, found.row.email, found.row.page_title) == ("N\ufffd", "a@example.org", "\ufffd")


@pytest.mark.parametrize("text", ["a\0b", "\ud800x", "x\udfff", "\U0001f600", "\\u0000", "\\ud800", "ä"])
def test_the_text_of_json_holds_what_can_be_stored_whatever_else_is_in_it(text: str) -> None:
    for value in ({"a": text}, {text: 1}, (text, [text])):
        assert json.loads(json_text(value)) == storable_json(value)


@pytest.mark.parametrize("text", ["A\tB  c", "a\u200bb", "x \u200b y", "\x7fq", "\xadSs\ufb01", "", " \0 "])
def test_a_search_compares_letters_alone(text: str) -> None:
    plain = unicodedata.normalize("NFKC", storable(text)).casefold()
    seen = "".join(one for one in plain if unicodedata.category(one) not in ("Cf", "Cc") or one.isspace())
    assert fold(text) == " ".join(seen.split())


@pytest.mark.parametrize("make", [lambda: make_submission(instance="one"), make_submission], ids=["key", "no key"])
def test_many_threads_with_the_same_save_it_once(database: Database, make: Callable[[], Submission]) -> None:
    some = [make() for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        saved = list(pool.map(lambda one: put(database, one), some))
    assert sorted({one.outcome for one in saved}) == ["replayed", "stored"]
    assert len({one.inquiry for one in saved}) == 1
    assert counts(database, "inquiries", "submissions", "contacts", "outbox") == [1, 1, 1, 1]


def test_many_threads_with_one_person_make_one_contact(database: Database) -> None:
    some = [make_submission(values={"email": "ada@example.org", "message": str(number)}) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: put(database, one), some))
    assert counts(database, "contacts", "inquiries") == [1, 12]


RACE = """
import sys
from pathlib import Path
from capture.store.database import Database
from capture.store.saving import save
from tests.capture.samples import make_outgoing, make_submission, tokens

database = Database.open(sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    keyed = make_submission(instance=f"i{number}")
    unkeyed = make_submission(values={"email": f"n{number}@example.org"})
    for one in (keyed, unkeyed):
        with database.write() as connection:
            print(save(connection, one, [make_outgoing()], tokens(sys.argv[3] + one.id)).inquiry, flush=True)
database.close()
"""


def test_two_processes_racing_save_each_once(database: Database, database_url: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, database_url, tmp_path / "var", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        for name in ("a", "b")
    ]
    for one in racers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in racers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0].split() for one in racers]
    assert [one.returncode for one in racers] == [0, 0]
    assert said[0] == said[1]
    assert len(set(said[0])) == 60
    assert counts(database, "inquiries", "submissions", "outbox", "events") == [60, 60, 60, 60]
