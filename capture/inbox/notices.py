"""A notice of the house -> the sentence that stands above every page of the inbox until it ends."""

from __future__ import annotations

from datetime import datetime

from capture.inbox import display
from capture.inbox.words import has_word, t
from capture.store.moments import from_text
from capture.store.notices import Notice


def notice_text(notice: Notice, timezone: str, now: datetime) -> str:
    """What it says, with its time in the site's zone. One of a newer program says only that there is one."""
    if not has_word(f"notice.{notice.kind}"):
        return t("notice.other")
    at = from_text(notice.facts["time"]) if notice.facts.get("time") else notice.at
    return t(f"notice.{notice.kind}", time=display.moment(at, now, display.zone_of(timezone)), **_texts(notice))


def _texts(notice: Notice) -> dict[str, str]:
    texts = {name: value for name, value in notice.facts.items() if name != "time" and isinstance(value, str)}
    return {**texts, "place": notice.place}
