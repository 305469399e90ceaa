"""What the store knows of an inquiry, as values: the row of a list, and everything that hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from capture.model import Attachment, Consent
from capture.store.consents import Asking, Key
from capture.store.outbox import Delivery
from obverse.forms.checking import email_key


@dataclass(frozen=True, slots=True)
class Row:
    """One inquiry in one line. `value` is in hundredths; `excerpt` the longest text of what was sent first."""

    id: str
    contact: str
    name: str
    email: str
    phone: str
    form: str
    lang: str
    page: str
    page_title: str
    received_at: datetime
    waiting_since: datetime | None
    held: bool
    held_reasons: tuple[str, ...]
    stage: str
    owner: str
    owner_name: str
    value: int | None
    currency: str
    lost_reason: str
    touched_at: datetime
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One submission of an inquiry, as it was stored. `follows` is "" for the first."""

    id: str
    receipt: str
    inquiry: str
    follows: str
    form: str
    lang: str
    rules: str
    words: str
    received_at: datetime
    page: str
    referrer: str
    network: str
    held_reasons: tuple[str, ...]
    repeats: int
    values: Mapping[str, Any]
    extra: Mapping[str, tuple[str, ...]]
    labels: tuple[tuple[str, str], ...]
    consents: tuple[Consent, ...]
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline. `actor`, and with "owner" also `old` and `new`, are ids of users, or ""."""

    at: datetime
    kind: str
    actor: str
    old: str
    new: str
    amount: int | None
    currency: str
    reason: str
    subject: str


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody of the house wrote down."""

    id: str
    at: datetime
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody of the house answered."""

    id: str
    at: datetime
    author: str
    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One inquiry whole, each list in order of time. `others` are the same person's, newest first.

    `names` has the name of everybody who is named by id, by id. `consents` is how those stand that the person was asked
    to confirm, in this inquiry or another.
    """

    row: Row
    submissions: tuple[Sent, ...]
    timeline: tuple[Event, ...] = ()
    notes: tuple[Note, ...] = ()
    messages: tuple[Message, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    others: tuple[Row, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    consents: Mapping[Key, Asking] = field(default_factory=dict)

    def asking(self, form: str, consent: Consent) -> Asking | None:
        """What the person was asked to confirm of that sentence in that form; None when nothing yet."""
        key = (email_key(self.row.email), form, consent.field, consent.text)
        return self.consents.get(key) if self.row.email else None
