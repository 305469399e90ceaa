"""Limits: how long the answer to a field may be, whatever its author says, so that every text has an end.

Lengths of texts are counted in Unicode code points, line breaks as one. A browser counts UTF-16 units, of which a text
has as many or more: what it lets through as short enough, the checks let through too.
"""

from __future__ import annotations

from obverse.forms.form import FormField

# The types whose answer is a text that a person types.
TYPED = ("text", "email", "tel", "url")

# Code points that a text may have when its field names no `max`; and the most that a `max` may allow. A text with
# `rows` is "rows" here. Putting characters in their normal form takes time that grows as the square of the text, when
# somebody wants it to: hence no more than 20,000.
DEFAULTS = {"text": 200, "rows": 4000, "email": 254, "url": 2000, "tel": 40, "hidden": 500}
GREATEST = {"text": 2000, "rows": 20_000, "email": 254, "url": 4000, "tel": 100, "hidden": 2000}

# Fields that a form may have, options that a choice may have, and code points of an option's value.
MOST_FIELDS = 100
MOST_OPTIONS = 300
LONGEST_OPTION = 200


def kind_of(one: FormField) -> str:
    """The key of `DEFAULTS` and `GREATEST` for a field."""
    return "rows" if one.type == "text" and one.rows else one.type


def cap(one: FormField) -> int:
    """The most code points that the text of a field may have: its `max`, or what is usual for its type."""
    return int(one.max) if one.max is not None else DEFAULTS.get(kind_of(one), DEFAULTS["text"])
