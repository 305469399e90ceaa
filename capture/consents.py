"""Links of mails -> how a consent stands: `GET` shows it, and only a `POST` changes it.

Mail scanners, link previews and browsers that fetch ahead follow every link of a mail, so following one does nothing.
`/_ob/c/<token>` is the link of the mail that asks: its page has the button that confirms, and later the one that
withdraws. `/_ob/u/<token>` withdraws and nothing else: the address for `List-Unsubscribe`, in one click (RFC 8058).
The tokens are random and name nobody; whoever has one needs no other proof.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa
from flask import Blueprint, Response, request

from capture.answers import Answer, Voice
from capture.endpoint import RETRY, Visit, as_response, is_foreign
from capture.gate import gate_link
from capture.keeping.withdrawals import note
from capture.links import AT_CONFIRMING, AT_WITHDRAWING, confirming, withdrawing
from capture.outbox import agreement
from capture.posting import address_of, network_of
from capture.store import consents
from capture.store.consents import Asking
from capture.store.database import Unavailable

_log = logging.getLogger("obverse.capture")

blueprint = Blueprint("consents", __name__)

# What a mailbox's server posts, and the most that a post to a link may be, in bytes.
ONE_CLICK = ("List-Unsubscribe", "One-Click")
LARGEST = 4096

_Find = Callable[[sa.Connection, str], Asking | None]


@dataclass(frozen=True, slots=True)
class _Link:
    """One kind of link: where it is, how its token is looked up, and what may be done there."""

    address: Callable[[str, str], str]
    find: _Find
    token: Callable[[Asking], str]
    acts: tuple[str, ...]


_CONFIRM = _Link(confirming, consents.to_confirm, lambda one: one.confirm_token, AT_CONFIRMING)
_WITHDRAW = _Link(withdrawing, consents.to_withdraw, lambda one: one.withdraw_token, AT_WITHDRAWING)


@blueprint.get(confirming("", "<token>"), provide_automatic_options=False)
def consent(token: str) -> Response:
    """What a consent says and how it stands, with the button to confirm or to withdraw it. Looking changes nothing."""
    return _answered(_CONFIRM, token)


@blueprint.post(confirming("", "<token>"), provide_automatic_options=False)
def decide(token: str) -> Response:
    """Confirm a consent (`do=confirm`), or withdraw it (`do=withdraw`); doing the same again changes nothing."""
    return _answered(_CONFIRM, token, _act())


@blueprint.get(withdrawing("", "<token>"), provide_automatic_options=False)
def unsubscribe(token: str) -> Response:
    """How a consent stands, with the button to withdraw it. Looking changes nothing."""
    return _answered(_WITHDRAW, token)


@blueprint.post(withdrawing("", "<token>"), provide_automatic_options=False)
def one_click(token: str) -> Response:
    """Withdraw a consent: `List-Unsubscribe=One-Click`, as RFC 8058 has it, or `do=withdraw`."""
    return _answered(_WITHDRAW, token, _act())


def _act() -> str:
    """What a post asks to have done; "?" for nothing that there is."""
    request.max_content_length = LARGEST
    name, value = ONE_CLICK
    return "one-click" if request.form.get(name) == value else request.form.get("do", "?")


def _answered(link: _Link, token: str, act: str = "") -> Response:
    """The answer to a visit of a link, or to a post there that asks for `act`."""
    visit = Visit.now()
    answer = _answer(visit, link, token, act)
    # The token is part of the address: no other page may learn it.
    return as_response(replace(answer, headers={**answer.headers, "Referrer-Policy": "no-referrer"}), visit)


def _answer(visit: Visit, link: _Link, token: str, act: str) -> Answer:
    voice = visit.voice()
    if act and (wait := gate_link(visit.house, visit.release, _network(visit))):
        return _later(voice.refuse(429, "consent-limited"), wait)
    if act and is_foreign(visit):
        return voice.refuse(403, "consent-origin")
    try:
        found = _found(visit, link, token)
        if found is None:
            return voice.refuse(404, "unknown-consent")
        return _decided(visit, link, found, act) if act else _shown(visit, link, found)
    except Unavailable:
        return _later(voice.refuse(503, "consent-unavailable"), RETRY)


def _decided(visit: Visit, link: _Link, found: Asking, act: str) -> Answer:
    """Do what was asked; then the page again, by its own address, so that a reload sends nothing."""
    wanted = "withdraw" if act == "one-click" else act
    if wanted not in link.acts:
        return _voice(visit, found).refuse(400, "consent-act")
    if found.state(visit.house.now()) in ("asked", "confirmed"):
        _change(visit, found, wanted)
    token = link.token(found)
    voice, again = _voice(visit, found), _found(visit, link, token) or found
    # Servers of mailboxes do not follow redirects (RFC 8058, section 3.1); what is over is said at once.
    if act == "one-click" or voice.json or again.state(visit.house.now()) == "over":
        return _shown(visit, link, again)
    return Answer(303, headers={"Location": link.address(visit.places.base_path, token)})


def _change(visit: Visit, found: Asking, wanted: str) -> None:
    """Confirm or withdraw it, and have that told. That a consent is withdrawn is to outlast a restored backup."""
    house, now = visit.house, visit.house.now()
    if wanted == "withdraw":
        try:
            note(house.setup.folder, found.id, now)
        except OSError as error:
            _log.error("a withdrawal could not be noted beside the database: %s", error.strerror)
    with house.ready().write() as connection:
        changed = {"confirm": consents.confirm, "withdraw": consents.withdraw}[wanted](connection, found.id, now)
        agreement.tell(connection, changed, visit.release, now, house.token)
    if changed:
        house.wake()


def _shown(visit: Visit, link: _Link, found: Asking) -> Answer:
    voice, state = _voice(visit, found), found.state(visit.house.now())
    if state == "over":
        return voice.refuse(410, "consent-over")
    return voice.consent(found, state, link.address(visit.places.base_path, link.token(found)), link.acts)


def _found(visit: Visit, link: _Link, token: str) -> Asking | None:
    with visit.house.ready().read() as connection:
        return link.find(connection, token)


def _voice(visit: Visit, found: Asking) -> Voice:
    return visit.voice(found.lang)


def _network(visit: Visit) -> str:
    return network_of(address_of(request, visit.house.setup.proxies))


def _later(answer: Answer, seconds: int) -> Answer:
    return replace(answer, headers={**answer.headers, "Retry-After": str(seconds)})
