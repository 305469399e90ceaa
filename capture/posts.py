"""A post to a form -> its answer in two steps, straight: most of what a house does under load is this one thing.

What is plain about a post (nearly all are) goes around the application's routes, contexts and hooks; what its answer is
stands in `capture.endpoint` alone, and all that is not plain takes the long way. The steps are for a server that has
several posts at hand: it has them read and judged one after the other, all of them stored by one commit, and then
answered. To any other server this is an ordinary application.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from flask import Flask, Request
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.utils import get_content_type

from capture.answers import Answer
from capture.endpoint import Accepted, Visit, as_response, headers_of, is_plain, store, take
from capture.house import House

# What the log shows of a request's path.
ROUTE = "obverse.route"

Environ = dict[str, Any]
Start = Callable[..., Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]

_PATH = re.compile(r"/_ob/f/([a-z0-9][a-z0-9_-]*)")
_HOST = re.compile(r"(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(?::[0-9]{1,5})?")


def straight(app: Flask, house: House, application: Wsgi) -> Wsgi:
    """The same application, in which plain posts to forms take no detour."""

    def answer(environ: Environ, start: Start) -> Iterable[bytes]:
        name = _plainly_named(environ)
        if not name:
            return application(environ, start)
        environ[ROUTE] = environ.get("SCRIPT_NAME", "") + "/_ob/f/:name"
        try:
            # Neither holds the other as well: what holds itself has to be looked for once it is of no use.
            visit = Visit.of(Request(environ, populate_request=False), house)
            taken = take(visit, name)
            if isinstance(taken, Accepted):
                return Later(taken, lambda said: _send(said, visit, environ, start))
            return _send(taken, visit, environ, start)
        except Exception as error:  # noqa: BLE001 -- the application has its own answer to each
            return _failed(app, error, environ, start)

    return answer


class Later:
    """The answer to a post that is to be stored first: by `together` with others, else by itself as it is asked for.

    `over` is called once it was given.
    """

    def __init__(self, accepted: Accepted, send: Callable[[Answer], Iterable[bytes]]) -> None:
        self.over: Callable[[], None] = lambda: None
        self.accepted = accepted
        self.answer: Answer | None = None
        self._send = send

    @staticmethod
    def together(several: Sequence[Later]) -> None:
        """Store what they wait for, as far as one commit can; what comes of each is its own answer."""
        for one, saved in zip(several, store([one.accepted for one in several]), strict=True):
            one.answer = one.accepted.told(saved)

    def __iter__(self) -> Iterator[bytes]:
        """Give the answer."""
        try:
            yield from self._send(self.answer or self.accepted.told(store([self.accepted])[0]))
        finally:
            self.over()


def _plainly_named(environ: Environ) -> str:
    """The name of the form that a request is a plain post to, "" for what has to take the long way."""
    if environ["REQUEST_METHOD"] != "POST" or not _HOST.fullmatch(environ.get("HTTP_HOST", "")):
        return ""
    found = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    return found[1] if found else ""


def _send(answer: Answer, visit: Visit, environ: Environ, start: Start) -> Iterable[bytes]:
    """What Flask would send, which takes ten times as long for it."""
    if not is_plain(answer.headers.get("Location", "")):
        return as_response(answer, visit)(environ, start)
    body = answer.body.encode()
    headers = list(headers_of(answer, visit).items())
    headers += [("Content-Type", _content_type(answer.type)), ("Content-Length", str(len(body)))]
    start(_status_line(answer.status), headers)
    return [body]


@cache
def _status_line(status: int) -> str:
    return f"{status} {HTTP_STATUS_CODES[status].upper()}"


@cache
def _content_type(kind: str) -> str:
    return get_content_type(kind, "utf-8")


def _failed(app: Flask, error: Exception, environ: Environ, start: Start) -> Iterable[bytes]:
    with app.request_context(environ):
        try:
            response = app.finalize_request(app.handle_user_exception(error))
        except Exception as worse:  # noqa: BLE001 -- as Flask itself does
            response = app.handle_exception(worse)
        return response(environ, start)
