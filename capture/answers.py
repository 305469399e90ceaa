"""What became of a post -> the answer: a page in the theme, or JSON (problem details by RFC 9457 when it was refused).

A page that refuses keeps what the visitor wrote, says how to mend it, and names another way to reach the house.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from capture.model import Saved
from capture.outbox.letters import spoken
from capture.posting import JSON, PROBLEM, Fields, Post
from capture.proof import ALGORITHM, Challenge
from capture.release import Release
from capture.setup import PageRow, Setup
from capture.store.consents import LASTING, Asking
from capture.store.moments import to_text
from capture.thanks import Message, read_next
from obverse.forms.elements import element, escaped
from obverse.forms.errors import error_text
from obverse.forms.form import Error, Form
from obverse.forms.html import form_html

HTML = "text/html"

_HERE = "\uf8ff"  # private: stands where a link comes into a word
_NOTHING: Mapping[str, Any] = {}
_EMAIL = re.compile(r"[^\s@<>\"'&?]+@[^\s@<>\"'&?]+")
_TEL = re.compile(r"\+?[\d ()/.-]{5,}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body of a type, and headers besides those of every answer."""

    status: int
    body: str = ""
    type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent to a form, from which page, and the instance key it goes by when it is sent once more."""

    form: Form
    post: Post
    page: PageRow | None
    instance: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are. `endpoint` and `site` begin the URLs of both: a path, or absolute when their hosts differ.

    `origins` are the hosts' schemes and names: the endpoint's, and the site's when it is another, "" when it is not.
    """

    base_path: str
    endpoint: str
    site: str
    own_origin: str
    site_origin: str

    @classmethod
    def of(cls, setup: Setup, release: Release) -> Places:
        """The places of one process. A preview shows the site itself, wherever that will be published."""
        own, site = origin_of(setup.address), origin_of(release.settings.url)
        if setup.preview or not site or site == own:
            return cls(setup.base_path, setup.base_path, setup.base_path, own, "")
        return cls(setup.base_path, setup.address, release.settings.url, own, site)

    def page(self, row: PageRow | None) -> str:
        """The address of a page of the site, of its first one when that is not known."""
        return self.site + (row.url if row else "/")

    def receipt(self, receipt: str) -> str:
        """The address of a thank-you page."""
        return f"{self.endpoint}/_ob/t/{receipt}"

    def form(self, name: str) -> str:
        """Where a form that we show again is sent."""
        return f"{self.base_path}/_ob/f/{quote(name, safe='')}"


