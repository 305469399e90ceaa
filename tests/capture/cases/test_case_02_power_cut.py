"""Case 2: the power goes at any moment; whatever was acknowledged by then is there when it comes back.

Killing a process proves that nobody is thanked before the commit; that the commit is on the disk it cannot prove, since
the system keeps what a dead process wrote. So the disk is modelled: `tests/capture/power.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from capture import files
from capture.house import House
from capture.model import Saved, Submission
from capture.spool import find, keep
from capture.store import database
from capture.store.database import FILE
from capture.store.line import save
from capture.store.saving import save as save_alone
from tests.capture.house import a_house
from tests.capture.power import Disk, Folders, recorded, synced
from tests.capture.samples import make_outgoing, make_submission

Acknowledged = list[tuple[int, str]]
"""(how many steps the disk had done, the receipt that was given then)."""


def person(number: int) -> Submission:
    return make_submission(instance=f"instance-{number:08}", email=f"ann{number}@example.org")


def visited(folder: Path) -> tuple[Disk, Acknowledged]:
    """A house with visitors, one after the other and then many at once; when each was acknowledged."""
    folder.mkdir(mode=0o700)
    given: Acknowledged = []

    with recorded(folder) as disk, a_house(folder.parent, f"sqlite:///{folder / FILE}") as house:

        def visit(number: int) -> None:
            brought = [(person(number), [make_outgoing()])]
            (saved,) = save(house.line, house.ready(), brought, house.token)
            assert isinstance(saved, Saved)
            given.append((len(disk.done), saved.receipt))

        for number in range(12):
            visit(number)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(visit, range(12, 60)))
    return disk, given


def lost(disk: Disk, given: Acknowledged, folder: Path, chance: Random | None = None) -> list[str]:
    """Receipts that were given and are not there, when the power goes just after one of them was given."""
    found: list[str] = []
    for at, (moment, _) in enumerate(given):
        there = receipts(put_back(disk, moment, folder / str(at), chance))
        found += [receipt for _, receipt in given[: at + 1] if receipt not in there]
    return found


def put_back(disk: Disk, moment: int, place: Path, chance: Random | None = None) -> Path:
    """The database as it is after a power cut at that moment."""
    place.mkdir(parents=True)
    for path, data in disk.after(moment, chance).items():
        if not path.endswith("-shm"):  # which is made anew
            (place / Path(path).name).write_bytes(data)
    return place / FILE


def receipts(file: Path) -> set[str]:
    try:
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return {receipt for (receipt,) in connection.execute("SELECT receipt FROM submissions")}
    except sqlite3.OperationalError:  # not even the tables had come so far
        return set()


def test_what_was_acknowledged_is_on_the_disk(tmp_path: Path) -> None:
    disk, given = visited(tmp_path / "var")
    assert len(given) == 60
    assert sum(step[0] == "sync" for step in disk.done) > 20
    assert lost(disk, given, tmp_path / "bare") == []


@pytest.mark.parametrize("seed", range(3))
def test_and_whatever_else_has_reached_the_disk_does_no_harm(tmp_path: Path, seed: int) -> None:
    disk, given = visited(tmp_path / "var")
    assert lost(disk, given, tmp_path / "some", Random(seed)) == []


def test_the_model_notices_a_commit_that_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`synchronous=NORMAL` leaves a commit in the log to be synced some time."""
    monkeypatch.setattr(database, "_PRAGMAS", ("synchronous=NORMAL", "journal_mode=WAL"))
    disk, given = visited(tmp_path / "var")
    assert len(lost(disk, given, tmp_path / "bare")) > 20


def test_what_is_not_to_last_is_on_the_disk_with_what_lasts_and_once_it_is_folded(tmp_path: Path) -> None:
    """A round of deliveries is marked without a sync; what visitors sent is synced as ever."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    moments: list[int] = []
    with recorded(folder) as disk, a_house(tmp_path, f"sqlite:///{folder / FILE}") as house:
        for number, lasting in enumerate((True, False, True, False)):
            with house.ready().write(lasting=lasting) as connection:
                save_alone(connection, person(number), [], house.token)
            moments.append(len(disk.done))
        house.database.fold_aside()
        moments.append(len(disk.done))
    there = [len(receipts(put_back(disk, moment, tmp_path / str(moment)))) for moment in moments]
    assert there == [1, 1, 3, 3, 4]


# The spool, where submissions wait while the database is away.


def spooled(house: House, folders: Folders, place: Path) -> list[str]:
    """Receipts that were given by the spool and are not found, when the power goes just after one of them was given."""
    found: list[str] = []
    given: list[str] = []
    for number in range(4):
        one = person(number)
        keep(house.spool, one, [make_outgoing()])
        given.append(one.receipt)
        there = folders.put_back(place / str(number))
        found += [receipt for receipt in given if not find(there / house.spool.name, receipt)]
    return found


def left_out(_folder: Path) -> None:
    """A step that was forgotten."""


@pytest.mark.parametrize(
    ("forgotten", "is_lost"),
    [
        (lambda _: None, False),
        (lambda patch: patch.setattr(files, "sync_folder", left_out), True),
        (lambda patch: patch.setattr(files.os, "fsync", left_out), True),
    ],
    ids=["as it is", "the folder is not synced", "nothing is synced"],
)
def test_what_the_spool_acknowledged_is_on_the_disk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forgotten: Callable[[pytest.MonkeyPatch], None],
    is_lost: bool,
) -> None:
    # What is patched last is undone first, else `os.fsync` would go on recording, for all tests that come after.
    with (
        a_house(tmp_path) as house,
        synced(house.setup.folder, monkeypatch) as folders,
        monkeypatch.context() as patch,
    ):
        assert not house.spool.exists(), "a spool that has to be made is the harder case"
        forgotten(patch)
        assert bool(spooled(house, folders, tmp_path / "after")) is is_lost
