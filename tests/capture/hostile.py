"""What attackers type -> a house that has all of it: in every value, name, header and query, sent through the endpoint.

Whatever of it were ever run would call `owned`, which a browser's test watches; whatever were ever taken for markup has
an element, an attribute or an address that no page of ours has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from capture.access.sessions import begin, cookie_name
from capture.app import create_app
from capture.house import House, open_house
from capture.setup import PageRow, Secrets, Settings, Setup
from capture.store import inquiries, people
from capture.store.inquiries import Query
from obverse.forms.form import Form, FormField, Slot
from tests.capture.house import KEY, NOW, Clock, Tokens, write_release

MARKUP = (
    "<script>owned(1)</script>",
    '"><script>owned(2)</script>',
    "'><img src=x onerror=owned(3)>",
    "<svg/onload=owned(4)>",
    "</textarea><script>owned(5)</script>",
    "</title></style></script><img src=x onerror=owned(6)>",
    "http://x' onmouseover=owned(7) autofocus onfocus=owned(7) ",
    '" autofocus onfocus="owned(8)" x="',
    "<iframe srcdoc='<script>parent.owned(9)</script>'></iframe>",
    "--><owned-one></owned-one><!--",
    "<base href=https://owned.test/><meta http-equiv=refresh content=0;url=https://owned.test/>",
    "<form action=https://owned.test/><button formaction=javascript:owned(10)>go</button></form>",
    "<a href=javascript:owned(11)>x</a><style>@import 'https://owned.test/'</style>",
    "&lt;script&gt;owned(12)&lt;/script&gt; &#60;img src=x onerror=owned(12)&#62;",
    "<<script>owned(13)//<</script>",
    "＜script＞owned(14)＜/script＞",
    "]]><script>owned(15)</script>",
)
ADDRESSES = (
    "javascript:owned(20)",
    "JaVaScRiPt:owned(21)//https://x.example",
    "data:text/html,<script>owned(22)</script>",
    "vbscript:owned(23)",
    "//owned.test/",
    "https://house.test\\@owned.test/",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
)
TEMPLATES = (
    "{{7*7}}",
    "{% import os %}{{ config.items() }}",
    "{0.__class__} {name} {} %(name)s ${7*7} #{7*7}",
    "%%MAIN%%",
    "%%TITLE%%%%MAIN%%<owned-two>",
    "$& $1 $` \\1 \\g<0>",
)
HEADERS = (
    "x\r\nBcc: owned@owned.test",
    "x\nSubject: owned\n\nowned body",
    "x%0d%0aSet-Cookie: owned=1",
    "=?utf-8?q?=0D=0ABcc:_owned@owned.test?=",
    'Ann <owned@owned.test>, "x" <owned@owned.test>; (c) \\',
)
CELLS = (
    '=HYPERLINK("https://owned.test","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    '"\n=1+1',
    "=cmd|' /C calc'!A0",
)
STORES = ("'; DROP TABLE submissions; --", "' OR '1'='1", "%", "_%_", '" NEAR( *', "a:b* -c ^d", "\\")
SIGNS = (
    "\u202egnp.exe\u202c",
    "pay\u200bpal \u2066x\u2069 \ufeff",
    "аррle.com",
    "\U0001f600 \U0001f469\u200d\U0001f52c \U0001f3f4\U000e0067\U000e007f",
    "a\u2028b\u2029c",
    "e\u0301" * 8 + "\u0336" * 12,
    "\ufffe\uffff \U0010ffff",
)
CONTROLS = ("x\0y", "\x1b[31mred\x1b]0;owned\x07", "\x08\x7f\x9b31m")
TEXTS = (*MARKUP, *ADDRESSES, *TEMPLATES, *HEADERS, *CELLS, *STORES, *SIGNS, *CONTROLS)

# What the house sees of an inquiry, and who sends it.
CONTACT = Form(
    "contact",
    "en",
    "Talk to us",
    "Send",
    (
        FormField("name", label="Your name", required=True, max=120),
        FormField("email", type="email", label="E-mail", required=True, max=254),
        FormField("phone", type="tel", label="Telephone"),
        FormField("website", type="url", label="Website"),
        FormField("budget", type="choice", label="Budget", options={"small": "under 5k", "large": "over 20k"}),
        FormField("topics", type="choices", label="Topics", options={"price": "Prices", "time": "Dates"}),
        FormField("people", type="number", label="How many"),
        FormField("message", label="How can we help?", required=True, rows=6, max=4000),
        FormField("campaign", type="hidden", label="Campaign"),
        FormField("news", type="consent", label="Newsletter", text="I agree to receive one article a month."),
    ),
    thanks=("<p>Thank you, ", Slot("name"), ": ", Slot("message"), "</p>"),
)
SETTINGS = Settings(
    title="Two Sides",
    url="https://site.test",
    languages=("en",),
    sender="hello@house.test",
    notify=("sales@house.test",),
    webhook="https://crm.test/hook",
    contact="hello@house.test",
    rate=0,
)
PAGES = (
    PageRow("articles/pricing.md", "/articles/pricing/", "What a price says", kind="article", section="articles"),
    PageRow("contact.md", "/contact/", "Contact"),
    PageRow("index.md", "/", "Home", kind="home"),
)
PHONE = "+44 20 7946 0018"
ENDPOINT = "/_ob/f/contact"
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Real-IP")


@dataclass(frozen=True)
class Sent:
    """A hostile text and what came of it: the answer to the form, and to one that is wrong in each field."""

    text: str
    number: int
    values: Mapping[str, str]
    stored: TestResponse
    thanks: TestResponse
    mend: TestResponse


@dataclass(frozen=True)
class Siege:
    """A house that has been sent everything, and somebody who is logged in."""

    root: Path
    house: House
    app: Flask
    secret: str
    sent: list[Sent] = field(default_factory=list)

    def client(self) -> FlaskClient:
        """Somebody of the house."""
        client = self.app.test_client()
        client.set_cookie(cookie_name(self.house.setup), self.secret, domain="localhost")
        return client

    @property
    def csrf(self) -> str:
        with self.house.database.read() as connection:
            return str(connection.exec_driver_sql("SELECT csrf FROM sessions").scalar_one())

    @property
    def cookie(self) -> dict[str, str]:
        return {"name": cookie_name(self.house.setup), "value": self.secret}


def typed(text: str) -> bool:
    """Whether a field of a form takes the text: not with controls, which nobody types."""
    return not re.search(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]|[\U0010fffe-\U0010ffff]", text)


def headers_of(text: str) -> dict[str, str]:
    """The text in every header that might ever be shown, as far as a header can hold it."""
    one = re.sub(r"[\r\n\0]", " ", text).strip().encode().decode("latin-1")
    named = ("User-Agent", "Accept-Language", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
    return {**dict.fromkeys(named, one), "Referer": f"https://owned.test/{one}"}


def values_of(text: str, number: int) -> dict[str, str]:
    """Answers that the form takes, with the text wherever it may stand."""
    kept = text if typed(text) else f"text {number}"
    given = {"name": kept[:110], "email": f"ann{number}@example.org", "message": f"{kept}\n{kept}", "campaign": text}
    return {**given, "phone": PHONE}


def attack(client: FlaskClient, number: int, text: str) -> Sent:
    """Send the text everywhere, once so that it is stored and once so that it is refused."""
    values = values_of(text, number)
    extra = {text: [text, f"2 {text}"], "list[]": [text, text], f"{text}[0][a]": text, "_ob_page": text}
    more: dict[str, Any] = {"headers": headers_of(text), "query_string": {"utm_source": text, text: text}}
    stored = client.post(ENDPOINT, data={**values, **extra}, **more)
    thanks = client.get(stored.headers.get("Location", "/_ob/none"), **more)
    wrong = dict.fromkeys(("name", "email", "phone", "website", "budget", "topics", "people", "message"), text)
    mend = client.post(ENDPOINT, data={**wrong, **extra, "news": text, "_ob_version": text}, **more)
    return Sent(text, number, values, stored, thanks, mend)


@contextmanager
def siege(root: Path, texts: Sequence[str] = TEXTS) -> Iterator[Siege]:
    """A preview, which shows the most, after all these texts have been sent to it."""
    release = write_release(root / "release", forms=(CONTACT,), pages=PAGES, settings=SETTINGS)
    setup = Setup(root / "var" / "preview", "http://localhost", Secrets(key=KEY), release, preview=True)
    house = open_house(setup, Clock(NOW), Tokens())
    try:
        with house.database.write() as connection:
            people.add_person(connection, "ida", "ida@house.test", "Ida Nichols", "", NOW)
            secret = begin(connection, "ida", NOW, house.token)
        one = Siege(root, house, create_app(house), secret)
        visitor = one.app.test_client()
        one.sent.extend(attack(visitor, number, text) for number, text in enumerate(texts))
        yield one
    finally:
        house.database.close()


# --- what a page may hold


def let_in(house: Siege) -> None:
    """Release whom judgement holds for a link or a name that is one: every text is to reach every channel."""
    with house.house.database.read() as connection:
        held = inquiries.listing(connection, Query(view="held", limit=500)).rows
    assert 0 < len(held) < len(house.sent)
    for row in held:
        assert house.client().post(f"/inbox/i/{row.id}/release", data={"_csrf": house.csrf}).status_code == 303


class Page(HTMLParser):
    """A page's text, and whatever in it could act."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.values: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.values.extend(given.values())
        if tag.startswith("owned") or tag in ("iframe", "object", "embed", "base", "style"):
            self.faults.append(f"<{tag}>")
        if tag == "script" and not re.fullmatch(r"/(inbox/static|assets)/[\w.]+", given.get("src", "")):
            self.faults.append(f"script {given}")
        if tag == "meta" and "http-equiv" in given:
            self.faults.append("meta http-equiv")
        self.faults += [f"{name} on {tag}" for name in given if name.startswith("on") or name in ("style", "srcdoc")]
        self.faults += [f"{name}={given[name]} on {tag}" for name in _ADDRESSES if not _is_ours(given.get(name, "/"))]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """The page's text, blanks made one."""
        return " ".join("".join(self.words).split())


_ADDRESSES = ("href", "src", "action", "formaction", "poster", "data")
_OURS = re.compile(r"/(?![/\\])[^\\]*|#[\w-]*|\?[^\\]*|mailto:[\w.%+=-]+@[\w.-]+|tel:\+?\d+|https?://[\w.-]+(/.*)?")


def _is_ours(address: str) -> bool:
    """Whether following the address runs nothing and leads to no host that an attacker named."""
    return _OURS.fullmatch(address) is not None and "owned.test" not in urlsplit(address).netloc


def faults(html: str) -> list[str]:
    """What in a page could act that should not be there."""
    return Page(html).faults
