from __future__ import annotations

import ast
import json
import re
import subprocess
import time
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obverse.forms import Form, FormField
from obverse.forms.checking import Checked, check, contact_of, email_key
from obverse.forms.errors import ERROR_CODES
from obverse.forms.form import TYPES
from obverse.forms.pattern import matches, parse
from obverse.schema import Refused

OPTIONS = {"small": "under 5k", "large": "over 20k", "other": "something else"}


def form_of(*fields: FormField) -> Form:
    return Form("contact", "en", "Talk to us", "", fields)


def ask(text: str | Sequence[str], type: str = "text", **more: Any) -> Checked:
    """What becomes of an answer to a form of one field, called `f`."""
    options = {"options": OPTIONS} if type in ("choice", "choices") else {}
    one = FormField("f", type, **options | more)
    return check(form_of(one), {"f": [text] if isinstance(text, str) else text})


def value(text: str | Sequence[str], type: str = "text", **more: Any) -> Any:
    done = ask(text, type, **more)
    assert done.errors == ()
    return done.values["f"]


def error(text: str | Sequence[str], type: str = "text", **more: Any) -> tuple[str, Mapping[str, Any]]:
    done = ask(text, type, **more)
    (one,) = done.errors
    assert one.field == "f"
    assert done.values["f"] in ("", None, (), False)
    return one.code, one.params


# --- texts ---


@pytest.mark.parametrize(
    "sent, kept",
    [
        ("  Ann  ", "Ann"),
        ("a\r\nb", "a b"),
        ("a\rb\nc", "a b c"),
        ("a \n\n b", "a b"),
        ("a\u2028b\x0bc\x85d\x0ce", "a b c d e"),
        ("Bcc: x@y.example\r\nSubject: hi", "Bcc: x@y.example Subject: hi"),
        ("e\u0301", "\u00e9"),
        ("a\tb", "a\tb"),
        ("\u200b\ufeff", ""),
        ("\u200bx", "\u200bx"),
        ("<b>&amp;</b>{{ x }}{name}", "<b>&amp;</b>{{ x }}{name}"),
    ],
)
def test_a_line_has_no_break_whatever_was_sent(sent: str, kept: str) -> None:
    assert value(sent) == kept


def test_a_text_with_rows_keeps_its_lines() -> None:
    assert value("\r\n one\r\n\r\n two\rthree\u2029four \n", rows=5) == "one\n\n two\nthree\nfour"


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\ud800", "\ufffe", "\x07"])
@pytest.mark.parametrize("type", ["text", "email", "url", "tel", "number", "choice", "boolean", "consent", "choices"])
def test_what_no_text_can_hold_is_an_error(bad: str, type: str) -> None:
    assert error(f"a{bad}b", type) == ("characters", {})


def test_nothing_is_nothing_and_required_says_so() -> None:
    for nothing in ("", "   ", "\r\n", "\u00a0", "\u200b"):
        assert value(nothing) == ""
        assert error(nothing, required=True) == ("required", {})
    assert error([], required=True) == ("required", {})
    assert check(form_of(FormField("f", required=True)), {}).errors[0].code == "required"


def test_the_length_is_counted_so_that_a_browser_lets_no_more_through() -> None:
    assert value("😀😀😀", max=3) == "😀😀😀"
    assert error("😀😀😀😀", max=3) == ("too-long", {"max": 3})
    assert value("a\r\nb\r\nc", max=5, rows=3) == "a\nb\nc"
    assert error("a\r\nb\r\ncd", max=5, rows=3) == ("too-long", {"max": 5})
    assert value("  abc  ", max=3) == "abc"


def test_the_least_length_is_counted_as_a_browser_does() -> None:
    assert value("😀", min=2) == "😀"
    assert error("é", min=2) == ("too-short", {"min": 2})
    assert value("", min=2) == ""


def test_a_normal_form_that_alone_makes_a_text_too_long_is_not_held_against_it() -> None:
    two = "\u0958\u0958"
    assert len(unicodedata.normalize("NFC", two)) == 4
    assert value(two, max=2) == two
    assert value(two, max=4) == unicodedata.normalize("NFC", two)


