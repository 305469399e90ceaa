"""What a page may hold: the site's Content-Security-Policy and the rule that nobody else's server hears of a visitor.

Values in, verdicts out: a destination or a tag -> the code and words of the problem, or None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

FRAMES = frozenset({"iframe", "embed", "object", "frame", "frameset", "applet"})
FORBIDDEN = frozenset({"base", "basefont"})
# Attributes that name a place, by tag. An image is a slot of its own.
PLACES: Mapping[str, tuple[str, ...]] = {
    "a": ("href", "xlink:href"),
    "area": ("href",),
    "link": ("href",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "source": ("src",),
    "track": ("src",),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "form": ("action",),
    "button": ("formaction",),
    "input": ("src", "formaction"),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
LISTS = frozenset({"srcset", "imagesrcset"})

_LINKS = frozenset({"a", "area"})
_SCRIPT_TYPES = re.compile(
    r"(?:|module|importmap|speculationrules|(?:text|application)/(?:x-)?(?:java|ecma|live|j)script[\d.]*)(?:\s*;.*)?",
    re.IGNORECASE | re.DOTALL,
)
_QUIET_RELATIONS = frozenset(
    "alternate author bookmark canonical help license me next prev privacy-policy search terms-of-service".split()
)
# A browser drops these from an address before it looks at the scheme.
_IGNORED = re.compile(r"[\t\n\r]|^[\x00-\x20]+")
_HOST = re.compile(r"(?:[a-z][a-z0-9+.\-]*:)?[/\\]{2,}([^/\\?#]*)|(?:https?|ftp|wss?):[/\\]*([^/\\?#]+)", re.IGNORECASE)
_ALIGNED = re.compile(r"\s*text-align\s*:\s*(left|center|right)\s*;?\s*", re.IGNORECASE)


class Verdict(NamedTuple):
    """Why something may not stand on a page."""

    code: str
    message: str
    hint: str


def executable(kind: str | None) -> bool:
    """Whether a `<script>` of this type runs (a data block such as JSON-LD does not)."""
    return bool(_SCRIPT_TYPES.fullmatch((kind or "").strip()))


def alignment(style: str) -> str:
    """left, center or right when a style says only that (it is what engines write in tables), else ""."""
    found = _ALIGNED.fullmatch(style)
    return found[1].lower() if found else ""


def host(destination: str) -> str:
    """The host of an address on another site, or "" for one of this site."""
    found = _HOST.match(_IGNORED.sub("", destination))
    return (found[1] or found[2] or "").rpartition("@")[2] if found else ""


def scheme(destination: str) -> Verdict | None:
    """The verdict on an address that carries its own content: `javascript:` and `data:`."""
    name, colon, _ = _IGNORED.sub("", destination).partition(":")
    if not colon:
        return None
    name = name.strip().lower()
    if name in ("javascript", "vbscript"):
        return Verdict(
            "inline-script", f"'{name}:' in an address does not run under the site's policy", "link to a page instead"
        )
    if name == "data":
        return Verdict(
            "data-url", "'data:' addresses do not load under the site's policy", "save the file beside the article"
        )
    return None


def address(tag: str, destination: str, relation: str = "") -> Verdict | None:
    """The verdict on an address in a tag; `relation` is the `rel` of a `<link>`."""
    verdict = scheme(destination) if ":" in destination else None
    if verdict is not None or tag in _LINKS:
        return verdict
    if tag == "link" and relation and _QUIET_RELATIONS.issuperset(relation.lower().split()):
        return None
    return third_party(tag, destination)


def third_party(tag: str, destination: str) -> Verdict | None:
    """The verdict on something the page would load from, or send to, another host."""
    named = host(destination)
    if not named:
        return None
    if tag in ("form", "button"):
        return Verdict(
            "third-party", f"this form would send what a visitor types to {named}", "use a form of this site"
        )
    hint = "link to it instead" if tag in FRAMES else "save the file beside the article"
    return Verdict("third-party", f"a visitor's browser would contact {named}", hint)


def element(tag: str, attributes: Mapping[str, str | None]) -> Verdict | None:
    """The verdict on a tag as such. What it names is judged by `address`."""
    if tag == "script":
        return _script(attributes)
    if tag == "style":
        return Verdict(
            "style-element", "a <style> does not apply under the site's policy", "put the rules into templates/assets/"
        )
    if tag in FORBIDDEN or (tag == "meta" and "http-equiv" in attributes):
        return Verdict("forbidden-tag", f"<{tag}> in a body changes the page around it", "remove it")
    if tag in FRAMES and not any(host(attributes.get(name) or "") for name in ("src", "data")):
        return Verdict("frame", f"<{tag}> does not show under the site's policy", "link to it instead")
    return None


def _script(attributes: Mapping[str, str | None]) -> Verdict | None:
    if not executable(attributes.get("type")):
        return None
    outside = third_party("script", attributes.get("src") or "")
    message = "a <script> in a body does not run under the site's policy"
    return outside or Verdict("inline-script", message, "put it into templates/assets/")
