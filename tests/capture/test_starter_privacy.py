"""The starter's privacy page promises times of keeping: its settings, and the backups, keep to them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture.backup.rotation import moment_of, name_at, superfluous
from obverse.config import Config, load

ROOT = Path(__file__).resolve().parents[2]
MONTHS = 365 / 12


def settings() -> Config:
    config, problems = load((ROOT / "obverse.toml").read_text())
    assert not problems
    return config


def promised() -> dict[str, int]:
    """Days by what is kept, of those lines of the page that name a time."""
    text = (ROOT / "content/privacy.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| [^|]*?(\d+) (days|months)[^|]*\|$", text, re.MULTILINE)
    return {what: round(int(number) * (MONTHS if unit == "months" else 1)) for what, number, unit in rows}


@pytest.mark.parametrize(
    ("what", "setting"),
    [
        ("A message that turned out to be spam", "keep_held"),
        ("The shortened network address", "keep_networks"),
        ("A conversation that led to nothing", "keep_lost"),
    ],
)
def test_what_the_page_promises_is_what_is_set(what: str, setting: str) -> None:
    assert getattr(settings().capture, setting) == promised()[what]


def test_no_backup_is_older_than_the_page_says() -> None:
    kept: list[str] = []
    first = datetime(2026, 1, 1, 3, tzinfo=UTC)
    oldest = timedelta()
    for day in range(120):
        now = first + timedelta(days=day)
        kept.append(name_at(now))
        gone = superfluous(kept, settings().capture.backups)
        kept = [one for one in kept if one not in gone]
        oldest = max(oldest, *(now - moment for one in kept if (moment := moment_of(one))))
    assert oldest <= timedelta(days=promised()["Backups"])
    assert oldest > timedelta(days=promised()["Backups"] - 3)


def test_every_line_with_a_time_is_held_to_it() -> None:
    assert set(promised()) == {
        "A message that turned out to be spam",
        "The shortened network address",
        "A conversation that led to nothing",
        "Backups",
    }
