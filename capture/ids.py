"""Ids and receipts, fixed before any storage is tried: 128 bits each, in hexadecimal.

With an instance key (which the page's script makes, one for each time a form is filled in) they follow from what was
sent, so that a retry through another process, or through the spool, answers alike. Without one they are random.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any

_sorted = json.JSONEncoder(sort_keys=True, check_circular=False).encode

# Shorter keys are made by people, not by crypto.randomUUID(), and two visitors could have the same.
_INSTANCE = re.compile(r"[0-9A-Za-z_.:-]{16,64}")


@dataclass(frozen=True, slots=True)
class Ids:
    """What names submissions. `key` is the site's secret, the same in all its processes; `token` gives random ones."""

    key: str = field(repr=False)
    token: Callable[[], str]

    def content(self, form: str, values: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
        """The digest of what was sent to a form. Keyed, since it outlives the values when those are erased."""
        return self._mac("content", form, _sorted([values, extra]))

    def named(self, form: str, instance: str, content: str) -> tuple[str, str, str]:
        """Id, receipt, and the receipt of a follow-up."""
        if not instance:
            return self.token(), self.token(), self.token()
        return (
            self._mac("id", form, instance, content),
            self._mac("receipt", form, instance),
            self._mac("follow-up", form, instance, content),
        )

    def once(self, *parts: str) -> str:
        """What names something of which there is one, and tells nobody without the key of what."""
        return self._mac("once", *parts)

    def canary(self, form: str, instance: str) -> str:
        """The mark of a test by the house itself, which nobody without the key can make."""
        return self._mac("canary", form, instance)

    def is_canary(self, form: str, instance: str, mark: str) -> bool:
        """Whether a post carries that mark. One that was made up says nothing: whoever sent it is a visitor."""
        if not (mark and instance and self.key):
            return False
        return hmac.compare_digest(mark.encode("utf-8", "replace"), self.canary(form, instance).encode())

    def _mac(self, purpose: str, *parts: str) -> str:
        # As JSON (a list of texts is made faster so), no text of one part can reach over into the next.
        mac = _keyed(self.key).copy()
        mac.update(f"[{', '.join(map(encode_basestring_ascii, (purpose, *parts)))}]".encode())
        return mac.hexdigest()[:32]


@lru_cache(maxsize=8)
def _keyed(key: str) -> hmac.HMAC:
    """A MAC that has read its key. `hmac.digest` would let go of the interpreter each time, for all who wait for it."""
    return hmac.new(key.encode(), digestmod="sha256")


def instance_key(sent: str) -> str:
    """The instance key, or "" for what is none."""
    return sent if _INSTANCE.fullmatch(sent) else ""
