"""A submission -> who is told of it: the rows of the outbox, each with all that its delivery needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capture.model import Outgoing, Submission
from capture.setup import PageRow, Settings
from obverse.forms import Form, FormField


def outgoing_for(form: Form, settings: Settings, submission: Submission, page: PageRow | None = None) -> list[Outgoing]:
    """One mail for each address of the form's `notify`, else of the settings', a post to the webhook, one to the chat.

    `page` is the page that the form stood in, for its address. Nothing is left to be looked up at delivery but what may
    have been mended since: who sends, and where the inbox is.
    """
    payload = facts(form, settings, submission, page)
    addresses = dict.fromkeys(form.notify or settings.notify)
    mails = [Outgoing("mail", "notify", address, payload) for address in addresses]
    others = (("webhook", settings.webhook), ("chat", settings.chat))
    return [*mails, *(Outgoing(channel, "notify", target, payload) for channel, target in others if target)]


def facts(form: Form, settings: Settings, submission: Submission, page: PageRow | None) -> dict[str, Any]:
    """What there is to tell, as JSON can hold it."""
    known = labels(submission)
    return {
        "form": submission.form,
        "form_title": form.title,
        "lang": submission.lang,
        "submission": submission.id,
        "received_at": submission.received_at.isoformat(),
        "name": submission.name,
        "email": submission.email,
        "phone": submission.phone,
        **page_facts(settings, submission.page, page),
        "page_title": submission.page_title,
        "answers": _answers(form, submission, known),
        "consents": _consents(submission, known),
        "extra": {name: list(values) for name, values in submission.extra.items()},
        "files": _files(submission, known),
    }


def page_facts(settings: Settings, id: str, page: PageRow | None) -> dict[str, str]:
    """The page that a form stood in: its id, and its title and address where the site has it still."""
    return {
        "page": id,
        "page_title": page.title if page else "",
        "page_url": _address(settings, page) if page else "",
    }


def _address(settings: Settings, page: PageRow) -> str:
    """The page's absolute URL: the site's own has the base path as well."""
    base = settings.base_path
    path = page.url[len(base) :] if base and page.url.startswith(f"{base}/") else page.url
    return settings.url.rstrip("/") + path


def labels(submission: Submission) -> dict[str, str]:
    """The label of each field as the visitor saw it."""
    return dict(submission.labels)


def _answers(form: Form, submission: Submission, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """The answers in the form's order; consents are told apart from them."""
    fields = {one.name: one for one in form.fields}
    consents = {one.field for one in submission.consents}
    values = submission.values
    return [
        {"name": name, "label": known.get(name) or name, **_value(fields.get(name), values[name])}
        for name in dict.fromkeys((*known, *values))
        if name in values and name not in consents
    ]


def _consents(submission: Submission, known: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.field,
            "label": known.get(one.field) or one.field,
            "text": one.text,
            "given": one.given,
            **({"confirm": True} if one.confirm else {}),
        }
        for one in submission.consents
    ]


def _files(submission: Submission, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """What came along, by name: the content stays in the house, where it is looked at."""
    return [
        {
            "id": one.id,
            "field": one.field,
            "label": known.get(one.field) or one.field,
            "name": one.name,
            "size": one.size,
        }
        for one in submission.attachments
    ]


def _value(field: FormField | None, value: Any) -> dict[str, Any]:
    """The value as it was stored, and as the visitor saw it."""
    value = list(value) if isinstance(value, tuple) else value
    shown = "" if value is None else (field or FormField("")).seen(value)
    return {"value": value, "shown": shown}
