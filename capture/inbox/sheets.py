"""One inquiry with all that hangs on it -> what its page shows."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from markupsafe import Markup

from capture.inbox import display
from capture.inbox.listing import Frame, Options, article_title, of_view, site_address, turn
from capture.inbox.words import has_word, t
from capture.model import CLOSED, LOST_REASONS, Attachment, Consent
from capture.signs import texts_of
from capture.store.consents import Asking
from capture.store.inquiries import Event, Inquiry, Message, Note, Row, Sent
from capture.store.outbox import Delivery
from capture.wording import telling
from obverse.forms.form import Form, FormField
from obverse.forms.kinds import KINDS, spoken_size

# A text this long, or with a line break in it, is set as a message rather than in the table of answers.
LONG = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """One value as the visitor saw it. `href` is "" unless it is safe to follow."""

    label: Markup
    text: Markup
    href: str = ""


def sheet_shown(
    found: Inquiry, frame: Frame, owners: Options, *, view: str, sender: str, author: str
) -> dict[str, Any]:
    """All that the sheet's template speaks of."""
    row, first = found.row, found.submissions[0]
    page = frame.release.pages.get(row.page)
    return {
        "id": row.id,
        "name": display.visible(row.name or row.email or t("inbox.nameless")),
        "email": display.visible(row.email),
        "email_href": display.link_to("email", row.email),
        "phone": display.visible(row.phone),
        "phone_href": display.link_to("tel", row.phone),
        "waiting": display.waiting(row.waiting_since, frame.now),
        "turn": turn(row),
        "stage": row.stage,
        "value": display.money(row.value, row.currency),
        "value_typed": display.money(row.value, ""),
        "lost_reason": reason_word("lost", row.lost_reason) if row.lost_reason else "",
        "held": _why_held(found) if row.held else [],
        "page_title": display.visible(article_title(row, frame) or t("inbox.home-page")),
        "page_href": site_address(frame.release, page.url) if page else "",
        "page_more": url_for("inbox.listing", view="all", page=row.page) if row.page else "",
        "form_title": display.visible(frame.form_title(row.form, row.lang)),
        "at": frame.moment(row.received_at),
        "referrer": display.visible(first.referrer),
        "parts": list(_parts(found, frame)),
        "currency": row.currency or frame.release.settings.currency,
        "reasons": [(reason, t(f"lost.{reason}")) for reason in LOST_REASONS],
        "owner": row.owner,
        "owners": owners,
        "earlier": [_earlier(one, frame) for one in found.others],
        "entries": list(entries(found, frame)),
        "deliveries": [delivery_shown(one, frame, view) for one in found.deliveries],
        "reply": _reply(row, first, frame, sender, author) if row.email and sender and not row.held else None,
        "no_reply": t("sheet.reply.no-sender") if row.email and not sender else "",
        "act": _acts(row.id, view),
    }


def _acts(id: str, view: str) -> dict[str, str]:
    """Where the forms of a sheet are sent."""
    return {
        name: url_for(f"inbox.{name}", id=id, **of_view(view))
        for name in ("stage", "owner", "note", "reply", "release")
    }


def reason_word(kind: str, code: str) -> str:
    """What a reason says; those of a newer program say only that there is one."""
    if has_word(f"{kind}.{code}"):
        return t(f"{kind}.{code}")
    return t("held.unknown") if kind == "held" else t("lost.other")


def _why_held(found: Inquiry) -> list[str]:
    """Its reasons; of wording, the words that said most, taken from what is stored now and from nowhere else."""
    said = "\n".join(text for one in found.submissions for text in texts_of(one.values))
    words = ", ".join(telling(said)) if "wording" in found.row.held_reasons else ""
    return [
        t("held.worded", words=words) if reason == "wording" and words else reason_word("held", reason)
        for reason in found.row.held_reasons or ("unknown",)
    ]


# --- what was sent ---


def _parts(found: Inquiry, frame: Frame) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(found.submissions):
        yield part_shown(found, one, frame, found.submissions[number - 1] if number else None)


def part_shown(found: Inquiry, sent: Sent, frame: Frame, before: Sent | None = None) -> dict[str, Any]:
    """One submission: messages, answers, consents and what the form did not ask for, each under its label.

    Of a follow-up only what is not as it was `before`.
    """
    form = frame.release.form(sent.form, sent.lang, sent.rules, sent.words)
    old = before.values if before else {}
    answers = list(_answers(sent, form, {name for name in old if old[name] == sent.values.get(name)}))
    labels = dict(sent.labels)
    return {
        "title": t("sheet.part.again") if sent.follows else t("sheet.part.first"),
        "at": frame.moment(sent.received_at),
        "texts": [answer for answer, is_long in answers if is_long],
        "answers": [answer for answer, is_long in answers if not is_long],
        "files": [
            file_shown(one, labels) for one in sent.attachments if not before or one.sha256 not in _contents(before)
        ],
        "consents": [
            {
                "label": display.visible(labels.get(one.field) or one.field),
                "text": display.visible(one.text),
                "given": one.given,
                "standing": consent_text(one, found.asking(sent.form, one), frame.now, frame.zone),
            }
            for one in sent.consents
            if not before or one not in before.consents
        ],
        "extra": [
            Answer(display.visible(name), Markup("\n").join(display.visible(one) for one in values))
            for name, values in sent.extra.items()
        ],
        "same": before is not None and before.values != sent.values,
        "repeats": sent.repeats,
    }


