"""Errors: what is wrong with an answer -> what is said of it, by the endpoint and by the script alike.

The script finds what the browser knows of validity; the sentences it says then stand in the data attributes of a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from obverse.forms.elements import number
from obverse.forms.form import DAYS, NUMBERS, TODAY, Error, Form, FormField
from obverse.forms.kinds import spoken_size

# say(key, **values): the word of that key in the visitor's language, with its {names} filled.
Say = Callable[..., str]

# Every code that an error can have, each with a word `form.error.CODE`; in brackets the values of that word.
ERROR_CODES = (
    "required",
    "too-long",  # {max}
    "too-short",  # {min}
    "email",
    "url",
    "tel",
    "number",
    "whole",
    "too-small",  # {min}
    "too-great",  # {max}
    "decimals",
    "date",
    "datetime",
    "too-early",  # {min}
    "too-late",  # {max}
    "past",
    "future",
    "choice",
    "too-many",  # {max}
    "too-few",  # {min}
    "pattern",  # {help}
    "consent",
    "characters",
    "file-kind",  # {name}, {kinds}
    "file-size",  # {name}, {max}
    "file-empty",  # {name}
    "too-many-files",  # {max}
)

# What is asked of who left one out: nobody fills in a box.
_REQUIRED = {
    "choice": "required-choice",
    "choices": "required-choices",
    "boolean": "required-box",
    "file": "required-file",
}
# What is said of an answer below and above the bounds of its field.
_BOUNDS = {
    **dict.fromkeys(NUMBERS, ("too-small", "too-great")),
    **dict.fromkeys(("text", "email", "tel", "url"), ("too-short", "too-long")),
    "choices": ("too-few", "too-many"),
}
# Validity as the browser knows it has one name for each of these.
_SCRIPT_NAMES = {
    "consent": "required",
    **dict.fromkeys(("email", "url", "number", *DAYS), "type"),
    "decimals": "whole",
    **dict.fromkeys(("too-early", "past"), "too-small"),
    **dict.fromkeys(("too-late", "future"), "too-great"),
}


def error_text(error: Error, form: Form, say: Say) -> str:
    """What is said of an error beside its field: how to mend it, never whose fault it is."""
    code = error.code if error.code in ERROR_CODES else "unknown"
    field = form.field(error.field)
    if code == "required" and field:
        code = _REQUIRED.get(field.type, code)
    params = {name: _shown(value, say) for name, value in error.params.items()}
    return say(f"form.error.{code}", **{"help": "", **params}).strip()


def _shown(value: Any, say: Say) -> Any:
    if isinstance(value, float):
        return number(value)
    return _day(value, say) if isinstance(value, date) else value


def _day(day: date, say: Say) -> str:
    """A day as the visitor's language writes it, by the words that templates write dates with."""
    written = say("date", day=day.day, month=say(f"month.{day.month}"), year=day.year)
    # Releases of before brought no such word, and a word that is not known is its own key.
    return day.isoformat() if written == "date" else written


def script_texts(field: FormField, form: Form, say: Say) -> dict[str, str]:
    """What the script says of errors that a browser can find, by the names of the data attributes it looks in."""
    return {
        f"data-{_SCRIPT_NAMES.get(code, code)}": error_text(Error(field.name, code, params), form, say)
        for code, params in (*_of_type(field), *_of_bounds(field))
    }


def _of_type(field: FormField) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if field.required:
        yield ("consent" if field.type == "consent" else "required"), {}
    if field.type in ("email", "url", *DAYS):
        yield field.type, {}
    if field.type in NUMBERS:
        yield "number", {}
    if field.whole:
        yield "whole", {}
    elif field.type == "money":
        yield "decimals", {}
    if field.pattern:
        yield "pattern", {"help": field.help}


def _of_bounds(field: FormField) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if field.type == "file":
        yield "file-size", {"max": spoken_size(field.max_size), "name": "{name}"}
        yield "too-many-files", {"max": field.max_files}
    if field.earliest:
        yield ("past", {}) if field.earliest == TODAY else ("too-early", {"min": date.fromisoformat(field.earliest)})
    if field.latest:
        yield ("future", {}) if field.latest == TODAY else ("too-late", {"max": date.fromisoformat(field.latest)})
    least, most = _BOUNDS.get(field.type, ("", ""))
    if field.min is not None and least:
        yield least, {"min": field.min}
    # The browser itself keeps what is typed into one line from growing too long.
    if field.max is not None and (field.rows or field.type in (*NUMBERS, "choices")):
        yield most, {"max": field.max}
