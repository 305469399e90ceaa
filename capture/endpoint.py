"""The endpoint: what visitors send -> stored (in the database, or the spool while that is away), and then thanked.

`POST /_ob/f/<form>` takes a form, `GET /_ob/t/<receipt>` is its thank-you page. Nobody is thanked before the commit.
`GET /_ob/challenge` gives programs the work that is asked for past a limit.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Request, Response, current_app, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from capture.accept import Refusal, accept
from capture.answers import Answer, Places, Sent, Voice, challenge_answer, origin_of
from capture.gate import Asked, Full, Passed, gate, reasons
from capture.house import House
from capture.ids import instance_key
from capture.judge import spared
from capture.keeping.orphans import drop_copies
from capture.model import Outgoing, Saved, Submission, Verdict
from capture.outbox.audience import audience
from capture.posting import Post, Rejected, read_post, wants_json
from capture.proof import make
from capture.release import Release
from capture.setup import PageRow
from capture.spool import find, keep
from capture.store.attachments import is_stored, used
from capture.store.database import Unavailable
from capture.store.known import is_known
from capture.store.line import save
from capture.store.saving import Thanked, thanked
from capture.store.texts import is_id
from capture.thanks import is_to_confirm, message
from capture.uploads.intake import Room
from capture.uploads.shelf import discard, has_room, hold, settle
from obverse.forms.form import Form
from obverse.forms.kinds import MEGABYTE

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_log = logging.getLogger("obverse.capture")

blueprint = Blueprint("endpoint", __name__, url_prefix="/_ob")

# For so long the thank-you page knows what was written; afterwards it is as good as in anybody's hands.
KNOWN_FOR = timedelta(hours=1)

# When to try again, in seconds, while nothing can be stored.
RETRY = 60

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the house it came to, the release at that moment, and where things are."""

    request: Request
    house: House
    release: Release
    places: Places

    @classmethod
    def now(cls, form: str = "") -> Visit:
        """The visit of Flask's request at hand, by a release that knows that form, if there is one."""
        return cls.of(request, current_app.extensions["obverse"], form)

    @classmethod
    def of(cls, request: Request, house: House, form: str = "", rules: str = "") -> Visit:
        """The visit of a request, by a release that knows a form with these rules, if there is one."""
        release = house.releases.current(form, rules)
        return cls(request, house, release, Places.of(house.setup, release))

    def knowing(self, form: str, rules: str) -> Visit:
        """The same visit, by a release that knows a form with these rules, if there is one."""
        is_same = self.house.releases.current(form, rules) is self.release
        return self if is_same else Visit.of(self.request, self.house, form, rules)

    def voice(self, lang: str = "") -> Voice:
        """Who answers: in that language, else in what the browser asks for, as a page or as JSON."""
        languages = self.release.settings.languages
        asked = lang or self.request.accept_languages.best_match(languages, default="") if languages else lang
        return Voice(self.release, self.places, self.release.language(asked or ""), wants_json(self.request))

    def origin_page(self, post: Post | None = None) -> PageRow | None:
        """The page it was sent from: as its form names it, else by the address the browser tells."""
        named = self.release.pages.get(post.own("page")) if post else None
        return named or self.release.page_at(self.request.environ.get("HTTP_REFERER", ""))

    @property
    def hosts(self) -> frozenset[str]:
        """The names that we are reached by."""
        return _hosts(self.house.setup.address, self.release.settings.url, f"//{self.request.host}")


@blueprint.route("/f/<name>", methods=_METHODS, provide_automatic_options=False)
def form(name: str) -> Response:
    """Take what was sent to a form."""
    visit = Visit.now()
    if request.method == "OPTIONS":
        return as_response(Answer(204, headers={"Allow": "POST, OPTIONS"}), visit)
    if request.method != "POST":
        refused = visit.voice().refuse(405, "method", origin=visit.origin_page())
        return as_response(replace(refused, headers={"Allow": "POST, OPTIONS"}), visit)
    return as_response(answered(visit, name), visit)


