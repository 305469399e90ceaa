"""A token of a consent -> the address of its link: said here for mails, pages, exports, webhooks and OpenAPI alike.

`base` is what the endpoint's addresses begin with: absolute for who reads it elsewhere, else a path ("" or "/blog").
"""

from __future__ import annotations

# What may be done at each of the links: what `do` may say.
AT_CONFIRMING, AT_WITHDRAWING = ("confirm", "withdraw"), ("withdraw",)


def confirming(base: str, token: str) -> str:
    """The link of the mail that asks: there a consent is confirmed, and later withdrawn."""
    return f"{base}/_ob/c/{token}"


def withdrawing(base: str, token: str) -> str:
    """The link that withdraws a consent in one click, and does nothing else."""
    return f"{base}/_ob/u/{token}"