def consent_text(consent: Consent, asking: Asking | None, now: datetime, zone: ZoneInfo) -> str:
    """How a consent stands that is confirmed by mail; "" for one that was not given, or needs no more."""
    if not (consent.given and consent.confirm):
        return ""
    if asking is None:
        return t("sheet.consent.unasked")
    return t(f"sheet.consent.{asking.state(now)}", time=display.moment(asking.latest, now, zone))


def _contents(sent: Sent) -> set[str]:
    return {one.sha256 for one in sent.attachments}


def file_shown(file: Attachment, labels: Mapping[str, str]) -> dict[str, Any]:
    """A file by its name, with what it is, how large, and where staff may have it."""
    kind = KINDS.get(file.kind)
    return {
        "label": display.visible(labels.get(file.field) or file.field),
        "name": display.visible(file.name or t("sheet.file.nameless")),
        "kind": kind.label if kind else t("sheet.file.unknown"),
        "size": spoken_size(file.size),
        "href": url_for("inbox.file", id=file.id),
    }


def _answers(sent: Sent, form: Form | None, known: Container[str]) -> Iterator[tuple[Answer, bool]]:
    """Each answer that is not `known`, and whether it is a message, in the order of the form."""
    # Files are shown apart, each with its link.
    apart = {one.field for one in sent.consents} | {one.field for one in sent.attachments}
    labels = dict(sent.labels)
    names = [*(name for name, _ in sent.labels if name in sent.values), *(n for n in sent.values if n not in labels)]
    for name in names:
        value = sent.values[name]
        if name in apart or name in known or value in ("", None, ()):
            continue
        field = form.field(name) if form else None
        text = shown_value(value, field)
        kind = field.type if field else "text"
        href = display.link_to(kind, text) if isinstance(value, str) else ""
        is_long = isinstance(value, str) and ("\n" in value or len(value) > LONG or bool(field and field.rows))
        yield Answer(display.visible(labels.get(name) or name), display.visible(text), href), is_long


def shown_value(value: Any, field: FormField | None) -> str:
    """A value as the visitor saw it, yes and no in words."""
    if field is None or value is None or isinstance(value, bool):
        return display.plain_value(value)
    return field.seen(value)


def _earlier(row: Row, frame: Frame) -> dict[str, Any]:
    return {
        "href": url_for("inbox.inquiry", id=row.id),
        "title": display.visible(display.first_line(row.excerpt, 70) or frame.form_title(row.form, row.lang)),
        "stage": "held" if row.held else row.stage,
        "at": frame.moment(row.received_at),
    }


# --- what happened ---


def entries(found: Inquiry, frame: Frame) -> Iterator[dict[str, Any]]:
    """The timeline, newest first: events, with the notes and messages they speak of."""
    notes: dict[str, Note] = {one.id: one for one in found.notes}
    messages: dict[str, Message] = {one.id: one for one in found.messages}
    for event in reversed(found.timeline):
        note, message = notes.get(event.subject), messages.get(event.subject)
        yield {
            "kind": event.new if event.kind == "stage" and event.new in CLOSED else event.kind,
            "text": event_text(event, found.names),
            "amount": display.money(event.amount, event.currency),
            "at": frame.moment(event.at),
            "subject": display.visible(message.subject) if message else "",
            "body": display.visible(message.text if message else note.text if note else ""),
        }


def event_text(event: Event, names: Mapping[str, str]) -> str:
    """An event in a sentence."""
    who = names.get(event.actor) or t("event.somebody")
    if event.kind == "owner":
        new = names.get(event.new) or t("event.somebody")
        how = ".nobody" if not event.new else ".self" if event.new == event.actor else ""
        return t(f"event.owner{how}", who=who, new=new)
    if event.kind == "stage":
        old, new = (t(f"stage.{name}") if has_word(f"stage.{name}") else name for name in (event.old, event.new))
        why = reason_word("lost", event.reason) if event.reason else ""
        return t("event.stage.why" if why else "event.stage", who=who, old=old, new=new, why=why)
    if event.kind == "released" and not event.actor:
        return t("event.released.again")
    return t(f"event.{event.kind}", who=who) if has_word(f"event.{event.kind}") else t("event.other")


def delivery_shown(one: Delivery, frame: Frame, view: str = "open") -> dict[str, Any]:
    """A row of the outbox: what it is, to whom, and how it stands."""
    return {
        "id": one.id,
        "state": one.state,
        "channel": one.channel,
        "text": delivery_text(one),
        "error": display.visible(one.last_error) if one.state in ("dead", "stopped", "waiting") else "",
        "at": frame.moment(one.done_at or one.created_at),
        "attempts": one.attempts,
        "next": frame.moment(one.next_at) if one.state == "waiting" else None,
        "replay": url_for("inbox.replay", id=one.id, **of_view(view)),
    }


def delivery_text(one: Delivery) -> Markup:
    """What a delivery is and whom it goes to."""
    what = one.channel if one.channel != "mail" and one.kind == "notify" else one.kind
    key = f"delivery.what.{what}"
    return display.visible(t(key, target=one.target) if has_word(key) else one.target)


# --- the reply ---


def _reply(row: Row, first: Sent, frame: Frame, sender: str, author: str) -> dict[str, Any]:
    """A reply to start from: a greeting and the name below it. What the visitor wrote is quoted by the mail itself."""
    name = display.stripped(row.name)
    greeting = t("sheet.reply.greeting", name=name) if name else t("sheet.reply.greeting.nameless")
    house = frame.release.settings.title
    return {
        "to": display.visible(row.email),
        "sender": sender,
        "subject": t("sheet.reply.subject", title=frame.form_title(first.form, first.lang)),
        "text": f"{greeting}\n\n\n\n{author}\n{house}".rstrip(),
    }
