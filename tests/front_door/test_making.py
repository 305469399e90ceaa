"""When the front door makes, mends or adds to .venv, and what a start that fails or is killed leaves behind."""

import fcntl
import importlib.util
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.front_door.doors import Door, repository, without_libraries

Commands = list[list[str]]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(sys, "path", without_libraries())
    return repository(tmp_path / "repository")


def pretended(door: Door, fails: Callable[[list[str]], bool] = lambda _: False) -> tuple[ModuleType, Commands]:
    """The door's module with commands that are only written down; making a venv makes what it would."""
    module, commands = door.module, []

    def run(command: list[str], folder: Path | None = None, output: int | None = None) -> int:
        commands.append(command)
        if "venv" in command:
            door.pretend_venv()
            (door.folder / ".venv/lib/python3.11/site-packages").mkdir(parents=True, exist_ok=True)
        return int(fails(command))

    module.run = run  # type: ignore[attr-defined]
    return module, commands


def kinds(commands: Commands) -> list[str]:
    return ["venv" if "venv" in one else Path(one[-1]).name for one in commands]


def test_a_first_start_makes_it_from_the_lock(door: Door, capfd: pytest.CaptureFixture[str]) -> None:
    module, commands = pretended(door)
    assert module.environment("requirements.lock") == str(door.folder / ".venv/bin/python")
    assert kinds(commands) == ["venv", "requirements.lock"]
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "Setting up .venv from requirements.lock: this is done once and takes about half a minute.\n"
    commands.clear()
    module.environment("requirements.lock")
    assert commands == []


def test_only_locked_wheels_are_installed(door: Door) -> None:
    module, commands = pretended(door)
    module.environment("requirements.lock")
    install = " ".join(commands[1])
    for flag in ("--require-hashes", "--only-binary=:all:", "--no-deps", "-I -m pip install"):
        assert flag in install


def test_the_repository_is_put_on_the_path_without_a_build(door: Door) -> None:
    module, _ = pretended(door)
    module.environment("requirements.lock")
    packages = door.folder / ".venv/lib/python3.11/site-packages"
    line = (packages / "obverse.pth").read_text("ascii")
    assert line == "../../../..\n"  # whatever the folder is called, and wherever it is moved
    assert (packages / line.strip()).resolve() == door.folder


def test_a_changed_lock_makes_it_anew(door: Door) -> None:
    module, commands = pretended(door)
    module.environment("requirements.lock")
    commands.clear()
    (door.folder / "requirements.lock").write_text("one==1.1\n")
    module.environment("requirements.lock")
    assert kinds(commands) == ["venv", "requirements.lock"]


def test_another_python_makes_it_anew(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    module, commands = pretended(door)
    module.environment("requirements.lock")
    commands.clear()
    monkeypatch.setattr(sys, "version_info", (3, 99, 1, "final", 0))
    module.environment("requirements.lock")
    assert kinds(commands) == ["venv", "requirements.lock"]


def test_a_python_that_went_away_makes_it_anew(door: Door) -> None:
    module, commands = pretended(door)
    module.environment("requirements.lock")
    commands.clear()
    (door.folder / ".venv/bin/python").unlink()
    module.environment("requirements.lock")
    assert kinds(commands) == ["venv", "requirements.lock"]


def test_the_test_tools_are_added_to_what_is_there(door: Door) -> None:
    module, commands = pretended(door)
    module.environment("requirements.lock")
    commands.clear()
    module.environment("requirements-test.lock")
    assert kinds(commands) == ["requirements-test.lock"]
    commands.clear()
    module.environment("requirements-test.lock")
    module.environment("requirements.lock")
    assert commands == []


def test_the_running_venv_is_mended_and_not_cleared_under_itself(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.pretend_venv()
    module, commands = pretended(door)
    monkeypatch.setattr(sys, "prefix", str(door.folder / ".venv"))
    module.environment("requirements.lock")
    assert kinds(commands) == ["requirements.lock"]


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_a_step_that_fails_ends_the_start_and_leaves_it_unfinished(door: Door, step: str) -> None:
    module, commands = pretended(door, fails=lambda command: step in command)
    with pytest.raises(SystemExit, match="did not succeed"):
        module.environment("requirements.lock")
    assert step in commands[-1]
    assert not module.is_fresh("requirements.lock")


def test_a_start_killed_while_it_makes_it_anew_leaves_no_old_stamp(door: Door) -> None:
    module, _ = pretended(door)
    module.environment("requirements.lock")
    before = (door.folder / "requirements.lock").read_text()
    (door.folder / "requirements.lock").write_text("one==1.1\n")
    killed, _ = pretended(door, fails=lambda command: "venv" in command)
    with pytest.raises(SystemExit):
        killed.environment("requirements.lock")
    (door.folder / "requirements.lock").write_text(before)  # the lock that the half-cleared one was made from
    assert not module.is_fresh("requirements.lock")


def test_a_missing_venv_module_names_the_package(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    module, commands = pretended(door)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(SystemExit) as end:
        module.environment("requirements.lock")
    version = "python{}.{}-venv".format(*sys.version_info)
    assert str(end.value.code).endswith(f"On Debian and Ubuntu: apt-get install {version}")
    assert commands == []


def waiting(door: Door) -> "subprocess.Popen[str]":
    """A start that has said that it waits."""
    start = subprocess.Popen(
        door.command("list"), env=door.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert start.stderr is not None
    assert start.stderr.readline() == "Another start is setting up .venv; waiting for it.\n"
    return start


def test_a_second_start_waits_and_takes_what_the_first_has_made(door: Door) -> None:
    with (door.folder / ".venv.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        start = waiting(door)
        door.pretend_venv()
        door.stamp()
    out, err = start.communicate(timeout=30)
    assert (out.splitlines()[-1], err, start.returncode) == ("word=list", "", 7)


def test_an_interrupt_is_quiet(door: Door) -> None:
    with (door.folder / ".venv.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        start = waiting(door)
        time.sleep(0.1)
        start.send_signal(signal.SIGINT)
        out, err = start.communicate(timeout=30)
    assert (out, err, start.returncode) == ("", "", 130)
