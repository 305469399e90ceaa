"""The Nu HTML checker over every built page: no error, no warning.

`OBVERSE_VNU` names its jar (the npm package vnu-jar has it in build/dist/vnu.jar); Java runs it.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.nu


@pytest.fixture(scope="module")
def command() -> list[str]:
    java, jar = shutil.which("java"), os.environ.get("OBVERSE_VNU", "")
    if not java:
        pytest.skip("no Java")
    if not Path(jar).is_file():
        pytest.skip("no Nu HTML checker: name its vnu.jar in OBVERSE_VNU")
    return [java, "-jar", jar, "--format", "json", "--skip-non-html", "--exit-zero-always"]


def messages(command: list[str], folder: Path) -> list[str]:
    """What the checker says of the pages in a folder."""
    told = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=True, timeout=300)
    said = json.loads(told.stderr)["messages"]
    return [f"{one['type']} {one.get('url')}:{one.get('lastLine')}: {one['message']}" for one in said]


@pytest.mark.parametrize("name", ["site", "drafted"])
def test_pages_are_valid(command: list[str], name: str, request: pytest.FixtureRequest) -> None:
    assert messages(command, request.getfixturevalue(name)) == []


def test_the_checker_sees_errors(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<!doctype html><html lang="en"><title>a</title><p><h2 align="left">a</h2></p>')
    assert len(messages(command, tmp_path)) >= 2
