"""The pages of the door: login, one-time link, logout; and one's own: sessions, password, who may come in."""

from __future__ import annotations

import hmac
import math
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from capture.access import guard, passwords, sessions, throttle
from capture.access.guard import csrf_token, current_login, house, safe_next, tell
from capture.access.sessions import LONGEST, cookie_name, device_mark
from capture.inbox.words import t
from capture.posting import address_of, network_of
from capture.store import audit, people
from capture.store.database import Unavailable
from capture.store.people import Person

blueprint = Blueprint("access", __name__, url_prefix="/inbox", template_folder="templates")
blueprint.before_app_request(guard.require_login)
blueprint.after_app_request(guard.protect)

# How long a browser is known as one that somebody has logged in with.
_KNOWN = timedelta(days=180)


@blueprint.app_context_processor
def _given() -> dict[str, Any]:
    return {"csrf_token": csrf_token}


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    from capture.inbox.blueprint import fault_page

    return fault_page(error.code or 400)


@blueprint.errorhandler(Unavailable)
def _away(_: Unavailable) -> Response:
    from capture.inbox.blueprint import fault_page

    return fault_page(503)


# The door.


@blueprint.get("/login")
def login() -> AnyResponse:
    """The page that asks for address and password."""
    wanted = safe_next(request.args.get("next", ""))
    return redirect(wanted, 303) if guard.user_or_none() else _login_page(wanted)


@blueprint.post("/login")
def log_in() -> AnyResponse:
    """Look at what was given, as slowly for a stranger as for a friend."""
    wanted = safe_next(request.form.get("next", ""))
    if not guard.door_is_ours():
        return _login_page(wanted, t("access.once-more"), 403)
    email = people.login_name(request.form.get("email", ""))
    try:
        with passwords.door():
            wait, person = _try(email, request.form.get("password", ""))
    except passwords.Busy:
        return _too_many(wanted, 5)
    if wait:
        return _too_many(wanted, wait)
    if person is None:
        return _login_page(wanted, t("access.wrong"), 422)
    return _let_in(person, wanted, "password")


def _try(email: str, password: str) -> tuple[int, Person | None]:
    """Seconds to wait, or who it is; None for nobody."""
    given = house()
    database, now = given.ready(), given.now()
    with database.read() as connection:
        person = people.person_by_email(connection, email)
    mark = device_mark(given.key, person) if person else ""
    counters = throttle.counters(given.key, email, _network(), mark if _is_known(mark) else "")
    with database.write() as connection:
        wait = throttle.admit(connection, counters, now)
    if wait:
        return math.ceil(wait.total_seconds()), None
    if not passwords.fits(password, person.password if person else ""):
        _tell_failed(person.id if person else "", "password")
        return 0, None
    with database.write() as connection:
        throttle.forgive(connection, counters)
    return 0, person


def _tell_failed(user: str, by: str) -> None:
    given = house()
    with given.ready().write() as connection:
        audit.failed(connection, given.setup.secrets.key, user, by, given.now())


def _is_known(mark: str) -> bool:
    kept = request.cookies.get(cookie_name(house().setup, "known"), "")
    return bool(mark) and hmac.compare_digest(mark.encode(), kept.encode("utf-8", "surrogatepass"))


def _network() -> str:
    return network_of(address_of(request, house().setup.proxies))


@blueprint.get("/enter/<secret>")
def enter(secret: str) -> AnyResponse:
    """A page with one button. Looking at it uses nothing up: mail scanners and browsers look before people do."""
    if guard.user_or_none():
        return redirect(safe_next(""), 303)
    given = house()
    with given.ready().read() as connection:
        fresh = people.link_is_fresh(connection, sessions.digest(secret), given.now())
    return _door(render_template("access/enter.html", fresh=fresh, secret=secret), 200 if fresh else 410)


@blueprint.post("/enter/<secret>")
def use(secret: str) -> AnyResponse:
    """Log in by a link, once."""
    if not guard.door_is_ours():
        return _door(render_template("access/enter.html", fresh=True, secret=secret, error=t("access.once-more")), 403)
    given = house()
    with given.ready().write() as connection:
        person = people.use_link(connection, sessions.digest(secret), given.now())
    if person is None:
        return _door(render_template("access/enter.html", fresh=False, secret=secret), 410)
    return _let_in(person, safe_next(""), "link")


def _let_in(person: Person, wanted: str, by: str) -> AnyResponse:
    """A new session, whatever cookie the browser came with; and the browser is known from now on. `by` is told."""
    given = house()
    old = request.cookies.get(cookie_name(given.setup), "")
    agent = sessions.agent_family(request.headers.get("User-Agent", ""))
    with given.ready().write() as connection:
        secret = sessions.begin(connection, person.id, given.now(), given.token, agent=agent, old=old)
        audit.signed_in(connection, given.setup.secrets.key, person.id, by, given.now())
    response = redirect(wanted, 303)
    _set_cookie(response, "", secret, LONGEST)
    _set_cookie(response, "known", device_mark(given.key, person), _KNOWN)
    _drop_cookie(response, "door")
    return response