@blueprint.get("/t/<receipt>", provide_automatic_options=False)
def thanks(receipt: str) -> Response:
    """The thank-you page of a receipt."""
    visit = Visit.now()
    known, found = _known(visit.house, receipt) if is_id(receipt) else (None, False)
    voice = visit.voice(known.lang if known else "")
    if not found:
        return as_response(replace(voice, json=False).refuse(404, "unknown-receipt"), visit)
    seen = visit.release.form(known.form, known.lang, known.rules, known.words) if known else None
    # Either way: what came while a clock was years ahead must not be shown for years.
    fresh = known is not None and abs(visit.house.now() - known.received_at) < KNOWN_FOR
    told = message(seen, known.values if known and fresh else None, voice.say("capture.thanks.default"))
    confirm = bool(known and fresh and is_to_confirm(seen, known.values))
    answer = voice.thanks(told, receipt, visit.origin_page(), confirm=confirm)
    return as_response(replace(answer, headers={"Referrer-Policy": "no-referrer"}), visit)


@blueprint.get("/challenge", provide_automatic_options=False)
def challenge() -> Response:
    """A challenge whose number lets one post to the form named by `form` in past a limit."""
    name = request.args.get("form", "")
    visit = Visit.now(name)
    if visit.release.current(name, "") is None:
        return as_response(visit.voice().refuse(404, "unknown-form"), visit)
    if not visit.house.key:
        return as_response(visit.voice().refuse(503, "unavailable"), visit)
    made = make(visit.house.key, name, visit.house.now(), visit.house.token)
    return as_response(challenge_answer(made), visit)


def lost(error: HTTPException) -> Response | HTTPException:
    """What a visitor sees where there is nothing below `/_ob/`; elsewhere the error stays what it is."""
    code = _LOST.get(error.code or 0)
    if not request.path.startswith("/_ob/") or code is None:
        return error
    visit = Visit.now()
    refused = as_response(visit.voice().refuse(error.code or 0, code), visit)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        refused.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return refused


# 400 comes of what stands before any form, as a host's name that is none.
_LOST = {400: "bad-request", 404: "unknown-receipt", 405: "method", 413: "too-big"}


