"""New sites and new articles."""

import os
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from obverse.bundled import bundled
from obverse.config import load
from obverse.new import new_article, new_site, quoted
from obverse.page import Page
from obverse.parse import parse
from obverse.problems import Problem
from tests.front_door.doors import ROOT

NOW = datetime(2026, 11, 23, 19, 0, 5, 123, tzinfo=timezone(timedelta(hours=1)))


def made_article(root: Path, title: str, **more: "str | tuple[str, ...]") -> Path:
    path = new_article(root, title, NOW, **more)  # type: ignore[arg-type]
    assert isinstance(path, Path), path
    return path


def read(root: Path, path: Path) -> Page:
    """The article as the engine reads it, which must find nothing wrong with it."""
    config, problems = load('[site]\ntitle = "T"\nurl = "https://example.org"\ntimezone = "Europe/Berlin"\n')
    assert problems == ()
    page = parse(path.relative_to(root / "content").as_posix(), path.read_bytes(), config)
    assert page.problems == ()
    return page


def test_an_article_is_a_dated_draft_of_its_title(tmp_path: Path) -> None:
    path = made_article(tmp_path, "Pricing, explained")
    assert path == tmp_path / "content/articles/pricing-explained.md"
    assert path.read_bytes() == (
        b'---\ntitle: "Pricing, explained"\ndate: 2026-11-23T19:00:05+01:00\ndraft: true\n---\n\n'
    )


def test_an_article_can_have_a_section_and_authors(tmp_path: Path) -> None:
    path = made_article(tmp_path, "News", dated_section="journal/2026", authors=("anna", "o'neil: x"))
    assert path == tmp_path / "content/journal/2026/news.md"
    assert read(tmp_path, path).matter.authors == ("anna", "o'neil: x")


TITLES = [
    "Plain",
    'She said "no": why # and - [what] {then}?',
    "It's 100 % yours & <mine> \\ theirs",
    "no",
    "1.10",
    "2026-01-01",
    "---",
    "a: b",
    "Straße, naïve, Ελλάδα, 日本語 🪙 and שלום",
    "soft\u00adhyphen, no\u00a0break, zero\u200dwidth",
]


@pytest.mark.parametrize("title", TITLES)
def test_the_engine_reads_the_title_that_was_given(tmp_path: Path, title: str) -> None:
    page = read(tmp_path, made_article(tmp_path, title))
    assert (page.matter.title, page.matter.draft, page.body.strip()) == (title, True, "")
    assert page.matter.date == NOW.replace(microsecond=0)


def test_a_title_is_one_line(tmp_path: Path) -> None:
    path = made_article(tmp_path, " two\nlines,\ta tab,\u2028separators\u0085and\r\n bells\x07\x7f\ufeff ")
    assert read(tmp_path, path).matter.title == "two lines, a tab, separators and bells"


@given(st.text())
def test_yaml_and_toml_read_a_quoted_text_alike(text: str) -> None:
    assert yaml.safe_load(f"key: {quoted(text)}") == {"key": text}
    assert tomllib.loads(f"key = {quoted(text)}") == {"key": text}


def test_half_a_character_is_replaced() -> None:
    assert quoted("a\udcffb") == '"a\ufffdb"'


@pytest.mark.parametrize(
    "title, name",
    [
        ("  Two  spaces – and a dash ", "two-spaces-and-a-dash"),
        ("Größe und Maß", "größe-und-maß"),
        ("Cafe\u0301", "caf\u00e9"),
        ("価格 の 話", "価格-の-話"),
        ("Version 2.0.de", "version-2-0-de"),
        ("_hidden", "hidden"),
        ("Index", "index-article"),
        ("../../etc/passwd", "etcpasswd"),
        ("?!", "article-2026-11-23-190005"),
        ("", "article-2026-11-23-190005"),
        ("half \udcff", "half"),
    ],
)
def test_the_file_is_named_after_the_title(tmp_path: Path, title: str, name: str) -> None:
    assert made_article(tmp_path, title).relative_to(tmp_path).as_posix() == f"content/articles/{name}.md"


