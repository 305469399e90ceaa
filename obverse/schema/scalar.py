"""Scalars: text as its author wrote it -> a typed value, one small reader for each type.

A reader returns the value or raises `Refused` with what the value must be. The readers take text only, so that a form
post, a YAML scalar and a TOML value are judged by the same rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from obverse.problems import nearest
from obverse.schema.field import Field, option_values


class Refused(ValueError):  # noqa: N818 - it reads as the sentence it carries: "refused: must be …"
    """A value that is not of its field's type. The message tells what it must be; `hint` how to mend it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


# What no XML 1.0 document can carry (a feed would not be well formed), and lone surrogates (not text at all).
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_TRUE = frozenset(("true", "yes", "on", "y"))
_FALSE = frozenset(("false", "no", "off", "n"))
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MONEY = re.compile(r"\d{1,15}(?:\.\d{1,2})?", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]")
_TEL = re.compile(r"\+?[\d\s().\-/]*\d[\d\s().\-/]*(?:(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_MOMENT = re.compile(
    r"""(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})
        (?:(?:[Tt]|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
           (?:\s*(?:(?P<utc>Z|z|UTC|GMT)|(?P<sign>[+-])(?P<zhour>\d{2})(?::?(?P<zminute>\d{2}))?(?:\s+[A-Z]{2,5})?))?
        )?""",
    re.VERBOSE | re.ASCII,
)

_USUAL_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):\d\d:\d\dZ?)?", re.ASCII)

_PARTS = ("year", "month", "day", "hour", "minute", "second")

_DATE_MESSAGE = "must be a date such as 2024-01-05"
_DATETIME_MESSAGE = "must be a date such as 2024-01-05 or 2024-01-05 14:30"


def _text(field: Field, text: str) -> str:
    if not text.isprintable() and FORBIDDEN.search(text):  # what can be printed is none of it, and that is soon told
        raise Refused("must not hold control characters")
    if field.max is not None and len(text) > field.max:
        raise Refused(f"must be at most {field.max:g} characters long, not {len(text)}")
    if field.min is not None and len(text) < field.min:
        raise Refused(f"must be at least {field.min:g} characters long, not {len(text)}")
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise Refused(f"must match the pattern {field.pattern}")
    return text


def _line(field: Field, text: str) -> str:
    return _text(field, text.strip())


def _email(field: Field, text: str) -> str:
    text = _line(field, text)
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise Refused("must be an e-mail address such as name@example.com")
    return text


def _url(field: Field, text: str) -> str:
    text = _line(field, text)
    if not is_web_address(text):
        raise Refused("must be a web address that begins with https:// or http://")
    return text


def is_web_address(text: str) -> bool:
    """Whether a text is an absolute http(s) URL with a host and without spaces."""
    if not re.match(r"https?://[^\s/?#\\]", text, re.IGNORECASE) or re.search(r"[\s\\<>\"]", text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _tel(field: Field, text: str) -> str:
    text = _line(field, text)
    if not _TEL.fullmatch(text) or sum(char.isdigit() for char in text) < 3:
        raise Refused("must be a telephone number such as +1 555 0100")
    return text


def _number(field: Field, text: str) -> Any:
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return _bounded(field, int(text))
    if field.whole:
        raise Refused("must be a whole number")
    if not _NUMBER.fullmatch(text):
        raise Refused("must be a number")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Refused("must be a number that is not endless")
    return _bounded(field, value)


def _bounded(field: Field, value: Any) -> Any:
    if field.min is not None and value < field.min:
        raise Refused(f"must be {field.min:g} or more")
    if field.max is not None and value > field.max:
        raise Refused(f"must be {field.max:g} or less")
    return value


def _money(field: Field, text: str) -> str:
    text = text.strip()
    if not _MONEY.fullmatch(text):
        raise Refused("must be an amount such as 1200 or 1200.50")
    from decimal import Decimal

    return str(_bounded(field, Decimal(text)).quantize(Decimal("0.01")))


def _date(_: Field, text: str) -> date:
    moment = read_moment(text)
    if moment is None or ":" in text:
        raise Refused(_DATE_MESSAGE)
    return moment.date()


def _datetime(_: Field, text: str) -> datetime:
    moment = read_moment(text)
    if moment is None:
        raise Refused(_DATETIME_MESSAGE)
    return moment


def read_moment(text: str) -> datetime | None:
    """A date or a date with a time in the ways people write them, year first; None when it is none of these.

    `2024-01-05`, `2024/1/5`, `2024-01-05 14:30`, `2024-01-05T14:30:10.5Z`, `2015-12-01 8:42:48 -0400`. Without a zone
    the answer has none; a bare date is its midnight. Years 1000 to 9998 only, so that no zone can push it out of range.
    """
    if _USUAL_MOMENT.fullmatch(text):
        return _usual_moment(text)
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[part] or "0") for part in _PARTS)
    micro = int((found["fraction"] or "")[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, micro, _zone(found))
    except ValueError:
        return None
    return moment if 1000 <= moment.year <= 9998 else None


def _usual_moment(text: str) -> datetime | None:
    """A moment as the standard writes it, which Python reads by itself."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if 1000 <= moment.year <= 9998 else None


def _zone(found: re.Match[str]) -> timezone | None:
    if found["utc"]:
        return UTC
    if not found["sign"]:
        return None
    offset = timedelta(hours=int(found["zhour"]), minutes=int(found["zminute"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)


def _boolean(_: Field, text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Refused("must be true or false")


def _consent(field: Field, text: str) -> bool:
    given = _boolean(field, text)
    if field.required and not given:
        raise Refused("must be agreed to")
    return given


def _choice(field: Field, text: str) -> str:
    text = text.strip()
    values = option_values(field)
    if text not in values:
        raise Refused(f"must be {one_of(values)}", nearest(text, values))
    return text


def one_of(values: tuple[str, ...]) -> str:
    """`'a', 'b' or 'c'` for a message; "empty" when there are no values."""
    quoted = [f"'{value}'" for value in values]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:]))) or "empty"


def _reference(field: Field, text: str) -> str:
    return _text(field, " ".join(text.split()) if "\n" in text else text.strip())


def _heading(_: Field, __: str) -> str:
    raise Refused("is a heading and takes no value")


SCALARS: dict[str, Callable[[Field, str], Any]] = {
    "text": _line,
    "markdown": _text,
    "email": _email,
    "url": _url,
    "tel": _tel,
    "number": _number,
    "money": _money,
    "date": _date,
    "datetime": _datetime,
    "boolean": _boolean,
    "choice": _choice,
    "consent": _consent,
    "hidden": _text,
    "heading": _heading,
    "reference": _reference,
    "image": _reference,
    "file": _reference,
}
