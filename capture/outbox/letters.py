"""A row of the outbox -> the mail that is sent: plain text, headers that hold one line each, an id that stays.

Pure: the same row gives the same bytes at every try, so that whoever receives it twice can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from capture.links import confirming
from capture.model import CONFIRM
from capture.outbox.auto_reply import KIND as AUTO_REPLY
from capture.outbox.headers import ascii_address, block, line, mailbox
from capture.setup import Settings
from capture.store.consents import LASTING
from capture.store.outbox import Delivery
from capture.watch.letters import KINDS, written
from obverse.forms.kinds import spoken_size

Say = Callable[..., str]

# What the lines of a long answer begin with, so that no answer can pass for the mail's own words.
_INDENT = "    "

# What is quoted or unknown is for orientation; the inbox has all of it.
_LONG = 4_000
_MANY = 40


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all mails of a site share: its settings, where its inbox is (`address`), and the words."""

    settings: Settings
    address: str
    say: Say
    say_to_visitor: Callable[[str], Say]  # by language

    @property
    def sender(self) -> str:
        """The address that mail comes from, in ASCII; "" when none is set."""
        return ascii_address(self.settings.sender)

    def link(self, inquiry: str) -> str:
        """Where an inquiry is looked at."""
        return f"{self.address}/inbox/i/{inquiry}"

    def moment(self, text: str) -> str:
        """A stored time as the house reads clocks: "2026-11-23 17:05 (America/New_York)"; "" for none."""
        return spoken(text, self.settings.timezone)


def spoken(text: str, timezone: str) -> str:
    """A stored time as clocks show it in that zone, which is named with it; "" for none."""
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    try:
        return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    except ValueError:
        return ""


class Unsendable(ValueError):  # noqa: N818 -- it names what the mail is
    """A mail that cannot be made of its row. The message is a sentence, without the address."""


