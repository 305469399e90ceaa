"""Case 29: a second route that stores without judgement. Every public route that takes a body is listed, and passes the
one gate; a new one fails here until somebody has thought of it. Posts to the links of a consent store nothing that
anybody wrote: they are counted there too, see `test_buttons_are_counted_where_forms_are`."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture.app import create_app
from capture.store.tables import inquiries
from obverse.forms.html import TRAP
from tests.capture.house import a_house, no_sync

__all__ = ["no_sync"]

PUBLIC = {"/_ob/f/<name>", "/_ob/c/<token>", "/_ob/u/<token>"}
STAFF = ("/inbox/",)
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}

SENT = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?", TRAP: "x"}


def test_visitors_have_one_route_to_store_by_and_two_to_press_buttons_at(
    tmp_path: Path, sqlite_url: str, no_sync: None
) -> None:
    with a_house(tmp_path, sqlite_url) as house:
        rules = create_app(house).url_map.iter_rules()
        taking = {one.rule for one in rules if CHANGING & set(one.methods or ()) and not one.rule.startswith(STAFF)}
    assert taking == PUBLIC


@pytest.mark.parametrize("kind", ["urlencoded", "multipart", "json"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_body_and_answer_passes_judgement(
    kind: str, accept: str, tmp_path: Path, sqlite_url: str, no_sync: None
) -> None:
    given: dict[str, dict[str, Any]] = {"json": {"json": SENT}, "urlencoded": {"data": SENT}}
    given["multipart"] = {"data": SENT, "content_type": "multipart/form-data"}
    with a_house(tmp_path, sqlite_url) as house:
        create_app(house).test_client().post("/_ob/f/contact", headers={"Accept": accept}, **given[kind])
        with house.database.read() as connection:
            assert connection.execute(sa.select(inquiries.c.held_reasons)).scalars().all() == ["trap"]
