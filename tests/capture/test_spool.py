import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture.house import House
from capture.model import Consent, Verdict
from capture.spool import find, ingest, keep
from capture.store.database import Refused, Unavailable
from capture.store.saving import save, thanked
from capture.store.tables import events, inquiries, outbox, submissions
from tests.capture.house import Clock, a_house
from tests.capture.samples import make_outgoing, make_submission


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house(tmp_path, database_url) as house:
        yield house


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with a_house(tmp_path, sqlite_url) as house:
        yield house


def count(house: House, table: sa.Table = submissions) -> int:
    with house.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def waiting(house: House) -> list[Path]:
    return sorted(house.spool.glob("*.json"))


FULL: dict[str, Any] = {
    "instance": "i" * 20,
    "values": {"name": "Ann", "email": "ann@example.org", "many": ("a", "b"), "n": 1.5, "yes": True, "none": None},
    "extra": {"utm": ("spring", "\u202e<b>")},
    "labels": (("name", "Your name"), ("many", "Many")),
    "consents": (Consent("news", "I agree.", given=True),),
    "verdict": Verdict(("trap",)),
}


def test_what_is_kept_is_what_comes_back(tmp_path: Path) -> None:
    submission = make_submission(**FULL)
    keep(tmp_path, submission, [make_outgoing()])
    assert find(tmp_path, submission.receipt) == submission
    assert find(tmp_path, "0" * 32) is None
    assert find(tmp_path / "nowhere", submission.receipt) is None


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    keep(tmp_path / "spool", make_submission(), [])
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    (path,) = (tmp_path / "spool").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_on_the_disk_before_anyone_is_thanked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("sync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "sync file")
        sync(descriptor)

    def renamed(part: Path, path: Path) -> None:
        done.append("rename")
        rename(part, path)

    monkeypatch.setattr("capture.files.os.fsync", synced)
    monkeypatch.setattr("capture.files.os.replace", renamed)
    keep(tmp_path, make_submission(), [])
    assert done == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize("fault", ["os.fsync", "os.replace"])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"capture.files.{fault}", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path, make_submission(), [])
    assert list(tmp_path.iterdir()) == []


def test_the_spool_is_stored_in_order(house: House) -> None:
    clock = house.now
    assert isinstance(clock, Clock)
    made = []
    for number in range(3):
        clock.move(seconds=1)
        made.append(make_submission(received_at=clock(), values={"message": str(number)}))
    for one in reversed(made):
        keep(house.spool, one, [make_outgoing()])
    woken: list[int] = []
    object.__setattr__(house, "wake", lambda: woken.append(1))
    assert ingest(house) == 3
    assert waiting(house) == []
    assert woken == [1]
    with house.database.read() as connection:
        kept = connection.execute(sa.select(events.c.subject).order_by(events.c.id)).scalars().all()
    assert kept == [one.id for one in made]
    assert count(house, outbox) == 3
    assert ingest(house) == 0
    assert woken == [1]


def test_what_was_stored_already_is_stored_once(house: House) -> None:
    """The process died, or the connection broke, between the commit and the answer."""
    submission = make_submission(instance="i" * 20)
    with house.database.write() as connection:
        save(connection, submission, [make_outgoing()], house.token)
    keep(house.spool, submission, [make_outgoing()])
    assert ingest(house) == 1
    assert count(house) == count(house, inquiries) == count(house, outbox) == 1


def test_dying_after_the_commit_stores_it_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = make_submission()
    keep(house.spool, submission, [make_outgoing()])
    with monkeypatch.context() as dying:
        dying.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest(house)
    assert len(waiting(house)) == 1
    assert ingest(house) == 1
    assert count(house) == count(house, outbox) == 1
    with house.database.read() as connection:
        assert thanked(connection, submission.receipt) is not None


def test_a_database_that_is_away_leaves_all_in_place(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        keep(desk.spool, make_submission(values={"message": str(number)}), [])
    left = iter([True, False])
    write = type(desk.database).write

    def failing(database: Any) -> Any:
        if next(left):
            return write(database)
        raise Unavailable("away")

    with monkeypatch.context() as away:
        away.setattr(type(desk.database), "write", failing)
        assert ingest(desk) == 1
    assert len(waiting(desk)) == 1
    assert ingest(desk) == 1
    assert count(desk) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"submission": {}}', "\0", '{"submission": 1, "outgoing": []}'])
def test_what_cannot_be_read_is_put_aside_and_told(desk: House, text: str, caplog: pytest.LogCaptureFixture) -> None:
    keep(desk.spool, make_submission(), [])
    broken = desk.spool / f"2026-01-01-{'a' * 32}-{'b' * 32}.json"
    broken.write_text(text)
    assert ingest(desk) == 1, "the others are not held up"
    assert waiting(desk) == []
    assert (desk.spool / "bad" / broken.name).read_text() == text
    assert "cannot be stored" in caplog.text
    assert find(desk.spool, "b" * 32) is None


def test_what_the_database_refuses_is_put_aside(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Refused("a fault of the program")

    keep(desk.spool, make_submission(), [])
    monkeypatch.setattr("capture.spool.save", refuse)
    assert ingest(desk) == 0
    assert len(list((desk.spool / "bad").iterdir())) == 1


def test_half_written_files_are_not_looked_at(desk: House) -> None:
    desk.spool.mkdir()
    part = desk.spool / ".x.json.1.1.part"
    part.write_text("{")
    (desk.spool / ".y.json").write_text("{")
    assert ingest(desk) == 0
    assert part.exists()
    assert not (desk.spool / "bad").exists()


def test_the_order_of_names_is_that_of_time(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        clock.move(microseconds=1)
        keep(tmp_path, make_submission(received_at=clock(), values={"at": clock().isoformat()}), [])
    read = [json.loads(path.read_text())["submission"]["received_at"] for path in sorted(tmp_path.iterdir())]
    assert read == sorted(read)
