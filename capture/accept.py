"""A post to a form -> a submission, or what has to be mended first. Pure: no clock, no chance, no disk of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from capture.ids import Ids, instance_key
from capture.judge import judge
from capture.model import Consent, Submission
from capture.posting import Post
from capture.setup import PageRow, Settings
from capture.signs import Written, texts_of
from obverse.forms.checking import check, contact_of
from obverse.forms.form import Error, Form

_LONGEST_PAGE = 300


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is wrong with the answers, at most one error a field. Nothing is stored of it."""

    errors: tuple[Error, ...]


def accept(
    form: Form, post: Post, page: PageRow | None, now: datetime, ids: Ids, settings: Settings | None = None
) -> Submission | Refusal:
    """Judge what was sent against the version of the form that the visitor saw.

    `page` is the page it was sent from. One that the site does not know is kept as it was named, among the extra
    fields, so that nobody can write into the report what no build has written. `settings` are what judgement has to
    know of the site: its languages and its owner's rules.
    """
    checked = check(form, post.fields)
    if checked.errors:
        return Refusal(checked.errors)
    instance = instance_key(post.own("instance"))
    content = ids.content(form.name, checked.values, checked.extra)
    id_, receipt, follow_up = ids.named(form.name, instance, content)
    name, email, phone = contact_of(form, checked.values)
    return Submission(
        id=id_,
        receipt=receipt,
        follow_up_receipt=follow_up,
        form=form.name,
        lang=form.lang,
        rules=form.rules,
        words=form.words,
        received_at=now,
        instance=instance,
        content=content,
        page=page.id if page else "",
        page_title=page.title if page else "",
        referrer=_foreign_host(post),
        network=post.network,
        values=checked.values,
        extra={**checked.extra, **_unknown_page(post, page)},
        labels=tuple((one.name, one.label) for one in form.fields if one.type != "heading"),
        consents=_consents(form, checked.values),
        name=name,
        email=email,
        phone=phone,
        canary=ids.is_canary(form.name, instance, post.own("canary")),
        verdict=judge(post.fields, _written(form, checked.values, name, email, settings or Settings())),
    )


def _written(form: Form, values: Mapping[str, Any], name: str, email: str, settings: Settings) -> Written:
    languages = settings.languages or (settings.language,)
    # Where a form asks for a web address or a choice, one says nothing.
    free = {one.name: values.get(one.name) for one in form.fields if one.type in ("text", "markdown")}
    return Written(texts_of(free), name, email, languages, settings.hold)


def _consents(form: Form, values: Mapping[str, Any]) -> tuple[Consent, ...]:
    asked = (one for one in form.fields if one.type == "consent")
    return tuple(Consent(one.name, one.text, values.get(one.name) is True) for one in asked)


def _unknown_page(post: Post, page: PageRow | None) -> dict[str, tuple[str, ...]]:
    named = " ".join(post.own("page").split())[:_LONGEST_PAGE]
    return {"_ob_page": (named,)} if named and (page is None or page.id != named) else {}


def _foreign_host(post: Post) -> str:
    """The host of the page it was sent from, when that is not one of ours."""
    try:
        host = urlsplit(post.referrer).hostname or ""
    except ValueError:
        return ""
    return "" if host in post.hosts else host[:253]
