"""The door of the inbox: before every request under `/inbox/` it asks who is there and whether they mean it.

What is not named as open here asks for a login, also what does not exist. Every POST needs the session's token and must
come from our own pages. Afterwards it puts the headers on that keep the answer to this one browser, and harmless there.
"""

from __future__ import annotations

import contextlib
import hmac
from typing import Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from capture.access.sessions import Login, User, cookie_name, login_of
from capture.audit.chain import Entry
from capture.house import House
from capture.store import audit, people
from capture.store.database import Unavailable

__all__ = ("User", "csrf_token", "current_login", "current_user", "protect", "require_login", "safe_next", "tell")

# What those see who are not logged in. The static files are the look of the login page.
OPEN = frozenset({"access.login", "access.log_in", "access.enter", "access.use", "inbox.static"})

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not `no-referrer`: with it browsers send `Origin: null` with our own forms. Other hosts learn nothing by this.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


def house() -> House:
    """The house of this request."""
    found: House = current_app.extensions["obverse"]
    return found


def is_staff(path: str) -> bool:
    """Whether a path, without the base path, is the inbox's."""
    return path == "/inbox" or path.startswith("/inbox/")


def require_login() -> AnyResponse | None:
    """Let a request to the inbox pass (None), or send it to the login."""
    if not is_staff(request.path):
        return None
    g.login = None  # for the page that says so when nobody can be looked up
    g.login = _login()
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _refuse_foreign_posts()
    if request.endpoint in OPEN:
        return None
    if g.login is None:
        return redirect(url_for("access.login", next=_here()), 303)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _refuse_without_token(g.login.session.csrf)
    return None


def protect(response: Response) -> Response:
    """The headers of everything under `/inbox/`. Only static files may be kept."""
    if is_staff(request.path):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)  # a file of a visitor's has a stricter policy of its own
        if request.endpoint != "inbox.static" or response.status_code not in (200, 206, 304):
            response.headers["Cache-Control"] = "no-store"
    return response


def current_login() -> Login:
    """The session of this request. Raises RuntimeError where none was asked for."""
    found: Login | None = g.get("login")
    if found is None:
        raise RuntimeError("nobody is logged in here")
    return found


def current_user() -> User:
    """Who is logged in. Raises RuntimeError where no login was asked for."""
    return current_login().user


def tell(connection: sa.Connection, kind: str, about: str = "", subject: str = "", **facts: Any) -> None:
    """Tell the audit log what whoever is logged in does: last in the transaction that does it."""
    given = house()
    entry = Entry(given.now(), current_user().id, kind, about, subject, facts)
    audit.append(connection, given.setup.secrets.key, entry)


def user_or_none() -> User | None:
    """Who is logged in, None for nobody: for what is also shown at the door."""
    found: Login | None = g.get("login")
    return found.user if found else None


def csrf_token() -> str:
    """The token that every form under `/inbox/` carries as `_csrf`: the session's, else that of the door."""
    found: Login | None = g.get("login")
    return found.session.csrf if found else door_token()


def door_token() -> str:
    """The token of the forms that log in: what a cookie of this browser says, which `pages` sees to."""
    if "door" not in g:
        g.door = request.cookies.get(cookie_name(house().setup, "door"), "") or house().token()
    token: str = g.door
    return token


def door_is_ours() -> bool:
    """Whether a form that logs in came from a page we gave to this browser."""
    kept = request.cookies.get(cookie_name(house().setup, "door"), "")
    return bool(kept) and _same(kept, request.form.get("_csrf", ""))


def safe_next(text: str) -> str:
    """Where to go after the login: a path of the inbox, below the base path; the inbox's first page for all else."""
    start = url_for("access.login").removesuffix("login")
    plain = all(" " < char < "\x7f" and char != "\\" for char in text)
    if not plain or not text.startswith(start) or text.startswith("//"):
        return start
    try:
        path = unquote(urlsplit(text).path)
    except ValueError:
        return start
    inside = path.startswith(start) and not {"", ".", ".."} & set(path.removeprefix(start).split("/")[:-1])
    return text if inside and not path.endswith(("/..", "/.")) and "\\" not in path else start


def _login() -> Login | None:
    """Who is logged in, and that they are here is noted. An inbox that cannot be read raises Unavailable."""
    given = house()
    secret = request.cookies.get(cookie_name(given.setup), "")
    if not secret:
        return None
    now = given.now()
    database = given.ready()
    with database.read() as connection:
        found = login_of(connection, secret, now)
    if found and found.worth_noting(now):
        with contextlib.suppress(Unavailable), database.write() as connection:  # reading goes on while nobody can write
            people.touch_session(connection, found.session.id, now)
    return found


def _here() -> str:
    """The page to come back to: this one, or for a form the one it stood in."""
    if request.method in ("GET", "HEAD"):
        return request.script_root + (request.full_path if request.query_string else request.path)
    parts = urlsplit(request.referrer or "")
    return safe_next(parts.path + (f"?{parts.query}" if parts.query else ""))


def _refuse_foreign_posts() -> None:
    """403 for what another site's page sends. Browsers say where a request is from, and no page can change that."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        if site != "same-origin":
            abort(403)
        return
    origin = request.headers.get("Origin", "")
    if origin and urlsplit(origin).netloc.lower() not in _own_hosts():
        abort(403)


def _own_hosts() -> set[str]:
    """The hosts that our pages may have: the one we were told, and the one this request came to."""
    return {urlsplit(house().setup.address).netloc.lower(), request.host.lower()}


def _refuse_without_token(token: str) -> None:
    if not _same(token, request.form.get("_csrf", "")):
        abort(403)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
