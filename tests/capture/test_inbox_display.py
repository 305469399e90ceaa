from datetime import UTC, datetime, timedelta

import pytest

from capture.inbox import display
from capture.inbox.display import amount, first_line, link_to, moment, money, visible, waiting, zone_of
from capture.inbox.words import has_word, say_in

NOW = datetime(2026, 11, 23, 15, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "passed, text, reeds",
    [
        (timedelta(seconds=20), "under a minute", 1),
        (timedelta(minutes=1), "1 minute", 1),
        (timedelta(minutes=59), "59 minutes", 1),
        (timedelta(hours=1), "1 hour", 2),
        (timedelta(hours=4), "4 hours", 3),
        (timedelta(hours=23), "23 hours", 3),
        (timedelta(days=1), "1 day", 4),
        (timedelta(days=3), "3 days", 5),
        (timedelta(days=40), "40 days", 5),
        (timedelta(hours=-2), "under a minute", 1),
    ],
)
def test_waiting_is_said_in_words_and_in_reeds(passed: timedelta, text: str, reeds: int) -> None:
    found = waiting(NOW - passed, NOW)
    assert found is not None
    assert (found.text, found.reeds) == (text, reeds)


def test_nobody_waits_when_it_is_not_our_turn() -> None:
    assert waiting(None, NOW) is None


def test_age_is_short() -> None:
    spans = (timedelta(minutes=3), timedelta(hours=5), timedelta(days=9), timedelta(minutes=-1))
    assert [display.age(NOW - span, NOW) for span in spans] == ["3 min", "5 h", "9 d", "0 min"]


def test_times_are_those_of_the_site() -> None:
    zone = zone_of("America/New_York")
    assert moment(NOW, NOW, zone) == "Mon 23 Nov, 10:20"
    assert moment(datetime(2025, 1, 1, 3, tzinfo=UTC), NOW, zone) == "Tue 31 Dec 2024, 22:00"
    assert zone_of("Nowhere/At_all") == zone_of("UTC")


@pytest.mark.parametrize(
    "hundredths, text", [(1200000, "12,000 USD"), (2375050, "23,750.50 USD"), (5, "0.05 USD"), (0, "0 USD"), (None, "")]
)
def test_money(hundredths: int | None, text: str) -> None:
    assert money(hundredths, "USD") == text


@pytest.mark.parametrize(
    "typed, hundredths",
    [
        ("12000", 1200000),
        ("12,000", 1200000),
        ("12.000", 1200000),
        ("12 000", 1200000),
        ("12,000.50", 1200050),
        ("12.000,5", 1200050),
        ("99.9", 9990),
        ("0", 0),
        ("", None),
        ("  ", None),
    ],
)
def test_amounts_as_people_type_them(typed: str, hundredths: int | None) -> None:
    assert amount(typed) == hundredths


@pytest.mark.parametrize("typed", ["-5", "a lot", "1,2,3", "12.3456", "1e9", "9" * 17, "=1", "１２"])
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        amount(typed)


def test_markup_is_text() -> None:
    assert visible('<img src=x onerror="alert(1)">\u202e') == (
        '&lt;img src=x onerror=&#34;alert(1)&#34;&gt;<span class="marked">RLO</span>'
    )


@pytest.mark.parametrize(
    "type, value, href",
    [
        ("email", "ada+x@example.org", "mailto:ada+x@example.org"),
        ("email", "a?cc=x&b@example.org", "mailto:a%3Fcc%3Dx%26b@example.org"),
        ("email", "ada@example.org,eve@evil.example", ""),
        ("email", "two words@example.org", ""),
        ("tel", "+1 (518) 555-0142", "tel:+15185550142"),
        ("tel", "call me", ""),
        ("url", "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("url", "HTTP://example.org", "HTTP://example.org"),
        ("url", "javascript:alert(1)", ""),
        ("url", "data:text/html,x", ""),
        ("url", "https://user@example.org/", ""),
        ("url", "https://example.org\\@evil.example/", ""),
        ("url", "https://localhost/", ""),
        ("url", "https://example.org:99999/", ""),
        ("url", "http://x' onmouseover=alert(1) ", ""),
        ("url", "https://аррle.example/", ""),
        ("text", "https://example.org/", ""),
    ],
)
def test_only_what_is_without_doubt_an_address_is_a_link(type: str, value: str, href: str) -> None:
    assert link_to(type, value) == href


def test_the_first_line_of_a_message() -> None:
    assert first_line("one\n\n  two ") == "one two"
    assert first_line("x" * 200) == "x" * 139 + "…"


def test_words() -> None:
    t = say_in("en")
    assert t("list.new", n=1) == "1 new inquiry"
    assert t("list.new", n=2) == "2 new inquiries"
    assert t("done.stage", stage="{n}") == "Moved to {n}."
    assert say_in("xx")("stage.won") == say_in("../en")("stage.won") == "Won"
    assert has_word("stage.new")
    with pytest.raises(KeyError):
        t("no.such.word")
