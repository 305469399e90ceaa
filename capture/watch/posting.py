"""A form's fields and where this process listens -> what its public endpoint answers to a real post."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

# Seconds: longer than anybody would wait for a form.
PATIENCE = 30.0
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. `id` is the submission's, "" when it was not stored; `words` say what went wrong."""

    id: str
    words: str = ""


def post(listener: tuple[str, int], path: str, fields: Mapping[str, tuple[str, ...]]) -> Answered:
    """Send a form, as a browser with a script does. Whatever goes wrong is an answer as well."""
    talk = http.client.HTTPConnection(_reached(listener[0]), listener[1], timeout=PATIENCE)
    with contextlib.closing(talk):
        try:
            head = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            talk.request("POST", path, urlencode(fields, doseq=True), head)
            answer = talk.getresponse()
            return _answered(answer.status, answer.read(_LARGEST))
        except (OSError, http.client.HTTPException) as error:
            return Answered("", type(error).__name__)


def _answered(status: int, body: bytes) -> Answered:
    try:
        stored = str(json.loads(body)["id"]) if status in (200, 201) else ""
    except (ValueError, KeyError, TypeError):
        stored = ""
    return Answered(stored, "" if stored else f"HTTP {status}")


def _reached(host: str) -> str:
    """Where a socket that listens everywhere is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- it is not bound to here
