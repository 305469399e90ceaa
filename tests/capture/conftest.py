"""What every test of capture may ask for: a migrated database, SQLite and PostgreSQL in turn."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.store.database import FILE, Database
from tests.capture.databases import MIGRATED, Server, migrate, running_server
from tests.capture.receivers import Receiver, receiver


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    folder = tmp_path_factory.mktemp("template")
    migrate("", folder)
    return folder / FILE


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The one PostgreSQL server of this run, started when the first test asks for it."""
    with running_server() as server:
        server.execute(f"CREATE DATABASE {MIGRATED}")
        migrate(server.url(MIGRATED), server.folder)
        yield server


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh migrated SQLite database, in `tmp_path/var` as "" would be."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    shutil.copyfile(sqlite_template, folder / FILE)
    return f"sqlite:///{folder / FILE}"


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database with nothing in it. A test that alters tables takes `empty_url`."""
    yield postgres.url(MIGRATED)
    postgres.empty(MIGRATED)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh migrated database: the test runs once on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'var' / FILE}"
        return
    server: Server = request.getfixturevalue("postgres")
    name = server.make()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A fresh migrated database, opened: the test runs once on each kind."""
    database = Database.open(database_url, tmp_path / "var")
    yield database
    database.close()


@pytest.fixture
def sqlite_database(sqlite_url: str, tmp_path: Path) -> Iterator[Database]:
    """A fresh migrated SQLite database, opened: where the kind makes no difference."""
    database = Database.open(sqlite_url, tmp_path / "var")
    yield database
    database.close()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """What webhooks are posted to: it keeps what came."""
    with receiver() as one:
        yield one
