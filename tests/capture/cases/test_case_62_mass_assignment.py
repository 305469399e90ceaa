"""Case 62: `status=won`, `assignee`, `spam=0`, `created_at`, `id`, `score`, `consent_at` in a public post are fields
that the form does not know: kept beside the answers, and nothing else."""

from typing import Any

import pytest
import sqlalchemy as sa

from capture.house import House
from capture.store.tables import answers, contacts, inquiries, metadata, submissions
from obverse.forms.html import TRAP
from tests.capture.cases.visits import ANSWERS, FORM, receipt_of, stored, visitor
from tests.capture.house import no_sync

__all__ = ["no_sync"]

NAMED = {"status", "assignee", "spam", "is_spam", "created_at", "score", "consent_at", "verdict", "role", "_csrf"}
OURS = {"_ob_id", "_ob_receipt", "_ob_held", "_ob_verdict", "_ob_received_at", "_ob_network"}
COLUMNS = {column.name for table in metadata.tables.values() for column in table.columns} - {*ANSWERS, "news", "budget"}
FORGED = dict.fromkeys(sorted(NAMED | OURS | COLUMNS), "won")

# What follows from who sent it when, and is another for each.
OWN = {"id", "contact", "receipt", "follow_up_receipt", "content", "extra", "inquiry", "email", "answered", "search"}


def row(house: House, email: str) -> dict[str, Any]:
    """All that is known of the inquiry and the submission of somebody, but what is their own."""
    asked = (
        sa.select(*(one.label(f"{one.table.name}.{one.name}") for one in (*inquiries.c, *submissions.c) if fit(one)))
        .join_from(contacts, inquiries, inquiries.c.contact == contacts.c.id)
        .join(submissions, submissions.c.inquiry == inquiries.c.id)
        .where(contacts.c.email == email)
    )
    with house.database.read() as connection:
        return dict(connection.execute(asked).mappings().one())


def fit(column: sa.Column[Any]) -> bool:
    return column.name not in OWN


@pytest.mark.parametrize("kind", ["data", "json"])
def test_fields_named_like_columns_are_fields(house: House, kind: str, no_sync: None) -> None:
    given = {"clean": {}, "forged": FORGED}
    for name, more in given.items():
        sent: dict[str, Any] = {kind: {**more, **ANSWERS, "email": f"{name}@example.org"}}
        receipt_of(visitor(house).post(FORM, headers={"Accept": "text/html"}, **sent))
    clean, forged = (row(house, f"{name}@example.org") for name in given)
    assert {name: value for name, value in forged.items() if value != clean[name]} == {}
    assert forged["inquiries.stage"] == "new"
    assert not {"won"} & {str(one) for pair in stored(house, submissions.c.id, submissions.c.receipt) for one in pair}


def test_no_field_lets_out_what_is_held(house: House, no_sync: None) -> None:
    lies = {"spam": "0", "held": "", "held_reasons": "", "verdict": "clean", "_ob_held": "0", "_ob_verdict": "clean"}
    receipt_of(visitor(house).post(FORM, data={**ANSWERS, **lies, TRAP: "x"}))
    assert stored(house, inquiries.c.held, inquiries.c.held_reasons) == [(True, "trap")]


def test_they_are_kept_under_their_names_and_those_of_ours_are_not(house: House, no_sync: None) -> None:
    receipt_of(visitor(house).post(FORM, data={**dict.fromkeys(sorted(NAMED | OURS), "won"), **ANSWERS}))
    [(told,)] = stored(house, answers.c.extra)
    assert {*told} == NAMED
