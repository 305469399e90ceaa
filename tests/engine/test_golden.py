"""The golden site: every feature of the engine once, compared with what is committed, byte for byte.

To renew what is expected after a change that is wanted: `OBVERSE_GOLDEN=write pytest tests/engine/test_golden.py`, then
read the difference as carefully as the code that made it.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from obverse.build import BuildOptions, Report, build
from obverse.clock import Clock
from obverse.problems import as_text
from tests.engine.sites import tree

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
EXPECTED = GOLDEN / "expected"
RELEASE = GOLDEN / "release"
MOMENT = Clock(datetime(2026, 3, 14, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
FIX = "to renew it: OBVERSE_GOLDEN=write pytest tests/engine/test_golden.py"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the golden site, with the golden theme in the place of the bundled one."""
    monkeypatch.setattr("obverse.build.bundled", lambda _name: GOLDEN / "theme")
    return Path(shutil.copytree(GOLDEN / "site", tmp_path / "desk"))


def built(root: Path, **options: object) -> Report:
    report = build(BuildOptions(root, **options), MOMENT)
    assert not report.blocked, as_text(report.problems)
    return report


def files(folder: Path) -> dict[str, bytes]:
    return {path: data for path, data in tree(folder).items() if data is not None}


@pytest.mark.parametrize("made, kept", [("site", EXPECTED), (".obverse/release", RELEASE)])
def test_the_golden_site_is_as_expected(desk: Path, made: str, kept: Path) -> None:
    built(desk)
    if os.environ.get("OBVERSE_GOLDEN") == "write":
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(desk / made, kept)
    now, expected = files(desk / made), files(kept)
    assert sorted(now) == sorted(expected), FIX
    for path, data in expected.items():
        assert now[path].decode("utf-8", "replace") == data.decode("utf-8", "replace"), f"{path}; {FIX}"
        assert now[path] == data, f"{path}; {FIX}"


def test_the_golden_site_has_nothing_to_tell(desk: Path) -> None:
    assert as_text(built(desk).problems) == ""


def test_the_golden_site_builds_to_the_same_bytes_again_and_from_its_ledger(desk: Path) -> None:
    built(desk)
    first = files(desk / "site")
    assert built(desk).written == ()
    assert built(desk, verify=True).problems == ()
    built(desk, out=desk / "again", clean=True)
    assert files(desk / "again") == first


def test_nothing_unpublished_is_in_the_golden_site(desk: Path) -> None:
    """The word stands in every draft, scheduled and expired page, in a draft's picture and in private files."""
    built(desk)
    made = files(desk / "site")
    assert made
    assert [path for path, data in made.items() if b"secret" in (path.encode() + data).lower()] == []
    built(desk, drafts=True)
    assert any(b"SECRET" in data for data in files(desk / "site").values())
    built(desk)
    assert files(desk / "site") == made
