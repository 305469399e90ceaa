"""The headers every page is sent with: one constant policy for the whole site, on every host.

`serve` and `run` send them, and they are written for other hosts. Nothing here depends on a page, so a page's bytes
never decide what a browser may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Everything is refused that is not named. No 'unsafe-inline', no hashes: no output has an inline script or style.
CSP = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self'; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "manifest-src 'self'; "
    "media-src 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)


def headers(capture: str = "") -> Mapping[str, str]:
    """The headers of a site whose forms are sent to the origin `capture`, "" when that is the site's own."""
    if not capture:
        return HEADERS
    policy = CSP
    for directive in ("connect-src 'self'", "form-action 'self'"):
        policy = policy.replace(directive, f"{directive} {capture}")
    return MappingProxyType({**HEADERS, "Content-Security-Policy": policy})


HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": CSP,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
)