def _known(house: House, receipt: str) -> tuple[Thanked | None, bool]:
    """What was sent under a receipt, as far as is known, and whether there is anything to thank for.

    What still waits in the spool is thanked for without names. While the database is away nobody can tell: who comes
    here was sent here, and is not told that what is safe with us were lost.
    """
    try:
        with house.ready().read() as connection:
            found = thanked(connection, receipt)
    except Unavailable:
        return None, True
    if found is None and (waiting := find(house.spool, receipt)):
        return Thanked(waiting.form, waiting.lang, waiting.rules, waiting.words, {}, waiting.received_at), True
    return found, found is not None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A post that is to be stored, and what its sender is told once it is, or when it cannot be (None)."""

    house: House
    submission: Submission
    outgoing: Sequence[Outgoing]
    told: Callable[[Saved | None], Answer]


def answered(visit: Visit, name: str) -> Answer:
    """The answer to a post, which is stored by then."""
    taken = take(visit, name)
    return taken if isinstance(taken, Answer) else taken.told(store([taken])[0])


def take(visit: Visit, name: str) -> Answer | Accepted:
    """The answer to a post, or what is to be stored before there is one."""
    house, request = visit.house, visit.request
    room = Room.of(visit.release.takers.get(name, ()), house.uploads, house.token)
    post = read_post(request, house.setup.proxies, visit.hosts, room)
    if isinstance(post, Rejected):
        return visit.voice(_language(visit, None, None)).refuse(post.status, post.code, origin=visit.origin_page())
    try:
        return _read(visit, name, post)
    finally:
        discard(house.uploads, (one.id for one in post.uploads if one.id))


def _read(visit: Visit, name: str, post: Post) -> Answer | Accepted:
    """The answer to a post whose parts have arrived."""
    rules, _, words = post.own("version").partition(".")
    visit = visit.knowing(name, rules)
    page = visit.origin_page(post)
    form_seen = visit.release.form(name, _language(visit, None, page), rules, words)
    voice = visit.voice(_language(visit, form_seen, page))
    if is_foreign(visit):
        return voice.refuse(403, "origin", post.answers, page)
    if form_seen is None:
        return voice.refuse(404, "unknown-form", post.answers, page)
    instance = instance_key(post.own("instance")) or visit.house.token()
    sent = Sent(form_seen, post, page, instance)
    return _let_in(visit, voice, sent)


def _let_in(visit: Visit, voice: Voice, sent: Sent) -> Answer | Accepted:
    """The answer to a post that can be read, as far as the limits let it come."""
    passed = gate(visit.house, visit.release, sent.form, sent.post)
    if isinstance(passed, Full):
        return voice.again(429, "limited", sent, passed.wait)
    if isinstance(passed, Asked):
        return voice.prove(sent, passed.challenge, passed.wait)
    uploads = sent.post.uploads
    if sent.post.strays or (uploads and not {one.field for one in uploads} <= {one.name for one in sent.form.files}):
        return voice.again(415, "files", sent)
    return _judged(visit, voice, sent, passed)


def _judged(visit: Visit, voice: Voice, sent: Sent, passed: Passed) -> Answer | Accepted:
    """The answer to a post that may come."""
    if sent.post.full:
        return voice.again(413, "files-full", sent)
    house = visit.house
    submission = accept(sent.form, sent.post, sent.page, house.now(), house.ids, visit.release.settings)
    if isinstance(submission, Refusal):
        return voice.mend(sent, submission.errors)
    if not _settled(house, submission, visit.release.settings.uploads):
        return voice.again(413, "files-full", sent)
    held_for = (*_trusted(house, submission).reasons, *reasons(house, passed, submission))
    if held_for != submission.verdict.reasons:
        submission = replace(submission, verdict=Verdict(held_for))
    outgoing = audience(visit.release, submission, house.ids)
    return Accepted(house, submission, outgoing, lambda saved: _told(voice, sent, submission, saved))


def _told(voice: Voice, sent: Sent, submission: Submission, saved: Saved | None) -> Answer:
    """The answer to a post that is stored, or could be stored nowhere."""
    if saved is None:
        return voice.again(503, "unavailable", sent, RETRY)
    return voice.stored(saved, lambda: message(sent.form, submission.values, voice.say("capture.thanks.default")))


def _settled(house: House, submission: Submission, most: int) -> bool:
    """Whether the files are whole and on the disk, before any row names them; `most` megabytes are kept for a form."""
    ids, size = [one.id for one in submission.attachments], sum(one.size for one in submission.attachments)
    if not ids:
        return True
    if _used(house, submission) + size > most * MEGABYTE > 0 or not has_room(house.uploads, size):
        _log.warning("the uploads of a form have no more room")
        return False
    try:
        settle(house.uploads, ids)
    except OSError as error:
        _log.error("a file could not be stored: %s", error.strerror)
        return False
    return True


def _used(house: House, submission: Submission) -> int:
    """The bytes that the form's files take by now; 0 for what is stored already, and while the database is away."""
    try:
        with house.ready().read() as connection:
            return 0 if is_stored(connection, submission.id) else used(connection, submission.form)
    except Unavailable:
        return 0


def _trusted(house: House, submission: Submission) -> Verdict:
    """The verdict, milder for whom sales knows. The database is asked only when that would change it."""
    if not submission.verdict.held:
        return submission.verdict
    milder = spared(submission.verdict)
    if milder == submission.verdict:
        return milder
    try:
        with house.ready().read() as connection:
            return milder if is_known(connection, submission.email) else submission.verdict
    except Unavailable:
        return submission.verdict


def store(some: Sequence[Accepted]) -> list[Saved | None]:
    """Store what came to one house, in the database, else in the spool; None where neither can."""
    house = some[0].house
    brought = [(one.submission, one.outgoing) for one in some]
    try:
        outcomes = save(house.line, house.ready(), brought, house.token)
    except Exception as error:  # noqa: BLE001 -- whatever the fault is, what visitors wrote must not be lost by it
        outcomes = [error] * len(some)
    return [_kept(house, one, outcome) for one, outcome in zip(some, outcomes, strict=True)]


