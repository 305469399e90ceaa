"""Can this process store what visitors send, and does it get on -> `/healthz`, for whatever watches it."""

from __future__ import annotations

import contextlib
import json

import sqlalchemy as sa
from flask import Blueprint, Response, current_app

from capture.files import make_folder
from capture.house import House
from capture.store import channels
from capture.store.database import Unavailable

# As much as a submission takes: a disk may have room for a name and for no more.
_PROBE = b"\0" * 8192

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 when the database answers and the spool can be written, else 503; and how deliveries go, in one word each."""
    house: House = current_app.extensions["obverse"]
    found = {"database": _database(house), "spool": _spool(house)}
    status = 200 if set(found.values()) == {"ok"} else 503
    # A mail server that is away is no reason to send visitors elsewhere: it is told, and changes no status.
    found["delivery"] = _delivery(house)
    return Response(json.dumps(found), status, {"Cache-Control": "no-store"}, mimetype="application/json")


def _database(house: House) -> str:
    with contextlib.suppress(Unavailable), house.ready().read() as connection:
        connection.execute(sa.text("SELECT 1"))
        return "ok"
    return "unavailable"


def _delivery(house: House) -> str:
    """Whether all channels work; which does not, and why, is nobody's business but the house's."""
    with contextlib.suppress(Unavailable), house.ready().read() as connection:
        return "failing" if channels.broken(connection, house.now()) else "ok"
    return "unavailable"


def _spool(house: House) -> str:
    probe = house.spool / ".probe"
    try:
        make_folder(house.spool)
        try:
            probe.write_bytes(_PROBE)
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        return "unavailable"
    return "ok"
