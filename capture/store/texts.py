"""Texts of strangers -> what both databases can store and every page can show; and what a search compares.

PostgreSQL takes no NUL, and no page can carry half a surrogate pair: both are put out of the way here, once, so that
the same submission is kept alike everywhere.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_UNFIT = re.compile("[\ud800-\udfff]")
# What may be unfit in the text of JSON, where every letter beyond ASCII is written by its number.
_MAY_BE_UNFIT = re.compile(r"\\u(?:0000|d[89a-f])")
_ID = re.compile(r"[0-9a-f]{32}")

# What is encoded is of our own making: nothing in it holds itself.
_encoded = json.JSONEncoder(allow_nan=False, check_circular=False).encode


def storable(text: str) -> str:
    """The text without NUL, each lone surrogate replaced by U+FFFD."""
    plain = text.replace("\0", "")
    return plain if plain.isascii() else _UNFIT.sub("\ufffd", plain)


def storable_json(value: Any) -> Any:
    """The value as JSON can hold it: texts storable, tuples as lists, numbers that are none as text."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable_json(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def json_text(value: Any) -> str:
    """The value as the text of JSON that can be stored."""
    try:
        text = _encoded(value)
    except ValueError:  # a number that is none
        return json.dumps(storable_json(value))
    return json.dumps(storable_json(value)) if _MAY_BE_UNFIT.search(text) else text


def tupled(value: Any) -> Any:
    """Values out of the database as they were before: lists are tuples."""
    if isinstance(value, dict):
        return {key: tupled(one) for key, one in value.items()}
    return tuple(tupled(one) for one in value) if isinstance(value, list) else value


def fold(text: str) -> str:
    """The text as a search compares it: one spelling of each character, lower case, without invisible characters."""
    plain = " ".join(unicodedata.normalize("NFKC", storable(text)).casefold().split())
    if plain.isprintable():
        return plain
    seen = "".join(char for char in plain if unicodedata.category(char) not in ("Cf", "Cc") or char.isspace())
    return " ".join(seen.split())


def is_id(text: str) -> bool:
    """Whether the text can be an id or a receipt at all: 32 hexadecimal digits."""
    return _ID.fullmatch(text) is not None
