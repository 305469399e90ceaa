"""Who owns the house, and the rows of the outbox by which it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capture.model import Outgoing
from capture.release import Release


def owners(release: Release) -> tuple[str, ...]:
    """The addresses of `[capture] notify`; where it is empty, all that any form names."""
    named = release.settings.notify or (one for form in release.forms.values() for one in form.notify)
    return tuple(dict.fromkeys(named))


def by_mail(release: Release, kind: str, facts: Mapping[str, Any]) -> list[Outgoing]:
    """A mail to every owner. `facts` hold nothing of visitors."""
    return [Outgoing("mail", kind, address, facts) for address in owners(release)]
