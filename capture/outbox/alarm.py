"""A channel that is broken -> one alarm by each of the others, once for each outage, however many processes see it.

A channel that is broken cannot say so itself: of the mail server a webhook or a chat tells, of those a mail. Who has
only one channel is told by the inbox and the log alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from capture.house import House
from capture.model import Outgoing
from capture.release import Release
from capture.store import channels
from capture.store.channels import Channel
from capture.store.saving import Rows, put_out
from capture.watch.told import owners

_log = logging.getLogger("obverse.capture")


def raise_alarm(house: House, now: datetime) -> None:
    """Put into the outbox what is to be said of channels that are broken. Raises Unavailable."""
    with house.ready().read() as connection:
        untold = [one for one in channels.broken(connection, now) if one.told_at is None]
    if not untold:
        return
    with house.ready().write() as connection:
        told = [one for one in untold if channels.tell(connection, one, now)]
        for one in told:
            _put_out(connection, house, one, now)
    for one in told:
        _log.error("%s", json.dumps({"kind": "fault", "channel": one.name, "state": "broken"}))


def alarms(channel: Channel, release: Release) -> Sequence[Outgoing]:
    """What tells of a broken channel by all the others that there are."""
    payload = {
        "channel": channel.name,
        "since": channel.failing_since.isoformat() if channel.failing_since else "",
        "error": channel.error,
    }
    return [Outgoing(name, "outage", target, payload) for name, target in _others(channel.name, release)]


def _others(broken: str, release: Release) -> Iterator[tuple[str, str]]:
    """The channels beside the broken one, and whom they reach."""
    settings = release.settings
    if broken != "mail":
        yield from (("mail", address) for address in owners(release))
    if settings.webhook and broken != "webhook":
        yield "webhook", settings.webhook
    if settings.chat and broken != "chat":
        yield "chat", settings.chat


def _put_out(connection: sa.Connection, house: House, channel: Channel, now: datetime) -> None:
    rows = Rows()
    put_out(rows, alarms(channel, house.releases.current()), None, now, house.token)
    rows.write(connection)
