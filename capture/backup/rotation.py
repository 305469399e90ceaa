"""Backups in one folder -> those that are no longer wanted: the newest of each of some days and weeks stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

WEEKS = 5

_NAME = re.compile(r"obverse-(\d{8}T\d{6})Z\.tar\.gz")


def name_at(moment: datetime) -> str:
    """What a backup made at a moment is called; names sort as moments do."""
    return f"obverse-{moment.astimezone(UTC):%Y%m%dT%H%M%S}Z.tar.gz"


def moment_of(name: str) -> datetime | None:
    """When a backup was made, by its name; None for what is no backup of ours."""
    found = _NAME.fullmatch(name)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None


def backups(folder: Path) -> list[Path]:
    """The backups in a folder, the newest first."""
    return sorted((path for path in folder.glob("obverse-*.tar.gz") if moment_of(path.name)), reverse=True)


def superfluous(names: Iterable[str], days: int, weeks: int = WEEKS) -> list[str]:
    """The names of backups that may go: all but the newest of each of the last `days` days and `weeks` weeks with one.

    The days and weeks that count are those that have a backup, so that a machine that was off for a month does not lose
    all of them on the first day.
    """
    kept: set[str] = set()
    by_day: dict[str, str] = {}
    by_week: dict[str, str] = {}
    known = sorted(filter(moment_of, names), reverse=True)
    for name in known:
        moment = moment_of(name)
        if moment is not None:
            by_day.setdefault(f"{moment:%Y-%m-%d}", name)
            by_week.setdefault(f"{moment:%G-%V}", name)
    for newest, most in ((by_day, days), (by_week, weeks)):
        kept.update(newest[key] for key in sorted(newest, reverse=True)[:most])
    return [name for name in known if name not in kept]
