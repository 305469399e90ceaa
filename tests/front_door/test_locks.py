"""The locked lists: complete, hashed, the same for every Python, and free of any host."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.front_door.doors import ROOT

LOCKS = ("requirements.lock", "requirements-test.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))? \\\n(?P<hashes>(?:    --hash=.*\n)+)"
)


def entries(lock: str) -> dict[str, re.Match[str]]:
    """The entries of a lock by name; a line that is no part of an entry is a failure."""
    text, found = (ROOT / lock).read_text("ascii"), {}
    while text:
        entry = _ENTRY.match(text)
        assert entry, f"{lock}: not an entry: {text[:80]!r}"
        assert entry["name"] not in found
        found[entry["name"]], text = entry, text[entry.end() :]
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_hashed(lock: str) -> None:
    for entry in entries(lock).values():
        hashes = entry["hashes"].replace("\\", "").split()
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes)


@pytest.mark.parametrize("name", [*LOCKS, "pyproject.toml", "build.py", ".ci/run", ".gitignore", ".editorconfig"])
def test_no_file_names_a_host(name: str) -> None:
    assert "://" not in (ROOT / name).read_text("utf-8")


def test_the_test_list_holds_the_other_at_the_same_versions() -> None:
    runtime, test = (entries(lock) for lock in LOCKS)
    assert {name: entry["version"] for name, entry in runtime.items()}.items() <= {
        name: entry["version"] for name, entry in test.items()
    }.items()
    for name, entry in runtime.items():
        assert set(entry["hashes"].split()) == set(test[name]["hashes"].split())


@pytest.mark.parametrize(
    "lock, wanted",
    [
        (LOCKS[0], PROJECT["dependencies"]),
        (LOCKS[1], PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]),
    ],
)
def test_the_lists_hold_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    held = entries(lock)
    for asked in map(Requirement, wanted):
        entry = held[canonicalize_name(asked.name)]
        assert entry["version"] in asked.specifier, f"{asked}: {lock} has {entry['version']}"
        assert not entry["marker"], f"{asked} is wanted everywhere"


def test_the_markdown_extensions_are_those_that_the_oldest_python_can_have() -> None:
    # 13 needs Python 3.11.5, and Debian 12 has 3.11.2.
    assert entries(LOCKS[0])["pymdown-extensions"]["version"].startswith("12.")
    assert "3.11.2" in SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("lock", LOCKS)
def test_no_python_is_set_apart_from_another_that_is_supported(lock: str) -> None:
    for entry in entries(lock).values():
        bounds = re.findall(r"python(?:_full)?_version\s*\S+\s*'([\d.]+)'", entry["marker"] or "")
        assert all(tuple(map(int, bound.split("."))) > (3, 14) for bound in bounds), entry["name"]


def test_every_dependency_has_its_reason_written_down() -> None:
    page = (ROOT / "docs/decisions/dependencies.md").read_text("utf-8").lower()
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert [one for one in wanted if f"`{Requirement(one).name.lower()}`" not in page] == []


def test_what_this_suite_runs_on_is_what_is_locked() -> None:
    if not (Path(sys.prefix) / "obverse.stamp").exists():
        pytest.skip("this Python was not made by build.py")
    from importlib.metadata import distributions

    locked = {name: entry["version"] for name, entry in entries(LOCKS[1]).items()}
    here = {canonicalize_name(one.name): one.version for one in distributions()}
    assert {name: here[name] for name in here.keys() - {"pip", "setuptools"}}.items() <= locked.items()