def letter(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """The mail of that row, to exactly one address. Raises Unsendable when that is none."""
    if delivery.kind in KINDS:
        return _house(delivery, head)
    kinds = {"reply": _reply, AUTO_REPLY: _auto_reply, CONFIRM: _confirm, "outage": _outage}
    return kinds.get(delivery.kind, _notification)(delivery, head)


def _house(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """To the owner: what the house has to say of itself. The header lets a mailbox sort it."""
    subject, text = written(delivery.kind, delivery.payload, head.say, head.moment, f"{head.address}/inbox/")
    message = _to_staff(delivery, head, line(subject, 200))
    message["X-Obverse-Notice"] = delivery.kind
    return _with_text(message, text)


def _notification(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """To the staff: an inquiry has come."""
    told, say = delivery.payload, head.say
    message = _to_staff(delivery, head, headline(told, say))
    answer_to = ascii_address(_text(told, "email"))
    if answer_to:
        message["Reply-To"] = mailbox(_text(told, "name"), answer_to)
    closing = [say("mail.link", link=head.link(delivery.inquiry)), say("mail.hint") if answer_to else ""]
    parts = [_opening(told, head), answered(told, say), _consents(told, say), _files(told, head)]
    parts += [_extra(told, say), _joined("\n", closing)]
    return _with_text(message, _joined("\n\n", parts))


def _reply(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """To the visitor: what a person of the staff wrote, above what the visitor had written."""
    told = delivery.payload
    author, answer_to = _text(told, "author_name"), ascii_address(_text(told, "author_email"))
    message = _frame(delivery, head, writer=author or head.settings.title, receiver=_text(told, "name"))
    if answer_to:
        message["Reply-To"] = mailbox(author, answer_to)
    message["Subject"] = line(_text(told, "subject")) or head.say("mail.reply.subject", site=line(head.settings.title))
    return _with_text(message, _joined("\n\n", [block(_text(told, "text")).strip(), _quote(told, head)]))


def _auto_reply(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """To the visitor: it has arrived. Not a word of theirs is in it."""
    return _by_itself(delivery, head, "capture.auto-reply")


def _confirm(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """To the visitor: whether they agree to what was ticked. The sentence is the site's own."""
    told = delivery.payload
    link = confirming(head.address, _text(told, "confirm_token"))
    return _by_itself(
        delivery, head, "capture.confirm", text=line(_text(told, "text"), 4_000), link=link, n=LASTING.days
    )


def _by_itself(delivery: Delivery, head: Letterhead, word: str, **more: Any) -> EmailMessage:
    """A mail of fixed words to the visitor, in their language, that no program answers."""
    told, site = delivery.payload, line(head.settings.title)
    say = head.say_to_visitor(_text(told, "lang"))
    message = _frame(delivery, head, writer=site, receiver="")
    message["Subject"] = line(say(f"{word}.subject", site=site))
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    time = head.moment(_text(told, "received_at"))
    return _with_text(message, say(word, site=site, time=time, **more))


def _outage(delivery: Delivery, head: Letterhead) -> EmailMessage:
    """To the owner: another channel is broken."""
    subject, text, closing = outage(delivery, head)
    return _with_text(_to_staff(delivery, head, subject), _joined("\n\n", [text, closing]))


def outage(delivery: Delivery, head: Letterhead) -> tuple[str, str, str]:
    """That another channel is broken, in a line; since when and why; and where to look."""
    told, say = delivery.payload, head.say
    channel = say(f"channel.{_text(told, 'channel')}")
    since = say("outage.since", channel=channel, time=head.moment(_text(told, "since")))
    text = _joined("\n\n", [since, line(_text(told, "error"), 300)])
    return say("outage.subject", channel=channel), text, say("outage.kept", link=f"{head.address}/inbox/deliveries")


def _to_staff(delivery: Delivery, head: Letterhead, subject: str) -> EmailMessage:
    """A mail that the house sends to its own people by itself."""
    message = _frame(delivery, head, writer=head.settings.title, receiver="")
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    return message


# Headers that say the same in most mails, and never anything of a visitor.
_OWN = frozenset({"auto-submitted", "content-transfer-encoding", "content-type", "from", "mime-version"})


class _Headers(HeaderRegistry):
    """The library's own makes a class anew for each header of each mail, which takes longer than all else of a mail.

    To read what the house says in each of them takes longer than the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}
        self._read = lru_cache(32)(super().__call__)

    def __getitem__(self, name: str) -> type[BaseHeader]:
        if name not in self._made:
            self._made[name] = super().__getitem__(name)
        return self._made[name]

    def __call__(self, name: str, value: Any) -> BaseHeader:
        return self._read(name, str(value)) if name.lower() in _OWN else super().__call__(name, value)


# max_line_length counts for headers; 78 is what every server takes.
_POLICY = policy.SMTP.clone(max_line_length=78, header_factory=_Headers())


def _frame(delivery: Delivery, head: Letterhead, *, writer: str, receiver: str) -> EmailMessage:
    """A mail with all headers that both kinds have."""
    to = ascii_address(delivery.target)
    if not to:
        raise Unsendable(head.say("mail.unsendable"))
    message = EmailMessage(_POLICY)
    message["Message-ID"] = f"<{delivery.id}@{head.sender.rpartition('@')[2] or 'localhost'}>"
    message["Date"] = format_datetime(delivery.created_at.astimezone(UTC))
    message["From"] = mailbox(writer, head.sender or "obverse@localhost")
    message["To"] = mailbox(receiver, to)
    if delivery.inquiry:
        message["X-Obverse-Inquiry"] = line(delivery.inquiry)
    return message


def _with_text(message: EmailMessage, text: str) -> EmailMessage:
    # Quoted-printable, since not every server takes eight bits, and lines may be as long as people type them.
    message.set_content(text + "\n", charset="utf-8", cte="quoted-printable")
    return message


def headline(told: Mapping[str, Any], say: Say) -> str:
    """Which form, who, and from which page, in one line."""
    who = line(_text(told, "name"), 60) or line(_text(told, "email"), 60) or say("mail.somebody")
    title = line(_text(told, "form_title"), 60) or line(_text(told, "form"), 60)
    page = line(_text(told, "page_title"), 60)
    return line(say("mail.subject.page" if page else "mail.subject", form=title, who=who, page=page), 200)


def _opening(told: Mapping[str, Any], head: Letterhead) -> str:
    """Which form, when, and which page brought them."""
    title = line(_text(told, "form_title"), 120) or line(_text(told, "form"), 120)
    came = head.say("mail.received", form=title, time=head.moment(_text(told, "received_at")))
    page = line(_text(told, "page_title"), 200) or line(_text(told, "page"), 200)
    return _joined("\n", [came, head.say("mail.page", page=page) if page else "", line(_text(told, "page_url"), 1_000)])


def answered(told: Mapping[str, Any], say: Say) -> str:
    """What was answered; what was left empty is in the inbox and would only be in the way here."""
    return _joined("\n", [_answer(one, say) for one in told.get("answers", ()) if one.get("shown")])


def _answer(one: Mapping[str, Any], say: Say) -> str:
    """The label, a colon and the value; indented below it when it has several lines."""
    value = one.get("value")
    said = say("mail.yes" if value else "mail.no") if isinstance(value, bool) else block(_text(one, "shown"))
    return _pair(_text(one, "label"), said)


def _pair(label: str, value: str) -> str:
    lines = value.strip().splitlines() or [""]
    if len(lines) == 1:
        return f"{line(label, 200)}: {lines[0]}"
    return "\n".join([f"{line(label, 200)}:", *(f"{_INDENT}{one}".rstrip() for one in lines)])


def _consents(told: Mapping[str, Any], say: Say) -> str:
    return _joined("\n", [_consent(one, say) for one in told.get("consents", ())])


def _consent(one: Mapping[str, Any], say: Say) -> str:
    given = "mail.consent.to-confirm" if one.get("confirm") else "mail.consent.given"
    key = given if one.get("given") else "mail.consent.refused"
    return say(key, label=line(_text(one, "label"), 200), text=line(_text(one, "text"), 1_000))


def _files(told: Mapping[str, Any], head: Letterhead) -> str:
    """What came along: its names, sizes, and where staff may have it."""
    lines = [
        head.say(
            "mail.file",
            label=line(_text(one, "label"), 200),
            name=line(_text(one, "name"), 255),
            size=spoken_size(int(one.get("size") or 0)),
            link=f"{head.address}/inbox/a/{_text(one, 'id')}",
        )
        for one in told.get("files", ())
    ]
    return "\n".join([head.say("mail.files"), *lines]) if lines else ""


def _extra(told: Mapping[str, Any], say: Say) -> str:
    """What was sent under names that the form does not know."""
    extra: Mapping[str, Any] = told.get("extra", {})
    pairs = [_pair(name, block(", ".join(map(str, values)))[:_LONG]) for name, values in list(extra.items())[:_MANY]]
    return "\n".join([say("mail.extra"), *pairs]) if pairs else ""


def _quote(told: Mapping[str, Any], head: Letterhead) -> str:
    """What the visitor wrote, as mail programs quote."""
    written = [one for one in told.get("answers", ()) if not isinstance(one.get("value"), bool)]
    text = answered({"answers": written}, head.say)[:_LONG]
    if not text:
        return ""
    wrote = head.say("mail.reply.quote", time=head.moment(_text(told, "received_at")))
    return "\n".join([wrote, *(f"> {one}".rstrip() for one in text.splitlines())])


def _text(told: Mapping[str, Any], key: str) -> str:
    return str(told.get(key) or "")


def _joined(between: str, parts: list[str]) -> str:
    return between.join(filter(None, parts))
