"""Inquiries -> text for a terminal: the list as a table, one inquiry whole. What visitors wrote is harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from capture.columns import aligned, clipped, harmless, harmless_lines
from capture.inbox import display
from capture.inbox.sheets import consent_text, event_text, reason_word, shown_value
from capture.inbox.words import t
from capture.release import Release
from capture.store.records import Inquiry, Row, Sent
from capture.store.retention import Due, Keep

SHORT = 8  # characters of an id: enough to name one of many


def listed(rows: Sequence[Row], now: datetime) -> str:
    """The list: who waits, how far it is, who it is, and which article brought them."""
    lines: list[tuple[str, ...]] = [("id", "waits", "stage", "name", "article", "form", "owner", "value")]
    lines += [_line(row, now) for row in rows]
    return aligned(lines, right=(7,))


def _line(row: Row, now: datetime) -> tuple[str, ...]:
    waiting = display.waiting(row.waiting_since, now)
    return (
        row.id[:SHORT],
        waiting.text if waiting else "-",
        _stage(row),
        clipped(harmless(row.name or row.email) or t("inbox.nameless"), 28),
        clipped(harmless(row.page_title or row.page) or "-", 40),
        clipped(harmless(row.form), 16),
        clipped(harmless(row.owner_name) or "-", 16),
        display.money(row.value, row.currency),
    )


def _stage(row: Row) -> str:
    return t("stage.held" if row.held else f"stage.{row.stage}").lower()


def whole(found: Inquiry, release: Release, now: datetime) -> str:
    """One inquiry with all that is known of it."""
    return "\n".join(_whole(found, release, now)) + "\n"


def _whole(found: Inquiry, release: Release, now: datetime) -> Iterator[str]:
    row, zone = found.row, display.zone_of(release.settings.timezone)
    yield harmless(row.name) or t("inbox.nameless")
    yield from (f"  {harmless(one)}" for one in (row.email, row.phone) if one)
    yield f"  {row.id}"
    yield ""
    yield from _standing(row, release, now)
    for sent in found.submissions:
        yield ""
        yield f"{harmless(sent.form)}, {display.moment(sent.received_at, now, zone)}"
        yield from _answers(found, sent, release, now)
    yield ""
    texts = {one.id: one.text for one in found.notes} | {one.id: one.text for one in found.messages}
    for event in found.timeline:
        amount = display.money(event.amount, event.currency)
        told = " ".join(filter(None, (harmless(event_text(event, found.names)), amount)))
        yield f"{display.moment(event.at, now, zone)}  {told}"
        yield from _indented(texts.get(event.subject, ""))
    for one in found.deliveries:
        error = f" ({harmless(one.last_error)})" if one.last_error and one.state != "sent" else ""
        yield f"{one.channel} to {harmless(one.target)}: {one.state}{error}"


def _standing(row: Row, release: Release, now: datetime) -> Iterator[str]:
    page, waiting = release.pages.get(row.page), display.waiting(row.waiting_since, now)
    reasons = [reason_word("held", one) for one in row.held_reasons] if row.held else []
    lost = reason_word("lost", row.lost_reason) if row.lost_reason else ""
    facts = {
        "article": " ".join(filter(None, (row.page_title or row.page, page.url if page else ""))),
        "stage": ", ".join(filter(None, (_stage(row), display.money(row.value, row.currency), lost, *reasons))),
        "owner": row.owner_name,
        "waits": waiting.text if waiting else "",
    }
    for name, text in facts.items():
        yield f"{name:8} {harmless(text) or '-'}"


def _answers(found: Inquiry, sent: Sent, release: Release, now: datetime) -> Iterator[str]:
    zone = display.zone_of(release.settings.timezone)
    form = release.form(sent.form, sent.lang, sent.rules, sent.words)
    fields = {one.name: one for one in form.fields} if form else {}
    labels, consents = dict(sent.labels), {one.field for one in sent.consents}
    for name, value in sent.values.items():
        if name not in consents:
            yield from _answer(labels.get(name) or name, shown_value(value, fields.get(name)))
    for consent in sent.consents:
        stands = consent_text(consent, found.asking(sent.form, consent), now, zone)
        said = f"{display.plain_value(consent.given)}: {consent.text}" + (f" ({stands})" if stands else "")
        yield from _answer(labels.get(consent.field) or consent.field, said)
    for name, values in sent.extra.items():
        yield from _answer(f"{name} ({t('sheet.extra')})", ", ".join(values))


def _answer(label: str, value: str) -> Iterator[str]:
    lines = harmless_lines(value)
    if len(lines) == 1:
        yield f"  {harmless(label)}: {lines[0]}"
        return
    yield f"  {harmless(label)}:"
    yield from (f"    {line}" for line in lines)


def _indented(text: str) -> Iterator[str]:
    if text:
        yield from (f"    {line}" for line in harmless_lines(text))


def due(found: Due, keep: Keep, verb: str) -> str:
    """What is due by kind and age, a line each, without names."""
    kinds = (("held", found.held, keep.held), ("won", found.won, keep.won), ("lost", found.lost, keep.lost))
    lines = [f"{kind}: {len(ids)} inquiries older than {days} days {verb}" for kind, ids, days in kinds if days]
    if keep.networks:
        lines.append(f"networks: {found.networks} older than {keep.networks} days {verb}")
    if found.askings:
        lines.append(f"consents: {found.askings} that nobody confirmed, or that were withdrawn, {verb}")
    return "\n".join(lines) or "Everything is kept for ever."


def orphans(count: int, verb: str) -> str:
    """What no inquiry names, in a line of its own; nothing where there is none."""
    return f"\nuploads: {count} that no inquiry names {verb}" if count else ""


def pruned(count: int) -> str:
    """What went of the audit log, in a line of its own; nothing where nothing did."""
    return f"\naudit log: {count} rows went" if count else ""
