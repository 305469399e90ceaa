"""Case 20: a migration is killed half way: the next start finishes it. An older program refuses a newer database."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.store import migrations
from capture.store.database import Database
from capture.store.migrations import TooNew, upgrade
from tests.capture.test_store_migrations import differences, named, opened, revision


def test_case_20_an_older_program_refuses_a_newer_database(empty_url: str, tmp_path: Path) -> None:
    with opened(empty_url, tmp_path) as database:
        upgrade(database)
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(TooNew, match=r"of a newer Obverse \(revision 9999\)"):
            upgrade(database)
        assert revision(database) == "9999"


def killed_after(url: str, folder: Path, count: int) -> bool:
    """Upgrade in a child that is killed right after its statement of that number; whether there was one."""
    child = os.fork()
    if child == 0:
        _upgrade_and_die(url, folder, count)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def _upgrade_and_die(url: str, folder: Path, count: int) -> None:
    """In the child. Only statements that change anything count: between the others nothing can be half done."""
    left = count
    try:
        database = Database.open(url, folder)

        @sa.event.listens_for(database._engine, "after_cursor_execute")
        def _executed(*given: object) -> None:
            nonlocal left
            left -= str(given[2]).lstrip().startswith(("CREATE", "INSERT", "UPDATE"))
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        upgrade(database)
        os._exit(0)
    finally:
        os._exit(1)


def test_case_20_killed_after_any_statement_the_next_start_finishes(empty_url: str, tmp_path: Path) -> None:
    """What a killed start leaves is what it found, or one revision more; so all kills can happen to one database."""
    states: list[tuple[str | None, int]] = []
    count = 1
    while killed_after(empty_url, tmp_path, count):
        with opened(empty_url, tmp_path) as database:
            state = (revision(database), len(named(database)))
        count = count + 1 if state in [*states[-1:], (None, 0)] else 2
        states.append(state)
    with opened(empty_url, tmp_path) as database:
        assert differences(database) == []
    # Each revision was killed in at every one of its statements, and left nothing of the one that it was making.
    known = sorted(path.name[:4] for path in (Path(migrations.__file__).parent / "versions").glob("0*.py"))
    found = Counter(states)
    assert [number for number, _ in found] == [None, *known[:-1]]
    assert (found[None, 0] > 20, min(found.values()) > 2) == (True, True)
