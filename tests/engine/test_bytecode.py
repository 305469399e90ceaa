"""Compiled templates: the bundled theme's are kept beside it, a site's own with the site, and neither is ever stale."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from obverse import references
from obverse.bytecode import FOLDER, bytecode
from obverse.sources import Source, digest_of
from obverse.theme import Theme


@pytest.fixture(autouse=True)
def _may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


class _Loader(DictLoader):
    """Templates whose file names are their paths in the site, as the theme's are."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        text, _, fresh = super().get_source(environment, template)
        return text, template, fresh


def _rendered(
    texts: dict[str, str], workshop: Path, theme: Path, rules: str = "r", *, shared: bool = True
) -> list[str]:
    made = Environment(
        loader=_Loader(texts), autoescape=True, bytecode_cache=bytecode(workshop, theme, rules, shared=shared)
    )
    return [made.get_template(name).render() for name in texts]


def _kept(folder: Path) -> int:
    return len(list(folder.glob("*.cache")))


def test_the_theme_is_compiled_once_for_all_sites_and_a_sites_own_templates_stay_with_it(tmp_path: Path) -> None:
    theme = tmp_path / "theme"
    theme.mkdir()
    texts = {"theme/base.html": "<{{ 1 }}>", "templates/own.html": "own"}
    assert _rendered(texts, tmp_path / "a", theme) == ["<1>", "own"]
    assert (_kept(theme / FOLDER), _kept(tmp_path / "a")) == (1, 1)
    before = next((theme / FOLDER).glob("*.cache")).stat()
    assert _rendered(texts, tmp_path / "b", theme) == ["<1>", "own"]
    after = next((theme / FOLDER).glob("*.cache")).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_another_text_or_another_rule_is_compiled_anew(tmp_path: Path) -> None:
    theme = tmp_path / "theme"
    theme.mkdir()
    assert _rendered({"theme/x.html": "one"}, tmp_path / "a", theme) == ["one"]
    assert _rendered({"theme/x.html": "two"}, tmp_path / "a", theme) == ["two"]
    assert _rendered({"theme/x.html": "two"}, tmp_path / "a", theme, "other") == ["two"]
    assert _kept(theme / FOLDER) == 1  # what other rules left is gone


def test_a_site_with_hooks_keeps_all_to_itself(tmp_path: Path) -> None:
    theme = tmp_path / "theme"
    theme.mkdir()
    _rendered({"theme/x.html": "x"}, tmp_path / "a", theme, shared=False)
    assert not (theme / FOLDER).exists()
    assert _kept(tmp_path / "a") == 1


def test_a_damaged_file_is_compiled_over(tmp_path: Path) -> None:
    theme = tmp_path / "theme"
    theme.mkdir()
    _rendered({"theme/x.html": "x"}, tmp_path / "a", theme)
    next((theme / FOLDER).glob("*.cache")).write_bytes(b"nonsense")
    assert _rendered({"theme/x.html": "x"}, tmp_path / "b", theme) == ["x"]


def test_a_theme_that_cannot_be_written_beside_is_kept_with_the_site(tmp_path: Path) -> None:
    theme = tmp_path / "theme"
    theme.write_text("a file where a folder would be")
    assert _rendered({"theme/x.html": "x"}, tmp_path / "a", theme) == ["x"]
    assert _kept(tmp_path / "a") == 1


def _theme(files: dict[str, str], known: references.References) -> Theme:
    stamp = (0, 0, 0, 0)
    sources = [Source(path, "", digest_of(text.encode()), stamp, stamp) for path, text in files.items()]
    return Theme(sources, "", known, lambda _: ("found.html",))


def test_references_of_the_theme_are_kept_and_a_sites_own_are_not(tmp_path: Path) -> None:
    files = {"theme/a.html": "a", "templates/b.html": "b"}
    own, bundled = digest_of(b"b"), digest_of(b"a")
    found = _theme(files, {bundled: ("x.html",), own: ("secret.html",)})
    references.keep(tmp_path, "r", found, {})
    assert references.kept(tmp_path, "r") == {bundled: ("x.html",)}
    assert references.kept(tmp_path, "other rules") == {}


def test_damaged_references_are_as_good_as_none(tmp_path: Path) -> None:
    found = _theme({"theme/a.html": "a"}, {digest_of(b"a"): ()})
    references.keep(tmp_path, "r", found, {})
    next((tmp_path / references.FOLDER).iterdir()).write_bytes(b"{")
    assert references.kept(tmp_path, "r") == {}
