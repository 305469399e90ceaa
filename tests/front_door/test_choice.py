"""Which Python the front door hands over to, and with which words."""

import ast
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.front_door.doors import ROOT, Door, repository, site


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """A repository whose .venv is ready."""
    made = repository(tmp_path / "a folder")
    made.pretend_venv()
    made.stamp()
    return made


def words_of(result: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line.removeprefix("word=") for line in result.stdout.splitlines() if line.startswith("word=")]


@pytest.mark.parametrize(
    ("given", "handed"),
    [
        ([], ["build"]),
        (["--drafts", "--json"], ["build", "--drafts", "--json"]),
        (["build", "--verify"], ["build", "--verify"]),
        (["serve", "--port", "8001"], ["serve", "--port", "8001"]),
        (["new", "article", 'A "title" of two words'], ["new", "article", 'A "title" of two words']),
        (["--version"], ["--version"]),
        (["--help"], ["--help"]),
        (["-h"], ["-h"]),
    ],
)
def test_words_go_to_the_command_of_the_environment(door: Door, given: list[str], handed: list[str]) -> None:
    result = door.call(*given)
    assert words_of(result) == ["-P", "-m", "obverse", *handed]
    assert result.returncode == 7
    assert result.stderr == ""


def test_the_site_meant_is_the_one_beside_the_file(door: Door, tmp_path: Path) -> None:
    assert f"site={door.folder}\n" in door.call(cwd=tmp_path).stdout
    assert "site=/else\n" in door.call(cwd=tmp_path, OBVERSE_SITE="/else").stdout


def test_a_python_that_has_obverse_is_used_and_nothing_is_made(tmp_path: Path) -> None:
    door = repository(tmp_path / "repository")
    libraries = tmp_path / "libraries"
    (libraries / "obverse-1.0.dist-info").mkdir(parents=True)
    (libraries / "obverse").mkdir()
    (libraries / "obverse" / "__init__.py").touch()
    (libraries / "obverse" / "__main__.py").write_text("import sys; print('word=' + sys.argv[1]); sys.exit(4)")
    result = door.call("check", PYTHONPATH=str(libraries))
    assert (words_of(result), result.returncode, result.stderr) == (["check"], 4, "")
    assert not (door.folder / ".venv").exists()


def test_a_name_that_only_begins_like_obverse_is_not_obverse(tmp_path: Path) -> None:
    door = site(tmp_path / "site")
    (tmp_path / "obverse_extras-1.0.dist-info").mkdir()
    (tmp_path / "obverse-notes").mkdir()
    assert not door.module.has_obverse([tmp_path])
    (tmp_path / "obverse-0.1.0.dist-info").mkdir()
    assert door.module.has_obverse([tmp_path / "absent", tmp_path])


def test_obverse_installed_by_hand_into_the_venv_is_left_alone(tmp_path: Path) -> None:
    door = repository(tmp_path / "repository")
    door.pretend_venv()
    (door.folder / ".venv/lib/python3.11/site-packages/obverse-1.0.dist-info").mkdir(parents=True)
    result = door.call("list")
    assert (words_of(result)[-1], result.stderr) == ("list", "")


def test_a_site_uses_the_venv_beside_it(tmp_path: Path) -> None:
    door = site(tmp_path / "site")
    door.pretend_venv()
    (door.folder / ".venv/lib/python3.13/site-packages/obverse-1.0.dist-info").mkdir(parents=True)
    assert words_of(door.call("test")) == ["-P", "-m", "obverse", "test"]


def test_a_site_without_obverse_says_in_two_lines_how_to_get_it(tmp_path: Path) -> None:
    door = site(tmp_path / "site")
    result = door.call()
    name, venv = Path(sys.executable).name, door.folder / ".venv"
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Obverse is neither in this Python nor in .venv beside build.py. To install it from its folder:\n"
        f"  {name} -m venv '{venv}' && '{venv}/bin/python' -m pip install /path/to/obverse\n"
    )
    assert [one.name for one in door.folder.iterdir()] == ["build.py"]


def test_an_old_python_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18, "final", 0))
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "build.py"))
    assert end.value.code == "Obverse needs Python 3.11 or newer; this is Python 3.8.18."


def test_an_old_python_can_read_the_file_that_far() -> None:
    tree = ast.parse((ROOT / "build.py").read_text("utf-8"), feature_version=(3, 6))
    refusal = next(n for n, node in enumerate(tree.body) if isinstance(node, ast.If))
    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in tree.body[:refusal])
    assert "__future__" not in {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}


def test_only_the_standard_library_is_imported() -> None:
    nodes = list(ast.walk(ast.parse((ROOT / "build.py").read_text("utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {"os", "sys", "pathlib"} <= names
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_second_start_costs_under_a_fifth_of_a_second(door: Door) -> None:
    def least(command: list[str]) -> float:
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            subprocess.run(command, env=door.environ(), capture_output=True, check=False)
            times.append(time.perf_counter() - begin)
        return min(times)

    assert least(door.command("list")) - least([sys.executable, "-S", "-c", ""]) < 0.2


def test_what_the_disk_refuses_is_one_line(tmp_path: Path) -> None:
    door = repository(tmp_path / "repository")
    (door.folder / ".venv.lock").mkdir()
    result = door.call()
    assert result.returncode == 1
    assert result.stderr.startswith("build.py: ")
    assert result.stderr.count("\n") == 1


def test_ci_runs_the_suite_and_nothing_else(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3").write_text('#!/bin/sh\npwd\necho "$@"\nexit 9\n')
    (tools / "python3").chmod(0o755)
    result = subprocess.run(
        ["bash", str(ROOT / ".ci/run")],
        cwd=tmp_path,
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.returncode) == (f"{ROOT}\nbuild.py test\n", 9)
