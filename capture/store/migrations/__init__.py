"""Any database, empty or of an older Obverse -> the tables of this one, a revision a transaction.

The revisions are in `versions/`, read by Alembic; nothing else of the program needs it. A start that is killed leaves
the last whole revision behind, and the next start goes on from there.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.runtime.migration import MigrationStep, RevisionStep
from alembic.script import Script, ScriptDirectory

from capture.store.database import Database, lock


class TooNew(Exception):  # noqa: N818 -- it names a state
    """The database was upgraded by a newer Obverse than this one. The message is a sentence."""


def upgrade(database: Database) -> None:
    """Bring the database to this program's tables. Does nothing, and locks nothing, when they are there.

    Raises TooNew, and Unavailable as every use of a database does. Several processes may start at once.
    """
    script = ScriptDirectory(str(Path(__file__).parent))
    with database.read() as connection:
        done = _following(script, connection) is None
    while not done:
        with database.write() as connection:
            done = not _step(script, connection)


def _following(script: ScriptDirectory, connection: sa.Connection) -> Script | None:
    """The revision after the one the database is at, None when it is at the last."""
    at = MigrationContext.configure(connection).get_current_revision()
    revisions = list(script.walk_revisions())
    if at is not None and at not in {one.revision for one in revisions}:
        raise TooNew(f"The database is of a newer Obverse (revision {at}): update this program, or restore a backup.")
    return next((one for one in revisions if one.down_revision == at), None)


def _step(script: ScriptDirectory, connection: sa.Connection) -> bool:
    """Run the next revision, if there is one: whole, or not at all."""
    _wait_in_line(connection)
    following = _following(script, connection)
    if following is None:
        return False
    steps: list[RevisionStep] = [MigrationStep.upgrade_from_script(script.revision_map, following)]
    context = MigrationContext.configure(connection, opts={"fn": lambda _revision, _context: steps})
    with Operations.context(context):
        context.run_migrations()
    return True


def _wait_in_line(connection: sa.Connection) -> None:
    """Another process may be at it, and a large table takes longer than a submission may."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "lock_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
    lock(connection, "migrations")
