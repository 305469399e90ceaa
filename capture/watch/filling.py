"""A form -> what the house itself fills in to try it: only what is required, so a test says as little as it can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from obverse.forms.checking import check
from obverse.forms.form import DAYS, TODAY, Form, FormField
from obverse.forms.limits import cap

_TEXT = "This is a test that the house sends to itself."


def fitting(
    forms: Iterable[Form], email: str, site: str, today: date
) -> tuple[Form, Mapping[str, tuple[str, ...]]] | None:
    """The first form that the house can fill in, and with what; None when it can none.

    A form that asks for a file, a pattern or a condition that a program cannot guess is passed over. `email` is the
    address to give where one is asked for, `site` the web address.
    """
    for form in forms:
        filled = {one.name: _answer(one, email, site, today) for one in form.fields if one.required}
        if not check(form, filled, today=today).errors:
            return form, filled
    return None


def _answer(one: FormField, email: str, site: str, today: date) -> tuple[str, ...]:
    least = max(1, int(one.min or 0))
    if one.type in ("choice", "choices"):
        return tuple(one.options)[: least if one.type == "choices" else 1]
    if one.type in ("text", "hidden"):
        return (one.default or (_TEXT * (1 + least // len(_TEXT)))[: max(least, min(len(_TEXT), cap(one)))],)
    if one.type in DAYS:
        day = next((day for day in (one.earliest, one.latest) if day not in ("", TODAY)), f"{today}")
        return (day if one.type == "date" else f"{day} 12:00",)
    number = str(int(one.min) if one.min is not None and one.min == int(one.min) else one.min or 1)
    known = {"email": email, "tel": "+1 555 0100 100", "url": site, "number": number, "money": number}
    return (known.get(one.type, "true"),)
