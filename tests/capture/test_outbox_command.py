"""`obverse outbox` at the command line: what was given up or lost goes again, and mistakes are said."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture.house import House
from capture.outbox.worker import Worker
from obverse.cli import main
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, house_on, table, tell
from tests.capture.receivers import Receiver


@pytest.fixture
def told(sqlite_url: str, tmp_path: Path, hook: Receiver) -> Iterator[House]:
    """A house that has told a receiver of one inquiry."""
    with house_on(tmp_path, sqlite_url) as house:
        tell(house, webhook=hook.url)
        assert Worker(house, STILL).step(NOW) == 1
        yield house


def outbox(root: Path, *given: str) -> int:
    return main(["outbox", *given, "--root", str(root)])


def test_one_is_sent_again_under_its_id(told: House, hook: Receiver, tmp_path: Path) -> None:
    [row] = table(told).values()
    assert outbox(tmp_path, "replay", row.id) == 0
    assert Worker(told, STILL).step(NOW + timedelta(days=9000)) == 1
    assert [one.headers["webhook-id"] for one in hook.taken] == [row.id, row.id]


def test_a_range_of_days_is_sent_again(
    told: House, hook: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = f"{NOW:%Y-%m-%d}"
    for given, rows in (
        (("--from", day), 0),  # it was sent, not given up
        (("--from", day, "--channel", "mail", "--sent"), 0),
        (("--to", f"{NOW - timedelta(days=1):%Y-%m-%d}", "--sent"), 0),
        (("--from", f"{day}T10:00:01", "--sent"), 0),
        (("--from", day, "--to", day, "--channel", "webhook", "--sent"), 1),
    ):
        assert outbox(tmp_path, "replay", *given) == 0
        assert capsys.readouterr().out == f"{rows} are sent again\n"
    assert Worker(told, STILL).step(NOW + timedelta(days=9000)) == 1
    assert len({one.headers["webhook-id"] for one in hook.taken}) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "give the id of one, or a time with --from and --to"),
        (("0" * 32, "--from", "2026-11-23"), "give the id of one, or a time with --from and --to"),
        (("0" * 32,), "nothing in the outbox has the id"),
        (("--from", "yesterday"), "'yesterday' is no day and no time"),
    ],
)
@pytest.mark.usefixtures("told")
def test_mistakes_are_said(
    tmp_path: Path, given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outbox(tmp_path, "replay", *given) == 1
    assert said in capsys.readouterr().err


def test_with_nothing_stopped_and_nothing_there_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outbox(tmp_path, "resume") == 0
    assert "nothing had been stopped" in capsys.readouterr().out
