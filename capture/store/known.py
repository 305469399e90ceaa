"""An e-mail address -> whether a person of the house let its owner in before: the learned allow-list."""

from __future__ import annotations

import sqlalchemy as sa

from capture.store.tables import contacts, events, inquiries
from obverse.forms.checking import email_key

# What only somebody of the house does, and only for a customer; a visitor's own follow-up has no actor.
_TRUSTING = ("released", "reply", "stage")
_CUSTOMER = ("contacted", "qualified", "won")


def is_known(connection: sa.Connection, email: str) -> bool:
    """Whether sales answered that address, released it, or moved it on. Nothing is learned of one that waits held."""
    key = email_key(email)
    if not key:
        return False
    asked = (
        sa.select(events.c.id)
        .join(inquiries, inquiries.c.id == events.c.inquiry)
        .join(contacts, contacts.c.id == inquiries.c.contact)
        .where(contacts.c.email_key == key, inquiries.c.held.is_(False), events.c.actor != "")
        .where(events.c.kind.in_(_TRUSTING), (events.c.kind != "stage") | events.c.new.in_(_CUSTOMER))
    )
    return connection.execute(asked.limit(1)).first() is not None
