"""A submission -> the mails that ask whoever sent it to confirm what they agreed to (double opt-in).

Whose address was given by somebody else must have no trouble by it: the mail holds nothing of what was written, goes
once a day to an address for a consent, never to a machine, and without an answer agrees to nothing. Which of them are
due is the store's to say: `capture.store.consents.due`.
"""

from __future__ import annotations

from datetime import datetime

from capture.ids import Ids
from capture.model import CONFIRM, Consent, Outgoing, Submission
from capture.outbox.auto_reply import is_person
from obverse.forms.checking import email_key


def confirmations(submission: Submission, ids: Ids) -> list[Outgoing]:
    """A mail for each consent that was given and is to be confirmed. The two tokens are random, and in no other row."""
    asked = [one for one in submission.consents if one.given and one.confirm]
    if not asked or not is_person(submission.email):
        return []
    return [_asking(submission, one, ids) for one in asked]


def _asking(submission: Submission, one: Consent, ids: Ids) -> Outgoing:
    told = {
        "form": submission.form,
        "field": one.field,
        "lang": submission.lang,
        "rules": submission.rules,
        "words": submission.words,
        "label": dict(submission.labels).get(one.field) or one.field,
        "text": one.text,
        "received_at": submission.received_at.isoformat(),
        "confirm_token": ids.token(),
        "withdraw_token": ids.token(),
    }
    once = consent_id(ids, submission.email, submission.form, one.field, submission.received_at)
    return Outgoing("mail", CONFIRM, submission.email, told, once=once)


def consent_id(ids: Ids, email: str, form: str, field: str, received_at: datetime) -> str:
    """What an asking is named by: there is one of an address, a consent and a day (UTC).

    It is a MAC, so that it tells nobody of whom, and still proves it to whoever comes with the address.
    """
    return ids.once(CONFIRM, email_key(email), form, field, received_at.date().isoformat())