@pytest.mark.parametrize("type, most", [("text", 200), ("email", 254), ("url", 2000), ("tel", 40)])
def test_a_text_without_a_max_has_an_end_too(type: str, most: int) -> None:
    assert error("a" * (most + 1), type) == ("too-long", {"max": most})
    assert "too-long" not in [one.code for one in ask("a" * most, type).errors]


def test_long_and_twisted_texts_cost_little() -> None:
    marks = "a" + "\u0301\u0323" * 500_000
    started = time.perf_counter()
    for kind in set(TYPES) - {"heading"}:
        ask(marks, kind)
        ask([marks[:4000]] * 500, kind)
    check(form_of(FormField("f")), {f"n{n}" + marks[:100]: ["x" * 10_000] * 100 for n in range(1000)})
    assert time.perf_counter() - started < 5


def test_hidden_values_are_kept_as_sent_and_cut() -> None:
    assert value("  a\r\nb\x00\ud800e\u0301 ", "hidden") == "  a\nbe\u0301 "
    assert value("x" * 600, "hidden") == "x" * 500
    assert value("x" * 600, "hidden", max=5) == "x" * 5
    assert value("\x00" * 3, "hidden") == ""


# --- addresses ---


@pytest.mark.parametrize(
    "sent, kept",
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann.O'Hara+news@Example.COM ", "Ann.O'Hara+news@Example.COM"),
        ("ann@m\u00fcnchen.example", "ann@m\u00fcnchen.example"),
        ("ann@xn--mnchen-3ya.example", "ann@xn--mnchen-3ya.example"),
        ("ann@\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924",) * 2,
        ("ann@\u4f8b\u3048.\u30c6\u30b9\u30c8",) * 2,
        ("ann@\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "ann@\u4f8b\u3048.\u30c6\u30b9\u30c8"),
        ("ann@\uff45xample.com", "ann@example.com"),
        ("j\u00f6rg@example.com", "j\u00f6rg@example.com"),
        ("\u200bann@example.com\u202c", "ann@example.com"),
        ("a@b.co", "a@b.co"),
    ],
)
def test_addresses_of_all_scripts(sent: str, kept: str) -> None:
    assert value(sent, "email") == kept


@pytest.mark.parametrize(
    "sent",
    [
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "ann@@example.com",
        "a@b.example,c@d.example",
        "a@b.example c@d.example",
        "a@b.example;c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "Ann <ann@example.com>",
        '"a b"@example.com',
        "ann@example.com.",
        "ann@-example.com",
        "ann@exa_mple..com",
        "\u201cann@example.com\u201d",
        "ann@example.com\u201d",
        "ann@[127.0.0.1]",
        "ann@127.0.0.1",
        "ann\x7f@example.com",
        "ann@exa\u3000mple.com",
        "ann@example.com\uff0cbob@example.com",
        "ann\uff20example.com",
        "ann@ex\u2026ample.com",
        f"ann@{'a' * 64}.example",
        f"ann@{chr(0xFC) * 63}.example",
        f"a@{'b.' * 124}example",
    ],
)
def test_what_is_no_address(sent: str) -> None:
    assert error(sent, "email") in (("email", {}), ("too-long", {"max": 254}))


def test_one_person_has_one_key() -> None:
    assert email_key(" Ann@EXAMPLE.com") == email_key("ann@example.COM") == "ann@example.com"
    assert email_key("ann@M\u00dcNCHEN.example") == email_key("ann@xn--mnchen-3ya.EXAMPLE")
    assert email_key("ann@mu\u0308nchen.example") == email_key("ann@m\u00fcnchen.example")
    assert email_key("jo\u0308rg@a.example") == email_key("J\u00d6RG@a.example")


def test_two_people_keep_two_keys() -> None:
    keys = {email_key(one) for one in ("a.b@g.example", "ab@g.example", "ab+x@g.example", "ab@h.example")}
    assert len(keys) == 4
    assert email_key("a@stra\u00dfe.example") != email_key("a@strasse.example")


@pytest.mark.parametrize("good", ["https://example.com", "http://a.example/x?y=1#z", "HTTPS://b\u00fccher.example"])
def test_web_addresses(good: str) -> None:
    assert value(f" {good} ", "url") == good


