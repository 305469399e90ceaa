"""A request -> its answer: the preview's files, the live script, the problems, and the socket that wakes the pages.

livereload speaks the protocol of the socket, to our own script and to whatever else knows it. Its server is not used:
it puts an inline script into whatever holds `</head>`, JSON too, sends the reload when a source has changed rather than
when the page is built, and drops the saves of the next three seconds.
"""

from __future__ import annotations

import json
import warnings
from html import escape
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from obverse.problems import as_text, tally
from obverse.security import CSP, HEADERS
from obverse.serve.injection import SCRIPT, injected
from obverse.serve.preview import File, Moved, find, is_empty, is_page, media_type
from obverse.serve.state import State

with warnings.catch_warnings():  # livereload sets an event loop policy on Windows, which Python has begun to give up
    warnings.simplefilter("ignore", DeprecationWarning)
    from livereload.handlers import LiveReloadHandler, LiveReloadJSHandler

__all__ = ["Asset", "Client", "Desk", "Live", "LiveReloadJSHandler", "Preview", "Problems", "Refusal"]

OWN = "obverse"  # the protocol our own script adds to livereload's: it also takes messages that are no reload

NO_PAGE = b"<!doctype html><title>404</title><p>404: there is no such page.</p>"


class Client(Protocol):
    """An open page; `path` is that of its URL, decoded, without its first slash."""

    path: str

    def tell(self, state: State, *, changed: bool) -> None:
        """Send it the state; `changed` when the preview is another one than before."""


class Desk(Protocol):
    """What the handlers ask and tell."""

    @property
    def out(self) -> Path:
        """The preview's folder."""

    @property
    def state(self) -> State:
        """Where the preview stands."""

    async def first_build(self) -> None:
        """Wait for the first build, but not for ever."""

    def join(self, client: Client) -> None:
        """A page was opened."""

    def leave(self, client: Client) -> None:
        """It was closed."""


class Handler(web.RequestHandler):
    """Every answer of the preview: the site's constant headers, and nothing is ever kept by the browser."""

    desk: Desk

    def initialize(self, desk: Desk) -> None:
        """Take the desk from the route."""
        self.desk = desk

    def set_default_headers(self) -> None:
        """Put the headers on that every answer has."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", policy(self.request.host))
        self.set_header("Cache-Control", "no-store")
        self.set_header("Server", "Obverse")

    def compute_etag(self) -> str | None:
        """None: there is nothing to compare with, since nothing is kept."""
        return None

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """Answer with the error's name alone."""
        self.say(status_code, HTTPStatus(status_code).phrase.lower())

    def say(self, status: int, text: str) -> None:
        """Answer with a line of text."""
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status} {text}\n")


class Preview(Handler, web.StaticFileHandler):
    """The preview's own files. Pages get the live script; Range, HEAD and the traps of paths are tornado's."""

    scripts: tuple[str, ...]

    def initialize(self, desk: Desk, scripts: tuple[str, ...]) -> None:  # type: ignore[override]  # the root is the desk's
        """Take the desk from the route, and its folder as the root; `scripts` are added to every page."""
        Handler.initialize(self, desk)
        self.scripts = scripts
        web.StaticFileHandler.initialize(self, path=str(desk.out))

    async def get(self, path: str, include_body: bool = True) -> None:
        """Answer with what stands at the path."""
        await self.desk.first_build()
        state = self.desk.state  # before the file: a page must not claim a build newer than itself
        if is_empty(self.desk.out):
            self.show(problem_page(state), 503)
            return
        match find(self.desk.out, path):
            case Moved(url):
                query = f"?{self.request.query}" if self.request.query else ""
                self.redirect(url + query, status=301)
            case File(name) if not is_page(name):
                await super().get(name, include_body)
            case File(name):
                self.show_file(name, state, 200)
            case None:
                self.show_file("404.html", state, 404)

    def show_file(self, name: str, state: State, status: int) -> None:
        """Answer with a page of the preview."""
        try:
            page = (self.desk.out / name).read_bytes()
        except OSError:
            page, status = NO_PAGE, 404
        self.show(injected(page, state.build, self.scripts), status)

    def show(self, page: bytes, status: int) -> None:
        """Answer with a page as it is."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page)

    def get_content_type(self) -> str:
        """The type of the file found."""
        return media_type(self.path)

    def should_return_304(self) -> bool:
        """False: a file put back from a backup is older than the one the browser has, and yet the new one."""
        return False


class Asset(Handler):
    """A file of the live script. It is read each time: there are three, and they may be edited too."""

    def get(self, name: str) -> None:
        """Answer with the file."""
        self.set_header("Content-Type", media_type(name))
        self.finish((files("obverse.serve") / "assets" / name).read_bytes())

    head = get


class Problems(Handler):
    """The state, for a page that was just loaded."""

    def get(self) -> None:
        """Answer with the state as JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(self.desk.state.message()))

    head = get


