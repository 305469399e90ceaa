"""Stored values -> what a person reads: waits in words, times in the site's zone, money, visitors' text made safe.

Pure: the present moment, the zone and the words are arguments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup, escape

from capture.inbox.words import t

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# From how long on a wait has one, two … five reeds of five.
REEDS = (timedelta(0), timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=3))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long somebody has waited: in words, and as one to five reeds of a coin's edge."""

    text: str
    reeds: int


def waiting(since: datetime | None, now: datetime) -> Waiting | None:
    """How long since; None when it is not our turn."""
    if since is None:
        return None
    passed = now - since
    return Waiting(duration(passed), max(1, sum(passed >= step for step in REEDS)))


def duration(passed: timedelta) -> str:
    """A span of time in its largest unit, as one says it: "under a minute", "3 hours", "2 days"."""
    if passed < MINUTE:
        return t("inbox.time.moment")
    unit, size = next(one for one in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE)) if passed >= one[1])
    return t(f"inbox.time.{unit}", n=passed // size)


def age(at: datetime, now: datetime) -> str:
    """A span of time for a narrow column: "4 min", "3 h", "2 d"."""
    passed = max(now - at, timedelta(0))
    unit, size = next((one for one in (("d", DAY), ("h", HOUR)) if passed >= one[1]), ("min", MINUTE))
    return t(f"inbox.age.{unit}", count=passed // size)


def zone_of(name: str) -> ZoneInfo:
    """The site's zone; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A point in time as one reads it in the site's zone; the year only where it is another one."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    key = "inbox.at" if local.year == today.year else "inbox.at.year"
    return t(
        key,
        weekday=t(f"inbox.weekday.{local.isoweekday()}"),
        day=local.day,
        month=t(f"inbox.month.{local.month}"),
        year=local.year,
        time=f"{local:%H:%M}",
    )


def money(hundredths: int | None, currency: str) -> str:
    """An amount with its currency, hundredths only where there are some: "12,000 EUR", "99.50 USD"."""
    if hundredths is None:
        return ""
    whole, part = divmod(abs(hundredths), 100)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{whole:,}{f'.{part:02}' if part else ''} {currency}".rstrip()


def amount(text: str) -> int | None:
    """Hundredths of what a person typed: "12,000", "12 000.50", "12.000,50"; None for nothing. ValueError otherwise."""
    digits = re.sub(r"[\s']", "", text)
    if not digits:
        return None
    found = re.fullmatch(r"([0-9]{1,3}(?:[.,][0-9]{3})+|[0-9]+)(?:[.,]([0-9]{1,2}))?", digits)
    if found is None or len(digits) > 16:
        raise ValueError(t("inbox.bad-amount"))
    return int(re.sub(r"\D", "", found[1])) * 100 + int((found[2] or "").ljust(2, "0"))


# --- what visitors typed ---


def visible(text: object) -> Markup:
    """Text as HTML in which characters that hide or turn others are shown by their names, and hosts as they are."""
    return Markup("").join(
        _MARK.format(shown) if is_mark else escape(shown) for shown, is_mark in _told(str(text)) if shown
    )


def marked(text: str) -> str:
    """The same for places that hold no marks of HTML: titles and options."""
    return "".join(f"[{shown}]" if is_mark else shown for shown, is_mark in _told(text) if shown)


def stripped(text: str) -> str:
    """Text without characters that hide or turn others, to be written by us to somebody."""
    return re.sub(_HIDING, "", text)


# Bidirectional controls, what has no width, and controls but tab and line break. Joiners stay inside words of scripts
# that need them, and in emoji.
_HIDING = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]|(?<=[\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f]|$))"
)
_SHORT = (
    {"\u202e": "RLO", "\u202d": "LRO", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u2066": "LRI"}
    | {"\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u200e": "LRM", "\u200f": "RLM", "\u200b": "ZWSP"}
    | {"\u200c": "ZWNJ", "\u200d": "ZWJ", "\u2060": "WJ", "\ufeff": "BOM", "\u00ad": "SHY", "\u061c": "ALM"}
)


def _name(character: str) -> str:
    return _SHORT.get(character) or f"U+{ord(character):04X}"


# A host's name: after a scheme or an @ whatever it is, in running text where it may be taken for another one.
_HOST = re.compile(
    r"(?P<sign>://|@|)(?<![\w-])(?P<host>(?:[\w\u200c\u200d-]{1,63}[.\u3002\uff0e\uff61]){1,20}[\w-]{2,63})"
)
_LOOK_LATIN = {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
_MARK = Markup('<span class="marked">{}</span>')


def _told(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a text, each with whether it is a mark of ours: the name of a character, or of a host."""
    for piece in re.split(_HIDING, text):
        if re.fullmatch(_HIDING, piece):
            yield _name(piece), True
            continue
        end = 0
        for found in re.finditer(_HOST, piece):
            if spelled := _spelled(found["host"], named=bool(found["sign"])):
                yield piece[end : found.end()], False
                yield spelled, True
                end = found.end()
        yield piece[end:], False


def _spelled(host: str, *, named: bool) -> str:
    """A host as the network knows it ("xn--…"), "" where it is that already or is no more than two words and a dot."""
    scripts = {unicodedata.name(one, "").partition(" ")[0] for one in host}
    if host.isascii() or not (named or ("LATIN" in scripts and scripts & _LOOK_LATIN)):
        return ""
    labels = re.split("[.\u3002\uff0e\uff61]", unicodedata.normalize("NFKC", host).lower())
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


def first_line(text: str, limit: int = 140) -> str:
    """The beginning of a message in one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def link_to(type: str, value: str) -> str:
    """The address a checked answer may link to, "" for none. `type` is its field's."""
    maker = {"email": _mail, "tel": _call, "url": _web}.get(type)
    return maker(value) if maker else ""


def _mail(value: str) -> str:
    return f"mailto:{quote(value, safe='@.+-_')}" if re.fullmatch(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,255}", value) else ""


def _call(value: str) -> str:
    digits = re.sub(r"[\s().\-/]", "", value)
    return f"tel:{digits}" if re.fullmatch(r"\+?\d{3,20}", digits) else ""


def _web(value: str) -> str:
    """Only what is without doubt a web address: http or https, a plain host, no user in it, nothing that hides."""
    if not re.fullmatch(r"https?://[!-~]{1,2000}", value, re.IGNORECASE) or re.search(r"[\\\"'<>`{}|^]", value):
        return ""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 -- it is read to be checked
    except ValueError:
        return ""
    plain = parts.hostname is not None and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.hostname) is not None
    return value if plain and "@" not in parts.netloc else ""


def plain_value(value: Any) -> str:
    """A checked value as text: several with commas, yes and no in words."""
    if isinstance(value, bool):
        return t("inbox.yes") if value else t("inbox.no")
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def fold(text: str) -> str:
    """Text to compare in another spelling: NFKC, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()
