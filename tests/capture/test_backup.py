"""Backups: whole while forms come in, proven when made, rotated; and restored, or found to be no good."""

from __future__ import annotations

import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from capture.backup import archive, pause, rotation
from capture.backup.archive import Broken
from capture.backup.occupancy import UNFINISHED, Occupied, within
from capture.files import put
from capture.outbox.backoff import SENT
from capture.outbox.worker import Channels, Worker
from capture.run.nightly import Nightly, last_night
from capture.spool import keep
from capture.store.database import FILE
from obverse.cli import main
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import a_house
from tests.capture.running import let_in, make_root, running
from tests.capture.samples import make_outgoing, make_submission
from tests.serving import until

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site that has three inquiries, one more in the spool, an upload and a secret."""
    made = make_root(tmp_path / "site")
    with a_house(made) as house:
        for _ in range(3):
            receipt_of(post(visitor(house), **key()))
        keep(house.spool, make_submission(), [make_outgoing()])
        put(made / "var" / "uploads" / "ab" / "cd.bin", b"a file")
    return made


def only(folder: Path) -> Path:
    (found,) = rotation.backups(folder)
    return found


def contents(file: Path) -> set[str]:
    with tarfile.open(file) as tar:
        return set(tar.getnames())


def receipts(root: Path) -> list[str]:
    with a_house(root) as house:
        return [receipt for (receipt,) in stored(house)]


# Making them


def test_a_backup_holds_all_of_the_house(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--root", str(root)]) == 0
    file = only(root / "var" / "backups")
    assert f"{file}: 3 inquiries," in capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    names = contents(file)
    assert {"manifest.json", FILE, "secrets.toml", "uploads/ab/cd.bin"} <= names
    assert sum(name.startswith("spool/") for name in names) == 1
    assert any(name.startswith("releases/") for name in names)
    assert not any("backups" in name or name.endswith(("-wal", "-shm")) for name in names)
    assert [path.name for path in (root / "var").glob(".backup*")] == []


def test_secrets_can_be_left_out(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.tar.gz"
    assert main(["backup", str(target), "--root", str(root), "--without-secrets"]) == 0
    assert "secrets.toml" not in contents(target)


def test_where_there_is_no_house_there_is_nothing_to_back_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "obverse.toml").write_text('[site]\ntitle = "New"\n')
    assert main(["backup", "--root", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "there is no var/" in told
    assert "[no-house]" in told


def test_a_database_that_is_broken_makes_no_backup(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "var" / FILE).write_bytes(b"noise" * 3000)
    assert main(["backup", "--root", str(root)]) == 1
    assert "the database cannot be" in capsys.readouterr().err
    assert rotation.backups(root / "var" / "backups") == []


def test_a_full_disk_leaves_no_half_backup(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("capture.backup.archive.os.fsync", full)
    assert main(["backup", "--root", str(root)]) == 1
    assert list((root / "var" / "backups").iterdir()) == []


# Rotation


def names(*moments: datetime) -> list[str]:
    return [rotation.name_at(moment) for moment in moments]


def test_the_newest_of_each_day_and_week_stays() -> None:
    every = [NOW - timedelta(hours=8 * number) for number in range(3 * 80)]  # three a day, eighty days
    gone = set(rotation.superfluous(names(*every), days=7, weeks=5))
    left = sorted(set(names(*every)) - gone, reverse=True)
    days = {name[8:16] for name in left}
    assert len(left) == len(days)
    assert left[:7] == names(*(NOW.replace(hour=18) - timedelta(days=day) if day else NOW for day in range(7)))
    weeks = {f"{moment:%G-%V}" for name in left if (moment := rotation.moment_of(name))}
    assert len(weeks) == 5


def test_a_machine_that_was_off_keeps_what_it_has() -> None:
    old = [NOW - timedelta(days=200 + day) for day in range(3)]
    assert rotation.superfluous(names(NOW, *old), days=7) == []


def test_what_is_no_backup_of_ours_is_left(root: Path) -> None:
    folder = root / "var" / "backups"
    folder.mkdir()
    for name in ("holiday.tar.gz", "obverse-1.tar.gz", *names(*(NOW - timedelta(days=day) for day in range(60)))):
        (folder / name).write_bytes(b"")
    assert main(["backup", "--root", str(root), "--days", "2"]) == 0
    left = {path.name for path in folder.iterdir()}
    assert {"holiday.tar.gz", "obverse-1.tar.gz"} <= left
    assert len(left) <= 2 + 2 + 5


# Restoring


def files_of(folder: Path) -> dict[Path, int]:
    """What lies there and when it was written last; the database, whose audit log says what was done, apart."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if not path.name.startswith("obverse.db")}