class Refusal(Handler):
    """The answer to a name that is not ours."""

    def prepare(self) -> None:
        """Answer whatever was asked."""
        self.say(403, "this preview answers to localhost; to reach it by another name, give that with --host")


class Live(LiveReloadHandler):  # type: ignore[misc]  # livereload ships no types
    """The socket of one open page."""

    def initialize(self, desk: Desk) -> None:
        """Take the desk from the route."""
        self.desk = desk
        self.is_own = False
        self.path = ""

    def check_origin(self, origin: str) -> bool:
        """Whether a page of this preview asks: livereload would tell any page of any site."""
        return bool(WebSocketHandler.check_origin(self, origin))

    def on_message(self, message: str | bytes) -> None:
        """Shake hands; what is not of the protocol is not answered."""
        match _parsed(message):
            case {"command": "hello", "protocols": list(protocols)}:
                self.is_own = OWN in protocols
                super().on_message('{"command": "hello"}')
            case {"command": "info", **more}:
                self.path = _path(more.get("url"))
                self.desk.join(self)
                self.tell(self.desk.state, changed=False)

    def on_close(self) -> None:
        """The page was closed."""
        self.desk.leave(self)

    def tell(self, state: State, *, changed: bool) -> None:
        """Send the state; to a client that speaks livereload alone (a browser's extension) only when it is another."""
        if not changed and not self.is_own:
            return
        command = {"command": "reload", "path": "/", "liveCSS": True} if changed else {"command": OWN}
        try:
            sent = self.write_message(json.dumps(command | state.message()))
        except WebSocketClosedError:
            self.desk.leave(self)
        else:
            sent.add_done_callback(lambda task: task.cancelled() or task.exception())


def _path(url: object) -> str:
    """The path of an open page's address as `find` takes it; "/", at which nothing stands, for what is no address."""
    try:
        return unquote(urlsplit(str(url)).path).removeprefix("/") if isinstance(url, str) else "/"
    except ValueError:
        return "/"


def policy(host: str) -> str:
    """The site's policy, with the live socket named for browsers in which 'self' does not cover it."""
    # A policy has no way to write an IPv6 address; and a header is no place for what a stranger put into `Host`.
    if not all(char.isascii() and (char.isalnum() or char in ".-:") for char in host):
        return CSP
    return CSP.replace("connect-src 'self'", f"connect-src 'self' ws://{host}")


def problem_page(state: State) -> bytes:
    """The page at every address while there is no preview at all."""
    title = "The site cannot be built yet" if state.ready else "The site is being built"
    note = f"{tally(state.problems)}. The page appears by itself when all is mended." if state.ready else "A moment."
    told = escape(as_text(state.problems))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="/_ob/overlay.css">
</head>
<body class="whole">
<main>
<h1>{title}</h1>
<p>{note}</p>
<pre tabindex="0" role="region" aria-label="Problems">{told}</pre>
</main>
<script type="module" src="{SCRIPT}" data-serial="{state.serial}"></script>
</body>
</html>
""".encode()


def _parsed(message: str | bytes) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return None
