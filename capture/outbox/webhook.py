"""A row of the outbox -> a signed post after Standard Webhooks -> how the try ended.

https://www.standardwebhooks.com: the id stays the same over all tries, the signatures cover id, time and body. An
answer of 410 stops the endpoint, and one that is overloaded says itself when to come again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from capture.links import withdrawing
from capture.model import CONFIRMED, WITHDRAWN
from capture.outbox.addresses import OWN, Inside, connected
from capture.outbox.backoff import SENT, Outcome, dead, later, stopped
from capture.outbox.deadline import Deadline
from capture.outbox.keys import keys_of, signing
from capture.store.outbox import Delivery
from capture.watch.letters import KINDS

# Seconds for all of it, from the first byte to the last.
WHOLE = 15.0

# Bytes: what a receiver has to take, and what is read of its answer (and thrown away).
LARGEST = 20_000
_ANSWER = 64 * 1024

# How long a text may be, tried in this order until the body is small enough.
_LENGTHS = (8_000, 4_000, 2_000, 1_000, 400, 100)
_MANY = 40

# Answers of a receiver that has too much to do, or of a proxy before it: their Retry-After is obeyed.
_BUSY = frozenset({429, 502, 503, 504})


def body(delivery: Delivery, address: str, largest: int = LARGEST) -> bytes:
    """The post's JSON in less than `largest` bytes; `data.shortened` says whether texts were cut to get there.

    `address` is where the inbox is.
    """
    plain = _SHAPES.get(delivery.kind, _plain)(delivery, address)
    whole = _json(plain)
    if len(whole) < largest:
        return whole
    for length in _LENGTHS:
        short = _json({**plain, "data": {**_cut(plain["data"], length), "shortened": True}})
        if len(short) < largest:
            return short
    bare = {key: value for key, value in _cut(plain["data"], 100).items() if not isinstance(value, list | dict)}
    return _json({**plain, "data": {**bare, "shortened": True}})


def _plain(delivery: Delivery, address: str) -> dict[str, Any]:
    told = delivery.payload
    if delivery.kind in KINDS:
        return {"type": f"house.{delivery.kind}", "timestamp": told.get("time", ""), "data": dict(told)}
    same = ("form", "form_title", "lang", "submission", "received_at", "name", "email", "phone")
    data = {
        "inquiry": delivery.inquiry,
        "url": f"{address}/inbox/i/{delivery.inquiry}",
        **{key: told.get(key, "") for key in same},
        "page": _page(told),
        "answers": [{key: one.get(key) for key in ("name", "label", "value")} for one in told.get("answers", ())],
        "consents": list(told.get("consents", ())),
        "files": [_file(one, address) for one in told.get("files", ())],
        "extra": dict(told.get("extra", {})),
        "shortened": False,
    }
    return {"type": "inquiry.received", "timestamp": told.get("received_at", ""), "data": data}


def _file(one: Mapping[str, Any], address: str) -> dict[str, Any]:
    """What came along, and where staff may have it."""
    return {**{key: one.get(key) for key in ("field", "name", "size")}, "url": f"{address}/inbox/a/{one.get('id')}"}


def _outage(delivery: Delivery, address: str) -> dict[str, Any]:
    """That another channel is broken."""
    told = {key: delivery.payload.get(key, "") for key in ("channel", "since", "error")}
    data = {"url": f"{address}/inbox/deliveries", **told, "shortened": False}
    return {"type": "channel.broken", "timestamp": delivery.created_at.isoformat(), "data": data}


def _consent(delivery: Delivery, address: str) -> dict[str, Any]:
    """That a consent was confirmed, or withdrawn: for the tool that sends mail by it."""
    told, out = delivery.payload, delivery.payload.get("withdraw_token")
    same = ("email", "form", "field", "lang", "rules", "words", "text", "time")
    data = {
        **{key: told.get(key, "") for key in same},
        "page": _page(told),
        "unsubscribe": withdrawing(address, out) if out else "",
        "shortened": False,
    }
    return {"type": delivery.kind.replace("-", "."), "timestamp": told.get("time", ""), "data": data}


# The kinds that are not told as an inquiry is.
_SHAPES = {"outage": _outage, CONFIRMED: _consent, WITHDRAWN: _consent}


def _page(told: Mapping[str, Any]) -> dict[str, str]:
    return {"id": told.get("page", ""), "title": told.get("page_title", ""), "url": told.get("page_url", "")}


def _cut(value: Any, length: int) -> Any:
    """The same value with every text cut to `length`, and every list and table to its first entries."""
    if isinstance(value, str):
        return value if len(value) <= length else value[: length - 1] + "…"
    if isinstance(value, Mapping):
        return {_cut(key, length): _cut(one, length) for key, one in list(value.items())[:_MANY]}
    if isinstance(value, list):
        return [_cut(one, length) for one in value[:_MANY]]
    return value


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def signed(id: str, now: datetime, content: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers of Standard Webhooks, with one signature for each key."""
    seconds = str(int(now.timestamp()))
    told = b".".join((id.encode(), seconds.encode(), content))
    signatures = " ".join(f"v1,{base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()}" for key in keys)
    return {"webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signatures}


def post(
    delivery: Delivery,
    secret: str,
    address: str,
    now: datetime,
    *,
    whole: float = WHOLE,
    inside: Collection[str] = (),
) -> Outcome:
    """Tell the receiver, once, within `whole` seconds. Where it redirects to is never followed.

    `inside` are the hosts that may be within a network of our own.
    """
    keys = signing(keys_of(secret), now)
    if not keys:
        return dead("the webhook has no secret, or it has ended: give OBVERSE_WEBHOOK as whsec_…", "NoSecret")
    content = body(delivery, address)
    more = signed(delivery.id, now, content, keys)
    return post_json(delivery.target, content, more, now, whole=whole, inside=inside)


def post_json(
    url: str,
    content: bytes,
    more: Mapping[str, str],
    now: datetime,
    *,
    whole: float = WHOLE,
    inside: Collection[str] = (),
) -> Outcome:
    """Post JSON to an address, once, with `more` headers: how that ended. `whole` is the most seconds for all of it."""
    headers = {"Content-Type": "application/json", "User-Agent": "Obverse", **more}
    try:
        talk, target = _connection(url, whole, inside)
    except ValueError:
        return dead("the address is none", "BadAddress")
    with contextlib.closing(talk), Deadline(whole, lambda: talk.line) as deadline:
        try:
            status, retry_after = _asked(talk, target, content, headers, deadline)
        except (OSError, http.client.HTTPException) as error:
            return _broken(error, over=deadline.over)
    return _judged(status, retry_after, now)


def _asked(talk: _Talk, target: str, content: bytes, headers: Mapping[str, str], deadline: Deadline) -> tuple[int, str]:
    """The status and the Retry-After of the answer."""
    talk.connect()
    if deadline.over:  # it ran out when there was nothing yet to shut down
        raise TimeoutError
    talk.request("POST", target, content, dict(headers))
    with talk.getresponse() as answer:
        # What it says beyond its head is of no interest, but it may want to get rid of it.
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer.read(_ANSWER)
        return answer.status, answer.getheader("Retry-After", "")


class _Talk(http.client.HTTPConnection):
    """A connection whose socket stays known as `line`, so that a deadline can always end it.

    Its parent does not know it yet while both sides shake hands, and no more when the answer is all that is left.
    """

    def __init__(self, host: str, port: int, timeout: float, *, secure: bool, inside: Collection[str] = ()) -> None:
        self.default_port = 443 if secure else 80
        super().__init__(host, port, timeout=timeout)
        self._tls = ssl.create_default_context() if secure else None
        self._inside = inside
        self.line: socket.socket | None = None

    def connect(self) -> None:
        self.line = self.sock = connected(self.host, self.port, self.timeout, self._inside)
        if self._tls:
            wrapped = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.line = self.sock = wrapped
            wrapped.do_handshake()


def _connection(url: str, whole: float, inside: Collection[str]) -> tuple[_Talk, str]:
    """A connection that is not yet made, and what to ask for there. Raises ValueError for what is no web address."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port
    plain = parts.scheme == "http" and host in OWN
    if not host or not (plain or parts.scheme == "https") or "@" in parts.netloc:
        raise ValueError
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # Without a port, what follows the last colon of an IPv6 address would be taken for one.
    return _Talk(host, port or (80 if plain else 443), whole, secure=not plain, inside=inside), target


def _broken(error: Exception, *, over: bool) -> Outcome:
    cause = type(error).__name__
    if over or isinstance(error, TimeoutError):
        return later("the receiver did not answer in time", "TimeoutError")
    if isinstance(error, Inside):
        return later("the receiver is inside a network of your own: name its host under inside in [capture]", cause)
    if isinstance(error, socket.gaierror):
        return later("the receiver's name is not known", cause)
    if isinstance(error, ssl.SSLError):
        return later(f"no secure connection to the receiver: {error.reason or 'broken off'}", cause)
    return later(f"the receiver cannot be reached, or broke off ({cause})", cause)


def _judged(status: int, retry_after: str, now: datetime) -> Outcome:
    cause = f"HTTP {status}"
    if 200 <= status <= 299:
        return SENT
    if status == 410:
        return stopped("the receiver said 410: it wants no more of these", cause)
    if 300 <= status <= 399:
        return later(f"the receiver said {status}, but redirects are not followed: set its own address", cause)
    wait = _wait(retry_after, now) if status in _BUSY else timedelta()
    return later(f"the receiver said {status}", cause, wait)


def _wait(text: str, now: datetime) -> timedelta:
    """What Retry-After asks for, in seconds or as a date."""
    if text.isascii() and text.strip().isdigit():
        return timedelta(seconds=min(int(text.strip()[:9]), 10**6))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    return max(timedelta(), until.replace(tzinfo=until.tzinfo or UTC) - now)