def test_a_drill_touches_nothing_but_the_audit_log(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["backup", "--root", str(root)])
    before, counts = files_of(root / "var"), archive.counted(root / "var" / "obverse.db")
    assert main(["restore", str(only(root / "var" / "backups")), "--drill", "--root", str(root)]) == 0
    assert "can be restored: 3 inquiries" in capsys.readouterr().out
    assert files_of(root / "var") == before
    after = archive.counted(root / "var" / "obverse.db")
    assert after == {**counts, "audit": counts["audit"] + 1}


def test_a_restore_brings_back_what_was_and_loses_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["backup", "--root", str(root)])
    before = receipts(root)
    with a_house(root) as house:
        receipt_of(post(visitor(house), **key()))
    assert main(["restore", str(only(root / "var" / "backups")), "--root", str(root)]) == 0
    assert receipts(root) == before
    assert (root / "var" / "uploads" / "ab" / "cd.bin").read_bytes() == b"a file"
    (aside,) = (root / "var").glob("before-restore-*")
    assert (aside / FILE).is_file()
    assert "what was there is in" in capsys.readouterr().out
    assert not (root / "var" / UNFINISHED).exists()


def test_after_a_restore_nothing_is_sent_until_somebody_says_so(root: Path) -> None:
    """What waited when the backup was made may have been sent since."""
    main(["backup", "--root", str(root)])
    main(["restore", str(only(root / "var" / "backups")), "--root", str(root)])
    tried: list[str] = []
    with a_house(root) as house:
        worker = Worker(house, Channels(send=lambda *_: tried.append("mail") or SENT))
        assert worker.step(NOW) == 0
        assert len(stored(house)) == 4, "the spool is stored even so"
        assert main(["outbox", "resume", "--root", str(root)]) == 0
        assert worker.step(NOW) == len(tried) == 4
    assert not pause.paused(root / "var")


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _noise(data: bytes) -> bytes:
    return data[:200] + b"\xff" * 50 + data[250:]


@pytest.mark.parametrize("harm", [_cut, _noise, lambda _: b"", lambda _: b"no archive"])
def test_a_damaged_backup_is_told_and_restores_nothing(
    root: Path, harm: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["backup", "--root", str(root)])
    file = only(root / "var" / "backups")
    file.write_bytes(harm(file.read_bytes()))
    for more in ([], ["--drill"]):
        assert main(["restore", str(file), "--root", str(root), *more]) == 1
        assert "[backup]" in capsys.readouterr().err
    assert len(receipts(root)) == 3
    assert not pause.paused(root / "var")


def test_a_backup_that_lost_a_row_is_no_good(root: Path, tmp_path: Path) -> None:
    """Its bytes are whole, so only counting tells."""
    target = tmp_path / "copy.tar.gz"
    manifest = archive.write(root / "var", target, NOW)
    lied = {**manifest.rows, "submissions": 4}
    rows = manifest.__class__(manifest.format, manifest.made_at, manifest.files, lied)
    copy = tmp_path / "lied.tar.gz"
    with tarfile.open(target) as old, tarfile.open(copy, "w:gz") as new:
        import json

        for member in old:
            data = old.extractfile(member)
            assert data
            content = data.read()
            if member.name == "manifest.json":
                content = json.dumps({name: getattr(rows, name) for name in rows.__slots__}).encode()
                member.size = len(content)
            new.addfile(member, BytesIO(content))
    with pytest.raises(Broken, match="not as many rows"), archive.opened(copy, tmp_path / "place"):
        pytest.fail("it was taken for whole")


