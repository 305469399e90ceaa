"""What somebody types, kept for the tab until it is sent, where the site's owner wants it; and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from obverse.build import BuildOptions, build
from obverse.forms import Form, FormField
from tests.browser.conftest import TODAY
from tests.browser.forms_served import AWAY, CONTACT, Answer, Endpoint, say
from tests.browser.kinds import quiet_page
from tests.browser.test_axe import SCHEMES, violations

pytestmark = pytest.mark.browser

SENT = re.compile(r"/_ob/t/r1$")
ASK = FormField("visit", "choice", options={"y": "Yes", "n": "No"}, label="A visit?")
WHEN = FormField("day", label="Which day?", required=True, when=("==", "visit", "y"))
FORM = replace(CONTACT, fields=(*CONTACT.fields, ASK, WHEN))
SCRIPT = """<script src="/drafts.js" defer data-restored="{restored}" data-discard="{discard}"></script>"""


@pytest.fixture
def page(browser: Browser, endpoint: Endpoint) -> Iterator[Page]:
    with quiet_page(browser, endpoint.address, "console: Failed to load", "failed:", "4", "5") as one:
        yield one


def shown(page: Page, endpoint: Endpoint, form: Form = FORM) -> None:
    address = endpoint.show(form)
    endpoint.page += SCRIPT.format(restored=say("draft.restored"), discard=say("draft.discard"))
    page.goto(address)


def fill(page: Page) -> None:
    for name, text in {"name": "Ada", "email": "ada@example.com", "message": "Hello <b>\nthere"}.items():
        page.locator(f"[name={name}]").fill(text)
    page.get_by_label("Yes").check()
    page.locator("[name=day]").fill("Monday")


def kept(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate("Object.entries(sessionStorage)")
    return found


def test_it_is_there_again_and_sent_under_the_same_key(page: Page, endpoint: Endpoint) -> None:
    shown(page, endpoint)
    assert kept(page) == []
    fill(page)
    key = page.locator("[name=_ob_instance]").input_value()
    endpoint.answers.append(AWAY)
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("status")).to_have_text(say("form.retry"))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{endpoint.address}/elsewhere")
    page.goto(f"{endpoint.address}/")
    expect(page.locator("[name=name]")).to_have_value("Ada")
    expect(page.locator("[name=message]")).to_have_value("Hello <b>\nthere")
    expect(page.locator("[name=day]")).to_be_visible()
    expect(page.locator("[name=day]")).to_have_value("Monday")
    expect(page.get_by_text(say("draft.restored"))).to_be_visible()
    page.get_by_role("button", name="Send message").click()
    expect(page).to_have_url(SENT)
    assert kept(page) == []
    assert [post.one("_ob_instance") for post in endpoint.posts] == [key, key]
    page.goto(f"{endpoint.address}/")
    expect(page.locator("[name=name]")).to_have_value("")


def test_it_can_be_deleted(page: Page, endpoint: Endpoint) -> None:
    shown(page, endpoint)
    fill(page)
    page.goto(f"{endpoint.address}/")
    page.get_by_role("button", name=say("draft.discard")).click()
    expect(page.get_by_text(say("draft.restored"))).to_have_count(0)
    expect(page.locator("[name=name]")).to_have_value("")
    assert kept(page) == []


def test_what_is_refused_is_kept_and_another_form_is_not_filled(page: Page, endpoint: Endpoint) -> None:
    shown(page, endpoint)
    fill(page)
    errors = [{"field": "email", "code": "email", "message": "Not this one."}]
    endpoint.answers.append(Answer(422, {"errors": errors}))
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".form-summary")).to_be_focused()
    assert len(kept(page)) == 1
    shown(page, endpoint, replace(FORM, fields=(*FORM.fields, FormField("more", label="More"))))
    expect(page.locator("[name=name]")).to_have_value("")
    expect(page.get_by_text(say("draft.restored"))).to_have_count(0)


def test_without_a_storage_the_form_is_as_ever(page: Page, endpoint: Endpoint) -> None:
    page.add_init_script("Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('no'); }})")
    shown(page, endpoint)
    fill(page)
    page.get_by_role("button", name="Send message").click()
    expect(page).to_have_url(SENT)


@pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.long)])
def test_axe_finds_nothing(page: Page, endpoint: Endpoint, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    shown(page, endpoint)
    fill(page)
    page.goto(f"{endpoint.address}/")
    expect(page.get_by_text(say("draft.restored"))).to_be_visible()
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        assert violations(page, options) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


FILE = "---\ntitle: A plan\nnotify: [a@tiny.example]\nfields:\n  plan: {type: file, label: Plan, accept: [pdf]}\n---\n"
PLAIN = "---\ntitle: Write\nnotify: [a@tiny.example]\nfields:\n  text: {label: Text}\n---\nThanks.\n"


@pytest.mark.parametrize("keeps", [False, True])
def test_a_page_loads_what_its_form_needs(tmp_path: Path, keeps: bool) -> None:
    toml = f'[site]\ntitle = "Tiny"\nurl = "https://tiny.example"\n[capture]\nkeep_drafts = {str(keeps).lower()}\n'
    files = {
        "obverse.toml": toml,
        "content/forms/plan.md": FILE + "Thanks.\n",
        "content/forms/plain.md": PLAIN,
        "content/_index.md": "---\ntitle: Home\n---\n",
        "content/a.md": '---\ntitle: A\n---\n{{ form("plan") }}\n',
        "content/b.md": '---\ntitle: B\n---\n{{ form("plain") }}\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    report = build(BuildOptions(tmp_path, out=tmp_path / "site"), TODAY)
    assert not report.blocked, report.problems
    for name, uploads in (("a", True), ("b", False)):
        scripts = re.findall(r'<script src="/assets/(\w+)\.', (tmp_path / "site" / name / "index.html").read_text())
        wanted = ["form", *(["uploads"] if uploads else []), *(["drafts"] if keeps else [])]
        assert [one for one in scripts if one != "app"] == wanted
