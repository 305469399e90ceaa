"""The same site makes the same bytes: in another folder, order, process, language, zone, mask, Python."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import obverse
from tests.engine.sites import CONTENT, SETTINGS, TinySite, assert_same_tree, told, tree

REPOSITORY = Path(obverse.__file__).resolve().parent.parent

SCRIPT = """\
import os, sys
sys.path.insert(0, sys.argv[1])
os.umask(int(sys.argv[4], 8))
from pathlib import Path
import obverse.build as building
building.bundled = lambda name: Path(sys.argv[3])
report = building.build(building.BuildOptions(Path(sys.argv[2])))
print([(one.code, one.place, one.message, one.hint) for one in report.problems])
sys.exit(report.blocked)
"""

MORE = {
    "content/über uns.md": "---\ntitle: Über ‘uns’\ntags: [Grün, red, ñ]\n---\n## Étoile\n\n`code` and **ﬁ** … 東京\n",
    "content/articles/code.md": "---\ntitle: Code\ndate: 2026-02-02 10:00\ntags: [blue, Zeta, red, alpha]\n---\n"
    "```python\ndef f(x: int) -> int:\n    return x  # done\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
    "Note[^1].\n\n[^1]: Yes.\n",
    "content/about.de.md": "---\ntitle: Über\n---\nWir.\n",
}


def _site(folder: Path, seed: int) -> TinySite:
    """The same site, its files made in an order of their own."""
    settings = SETTINGS.replace("[articles]", 'languages = ["de"]\ntimezone = "Europe/Berlin"\n[articles]')
    files = list({**CONTENT, **MORE, "obverse.toml": settings}.items())
    random.Random(seed).shuffle(files)
    return TinySite(folder, dict(files))


def _built(site: TinySite, theme: Path, python: str = sys.executable, umask: str = "022", **environment: str) -> str:
    """Build in a process of its own and say what it told."""
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1773489600", "PYTHONDONTWRITEBYTECODE": "1", **environment}
    command = [python, "-c", SCRIPT, str(REPOSITORY), str(site.root), str(theme), umask]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_other_folders_and_orders(tmp_path: Path, tiny_theme: Path) -> None:
    one, two = _site(tmp_path / "one", 1), _site(tmp_path / "two/deeper", 2)
    assert told(one.good_build()) == told(two.good_build())
    assert_same_tree(tree(one.out), tree(two.out))


def test_other_processes(tmp_path: Path, theme_dir: Path) -> None:
    one, two = _site(tmp_path / "one", 1), _site(tmp_path / "two", 2)
    first = _built(one, theme_dir, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C", LANG="C")
    second = _built(
        two,
        theme_dir,
        umask="077",
        PYTHONHASHSEED="2",
        TZ="Pacific/Auckland",
        LC_ALL="C.UTF-8",
        PYTHONUTF8="1",
        COLUMNS="40",
    )
    assert first == second
    assert_same_tree(tree(one.out), tree(two.out))


def test_optimised(tmp_path: Path, theme_dir: Path) -> None:
    """No output hangs on an assertion or a docstring."""
    one, two = _site(tmp_path / "one", 1), _site(tmp_path / "two", 1)
    assert _built(one, theme_dir) == _built(two, theme_dir, PYTHONOPTIMIZE="2")
    assert_same_tree(tree(one.out), tree(two.out))


def test_files_older_or_newer(tmp_path: Path, tiny_theme: Path) -> None:
    """When a file was written is no part of what it says."""
    one, two = _site(tmp_path / "one", 1), _site(tmp_path / "two", 1)
    for file in sorted(two.root.rglob("*")):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    one.good_build()
    two.good_build()
    assert_same_tree(tree(one.out), tree(two.out))


@pytest.mark.long
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_pythons(version: str, tmp_path: Path, theme_dir: Path) -> None:
    """Another Python, with the libraries of this one where it can use them, makes the same bytes."""
    other = shutil.which(f"python{version}")
    if other is None:
        pytest.skip(f"no Python {version} here")
    probe = subprocess.run([other, "-c", "import jinja2, markdown, pymdownx, frontmatter, PIL, yaml"], check=False)
    if probe.returncode:
        pytest.skip(f"Python {version} has no libraries here")
    one, two = _site(tmp_path / "one", 1), _site(tmp_path / "two", 2)
    assert _built(one, theme_dir) == _built(two, theme_dir, python=other)
    assert_same_tree(tree(one.out), tree(two.out))