def test_nothing_is_unpacked_outside_its_folder(tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as tar:
        manifest = b'{"format": 1, "made_at": "", "files": {"../out.txt": "0"}, "rows": {}}'
        for name, data in (("manifest.json", manifest), ("../out.txt", b"out"), ("more.txt", b"more")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, BytesIO(data))
    with pytest.raises(Broken), archive.opened(evil, tmp_path / "place"):
        pytest.fail("it was taken for whole")
    assert not (tmp_path / "out.txt").exists()


def test_while_somebody_works_in_it_nothing_is_restored(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["backup", "--root", str(root)])
    with within(root / "var"):
        assert main(["restore", str(only(root / "var" / "backups")), "--root", str(root)]) == 1
        told = capsys.readouterr().err
        assert "[in-use]" in told
        assert "end `obverse run` first" in told
        with within(root / "var"), pytest.raises(Occupied), within(root / "var", alone=True):
            pytest.fail("two are in it")


def test_a_running_house_is_somebody(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    with running(root) as one:
        assert main(["backup", "--root", str(root)]) == 0
        assert main(["restore", str(only(root / "var" / "backups")), "--root", str(root)]) == 1
        assert one.send().status == 303


KILLED = """
import os, signal, sys
from pathlib import Path
from capture.backup import command
left, replace = int(sys.argv[3]), os.replace
def dying(*given):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(*given)
os.replace = dying
sys.exit(command.restore(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.parametrize("steps", range(2, 9, 2))
def test_a_restore_that_is_killed_can_be_done_again(root: Path, steps: int) -> None:
    """And until then nobody starts with data that are neither the old nor the new ones."""
    main(["backup", "--root", str(root)])
    before, file = receipts(root), only(root / "var" / "backups")
    done = subprocess.run([sys.executable, "-c", KILLED, root, file, str(steps)], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    unfinished = (root / "var" / UNFINISHED).exists()
    start = subprocess.run(
        [sys.executable, "-m", "obverse", "run", "--root", root, "--no-build", "--port", "1"],
        capture_output=True,
        text=True,
    )
    assert start.returncode == 1
    assert ("restore-unfinished" in start.stderr) is unfinished
    assert main(["restore", str(file), "--root", str(root)]) == 0
    assert receipts(root) == before
    assert list((root / "var").glob("before-restore-*/obverse.db")), "what was there is still there"


# Every night


def test_what_is_due_at_night_is_done_once_and_told(tmp_path: Path) -> None:
    told: list[dict[str, object]] = []

    class Log:
        def tell(self, kind: str, **facts: object) -> None:
            told.append({"kind": kind, **facts})

    python = (sys.executable, "-c")
    commands = {"good": (*python, "print('all of it')"), "bad": (*python, "raise SystemExit(3)")}
    nightly = Nightly(commands, Log(), lambda: NOW)  # type: ignore[arg-type]
    for name, given in commands.items():
        nightly._do(name, given)
    assert told == [
        {"kind": "note", "message": "good every night: done", "said": "all of it"},
        {"kind": "fault", "message": "bad every night: failed", "said": ""},
    ]
    assert last_night(NOW) == NOW.replace(hour=3)
    assert last_night(NOW.replace(hour=2)) == NOW.replace(hour=3) - timedelta(days=1)


def test_a_thread_of_the_night_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.run.nightly.LOOK", 0.01)
    clock = iter([NOW, NOW, *(NOW + timedelta(days=1) for _ in range(10_000))])
    nightly = Nightly({"slow": (sys.executable, "-c", "import time; time.sleep(60)")}, _Quiet(), lambda: next(clock))  # type: ignore[arg-type]
    nightly.start()
    until(lambda: nightly._child is not None)
    assert nightly.stop(10)


class _Quiet:
    def tell(self, _kind: str, **_facts: object) -> None:
        return
