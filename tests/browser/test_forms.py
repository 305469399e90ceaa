"""A form in a real browser under the site's policy: with and without its script, when all is well and when not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from obverse.forms import Error
from tests.browser.forms_served import AWAY, CONTACT, EVERY, STORED, Answer, Endpoint, say
from tests.browser.kinds import quiet_page
from tests.browser.test_axe import violations

pytestmark = pytest.mark.browser

SENT = re.compile(r"/_ob/t/r1$")
REFUSED = Answer(422, {"errors": [{"field": "email", "code": "email", "message": "Not this one, please."}]})


@pytest.fixture
def page(browser: Browser, endpoint: Endpoint) -> Iterator[Page]:
    """A page whose browser had nothing to complain of: no error of a script, nothing that the policy refused."""
    with quiet_page(browser, endpoint.address, "console: Failed to load", "failed:", "4", "5") as one:
        one.clock.install()
        yield one


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A page without scripts."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def fill(page: Page, **other: str) -> None:
    for name, text in {"name": "Ada", "email": "ada@example.com", "message": "Hello there", **other}.items():
        page.locator(f"[name={name}]").fill(text)


def press(page: Page) -> None:
    page.locator("button[type=submit]").click()


def told(page: Page, name: str) -> str:
    """What stands beside a field, which says of itself that it is wrong when something does."""
    place = page.locator(f"#form-contact-{name}\\.error")
    text = place.text_content() or ""
    assert place.is_visible() == bool(text)
    assert page.locator(f"[name={name}]").get_attribute("aria-invalid") == ("true" if text else None)
    return text


# --- without its script ------------------------------------------------------------------------------------------


def test_without_scripts_the_browser_checks_and_sends(plain: Page, endpoint: Endpoint) -> None:
    plain.goto(endpoint.show(CONTACT))
    press(plain)
    expect(plain.locator("[name=name]:invalid")).to_be_focused()
    assert endpoint.posts == []
    fill(plain)
    press(plain)
    expect(plain).to_have_url(SENT)
    (post,) = endpoint.posts
    assert (post.path, post.one("message")) == ("/_ob/f/contact", "Hello there")
    assert (post.one("_ob_version"), post.one("_ob_page")) == (CONTACT.version, "contact.md")
    assert (post.one("_ob_instance"), post.one("_ob_elapsed"), post.one("_ob_trap")) == ("", "", "")


def test_without_scripts_an_answer_with_errors_begins_at_the_summary(plain: Page, endpoint: Endpoint) -> None:
    errors = (Error("email", "email"),)
    plain.goto(endpoint.show(CONTACT, errors=errors, values={"name": "Ada", "email": "ada", "message": "Hello"}))
    expect(plain.get_by_role("alert")).to_be_focused()
    expect(plain.locator("[name=email]")).to_have_value("ada")
    plain.get_by_role("alert").get_by_role("link").click()
    expect(plain.locator("[name=email]")).to_be_focused()


# --- in place ----------------------------------------------------------------------------------------------------


def test_it_is_checked_in_place(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    press(page)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert").get_by_role("link")).to_have_text(
        [f"{label} {say('form.error.required')}" for label in ("Your name:", "E-mail:", "How can we help?")]
    )
    assert told(page, "name") == say("form.error.required")
    page.get_by_role("alert").get_by_role("link").nth(1).click()
    expect(page.locator("[name=email]")).to_be_focused()
    assert endpoint.posts == []


def test_a_field_is_checked_when_somebody_is_done_with_it(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    email = page.locator("[name=email]")
    page.locator("[name=name]").focus()
    page.keyboard.press("Tab")
    assert told(page, "name") == ""
    email.press_sequentially("ada")
    assert told(page, "email") == ""
    page.keyboard.press("Tab")
    assert told(page, "email") == say("form.error.email")
    expect(page.locator("#form-contact-email\\.error")).to_have_attribute("role", "alert")
    expect(email).to_have_accessible_description(f"Our answer goes here. {say('form.error.email')}")
    email.press_sequentially("@example.com")
    assert told(page, "email") == ""


def test_an_error_does_not_move_the_button_from_under_the_finger(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    page.locator("[name=message]").fill("Hey")
    page.locator("[name=message]").press("!")
    page.locator("button[type=submit]").scroll_into_view_if_needed()
    box = page.locator("button[type=submit]").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 3)
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(".form-summary")).to_be_focused()


def test_a_long_text_is_kept_and_told(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    fill(page, message="😀" * 61)
    press(page)
    assert told(page, "message") == say("form.error.too-long", max=60)
    expect(page.locator("[name=message]")).to_have_value("😀" * 61)
    page.locator("[name=message]").fill("😀" * 60)
    press(page)
    expect(page).to_have_url(SENT)


def test_blanks_are_no_answer(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    fill(page, name="   ")
    press(page)
    assert told(page, "name") == say("form.error.required")


def test_an_address_without_its_scheme_is_taken(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(EVERY))
    page.locator("[name=site]").fill("example.com")
    page.locator("[name=site]").press("Enter")
    expect(page.locator("[name=site]")).to_have_value("https://example.com")
    expect(page.locator("[id='form-every-site.error']")).to_be_hidden()


def test_every_kind_of_field_can_be_mended(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(EVERY))
    fill(page, site="example.com/a", seats="51", code="abc")
    for letter in "abc":
        page.locator(f"[name=topics][value={letter}]").check()
    press(page)
    wrong = {
        "size": "required-choice",
        "seats": "too-great",
        "topics": "too-many",
        "code": "pattern",
        "terms": "consent",
    }
    for name, code in wrong.items():
        expected = say(f"form.error.{code}", max="2" if name == "topics" else "50", help="Three capitals.")
        expect(page.locator(f"[id='form-every-{name}.error']")).to_have_text(expected)
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(len(wrong))
    expect(page.get_by_role("radiogroup", name="How large?")).to_have_attribute("aria-invalid", "true")
    page.locator("[name=seats]").fill("50")
    page.locator("[name=code]").fill("ABC")
    page.locator("[name=topics][value=a]").uncheck()
    page.get_by_label("Large").check()
    page.locator("[name=terms]").check()
    press(page)
    expect(page).to_have_url(SENT)
    (post,) = endpoint.posts
    assert (post.one("site"), post.fields["topics"], post.one("size")) == ("https://example.com/a", ["b", "c"], "l")
    assert (post.one("terms"), post.one("kind"), "urgent" in post.fields) == ("yes", "every", False)


# --- sending -----------------------------------------------------------------------------------------------------


def test_it_is_sent_once(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    fill(page)
    endpoint.gate.clear()
    page.clock.run_for(4000)
    page.locator("button[type=submit]").dblclick()
    page.locator("[name=name]").press("Enter")
    expect(page.get_by_role("status")).to_have_text(say("form.sending"))
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    expect(page.locator("button[type=submit]")).to_have_attribute("aria-disabled", "true")
    endpoint.gate.set()
    expect(page).to_have_url(SENT)
    (post,) = endpoint.posts
    assert re.fullmatch(r"[0-9a-f]{32}", post.one("_ob_instance"))
    assert 4000 <= int(post.one("_ob_elapsed")) < 60_000
    assert post.headers["Accept"] == "application/json"
    assert "Cookie" not in post.headers


def test_what_the_endpoint_refuses_is_said_in_place(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    endpoint.answers.append(REFUSED)
    fill(page)
    press(page)
    expect(page.get_by_role("alert")).to_be_focused()
    assert told(page, "email") == "Not this one, please."
    expect(page.get_by_role("status")).to_have_text("")
    page.locator("[name=email]").fill("grace@example.com")
    press(page)
    expect(page).to_have_url(SENT)
    assert len({post.one("_ob_instance") for post in endpoint.posts}) == 1


@pytest.mark.parametrize(
    "away", [AWAY, Answer(503, {}), Answer(500, {}), Answer(201, None)], ids=lambda one: one.status
)
def test_it_is_sent_again_when_the_endpoint_was_away(page: Page, endpoint: Endpoint, away: Answer) -> None:
    page.goto(endpoint.show(CONTACT))
    endpoint.answers.extend([away, away])
    fill(page)
    press(page)
    expect(page.get_by_role("status")).to_have_text(say("form.retry"))
    expect(page.locator("[name=message]")).to_have_value("Hello there")
    page.clock.run_for(2000)
    _arrived(page, endpoint, 2)
    expect(page.get_by_role("status")).to_have_text(say("form.retry"))
    page.clock.run_for(3000)
    assert len(endpoint.posts) == 2
    page.clock.run_for(2000)
    expect(page).to_have_url(SENT)
    assert len(endpoint.posts) == 3
    assert len({post.one("_ob_instance") for post in endpoint.posts}) == 1


def _arrived(page: Page, endpoint: Endpoint, count: int) -> None:
    """Wait for the answer to the post of that number."""
    expect(page.locator("form:not([aria-busy])")).to_be_visible()
    assert len(endpoint.posts) == count


def test_it_waits_as_long_as_it_is_asked_to(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    endpoint.answers.append(Answer(429, {"detail": "Slowly."}, {"Retry-After": "60"}))
    fill(page)
    press(page)
    expect(page.get_by_role("status")).to_have_text(say("form.wait"))
    page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.run_for(59_000)
    assert len(endpoint.posts) == 1
    page.clock.run_for(1000)
    expect(page).to_have_url(SENT)


def test_it_is_sent_when_the_connection_is_back(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    fill(page)
    page.context.set_offline(True)
    press(page)
    expect(page.get_by_role("status")).to_have_text(say("form.offline"))
    page.context.set_offline(False)
    expect(page).to_have_url(SENT)
    assert len(endpoint.posts) == 1


def test_who_goes_on_writing_sends_when_done(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    endpoint.answers.append(AWAY)
    fill(page)
    press(page)
    expect(page.get_by_role("status")).to_have_text(say("form.retry"))
    page.locator("[name=message]").press_sequentially(", and more")
    expect(page.get_by_role("status")).to_have_text(say("form.changed"))
    page.clock.run_for(60_000)
    assert len(endpoint.posts) == 1
    press(page)
    expect(page).to_have_url(SENT)
    assert endpoint.posts[1].one("message") == "Hello there, and more"
    assert endpoint.posts[1].one("_ob_instance") == endpoint.posts[0].one("_ob_instance")


def test_what_cannot_be_mended_by_waiting_is_told(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    endpoint.answers.append(Answer(413, {"detail": "This is <b>too</b> long."}))
    fill(page)
    press(page)
    expect(page.get_by_role("status")).to_have_text("This is <b>too</b> long.")
    expect(page.locator("button[type=submit]")).not_to_have_attribute("aria-disabled", "true")
    page.clock.run_for(120_000)
    assert len(endpoint.posts) == 1


@pytest.mark.parametrize("next_", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", None])
def test_it_goes_nowhere_else(page: Page, endpoint: Endpoint, next_: Any) -> None:
    page.goto(endpoint.show(CONTACT))
    endpoint.answers.append(Answer(201, {**STORED.body, "next": next_}))
    fill(page)
    press(page)
    expect(page.get_by_role("status")).to_have_text(say("form.sent"))
    expect(page.locator("[name=message]")).to_have_value("")
    assert page.url == f"{endpoint.address}/"
    fill(page, message="Another one")
    press(page)
    expect(page).to_have_url(SENT)
    assert len({post.one("_ob_instance") for post in endpoint.posts}) == 2


def test_back_from_the_thanks_another_message_is_another(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    fill(page)
    press(page)
    expect(page).to_have_url(SENT)
    page.go_back()
    fill(page, message="Something else")
    press(page)
    expect(page).to_have_url(SENT)
    one, other = endpoint.posts
    assert one.one("_ob_instance") != other.one("_ob_instance")


# --- for everybody -----------------------------------------------------------------------------------------------


def test_the_keyboard_reaches_every_field_and_never_the_trap(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.localName"))
    assert reached == ["name", "email", "message", "button", "body"]
    expect(page.get_by_label(say("form.trap"))).not_to_be_in_viewport()
    assert page.get_by_role("textbox").count() == 3


@pytest.mark.parametrize("width, scheme", [(320, "light"), (1440, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut(browser: Browser, endpoint: Endpoint, width: int, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    found = {}
    page.goto(endpoint.show(EVERY))
    found["fresh"] = violations(page, {})
    press(page)
    expect(page.get_by_role("alert")).to_be_visible()
    found["checked here"] = violations(page, {})
    errors = tuple(Error(field.name, "required") for field in EVERY.fields if field.type not in ("heading", "hidden"))
    page.goto(endpoint.show(EVERY, errors=errors, values={"name": "<b>"}))
    found["answered"] = violations(page, {})
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    targets = page.evaluate(
        """[...document.querySelectorAll(".form :is(button, select, textarea, label + input, .option)")]
        .filter((one) => one.checkVisibility() && !one.closest(".form-trap"))
        .map((one) => one.getBoundingClientRect().height)"""
    )
    context.close()
    assert found == {"fresh": [], "checked here": [], "answered": []}
    assert wide <= 0
    assert len(targets) > 10
    assert min(targets) >= 43.9
