"""A post to a form -> a submission, or what has to be mended first. Pure: no clock, no chance, no disk of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from capture.ids import Ids, instance_key
from capture.judge import judge
from capture.model import Attachment, Consent, Submission, Verdict
from capture.posting import Post
from capture.setup import PageRow, Settings
from capture.signs import Written, texts_of
from capture.uploads.intake import Upload
from obverse.forms.checking import check, contact_of
from obverse.forms.form import Error, Form
from obverse.forms.kinds import KINDS, SentFile, extension, kind_of

_LONGEST_PAGE = 300
_LONGEST_ENDING = 10


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
    checked = check(form, post.fields, _by_field(post.uploads), now.date())
    if checked.errors:
        return Refusal(checked.errors)
    instance = instance_key(post.own("instance"))
    attachments = _attachments(form, post.uploads)
    content = ids.content(form.name, {**checked.values, **_digests(attachments)}, checked.extra)
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
        verdict=_verdict(post, attachments, _written(form, checked.values, name, email, settings or Settings())),
        attachments=attachments,
        canary=ids.is_canary(form.name, instance, post.own("canary")),
    )


def _by_field(uploads: Iterable[Upload]) -> dict[str, list[SentFile]]:
    found: dict[str, list[SentFile]] = {}
    for one in uploads:
        found.setdefault(one.field, []).append(one.file)
    return found


def _attachments(form: Form, uploads: Sequence[Upload]) -> tuple[Attachment, ...]:
    """The files as they are kept, each of a kind that its field takes."""
    if not uploads:
        return ()
    accept = {one.name: one.accept for one in form.files}
    return tuple(
        Attachment(one.id, one.field, one.file.name, kind, one.file.size, one.sha256)
        for one in uploads
        if (kind := kind_of(one.file.kinds.intersection(accept.get(one.field, ())), one.file.name))
    )


def _digests(attachments: Iterable[Attachment]) -> dict[str, list[tuple[str, str]]]:
    """What tells files of the same names apart."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in attachments:
        found.setdefault(one.field, []).append((one.name, one.sha256))
    return found


def _verdict(post: Post, attachments: Iterable[Attachment], written: Written) -> Verdict:
    """What is judged of the post, and what is doubtful about its files."""
    doubts = {doubt for one in post.uploads for doubt in one.file.doubts}
    if any(_misleads(one) for one in attachments):
        doubts.add("file-name")
    return Verdict((*judge(post.fields, written).reasons, *sorted(doubts)))


def _misleads(one: Attachment) -> bool:
    """Whether its name says that it is something else. One picture named as another misleads nobody."""
    end, media = _ending(one.name), KINDS[one.kind].media
    same = (kind for kind in KINDS.values() if kind.media.partition("/")[0] == media.partition("/")[0])
    related = same if not media.startswith("application/") else (KINDS[one.kind],)
    return bool(end) and not any(end in kind.extensions for kind in related)


def _ending(name: str) -> str:
    """The ending that a program would go by, signs left out that hide it; "" for what is only a part of a sentence."""
    end = extension(name)
    bare = "".join(one for one in end if one.isalnum())
    return bare if len(bare) <= _LONGEST_ENDING and not bare.isdigit() and " " not in end else ""


def _written(form: Form, values: Mapping[str, Any], name: str, email: str, settings: Settings) -> Written:
    languages = settings.languages or (settings.language,)
    # Where a form asks for a web address or a choice, one says nothing.
    free = {one.name: values.get(one.name) for one in form.fields if one.type in ("text", "markdown")}
    return Written(texts_of(free), name, email, languages, settings.hold)


def _consents(form: Form, values: Mapping[str, Any]) -> tuple[Consent, ...]:
    asked = (one for one in form.fields if one.type == "consent")
    return tuple(Consent(one.name, one.text, values.get(one.name) is True, one.confirm) for one in asked)


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
