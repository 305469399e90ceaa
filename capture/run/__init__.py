"""`obverse run`, production as one command: settings and secrets -> site, endpoint, inbox, outbox and publishing."""

from __future__ import annotations

from pathlib import Path

from capture.run.options import RunOptions

__all__ = ["RunOptions", "push", "run"]


def run(options: RunOptions) -> int:
    """Run until told to end. Returns 0 after a clean end, 1 when it did not start or was hurried."""
    from capture.run.start import run as started

    return started(options)


def push(root: Path, target: Path) -> int:
    """Take the release of the site at `root` into `target`, a `var/releases`. Prints what was added; returns 0 or 1."""
    from capture.run.push import push as pushed

    return pushed(root, target)