@pytest.mark.parametrize("bad", ["example.com", "javascript:alert(1)", "https://", "https://a b", "mailto:a@b.example"])
def test_what_is_no_web_address(bad: str) -> None:
    assert error(bad, "url") == ("url", {})


@pytest.mark.parametrize(
    "sent, kept",
    [
        ("+1 518 555 0142", "+1 518 555 0142"),
        ("(030) 1234-56", "(030) 1234-56"),
        ("(+49) 30 1234", "(+49) 30 1234"),
        ("\u202a+49\u201130\u20131234\u202c", "+49-30-1234"),
        ("555-0142 ext. 12", "555-0142 ext. 12"),
        ("\u0660\u0661\u0662\u0663", "\u0660\u0661\u0662\u0663"),
    ],
)
def test_telephone_numbers(sent: str, kept: str) -> None:
    assert value(sent, "tel") == kept


@pytest.mark.parametrize("bad", ["12", "call me", "+", "<script>", "1;2;3;4"])
def test_what_is_no_telephone_number(bad: str) -> None:
    assert error(bad, "tel") == ("tel", {})


# --- numbers, choices, boxes ---


@pytest.mark.parametrize(
    "sent, kept",
    [("7", 7), (" -3 ", -3), ("1.50", 1.5), (".5", 0.5), ("1e3", 1000.0), ("", None), ("0", 0), ("007", 7)],
)
def test_numbers(sent: str, kept: float | None) -> None:
    assert value(sent, "number") == kept
    assert type(value(sent, "number")) is type(kept)


@pytest.mark.parametrize("bad", ["1,5", "one", "1e999", "nan", "inf", "0x10", "1_000", "--1", "9" * 101])
def test_what_is_no_number(bad: str) -> None:
    assert error(bad, "number") == ("number", {})


@pytest.mark.parametrize("sent, kept", [("5", 5), ("5.0", 5), ("1e3", 1000), ("-2", -2)])
def test_whole_numbers_as_browsers_take_them(sent: str, kept: int) -> None:
    assert value(sent, "number", whole=True) == kept
    assert type(value(sent, "number", whole=True)) is int


def test_bounds_of_numbers() -> None:
    assert error("1.5", "number", whole=True) == ("whole", {})
    assert error("4", "number", min=5) == ("too-small", {"min": 5})
    assert error("6", "number", max=5) == ("too-great", {"max": 5})
    assert [value(text, "number", min=5, max=6) for text in ("5", "5.5", "6")] == [5, 5.5, 6]
    assert value("0", "number", required=True) == 0
    assert error("", "number", required=True) == ("required", {})


def test_only_what_was_offered_can_be_chosen() -> None:
    assert value(" small ", "choice") == "small"
    assert value("", "choice") == ""
    for bad in ("under 5k", "SMALL", "huge", "small,large", "x" * 500):
        assert error(bad, "choice") == ("choice", {})
    assert error("", "choice", required=True) == ("required", {})
    assert value("e\u0301", "choice", options={"\u00e9": "E"}) == "\u00e9"
    assert value("a" * 150, "choice", options={"a" * 150: "A"}) == "a" * 150


def test_choices_come_in_the_order_of_the_form_each_once() -> None:
    assert value(["large", "small", "large", ""], "choices") == ("small", "large")
    assert value([], "choices") == ()
    assert error(["small", "huge"], "choices") == ("choice", {})
    assert error([""], "choices", required=True) == ("required", {})
    assert error(["small"], "choices", min=2) == ("too-few", {"min": 2})
    assert value([], "choices", min=2) == ()
    assert error(list(OPTIONS), "choices", max=2) == ("too-many", {"max": 2})
    assert value(["small", "small", "large"], "choices", max=2) == ("small", "large")


@pytest.mark.parametrize("type", ["boolean", "consent"])
def test_boxes(type: str) -> None:
    for yes in ("on", "true", "YES", "1"):
        assert value(yes, type, required=True) is True
    for no in ("", "off", "false", "no", "0"):
        assert value(no, type) is False
        assert error(no, type, required=True) == ("consent" if type == "consent" else "required", {})
    assert value([], type) is False
    assert error("perhaps", type) == ("choice", {})


