"""The whole desk: the real builder, the real theme and a real browser over a small site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.serving import Served, served, until

pytestmark = pytest.mark.browser

ARTICLE = """---
title: Prices
date: 2026-01-02
---

What it costs.
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Served]:
    files = {
        "obverse.toml": '[site]\ntitle = "Small"\nurl = "https://small.example/base"\n',
        "content/index.md": "---\ntitle: Home\n---\n\nWelcome.\n",
        "content/articles/prices.md": ARTICLE,
        "content/articles/secret.md": ARTICLE.replace("Prices", "Draft").replace("date:", "draft: true\ndate:"),
        "content/articles/later.md": ARTICLE.replace("2026", "2999").replace("Prices", "Scheduled"),
        "content/articles/bundle/index.md": ARTICLE.replace("date:", "draft: true\ndate:").replace("Prices", "Bundle"),
        "content/articles/bundle/offer.pdf": "%PDF-1.4 not really",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with served(tmp_path, builder="obverse.build:build") as one:
        yield one


def test_a_writer_s_hour(desk: Served, browser: Browser) -> None:
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    page.goto(desk.address + "/articles/prices/")
    expect(page.get_by_text("What it costs.")).to_be_visible()
    desk.write("content/articles/prices.md", ARTICLE.replace("costs", "really costs"))
    expect(page.get_by_text("What it really costs.")).to_be_visible()
    desk.write("content/articles/prices.md", ARTICLE.replace("title: Prices", "title: [Prices"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("content/articles/prices.md:3", exact=False)).to_be_visible()
    expect(page.get_by_text("What it really costs.")).to_be_attached()
    desk.write("content/articles/prices.md", ARTICLE.replace("costs", "costs today"))
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("What it costs today.")).to_be_visible()
    page.close()
    assert complaints == []


def test_what_is_not_published_is_seen_here_and_nowhere_else(desk: Served) -> None:
    for path in ("secret/", "later/", "bundle/", "bundle/offer.pdf"):
        assert desk.get("/articles/" + path).status == 200
    assert not (desk.root / "site").exists()


def test_links_lead_to_the_preview_and_not_to_the_address_of_the_site(desk: Served) -> None:
    home = desk.get("/").text
    assert "small.example" not in home
    assert "/base/" not in home
    assert f'href="{desk.address}/"' in home


def test_an_override_of_a_template_shows_when_it_comes_and_when_it_goes(desk: Served) -> None:
    desk.write("templates/article.html", '{% extends "theme/article.html" %}{% block main %}an override{% endblock %}')
    until(lambda: "an override" in desk.get("/articles/prices/").text)
    (desk.root / "templates/article.html").unlink()
    until(lambda: "an override" not in desk.get("/articles/prices/").text)
    assert not desk.state["blocked"]


def test_the_theme_s_styles_are_swapped_under_an_open_page(desk: Served, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(desk.address + "/articles/prices/")
    page.evaluate("window.stayed = true")
    page.wait_for_timeout(300)
    desk.write("templates/assets/app.css", "body { background: rgb(1, 2, 3) }")
    expect(page.locator("body")).to_have_css("background-color", "rgb(1, 2, 3)")
    assert page.evaluate("window.stayed")
    page.close()
