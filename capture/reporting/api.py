"""`GET /api/v1/report`: what each article brought, for programs that know the token. Sums only, no person."""

from __future__ import annotations

import hmac
import json
from typing import Any

from flask import Response, request

from capture.reporting.blueprint import blueprint, house
from capture.reporting.rows import as_plain, rows
from capture.store.database import Unavailable


@blueprint.get("/api/v1/report")
def report() -> Response:
    """The report. 404 where no token is configured, 401 for another one, 503 while the database is away."""
    given = house()
    token = given.setup.secrets.report
    if not token:
        return _refusal(404, "No report is offered here.")
    if not _is_bearer(token):
        return _refusal(401, "This needs the token of the report.", {"WWW-Authenticate": 'Bearer realm="report"'})
    release = given.releases.current()
    try:
        with given.ready().read() as connection:
            found = rows(connection, release)
    except Unavailable:
        return _refusal(503, "The database is away.", {"Retry-After": "30"})
    return answer(as_plain(found, release.settings.currency, given.now()))


def answer(plain: dict[str, Any], status: int = 200, media: str = "application/json") -> Response:
    """JSON that nobody keeps."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(json.dumps(plain, ensure_ascii=False), status, headers, content_type=media)


def _is_bearer(token: str) -> bool:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(sent.strip().encode("utf-8", "surrogatepass"), token.encode())
    return same and scheme.lower() == "bearer"


def _refusal(status: int, title: str, headers: dict[str, str] | None = None) -> Response:
    response = answer({"title": title, "status": status}, status, "application/problem+json")
    response.headers.update(headers or {})
    return response
