"""Any database, empty or of an older Obverse -> the tables of this one, a revision a transaction.

The revisions are in `versions/`, read by Alembic; nothing else of the program needs it. A start that is killed leaves
the last whole revision behind, and the next start goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.runtime.migration import MigrationStep, RevisionStep
from alembic.script import Script, ScriptDirectory

from capture.store.database import Database, Unavailable, lock

# How often one revision is tried while the database is locked and nobody else gets on with it.
TRIES = 3


class TooNew(Exception):  # noqa: N818 -- it names a state
    """The database was upgraded by a newer Obverse than this one. The message is a sentence."""


Tell = Callable[[sa.Connection, str], None]


def upgrade(database: Database, tell: Tell | None = None) -> None:
    """Bring the database to this program's tables. Does nothing, and locks nothing, when they are there.

    `tell` is told of each revision within its transaction. Raises TooNew, and Unavailable as every use of a database
    does. Several processes may start at once.
    """
    script = ScriptDirectory(str(Path(__file__).parent))
    tries = 0
    due = _due(script, database)
    while due:
        try:
            with database.write() as connection:
                _step(script, connection, tell)
        except Unavailable:  # SQLite's waiting is by chance: of several that start at once one may never have its turn
            tries = tries + 1 if _due(script, database) == due else 0
            if tries == TRIES:
                raise
        due = _due(script, database)


def _due(script: ScriptDirectory, database: Database) -> str:
    """The revision that is next, "" when all are there."""
    with database.read() as connection:
        following = _following(script, connection)
    return following.revision if following else ""


def _following(script: ScriptDirectory, connection: sa.Connection) -> Script | None:
    """The revision after the one the database is at, None when it is at the last."""
    at = MigrationContext.configure(connection).get_current_revision()
    revisions = list(script.walk_revisions())
    if at is not None and at not in {one.revision for one in revisions}:
        raise TooNew(f"The database is of a newer Obverse (revision {at}): update this program, or restore a backup.")
    return next((one for one in revisions if one.down_revision == at), None)


def _step(script: ScriptDirectory, connection: sa.Connection, tell: Tell | None) -> None:
    """Run the next revision, if there is one: whole, or not at all."""
    _wait_in_line(connection)
    following = _following(script, connection)
    if following is None:
        return
    steps: list[RevisionStep] = [MigrationStep.upgrade_from_script(script.revision_map, following)]
    context = MigrationContext.configure(connection, opts={"fn": lambda _revision, _context: steps})
    with Operations.context(context):
        context.run_migrations()
    if tell:
        tell(connection, following.revision)


def _wait_in_line(connection: sa.Connection) -> None:
    """Another process may be at it, and a large table takes longer than a submission may."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "lock_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
    lock(connection, "migrations")
