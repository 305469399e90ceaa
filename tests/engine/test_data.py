"""Data files: four notations, one kind of value, and what is wrong with them told at the line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from obverse.data import data_sources, read_data
from obverse.sources import Source
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example"\n'


def source(folder: Path, name: str, text: str | bytes) -> Source:
    file = folder / Path(name).name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Source(f"content/_data/{name}", str(file), "digest", None, (0, 0, 0, 0))


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("a.toml", "x = 1\n[y]\nz = ['ä']\n", {"x": 1, "y": {"z": ["ä"]}}),
        ("a.json", '\ufeff{"x": [1, null]}', {"x": [1, None]}),
        ("a.yaml", "x: [1, yes]\n", {"x": [1, True]}),
        ("a.yml", "- 1\n- 2\n", [1, 2]),
        ("a.csv", 'name,note\nAnna,"a, ""b""\nc"\n', [{"name": "Anna", "note": 'a, "b"\nc'}]),
        ("a.csv", "name\r\nAnna\r\n", [{"name": "Anna"}]),
        ("a.csv", "", []),
        ("a.yaml", "", None),
    ],
)
def test_a_data_file_is_plain_values(name: str, text: str, value: object, tmp_path: Path) -> None:
    assert read_data(source(tmp_path, name, text)) == (value, None)


@pytest.mark.parametrize(
    "name, text, line",
    [
        ("a.toml", "x = 1\ny = \n", 2),
        ("a.json", '{\n"x": \n}', 3),
        ("a.yaml", "x: 1\ny: [\n", 3),
        ("a.yaml", "x: !!python/object/apply:os.system ['true']\n", 1),
        ("a.json", b"\xff", 0),
        ("a.json", "[" * 100_000, 0),
    ],
)
def test_a_data_file_that_cannot_be_read(name: str, text: str | bytes, line: int, tmp_path: Path) -> None:
    value, found = read_data(source(tmp_path, name, text))
    assert value is None
    assert found
    assert (found.code, found.path, found.line) == ("data", f"content/_data/{name}", line)
    assert "\n" not in found.message


def test_names_are_paths_without_suffix_and_each_stands_once(tmp_path: Path) -> None:
    names = ["team.csv", "team.toml", "prices/2026.json", "notes.txt", "v1.2.yaml"]
    found, problems = data_sources(source(tmp_path, name, "") for name in names)
    assert list(found) == ["team", "prices/2026", "v1.2"]
    assert [one.path for one in problems] == ["content/_data/team.toml", "content/_data/notes.txt"]


def test_a_template_reads_data_and_follows_it(site_dir: Make) -> None:
    files = {
        "content/a.md": "A\n",
        "content/b.md": "---\ntemplate: team\n---\n",
        "content/_data/team.json": json.dumps([{"name": "Anna & <Co>"}]),
        "templates/team.html": "{% for one in view.data('team') %}{{ one.name }}{% endfor %}",
    }
    site = site_dir(files, SETTINGS)
    site.good_build()
    assert site.read("site/b/index.html") == "Anna &amp; &lt;Co&gt;"
    site.write("content/_data/team.json", json.dumps([{"name": "Ben"}]))
    assert site.good_build().written == ("b/index.html",)
    assert site.read("site/b/index.html") == "Ben"
    assert not (site.out / "_data").exists()


def test_broken_data_that_comes_back_is_mended(site_dir: Make) -> None:
    files = {
        "content/b.md": "---\ntemplate: team\n---\n",
        "content/_data/team.json": "{",
        "templates/team.html": "{{ view.data('team') }}",
    }
    site = site_dir(files, SETTINGS)
    assert [one.code for one in site.build().problems] == ["data"]
    site.write("content/_data/team.json", "[1]")
    site.good_build()
    assert site.read("site/b/index.html") == "[1]"
