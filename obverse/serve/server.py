"""One port: the preview, the live script and its socket, and what else is mounted beside them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tornado import web
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.wsgi import WSGIContainer

from obverse.serve import Beside
from obverse.serve.handlers import Asset, Desk, Live, LiveReloadJSHandler, Preview, Problems, Refusal
from obverse.serve.hosts import is_ours

THREADS = 8
NOTHING = Beside()


class Application(web.Application):
    """All handlers behind one check of the name they were asked by."""

    def __init__(self, handlers: list[Any], desk: Desk, host: str) -> None:
        """`host` is the name given to `serve`."""
        super().__init__(handlers, log_function=lambda _handler: None)
        self._desk = desk
        self._host = host

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """The handler for a request, or a refusal."""
        if not is_ours(request.host, self._host):
            return self.get_handler_delegate(request, Refusal, {"desk": self._desk})
        return super().find_handler(request, **kwargs)


class Server:
    """The handlers on sockets that are open already."""

    def __init__(self, desk: Desk, host: str, beside: Beside = NOTHING) -> None:
        """`host` is the name given to `serve`."""
        self._desk = desk
        self._host = host
        self._mounts = beside.mounts
        self._scripts = beside.scripts
        self._pool = ThreadPoolExecutor(THREADS, "mount")
        self._http: HTTPServer | None = None

    def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Answer on these sockets from now on, on the running event loop."""
        self._http = HTTPServer(Application(self.routes(), self._desk, self._host))
        self._http.add_sockets(sockets)

    async def close(self) -> None:
        """Answer no longer."""
        if self._http is not None:
            self._http.stop()
            await self._http.close_all_connections()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def routes(self) -> list[Any]:
        """Which path is whose: ours, then what is mounted, then the preview."""
        given = {"desk": self._desk}
        return [
            (r"/_ob/(live\.js|overlay\.js|overlay\.css)", Asset, given),
            (r"/_ob/problems\.json", Problems, given),
            (r"/livereload", Live, given),
            (r"/livereload\.js", LiveReloadJSHandler),
            *(route for prefix, application in self._mounts for route in self._mounted(prefix, application)),
            (r"/(.*)", Preview, {**given, "scripts": self._scripts}),
        ]

    def _mounted(self, prefix: str, application: WSGIApplication) -> list[Any]:
        container: Callable[[HTTPServerRequest], None] = WSGIContainer(guarded(application), executor=self._pool)
        return [
            (re.escape(prefix) + ".*", web.FallbackHandler, {"fallback": container}),
            (re.escape(prefix.removesuffix("/")), web.RedirectHandler, {"url": prefix}),
        ]


def guarded(application: WSGIApplication) -> WSGIApplication:
    """The application, answering 500 where it would raise: tornado would leave the browser waiting."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except Exception as fault:  # noqa: BLE001 the boundary: whatever it is, the browser is answered
            print(f"{environ['PATH_INFO']}: {type(fault).__name__}: {fault}", flush=True)
            start_response("500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"500 the application behind this address failed\n"]

    return answer
