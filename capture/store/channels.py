"""How deliveries of a channel end -> whether it works, since when it does not, and whether somebody was told of that.

It is written down as deliveries end, since the outbox cannot be asked later: replays, erasures and retention change it.
What a server says of one receiver ("550 nobody of that name") says nothing of the channel, and is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from capture.store.database import lock
from capture.store.moments import maybe_from, to_text
from capture.store.tables import channels
from capture.store.texts import storable

# A channel is broken when so many tries in a row have failed, or when nothing has gone through for so long.
TRIES = 10
PATIENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. `failing_since` is the first of the `failures` in a row, None while it works; `error` the last one.

    `told_at` is when somebody was told of this outage by another channel.
    """

    name: str
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    error: str = ""
    told_at: datetime | None = None

    def is_broken(self, now: datetime) -> bool:
        """Whether it has failed so often, or for so long, that a person has to look."""
        if self.failing_since is None:
            return False
        return self.failures >= TRIES or now - self.failing_since >= PATIENCE


def worked(connection: sa.Connection, name: str, now: datetime) -> None:
    """A delivery has gone through: whatever was wrong is over."""
    well = {"failing_since": None, "failures": 0, "error": "", "told_at": None}
    _set(connection, _ENDED, name, sent_at=to_text(now), **well)


def failed(connection: sa.Connection, name: str, error: str, now: datetime, *, for_good: bool = False) -> None:
    """A try has failed by the channel. `for_good` when it takes nothing more: then it is broken at once."""
    at, more = to_text(now), TRIES if for_good else 1
    _set(connection, _FAILED, name, failed_at=at, since=at, more=more, error=storable(error))


def states(connection: sa.Connection) -> tuple[Channel, ...]:
    """Each channel that was ever used, by name."""
    return tuple(_read(one) for one in connection.execute(sa.select(channels).order_by(channels.c.name)).mappings())


def broken(connection: sa.Connection, now: datetime) -> Sequence[Channel]:
    """Those that a person has to look at."""
    return [one for one in states(connection) if one.is_broken(now)]


def tell(connection: sa.Connection, one: Channel, now: datetime) -> bool:
    """Take it on to tell of this outage; False when it is over, or another process has taken it on.

    One statement decides, so that of all processes one tells.
    """
    if one.failing_since is None:
        return False
    same = (channels.c.name == one.name, channels.c.failing_since == to_text(one.failing_since))
    taken = channels.update().where(*same, channels.c.told_at.is_(None)).values(told_at=to_text(now))
    return connection.execute(taken).rowcount == 1


# Made once, since each delivery needs one of them.
_ENDED = channels.update().where(channels.c.name == sa.bindparam("channel"))
_FAILED = _ENDED.values(
    failing_since=sa.func.coalesce(channels.c.failing_since, sa.bindparam("since")),
    failures=channels.c.failures + sa.bindparam("more"),
)


def _set(connection: sa.Connection, changed: sa.Update, name: str, **values: Any) -> None:
    lock(connection, "channel", name)
    if not connection.execute(changed, {"channel": name, **values}).rowcount:
        connection.execute(channels.insert().values(name=name))
        connection.execute(changed, {"channel": name, **values})


def _read(plain: sa.RowMapping) -> Channel:
    times = {name: maybe_from(plain[name]) for name in ("sent_at", "failed_at", "failing_since", "told_at")}
    return Channel(name=plain["name"], failures=plain["failures"], error=plain["error"], **times)
