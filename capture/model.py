"""What capture speaks of: submissions, verdicts, inquiries, stages. Frozen values; nothing here touches a disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STAGES = ("new", "contacted", "qualified", "won", "lost")
CLOSED = ("won", "lost")
CANARY = "canary"  # the stage of a test by the house itself: no inquiry for sales, and gone after a day
LOST_REASONS = ("price", "timing", "fit", "competitor", "silence", "other")

# Why a submission may be held: codes, each with a word `held.CODE` for the inbox. `pitch` is an old one: nobody is held
# for it any more, and it is known for what once was.
HELD_REASONS = (
    *("trap", "fast", "link-name", "markup", "links", "pitch", "wording", "script", "disposable", "rule"),
    *("waited", "reused", "unchecked"),
    *("file-bomb", "file-active", "file-mixed", "file-name"),
)

# What events tell. They hold ids, kinds, stages, amounts and article ids, never personal values.
EVENTS = (
    *("received", "held", "released", "follow-up", "stage", "owner", "note", "reply"),
    *("consent-asked", "consent-confirmed", "consent-withdrawn"),
)

# The kind of the mail that asks somebody to confirm a consent; and of what tells that they did, or withdrew it.
CONFIRM = "confirm"
CONFIRMED, WITHDRAWN = "consent-confirmed", "consent-withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent field as the visitor saw and answered it. With `confirm` it counts only once confirmed by mail."""

    field: str
    text: str
    given: bool
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a submission. `id` is random and names it on the disk; `name` is as its sender wrote it.

    `kind` is what its content is (of `obverse.forms.kinds`), `size` in bytes, `sha256` hexadecimal.
    """

    id: str
    field: str
    name: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Clean, or held with reasons (codes of `HELD_REASONS`)."""

    reasons: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether a person has to look before anybody is told."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted POST, immutable.

    `id` and `receipt` are fixed before any storage is tried: 32 hexadecimal digits each. With an instance key both are
    HMACs (the id of form, key and content; the receipt of form and key), so that a retry through another process
    answers alike; `follow_up_receipt` is the receipt should the same key have been used for other content. `content` is
    the digest of what was sent. `page` is the id of the page the form stood in, "" when it is not known; `page_title`
    its title at that time. `values` are the checked answers by field name, `extra` all fields the form does not know.
    `labels` is (name, label) of the fields as the visitor saw them. `network` is the truncated address.
    A `canary` is a test by the house itself.
    """

    id: str
    receipt: str
    follow_up_receipt: str
    form: str
    lang: str
    rules: str
    words: str
    received_at: datetime
    instance: str
    content: str
    page: str
    page_title: str
    referrer: str
    network: str
    values: Mapping[str, Any]
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[tuple[str, str], ...] = ()
    consents: tuple[Consent, ...] = ()
    name: str = ""
    email: str = ""
    phone: str = ""
    verdict: Verdict = Verdict()
    attachments: tuple[Attachment, ...] = ()
    canary: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row for the outbox. `payload` is all that its channel needs.

    `channel` is "mail", "webhook" or "chat"; `kind` "notify" (of a submission), "reply" (to the visitor), "auto-reply",
    `CONFIRM`, `CONFIRMED`, `WITHDRAWN`, "outage" (of another channel, to the owner), or one of
    `capture.watch.letters.KINDS` (what the house has to say of itself); `target` is the address or URL, or what the
    chat is called: its URL is a secret. `once` is the row's id when there may be no second one, else "".
    """

    channel: str
    kind: str
    target: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    once: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a submission: `outcome` is "stored", "replayed" (it was there already) or "follow-up".

    `id` and `receipt` are those to answer with: of the first one when it was there already.
    """

    outcome: str
    id: str
    receipt: str
    inquiry: str
