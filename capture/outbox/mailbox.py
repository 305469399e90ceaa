"""In a preview: the rows of the outbox -> pages at `/_ob/mail/` that show exactly what would have been sent.

Without a login, since a preview is somebody's own desk; never registered by `run`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, render_template, url_for
from markupsafe import Markup

from capture.access.guard import HEADERS
from capture.house import House
from capture.inbox.assets import asset
from capture.inbox.words import FIRST, t
from capture.links import confirming
from capture.outbox import chat, webhook
from capture.outbox.letters import Unsendable, letter
from capture.outbox.worker import letterhead
from capture.store import outbox
from capture.store.database import Unavailable
from capture.store.outbox import STATES, Delivery

blueprint = Blueprint("mailbox", __name__, url_prefix="/_ob/mail", template_folder="templates")

_SHOWN = 100

# What a reader looks for first; the other headers follow as they stand in the mail.
_FIRST = ("From", "To", "Reply-To", "Subject", "Date")


@dataclass(frozen=True, slots=True)
class Shown:
    """One row as it is shown: header lines and text are those that would be sent."""

    id: str
    subject: str
    receiver: str
    time: str
    iso: str
    channel: str
    headers: tuple[tuple[str, str], ...]
    text: Markup
    inquiry: str


@blueprint.get("/")
def listing() -> Response:
    """All of it, the newest first."""
    house = _house()
    with house.ready().read() as connection:
        rows = outbox.deliveries(connection, STATES, limit=_SHOWN)
    return _page("mailbox/list.html", rows=[_shown(one, house) for one in rows])


@blueprint.get("/<id>")
def one(id: str) -> Response:
    """One mail, or one post to the webhook."""
    house = _house()
    with house.ready().read() as connection:
        row = outbox.delivery(connection, id)
    if row is None:
        abort(404)
    return _page("mailbox/one.html", one=_shown(row, house))


@blueprint.after_request
def _protect(response: Response) -> Response:
    for name, value in {**HEADERS, "Cache-Control": "no-store"}.items():
        response.headers[name] = value
    return response


@blueprint.errorhandler(404)
def _missing(_: Exception) -> Response:
    return _page("mailbox/fault.html", 404, title=t("fault.404"), text=t("mailbox.missing"))


@blueprint.errorhandler(Unavailable)
def _away(_: Unavailable) -> Response:
    return _page("mailbox/fault.html", 503, title=t("fault.503"), text=t("fault.503.text"))


def _house() -> House:
    found: House = current_app.extensions["obverse"]
    return found


def _page(template: str, code: int = 200, **values: Any) -> Response:
    house = _house()
    given = {
        "t": t,
        "asset": asset,
        "words_lang": FIRST,
        "house_name": house.releases.current().settings.title or "Obverse",
        "places": {"home": url_for("inbox.listing"), "mail": url_for("mailbox.listing")},
        "user": None,
    }
    return make_response(render_template(template, **given, **values), code)


def _shown(row: Delivery, house: House) -> Shown:
    place = url_for("inbox.listing") + (f"i/{row.inquiry}" if row.inquiry else "")
    if row.channel in ("webhook", "chat"):
        return _shown_post(row, house, place)
    head = letterhead(house)
    try:
        message = letter(row, head)
    except Unsendable as error:
        return Shown(row.id, str(error), row.target, *_time(row, house), "mail", (), Markup(), place)
    return _shown_mail(row, message, house, place)


def _shown_mail(row: Delivery, message: EmailMessage, house: House, place: str) -> Shown:
    names = sorted(message.keys(), key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    headers = tuple((name, " ".join(str(message[name]).split())) for name in names)
    subject, text = str(message["Subject"]), message.get_content().replace("\r\n", "\n")
    shown = _with_links(text, house.setup.address)
    return Shown(row.id, subject, row.target, *_time(row, house), "mail", headers, shown, place)


def _with_links(text: str, address: str) -> Markup:
    """The text of a mail, with links where it names the page of a consent: that is there to be followed."""
    parts = re.split(f"({re.escape(confirming(address, ''))}[0-9a-f]{{32}})", text)
    return Markup().join(
        Markup('<a href="{0}">{0}</a>').format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def _shown_post(row: Delivery, house: House, place: str) -> Shown:
    """The body as it would be posted, set in lines for reading; of the headers those that do not depend on the time."""
    is_chat = row.channel == "chat"
    content = json.loads(chat.body(row, letterhead(house)) if is_chat else webhook.body(row, house.setup.address))
    text = json.dumps(content, ensure_ascii=False, indent=2)
    signed = () if is_chat else (("webhook-id", row.id),)
    headers = (("POST", row.target), ("Content-Type", "application/json"), *signed)
    subject = content["text"].partition("\n")[0] if is_chat else content["type"]
    return Shown(row.id, subject, row.target, *_time(row, house), row.channel, headers, Markup.escape(text), place)


def _time(row: Delivery, house: House) -> tuple[str, str]:
    at: datetime = row.created_at.astimezone(UTC)
    return letterhead(house).moment(at.isoformat()), at.isoformat(timespec="seconds")
