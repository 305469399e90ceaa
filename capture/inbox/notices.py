"""A notice of the house -> the sentence that stands above every page of the inbox until it ends."""

from __future__ import annotations

from datetime import datetime

from capture.inbox import display
from capture.inbox.words import has_word, t
from capture.store.moments import from_text
from capture.store.notices import Notice
from capture.watch.letters import texts


def notice_text(notice: Notice, timezone: str, now: datetime) -> str:
    """What it says, with its time in the site's zone. One of a newer program says only that there is one."""
    if not has_word(f"notice.{notice.kind}") and not has_word(f"notice.{notice.kind}.other"):
        return t("notice.other")
    told, at = texts(notice.facts, t), notice.facts.get("time")
    moment = display.moment(from_text(at) if at else notice.at, now, display.zone_of(timezone))
    return t(f"notice.{notice.kind}", **{**told, "time": moment})
