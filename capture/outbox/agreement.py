"""A consent that was confirmed, or withdrawn since -> the post to the webhook that tells a mailing tool of it.

It holds what such a tool needs to write to somebody, or to cease, and to show that it might: whose consent it is, to
what sentence, in which form, language and version, from which page, and when. Nothing else of the inquiry is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from capture.model import CONFIRMED, WITHDRAWN, Outgoing
from capture.outbox.notifications import page_facts
from capture.release import Release
from capture.store.consents import Asking, page_of, told_id
from capture.store.saving import Rows, put_out


def tell(
    connection: sa.Connection, changed: Iterable[Asking], release: Release, now: datetime, token: Callable[[], str]
) -> None:
    """Put out what tells of these askings, in the caller's transaction, once however often it comes."""
    rows = Rows()
    for one in changed:
        told = outgoing_of(one, page_of(connection, one), release)
        put_out(rows, told, one.inquiry, now, token, submission=one.submission)
    rows.write(connection)


def outgoing_of(one: Asking, page: str, release: Release) -> list[Outgoing]:
    """What tells how an asking stands that was confirmed or withdrawn. `page` is the id of the page it was made on."""
    hook = release.settings.webhook
    if not hook:
        return []
    kind = WITHDRAWN if one.withdrawn_at else CONFIRMED
    return [Outgoing("webhook", kind, hook, _facts(one, page, release), once=told_id(kind, one.id))]


def _facts(one: Asking, page: str, release: Release) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("email", "form", "field", "lang", "rules", "words", "text")},
        "time": one.latest.isoformat(),
        "withdraw_token": one.withdraw_token if one.stands else "",
        **page_facts(release.settings, page, release.pages.get(page)),
    }
