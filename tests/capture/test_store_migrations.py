"""Migrations: the same tables as the program's, in both databases, whatever kills them half way."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from capture.store import channels, outbox
from capture.store.database import Database
from capture.store.migrations import upgrade
from capture.store.saving import save
from capture.store.tables import metadata
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens

ROOT = Path(__file__).parents[2]


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Database]:
    database = Database.open(url, folder)
    try:
        yield database
    finally:
        database.close()


def differences(database: Database) -> list:
    with database.read() as connection:
        options = {"compare_type": True, "compare_server_default": default_differs}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def default_differs(*given: Any) -> bool | None:
    """SQLite's empty text, which alembic reads as ('') and writes as nothing. None leaves the judgement to alembic."""
    inspected, metadata_default, rendered = given[3:]
    both_empty = inspected == "('')" and rendered == "" and metadata_default is not None
    return False if both_empty else None


def revision(database: Database) -> str | None:
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def named(database: Database) -> set[str]:
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_migrations_make_the_tables_of_the_program(empty_url: str, tmp_path: Path) -> None:
    with opened(empty_url, tmp_path) as database:
        assert named(database) == set()
        upgrade(database)
        assert named(database) == set(metadata.tables)
        assert differences(database) == []
        upgrade(database)
        assert revision(database) == "0010"


def test_a_difference_would_be_seen(empty_url: str, tmp_path: Path) -> None:
    with opened(empty_url, tmp_path) as database:
        upgrade(database)
        with database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE links ADD COLUMN more TEXT")
            connection.exec_driver_sql("DROP INDEX ix_events_inquiry")
        assert [one[0] for one in differences(database)] == ["add_index", "remove_column"]


def test_a_database_that_is_there_is_not_locked(database: Database, database_url: str, tmp_path: Path) -> None:
    with opened(database_url, tmp_path) as other, other.write():
        upgrade(database)


START = """
import sys
from pathlib import Path
from capture.store.database import Database
from capture.store.migrations import upgrade

database = Database.open(sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
upgrade(database)
database.close()
"""


def test_two_processes_may_start_at_once(empty_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, empty_url, tmp_path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    starting = [subprocess.Popen(command, text=True, cwd=ROOT, **pipes) for _ in range(3)]
    for one in starting:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in starting:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[1] for one in starting]
    assert [one.returncode for one in starting] == [0, 0, 0], said
    with opened(empty_url, tmp_path) as database:
        assert differences(database) == []


def test_what_was_sent_before_is_known_of_each_channel(empty_url: str, tmp_path: Path) -> None:
    with opened(empty_url, tmp_path) as database:
        upgrade(database)
        with database.write() as connection:
            submission = make_submission()
            save(connection, submission, [make_outgoing("a"), make_outgoing("b")], tokens("early"))
            [first, second] = outbox.deliveries(connection)
            outbox.sent(connection, first.id, NOW)
            outbox.sent(connection, second.id, NOW + timedelta(hours=1))
            for later in ("channels", "notices", "consents", "audit"):
                connection.exec_driver_sql(f"DROP TABLE {later}")
            inquiries = [f"inquiries_{one}" for one in ("listed", "canary", "page_received_at")]
            for later in (*inquiries, "submissions_follows", "receipts_submission"):
                connection.exec_driver_sql(f"DROP INDEX ix_{later}")
            for earlier in ("page", "waiting_since"):
                connection.exec_driver_sql(f"CREATE INDEX ix_inquiries_{earlier} ON inquiries ({earlier})")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
        upgrade(database)
        with database.read() as connection:
            assert channels.states(connection) == (channels.Channel("mail", sent_at=NOW + timedelta(hours=1)),)


def test_what_told_of_a_broken_channel_belongs_to_no_inquiry_any_more(empty_url: str, tmp_path: Path) -> None:
    with opened(empty_url, tmp_path) as database:
        upgrade(database)
        with database.write() as connection:
            save(connection, make_submission(), [make_outgoing("a"), make_outgoing("b")], tokens("early"))
            connection.exec_driver_sql("UPDATE outbox SET kind = 'outage' WHERE target = 'b'")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
        upgrade(database)
        with database.read() as connection:
            assert {one.target: bool(one.inquiry) for one in outbox.deliveries(connection)} == {"a": True, "b": False}
