"""The list and the inquiry: what sales sees and does, in both databases."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from capture.model import Consent, Submission, Verdict
from capture.store import tables
from capture.store.database import Database
from capture.store.inquiries import (
    NOBODY,
    VIEWS,
    Inquiry,
    Listing,
    Query,
    add_message,
    add_note,
    assign,
    changed_since,
    detail,
    export,
    forms_and_pages,
    held_submission,
    listing,
    release,
    set_stage,
)
from capture.store.moments import to_text
from capture.store.people import add_person
from capture.store.saving import save
from tests.capture.samples import NOW, digits, make_outgoing, make_submission, tokens

ANN, BOB = digits("ann"), digits("bob")
LATER = NOW + timedelta(hours=3)
HELD = Verdict(("trap", "fast"))


def put(database: Database, submission: Submission) -> str:
    with database.write() as connection:
        return save(connection, submission, [make_outgoing()], tokens(submission.id)).inquiry


def seen(database: Database, inquiry: str) -> Inquiry:
    with database.read() as connection:
        found = detail(connection, inquiry)
    assert found is not None
    return found


def listed(database: Database, **asked: object) -> Listing:
    with database.read() as connection:
        return listing(connection, Query(**asked))


def names(found: Listing) -> list[str]:
    return [row.name for row in found.rows]


def stage(database: Database, inquiry: str, stage: str, **more: object) -> None:
    with database.write() as connection:
        set_stage(connection, inquiry, stage, **{"actor": "", "now": LATER, **more})


def person(database: Database, id: str = ANN, name: str = "Ann") -> str:
    with database.write() as connection:
        add_person(connection, id, f"{name.lower()}@example.com", name, "", NOW)
    return id


def from_(name: str, minutes: int = 0, **changes: object) -> Submission:
    values = {
        "name": name,
        "email": f"{name.split(maxsplit=1)[0].lower()}@example.org",
        "message": f"It is {name} who asks.",
    }
    return make_submission(**{"values": values, "received_at": NOW + timedelta(minutes=minutes), **changes})


def test_an_inquiry_is_shown_whole(database: Database) -> None:
    person(database)
    consent = Consent("news", "One article a month", given=True)
    submission = from_("Ada", extra={"colour": ("blue", "red")}, consents=(consent,))
    inquiry = put(database, submission)
    with database.write() as connection:
        note = add_note(connection, inquiry, "Called.\r\nNobody there", actor=ANN, now=LATER, token=tokens("note"))
        assign(connection, inquiry, ANN, actor=ANN, now=LATER)
    found = seen(database, inquiry)
    assert (found.row.name, found.row.email, found.row.page) == ("Ada", "ada@example.org", "articles/pricing.md")
    assert (found.row.waiting_since, found.row.owner_name, found.row.touched_at) == (NOW, "Ann", LATER)
    assert found.row.excerpt == "It is Ada who asks."
    (sent,) = found.submissions
    assert (sent.id, sent.values, sent.extra) == (submission.id, submission.values, {"colour": ("blue", "red")})
    assert (sent.labels, sent.consents) == (submission.labels, (consent,))
    assert [(one.kind, one.actor, one.new) for one in found.timeline] == [
        ("received", "", ""),
        ("note", ANN, ""),
        ("owner", ANN, ANN),
    ]
    assert [(one.id, one.author, one.text) for one in found.notes] == [(note, ANN, "Called.\nNobody there")]
    assert [(one.target, one.state) for one in found.deliveries] == [("sales@example.com", "waiting")]
    assert found.names == {ANN: "Ann"}


@pytest.mark.parametrize("id", ["0" * 32, "", "x\0y", "\ud800", "../../etc", "0" * 33])
def test_an_unknown_inquiry_is_none(database: Database, id: str) -> None:
    with database.write() as connection:
        assert detail(connection, id) is None
        assert held_submission(connection, id) is None
        with pytest.raises(KeyError):
            set_stage(connection, id, "won", actor="", now=NOW)
        with pytest.raises(KeyError):
            add_note(connection, id, "note", actor="", now=NOW, token=tokens())


def test_the_views_and_their_counts(database: Database) -> None:
    person(database)
    open_, mine, won, lost = (put(database, from_(name)) for name in ("Open", "Mine", "Won", "Lost"))
    put(database, from_("Held", verdict=HELD))
    with database.write() as connection:
        assign(connection, mine, ANN, actor=ANN, now=LATER)
    stage(database, won, "won", value=100, currency="EUR")
    stage(database, lost, "lost", reason="price")
    found = {view: sorted(names(listed(database, view=view, user=ANN))) for view in VIEWS}
    assert found == {
        "open": ["Mine", "Open"],
        "mine": ["Mine"],
        "held": ["Held"],
        "won": ["Won"],
        "lost": ["Lost"],
        "all": ["Held", "Lost", "Mine", "Open", "Won"],
    }
    assert listed(database, view="won", user=ANN).counts == {view: len(some) for view, some in found.items()}
    assert names(listed(database, view="open", owner=NOBODY)) == ["Open"]
    assert open_ in {row.id for row in listed(database, owner=NOBODY).rows}


def test_an_empty_list_has_counts_of_nothing(database: Database) -> None:
    assert listed(database) == Listing((), 0, dict.fromkeys(VIEWS, 0))


def test_who_waits_longest_is_first_and_who_does_not_is_last_by_newest(database: Database) -> None:
    for name, minutes in (("Late", 30), ("Early", 10), ("Answered", 5), ("Answered2", 20)):
        inquiry = put(database, from_(name, minutes))
        if name.startswith("Answered"):
            stage(database, inquiry, "contacted")
    assert names(listed(database)) == ["Early", "Late", "Answered2", "Answered"]
    assert names(listed(database, sort="newest")) == ["Late", "Answered2", "Early", "Answered"]


def test_by_value_those_without_one_are_last(database: Database) -> None:
    for name, value in (("Little", 5), ("Much", 500), ("None", None)):
        stage(database, put(database, from_(name)), "won", value=value, currency="EUR" if value else "")
    assert names(listed(database, view="won", sort="value")) == ["Much", "Little", "None"]


def test_pages_of_the_list(database: Database) -> None:
    for number in range(5):
        put(database, from_(f"N{number}", number))
    found = listed(database, offset=2, limit=2)
    assert (names(found), found.total) == (["N2", "N3"], 5)
    assert listed(database, offset=-5, limit=10**9).total == 5
    assert names(listed(database, offset=2**70)) == []


@pytest.mark.parametrize(
    "asked", [{"view": "x"}, {"sort": "id; DROP TABLE users"}, {"stage": "x"}, {"view": "open'"}, {"sort": ""}]
)
def test_what_can_be_asked_is_a_list(sqlite_database: Database, asked: dict) -> None:
    with pytest.raises(ValueError, match="There is no such"):
        listed(sqlite_database, **asked)


def test_filters(database: Database) -> None:
    put(database, from_("Pricing"))
    put(database, from_("Guide", 1, form="guide", page="articles/guide.md", page_title="The guide"))
    assert names(listed(database, form="guide")) == ["Guide"]
    assert names(listed(database, page="articles/pricing.md")) == ["Pricing"]
    assert names(listed(database, stage="contacted")) == []
    assert names(listed(database, form="\ud800\0", owner="x\0")) == []
    with database.read() as connection:
        pages = (("articles/guide.md", "The guide"), ("articles/pricing.md", "What it costs"))
        assert forms_and_pages(connection) == (("contact", "guide"), pages)


SEARCHES = [
    ("müller", True),
    ("MÜLLER", True),
    ("strasse", True),  # the text says Straße
    ("who asks", True),
    ("asks jörg", True),
    ("costs", True),  # the page's title
    ("jorg@example.org", False),
    ("100%", True),
    ("10_%", False),
    ("100_", False),
    ("%", True),
    ("/", False),
    ('"', False),
    ("NEAR(", False),
    ("'; DROP TABLE inquiries --", False),
    ("\0", True),  # nothing is asked for
    ("zero width", True),  # the text has an invisible character in it
    (" ".join(["asks"] * 10_000), True),
    ("x" * 100_000, False),
    ("\ud800", False),
]


def test_a_search_finds_words_and_takes_nothing_for_syntax(database: Database) -> None:
    message = "Jörg who asks of Straße 5: 100% ze\u200bro width, Müller"
    put(database, make_submission(values={"name": "Jörg", "message": message}))
    found = [(text, bool(listed(database, text=text).rows)) for text, _ in SEARCHES]
    assert found == SEARCHES


def test_a_search_looks_through_notes_too(database: Database) -> None:
    inquiry = put(database, from_("Ada"))
    put(database, from_("Bob"))
    with database.write() as connection:
        add_note(connection, inquiry, "Wants ÄPFEL\nby spring", actor="", now=LATER, token=tokens("note"))
    assert names(listed(database, text="äpfel ada")) == ["Ada"]
    assert names(listed(database, text="äpfel bob")) == []


def test_every_stage_is_an_event(database: Database) -> None:
    inquiry = put(database, from_("Ada"))
    stage(database, inquiry, "contacted", actor=person(database))
    stage(database, inquiry, "contacted", actor=ANN)  # a double click
    stage(database, inquiry, "qualified")
    stage(database, inquiry, "won", value=123_45, currency="EUR")
    stage(database, inquiry, "won", value=200_00, currency="EUR")  # the sum was mistyped
    stage(database, inquiry, "lost", reason="price")
    found = seen(database, inquiry)
    told = [(one.old, one.new, one.amount, one.currency, one.reason) for one in found.timeline if one.kind == "stage"]
    assert told == [
        ("new", "contacted", None, "", ""),
        ("contacted", "qualified", None, "", ""),
        ("qualified", "won", 12345, "EUR", ""),
        ("won", "won", 20000, "EUR", ""),
        ("won", "lost", None, "", "price"),
    ]
    assert (found.row.stage, found.row.value, found.row.currency, found.row.lost_reason) == ("lost", None, "", "price")


def test_whose_turn_it_is(database: Database) -> None:
    inquiry = put(database, from_("Ada"))
    turns = []
    for name, more in (("qualified", {}), ("contacted", {}), ("new", {}), ("won", {}), ("new", {})):
        stage(database, inquiry, name, **more)
        turns.append(seen(database, inquiry).row.waiting_since)
    assert turns == [NOW, None, LATER, None, LATER]


@pytest.mark.parametrize(
    "name, more, message",
    [
        ("wonderful", {}, "There is no such stage."),
        ("lost", {}, "needs one of the reasons"),
        ("lost", {"reason": "whim"}, "needs one of the reasons"),
        ("contacted", {"reason": "price"}, "Only a lost"),
        ("qualified", {"value": 5, "currency": "EUR"}, "Only a won"),
        ("won", {"value": -1, "currency": "EUR"}, "below nothing"),
        ("won", {"value": 2**70, "currency": "EUR"}, "beyond belief"),
        ("won", {"value": 5}, "needs its currency"),
        ("won", {"value": 5, "currency": "<b>"}, "needs its currency"),
    ],
)
def test_a_stage_that_makes_no_sense(sqlite_database: Database, name: str, more: dict, message: str) -> None:
    inquiry = put(sqlite_database, from_("Ada"))
    with pytest.raises(ValueError, match=message):
        stage(sqlite_database, inquiry, name, **more)
    assert len(seen(sqlite_database, inquiry).timeline) == 1


def test_an_owner_is_somebody_of_the_house(database: Database) -> None:
    inquiry = put(database, from_("Ada"))
    person(database)
    with database.write() as connection:
        for _ in range(2):
            assign(connection, inquiry, ANN, actor=ANN, now=LATER)
        assign(connection, inquiry, "", actor=ANN, now=LATER)
        for nobody in (BOB, "\0", "x"):
            with pytest.raises(ValueError, match="no such person"):
                assign(connection, inquiry, nobody, actor=ANN, now=LATER)
    told = [(one.old, one.new) for one in seen(database, inquiry).timeline if one.kind == "owner"]
    assert told == [("", ANN), (ANN, "")]


@pytest.mark.parametrize("text", ["", " \n\t", "\0", "x" * 20_001])
def test_a_note_or_reply_must_be_one(sqlite_database: Database, text: str) -> None:
    inquiry = put(sqlite_database, from_("Ada"))
    with sqlite_database.write() as connection:
        with pytest.raises(ValueError):
            add_note(connection, inquiry, text, actor="", now=NOW, token=tokens())
        with pytest.raises(ValueError):
            add_message(connection, inquiry, "a@example.org", "Re", text, actor="", now=NOW, token=tokens())


def test_a_reply_goes_to_the_outbox_and_ends_the_wait(database: Database) -> None:
    inquiry = put(database, from_("Ada"))
    person(database)
    with database.write() as connection:
        written = {"actor": ANN, "now": LATER, "token": tokens("reply")}
        message = add_message(connection, inquiry, "ada@example.org", "Re:\r\nBcc: x", "Hello", **written)
    found = seen(database, inquiry)
    assert (found.row.stage, found.row.waiting_since) == ("contacted", None)
    assert [(one.id, one.to, one.subject, one.text) for one in found.messages] == [
        (message, "ada@example.org", "Re: Bcc: x", "Hello")
    ]
    assert [(one.kind, one.subject, one.new) for one in found.timeline[1:]] == [
        ("reply", message, ""),
        ("stage", "", "contacted"),
    ]
    reply = found.deliveries[-1]
    assert (reply.kind, reply.target, reply.message) == ("reply", "ada@example.org", message)
    assert reply.payload["author_email"] == "ann@example.com"
    assert reply.payload["answers"][2]["shown"] == "It is Ada who asks."


def test_a_held_one_is_released_with_all_that_was_kept_back(database: Database) -> None:
    submission = from_("Ada", verdict=HELD)
    inquiry = put(database, submission)
    assert seen(database, inquiry).deliveries == ()
    for act in (lambda c: set_stage(c, inquiry, "contacted", actor="", now=LATER), lambda c: _reply(c, inquiry)):
        with pytest.raises(ValueError, match="release it first"), database.write() as connection:
            act(connection)
    with database.write() as connection:
        kept = held_submission(connection, inquiry)
        assert kept is not None
        unknown = {"follow_up_receipt": "", "instance": "", "content": ""}
        assert kept == replace(submission, **unknown)
        release(connection, inquiry, [make_outgoing()], actor="", now=LATER, token=tokens("release"))
    found = seen(database, inquiry)
    assert (found.row.held, found.row.waiting_since, found.row.held_reasons) == (False, NOW, ())
    assert [one.kind for one in found.timeline] == ["received", "held", "released"]
    assert found.timeline[-1].reason == "trap fast"
    assert [(one.submission, one.next_at) for one in found.deliveries] == [(submission.id, LATER)]
    with pytest.raises(ValueError, match="not held"), database.write() as connection:
        release(connection, inquiry, [make_outgoing()], actor="", now=LATER, token=tokens("again"))


def _reply(connection: sa.Connection, inquiry: str) -> None:
    add_message(connection, inquiry, "a@example.org", "Re", "Hello", actor="", now=LATER, token=tokens("held"))


def test_what_has_changed_since(database: Database) -> None:
    first = put(database, from_("First"))
    put(database, from_("Second", 5))
    stage(database, first, "contacted")
    with database.read() as connection:
        assert [row.name for row in changed_since(connection, NOW - timedelta(seconds=1))] == ["First", "Second"]
        assert [row.name for row in changed_since(connection, NOW + timedelta(minutes=5))] == ["First"]
        assert changed_since(connection, LATER) == ()


def test_an_export_has_everything_the_list_would(database: Database) -> None:
    for number in range(7):
        put(database, from_(f"N{number}", number))
    with database.read() as connection:
        found = list(export(connection, Query(sort="newest", limit=2, text="asks")))
        assert [one.row.name for one in found] == [f"N{number}" for number in range(6, -1, -1)]
        assert found[0].submissions[0].values["message"] == "It is N6 who asks."


def test_the_same_person_is_shown_with_the_other_inquiries(database: Database) -> None:
    first = put(database, from_("Ada"))
    second = put(database, from_("Ada", 60 * 24))
    put(database, from_("Bob"))
    assert [row.id for row in seen(database, second).others] == [first]


def test_five_thousand_inquiries_are_listed_quickly(database: Database) -> None:
    fill(database, 5_000)
    for sort in ("waiting", "newest"):
        started = time.perf_counter()
        found = listed(database, view="all", sort=sort)
        taken = time.perf_counter() - started
        assert (len(found.rows), found.total) == (50, 5_000)
        assert taken < 2, taken  # some 20 ms on a quiet machine


def fill(database: Database, count: int) -> None:
    """Many inquiries at once, every fifth of them answered."""
    rows: dict[str, list[dict]] = {name: [] for name in ("contacts", "inquiries", "submissions", "answers")}
    for number in range(count):
        own, at = digits(number), to_text(NOW + timedelta(minutes=number))
        same = {"id": own, "form": "contact", "received_at": at}
        waiting = at if number % 5 else None
        answer = {"values": {"message": "?"}, "extra": {}, "labels": [], "consents": []}
        rows["contacts"].append({"id": own, "name": f"N{number}", "created_at": at})
        rows["inquiries"].append({"contact": own, "waiting_since": waiting, "touched_at": at, **same})
        rows["submissions"].append({"receipt": own, "inquiry": own, "content": own, **same})
        rows["answers"].append({"submission": own, **answer})
    with database.write() as connection:
        for name, some in rows.items():
            connection.execute(tables.metadata.tables[name].insert(), some)
        connection.exec_driver_sql("ANALYZE")
