"""Conditions and steps in a real browser: it asks for what the server asks for, and sends nothing else."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from obverse.forms import Form, FormField
from obverse.forms.checking import check
from obverse.forms.when import Tree
from tests.browser.forms_served import CONTACT, Answer, Endpoint
from tests.browser.kinds import quiet_page
from tests.browser.test_axe import violations

pytestmark = pytest.mark.browser

KINDS = {"person": "For myself", "company": "For a company"}
COMPANY = Form(
    "contact",
    "en",
    "Talk to us",
    "",
    (
        FormField("kind", "choice", options=KINDS, required=True, label="For whom?"),
        FormField("part", "heading", label="Your company", when=("==", "kind", "company")),
        FormField("seats", "number", required=True, label="Seats", whole=True, min=1),
        FormField("plan", "choice", options={"a": "A", "b": "B"}, required=True, label="Plan", when=(">", "seats", 10)),
        FormField("terms", "consent", text="I agree.", required=True, label="Terms"),
        FormField("end", "heading", label="And then"),
        FormField("message", rows=3, label="Message"),
    ),
)


@pytest.fixture
def page(browser: Browser, endpoint: Endpoint) -> Iterator[Page]:
    with quiet_page(browser, endpoint.address, "console: Failed to load", "422") as one:
        yield one


def seen(page: Page) -> set[str]:
    """The names of the fields that stand on the page."""
    fields = page.locator("[data-field]:visible")
    return set(fields.evaluate_all("(all) => all.map((one) => one.dataset.field)"))


def test_fields_come_and_go_with_the_answers_and_only_what_is_asked_is_sent(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(COMPANY))
    assert seen(page) == {"kind", "message"}
    expect(page.get_by_text("Your company")).to_be_hidden()
    page.get_by_label("For a company").check()
    assert seen(page) == {"kind", "seats", "terms", "message"}
    page.locator("[name=seats]").fill("11")
    assert seen(page) == {"kind", "seats", "plan", "terms", "message"}
    assert violations(page, {}) == []
    page.locator("button[type=submit]").click()
    expect(page.locator(".form-summary li")).to_have_count(2)
    page.locator("[name=plan]").first.check()
    page.get_by_label("For myself").check()
    assert seen(page) == {"kind", "message"}
    page.get_by_label("For a company").check()
    assert page.locator("[name=seats]").input_value() == "11", "what was written is still there"
    page.get_by_label("For myself").check()
    page.locator("button[type=submit]").click()
    expect(page).to_have_url(re.compile("/_ob/t/r1$"))
    (post,) = endpoint.posts
    assert {name for name in post.fields if not name.startswith("_ob_")} <= {"kind", "message"}


def test_without_a_script_all_fields_stand_there_and_none_holds_up_the_form(
    browser: Browser, endpoint: Endpoint
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(endpoint.show(COMPANY))
    assert seen(page) == {"kind", "seats", "plan", "terms", "message"}
    page.get_by_label("For myself").check()
    page.locator("button[type=submit]").click()
    expect(page).to_have_url(re.compile("/_ob/t/r1$"))
    context.close()


# --- steps -------------------------------------------------------------------------------------------------------

STEPS = Form(
    "contact",
    "en",
    "Talk to us",
    "Send",
    (
        FormField("one", "heading", label="Who"),
        FormField("name", required=True, label="Your name"),
        FormField("kind", "choice", options=KINDS, label="For whom?"),
        FormField("two", "heading", label="Your company", when=("==", "kind", "company")),
        FormField("seats", "number", required=True, label="Seats"),
        FormField("three", "heading", label="Your question"),
        FormField("email", "email", required=True, label="E-mail"),
        FormField("message", rows=3, label="Message"),
    ),
    steps=True,
)


def where(page: Page) -> str:
    """The step that is shown, and how far that is."""
    return " ".join((page.locator("legend.form-heading:visible").text_content() or "").split())


def test_a_form_in_steps_is_filled_by_keyboard_and_sent_as_a_whole(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(STEPS))
    assert (where(page), seen(page)) == ("Who Step 1 of 2", {"name", "kind"})
    expect(page.get_by_role("button")).to_have_text(["Next"])
    assert violations(page, {}) == []
    page.locator("[name=name]").press("Enter")
    expect(page.locator(".form-summary")).to_be_focused()
    assert where(page) == "Who Step 1 of 2"
    page.locator("[name=name]").fill("Ada")
    page.get_by_label("For a company").check()
    page.locator("[name=name]").press("Enter")
    assert (where(page), seen(page)) == ("Your company Step 2 of 3", {"seats"})
    expect(page.locator("legend:focus")).to_contain_text("Your company")
    page.get_by_role("button", name="Back").click()
    page.get_by_label("For myself").check()
    page.get_by_role("button", name="Next").press("Enter")
    assert (where(page), seen(page)) == ("Your question Step 2 of 2", {"email", "message"})
    expect(page.get_by_role("button")).to_have_text(["Send", "Back"])
    page.locator("[name=email]").fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page).to_have_url(re.compile("/_ob/t/r1$"))
    (post,) = endpoint.posts
    assert (post.one("name"), post.one("email"), "seats" in post.fields) == ("Ada", "ada@example.com", False)


def test_what_the_endpoint_does_not_take_is_shown_in_its_step(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(STEPS))
    said = {"field": "name", "code": "characters", "message": "Not this, please."}
    endpoint.answers.append(Answer(422, {"errors": [said, {**said, "field": "email"}]}))
    page.locator("[name=name]").fill("Ada")
    page.get_by_role("button", name="Next").click()
    page.locator("[name=email]").fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".form-summary")).to_be_focused()
    assert where(page) == "Who Step 1 of 2"
    page.get_by_role("link", name="E-mail: Not this, please.").click()
    assert where(page) == "Your question Step 2 of 2"
    expect(page.locator("[name=email]")).to_be_focused()


def test_without_a_script_the_steps_are_one_page(browser: Browser, endpoint: Endpoint) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(endpoint.show(STEPS))
    assert seen(page) == {"name", "kind", "seats", "email", "message"}
    expect(page.get_by_role("button")).to_have_text(["Send"])
    context.close()


# --- generated: the browser and the server agree about every condition --------------------------------------------

NAMES = {
    "a": ("x", "y"),
    "b": ("x", "y"),
    "c": (0, 1, 2.5),
    "d": ("x", "y", "z"),
    "e": (True, False),
    "f": ("", "word"),
}


def leaf(chance: random.Random) -> Tree:
    name = chance.choice(list(NAMES))
    literals = NAMES[name]
    if chance.random() < 0.2:
        return ("in", name, tuple(chance.sample(literals, 2)))
    signs = ("==", "!=", "<", "<=", ">", ">=") if name == "c" else ("==", "!=")
    return (chance.choice(signs), name, chance.choice(literals))


def tree(chance: random.Random, depth: int = 2) -> Tree:
    kind = chance.choice(("leaf", "leaf", "not", "and", "or")) if depth else "leaf"
    if kind == "leaf":
        return leaf(chance)
    return (kind, *(tree(chance, depth - 1) for _ in range(1 if kind == "not" else 2)))


def form(chance: random.Random) -> Form:
    """Six fields to ask for, two of which are themselves asked on conditions, and twelve that ask for them."""
    letters = {letter: letter.upper() for letter in "xyz"}
    asked = (
        FormField("a", "choice", options=letters, label="A"),
        FormField("b", "choice", options={f"{n}": "N" for n in "xymnopqrs"}, label="B"),
        FormField("c", "number", label="C"),
        FormField("d", "choices", options=letters, label="D", when=_only(chance, "ab")),
        FormField("e", "boolean", label="E", when=_only(chance, "abcd")),
        FormField("f", label="F"),
    )
    return Form("contact", "en", "T", "", (*asked, *(FormField(f"q{n}", when=tree(chance)) for n in range(12))))


def _only(chance: random.Random, names: str) -> Tree:
    while (one := leaf(chance))[1] not in names:
        pass
    return one


def answers(chance: random.Random) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {
        "a": chance.choice([[], ["x"], ["y"]]),
        "b": chance.choice([[], ["x"], ["y"]]),
        "c": chance.choice([[], ["0"], ["1"], ["2.5"], ["-3"], ["10"]]),
        "d": chance.choice([[], ["x"], ["x", "z"], ["y"]]),
        "e": chance.choice([[], ["yes"]]),
        "f": chance.choice([[], ["word"], [" word "], ["other"]]),
    }
    return given


FILL = """(sent) => {
    for (const control of document.querySelectorAll("form [data-field] :is(input, select)")) {
        const values = sent[control.name] || [];
        if (["radio", "checkbox"].includes(control.type)) control.checked = values.includes(control.value);
        else control.value = values[0] || "";
    }
    document.querySelector("[name=f]").dispatchEvent(new Event("input", { bubbles: true }));
}"""


def test_browser_and_server_ask_for_the_same_fields(page: Page, endpoint: Endpoint) -> None:
    chance = random.Random(5)
    hidden = 0
    for _ in range(8):
        made = form(chance)
        page.goto(endpoint.show(made))
        for _ in range(25):
            sent = answers(chance)
            page.evaluate(FILL, sent)
            wanted = asked(made, sent)
            assert seen(page) == wanted, json.dumps([sent, [[one.name, one.when] for one in made.fields]])
            hidden += len(made.fields) - len(wanted)
    assert hidden > 200


def asked(made: Form, sent: dict[str, list[str]]) -> set[str]:
    """The fields the server asks for: those that are missed when each of them is required and nothing is there."""
    strict = Form(made.name, "en", "T", "", tuple(_required(one) for one in made.fields))
    missed = {one.field for one in check(strict, sent).errors}
    extra = check(made, sent).extra
    return (
        missed
        | {name for name, given in sent.items() if given and name not in extra}
        | ({one.name for one in made.fields if not one.when})
    )


def _required(one: FormField) -> FormField:
    values: dict[str, Any] = {name: getattr(one, name) for name in ("name", "type", "options", "label", "when")}
    return FormField(**values, required=True)


def test_a_form_without_conditions_has_none(page: Page, endpoint: Endpoint) -> None:
    page.goto(endpoint.show(CONTACT))
    assert seen(page) == {"name", "email", "message"}
