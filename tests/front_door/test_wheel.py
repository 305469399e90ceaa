"""The wheel: the command, the engine, and beside them the theme and the starter."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.front_door.doors import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the locked build tool, so nothing is fetched to build with."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (made,) = folder.iterdir()
    return made


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def kept(folder: str) -> set[str]:
    """The files of a folder that version control keeps or would keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


def test_the_theme_and_the_starter_travel_inside(wheel: Path) -> None:
    inside = {name.removeprefix("obverse/_bundled/") for name in names(wheel) if name.startswith("obverse/_bundled/")}
    assert inside == kept("templates") | kept("content") | {"obverse.toml", "build.py"}


def test_every_file_of_both_sides_travels(wheel: Path) -> None:
    assert kept("obverse") | kept("capture") <= set(names(wheel))


def test_nothing_else_lands_among_the_libraries(wheel: Path) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in names(wheel)} == {"capture", "obverse"}


def test_it_is_for_any_machine_and_has_the_command(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert archive.read(entry).decode() == "[console_scripts]\nobverse = obverse.cli:command\n"


def test_a_site_is_made_from_what_travels(wheel: Path, tmp_path: Path) -> None:
    libraries, site = tmp_path / "libraries", tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(libraries)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from obverse.bundled import bundled; from obverse.new import new_site\n"
        "print(bundled('templates'), *sorted(new_site(Path(sys.argv[2]), 'Mine')), sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-S", "-c", script, str(libraries), str(site)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    templates, *made = result.stdout.splitlines()
    assert templates == str(libraries / "obverse/_bundled/templates")
    assert [Path(path) for path in made] == sorted(path for path in site.rglob("*") if path.is_file())
    assert {path.relative_to(site).as_posix() for path in site.glob("content/**/*") if path.is_file()} == kept(
        "content"
    )
