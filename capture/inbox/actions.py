"""POST requests -> changes. Each is an ordinary form: it is done, then the page it came from is shown again (303)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response

from capture.access.guard import current_user, tell
from capture.inbox import display
from capture.inbox.blueprint import blueprint, house, release
from capture.inbox.listing import of_view
from capture.inbox.pages import sender
from capture.model import STAGES
from capture.outbox.audience import audience
from capture.store import inquiries, outbox

LONGEST = 20_000


@dataclass
class Outcome:
    """How a change is told: `done` and `wrong` are codes of words, never what a person typed."""

    done: str
    wrong: str = ""
    was: str = ""


@blueprint.post("/i/<id>/stage")
def stage(id: str) -> Response:
    """Move it; a won one with a value, a lost one with a reason."""
    name = request.form.get("stage", "")
    if name not in STAGES:
        abort(400)
    settings, user = release().settings, current_user()
    outcome = Outcome(name)
    try:
        value = display.amount(request.form.get("value", "")) if name == "won" else None
    except ValueError:
        return _back(id, Outcome("", "value"))
    with _changing(outcome), house().ready().write() as connection:
        before = inquiries.detail(connection, id)
        outcome.was = before.row.stage if before else ""
        inquiries.set_stage(
            connection,
            id,
            name,
            actor=user.id,
            now=house().now(),
            value=value,
            currency=settings.currency if value is not None else "",
            reason=request.form.get("reason", "") if name == "lost" else "",
        )
    if outcome.was == name:
        outcome.was = ""
    return _back(id, outcome)


@blueprint.post("/i/<id>/owner")
def owner(id: str) -> Response:
    """Give it to somebody, or to nobody."""
    outcome = Outcome("owner")
    with _changing(outcome), house().ready().write() as connection:
        to = request.form.get("owner", "")
        inquiries.assign(connection, id, to, actor=current_user().id, now=house().now())
    return _back(id, outcome)


@blueprint.post("/i/<id>/note")
def note(id: str) -> Response:
    """Write something down for the house."""
    text = _text("text")
    outcome = Outcome("note", _wrong_text(text))
    if not outcome.wrong:
        with _changing(outcome), house().ready().write() as connection:
            given: dict[str, Any] = {"actor": current_user().id, "now": house().now(), "token": house().token}
            inquiries.add_note(connection, id, text, **given)
    return _back(id, outcome)


@blueprint.post("/i/<id>/reply")
def reply(id: str) -> Response:
    """Answer by mail, to the address the inquiry has and no other."""
    text, subject = _text("text"), _text("subject")
    outcome = Outcome("reply", _wrong_text(text) or ("long" if len(subject) > 200 else ""))
    if not outcome.wrong:
        with _changing(outcome), house().ready().write() as connection:
            found = inquiries.detail(connection, id)
            to = found.row.email if found else ""
            if found is None:
                raise KeyError(id)
            if not to or not sender():
                outcome.wrong = "reply"
            else:
                given: dict[str, Any] = {"actor": current_user().id, "now": house().now(), "token": house().token}
                inquiries.add_message(connection, id, to, subject, text, **given)
        house().wake()
    return _back(id, outcome)


@blueprint.post("/i/<id>/release")
def release_held(id: str) -> Response:
    """Let a held one in: whoever is told of inquiries is told of it now."""
    outcome, known = Outcome("release"), release()
    with _changing(outcome), house().ready().write() as connection:
        submission = inquiries.held_submission(connection, id)
        outgoing = audience(known, submission, house().ids) if submission else []
        given: dict[str, Any] = {"actor": current_user().id, "now": house().now(), "token": house().token}
        inquiries.release(connection, id, outgoing, **given)
        tell(connection, "inquiry.released", "inquiry", id)
    house().wake()
    return _back(id, outcome)


@blueprint.post("/deliveries/<id>/replay")
def replay(id: str) -> Response:
    """Send again what was given up or stopped, or what waits for its next try."""
    outcome = Outcome("replay")
    with house().ready().read() as connection:
        found = outbox.delivery(connection, id)
    if found is None:
        abort(404)
    with _changing(outcome), house().ready().write() as connection:
        outbox.replay(connection, id, house().now())
        tell(connection, "outbox.replayed", "delivery", id, rows=1)
    house().wake()
    if request.form.get("pane") or request.form.get("sheet"):
        return _back(found.inquiry, outcome)
    return redirect(url_for("inbox.deliveries", **_told(outcome)), 303)


blueprint.add_url_rule("/i/<id>/release", "release", release_held, methods=["POST"])


def _text(name: str) -> str:
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def _wrong_text(text: str) -> str:
    if not text:
        return "empty"
    return "long" if len(text) > LONGEST else ""


@contextlib.contextmanager
def _changing(outcome: Outcome) -> Iterator[None]:
    """What the store refuses, said on the page: 404 for what is not there."""
    try:
        yield
    except KeyError:
        abort(404)
    except ValueError:
        outcome.wrong = "change"


def _told(outcome: Outcome) -> dict[str, Any]:
    if outcome.wrong:
        return {"wrong": outcome.wrong}
    return {"done": outcome.done, **({"was": outcome.was} if outcome.was else {})}


def _back(id: str, outcome: Outcome) -> Response:
    """To the inquiry, or to its piece when the list has it beside itself."""
    pane: dict[str, Any] = {"pane": "1"} if request.form.get("pane") else {}
    view = of_view(request.args.get("view", "open"))
    return redirect(url_for("inbox.inquiry", id=id, **pane, **view, **_told(outcome)), 303)
