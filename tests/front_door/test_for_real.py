"""The front door on real Pythons, from the registry: asked for with `-m long`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.front_door.doors import ROOT

pytestmark = pytest.mark.long

# Says which Python runs, and that all that is locked can be imported.
COMMAND = """\
import sys
import flask, frontmatter, jinja2, livereload, markdown, PIL, pygments, pymdownx, tornado, tzdata, watchfiles, yaml
print(*sys.version_info[:3], *sys.argv[1:])
sys.exit(3)
"""


def pythons() -> list[str]:
    """The Pythons to try: the one that runs this, the system's, and any that OBVERSE_PYTHONS names."""
    named = os.environ.get("OBVERSE_PYTHONS", "").split(os.pathsep)
    found = (shutil.which(one, path="/usr/bin") or shutil.which(one) for one in ["python3", *named] if one)
    return sorted({os.path.realpath(one) for one in [sys.executable, *filter(None, found)]})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "répo with spaces"
    (folder / "obverse").mkdir(parents=True)
    for name in ("build.py", "requirements.lock", "requirements-test.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / "obverse" / "__init__.py").write_text("")
    (folder / "obverse" / "__main__.py").write_text(COMMAND)
    return folder


def start(python: str, folder: Path, *words: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """A start in an empty home and without a cache, which keeps pip's own account of it."""
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL", "COV"))}
    environ = kept | {"HOME": str(home), "PIP_LOG": str(home / "pip.log"), "PIP_CACHE_DIR": str(home / "cache")}
    command = [python, str(folder / "build.py"), *words]
    return subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize("python", pythons())
def test_a_fresh_start_installs_the_locked_wheels_and_nothing_else(
    python: str, repository: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    version = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:3])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    first = start(python, repository, "check", home=home)
    assert (first.stdout, first.returncode) == (f"{version} check\n", 3), first.stderr
    assert first.stderr.count("\n") == 1
    got = re.findall(r" Downloading (\S+) \([\d.]+ .?B\)", (home / "pip.log").read_text("utf-8"))
    wheels = [re.fullmatch(r"(.+?)-([^-]+)-.+\.whl", name) for name in got]
    taken = {(wheel[1].lower().replace("_", "-"), wheel[2]) for wheel in wheels if wheel}
    lock = (repository / "requirements.lock").read_text("ascii")
    assert all(wheels), got
    assert taken == set(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    second = start(python, repository, home=home)
    assert (second.stdout, second.stderr) == (f"{version} build\n", "")


def test_a_killed_first_start_is_followed_by_a_whole_one(repository: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    command = [os.path.realpath(sys.executable), str(repository / "build.py"), "check"]
    environ = {**os.environ, "HOME": str(home)}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as killed:
        assert killed.stderr is not None
        killed.stderr.readline()
        while not list(repository.glob(".venv/lib/*/site-packages/*.dist-info")):
            assert killed.poll() is None
        killed.kill()
    assert not (repository / ".venv/obverse.stamp").exists()
    whole = start(command[0], repository, "check", home=home)
    assert whole.returncode == 3, whole.stderr
    assert "Setting up .venv" in whole.stderr


def test_an_installed_wheel_makes_and_builds_a_site(tmp_path: Path) -> None:
    venv, site = tmp_path / "venv", tmp_path / "site"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}

    def must(*command: str | Path, cwd: Path = tmp_path) -> str:
        words = [str(word) for word in command]
        done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    must(sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "wheel", cwd=ROOT)
    must(sys.executable, "-m", "venv", venv)
    flags = ["install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    must(venv / "bin/pip", *flags, "--require-hashes", "-r", ROOT / "requirements.lock")
    must(venv / "bin/pip", *flags, *(tmp_path / "wheel").iterdir())
    must(venv / "bin/obverse", "new", "site", site)
    must(venv / "bin/obverse", "new", "article", "A first one", cwd=site)
    must(venv / "bin/python", "build.py", cwd=site)
    assert (site / "site" / "index.html").is_file()
    assert not (site / ".venv").exists()
    assert (site / "content/articles/a-first-one.md").is_file()
    assert not list((site / "site").glob("articles/a-first-one*"))
