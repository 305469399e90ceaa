"""The release: what capture is told of the site, beside the ledger and never under the output folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse import release
from obverse.problems import as_text
from tests.engine.sites import SETTINGS, TinySite, tree

Make = Callable[..., TinySite]

FORM = "---\ntitle: Talk\nnotify: [sales@tiny.example]\nfields:\n  name: {label: Name}\n---\nThank you, {name}.\n"


@pytest.fixture
def site(site_dir: Make) -> TinySite:
    made: TinySite = site_dir(
        {
            "content/forms/contact.md": FORM,
            "content/articles/a.md": "---\ntitle: A\ndate: 2026-01-01\naliases: [/old/]\nauthors: [anna]\n"
            "tags: [red]\n---\n"
            'Words that make a page known.\n\n{{ form("contact") }}\n',
            "content/articles/draft.md": "---\ntitle: D\ndate: 2026-01-01\ndraft: true\n---\n",
            "content/authors/anna.md": "---\ntitle: Anna\n---\n",
        },
        SETTINGS.partition("[menus]")[0],
    )
    return made


def released(site: TinySite, name: str, folder: str = "release") -> Any:
    return json.loads((site.root / ".obverse" / folder / name).read_text("utf-8"))


def texts(folder: Path) -> str:
    return "\n".join((data or b"").decode("utf-8", "replace") for data in tree(folder).values())


def test_a_form_is_released_with_its_digests_and_its_message_cut(site: TinySite) -> None:
    site.good_build()
    form = released(site, "forms/contact.en.json")
    assert form["thanks"] == ["<p>Thank you, ", {"field": "name"}, ".</p>"]
    assert f'value="{form["rules"]}.{form["words"]}"' in site.read("site/articles/a/index.html")


def test_a_message_heals_when_its_component_appears(site: TinySite) -> None:
    """Which components there are is asked: pages are read by other rules then, a message is not."""
    site.replace("content/forms/contact.md", "Thank you", '{{ late("x") }} Thank you')
    site.good_build()
    assert "{{ late(" in released(site, "forms/contact.en.json")["thanks"][0]
    site.write("templates/components/late.html", '{# text = {type = "text"} #}<b>{{ args.text }}</b>\n')
    assert site.good_build().released == ("forms/contact.en.json",)
    assert released(site, "forms/contact.en.json")["thanks"][0].startswith("<p><b>x</b> Thank you")


def test_a_message_is_read_by_the_engine_of_today(site: TinySite) -> None:
    site.replace("content/forms/contact.md", "Thank you", "==Thank== you")
    site.good_build()
    assert released(site, "forms/contact.en.json")["thanks"][0] == "<p><mark>Thank</mark> you, "
    site.write("obverse.toml", site.read("obverse.toml") + '[markdown]\nengine = "commonmark"\n')
    assert site.good_build().released == ("forms/contact.en.json",)
    assert released(site, "forms/contact.en.json")["thanks"][0] == "<p>==Thank== you, "


def test_who_is_told_is_no_business_of_the_site(site: TinySite) -> None:
    site.good_build()
    assert released(site, "forms/contact.en.json")["notify"] == ["sales@tiny.example"]
    assert "sales@" not in texts(site.out)


def test_another_recipient_changes_the_release_and_no_page(site: TinySite) -> None:
    site.good_build()
    site.replace("content/forms/contact.md", "sales@", "boss@")
    report = site.good_build()
    assert (report.written, report.released) == ((), ("forms/contact.en.json",))


def test_the_page_table_tells_what_is_published(site: TinySite) -> None:
    site.good_build()
    rows = {row["id"]: row for row in released(site, "pages.json")}
    assert "articles/draft.md" not in rows
    row = rows["articles/a.md"]
    assert (row["url"], row["aliases"], row["authors"], row["tags"]) == ("/articles/a/", ["/old/"], ["Anna"], ["red"])


def test_a_renamed_page_keeps_the_id_its_form_sends(site: TinySite) -> None:
    site.good_build()
    site.move("content/articles/a.md", "content/articles/b.md")
    site.good_build()
    row = next(row for row in released(site, "pages.json") if row["url"] == "/articles/b/")
    assert row["id"] == "articles/a.md"
    assert "/articles/a/" in row["aliases"]
    assert 'name="_ob_page" value="articles/a.md"' in site.read("site/articles/b/index.html")


def test_a_preview_has_a_release_of_its_own(site: TinySite) -> None:
    site.good_build()
    report = site.good_build(mode="preview", drafts=True, base_url="http://127.0.0.1:8000")
    assert not report.blocked
    assert any(row["id"] == "articles/draft.md" for row in released(site, "pages.json", "preview.release"))
    assert not any(row["id"] == "articles/draft.md" for row in released(site, "pages.json"))


def test_forms_are_sent_below_the_base_path(site: TinySite) -> None:
    site.replace("obverse.toml", "https://tiny.example", "https://tiny.example/blog")
    site.good_build()
    assert 'action="/blog/_ob/f/contact"' in site.read("site/articles/a/index.html")
    assert released(site, "site.json")["base_path"] == "/blog"


def test_an_endpoint_on_another_host_is_named_in_form_policy_and_shell(site: TinySite) -> None:
    site.write("obverse.toml", site.read("obverse.toml") + '[capture]\norigin = "https://forms.tiny.example"\n')
    site.good_build()
    assert 'action="https://forms.tiny.example/_ob/f/contact"' in site.read("site/articles/a/index.html")
    headers = site.read("site/_headers")
    assert "form-action 'self' https://forms.tiny.example;" in headers
    assert "connect-src 'self' https://forms.tiny.example;" in headers
    shell = site.read(".obverse/release/shell.en.html")
    assert 'href="https://tiny.example/assets/app.' in shell
    assert 'href="/' not in shell


def test_a_preview_sends_to_itself_whatever_the_settings_say(site: TinySite) -> None:
    site.write("obverse.toml", site.read("obverse.toml") + '[capture]\norigin = "https://forms.tiny.example"\n')
    site.good_build(mode="preview", drafts=True, base_url="http://127.0.0.1:8000")
    assert 'action="/_ob/f/contact"' in site.read(".obverse/preview/articles/a/index.html")


def test_the_shell_has_one_place_for_the_title_and_one_for_the_answer(site: TinySite) -> None:
    site.good_build()
    shell = site.read(".obverse/release/shell.en.html")
    assert shell.count("%%TITLE%%") == 1
    assert shell.count("%%MAIN%%") == 1
    assert "<title>%%TITLE%%" in shell


def test_a_form_in_a_feed_is_a_link_to_its_page(site: TinySite) -> None:
    site.write(
        "templates/components/form.html",
        '{#\nname = {type = "text"}\n#}\n{% set form = view.form(args.name) %}'
        '{% if form.in_feed %}<a href="{{ page.url }}">{{ form.title }}</a>{% else %}{{ form.html }}{% endif %}\n',
    )
    site.good_build()
    feed = site.read("site/feed.xml")
    assert "<form" not in feed
    assert "https://tiny.example/articles/a/" in feed


def test_two_forms_on_one_page_share_no_id(site: TinySite) -> None:
    site.write("content/two.md", '---\ntitle: Two\n---\n{{ form("contact") }}\n\n{{ form("contact") }}\n')
    site.good_build()
    page = site.read("site/two/index.html")
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert page.count("<form ") == 2
    assert len(ids) == len(set(ids))


def test_a_value_never_reaches_a_tag(site: TinySite) -> None:
    site.write(
        "content/forms/contact.md", FORM.replace("Thank you, {name}.", "![x](/{name}.svg) <b title='{name}'>y</b>")
    )
    report = site.build()
    assert report.blocked
    assert as_text(report.problems).count("[form-slot]") == 2


def test_a_translation_shares_the_rules_and_has_its_own_words(site: TinySite) -> None:
    site.replace("obverse.toml", "[articles]", 'languages = ["de"]\n[articles]')
    site.write(
        "content/forms/contact.de.md", "---\ntitle: Reden\nfields:\n  name: {label: Ihr Name}\n---\nDanke, {name}.\n"
    )
    site.good_build()
    english, german = (released(site, f"forms/contact.{lang}.json") for lang in ("en", "de"))
    assert english["rules"] == german["rules"]
    assert english["words"] != german["words"]
    assert german["thanks"] == ["<p>Danke, ", {"field": "name"}, ".</p>"]
    assert german["notify"] == ["sales@tiny.example"]


@given(st.lists(st.fixed_dictionaries({"id": st.text(), "tags": st.lists(st.text(alphabet='},{" \\\n'))}), max_size=4))
def test_a_table_is_broken_between_its_rows_alone(rows: list[dict[str, Any]]) -> None:
    text = release._as_json(rows)
    assert json.loads(text) == rows
    assert text.count("\n") == (len(rows) + 2 if rows else 1)