def _kept(house: House, one: Accepted, outcome: Saved | Exception) -> Saved | None:
    """What is stored in the end."""
    if isinstance(outcome, Exception):
        _log.warning("the database did not take a submission: %s", type(outcome).__name__)
        return _spooled(house, one.submission, one.outgoing)
    if outcome.outcome == "replayed":
        drop_copies(house.database, house.setup.folder, (file.id for file in one.submission.attachments))
    house.wake()
    return outcome


def _spooled(house: House, submission: Submission, outgoing: Sequence[Outgoing]) -> Saved | None:
    try:
        hold(house.uploads, (one.id for one in submission.attachments))
        keep(house.spool, submission, outgoing)
    except OSError as error:
        _log.error("a submission could be stored nowhere: %s", error.strerror)
        return None
    house.wake()
    return Saved("stored", submission.id, submission.receipt, "")


def _language(visit: Visit, seen: Form | None, page: PageRow | None) -> str:
    """The visitor's language: of the form they saw, else of the page they came from."""
    row = page or visit.origin_page()
    return seen.lang if seen else row.lang if row else ""


def is_foreign(visit: Visit) -> bool:
    """Whether a browser says that a page of somebody else's sent it. No origin, or a hidden one, is no signal."""
    origin = visit.request.environ.get("HTTP_ORIGIN", "")
    if origin in ("", "null"):
        return False
    if origin in (visit.places.own_origin, visit.places.site_origin, origin_of(visit.release.settings.url)):
        return False
    # The desk is reached by several names; a browser's own Host is as true as its Origin.
    return not origin_of(origin) or urlsplit(origin).netloc != visit.request.host


@lru_cache(maxsize=64)
def _hosts(*urls: str) -> frozenset[str]:
    return frozenset(filter(None, map(_host, urls)))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def as_response(answer: Answer, visit: Visit) -> Response:
    """An answer with the headers that all public answers have."""
    return _Response(answer.body, answer.status, headers_of(answer, visit), mimetype=answer.type)


def headers_of(answer: Answer, visit: Visit) -> dict[str, str]:
    """The headers of an answer, those that all public answers have among them."""
    site = visit.places.site_origin
    headers = {**_headers(site), **answer.headers}
    if site and visit.request.environ.get("HTTP_ORIGIN") == site:
        headers |= {**_CORS, "Access-Control-Allow-Origin": site}
    return headers


class _Response(Response):
    """A response whose headers are sent as they are: werkzeug would make them anew, and take the address apart."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """What is sent with it; werkzeug's own where there is more to do than to count."""
        if self.status_code == HTTPStatus.NO_CONTENT or not is_plain(self.headers.get("Location", "")):
            return super().get_wsgi_headers(environ)
        self.headers["Content-Length"] = str(sum(map(len, self.iter_encoded())))
        return self.headers


def is_plain(place: str) -> bool:
    """Whether nothing in an address has to be written otherwise."""
    return _PLAIN.fullmatch(place) is not None


_PLAIN = re.compile(r"[\w/:.~%-]*", re.ASCII)


# Exactly one origin is let in, by name, and never with credentials: there are none.
_CORS = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Expose-Headers": "Idempotency-Replayed, Retry-After",
    "Access-Control-Max-Age": "86400",
}

_SOURCES = ("script", "style", "img", "font", "connect", "media", "manifest")


@cache
def _headers(site_origin: str) -> Mapping[str, str]:
    """What a page that wears the theme may load: what is ours, and the site's where that is another host."""
    ours = " ".join(filter(None, ("'self'", site_origin)))
    policy = ["default-src 'none'", *(f"{one}-src {ours}" for one in _SOURCES), f"form-action {ours}"]
    return {
        "Content-Security-Policy": "; ".join((*policy, "base-uri 'none'", "frame-ancestors 'none'")),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "Vary": "Accept, Accept-Language, Origin",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
