"""Files in a form, chosen in a real browser and sent to a real house: with the form's script, and without any."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Response
from playwright.sync_api import Browser, Page, expect

from capture.app import create_app
from capture.house import House
from obverse.forms.html import form_html
from obverse.security import HEADERS
from tests.browser.forms_served import THEME, document, say
from tests.capture.cases.uploads import FORM, JOB, LIMIT, attached, everything, on_disk, taking
from tests.capture.files import PDF, docx
from tests.capture.inbox_room import served

pytestmark = pytest.mark.browser

THANKED = re.compile(r"/_ob/t/[0-9a-f]{32}$")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with taking(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def address(house: House) -> Iterator[str]:
    app, script = create_app(house), (THEME / "assets" / "form.js").read_bytes()
    app.add_url_rule("/", "page", lambda: Response(document(form_html(FORM, JOB, say)), headers=HEADERS))
    app.add_url_rule("/form.js", "script", lambda: Response(script, mimetype="text/javascript"))
    with served(app) as one:
        yield one


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    page.goto(f"{address}/")
    yield page
    context.close()


def choose(page: Page, name: str, *files: tuple[str, bytes]) -> None:
    chosen = [{"name": name, "mimeType": "application/pdf", "buffer": data} for name, data in files]
    page.locator(f"[name={name}]").set_input_files(chosen)  # type: ignore[arg-type]


def test_files_are_chosen_refused_chosen_again_and_kept(
    page: Page, house: House, request: pytest.FixtureRequest
) -> None:
    scripted = "no script" not in request.node.name
    before = len(on_disk(house))
    expect(page.locator("[name=cv]")).to_have_attribute("multiple", "")
    page.locator("[name=name]").fill("Ada")
    page.locator("[name=email]").fill(f"ada{before}@example.com")
    choose(page, "cv", ("cv.pdf", b"no such thing"))
    page.locator("button[type=submit]").click()
    expect(page.locator("#form-job-cv\\.error")).to_contain_text("“cv.pdf” is not a file of a kind that we can take.")
    expect(page.locator("[name=name]")).to_have_value("Ada")
    assert page.locator("main").get_by_text("please choose yours once more").count() == (0 if scripted else 1)
    if scripted:  # what is too large is said before it is sent
        choose(page, "cv", ("large.pdf", PDF + bytes(LIMIT)))
        page.locator("button[type=submit]").click()
        expect(page.locator("#form-job-cv\\.error")).to_have_text(
            "“large.pdf” is too large. Please keep to 100 kB for each file."
        )
    choose(page, "cv", ("cv.pdf", PDF), (f"letter {before}.docx", docx()))
    page.locator("button[type=submit]").click()
    expect(page).to_have_url(THANKED)
    assert len(on_disk(house)) == before + 2
    (sent,) = (one for one in everything(house) if one.row.email == f"ada{before}@example.com")
    assert [one.name for one in sent.submissions[0].attachments] == ["cv.pdf", f"letter {before}.docx"]
    assert {one.id for one in attached(house)} == set(on_disk(house))
