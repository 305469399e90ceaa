"""A submission -> the mail that says it has arrived, to whoever sent it, when the form asks for that.

It must be of no use to anybody who gives a stranger's address: it holds nothing of what was written, goes once a day to
an address however many forms name it, and never to a machine (RFC 3834, sections 2 and 4).
"""

from __future__ import annotations

import re

from capture.ids import Ids
from capture.model import Outgoing, Submission
from capture.outbox.headers import ascii_address
from obverse.forms import Form
from obverse.forms.checking import email_key

KIND = "auto-reply"

# Whose mail is read by programs, or by nobody: an answer to them would be a loop, or a bounce.
_MACHINES = re.compile(
    r"(mailer-daemon|postmaster|listserv|majordomo|(no|do[-_.]?not)[-_.]?reply([-_.+].*)?|bounces?([-_.+].*)?"
    r"|owner-.*|.*-(request|owner|bounces?))@",
    re.IGNORECASE,
)


def auto_reply(form: Form, submission: Submission, ids: Ids) -> list[Outgoing]:
    """One mail, or none. `once` names the address and the day (UTC), so that a second one is no new row."""
    if not form.auto_reply or not is_person(submission.email):
        return []
    day = submission.received_at.date().isoformat()
    told = {"lang": submission.lang, "received_at": submission.received_at.isoformat()}
    return [Outgoing("mail", KIND, submission.email, told, once=ids.once(KIND, email_key(submission.email), day))]


def is_person(email: str) -> bool:
    """Whether it is an address that somebody reads, as far as one can see."""
    address = ascii_address(email)
    return bool(address) and not _MACHINES.match(address)
