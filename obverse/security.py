"""The headers every page is sent with: one constant policy for the whole site, on every host.

`serve` and `run` send them, and they are written for other hosts. Nothing here depends on a page, so a page's bytes
never decide what a browser may do.
"""

from __future__ import annotations

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

HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": CSP,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
)