@dataclass(frozen=True, slots=True)
class Voice:
    """Answers to one visitor: in their language, as a page or as JSON."""

    release: Release
    places: Places
    lang: str
    json: bool

    @property
    def say(self) -> Callable[..., str]:
        """The words of the visitor's language."""
        return self.release.say(self.lang)

    def stored(self, saved: Saved, told: Callable[[], Message]) -> Answer:
        """It is stored, now or before. What is `told` stands on the page that a browser is led to."""
        next_ = self.places.receipt(saved.receipt)
        if not self.json:
            return Answer(303, headers={"Location": next_})
        body = {"id": saved.id, "receipt": saved.receipt, "message": told().text, "next": next_}
        if saved.outcome == "replayed":
            return Answer(200, _as_json(body), JSON, {"Idempotency-Replayed": "true"})
        return Answer(201, _as_json(body), JSON)

    def thanks(self, told: Message, receipt: str, origin: PageRow | None, *, confirm: bool) -> Answer:
        """The thank-you page; with `confirm` it tells to look for the mail that asks for a consent."""
        title = self.say("capture.thanks.title")
        number = escaped(self.say("capture.receipt", receipt=receipt[:8]))
        offered = read_next(self.release.pages.values(), self.lang, origin)
        step = _paragraph(self.say("capture.thanks.confirm")) if confirm else ""
        receipt_line = element("p", {"class": "receipt"}, number)
        parts = [told.html, step, receipt_line, self._reading(offered), self._back(origin)]
        return Answer(200, self._page(title, parts))

    def consent(self, one: Asking, state: str, link: str, acts: Sequence[str]) -> Answer:
        """How a consent stands (`state`), what was agreed to, and the button for what may be done at `link`."""
        if self.json:
            return Answer(200, _as_json({"state": state, "text": one.text, "lang": one.lang, **one.times}), JSON)
        settings = self.release.settings
        named = {"site": settings.title, "time": spoken(to_text(one.latest), settings.timezone), "n": LASTING.days}
        told, hint = (_paragraph(self.say(f"capture.consent.{state}{more}", **named)) for more in ("", ".hint"))
        button = self._button(state, link, acts)
        # A second click on "yes" must not meet the button that withdraws in its place.
        below = [hint, button] if state == "confirmed" else [button, hint]
        parts = [told, element("blockquote", {}, _paragraph(one.text)), *below, self._contact()]
        return Answer(200, self._page(self.say(f"capture.consent.{state}.title"), parts))

    def _button(self, state: str, link: str, acts: Sequence[str]) -> str:
        """What there is to do about a consent in that state, as a form of one button; "" when it may not be done."""
        act = {"asked": "confirm", "confirmed": "withdraw"}.get(state)
        if act not in acts:
            return ""
        named = {"class": "button", "type": "submit", "name": "do", "value": act}
        button = element("button", named, escaped(self.say(f"capture.consent.{act}")))
        return element("form", {"method": "post", "action": link}, element("p", {}, button))

    def mend(self, sent: Sent, errors: Sequence[Error]) -> Answer:
        """Field errors: the form again, with what was written and what is wrong with it."""
        if self.json:
            told = [{"field": e.field, "code": e.code, "message": error_text(e, sent.form, self.say)} for e in errors]
            return self._problem(422, "error", errors=told)
        parts = [_paragraph(self.say("capture.error")), self._files_again(sent), self._form(sent, errors)]
        return Answer(422, self._page(self.say("capture.error.title"), parts))

    def prove(self, sent: Sent, challenge: Challenge, wait: int) -> Answer:
        """It needs a proof of work first: the form with all that was sent, which a script sends again by itself.

        Who has no script waits `wait` seconds and presses the button.
        """
        if self.json:
            return self._problem(428, "proof", {"n": wait}, challenge=_as_plain(challenge))
        own = {"_ob_challenge": challenge.token, "_ob_proof": ""}
        parts = [
            self._asking(sent, challenge, wait),
            self._files_again(sent),
            self._form(sent, (), own),
            self._contact(),
        ]
        return Answer(200, self._page(self.say("capture.proof.title"), parts))

    def again(self, status: int, code: str, sent: Sent, retry: int = 0) -> Answer:
        """It could not be taken for a reason that is not in the answers: the form again, to be sent once more."""
        if self.json:
            return self._problem(status, code, retry=retry)
        told = _paragraph(self.say(f"capture.{code}"))
        parts = [told, self._files_again(sent), self._contact(), self._form(sent, ())]
        return Answer(status, self._page(self.say(f"capture.{code}.title"), parts), headers=_retry(retry))

    def refuse(self, status: int, code: str, fields: Fields | None = None, origin: PageRow | None = None) -> Answer:
        """It cannot be taken here at all; what was written is shown, so that it can be kept."""
        if self.json:
            return self._problem(status, code)
        parts = [_paragraph(self.say(f"capture.{code}")), self._contact(), self._kept(fields or {}), self._back(origin)]
        return Answer(status, self._page(self.say(f"capture.{code}.title"), parts))

    def _problem(
        self, status: int, code: str, named: Mapping[str, Any] = _NOTHING, retry: int = 0, **more: Any
    ) -> Answer:
        detail = " ".join(filter(None, (self.say(f"capture.{code}", **named), self._contact_text())))
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        wait = {"retryable": True} if retry else {}
        return Answer(status, _as_json({**body, "detail": detail, **wait, **more}), PROBLEM, _retry(retry))

    def _page(self, title: str, parts: Sequence[str]) -> str:
        opening = element("header", {"class": "opening"}, element("h1", {}, escaped(title)))
        prose = element("div", {"class": "prose"}, "\n".join(filter(None, parts)))
        return self.release.shell(self.lang, title, f"{opening}\n{prose}", self.places.site_origin)

    def _asking(self, sent: Sent, challenge: Challenge, wait: int) -> str:
        """What is said above a form that needs a proof; in data attributes, what its script needs."""
        # A number that did not count, or a file, which no page can hold: the second time a person has to press.
        alone = not (sent.post.own("proof") or sent.post.uploads or sent.post.strays)
        data = {
            "data-salt": challenge.salt,
            "data-challenge": challenge.digest,
            "data-most": str(challenge.most),
            "data-working": self.say("capture.proof.working"),
            "data-ready": self.say("capture.proof.ready"),
            "data-alone": alone,
        }
        text = escaped(self.say("capture.proof", n=wait))
        return element("p", {"class": "proof", "role": "status", **data}, text)

    def _form(self, sent: Sent, errors: Sequence[Error], own: Mapping[str, str] = _NOTHING) -> str:
        """The form with all that was sent, also what it does not know. Who has no script gets an instance key here."""
        page = sent.page.id if sent.page else sent.post.own("page")
        # Mended or proved, it is still the same attempt.
        kept = {f"_ob_{name}": sent.post.own(name) for name in ("elapsed", "challenge", "proof")}
        kept = {name: text for name, text in kept.items() if text}
        hidden = {"_ob_page": page, "_ob_instance": sent.instance, **kept, **own}
        form, values = sent.form, sent.post.answers
        known = {one.name for one in form.fields}
        extra = ((name, text) for name, texts in values.items() if name not in known for text in texts)
        inputs = (element("input", {"type": "hidden", "name": name, "value": text}) for name, text in extra)
        shown = form_html(form, self.places.form(form.name), self.say, hidden=hidden, values=values, errors=errors)
        return shown.removesuffix("</form>") + "\n".join((*inputs, "</form>"))

    def _files_again(self, sent: Sent) -> str:
        """What no page can keep for a visitor."""
        return _paragraph(self.say("capture.files-again")) if sent.post.uploads and sent.form.files else ""

    def _kept(self, fields: Fields) -> str:
        lines = [
            element("dt", {}, escaped(name)) + element("dd", {}, escaped("\n".join(sent)))
            for name, sent in fields.items()
            if any(sent)
        ]
        if not lines:
            return ""
        title = element("h2", {}, escaped(self.say("capture.text")))
        return title + element("dl", {"class": "kept-text"}, "".join(lines))

    def _contact_text(self) -> str:
        contact = self.release.settings.contact
        return self.say("capture.contact", contact=contact) if contact else ""

    def _contact(self) -> str:
        contact = self.release.settings.contact
        if not contact:
            return ""
        before, _, after = self.say("capture.contact", contact=_HERE).partition(_HERE)
        return element("p", {}, escaped(before) + _reachable(contact) + escaped(after))

    def _reading(self, offered: Sequence[PageRow]) -> str:
        if not offered:
            return ""
        links = (element("li", {}, self._link(one, one.title)) for one in offered)
        return element("h2", {}, escaped(self.say("capture.read-next"))) + element("ul", {}, "".join(links))

    def _back(self, origin: PageRow | None) -> str:
        if origin:
            return element("p", {}, self._link(origin, self.say("capture.back", title=origin.title)))
        homes = (one for one in self.release.pages.values() if one.kind == "home" and one.lang == self.lang)
        return element("p", {}, self._link(next(homes, None), self.say("capture.home")))

    def _link(self, row: PageRow | None, text: str) -> str:
        return element("a", {"href": self.places.page(row)}, escaped(text))


