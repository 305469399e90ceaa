"""What has come in since a moment -> a small answer for a list that is open in a browser."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from flask import Response, abort, request

from capture.access.guard import current_user
from capture.inbox.blueprint import blueprint, house
from capture.inbox.listing import SLACK
from capture.store import inquiries
from capture.store.inquiries import Row
from capture.store.moments import from_text, to_text


@blueprint.get("/changes")
def changes() -> Response:
    """The inquiries touched after `since`, as JSON; 304 while they are those that the browser knows already.

    A submission is touched at its receipt and may be committed a little later, so the moment to ask with next lies a
    little back, and the browser tells what it has seen by id and time.
    """
    try:
        moment = from_text(request.args.get("since", ""))
    except ValueError:
        abort(400)
    if moment.tzinfo is None:
        abort(400)
    with house().ready().read() as connection:
        rows = [_told(row, moment) for row in inquiries.changed_since(connection, moment)]
    body = {"rows": rows, "since": to_text(house().now() - SLACK)}
    response = Response(json.dumps(body), content_type="application/json")
    response.set_etag(hashlib.sha256(f"{rows} {current_user().id}".encode()).hexdigest()[:16])
    response.make_conditional(request)
    return response


def _told(row: Row, since: datetime) -> dict[str, Any]:
    """One inquiry, without anything personal: held ones are no arrivals."""
    new = row.received_at > since and not row.held
    return {"id": row.id, "touched": to_text(row.touched_at), "new": new}
