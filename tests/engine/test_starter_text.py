"""The starter's texts and pictures: what must be said is said, what is linked exists, what is drawn is drawn by us."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import frontmatter
import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTENT = ROOT / "content"
FORMS = CONTENT / "forms"
PAGES = sorted(path.relative_to(CONTENT).as_posix() for path in CONTENT.rglob("*.md") if FORMS not in path.parents)
ARTICLES = [name for name in PAGES if name.startswith("articles/") and not name.endswith("_index.md")]
PICTURES = sorted(path.relative_to(CONTENT).as_posix() for path in CONTENT.rglob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def page(name: str) -> frontmatter.Post:
    return frontmatter.load(str(CONTENT / name))


def places(name: str) -> Iterator[str]:
    """Every link, picture and call target of a page that points into the site."""
    post = page(name)
    prose = re.sub(r"^```.*?^```$", "", post.content, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"\]\(([^)\s]+)\)|\bto=\"([^\"]+)\"|figure\(\"([^\"]+)\"", prose)
    targets = ["".join(groups) for groups in found] + [str(post.get("image", ""))]
    return (target for target in targets if target and not re.match(r"(mailto|tel|https?):", target))


@pytest.mark.parametrize(
    "fact",
    [
        "market research", "branding", "lead generation", "one-to-one", "conversion", "short-term targets",
        "**focus**", "**approach**", "**metrics**",
        "same number", "small teams", "software mixes the data", "advertising",
        "smarketing", "shared goals", "hand-off", "feedback loops", "shared kpis", "## conclusion",
        "coursera guide", "hubspot sales blog", "harvard business review", "suny empire blog",
        '{{ form("contact") }}',
    ],
)  # fmt: skip
def test_the_first_article_says_what_it_must(fact: str) -> None:
    assert fact in page("articles/marketing-vs-sales.md").content.lower()


def test_there_is_enough_to_read() -> None:
    published = [name for name in ARTICLES if not page(name).get("draft") and str(page(name)["date"]) < "2027"]
    assert len(published) >= 9
    assert {page(name).get("draft", False) for name in ARTICLES} == {True, False}
    assert any(name.endswith("/index.md") for name in ARTICLES)
    assert all(len(page(name).content.split()) > 700 for name in published)


@pytest.mark.parametrize("name", PAGES)
def test_titles_and_descriptions_fit_where_they_are_shown(name: str) -> None:
    post = page(name)
    assert 0 < len(str(post["title"])) <= 60
    assert 70 <= len(str(post["description"])) <= 155


@pytest.mark.parametrize("name", PAGES)
def test_every_place_that_is_named_exists(name: str) -> None:
    for target in places(name):
        path = unquote(target.partition("#")[0])
        start = CONTENT if path.startswith("/") else (CONTENT / name).parent
        assert not path or (start / path.lstrip("/")).is_file(), target


@pytest.mark.parametrize("name", ARTICLES)
def test_authors_have_pages_and_pictures_have_words(name: str) -> None:
    post = page(name)
    given: Any = post["authors"]
    authors = [given] if isinstance(given, str) else given
    assert all((CONTENT / "authors" / f"{author}.md").is_file() for author in authors)
    assert len(str(post["image_alt"])) > 20


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_need_no_style_and_can_be_read(name: str) -> None:
    root = ET.fromstring((CONTENT / name).read_text("utf-8"))
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert {"width", "height", "viewBox"} <= set(root.attrib)
    for element in root.iter():
        assert element.tag not in {f"{SVG}style", f"{SVG}script"}
        assert "style" not in element.attrib
        assert float(element.get("font-size", "14")) >= 14


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    yield importlib.import_module("draw_pictures")
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_every_picture_is_drawn_by_the_script(drawing: ModuleType) -> None:
    assert sorted(drawing.PICTURES) == PICTURES
    for name, draw in drawing.PICTURES.items():
        assert draw() == (CONTENT / name).read_text("utf-8"), name
