"""Case 8: a receiver answers 500, 301, 410 or 429, never, or hangs up: each has its meaning, and no 3xx is followed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from capture.house import House
from capture.outbox.backoff import LONGEST, Outcome
from capture.outbox.webhook import post
from capture.outbox.worker import Worker
from capture.store import outbox
from obverse.cli import main
from tests.capture.house import NOW, SETTINGS, write_release
from tests.capture.outbox_room import STILL, house_on, page, staff, submit, tell
from tests.capture.receivers import Receiver, receiver
from tests.capture.test_outbox_webhook import ADDRESS, SECRET, row


def post_to(to: Receiver, whole: float = 15.0, now: datetime | None = None) -> Outcome:
    return post(row(to.url), SECRET, ADDRESS, now or datetime.now(UTC), whole=whole)


def states(house: House) -> list[str]:
    with house.database.read() as connection:
        rows = outbox.deliveries(connection, outbox.STATES)
    return sorted(one.state for one in rows if one.kind == "notify")


def posts(worker: Worker, hook: Receiver, now: datetime) -> int:
    """How many posts a round makes to that receiver; what is told elsewhere of a broken channel is another case."""
    before = len(hook.taken)
    worker.step(now)
    return len(hook.taken) - before


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((200, "sent"), (204, "sent"), (299, "sent"), (301, "later"), (307, "later"), (400, "later")),
        *((404, "later"), (410, "stopped"), (429, "later"), (500, "later"), (503, "later")),
    ],
)
def test_every_status_has_its_meaning(status: int, state: str) -> None:
    with receiver(status=status) as one:
        one.headers = {"Location": f"{one.address}/elsewhere", "Content-Length": "0" if status == 204 else "2"}
        outcome = post_to(one)
    assert outcome.state == state
    assert [taken.path for taken in one.taken] == ["/hook?of=site"]  # nothing was followed
    assert state == "sent" or outcome.cause == f"HTTP {status}"


@pytest.mark.parametrize(
    ("manner", "error"),
    [("stall", "the receiver did not answer in time"), ("drop", "the receiver cannot be reached, or broke off")],
)
def test_no_answer_is_tried_again(manner: str, error: str) -> None:
    with receiver(manner=manner) as one:
        outcome = post_to(one, whole=0.3)
    assert (outcome.state, outcome.error[: len(error)]) == ("later", error)


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [
        (429, "120", timedelta(minutes=2)),
        (502, "120", timedelta(minutes=2)),
        (503, "120", timedelta(minutes=2)),
        (504, "120", timedelta(minutes=2)),
        (500, "120", timedelta()),
        (429, "-5", timedelta()),
        (429, "soon", timedelta()),
        (429, "²", timedelta()),
        (429, "9" * 400, timedelta(seconds=10**6)),
        (429, "", timedelta()),
    ],
)
def test_retry_after_is_heard(status: int, asked: str, wait: timedelta) -> None:
    with receiver(status=status, headers={"Retry-After": asked}) as one:
        assert post_to(one).wait == wait


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    for minutes, wait in ((30, timedelta(minutes=30)), (-30, timedelta())):
        date = format_datetime(now + timedelta(minutes=minutes), usegmt=True)
        with receiver(status=503, headers={"Retry-After": date}) as one:
            assert post_to(one, now=now).wait == wait


def test_who_asks_to_be_left_alone_is_by_all_that_waits(database_url: str, tmp_path: Path) -> None:
    with receiver(status=429, headers={"Retry-After": "7200"}) as hook, house_on(tmp_path, database_url) as house:
        for _ in range(3):
            tell(house, webhook=hook.url)
        worker, quiet = Worker(house, STILL), timedelta(hours=2)
        assert posts(worker, hook, NOW) == 1  # the two others are not tried: it would say the same
        assert posts(worker, hook, NOW + quiet - timedelta(seconds=1)) == 0
        hook.status = 200
        assert posts(worker, hook, NOW + quiet) == 3
        assert states(house) == ["sent"] * 3


def test_nobody_may_ask_for_more_than_a_day(sqlite_url: str, tmp_path: Path) -> None:
    with receiver(status=503, headers={"Retry-After": "864000"}) as hook, house_on(tmp_path, sqlite_url) as house:
        tell(house, webhook=hook.url)
        worker = Worker(house, STILL)
        waits = (timedelta(), LONGEST - timedelta(seconds=1), LONGEST)
        assert [posts(worker, hook, NOW + wait) for wait in waits] == [1, 0, 1]


def test_410_stops_the_endpoint_until_somebody_lets_it_go_on(database_url: str, tmp_path: Path) -> None:
    with receiver(status=410) as hook, house_on(tmp_path, database_url) as house:
        for _ in range(3):
            tell(house, webhook=hook.url)
        tell(house, webhook=f"{hook.address}/other")
        worker = Worker(house, STILL)
        assert posts(worker, hook, NOW) == 2
        assert sorted(one.path for one in hook.taken) == ["/hook?of=site", "/other"]  # once each, not once a row
        assert states(house) == ["stopped"] * 4
        assert posts(worker, hook, NOW + timedelta(days=9)) == 0
        desk = staff(house)
        shown = page(desk, "/inbox/deliveries")
        assert "Stopped by the receiver" in shown
        assert "the receiver said 410" in shown
        assert '<span class="alarm">4<' in shown
        hook.status = 200
        with house.database.read() as connection:
            stopped = [one for one in outbox.deliveries(connection, ("stopped",)) if one.target == hook.url]
        assert submit(desk, f"/inbox/deliveries/{stopped[0].id}/replay").endswith("done=replay")
        assert posts(worker, hook, NOW) == 3  # one press lets all of that receiver go on, and no other's
        assert states(house) == ["sent", "sent", "sent", "stopped"]


def test_what_was_stopped_goes_on_to_the_address_that_is_set_then(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver(status=410) as old, receiver() as new, house_on(tmp_path, sqlite_url) as house:
        tell(house, webhook=old.url)
        worker = Worker(house, STILL)
        worker.step(NOW)
        write_release(tmp_path / "release", settings=replace(SETTINGS, webhook=new.url))
        house.releases._looked = None  # as if a second had passed
        tell(house, webhook=new.url)
        assert posts(worker, new, NOW + timedelta(hours=1)) == 1  # another address was not stopped
        assert main(["outbox", "resume", "--root", str(tmp_path)]) == 0
        assert "1 that their receiver had stopped go on" in capsys.readouterr().out
        assert posts(worker, new, datetime.now(UTC) + timedelta(days=1)) == 1
        assert (len(old.taken), len(new.taken)) == (1, 2)
        assert states(house) == ["sent", "sent"]