@pytest.mark.parametrize("word", ["word ", "ü", "価"])
def test_a_long_title_makes_a_name_that_a_disk_takes(tmp_path: Path, word: str) -> None:
    path = made_article(tmp_path, word * 500)
    assert 100 < len(os.fsencode(path.name)) <= 123
    assert read(tmp_path, path).matter.title == (word * 500).strip()


def test_a_long_title_is_cut_between_words(tmp_path: Path) -> None:
    assert set(made_article(tmp_path, "lexicons " * 500).stem.split("-")) == {"lexicons"}


@pytest.mark.parametrize("there", ["a-title.md", "a-title/index.md"])
def test_no_article_is_written_over(tmp_path: Path, there: str) -> None:
    path = tmp_path / "content/articles" / there
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    found = new_article(tmp_path, "A title", NOW)
    assert isinstance(found, Problem)
    assert (found.code, found.message) == ("exists", "there is an article of this name")
    assert found.path == f"content/articles/{there}".removesuffix("/index.md")
    assert path.read_text() == "mine"


def test_a_disk_that_refuses_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "content").write_text("a file where the folder should be")
    found = new_article(tmp_path, "A title", NOW)
    assert isinstance(found, Problem)
    assert (found.code, found.path) == ("disk", "content/articles/a-title.md")
    assert isinstance(new_site(tmp_path / "content" / "site", "T"), Problem)


def test_a_date_without_a_zone_is_the_sites(tmp_path: Path) -> None:
    path = new_article(tmp_path, "A title", datetime(2026, 7, 1, 12, 0))  # noqa: DTZ001
    assert isinstance(path, Path)
    assert read(tmp_path, path).matter.date == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


def test_a_site_is_the_starter_with_a_title_of_its_own(tmp_path: Path) -> None:
    made = new_site(tmp_path / "deep" / "site", 'Søren\'s "Site"\\')
    assert isinstance(made, tuple)
    folder = tmp_path / "deep" / "site"
    assert sorted(made) == sorted(path for path in folder.rglob("*") if path.is_file())
    config, problems = load((folder / "obverse.toml").read_text("utf-8"))
    assert problems == ()
    assert config.site.title == 'Søren\'s "Site"\\'
    for path in bundled("content").rglob("*.md"):
        copy = folder / "content" / path.relative_to(bundled("content"))
        assert copy.read_bytes() == path.read_bytes()
    assert (folder / "build.py").read_bytes() == (ROOT / "build.py").read_bytes()
    assert [path.name for path in (folder / "templates").iterdir()] == ["README.md"]
    ignored = (folder / ".gitignore").read_text().splitlines()
    assert {"/site/", "/.obverse/", "/var/", "/.venv/"} <= set(ignored)


def test_a_site_without_a_title_keeps_the_starters(tmp_path: Path) -> None:
    assert isinstance(new_site(tmp_path / "site", " "), tuple)
    assert (tmp_path / "site/obverse.toml").read_bytes() == bundled("obverse.toml").read_bytes()


def test_hidden_files_and_an_editors_copies_stay_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("content/a.md", "content/a.md~", "content/.a.swp", "content/.cache/b.md", "obverse.toml", "build.py"):
        path = tmp_path / "starter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    monkeypatch.setattr("obverse.new.bundled", (tmp_path / "starter").joinpath)
    new_site(tmp_path / "site", "")
    assert [path.name for path in (tmp_path / "site/content").rglob("*")] == ["a.md"]


@pytest.mark.parametrize("there", ["notes.txt", ".hidden"])
def test_a_folder_that_holds_something_is_refused(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    found = new_site(tmp_path, "T")
    assert isinstance(found, Problem)
    assert found.code == "not-empty"
    assert [path.name for path in tmp_path.iterdir()] == [there]


def test_an_empty_repository_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert isinstance(new_site(tmp_path, "T"), tuple)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("site", "dangling"):
        found = new_site(tmp_path / name, "T")
        assert isinstance(found, Problem)
        assert (found.code, found.path) == ("exists", name)
