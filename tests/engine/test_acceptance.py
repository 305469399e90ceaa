"""What people who try to break a site meet: the manual's own examples work, and the rest is a message."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from obverse.cli import main
from obverse.problems import as_text
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example"\n'
PAGE = {"content/a.md": "---\ntitle: A b\n---\nText of a\n"}
MANUAL = Path(__file__).resolve().parents[2] / "docs" / "content" / "designers.md"


def command(site: TinySite, *words: str, stdout: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its output going where a shell would send it."""
    line = f'exec "$0" -m obverse "$@" {stdout}'
    return subprocess.run(
        ["/bin/sh", "-c", line, sys.executable, *words],
        cwd=site.root,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(MANUAL.parents[2])},
    )


def test_the_hooks_of_the_manual_work_together(site_dir: Make) -> None:
    section = MANUAL.read_text("utf-8").split("## Hooks\n")[1].split("\n## ")[0]
    hooks = "\n\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))
    article = "---\ntitle: One\ndate: 2026-01-01\n---\nA -->  <!-- hidden --> (c)\n"
    site = site_dir({**PAGE, "hooks.py": hooks, "content/articles/one.md": article}, SETTINGS)
    assert as_text(site.good_build().problems) == ""
    html = (site.out / "articles/one/index.html").read_text("utf-8")
    assert ("hidden" in html, "\u00a9" in html) == (False, True)
    assert (site.out / "categories/notes/index.html").is_file()
    assert not (site.out / "_headers").exists()


def test_a_body_that_a_hook_took_away_is_told(site_dir: Make) -> None:
    hooks = "from dataclasses import replace\n\n\ndef page(page):\n    return replace(page, body=None)\n"
    site = site_dir({**PAGE, "hooks.py": hooks}, SETTINGS)
    assert "page() gave back what cannot be used: a.md has a body that is no text" in as_text(site.build().problems)


def test_a_link_to_itself_is_told_where_it_stands(site_dir: Make) -> None:
    site = site_dir(PAGE, SETTINGS)
    (site.root / "content" / "self").symlink_to("self")
    assert [(one.code, one.path) for one in site.build().problems] == [("unreadable", "content/self")]


def test_nothing_is_written_through_a_link_in_the_output(site_dir: Make, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    site = site_dir(PAGE, SETTINGS)
    site.out.mkdir()
    (site.out / "a").symlink_to(elsewhere)
    report = site.build()
    assert "/a error: a link stands where a folder must be [disk]" in as_text(report.problems)
    assert (report.blocked, list(elsewhere.iterdir()), os.listdir(site.out)) == (True, [], ["a"])


@pytest.mark.skipif(os.name != "posix", reason="a shell's redirections")
def test_a_closed_output_is_no_fault(site_dir: Make) -> None:
    done = command(site_dir(PAGE, SETTINGS), "list", stdout=">&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_a_full_disk_under_the_output_is_told_once(site_dir: Make) -> None:
    done = command(site_dir(PAGE, SETTINGS), "list", stdout=">/dev/full")
    assert (done.returncode, done.stderr) == (1, "obverse error: no space left on device [disk]\n\n")


def test_verify_says_that_it_has_compared(site_dir: Make, capsys: pytest.CaptureFixture[str]) -> None:
    site = site_dir(PAGE, SETTINGS)
    for words, told in (((), False), (("--verify",), True)):
        assert main(["build", "--root", str(site.root), *words]) == 0
        assert ("a clean build is the same, byte for byte" in capsys.readouterr().out) == told
