"""The application: a house -> one WSGI application for visitors, staff and machines, under the site's base path."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from capture.endpoint import lost
from capture.house import House, open_house
from capture.posts import straight

__all__ = ["House", "create_app", "open_house"]

# The modules that have a `blueprint`. A part that cannot be imported must not leave the others open without it.
_PUBLIC = ("capture.endpoint", "capture.consents", "capture.health", "capture.openapi", "capture.reporting")
_STAFF = ("capture.access", "capture.inbox")
_PREVIEW = ("capture.outbox.mailbox",)

# What no answer goes without, whoever gives it; a page that may load something says so itself.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_Start = Callable[..., Any]
_Wsgi = Callable[[dict[str, Any], _Start], Iterable[bytes]]


def create_app(house: House) -> Flask:
    """The application of one house. In requests `current_app.extensions["obverse"]` is the house."""
    app = Flask("capture", static_folder=None, template_folder=None)
    app.extensions["obverse"] = house
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.jinja_env.autoescape = True
    app.after_request(_harmless)  # the first to be told is the last to be asked
    for module in (*_PUBLIC, *_STAFF, *(_PREVIEW if house.setup.preview else ())):
        app.register_blueprint(importlib.import_module(module).blueprint)
    app.register_error_handler(HTTPException, lost)
    app.wsgi_app = _under(house.setup.base_path, straight(app, house, app.wsgi_app))  # type: ignore[method-assign, assignment]
    return app


def _harmless(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _under(base_path: str, inner: _Wsgi) -> _Wsgi:
    """The same application below the base path, so that `url_for` gives addresses that work."""

    def outer(environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if base_path and (path == base_path or path.startswith(f"{base_path}/")):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + base_path
            environ["PATH_INFO"] = path[len(base_path) :]
        return inner(environ, start)

    return outer
