"""What a process is set up with -> a row when that is otherwise than the last time: names, and marks for the values.

A mark is an HMAC of the value by the site's key, so that the next look can tell what is new, and nobody what it is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

from capture.audit.chain import Entry, Row
from capture.audit.kinds import HOUSE
from capture.house import House
from capture.setup import Secrets, Settings
from capture.store import audit


def tell_settings(house: House, place: str, now: datetime) -> None:
    """Tell the audit log what is set otherwise in this process than in the last one of its place.

    Secrets are among it, so that a key that was exchanged is seen. Raises what the database raises.
    """
    key, where = house.setup.secrets.key, _mark(house.setup.secrets.key, "place", place)
    marks = _marks(key, house.setup.secrets, house.releases.current().settings)
    with house.ready().read() as connection:
        before = audit.last_of(connection, "settings.changed", where)
    names = _changed(before, marks)
    if names:
        with house.ready().write() as connection:
            facts = {"names": names, "marks": marks}
            audit.append(connection, key, Entry(now, HOUSE, "settings.changed", "place", where, facts))


def _marks(key: str, secrets: Secrets, settings: Settings) -> dict[str, str]:
    given = {f"secrets.{one.name}": getattr(secrets, one.name) for one in fields(secrets)}
    given |= {one.name: getattr(settings, one.name) for one in fields(settings)}
    return {name: _mark(key, name, json.dumps(value)) for name, value in given.items()}


def _mark(key: str, name: str, value: str) -> str:
    return hmac.new(key.encode(), f"setting\0{name}\0{value}".encode(), hashlib.sha256).hexdigest()[:12]


def _changed(before: Row | None, marks: Mapping[str, str]) -> list[str]:
    """The names whose marks differ. With another key all do, and that it is another one says enough."""
    known = json.loads(before.facts)["marks"] if before else {}
    changed = sorted(name for name, mark in marks.items() if known.get(name) != mark)
    return ["secrets.key"] if known and len(changed) == len(marks) else changed
