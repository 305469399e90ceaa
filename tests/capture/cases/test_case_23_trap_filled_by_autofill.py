"""Case 23: a browser's autofill fills the honeypot: held with its reason, sales can release, everybody is told then."""

from pathlib import Path

import sqlalchemy as sa

from capture.app import create_app
from capture.house import House
from capture.inbox.sheets import reason_word
from capture.store.changes import release
from capture.store.inquiries import detail
from capture.store.known import is_known
from capture.store.tables import inquiries, outbox
from obverse.forms.html import TRAP
from tests.capture.house import a_house, no_sync
from tests.capture.samples import make_outgoing

__all__ = ["no_sync"]

SENT = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}


def test_it_is_held_with_a_sentence_and_a_release_tells_all_channels(
    tmp_path: Path, database_url: str, no_sync: None
) -> None:
    with a_house(tmp_path, database_url) as house:
        sent = create_app(house).test_client().post("/_ob/f/contact", data={**SENT, TRAP: "Example Ltd"})
        assert sent.status_code == 303, "who sent it is thanked like everybody"
        (id_,) = column(house, inquiries.c.id)
        assert column(house, outbox.c.channel) == []
        with house.database.read() as connection:
            found = detail(connection, id_)
        assert found is not None
        assert found.row.held_reasons == ("trap",)
        assert "password manager" in reason_word("held", "trap")
        with house.database.write() as connection:
            told = [make_outgoing(), make_outgoing(channel="webhook", target="https://crm.example/in")]
            release(connection, id_, told, actor="a" * 32, now=house.now(), token=house.token)
        assert sorted(column(house, outbox.c.channel)) == ["mail", "webhook"]
        with house.database.read() as connection:
            assert is_known(connection, "ann@example.org")


def column(house: House, name: sa.Column[str]) -> list[str]:
    with house.database.read() as connection:
        return list(connection.execute(sa.select(name)).scalars())


def test_whom_sales_released_is_not_held_for_a_text_again(tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    advert = "We can rank your site on the first page of Google, see https://seo.example and buy now"
    with a_house(tmp_path, sqlite_url) as house:
        client = create_app(house).test_client()
        client.post("/_ob/f/contact", data={**SENT, "message": advert})
        (id_,) = column(house, inquiries.c.id)
        assert column(house, inquiries.c.held) == [True]
        with house.database.write() as connection:
            release(connection, id_, [], actor="a" * 32, now=house.now(), token=house.token)
        client.post("/_ob/f/contact", data={**SENT, "message": f"Once more: {advert}"})
        client.post("/_ob/f/contact", data={**SENT, "message": "With the trap", TRAP: "x"})
        client.post("/_ob/f/contact", data={**SENT, "email": "bob@example.org", "message": advert})
        reasons = column(house, inquiries.c.held_reasons)
    assert sorted(reasons) == ["", "", "links wording", "trap"]
