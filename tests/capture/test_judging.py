"""What was written -> signs, and the share of letters that are judged wrongly."""

import base64
import hashlib
import re
import time
from pathlib import Path

import pytest

from benchmarks.judging import LETTERS, Share, false_holds, let_through, letters
from benchmarks.wording import samples, table_of
from capture.judge import SOFT, judge, spared
from capture.model import HELD_REASONS, Verdict
from capture.setup import Settings
from capture.signs import Written, signs
from capture.store import tables
from capture.store.changes import release, set_stage
from capture.store.database import Database
from capture.store.known import is_known
from capture.store.saving import save
from capture.wording import SIZE, TABLE, counted, nearness, plain, telling
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
        (Written(("[url=https://a.example]here[/url] and more words than that",)), {"markup", "links", "wording"}),
        (Written(("Hello",), name="Win www.prize.example now"), {"link-name"}),
        (Written(("Hello",), email="x@MAILINATOR.com."), {"disposable"}),
        (Written(("Hello",), email="x@mx.mailinator.com"), {"disposable"}),
        (Written(("Hello",), email="x@notmailinator.com"), set()),
        (Written(("Сколько это стоит?",), languages=SITE), {"script"}),
        (Written(("Сколько это стоит?",), languages=("en", "ru-RU")), set()),
        (Written(("Wie heißt «привет»?",), languages=SITE), set()),
        (Written(("123 :)",), languages=SITE), set()),
        (Written(("Do you clean  CARPETS?",), rules=("carpets",)), {"rule"}),
        (Written(("Do you mend carpetsweepers?",), rules=("carpets",)), set()),
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


LONG = {
    "links": "www." * 5000,
    "one word": "a" * 20_000,
    "schemes": "http://" * 3000,
    "one theme": "our team " * 2500,
    "openings": "<a " * 7000,
    "apart": "a b c d " * 12_000,
    "changing": "aA" * 50_000,
    "masked": "0a@" * 30_000,
    "without blanks": "网站" * 50_000,
    "marks": "e\u0301\u200b" * 30_000,
    "letters": "We would like to know what forty chairs cost. " * 90,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_no_text_costs_long(text: str) -> None:
    """A tenth of a second is what most take together; a pattern that tries everything would take minutes."""
    began = time.process_time()
    signs(Written((text[:100_000],), name=text, languages=SITE, rules=("carpets",)))
    assert time.process_time() - began < 2


# --- how it is worded

ADVERT = "We offer cheap SEO and backlinks, reply for a free audit of your website"


def test_the_table_is_what_the_letters_teach() -> None:
    """Whoever changes a letter, a theme or a feature makes it anew: python -m benchmarks.wording."""
    assert table_of(samples()) == TABLE.read_bytes()
    assert len(TABLE.read_bytes()) == SIZE


@pytest.mark.parametrize(
    ("hidden", "read"),
    [
        ("ca\u200bsi\u00adno", "casino"),
        ("сasinо", "casino"),
        ("c a s i n o now", "casino now"),
        ("v.i.a.g.r.a", "viagra"),
        ("v1agr@", "viagra"),
        ("Ｃａｓｉｎｏ", "casino"),
        ("càsìnò", "casino"),
        ("казино", "казино"),
        ("room 1205 at 10:30", "room 1205 at 10:30"),
        ("A b c", "a b c"),
    ],
)
def test_what_hides_words_hides_nothing(hidden: str, read: str) -> None:
    assert plain(hidden) == read


HIDDEN = {
    "zero width": ADVERT.replace("e", "e\u200b"),
    "look-alikes": ADVERT.replace("a", "а").replace("o", "о"),
    "figures": ADVERT.replace("e", "3").replace("o", "0"),
    "wide": "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in ADVERT),
    "after padding": "x " * 30_000 + ADVERT,
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_hidden_words_are_held_as_plain_ones_are(text: str) -> None:
    assert judge({}, Written((ADVERT,), languages=SITE)).held
    assert "wording" in judge({}, Written((text,), languages=SITE)).reasons


def test_what_is_read_of_a_text_is_the_same_whatever_stands_between_its_ends() -> None:
    """So a long one costs no more: nothing of it is unmasked, counted or looked up."""
    begin, end = ADVERT.ljust(400), ADVERT.rjust(400)
    assert counted(f"{begin}{'A chair, please. ' * 6000}{end}") == counted(f"{begin}{'Nothing? ' * 90}{end}")


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("We translate your website.", "Could you translate our website?"),
        ("We can help you with a new roof.", "Can you help us with a new roof?"),
        ("We make films for firms like yours.", "Do you make films for firms like ours?"),
        ("Le ofrecemos fotos de sus productos.", "¿Me ofrecen fotos de nuestros productos?"),
    ],
)
def test_who_says_what_a_customer_asks_is_nearer_to_advertising(said: str, asked: str) -> None:
    assert nearness(said) > 0 > nearness(asked)


def test_letters_at_random_are_nearer_to_advertising_than_a_name_of_goods() -> None:
    coded = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert nearness("xQzRtYpLkMnBvCw") > nearness("MacBookPro") < nearness(coded)


def test_the_words_told_are_of_the_text_and_the_strongest_first() -> None:
    plainly = "The table in the office is green and we sell cheap SEO backlinks"
    assert set(telling(plainly)) < {"sell", "cheap", "seo", "backlinks"}
    assert len(telling(plainly)) == 3
    assert set(telling(ADVERT)) <= set(re.findall(r"\w+", plain(ADVERT)))
    assert telling("") == ()
    assert len(telling(ADVERT)) == 3


def test_wording_holds_alone_only_beyond_its_bar() -> None:
    assert judge({}, Written(("",))) == Verdict()
    assert signs(Written((ADVERT,), languages=SITE))["wording"] <= 1


# --- the letters


@pytest.mark.parametrize("part", ["tuned", "kept", "others"])
def test_customers_are_not_held(part: str) -> None:
    """The goal is fewer than 0.5 %."""
    assert false_holds(part).percent < 0.5


def test_what_is_let_through_does_not_grow() -> None:
    """The goal of 5 % is not reached: see the decisions for what is, and why."""
    assert let_through("tuned").percent < 27
    assert let_through("kept").percent < 27


def test_what_was_kept_out_stays_as_it_is() -> None:
    """A letter put in or taken out after the measure was seen would make the measure worth nothing."""
    kept = b"".join((LETTERS / "kept" / f"{kind}.txt").read_bytes() for kind in ("ham", "spam"))
    assert hashlib.sha256(kept).hexdigest() == "67b88f50d2e8ebb3368df6f78257ba0059814fb4ce7902b36c8ae6ead7e9e5c6"


def test_no_letter_stands_twice() -> None:
    every = [one.casefold() for kind in ("ham", "spam") for part in ("tuned", "kept") for one in letters(kind, part)]
    assert len(set(every)) == len(every)


def test_a_share_tells_how_sure_it_is() -> None:
    assert Share(1000, ()).at_most == pytest.approx(0.27, abs=0.005)
    assert Share(100, ("x",) * 50).at_most == pytest.approx(58.1, abs=0.1)


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
