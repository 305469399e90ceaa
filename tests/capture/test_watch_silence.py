"""No inquiry for too long: told once, by mail and in the inbox; never for a night, a weekend or a clock."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from capture.app import create_app
from capture.house import House
from capture.model import Verdict
from capture.outbox.worker import Worker
from capture.setup import Secrets
from capture.store import notices, outbox
from capture.store.arrivals import last_arrivals
from capture.store.retention import Keep, due
from capture.store.saving import save
from capture.watch.rounds import look_for_silence
from capture.watch.silence import HISTORY, LEAST, silent_since
from capture.watch.watcher import Round, Watcher
from tests.capture.house import KEY, a_house
from tests.capture.inbox_room import room
from tests.capture.receivers import mail_server
from tests.capture.samples import make_submission, tokens

ZONE = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 10, 5, tzinfo=ZONE)


def office(weeks: int, a_day: int, seed: int = 1) -> list[datetime]:
    """Inquiries on working days, from nine to six, at random."""
    chance = random.Random(seed)
    days = [MONDAY + timedelta(days=one) for one in range(7 * weeks) if one % 7 < 5]
    found = [day + timedelta(hours=9 + 9 * chance.random()) for day in days for _ in range(a_day)]
    return sorted(one.astimezone(UTC) for one in found)


def rings(times: Sequence[datetime], until: datetime, zone: ZoneInfo = ZONE) -> list[datetime]:
    """When it rings, looked at every seven hours (so at all of a day's) once there are two weeks to go by."""
    now, found = times[0] + HISTORY, []
    while now < until:
        known = [one for one in times if one <= now][-1000:]
        if silent_since(known, times[0], now, zone):
            found.append(now)
        now += timedelta(hours=7)
    return found


@pytest.mark.parametrize("a_day", [2, 10, 30])
def test_nights_and_weekends_are_no_silence_and_a_few_days_without_anything_are(a_day: int) -> None:
    times = office(8, a_day)
    monday = MONDAY + timedelta(days=56)
    first = rings(times, monday + timedelta(days=7))[0]
    assert monday + timedelta(hours=12) < first < monday + timedelta(days=7 if a_day == 2 else 3)


def test_by_a_plain_clock_a_weekend_would_have_been_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.watch.silence.Habit.span", lambda _, start, end: (end - start).total_seconds())
    assert rings(office(8, 30), MONDAY + timedelta(days=56)) != []


def test_a_site_that_never_sleeps_hears_of_it_within_a_day() -> None:
    chance = random.Random(3)
    times, at = [], MONDAY.astimezone(UTC)
    while at < MONDAY + timedelta(days=28):
        at += timedelta(hours=chance.expovariate(1.0))
        times.append(at)
    assert rings(times, times[-1]) == []
    assert timedelta(hours=9) < rings(times, times[-1] + timedelta(days=3))[0] - times[-1] < timedelta(days=1)


def test_a_newsletters_many_answers_do_not_make_the_week_after_it_a_silence() -> None:
    chance = random.Random(4)
    weeks = [MONDAY + timedelta(days=7 * one, hours=9) for one in range(8)]
    times = sorted((one + timedelta(hours=30 * chance.random())).astimezone(UTC) for one in weeks for _ in range(25))
    assert rings(times, MONDAY + timedelta(days=56)) == []


def test_one_outage_of_a_month_or_a_jump_of_the_clock_is_not_what_is_usual() -> None:
    before = office(8, 10)
    times = [one - timedelta(days=31 + 3 * 365) for one in before[:50]] + before
    quiet, silent = MONDAY + timedelta(days=56, hours=12), MONDAY + timedelta(days=63)
    assert silent_since(times, times[0], quiet, ZONE) is None
    assert silent_since(times, times[0], silent, ZONE) == times[-1]


def test_too_few_and_too_short_a_time_say_nothing() -> None:
    times = office(8, 2)
    late = times[-1] + timedelta(days=365)
    assert silent_since(times, times[0], late, ZONE) == times[-1]
    assert silent_since(times[-LEAST:], times[0], late, ZONE) == times[-1]
    assert silent_since(times[-LEAST + 1 :], times[0], late, ZONE) is None
    assert silent_since(times, times[-1] - HISTORY + timedelta(seconds=1), late, ZONE) is None
    assert silent_since(times[-1:] * LEAST, times[0], late, ZONE) is None
    assert silent_since((), late, late, ZONE) is None


# In the house


def fill(house: House, times: Sequence[datetime], name: str = "a", **changes: object) -> None:
    token = tokens(name)
    for number, at in enumerate(times):
        values = {"name": "Ann", "email": "ann@visitor.test", "message": f"{name} {number}"}
        with house.database.write() as connection:
            save(connection, make_submission(values=values, received_at=at, **changes), (), token)


TIMES = office(4, 2)
LATE = TIMES[-1] + timedelta(days=21)


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house(tmp_path, database_url) as house:
        fill(house, TIMES)
        yield house


def told(house: House) -> list[str]:
    with house.database.read() as connection:
        return [one.target for one in outbox.deliveries(connection, outbox.STATES) if one.kind == "silence"]


def stands(house: House) -> list[str]:
    with house.database.read() as connection:
        return [one.kind for one in notices.standing(connection)]


def test_it_is_told_once_per_silence_whatever_the_clock_does(house: House) -> None:
    look_for_silence(house, TIMES[-1] + timedelta(hours=12))
    assert (told(house), stands(house)) == ([], [])
    for late in (LATE, LATE + timedelta(hours=1), LATE + timedelta(days=3 * 365), LATE, TIMES[5]):
        look_for_silence(house, late)
        assert (told(house), stands(house)) == (["team@house.test"], ["silence"])
    fill(house, [LATE + timedelta(hours=2)], "again")
    look_for_silence(house, LATE + timedelta(hours=3))
    assert (told(house), stands(house)) == (["team@house.test"], [])
    look_for_silence(house, LATE + timedelta(days=60))
    assert (told(house), stands(house)) == (2 * ["team@house.test"], ["silence"])


def test_what_is_held_or_comes_from_a_clock_that_was_ahead_breaks_no_silence(house: House) -> None:
    fill(house, [LATE - timedelta(hours=1)], "held", verdict=Verdict(("trap",)))
    fill(house, [LATE + timedelta(days=3 * 365)], "ahead")
    with house.database.read() as connection:
        assert last_arrivals(connection, LATE, 3) == TIMES[-3:]
    look_for_silence(house, LATE)
    assert stands(house) == ["silence"]


def test_two_processes_tell_of_it_once(house: House, tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url) as other:
        look_for_silence(house, LATE)
        look_for_silence(other, LATE)
    assert told(house) == ["team@house.test"]


def test_many_who_see_it_at_once_tell_of_it_once(house: House) -> None:
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(look_for_silence, house, LATE) for _ in range(6)]:
            done.result()
    assert told(house) == ["team@house.test"]


