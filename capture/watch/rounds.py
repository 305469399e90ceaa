"""One look at the house, a matter at a time -> notices that begin or end, each told once over all processes.

Every function takes the time as an argument, and raises what the database raises.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from functools import partial

from capture.house import House
from capture.inbox.display import zone_of
from capture.model import Outgoing
from capture.store import notices
from capture.store.arrivals import first_arrival, last_arrivals
from capture.store.moments import to_text
from capture.store.notices import Notice
from capture.watch.silence import silent_since
from capture.watch.told import by_mail
from capture.watch.watcher import Round

_log = logging.getLogger("obverse.capture")

# Inquiries that the silence is measured by: enough to know a week's hours, few enough to be read in no time.
MOST = 1000


def rounds(house: House) -> tuple[Round, ...]:
    """What is looked at again and again while `obverse run` runs."""
    return (Round("silence", timedelta(minutes=10), partial(look_for_silence, house)),)


def look_for_silence(house: House, now: datetime) -> None:
    """Tell once of a silence that is too long; it ends with the next inquiry.

    Its key is the time of the last inquiry: no other process, no restart and no clock set forward tells of it again.
    """
    release = house.releases.current()
    with house.ready().read() as connection:
        times, begun = last_arrivals(connection, now, MOST), first_arrival(connection)
        standing = [one for one in notices.standing(connection) if one.kind == "silence"]
    last = to_text(times[-1]) if times else ""
    if any(one.subject < last for one in standing):
        with house.ready().write() as connection:
            notices.end(connection, "silence", now, but=last)
    since = silent_since(times, begun or now, now, zone_of(release.settings.timezone))
    if since is None:
        return
    facts = {"time": to_text(since)}
    notice = Notice(f"silence {last}", "silence", now, subject=last, facts=facts)
    _tell(house, notice, by_mail(release, "silence", facts))


def _tell(house: House, notice: Notice, outgoing: list[Outgoing]) -> None:
    with house.ready().write() as connection:
        told = notices.tell(connection, notice, outgoing, house.token)
    if told:
        _log.warning("%s", json.dumps({"kind": "notice", "notice": notice.kind, "state": "told"}))
        house.wake()
