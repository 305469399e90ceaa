"""The heart of it: whatever happens to a site, a build that remembers makes what a build that remembers nothing makes.

With either engine, with one worker or two, with builds killed in the middle. What a history is, and what has to be true
of it, is in `histories`. OBVERSE_HISTORIES says how many the long test lives through in each way.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.histories import flaw

ROOT = Path(__file__).resolve().parents[2]
MANY = int(os.environ.get("OBVERSE_HISTORIES", "100"))

ENGINES = (
    "markdown",
    pytest.param(
        "commonmark",
        marks=pytest.mark.skipif(not importlib.util.find_spec("comrak"), reason="not installed"),
    ),
)


@pytest.fixture
def quick_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust stamps soon: histories are faster than people, and stamps that are never trusted would prove nothing."""
    monkeypatch.setattr("obverse.sources.RACY_NS", 20_000_000)


@pytest.mark.parametrize("seed", range(4))
def test_any_history_ends_as_a_clean_build(seed: int, tmp_path: Path, tiny_theme: Path, quick_stamps: None) -> None:
    assert flaw(tmp_path / "desk", seed) == ""


def _lived(*wishes: str) -> None:
    """Live through histories in a process of their own: it has no threads, so that its builds may fork."""
    command = [sys.executable, "-W", "error", "-m", "tests.engine.histories", *wishes]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(process.stdout)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_history_with_killed_builds_ends_as_a_clean_build(engine: str) -> None:
    _lived("--seeds=4:5", "--kills", "--keeps", f"--engine={engine}")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_history_of_builds_by_two_workers_ends_as_a_clean_build() -> None:
    _lived("--seeds=0:2", "--workers=2", "--kills")


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("workers, kills", [(1, False), (1, True), (2, False), (2, True)])
def test_long_histories_end_as_clean_builds(engine: str, workers: int, kills: bool) -> None:
    wishes = [f"--seeds=1000:{1000 + MANY}", "--length=100", f"--engine={engine}", f"--workers={workers}"]
    _lived(*wishes, *(["--kills"] if kills else ["--keeps"]))
