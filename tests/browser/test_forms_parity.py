"""Browser and server judge alike: rule by rule, the same texts typed into the page and sent to the check."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from obverse.forms import Form, FormField
from obverse.forms.checking import check
from obverse.forms.errors import error_text
from tests.browser.forms_served import Endpoint, say

pytestmark = pytest.mark.browser

RULES = (
    FormField("required", required=True, label="L"),
    FormField("least", min=3, label="L"),
    FormField("long", rows=3, max=8, min=2, label="L"),
    FormField("letters", pattern="[A-Z]{2,3}", label="L"),
    FormField("words", pattern=r"\w+(-\w+)?", label="L"),
    FormField("either", pattern="yes|no", label="L"),
    FormField("address", "email", required=True, label="L"),
    FormField("site", "url", label="L"),
    FormField("number", "number", label="L"),
    FormField("whole", "number", whole=True, min=-2, max=50, label="L"),
    FormField("part", "number", min=0.5, max=1.5, label="L"),
    FormField("worth", "money", min=0, max=1e6, label="L"),
    FormField("day", "date", earliest="2026-05-02", latest="2026-12-31", label="L"),
    FormField("moment", "datetime", earliest="2026-05-02", latest="2026-05-03", label="L"),
    FormField("since", "date", latest="today", label="L"),
    FormField("until", "datetime", earliest="today", label="L"),
)
FORM = Form("contact", "en", "Talk to us", "", RULES)

TEXTS: Mapping[str, tuple[str, ...]] = {
    "required": ("", " ", "x", "\u00a0", " x "),
    "least": ("", "a", "ab", "abc", "  a ", "👋", "👋a", "äö", "e\u0301a"),
    "long": ("", "a", "ab", "12345678", "123456789", "a\nb", "👋👋👋👋👋👋👋👋", "👋👋👋👋👋👋👋👋👋"),
    "letters": ("", "A", "AB", "ABC", "ABCD", "ab", " AB ", "ÄÖ", "AB1"),
    "words": ("", "one", "one-two", "one-", "-one", "one_two-3", "ünder", "a b"),
    "either": ("", "yes", "no", "yesno", "maybe", "YES"),
    "address": ("", "a@b.example", "a@b", "a.b+c@d.example", "a@", "@b.example", "a b@c.example", "a@b..example",
                "a@@b.example", " a@b.example ", "a@-b.example", "a@b_c.example", "o'hara@b.example",
                "a@b.example,c@d.example"),
    "site": ("", "https://b.example", "http://b.example/a?b#c", "b.example", "b.example/path", "word", "https://",
             "ftp:", "two words"),
    "number": ("", "1", "-1", "1.5", "1e3", "0", "007"),
    "whole": ("", "1", "-2", "-3", "50", "51", "1.5", "2.0", "1e1"),
    "part": ("", "0.5", "0.4", "1.5", "1.51", "1"),
    "worth": ("", "0", "-1", "1.5", "1.55", "1.555", "0.01", "0.001", "1000000", "1000000.01", "999999.99", "0.29"),
    "day": ("", "2026-05-01", "2026-05-02", "2026-12-31", "2027-01-01", "2026-02-30"),
    "moment": ("", "2026-05-01T23:59", "2026-05-02T00:00", "2026-05-03T23:59", "2026-05-04T00:00"),
    "since": ("", "2000-01-01", "2999-01-01"),
    "until": ("", "2000-01-01T12:00", "2999-01-01T12:00"),
}  # fmt: skip

# What the browser alone refuses, each for a reason.
DIFFER = {
    ("address", "a@b_c.example"): "browsers know no underscore in a domain; mail servers do",
}


def generated() -> Iterator[tuple[str, str]]:
    chance = random.Random(7)
    for name, texts in TEXTS.items():
        letters = sorted({letter for text in texts for letter in text if letter != "\n"})
        for _ in range(30):
            yield name, "".join(chance.choices(letters, k=chance.randrange(1, 7)))


TYPE = """(all) => all.map(([name, text]) => {
    const control = document.querySelector(`[name=${name}]`);
    control.value = text;
    const typed = control.value; // a number's control holds nothing but numbers
    for (const kind of ["input", "focusout"]) control.dispatchEvent(new Event(kind, { bubbles: true }));
    return [typed, document.querySelector(`[data-field=${name}] .error`).textContent, control.value];
})"""


def test_browser_and_server_judge_alike(browser: Browser, endpoint: Endpoint) -> None:
    page = browser.new_page()
    page.goto(endpoint.show(FORM))
    cases = [*((name, text) for name, texts in TEXTS.items() for text in texts), *generated()]
    told, refused = [], 0
    for (name, text), (typed, there, kept) in zip(cases, page.evaluate(TYPE, cases), strict=True):
        here = on_server(name, kept)
        refused += bool(here)
        if typed.strip() == text.strip() and (name, text) not in DIFFER and there != here:
            told.append((name, text, there, here))
    page.close()
    assert not told, "\n".join(map(repr, told))
    assert on_server("day", "2026-05-01") == "Please give 2 May 2026 or a later day."
    assert refused > 100


def on_server(name: str, text: str) -> str:
    sent = {one.name: ["a@b.example" if one.type == "email" else "x"] for one in RULES if one.required}
    done = check(FORM, {**sent, name: [text]}, today=datetime.now(UTC).date())
    errors = [one for one in done.errors if one.field == name]
    return error_text(errors[0], FORM, say) if errors else ""
