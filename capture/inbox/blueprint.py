"""The blueprint of the inbox, and what every staff page is given: words, addresses of files and places, who is here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from capture.access.guard import csrf_token, current_user
from capture.access.sessions import User
from capture.house import House
from capture.inbox import assets, display
from capture.inbox.notices import notice_text
from capture.inbox.words import FIRST, has_word, t
from capture.release import Release
from capture.store import channels, outbox
from capture.store.channels import Channel
from capture.store.database import Unavailable
from capture.store.notices import standing

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox", template_folder="templates")
assets.register(blueprint)


def house() -> House:
    """The house this request is for."""
    found: House = current_app.extensions["obverse"]
    return found


def release() -> Release:
    """What the site says of itself now."""
    return house().releases.current()


@blueprint.app_context_processor
def _given() -> dict[str, Any]:
    """What `inbox/base.html` and the pages on it speak of; nothing for other pages."""
    if not request.path.startswith("/inbox"):
        return {}
    user = _user()
    return {
        "t": t,
        "asset": assets.asset,
        "words_lang": FIRST,
        "house_name": release().settings.title or "Obverse",
        "places": _places(),
        "user": user,
        "csrf_token": csrf_token,
        **(_troubles() if user else {}),
    }


def _user() -> User | None:
    """Who is logged in, if anybody: the page that logs in stands on the same base."""
    try:
        return current_user()
    except RuntimeError:
        return None


def _places() -> dict[str, str]:
    """Name -> address of what the menu and the forms lead to."""
    home = url_for("inbox.listing")
    own = ("report", "deliveries", "audit", "help", "changes", "sessions", "logout")
    return {"home": home, **{name: home + name for name in own}} | {
        "export_csv": url_for("inbox.export_csv"),
        "export_json": url_for("inbox.export_json"),
    }


def _troubles() -> dict[str, Any]:
    """What every page says: how many deliveries were given up or stopped, which channels are broken, what stands."""
    now = house().now()
    try:
        with house().ready().read() as connection:
            health = outbox.health(connection).values()
            broken, notices = channels.broken(connection, now), standing(connection)
    except Unavailable:
        return {"dead_count": 0, "broken": [], "notices": ()}
    return {
        "dead_count": sum(one.dead + one.stopped for one in health),
        "broken": [_broken(one) for one in broken],
        "notices": tuple(notice_text(one, release().settings.timezone, now) for one in notices),
    }


def _broken(channel: Channel) -> dict[str, Any]:
    since = channel.failing_since or house().now()
    zone = display.zone_of(release().settings.timezone)
    return {
        "name": channel.name,
        "iso": since.isoformat(timespec="seconds"),
        "since": display.moment(since, house().now(), zone),
        "error": display.visible(channel.error),
    }


def fault_page(code: int) -> Response:
    """A page in the inbox's look that says what went wrong, for 400, 403, 404, 405, 413 and 503."""
    known = code if has_word(f"fault.{code}") else 400
    html = render_template("inbox/fault.html", title=t(f"fault.{known}"), text=t(f"fault.{known}.text"))
    response = make_response(html, code)
    if code == 503:
        response.headers["Retry-After"] = "30"
    return response


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    return fault_page(error.code or 400)


@blueprint.errorhandler(Unavailable)
def _away(_: Unavailable) -> Response:
    return fault_page(503)


@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def missing(rest: str) -> Response:  # noqa: ARG001 -- what it was does not matter
    """Whatever is not here, said in the inbox's look."""
    return fault_page(404)
