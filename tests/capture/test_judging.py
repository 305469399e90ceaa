"""What was written -> signs, and the share of letters that are judged wrongly."""

from pathlib import Path

import pytest

from benchmarks.judging import false_holds, let_through
from capture.judge import SOFT, judge, spared
from capture.model import HELD_REASONS, Verdict
from capture.setup import Settings
from capture.signs import Written, signs
from capture.store import tables
from capture.store.changes import release, set_stage
from capture.store.database import Database
from capture.store.known import is_known
from capture.store.saving import save
from obverse.config import load
from tests.capture.house import words
from tests.capture.samples import NOW, make_submission, tokens

SITE = ("en", "de")
WORDS = Path(__file__).parents[2] / "capture" / "words" / "en.toml"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (Written(("What does it cost?",)), set()),
        (Written(("Our plans are at https://plans.example/a and we would like an offer for all of it",)), {"links"}),
        (Written(("[url=https://a.example]here[/url] and more words than that",)), {"markup", "links"}),
        (Written(("Hello",), name="Win www.prize.example now"), {"link-name"}),
        (Written(("Hello",), email="x@MAILINATOR.com."), {"disposable"}),
        (Written(("Hello",), email="x@mx.mailinator.com"), {"disposable"}),
        (Written(("Hello",), email="x@notmailinator.com"), set()),
        (Written(("Сколько это стоит?",), languages=SITE), {"script"}),
        (Written(("Сколько это стоит?",), languages=("en", "ru-RU")), set()),
        (Written(("Wie heißt «привет»?",), languages=SITE), set()),
        (Written(("123 :)",), languages=SITE), set()),
        (Written(("We sell  CARPETS.",), rules=("carpets",)), {"rule"}),
        (Written(("We sell carpetsweepers",), rules=("carpets",)), set()),
        (Written(("Hello",), email="x@a.bad.example", rules=("@bad.example",)), {"rule"}),
        (Written(("a+b? (yes)",), rules=("a+b?",)), {"rule"}),
        (Written(("Hello",), rules=("", " ", "@")), set()),
    ],
)
def test_signs(written: Written, found: set[str]) -> None:
    assert set(signs(written)) == found


def test_one_mild_sign_holds_nobody_and_two_do() -> None:
    foreign = Written(("Сколько это стоит?",), languages=SITE)
    assert not judge({}, foreign).held
    assert judge({}, Written(foreign.texts, email="x@mailinator.com", languages=SITE)).reasons == (
        "script",
        "disposable",
    )


def test_what_holds_by_itself_is_told_with_the_mild_signs_beside_it() -> None:
    assert judge({"_ob_trap": ("x",)}, Written(("Hello",), email="x@yopmail.com")).reasons == ("trap", "disposable")


def test_who_is_known_is_spared_what_they_write_and_nothing_else() -> None:
    assert spared(Verdict(tuple(SOFT))) == Verdict()
    assert spared(Verdict(("trap", "links", "rule"))) == Verdict(("trap", "rule"))


def test_every_reason_has_a_sentence_and_a_short_word() -> None:
    catalogue = WORDS.read_text("utf-8")
    missing = [one for one in HELD_REASONS for kind in ("held", "held.short") if f'"{kind}.{one}" = ' not in catalogue]
    assert missing == []
    assert set(HELD_REASONS) >= SOFT | {"rule"}


def test_no_reason_is_among_the_words_of_the_site() -> None:
    assert [name for name in words() if name.startswith("held")] == []


def test_the_owners_rules_reach_judgement() -> None:
    config, problems = load(
        '[site]\ntitle = "T"\nurl = "https://t.example"\n[capture]\nhold = ["carpets", "@bad.example"]\n'
    )
    assert not problems
    assert Settings.from_plain(config.for_capture).hold == ("carpets", "@bad.example")


@pytest.mark.parametrize("text", ["www." * 5000, "a" * 20_000, "http://" * 3000, "our team " * 2500, "<a " * 7000])
def test_no_text_costs_long(text: str) -> None:
    signs(Written((text * 20,), name=text, languages=SITE, rules=("carpets",)))


# --- the letters


@pytest.mark.parametrize("kept_out", [False, True])
def test_customers_are_not_held(kept_out: bool) -> None:
    assert false_holds(kept_out=kept_out).wrong == ()


def test_most_advertising_is_held() -> None:
    """The goal of 5 % is reached where the weights were tuned, not yet on what was kept out: see the decisions."""
    assert let_through(kept_out=False).percent < 5
    assert let_through(kept_out=True).percent < 20


# --- the learned allow-list


@pytest.fixture
def held(database: Database) -> str:
    """The inquiry of somebody who is held, in the database of the test."""
    submission = make_submission(verdict=Verdict(("links",)))
    with database.write() as connection:
        return save(connection, submission, (), tokens()).inquiry


def known(database: Database) -> bool:
    with database.read() as connection:
        return is_known(connection, "ADA@example.org")


def test_a_stranger_is_not_known(database: Database, held: str) -> None:
    assert not known(database)
    with database.read() as connection:
        assert not is_known(connection, "")
        assert not is_known(connection, "bob@example.org")


def test_who_was_released_is_known(database: Database, held: str) -> None:
    with database.write() as connection:
        release(connection, held, (), actor="a" * 32, now=NOW, token=tokens("release"))
    assert known(database)


def test_who_was_moved_on_is_known_and_who_was_lost_is_not(database: Database) -> None:
    with database.write() as connection:
        inquiry = save(connection, make_submission(), (), tokens()).inquiry
        set_stage(connection, inquiry, "lost", reason="fit", actor="a" * 32, now=NOW)
    assert not known(database)
    with database.write() as connection:
        set_stage(connection, inquiry, "qualified", actor="a" * 32, now=NOW)
    assert known(database)


def test_a_clean_follow_up_of_their_own_makes_nobody_known(database: Database) -> None:
    first = make_submission(instance="one", verdict=Verdict(("links",)))
    values = {**first.values, "message": "Another text"}
    with database.write() as connection:
        save(connection, first, (), tokens())
        save(connection, make_submission(instance="one", values=values), (), tokens("second"))
    with database.read() as connection:
        assert connection.execute(tables.inquiries.select()).one().held is False
    assert not known(database)