def test_a_pattern_says_in_its_help_what_it_wants() -> None:
    more = {"pattern": "[A-Z]{2}-[0-9]+", "help": "Such as AB-12."}
    assert value("AB-12", **more) == "AB-12"
    assert value("", **more) == ""
    assert error("AB-12x", **more) == ("pattern", {"help": "Such as AB-12."})
    assert error("a@b.example", "email", pattern=".*@c\\.example", help="") == ("pattern", {"help": ""})


# --- the whole form ---


def test_what_the_form_does_not_know_is_kept() -> None:
    form = form_of(FormField("name"), FormField("many", "choices", options=OPTIONS), FormField("about", "heading"))
    sent = {
        "name": ["Ann", "Bob", ""],
        "many": ["small", "large"],
        "about": ["x"],
        "status": ["won\x00"],
        "a\nb": ["1\r\n2", "3"],
        "_ob_page": ["p"],
        "\x00_ob_trap": ["bot"],
        "empty": ["", "  "],
        "": ["nameless"],
    }
    done = check(form, sent)
    assert done.errors == ()
    assert done.values == {"name": "Ann", "many": ("small", "large")}
    assert done.extra == {"name": ("Bob",), "about": ("x",), "status": ("won",), "a b": ("1\n2", "3")}


@pytest.mark.parametrize(
    "type, sent, kept",
    [
        ("date", "2026-05-31", "2026-05-31"),
        ("date", " 2026/5/3 ", "2026-05-03"),
        ("datetime", "2026-05-31T14:30", "2026-05-31 14:30"),
        ("datetime", "2026-05-31 14:30:05", "2026-05-31 14:30:05"),
        ("money", "1200", 1200),
        ("money", "1200.50", 1200.5),
    ],
)
def test_days_and_amounts_are_kept_in_one_way(type: str, sent: str, kept: object) -> None:
    assert value(sent, type) == kept


@pytest.mark.parametrize(
    "type, sent, code",
    [
        ("date", "31.05.2026", "date"),
        ("date", "2026-02-30", "date"),
        ("date", "2026-05-31 14:30", "date"),
        ("date", "9" * 200, "date"),
        ("datetime", "2026-05-31", "datetime"),
        ("datetime", "2026-05-31T14:30Z", "datetime"),  # no visitor's browser sends a zone
        ("datetime", "soon", "datetime"),
        ("money", "1.234", "decimals"),
        ("money", "12 EUR", "number"),
        ("money", "9" * 200, "number"),
    ],
)
def test_what_is_no_day_or_amount_is_an_error(type: str, sent: str, code: str) -> None:
    assert error(sent, type) == (code, {})


def test_a_day_lies_between_its_bounds() -> None:
    bounds = {"earliest": "2026-05-01", "latest": "2026-05-31"}
    for day in ("2026-05-01", "2026-05-31"):
        assert value(day, "date", **bounds) == day
        assert value(f"{day} 23:59", "datetime", **bounds) == f"{day} 23:59"
    assert error("2026-04-30", "date", **bounds) == ("too-early", {"min": date(2026, 5, 1)})
    assert error("2026-06-01 00:00", "datetime", **bounds) == ("too-late", {"max": date(2026, 5, 31)})


@pytest.mark.parametrize(
    "currency, given, seen",
    [("EUR", 1200.5, "1,200.50 EUR"), ("USD", 8000, "8,000 USD"), ("", 12.0, "12"), ("EUR", "about 5", "about 5")],
)
def test_an_amount_is_seen_in_its_currency(currency: str, given: object, seen: str) -> None:
    assert FormField("worth", "money", currency=currency).seen(given) == seen


def test_today_is_a_bound_wherever_on_earth_somebody_is() -> None:
    form = form_of(FormField("since", "date", latest="today"), FormField("until", "date", earliest="today"))
    today = date(2026, 5, 31)

    def codes(since: str, until: str) -> list[str]:
        return [one.code for one in check(form, {"since": [since], "until": [until]}, today=today).errors]

    assert codes("2026-06-01", "2026-05-30") == []
    assert codes("2026-06-02", "2026-05-29") == ["future", "past"]
    assert check(form, {"since": ["2999-01-01"]}).errors == ()  # who names no day asks for none