def test_a_previews_mailbox_shows_it_and_leads_to_the_inbox(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path, sqlite_url, preview=True) as house:
        fill(house, TIMES)
        look_for_silence(house, LATE)
        browser = create_app(house).test_client()
        with house.database.read() as connection:
            row = outbox.deliveries(connection, outbox.STATES)[0].id
        assert "No inquiry since" in browser.get("/_ob/mail/").text
        page = browser.get(f"/_ob/mail/{row}").text
        assert 'href="/inbox/"' in page
        assert "/inbox/i/" not in page


def test_the_mail_arrives_and_the_inbox_shows_it(tmp_path: Path) -> None:
    with mail_server() as mail, room(tmp_path, filled=False) as one:
        house = one.house
        fill(house, TIMES)
        look_for_silence(house, LATE)
        page = one.client().get("/inbox/").text
        assert "The last inquiry came" in page
        secrets = Secrets(key=KEY, smtp=mail.url)
        object.__setattr__(house.setup, "secrets", secrets)
        assert Worker(house).step(LATE) == 1
        message = mail.messages[0]
        assert message["Subject"].startswith("No inquiry since 2026-10-30")
        assert message["X-Obverse-Notice"] == "silence"
        assert message["X-Obverse-Inquiry"] is None
        assert "ann@visitor.test" not in message.as_string()
        assert "/inbox/" in message.get_content()
        fill(house, [LATE], "again")
        look_for_silence(house, LATE)
        assert "The last inquiry came" not in one.client().get("/inbox/").text


def test_word_of_it_that_waits_keeps_nothing_from_going(house: House) -> None:
    fill(house, [LATE - timedelta(days=40)], "held", verdict=Verdict(("trap",)))
    look_for_silence(house, LATE)
    with house.database.read() as connection:
        assert len(due(connection, Keep(held=30), LATE).held) == 1


# The thread


def test_a_round_that_fails_holds_no_other_up_and_comes_again() -> None:
    made: list[str] = []

    def fail(_: datetime) -> None:
        made.append("bad")
        raise ValueError("ann@visitor.test")

    def go(_: datetime) -> None:
        made.append("good")

    hour = timedelta(hours=1)
    watcher = Watcher([Round("bad", hour, fail), Round("good", hour, go)], lambda: MONDAY)
    for moved in (0, 0.5, 1, 24 * 365 * 3, 24 * 365 * 3 + 0.5, 0, 0.5):
        watcher.step(MONDAY + timedelta(hours=moved))
    assert made == ["bad", "good"] * 4
