"""Who owns the house, and how it is told: a notice and the rows of the outbox that tell of it, in one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from capture.house import House
from capture.model import Outgoing
from capture.release import Release
from capture.store import notices
from capture.store.notices import Notice

_log = logging.getLogger("obverse.capture")


def owners(release: Release) -> tuple[str, ...]:
    """The addresses of `[capture] notify`; where it is empty, all that any form names."""
    named = release.settings.notify or (one for form in release.forms.values() for one in form.notify)
    return tuple(dict.fromkeys(named))


def by_mail(release: Release, kind: str, facts: Mapping[str, Any]) -> list[Outgoing]:
    """A mail to every owner. `facts` hold nothing of visitors."""
    return [Outgoing("mail", kind, address, facts) for address in owners(release)]


def by_all(release: Release, kind: str, facts: Mapping[str, Any]) -> list[Outgoing]:
    """The same, and a post to the webhook of tests, else to that of inquiries: one channel tells that another fails."""
    hook = release.settings.canary_webhook or release.settings.webhook
    return [*by_mail(release, kind, facts), *([Outgoing("webhook", kind, hook, facts)] if hook else [])]


def tell(house: House, notice: Notice, outgoing: Sequence[Outgoing]) -> None:
    """Tell it unless it was told or stands already. Raises what the database raises."""
    with house.ready().write() as connection:
        told = notices.tell(connection, notice, outgoing, house.token)
    if told:
        _note(house, notice)


def over(house: House, kind: str, news: Notice, outgoing: Sequence[Outgoing], *, place: str = "") -> None:
    """End what stands of a kind at a place, and tell the good news if anything stood. Raises as `tell` does."""
    with house.ready().write() as connection:
        ended = notices.end(connection, kind, news.at, place=place)
        told = bool(ended) and notices.tell(connection, news, outgoing, house.token)
    if told:
        _note(house, news)


def _note(house: House, notice: Notice) -> None:
    _log.warning("%s", json.dumps({"kind": "notice", "notice": notice.kind}))
    house.wake()
