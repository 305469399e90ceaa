"""A request -> a post: texts by field name, from a urlencoded, multipart or JSON body; or why it cannot be read.

Every cap holds before anything is parsed, and nothing that a client may send raises beyond this module.
"""

from __future__ import annotations

import io
import ipaddress
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from obverse.forms.form import RESERVED

# The longest body in bytes, and the most fields, that are read at all.
LONGEST = 256 * 1024
MOST_FIELDS = 1000

URLENCODED, MULTIPART, JSON, PROBLEM = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
    "application/problem+json",
)

_UNFIT = re.compile("[\0\ud800-\udfff]")

Fields = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Post:
    """What was sent. `fields` are texts in the order they came, by name, those of Obverse's own included.

    `files` tells that a file came with it, which is not kept. `referrer` is the URL it was sent from, "" when unknown;
    `hosts` are our own. `network` is the sender's truncated address, "" when unknown.
    """

    fields: Fields
    files: bool = False
    referrer: str = ""
    hosts: frozenset[str] = field(default_factory=frozenset)
    network: str = ""

    def own(self, name: str) -> str:
        """The first value of one of Obverse's own fields, "" when it was not sent."""
        return next(iter(self.fields.get(RESERVED + name, ())), "")

    @property
    def answers(self) -> Fields:
        """What the visitor wrote, and what the page's author put in."""
        return {name: values for name, values in self.fields.items() if not name.startswith(RESERVED)}


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a request could not be read: the status, and a code whose words are `capture.CODE`."""

    status: int
    code: str


class _Unreadable(Exception):  # noqa: N818 -- it names a state of the body
    """The body is not what its type says."""


class _TooMuch(Exception):  # noqa: N818 -- as above
    """The body is longer, or has more parts, than is read."""


def read_post(request: Request, proxies: int = 0, hosts: Iterable[str] = ()) -> Post | Rejected:
    """The post of a request. `proxies` is how many proxies in front of us are trusted to name the visitor's address."""
    kind = request.mimetype
    reader = _READERS.get("+json" if kind.endswith("+json") else kind)
    if reader is None or request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return Rejected(415, "bad-type")
    try:
        fields, files = reader(_body(request), request)
    except _TooMuch:
        return Rejected(413, "too-big")
    except _Unreadable:
        return Rejected(400, "bad-request")
    referrer = request.headers.get("Referer", "")
    network = network_of(address_of(request, proxies))
    return Post(fields, files, referrer, frozenset(hosts), network)


def wants_json(request: Request) -> bool:
    """Whether the answer is for a program: by `Accept` alone, a page unless JSON is asked for."""
    best = request.accept_mimetypes.best_match(("text/html", JSON, PROBLEM), default="text/html")
    return best != "text/html"


def address_of(request: Request, proxies: int) -> str:
    """The visitor's address: what the outermost trusted proxy saw, whatever the visitor claims in front of that."""
    if proxies:
        claimed = [one.strip() for one in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
        if len(claimed) >= proxies:
            return claimed[-proxies]
    return request.remote_addr or ""


def network_of(address: str) -> str:
    """The truncated address: an IPv4 /24 or an IPv6 /48, "" for what is none."""
    bare = address.removeprefix("[").partition("]")[0] if address.startswith("[") else address
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def _body(request: Request) -> bytes:
    """The body, as far as we are ready to hold it. A longer one is not read to its end."""
    if (request.content_length or 0) > LONGEST:
        raise _TooMuch
    # One byte more than we take: a stream that has no length is cut there without a word.
    request.max_content_length = LONGEST + 1
    try:
        body = request.stream.read()
    except RequestEntityTooLarge:
        raise _TooMuch from None
    except (HTTPException, OSError, ValueError):  # it broke off
        raise _Unreadable from None
    if len(body) > LONGEST:
        raise _TooMuch
    return body


def _urlencoded(body: bytes, _request: Request) -> tuple[Fields, bool]:
    if body.count(b"&") >= MOST_FIELDS:
        raise _TooMuch
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    return _gathered(pairs), False


def _multipart(body: bytes, request: Request) -> tuple[Fields, bool]:
    boundary = parse_options_header(request.headers.get("Content-Type", ""))[1].get("boundary", "")
    parser = MultiPartParser(max_form_memory_size=LONGEST, max_form_parts=MOST_FIELDS)
    try:
        form, files = parser.parse(io.BytesIO(body), boundary.encode("ascii"), len(body))
    except RequestEntityTooLarge:
        raise _TooMuch from None
    except (ValueError, TypeError, LookupError, AttributeError, HTTPException):
        raise _Unreadable from None
    sent = [_is_file(one) for one in files.values()]
    pairs = ((str(name or ""), str(value)) for name, value in form.items(multi=True))
    return _gathered(pairs), any(sent)


def _is_file(part: FileStorage) -> bool:
    """A browser sends an empty part for a file field that nobody filled in."""
    with part.stream as stream:
        return bool(part.filename) or bool(stream.read(1))


def _json(body: bytes, _request: Request) -> tuple[Fields, bool]:
    try:
        plain = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _Unreadable from None
    if not isinstance(plain, dict):
        raise _Unreadable
    pairs = [(name, text) for name, value in plain.items() for text in _texts(value)]
    if len(pairs) > MOST_FIELDS or len(plain) > MOST_FIELDS:
        raise _TooMuch
    if any(_UNFIT.search(name) or _UNFIT.search(text) for name, text in pairs):
        raise _Unreadable
    return _gathered(pairs), False


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unreadable
    return found


def _refuse(_constant: str) -> None:
    raise _Unreadable


def _texts(value: Any) -> list[str]:
    """A JSON value as the texts a form would have sent."""
    if value is None:
        return []
    if isinstance(value, list):
        return [text for one in value for text in _scalar(one)]
    return _scalar(value)


def _scalar(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [value]
    if isinstance(value, int):
        return [_digits(value)]
    if isinstance(value, float) and math.isfinite(value):
        return [repr(value)]
    raise _Unreadable


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        raise _Unreadable from None


def _gathered(pairs: Iterable[tuple[str, str]]) -> Fields:
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return {name: tuple(texts) for name, texts in found.items()}


_READERS = {URLENCODED: _urlencoded, MULTIPART: _multipart, JSON: _json, "+json": _json}
