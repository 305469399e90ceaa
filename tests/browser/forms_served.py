"""A page with a form, as the theme writes it, and an endpoint that answers as it is told: both on loopback."""

import json
import threading
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from obverse.forms import Error, Form, FormField
from obverse.forms.html import form_html
from obverse.security import HEADERS

THEME = Path(__file__).resolve().parents[2] / "templates"
WORDS: dict[str, str] = tomllib.loads((THEME / "words" / "en.toml").read_text("utf-8"))


def say(key: str, **values: Any) -> str:
    """A word of the theme's; one that is missing is a KeyError."""
    return WORDS[key].format(**values)


CONTACT = Form(
    "contact",
    "en",
    "Talk to us",
    "Send message",
    (
        FormField("name", required=True, max=120, label="Your name", autocomplete="name"),
        FormField("email", "email", required=True, max=254, label="E-mail", help="Our answer goes here."),
        FormField("message", required=True, max=60, min=5, rows=6, label="How can we help?"),
    ),
)
EVERY = Form(
    "every",
    "en",
    "Every kind of field",
    "",
    (
        FormField("name", required=True, max=120, label="Your name"),
        FormField("email", "email", required=True, label="E-mail", help="Our answer goes here."),
        FormField("phone", "tel", label="Telephone"),
        FormField("site", "url", label="Website"),
        FormField("about", "heading", label="About the work", help="As far as you know."),
        FormField("seats", "number", min=1, max=50, whole=True, label="How many people?"),
        FormField("size", "choice", required=True, options={"s": "Small", "l": "Large"}, label="How large?"),
        FormField("budget", "choice", options={"s": "Under 5k", "l": "Over 5k"}, label="Budget"),
        FormField("land", "choice", options={f"l{n}": f"Land {n}" for n in range(8)}, label="Country"),
        FormField("topics", "choices", min=1, max=2, options={"a": "A", "b": "B", "c": "C"}, label="Topics"),
        FormField("code", pattern="[A-Z]{3}", help="Three capitals.", max=3, label="Code"),
        FormField("message", required=True, max=60, rows=4, label="Message"),
        FormField("urgent", "boolean", label="It is urgent"),
        FormField("terms", "consent", required=True, label="Terms", text="I agree to the terms."),
        FormField("kind", "hidden", default="every"),
    ),
)


@dataclass(frozen=True)
class Post:
    """What one POST brought."""

    path: str
    fields: Mapping[str, list[str]]
    headers: Mapping[str, str]

    def one(self, name: str) -> str:
        return self.fields[name][0]


@dataclass(frozen=True)
class Answer:
    """What the endpoint says to one POST. Status 0 is no answer at all: the line is cut."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


STORED = Answer(201, {"id": "1", "receipt": "r1", "message": "Thank you", "next": "/_ob/t/r1"})
AWAY = Answer(0)


@dataclass
class Endpoint:
    """The posts that arrived, and the answers still to be given; when there are none, everything is stored."""

    address: str = ""
    page: str = ""
    posts: list[Post] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    gate: threading.Event = field(default_factory=threading.Event)

    def show(self, form: Form, *, errors: tuple[Error, ...] = (), values: Mapping[str, Any] | None = None) -> str:
        """Put a form on the page; its address."""
        hidden = {"_ob_page": "contact.md"}
        self.page = form_html(form, f"/_ob/f/{form.name}", say, hidden=hidden, values=values or {}, errors=errors)
        self.posts.clear()
        self.answers.clear()
        self.gate.set()
        return f"{self.address}/"


def document(main: str) -> str:
    """A page of the theme around a form."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Talk to us</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/app.css"></head><body>'
        '<main id="main" tabindex="-1"><article class="sheet"><header class="opening"><h1>Talk to us</h1></header>'
        f'<div class="prose"><p>A person reads every message.</p>\n{main}\n'
        '<script src="/form.js" defer></script></div></article></main></body></html>'
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint
    files: ClassVar = {
        "/app.css": "text/css",
        "/form.js": "text/javascript",
        "/drafts.js": "text/javascript",
        "/icon.svg": "image/svg+xml",
    }

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in self.files:
            self.reply(200, (THEME / "assets" / path[1:]).read_bytes(), self.files[path])
        elif path == "/":
            self.reply(200, document(self.endpoint.page).encode(), "text/html; charset=utf-8")
        else:
            self.reply(200, document("<p>Thank you.</p>").encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.endpoint.posts.append(Post(self.path, parse_qs(body, keep_blank_values=True), dict(self.headers)))
        answer = self.endpoint.answers.popleft() if self.endpoint.answers else STORED
        self.endpoint.gate.wait(10)
        if not answer.status:
            self.close_connection = True
        elif "application/json" in self.headers["Accept"]:
            self.reply(answer.status, json.dumps(answer.body).encode(), "application/json", answer.headers)
        else:
            self.reply(303, b"", "text/plain", {"Location": "/_ob/t/r1"})

    def reply(self, status: int, body: bytes, type_: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what came is in the endpoint's posts."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves in the middle of an answer is no news."""


@contextmanager
def endpoint_served() -> Iterator[Endpoint]:
    """An endpoint with its page."""
    endpoint = Endpoint()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"endpoint": endpoint}))
    endpoint.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
