"""Case 2: a power cut at any moment. Who was thanked by then is there afterwards, in a database that is whole.

The disk is rebuilt as of each sync (`tests/capture/powercut.py`): strictly, with nothing that was not synced, and by
luck, with some of what was written since. The same story without one of the syncs loses inquiries, so the model sees.
"""

import json
import os
import random
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from capture.app import create_app
from capture.house import House
from capture.setup import Secrets
from capture.spool import ingest
from capture.store.database import FILE, Unavailable
from capture.store.saving import thanked
from tests.capture.house import KEY, a_house
from tests.capture.powercut import Disk, Image, recorded, restored


@dataclass
class Story:
    """What happened: who was thanked, and what a cut would have left at each moment, with how many thanked by then."""

    disk: Disk
    thanked: list[str] = field(default_factory=list)
    cuts: list[tuple[int, Image]] = field(default_factory=list)
    luck: random.Random = field(default_factory=lambda: random.Random(2))

    def begin(self) -> None:
        self.disk.before = lambda: self.cut(self.luck)
        self.disk.after = self.cut

    def cut(self, luck: random.Random | None = None) -> None:
        self.cuts.append((len(self.thanked), self.disk.image(luck)))

    def lost(self, folder: Path) -> set[str]:
        """Who was thanked and is not there after some cut. Whatever is found is whole."""
        lost: set[str] = set()
        for number, (count, image) in enumerate(self.cuts):
            lost |= set(self.thanked[:count]) - receipts(restored(image, folder / str(number)) / "var")
        return lost


def receipts(folder: Path) -> set[str]:
    """All that can be thanked for, in the database and the spool."""
    found = {json.loads(one.read_bytes() or "{}").get("submission", {}).get("receipt") for one in spooled(folder)}
    if not (folder / FILE).exists():
        return found
    with closing(sqlite3.connect(folder / FILE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if "submissions" in tables:
            found |= {one for (one,) in connection.execute("SELECT receipt FROM submissions")}
    return found


def spooled(folder: Path) -> list[Path]:
    return [one for one in (folder / "spool").glob("*.json") if not one.name.startswith(".")]


def live(root: Path, fault: Callable[[House], None] = lambda _: None) -> Story:
    """A first start, visitors, checkpoints, a database that is locked for a while, and visitors again."""
    root.mkdir()
    story = Story(Disk(root))
    with recorded(story.disk), a_house(root, secrets=Secrets(key=KEY)) as house:
        fault(house)
        story.begin()
        browser = create_app(house).test_client()

        def send(count: int) -> None:
            for number in range(count):
                given = {"name": "Ann", "email": f"ann{number % 3}@example.org", "message": str(len(story.thanked))}
                answer = browser.post("/_ob/f/contact", data=given)
                assert answer.status_code == 303
                story.thanked.append(answer.headers["Location"].rpartition("/")[2])
                story.cut()

        with house.database.write() as connection:
            connection.exec_driver_sql("PRAGMA wal_autocheckpoint=60")
        send(8)
        with locked(house):
            send(4)
        assert len(spooled(house.setup.folder)) == 4
        assert ingest(house) == 4
        send(4)
    story.cut()
    return story


@contextmanager
def locked(house: House) -> Iterator[None]:
    """Nobody can write to the database meanwhile."""

    def away(*_: Any) -> None:
        raise Unavailable("locked")

    write = type(house.database).write
    type(house.database).write = away  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        type(house.database).write = write  # type: ignore[method-assign]


def test_case_02_who_was_thanked_is_there_after_a_power_cut_at_any_moment(tmp_path: Path) -> None:
    story = live(tmp_path / "root")
    assert len(story.thanked) == 16
    assert len(story.cuts) > 60
    assert story.lost(tmp_path / "found") == set()
    # What the program itself makes of the last disk: it starts, takes in the spool, and thanks everybody.
    last = restored(story.cuts[-1][1], tmp_path / "last")
    with a_house(last, secrets=Secrets(key=KEY)) as house:
        ingest(house)
        with house.database.read() as connection:
            assert all(thanked(connection, one) for one in story.thanked)


def normal(house: House) -> None:
    """Commits that are not synced: what many an application does with WAL."""
    engine = house.database._engine
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=NORMAL").close())
    house.database.close()


@dataclass
class Without:
    """The module `os`, whose `fsync` leaves out files, or folders."""

    left_out: Callable[[int], bool]

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        if not self.left_out(os.fstat(descriptor).st_mode):
            os.fsync(descriptor)


def test_case_02_the_model_sees_commits_that_are_not_synced(tmp_path: Path) -> None:
    assert live(tmp_path / "root", normal).lost(tmp_path / "found")


@pytest.mark.parametrize("left_out", [stat.S_ISREG, stat.S_ISDIR], ids=["file", "folder"])
def test_case_02_the_model_sees_a_spool_that_is_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: Callable[[int], bool]
) -> None:
    def fault(_house: House) -> None:
        monkeypatch.setattr("capture.files.os", Without(left_out))

    assert live(tmp_path / "root", fault).lost(tmp_path / "found")