@blueprint.post("/logout")
def logout() -> AnyResponse:
    """End this session."""
    login = current_login()
    with house().ready().write() as connection:
        people.delete_session(connection, login.session.id, login.user.id)
        tell(connection, "signout", "user", login.user.id)
    response = redirect(url_for("access.login"), 303)
    _drop_cookie(response, "")
    return response


def _login_page(wanted: str, error: str = "", status: int = 200) -> Response:
    email = request.form.get("email", "")
    return _door(render_template("access/login.html", wanted=wanted, error=error, email=email), status)


def _too_many(wanted: str, seconds: int) -> Response:
    key, n = ("access.wait.seconds", seconds) if seconds < 90 else ("access.wait.minutes", math.ceil(seconds / 60))
    response = _login_page(wanted, t(key, n=n), 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _door(html: str, status: int) -> Response:
    """A page at the door, with the cookie that its form is checked by."""
    response = make_response(html, status)
    _set_cookie(response, "door", guard.door_token(), timedelta(hours=12))
    return response


def _set_cookie(response: AnyResponse, kind: str, value: str, lasting: timedelta) -> None:
    name = cookie_name(house().setup, kind)
    secure = name.startswith("__Host-")
    response.set_cookie(
        name, value, max_age=int(lasting.total_seconds()), path="/", secure=secure, httponly=True, samesite="Lax"
    )


def _drop_cookie(response: AnyResponse, kind: str) -> None:
    name = cookie_name(house().setup, kind)
    response.delete_cookie(name, path="/", secure=name.startswith("__Host-"), httponly=True, samesite="Lax")


# One's own.


@blueprint.get("/sessions")
def own() -> Response:
    """Where I am logged in, my password, and who else may come in."""
    return _own_page()


@blueprint.post("/sessions/end")
def end() -> AnyResponse:
    """End one of my sessions, or all but this one."""
    login, which = current_login(), request.form.get("session", "")
    with house().ready().write() as connection:
        if which == "others":
            count = people.delete_sessions(connection, login.user.id, but=login.session.id)
        elif people.delete_session(connection, which, login.user.id):
            count = 1
        else:
            abort(404)
        tell(connection, "sessions.ended", "user", login.user.id, count=count)
    return redirect(url_for("access.own", done="ended"), 303)


@blueprint.post("/password")
def change() -> AnyResponse:
    """Another password for me. All my sessions end, and this browser gets a new one."""
    login = current_login()
    old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
    try:
        with passwords.door():
            error = _password_error(login.user.id, old, new, again)
            kept = "" if error else passwords.hashed(new)
    except passwords.Busy:
        return _own_page(t("access.busy"), 429)
    if error:
        return _own_page(error, 422)
    with house().ready().write() as connection:
        people.set_password(connection, login.user.id, kept)
        count = people.delete_sessions(connection, login.user.id)
        person = people.person(connection, login.user.id)
        tell(connection, "password.set", "user", login.user.id, sessions=count)
    if person is None:
        abort(404)
    return _let_in(person, url_for("access.own", done="password"), "new-password")


def _password_error(user: str, old: str, new: str, again: str) -> str:
    """What is wrong with a change of password, in words. Guesses at the old one are counted as logins are."""
    given = house()
    with given.ready().read() as connection:
        person = people.person(connection, user)
    if person and person.password:
        counters = throttle.counters(given.key, person.email, "", f"password of {person.id}")
        with given.ready().write() as connection:
            wait = throttle.admit(connection, counters, given.now())
        if wait:
            return t("access.wait.seconds", n=math.ceil(wait.total_seconds()))
        if not passwords.fits(old, person.password):
            _tell_failed(person.id, "old-password")
            return t("access.password.old")
        with given.ready().write() as connection:
            throttle.forgive(connection, counters)
    if complaint := passwords.complaint(new):
        return t(complaint, shortest=passwords.SHORTEST, longest=passwords.LONGEST)
    return "" if new == again else t("access.password.twice")


def _own_page(error: str = "", status: int = 200) -> Response:
    login = current_login()
    with house().ready().read() as connection:
        everywhere = people.sessions_of(connection, login.user.id)
        everybody = people.people(connection)
    done, here = request.args.get("done", ""), login.session.id
    html = render_template(
        "access/own.html",
        here="sessions",
        me=login.user,
        sessions=[_shown(one, here) for one in sorted(everywhere, key=lambda one: one.id != here)],
        people=[{"name": one.name, "email": one.email, "me": one.id == login.user.id} for one in everybody],
        has_password=any(one.id == login.user.id and one.password for one in everybody),
        said={"text": t(f"access.done.{done}")} if done in ("ended", "password") else {},
        error=error,
        shortest=passwords.SHORTEST,
    )
    return make_response(html, status)


def _shown(session: people.Session, here: str) -> dict[str, Any]:
    from capture.inbox import display

    given = house()
    zone, now = display.zone_of(given.releases.current().settings.timezone), given.now()
    return {
        "id": session.id,
        "agent": session.agent or t("access.agent.other"),
        "here": session.id == here,
        "seen": display.moment(session.seen_at, now, zone),
        "seen_iso": session.seen_at.isoformat(timespec="seconds"),
        "since": display.moment(session.created_at, now, zone),
    }
