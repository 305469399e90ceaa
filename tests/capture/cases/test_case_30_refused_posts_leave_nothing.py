"""Case 30: a post whose answers are wrong creates nothing: no contact, no submission, no event, nothing to tell."""

from pathlib import Path

import sqlalchemy as sa

from capture.app import create_app
from capture.store.tables import metadata
from tests.capture.house import a_house, no_sync

__all__ = ["no_sync"]


def test_every_table_is_as_it_was(tmp_path: Path, database_url: str, no_sync: None) -> None:
    with a_house(tmp_path, database_url) as house:
        client = create_app(house).test_client()
        wrong = ({"name": "Ann", "email": "x"}, {"_ob_trap": "x", "email": "ann@example.org"}, {"name": "Ann"})
        statuses = [client.post("/_ob/f/contact", data=one).status_code for one in wrong]
        assert statuses == [422, 422, 422]
        with house.database.read() as connection:
            counts = {
                name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
                for name, table in metadata.tables.items()
            }
        assert not any(counts.values()), counts
        assert list(house.spool.glob("*")) == []
