"""A request -> a post: texts by field name, from a urlencoded, multipart or JSON body; or why it cannot be read.

Every cap holds before anything is parsed, and nothing that a client may send raises beyond this module. Files are taken
where there is room for them (`capture.uploads.intake`), and counted while they are read.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote, unquote_to_bytes

from flask import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from capture.uploads.intake import Parts, Room, TooMuch, Unreadable, Upload, read_parts
from obverse.forms.form import RESERVED

# The longest body in bytes beside its files, and the most fields, that are read at all.
LONGEST = 256 * 1024
MOST_FIELDS = 1000
_CHUNK = 64 * 1024

URLENCODED, MULTIPART, JSON, PROBLEM = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
    "application/problem+json",
)

_UNFIT = re.compile("[\0\ud800-\udfff]")
_LENGTH = re.compile(r"[0-9]{1,18}")
_IPV4 = re.compile(r"((?:BYTE\.){2}BYTE)\.BYTE".replace("BYTE", "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"))

Fields = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Post:
    """What was sent. `fields` are texts in the order they came, by name, those of Obverse's own included.

    `uploads` are the files that came with it; `strays` tells that one came where none is taken, `full` that one found
    no room on the disk. `referrer` is the URL it was sent from, "" when unknown;
    `hosts` are our own. `network` is the sender's truncated address, "" when unknown.
    """

    fields: Fields
    uploads: tuple[Upload, ...] = ()
    strays: bool = False
    full: bool = False
    referrer: str = ""
    hosts: frozenset[str] = field(default_factory=frozenset)
    network: str = ""

    def own(self, name: str) -> str:
        """The first value of one of Obverse's own fields, "" when it was not sent."""
        sent = self.fields.get(RESERVED + name)
        return sent[0] if sent else ""

    @property
    def answers(self) -> Fields:
        """What the visitor wrote, and what the page's author put in."""
        return {name: values for name, values in self.fields.items() if not name.startswith(RESERVED)}


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a request could not be read: the status, and a code whose words are `capture.CODE`."""

    status: int
    code: str


def read_post(
    request: Request, proxies: int = 0, hosts: Iterable[str] = (), room: Room | None = None
) -> Post | Rejected:
    """The post of a request. `proxies` is how many proxies in front of us are trusted to name the visitor's address.

    Without `room` no files are taken. What arrived is on the disk and not kept yet: whoever asks for it settles or
    discards it.
    """
    kind = request.mimetype
    reader = _READERS.get("+json" if kind.endswith("+json") else kind)
    if reader is None or request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        return Rejected(415, "bad-type")
    try:
        parts = reader(request, room)
    except TooMuch:
        return Rejected(413, "too-big")
    except Unreadable:
        return Rejected(400, "bad-request")
    referrer = request.environ.get("HTTP_REFERER", "")
    network = network_of(address_of(request, proxies))
    fields = _gathered(parts.texts)
    return Post(fields, parts.uploads, parts.strays, parts.full, referrer, frozenset(hosts), network)


def wants_json(request: Request) -> bool:
    """Whether the answer is for a program: by `Accept` alone, a page unless JSON is asked for."""
    accept: str = request.environ.get("HTTP_ACCEPT", "")
    # What browsers and scripts send is not taken apart: that costs as much as to check the form.
    if accept in ("", "*/*") or accept.startswith("text/html,"):
        return False
    if accept == JSON:
        return True
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
    if plain := _IPV4.fullmatch(address):
        return f"{plain[1]}.0/24"
    bare = address.removeprefix("[").partition("]")[0] if address.startswith("[") else address
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    kept = 24 if found.version == 4 else 48
    rest = found.max_prefixlen - kept
    return f"{type(found)(int(found) >> rest << rest)}/{kept}"


def _body(request: Request) -> bytes:
    """The body, as far as we are ready to hold it. A longer one is not read to its end."""
    return b"".join(_read(request, LONGEST))


def _read(request: Request, most: int) -> Iterator[bytes]:
    """The body in chunks, of at most so many bytes. Raises TooMuch, at once where its length is told."""
    told = request.environ.get("CONTENT_LENGTH", "")
    if _LENGTH.fullmatch(told) and int(told) > most:
        raise TooMuch
    read = 0
    try:
        stream = _stream(request, most)
        while chunk := stream.read(_CHUNK):
            read += len(chunk)
            if read > most:
                raise TooMuch
            yield chunk
    except RequestEntityTooLarge:
        raise TooMuch from None
    except (HTTPException, OSError, ValueError):  # it broke off
        raise Unreadable from None


def _stream(request: Request, most: int) -> IO[bytes]:
    """What the body is read from: the server's own stream, where that has an end by itself."""
    if request.environ.get("wsgi.input_terminated"):
        ending: IO[bytes] = request.environ["wsgi.input"]
        return ending
    # One byte more than we take: a stream that has no length is cut there without a word.
    request.max_content_length = most + 1
    return request.stream


def _urlencoded(request: Request, _room: Room | None) -> Parts:
    body = _body(request)
    if body.count(b"&") >= MOST_FIELDS:
        raise TooMuch
    text = body.decode("utf-8", "replace").replace("+", " ")
    pairs = [one.partition("=") for one in text.split("&") if one]
    return Parts(tuple([(_unquoted(name), _unquoted(text)) for name, _, text in pairs]))


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    # All of a browser's is ASCII; what is not stands among the rest as it is.
    return unquote_to_bytes(text).decode("utf-8", "replace") if text.isascii() else unquote(text, errors="replace")


def _multipart(request: Request, room: Room | None) -> Parts:
    boundary = parse_options_header(request.headers.get("Content-Type", ""))[1].get("boundary", "")
    if not boundary.isascii():
        raise Unreadable
    chunks = _read(request, LONGEST + (room.total if room else 0))
    return read_parts(chunks, boundary.encode(), room, most=MOST_FIELDS, longest=LONGEST)


def _json(request: Request, _room: Room | None) -> Parts:
    body = _body(request)
    try:
        plain = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(plain, dict):
        raise Unreadable
    pairs = [(name, text) for name, value in plain.items() for text in _texts(value)]
    if len(pairs) > MOST_FIELDS or len(plain) > MOST_FIELDS:
        raise TooMuch
    if any(_UNFIT.search(name) or _UNFIT.search(text) for name, text in pairs):
        raise Unreadable
    return Parts(tuple(pairs))


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable
    return found


def _refuse(_constant: str) -> None:
    raise Unreadable


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
    raise Unreadable


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        raise Unreadable from None


def _gathered(pairs: Iterable[tuple[str, str]]) -> Fields:
    found: dict[str, tuple[str, ...]] = {}
    for name, text in pairs:
        found[name] = (*found[name], text) if name in found else (text,)
    return found


_READERS = {URLENCODED: _urlencoded, MULTIPART: _multipart, JSON: _json, "+json": _json}
