"""A request -> the application (`/_ob/`, `/inbox/`, `/api/`, `/healthz`) or the static site, and a line in the log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import flask

from capture.posts import ROUTE, Environ, Later, Start, Wsgi
from capture.run.log import Log, path_told
from capture.run.static import Answer, Request, Static

_APPLICATION = ("_ob", "inbox", "api", "healthz")
_ASKED = ("accept-encoding", "if-none-match", "if-range", "range")
_ARGUMENT = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
_SOON = "5"  # seconds after which the first build may be done

_NOT_YET = (
    b"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Not yet</title>\n"
    b"<p>This site is being built. Please try again in a moment.</p>\n"
)


class Front:
    """The whole of one process as a WSGI application, under `base_path`.

    `static` is None where this process has no site; `headers` are the site's constant ones; `clock` counts seconds.
    """

    def __init__(
        self,
        application: Wsgi,
        static: Static | None,
        *,
        base_path: str = "",
        headers: Mapping[str, str],
        log: Log,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._application = application
        self._static = static
        self._base_path = base_path
        self._headers = tuple(headers.items())
        self._log = log
        self._clock = clock
        self._is_there = False

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        began = self._clock()
        told: dict[str, Any] = {"status": 500, "length": None}

        def start_told(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told["status"] = int(status[:3])
            # It stands last, mostly.
            length = next((value for name, value in reversed(headers) if name.lower() == "content-length"), "")
            told["length"] = int(length) if length.isdigit() else None
            return start(status, headers, *more)

        def tell() -> None:
            route = environ.get(ROUTE) or path_told(_path(environ) or "?")
            milliseconds = (self._clock() - began) * 1000
            self._log.request(_method(environ), route, told["status"], milliseconds, told["length"])

        try:
            answer = self._routed(environ, start_told)
        except BaseException:
            tell()
            raise
        if isinstance(answer, Later):
            answer.over = tell
        else:
            tell()
        return answer

    def _routed(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = _path(environ)
        inside = _under(path, self._base_path) if path is not None else None
        if inside is not None and inside.split("/")[1] in _APPLICATION:
            environ[ROUTE] = f"{self._base_path}/{inside.split('/')[1]}/…"
            return self._application(environ, start)
        answer = self._of_the_site(environ, inside)
        return _send(answer, self._headers, environ, start)

    def _of_the_site(self, environ: Environ, inside: str | None) -> Answer:
        if self._static is None:
            return Answer(404, (("Content-Type", "text/plain; charset=utf-8"),), b"404\n")
        if not self._is_there:
            if self._static.is_empty():
                return _not_yet()
            self._is_there = True
        headers = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), "") for name in _ASKED}
        method = environ["REQUEST_METHOD"]
        query = environ.get("QUERY_STRING", "")
        # What cannot be a path under the site is asked for as one that is never there: the site has its own 404 page.
        return self._static.answer(Request(method, "//" if inside is None else inside, query, headers))


def note_routes(application: flask.Flask) -> None:
    """Let the application say which of its rules a request met: the log shows `/_ob/t/:receipt`, never a receipt."""

    def note(response: flask.Response) -> flask.Response:
        rule = flask.request.url_rule
        if rule is not None:
            flask.request.environ[ROUTE] = flask.request.root_path.rstrip("/") + _told(rule.rule)
        return response

    application.after_request(note)


@cache
def _told(rule: str) -> str:
    return _ARGUMENT.sub(r":\1", rule)


def _not_yet() -> Answer:
    fixed = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), ("Retry-After", _SOON))
    return Answer(503, (*fixed, ("Content-Length", str(len(_NOT_YET)))), _NOT_YET)


def _send(answer: Answer, constant: tuple[tuple[str, str], ...], environ: Environ, start: Start) -> Iterable[bytes]:
    """The answer as WSGI has it. A large file goes to the server whole, so that no thread waits for a slow reader."""
    start(f"{answer.status} {HTTPStatus(answer.status).phrase}", [*answer.headers, *constant])
    if environ["REQUEST_METHOD"] == "HEAD":
        return []
    if answer.file is None:
        return [answer.body]
    wrapper: Callable[..., Iterable[bytes]] = environ["wsgi.file_wrapper"]
    return wrapper(answer.file)


def _path(environ: Environ) -> str | None:
    """The decoded path of a request; None when it is not UTF-8."""
    raw: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:
        return None


def _under(path: str, base_path: str) -> str | None:
    """A path as it goes on after the base path; None outside of it."""
    if not path.startswith("/"):
        return None
    if base_path and path != base_path and not path.startswith(f"{base_path}/"):
        return None
    return path[len(base_path) :] or "/"


def _method(environ: Environ) -> str:
    method = str(environ["REQUEST_METHOD"])
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE") else "other"
