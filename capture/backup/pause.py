"""A pause of the outbox: after a restore, what waited then may have been sent since, so a person says that it may go.

It is a file in the data folder, so that it is there before the first process starts, and for each of them.
"""

from __future__ import annotations

from pathlib import Path

from capture.files import put

FILE = "outbox.paused"


def pause(folder: Path, reason: str) -> None:
    """Keep the outbox of a data folder from sending. Raises OSError."""
    put(folder / FILE, reason.encode())


def paused(folder: Path) -> str:
    """Why the outbox does not send, "" when it does."""
    try:
        return (folder / FILE).read_text("utf-8", "replace").strip() or "it was paused"
    except OSError:
        return ""


def resume(folder: Path) -> bool:
    """Let it send again; whether it had been paused."""
    was = (folder / FILE).exists()
    (folder / FILE).unlink(missing_ok=True)
    return was
