"""Time: what is due appears, what expires vanishes, and the clock makes again only what asked it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from obverse.clock import NEVER, Clock
from tests.engine.sites import NOON, TinySite

LATER = NOON + timedelta(hours=5)


def test_scheduled_article_appears_when_it_is_due(built: TinySite) -> None:
    built.write("content/articles/soon.md", f"---\ntitle: Soon\ndate: {LATER.isoformat()}\n---\nNow.\n")
    report = built.good_build()
    assert "articles/soon/index.html" not in report.written
    assert report.next_due == LATER
    built.later(hours=4, minutes=59, seconds=59)
    assert built.good_build().written == ()
    built.now = report.next_due
    shown = built.good_build()
    assert {"articles/soon/index.html", "articles/index.html", "feed.xml"} <= set(shown.written)
    built.assert_as_clean(shown)


def test_expired_page_vanishes_when_it_is_due(built: TinySite) -> None:
    built.write("content/offer.md", f"---\ntitle: Offer\nexpires: {LATER.isoformat()}\n---\nHurry.\n")
    assert built.good_build().next_due == LATER
    built.now = LATER
    report = built.good_build()
    assert report.removed == ("offer/index.html",)
    built.assert_as_clean(report)


def test_midnight_writes_only_what_asked_for_the_day(tiny: TinySite) -> None:
    first = tiny.good_build()
    assert first.next_due == datetime(2026, 3, 15, tzinfo=UTC)  # the 404 page says the day
    tiny.now = first.next_due - timedelta(seconds=1)
    assert tiny.good_build().written == ()
    tiny.now = first.next_due
    report = tiny.good_build()
    assert report.written == ("404.html",)
    assert report.next_due == datetime(2026, 3, 16, tzinfo=UTC)
    tiny.assert_as_clean(report)


def test_nobody_asks_the_clock_and_nothing_is_due(tiny: TinySite) -> None:
    tiny.write("templates/404.html", "gone")
    assert tiny.good_build().next_due == NEVER


def test_clock_turned_back(built: TinySite) -> None:
    built.write("content/articles/new.md", "---\ntitle: New\ndate: 2026-03-14T11:00:00Z\n---\nNew.\n")
    assert "articles/new/index.html" in built.good_build().written
    built.later(hours=-2)
    report = built.good_build()
    assert "articles/new/index.html" in report.removed
    assert report.next_due == datetime(2026, 3, 14, 11, tzinfo=UTC)
    built.assert_as_clean(report)


def test_dates_without_a_zone_are_in_the_sites(built: TinySite) -> None:
    zone = 'timezone = "America/New_York"\n[articles]'
    built.replace("obverse.toml", "[articles]", zone)
    built.write("content/articles/day.md", "---\ntitle: Day\ndate: 2026-03-15\n---\nToday.\n")
    assert built.good_build().next_due <= datetime(2026, 3, 15, 4, tzinfo=UTC)
    built.now = datetime(2026, 3, 15, 4, tzinfo=UTC) - timedelta(seconds=1)
    assert "articles/day/index.html" not in built.good_build().written
    built.later(seconds=1)
    assert "articles/day/index.html" in built.good_build().written


def test_the_day_ends_at_the_sites_midnight() -> None:
    clock = Clock(datetime(2026, 3, 8, 5, 30, tzinfo=UTC), ZoneInfo("America/New_York"))  # clocks go forward that day
    assert clock.today().value.isoformat() == "2026-03-08"
    assert clock.today().until == datetime(2026, 3, 9, 4, tzinfo=UTC)
    assert clock.year().until == datetime(2027, 1, 1, 5, tzinfo=UTC)


def test_what_is_past_stays_past() -> None:
    clock = Clock(NOON, ZoneInfo("UTC"))
    assert (clock.is_past(NOON).value, clock.is_past(NOON).until) == (True, NEVER)
    assert (clock.is_past(LATER).value, clock.is_past(LATER).until) == (False, LATER)
    assert clock.age_in_days(NOON - timedelta(days=2)).value == 2
    assert clock.age_in_days(NOON + timedelta(days=2)).value == -2
