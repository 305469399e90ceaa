"""Capture in a preview: its own database under `var/preview/`, mail shown instead of sent, a link that logs in.

Trying a form at the desk never mixes with what visitors of the live site have sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from capture.access.sessions import ensure_desk_user, make_link
from capture.app import create_app
from capture.house import open_house
from capture.outbox.worker import Worker
from capture.secrets import ensure_key, load_secrets
from capture.setup import VAR, Setup

if TYPE_CHECKING:
    from flask import Flask

LINK_MINUTES = 12 * 60


@dataclass(frozen=True, slots=True)
class Preview:
    """A running preview: the application, the path of the link that logs in, and how to end it."""

    app: Flask
    entrance: str
    close: Callable[[], None]


def open_preview(root: Path, address: str, release: Path, source: str, token: str) -> Preview:
    """Capture for the site at `root`, reached at `address`.

    `release` is where the preview's builds leave theirs; `source` and `token` are where the bar has live numbers from.
    Raises what `open_house` raises, and OSError when `var/preview/` cannot be written.
    """
    folder = root / VAR / "preview"
    for each in (folder.parent, folder):  # what visitors write is nobody else's business
        each.mkdir(mode=0o700, exist_ok=True)
    ensure_key(folder, lambda: secrets.token_hex(32))
    known, _ = load_secrets(folder, {})
    setup = Setup(
        folder=folder,
        address=address,
        secrets=known,
        release=release,
        preview=True,
        live=root / VAR / "obverse.db",
        report_source=source,
        report_token=token,
    )
    house = open_house(setup, lambda: datetime.now(UTC), lambda: secrets.token_hex(16))
    worker = Worker(house)
    worker.start()

    def close() -> None:
        worker.stop(2.0)
        house.database.close()

    app = create_app(replace(house, wake=worker.wake))
    return Preview(app, make_link(house, ensure_desk_user(house), LINK_MINUTES), close)