def test_what_is_kept_besides_has_its_bounds() -> None:
    done = check(form_of(FormField("f")), {f"{n:02}" + "x" * 100: ["v" * 3000] * 30 for n in range(80)})
    assert len(done.extra) == 50
    assert {len(name) for name in done.extra} == {64}
    assert {len(values) for values in done.extra.values()} == {20}
    assert {len(text) for values in done.extra.values() for text in values} == {2000}


def test_one_error_a_field_in_the_order_of_the_form() -> None:
    form = form_of(FormField("b", required=True, min=5), FormField("a", "email", pattern="x"))
    done = check(form, {"a": ["nobody"], "b": ["abc"]})
    assert [(one.field, one.code) for one in done.errors] == [("b", "too-short"), ("a", "email")]
    assert done.values == {"b": "", "a": ""}


def test_every_code_is_raised_somewhere_and_no_other() -> None:
    """The codes that the checks can name, as this module's own tests see them."""
    source = Path(check.__code__.co_filename).read_text("utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = {"_Wrong", "_accepted"}
    raised = {
        leaf.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in named
        for leaf in ast.walk(call.args[0])
        if isinstance(leaf, ast.Constant)
    }
    assert raised == set(ERROR_CODES)


def test_who_answered() -> None:
    form = form_of(
        FormField("company", autocomplete="organization"),
        FormField("who", autocomplete="section-a shipping name"),
        FormField("private", "email"),
        FormField("work", "email"),
        FormField("phone", "tel"),
    )
    values = {"company": "C", "who": "Ann", "private": "", "work": "a@b.example", "phone": "555 0142"}
    assert contact_of(form, values) == ("Ann", "a@b.example", "555 0142")
    assert contact_of(form, {}) == ("", "", "")


def test_a_name_is_found_by_its_field_and_put_together() -> None:
    assert contact_of(form_of(FormField("Name", autocomplete="off")), {"Name": "Ann"})[0] == "Ann"
    parts = form_of(FormField("l", autocomplete="family-name"), FormField("g", autocomplete="given-name"))
    assert contact_of(parts, {"g": "Ann", "l": "Lee"})[0] == "Ann Lee"
    assert contact_of(parts, {"l": "Lee"})[0] == "Lee"
    assert (
        contact_of(form_of(FormField("name", rows=4), FormField("name2", "number")), {"name": "x", "name2": 3})[0] == ""
    )


# --- any text at all ---

FIELDS = (
    FormField("text", required=True, min=2, max=9),
    FormField("rows", rows=3, max=12),
    FormField("pattern", pattern="[a-z]+[0-9]{2,}", max=20),
    FormField("email", "email", max=30),
    FormField("tel", "tel", min=4),
    FormField("url", "url"),
    FormField("number", "number", min=-5, max=1e30),
    FormField("whole", "number", whole=True),
    FormField("choice", "choice", options=OPTIONS),
    FormField("choices", "choices", options=OPTIONS, min=1, max=2),
    FormField("boolean", "boolean"),
    FormField("consent", "consent", text="I agree."),
    FormField("hidden", "hidden", max=7),
    FormField("heading", "heading"),
)
FORM = form_of(*FIELDS)

ODD = st.text(
    st.sampled_from("a1@.é\u0301\u0958\u0344\u1100\u1161\u212b\u200b\u202c\uff45\u3002\r\n\t \x00\ud800,+-e(＋・"),
    max_size=14,
)
NEAR = st.sampled_from(
    [
        "ann@example.com",
        "+49 30 1234",
        "https://example.com/",
        "1e3",
        "-0",
        "12345678901234567890",
        "small",
        "on",
        "ab12",
    ]
)
TEXTS = st.one_of(ODD, NEAR, st.text(max_size=20), st.builds(str.__add__, NEAR, ODD), st.builds(str.__add__, ODD, NEAR))
SENT = st.dictionaries(
    st.one_of(st.sampled_from([one.name for one in FIELDS]), TEXTS), st.lists(TEXTS, max_size=3), max_size=14
)


def again(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Values as a browser would send them."""
    sent = {}
    for name, kept in values.items():
        if isinstance(kept, tuple):
            sent[name] = list(kept)
        elif isinstance(kept, bool):
            sent[name] = ["on"] if kept else []
        else:
            sent[name] = [] if kept is None else [str(kept)]
    return sent


@settings(max_examples=400, deadline=None)
@given(SENT)
def test_any_text_is_judged_and_what_is_kept_is_kept_again(sent: dict[str, list[str]]) -> None:
    done = check(FORM, sent)
    assert list(done.values) == [one.name for one in FIELDS if one.type != "heading"]
    assert {one.code for one in done.errors} <= set(ERROR_CODES)
    assert len({one.field for one in done.errors}) == len(done.errors)
    json.dumps([done.values, done.extra], ensure_ascii=False).encode("utf-8")
    assert not any(set("\r\n\x0b\x0c\x85\u2028\u2029") & set(done.values[name]) for name in ("text", "email", "tel"))
    second = check(FORM, again(done.values))
    assert second.values == done.values
    wrong = {one.field for one in done.errors}
    assert [one.field for one in second.errors] == [name for name in ("text",) if done.values[name] == ""]
    assert not wrong - {one.name for one in FIELDS}
    assert second.extra == {}


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=1, max_codepoint=0x7F), max_size=40))
def test_a_plain_text_is_judged_as_any_other(text: str) -> None:
    """A line break at its end says nothing, but is not plain."""
    typed = [one.name for one in FIELDS if one.type != "hidden"]
    sent, other = ({name: [text + end] for name in typed} for end in ("", "\n"))
    assert check(FORM, sent) == check(FORM, other)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_key_is_its_own_key(text: str) -> None:
    assert email_key(email_key(text)) == email_key(text)


# --- patterns ---


@pytest.mark.parametrize(
    "pattern, good, bad",
    [
        ("[0-9]{5}", ["12345"], ["1234", "123456", "x12345", "12345\n"]),
        ("^\\d{2,3}$", ["12", "123"], ["1", "1234", "\u0661\u0662"]),
        ("[A-Z]{2}\\d{9}|GB\\d{2}", ["DE123456789", "GB12"], ["DE12", "GB123456"]),
        ("(?:[a-z]{2}-){2}\\w+", ["ab-cd-e_9"], ["ab-e", "ab-cd-"]),
        ("a?b*c+.", ["cx", "abbccc", "acc"], ["ab", "c"]),
        ("[^@\\s]+@example\\.com", ["ann@example.com"], ["a b@example.com", "@example.com", "a@examplexcom"]),
        ("[A-Za-z '\\-]+", ["O'Hara-Lee Jr"], ["O_H"]),
        ("\\S\\s\\S", ["a b", "a\u00a0b", "a\u3000b"], ["a  b", "ab"]),
        ("[\\w\\-.]+", ["a-b.c"], ["a b", ""]),
        ("(\\+\\d{1,3} )?\\d+", ["+49 30", "30"], ["+ 30"]),
        (".", ["😀", "é"], ["", "ab", "\u2028"]),
        ("x{2,}", ["xx", "xxxxx"], ["x"]),
        ("(|ab)c", ["c", "abc"], ["ab"]),
    ],
)
def test_patterns_match_the_whole_text(pattern: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not matches(pattern, text)] == []
    assert [text for text in bad if matches(pattern, text)] == []


REFUSED = [
    *("(a+)+", "(a*)*", "(a?)*", "(a|b)*", "(a|aa)+", "((a{1,2}))+", "(?:a+b){2,}", "(a+){3}"),
    *("(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?<n>a)", "(?P<n>a)", "(?i)a", "(?i:a)", "(?>a)", "(?#x)"),
    *("(a)\\1", "\\k<n>", "\\p{L}", "\\u0041", "\\x41", "\\n", "\\b", "\\A", "\\Z", "\\-", "\\@", "\\a", "\\"),
    *("a++", "a*?", "a??", "a{2}+", "a**", "*a", "+", "?", "{2}", "a{", "a{,2}", "a{3,2}", "a{201}", "a{1}{2}"),
    *("(", ")", "(a", "a)", "[", "[a", "]", "}", "a]", "[]", "[^]", "[z-a]", "[a-]", "[-a]", "[a-\\d]", "[\\d-z]"),
    *(
        "[a(]",
        "[a|b]",
        "[a/b]",
        "[a{2}]",
        "[[a]]",
        "[a&&b]",
        "[a--b]",
        "[..]",
        "[~~]",
        "a^b",
        "a$b",
        "^*",
        "$a",
        "(^a)",
    ),
    *("a" * 201, "(" * 11 + ")" * 11),
]


@pytest.mark.parametrize("pattern", REFUSED)
def test_patterns_outside_the_small_part_are_refused(pattern: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(pattern)
    assert str(refused.value)


def test_a_pattern_that_cannot_be_read_is_none_as_in_a_browser() -> None:
    assert matches("(a+)+", "zzz")


def test_no_pattern_is_slow() -> None:
    started = time.perf_counter()
    for pattern in (
        "a*a*a*a*a*a*a*a*b",
        "(a{10}){20}a*a{200}b",
        ".*.*.*.*.*=.*",
        "(((){200}){200}){200}",
        "(a*|a*|a*)b",
    ):
        assert not matches(pattern, "a" * 2000)
    assert time.perf_counter() - started < 5


ATOMS = st.sampled_from(["a", "b", ".", "\\d", "\\w", "\\S", "[ab]", "[^a\\d]", "[a-c1\\-]", "\\.", "-", "[\\s.]", "é"])
TIMES = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,2}", "{2,}"])
PATTERNS = st.recursive(
    st.builds(str.__add__, ATOMS, TIMES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.builds(lambda one, times: f"(?:{one}){times}", inner, TIMES),
    ),
    max_leaves=6,
)
SUBJECTS = st.lists(st.text("ab1-. é", max_size=6), min_size=1, max_size=8)


def readable(pattern: str) -> bool:
    try:
        parse(pattern)
    except Refused:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(PATTERNS, SUBJECTS)
def test_what_is_read_matches_as_python_matches(pattern: str, texts: list[str]) -> None:
    if readable(pattern):
        for text in texts:
            assert matches(pattern, text) == bool(re.fullmatch(pattern, text, re.ASCII)), text


JUDGE = """
const read = require("fs").readFileSync(0, "utf8");
const out = JSON.parse(read).map(([pattern, texts]) => {
  try { const one = new RegExp(`^(?:${pattern})$`, "v"); return texts.map((text) => one.test(text)); }
  catch { return null; }
});
process.stdout.write(JSON.stringify(out));
"""


def test_what_is_read_matches_as_browsers_match() -> None:
    """By the engine of Chromium, with the flag that browsers give to a pattern."""
    driver = pytest.importorskip("playwright._impl._driver")
    signs = [chr(code) for code in range(0x20, 0x7F)]
    patterns = [f"{left}{sign}{right}" for sign in signs for left, right in ("  ", "[]", ("\\", ""), ("[\\", "]"))]
    patterns = [one.strip() or " " for one in patterns]
    patterns += (
        [f"[{sign}{sign}]" for sign in signs] + [f"[a{sign}z]" for sign in signs] + [f"a{sign}{{2}}" for sign in signs]
    )
    patterns += [
        "^\\d+$",
        "^a|b$",
        "(|ab)c",
        "()",
        "[^\\S]",
        "[^\\W\\d]",
        "a{2,}",
        "(?:\\w{2}){2}",
        "\\s",
        "\\S",
        "\\w",
        ".",
    ]
    texts = [*signs, *"éſK\u212a\u0661😀\u00a0\u2028\ufeff\u180e\u0085\x0b\n", "aa", "abc", "a-b", "12", ""]
    patterns = [one for one in patterns if readable(one)]
    assert len(patterns) > 300
    done = subprocess.run(
        [driver.compute_driver_executable()[0], "-e", JUDGE],
        input=json.dumps([[pattern, texts] for pattern in patterns]),
        capture_output=True,
        check=True,
        text=True,
        encoding="utf-8",
    )
    for pattern, judged in zip(patterns, json.loads(done.stdout), strict=True):
        assert judged == [matches(pattern, text) for text in texts], pattern
