"""Sites in layers: `site_dir` makes a folder with settings, `tiny` is a small whole site, `built` has been built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.sites import CONTENT, SETTINGS, THEME, TinySite


@pytest.fixture(scope="session")
def theme_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny theme on disk, in the place of the bundled one."""
    folder = tmp_path_factory.mktemp("theme")
    for name, text in THEME.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


@pytest.fixture
def tiny_theme(theme_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Builds use the tiny theme, and one fixed version: somebody may be editing the engine while its tests run."""
    monkeypatch.setattr("obverse.build.bundled", lambda _name: theme_dir)
    monkeypatch.setattr("obverse.versions.versions_stamp", lambda: "versions")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return theme_dir


@pytest.fixture
def site_dir(tmp_path: Path, tiny_theme: Path) -> Callable[..., TinySite]:
    """Makes a site of the files it is given, by path, beside its settings."""

    def made(files: dict[str, str] | None = None, settings: str = SETTINGS) -> TinySite:
        return TinySite(tmp_path / "desk", {"obverse.toml": settings, **(files or {})})

    return made


@pytest.fixture
def tiny(site_dir: Callable[..., TinySite]) -> TinySite:
    """A small whole site, not yet built."""
    return site_dir(CONTENT)


@pytest.fixture
def built(tiny: TinySite) -> TinySite:
    """The small whole site after its first build."""
    tiny.good_build()
    return tiny