@lru_cache(maxsize=64)
def origin_of(url: str) -> str:
    """The scheme, host and port of a URL as browsers write them in `Origin`; "" for what has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    # It stands in headers, where a blank, a comma or a semicolon would begin something else.
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9.:_-]+", parts.hostname or ""):
        return ""
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def _paragraph(text: str) -> str:
    return element("p", {}, escaped(text))


def _reachable(contact: str) -> str:
    """Another way to reach the house, as a link when it is an address of a known kind."""
    if _EMAIL.fullmatch(contact):
        return element("a", {"href": f"mailto:{quote(contact, safe='@+')}"}, escaped(contact))
    if contact.startswith(("https://", "http://")):
        return element("a", {"href": contact}, escaped(contact))
    if _TEL.fullmatch(contact):
        return element("a", {"href": "tel:" + re.sub(r"[^\d+]", "", contact)}, escaped(contact))
    return escaped(contact)


def challenge_answer(challenge: Challenge) -> Answer:
    """A challenge for a program that asked for one."""
    return Answer(200, _as_json(_as_plain(challenge)), JSON)


def _as_plain(challenge: Challenge) -> dict[str, Any]:
    return {
        "algorithm": ALGORITHM,
        "salt": challenge.salt,
        "challenge": challenge.digest,
        "maxnumber": challenge.most,
        "token": challenge.token,
        "expires": int(challenge.until.timestamp()),
    }


def _retry(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)} if seconds else {}


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
