"""Submissions and tokens for tests: complete ones, of which a test names only what it is about."""

import hashlib
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from capture.model import Outgoing, Submission

NOW = datetime(2026, 11, 23, 22, 5, tzinfo=UTC)

_numbers = itertools.count(1)


def digits(*parts: object) -> str:
    """32 hexadecimal digits, the same for the same parts."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def tokens(prefix: str = "token") -> Callable[[], str]:
    """A source of ids that are never the same twice, and the same in each run."""
    numbers = itertools.count(1)
    return lambda: digits(prefix, next(numbers))


def make_submission(**changes: Any) -> Submission:
    """A clean submission of the form "contact", each time another one unless `instance` is given.

    Ids, receipts and content follow from form, instance and values as they do in the endpoint.
    """
    values = changes.get("values", {"name": "Ada Byron", "email": "ada@example.org", "message": "What does it cost?"})
    form, instance = changes.get("form", "contact"), changes.get("instance", "")
    content = digits(form, json.dumps(values, sort_keys=True))
    key = instance or f"none-{next(_numbers)}"
    plain: dict[str, Any] = {
        "id": digits("id", form, key, content),
        "receipt": digits("receipt", form, key),
        "follow_up_receipt": digits("receipt", form, key, content),
        "form": form,
        "lang": "en",
        "rules": "a" * 16,
        "words": "b" * 16,
        "received_at": NOW,
        "instance": instance,
        "content": content,
        "page": "articles/pricing.md",
        "page_title": "What it costs",
        "referrer": "search.example",
        "network": "192.0.2.0/24",
        "values": values,
        "labels": tuple((name, name.title()) for name in values),
        "name": str(values.get("name", "")),
        "email": str(values.get("email", "")),
        "phone": str(values.get("phone", "")),
    }
    return Submission(**{**plain, **changes})


def make_outgoing(target: str = "sales@example.com", channel: str = "mail") -> Outgoing:
    """One notification for the outbox."""
    return Outgoing(channel, "notify", target, {"form": "contact"})
