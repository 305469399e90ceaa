"""`build.py test`: what it runs, and the Chromium it runs it in."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.front_door.doors import Door, repository, without_libraries

Commands = list[list[str]]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A repository with the test tools in place, on a machine without a browser."""
    monkeypatch.setattr(sys, "path", without_libraries())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("OBVERSE_CHROMIUM", "")
    (tmp_path / "bin").mkdir()
    made = repository(tmp_path / "repository")
    made.pretend_venv()
    made.stamp("requirements-test.lock")
    return made


def tool(folder: Path, name: str, script: str = "#!/bin/sh\n") -> Path:
    path = folder / name
    path.write_text(script)
    path.chmod(0o755)
    return path


def pretended(door: Door, codes: dict[str, int] | None = None) -> tuple[ModuleType, Commands]:
    """The door's module with commands that are only written down; a code is that of the step of this name."""
    module, commands = door.module, []

    def run(command: list[str], folder: Path | None = None, output: int | None = None) -> int:
        commands.append(command)
        return next((code for name, code in (codes or {}).items() if name in command), 0)

    module.run = run  # type: ignore[attr-defined]
    return module, commands


def test_every_check_runs_in_the_environment_even_when_one_fails(door: Door) -> None:
    module, commands = pretended(door, {"ruff": 1, "mypy": 2})
    assert module.main(["test"]) == 1
    python = str(door.folder / ".venv/bin/python")
    assert commands == [
        [python, "-P", "-m", "ruff", "check"],
        [python, "-P", "-m", "mypy"],
        [python, "-P", "-m", "pytest", "-n", "auto", "--dist", "worksteal"],
    ]


@pytest.mark.parametrize(("codes", "code"), [({}, 0), ({"pytest": 5}, 5), ({"mypy": 1}, 1), ({"pytest": -9}, -9)])
def test_the_first_failure_is_the_result(door: Door, codes: dict[str, int], code: int) -> None:
    module, _ = pretended(door, codes)
    assert module.main(["test"]) == code


def test_words_go_to_pytest_alone(door: Door) -> None:
    module, commands = pretended(door)
    module.main(["test", "-k", "links", "tests/engine"])
    assert [one[3:] for one in commands] == [["pytest", "-k", "links", "tests/engine"]]


def test_a_python_with_obverse_but_no_test_tools_is_told(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "obverse-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (door.folder / ".venv/obverse.stamp").unlink()
    module, _ = pretended(door, {"-c": 1})
    with pytest.raises(SystemExit, match="--require-hashes -r requirements-test.lock"):
        module.main(["test"])


def test_without_a_browser_one_line_says_so(
    door: Door, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    module, _ = pretended(door)
    said = "There is no Chromium and none could be installed: the tests in a browser {}.\n"
    module.main(["test"])
    assert capfd.readouterr().err == said.format("are skipped")
    monkeypatch.setenv("CI", "true")
    module.main(["test"])
    assert capfd.readouterr().err == said.format("fail")


def test_a_browser_on_the_path_is_handed_to_the_suite(door: Door, tmp_path: Path) -> None:
    tool(tmp_path / "bin", "google-chrome")
    first = tool(tmp_path / "bin", "chromium")
    module, _ = pretended(door)
    module.main(["test"])
    assert os.environ["OBVERSE_CHROMIUM"] == str(first)


def test_a_browser_that_is_named_is_the_only_one(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path / "bin", "chromium")
    own = tool(tmp_path, "own")
    monkeypatch.setenv("OBVERSE_CHROMIUM", str(own))
    assert door.module.chromium() == str(own)
    monkeypatch.setenv("OBVERSE_CHROMIUM", str(tmp_path / "absent"))
    assert door.module.chromium() == ""


@pytest.mark.parametrize("user", [0, 1000])
def test_a_missing_browser_is_got_from_the_system(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    tools = tmp_path / "bin"
    log = tmp_path / "log"
    log.touch()
    tool(tools, "sudo", f'#!/bin/sh\necho sudo "$1" >>{log}\nshift\nexec "$@"\n')
    tool(tools, "env", '#!/bin/sh\nexport "$1"\nshift\nexec "$@"\n')
    installs = f'case "$*" in *install*) echo "#!/bin/sh" >{tools}/chromium; /bin/chmod +x {tools}/chromium;; esac\n'
    tool(tools, "apt-get", f'#!/bin/sh\necho apt $DEBIAN_FRONTEND "$@" >>{log}\n{installs}')
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert door.module.chromium_installed() == str(tools / "chromium")
    steps = [
        "apt noninteractive --quiet=2 update",
        "apt noninteractive --quiet=2 install --yes --no-install-recommends chromium",
    ]
    asked = ["sudo -n"] if user else []
    assert log.read_text().splitlines() == [line for step in steps for line in (*asked, step)]


def test_without_rights_nothing_is_installed(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path / "bin", "apt-get", f"#!/bin/sh\n: >{tmp_path}/called\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert door.module.chromium_installed() == ""
    assert not (tmp_path / "called").exists()
