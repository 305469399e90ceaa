"""What a form's HTML holds: constraints, labels, errors, what was sent; and that nothing a person typed is markup."""

import gzip
import re
import tomllib
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.forms import Error, Form, FormField
from obverse.forms.checking import check
from obverse.forms.errors import ERROR_CODES, error_text
from obverse.forms.form import TYPES
from obverse.forms.html import form_html

ROOT = Path(__file__).resolve().parents[2]
WORDS: dict[str, str] = tomllib.loads((ROOT / "templates/words/en.toml").read_text("utf-8"))
Attributes = dict[str, str | None]


def say(key: str, **values: Any) -> str:
    return WORDS[key].format(**values)


def form(*fields: FormField, submit: str = "") -> Form:
    return Form("contact", "en", "Talk to us", submit, fields)


def html(*fields: FormField, **more: Any) -> str:
    return form_html(form(*fields), "/_ob/f/contact", say, **more)


class Tags(HTMLParser):
    """Every start tag with its attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, Attributes]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(text: str, tag: str) -> list[Attributes]:
    return [attributes for name, attributes in Tags(text).found if name == tag]


def control(text: str, name: str = "x") -> Attributes:
    return next(one for _, one in Tags(text).found if one.get("name") == name)


def wrapper(text: str, name: str = "x") -> Attributes:
    return next(one for _, one in Tags(text).found if one.get("data-field") == name)


@pytest.mark.parametrize(
    "field, wanted",
    [
        (FormField("x", max=120, min=2), {"type": "text", "maxlength": "120", "minlength": "2"}),
        (FormField("x", "email", max=254), {"type": "email", "maxlength": "254", "autocomplete": "email"}),
        (FormField("x", "tel"), {"type": "tel", "autocomplete": "tel"}),
        (FormField("x", "url"), {"type": "url", "autocomplete": "url"}),
        (FormField("x", autocomplete="organization"), {"autocomplete": "organization"}),
        (FormField("x", pattern="[A-Z]+", help="Capitals."), {"pattern": "[A-Z]+", "title": "Capitals."}),
        (FormField("x", rows=6, max=4000), {"rows": "6"}),
        (
            FormField("x", "number", min=0, max=9, whole=True),
            {"min": "0", "max": "9", "step": "1", "inputmode": "numeric"},
        ),
        (FormField("x", "number", min=-0.5), {"type": "number", "min": "-0.5", "step": "any", "inputmode": "decimal"}),
        (FormField("x", "boolean"), {"type": "checkbox", "value": "yes"}),
        (FormField("x", "consent", required=True, text="I agree."), {"type": "checkbox", "required": None}),
        (FormField("x", "hidden", default="a"), {"type": "hidden", "value": "a"}),
    ],
)
def test_constraints_are_the_browser_s_own(field: FormField, wanted: Attributes) -> None:
    assert control(html(field)).items() >= wanted.items()


def test_a_long_text_is_never_cut() -> None:
    """With maxlength a browser drops the end of what is pasted and says nothing."""
    text = html(FormField("x", rows=6, max=4000))
    assert "maxlength" not in control(text)
    assert wrapper(text)["data-max"] == "4000"
    assert "4000 characters" in str(wrapper(text)["data-too-long"])


def test_native_checks_are_left_on() -> None:
    assert "novalidate" not in html(FormField("x", required=True))


def test_every_label_and_description_leads_somewhere() -> None:
    fields = [FormField(f"f{kind}", kind, label=kind, help="Help.", options={"a": "A", "b": "B"}) for kind in TYPES]
    text = html(*fields, errors=[Error("femail", "email")])
    ids = [one["id"] for _, one in Tags(text).found if "id" in one]
    assert len(ids) == len(set(ids))
    for one in tags(text, "label"):
        assert one["for"] in ids
    for _, one in Tags(text).found:
        assert set(str(one.get("aria-describedby") or "").split()) <= set(ids)
    assert len([one for one in tags(text, "p") if one.get("class") == "error"]) == len(TYPES) - 2


def test_a_form_may_stand_twice() -> None:
    one, other = html(FormField("x")), html(FormField("x"), prefix="2-")
    assert not {a["id"] for _, a in Tags(one).found if "id" in a} & {a["id"] for _, a in Tags(other).found if "id" in a}


def test_few_options_are_shown_and_many_fold() -> None:
    few = html(FormField("x", "choice", required=True, options={str(n): str(n) for n in range(6)}))
    many = html(FormField("x", "choice", options={str(n): str(n) for n in range(7)}))
    assert [one.get("type") for one in tags(few, "input")].count("radio") == 6
    assert all("required" in one for one in tags(few, "input") if one.get("type") == "radio")
    assert [one["value"] for one in tags(many, "option")] == ["", *"0123456"]


def test_who_need_not_choose_can_unchoose() -> None:
    text = html(FormField("x", "choice", options={"a": "A"}))
    assert [one["value"] for one in tags(text, "input") if one.get("type") == "radio"] == ["a", ""]
    assert not any("required" in one for one in tags(text, "input"))


@pytest.mark.parametrize(
    "required, said, marks",
    [
        ((True, False), "form.required.some", 1),
        ((True, True), "form.required.all", 0),
        ((False,) * 2, "form.required.none", 0),
    ],
)
def test_what_is_needed_is_said_in_words(required: tuple[bool, bool], said: str, marks: int) -> None:
    text = html(*(FormField(f"x{n}", required=one, label=f"X{n}") for n, one in enumerate(required)))
    assert f'<p class="form-note">{say(said)}</p>' in text
    assert text.count(say("form.optional")) == marks


def test_one_question_and_a_box_need_no_preface() -> None:
    text = html(FormField("x", "email", required=True), FormField("letter", "consent", text="Yes."))
    assert "form-note" not in text


def test_consent_is_never_given_beforehand() -> None:
    field = FormField("x", "consent", text="I agree.", default="yes")
    assert "checked" not in control(html(field))
    assert "checked" in control(html(field, values={"x": ["on"]}))


def test_defaults_are_for_those_who_sent_nothing() -> None:
    fields = (FormField("x", default="a"), FormField("y", "boolean", default="true"))
    assert control(html(*fields))["value"] == "a"
    assert "checked" in control(html(*fields), "y")
    sent = html(*fields, values={"x": "", "z": "1"})
    assert control(sent).get("value") is None
    assert "checked" not in control(sent, "y")


@pytest.mark.parametrize(
    "field, value, wanted",
    [
        (FormField("x"), "a", {"value": "a"}),
        (FormField("x"), ["a", "b"], {"value": "a"}),
        (FormField("x", "number"), 12.0, {"value": "12", "type": "number"}),
        (FormField("x", "number"), "about ten", {"value": "about ten", "type": "text"}),
        (FormField("x", "money"), 12.5, {"value": "12.5", "type": "number", "step": "0.01"}),
        (FormField("x", "date"), "2026-05-31", {"value": "2026-05-31", "type": "date"}),
        (FormField("x", "date"), "31.5.", {"value": "31.5.", "type": "text"}),
        (FormField("x", "datetime"), "2026-05-31 14:30", {"value": "2026-05-31T14:30", "type": "datetime-local"}),
        (FormField("x", "email"), "no address", {"value": "no address"}),
        (FormField("x", "boolean"), True, {"checked": None}),
        (FormField("x", "hidden", default="a"), ["b"], {"value": "b"}),
    ],
)
def test_what_was_sent_is_kept(field: FormField, value: object, wanted: Attributes) -> None:
    assert control(html(field, values={"x": value})).items() >= wanted.items()


def test_what_was_chosen_is_kept() -> None:
    options = {"a": "A", "b": "B", "c": "C"}
    several = html(FormField("x", "choices", options=options), values={"x": ["a", "c"]})
    assert [one["value"] for one in tags(several, "input") if "checked" in one] == ["a", "c"]
    many = {str(n): str(n) for n in range(9)}
    one = html(FormField("x", "choice", options=many), values={"x": ("4",)})
    assert [one["value"] for one in tags(one, "option") if "selected" in one] == ["4"]


def test_a_text_keeps_its_first_line_break() -> None:
    """HTML drops one at the start of a text area."""
    assert ">\n\nHello</textarea>" in html(FormField("x", rows=3), values={"x": "\nHello"})


def test_errors_stand_beside_their_field_and_at_the_top() -> None:
    fields = (FormField("name", required=True, label="Your name"), FormField("x", "email", label="Which address?"))
    text = html(*fields, values={"x": "a"}, errors=[Error("x", "email"), Error("name", "required")])
    assert control(text)["aria-invalid"] == "true"
    assert f'id="form-contact-x.error">{say("form.error.email")}</p>' in text
    summary = next(one for one in tags(text, "div") if one.get("role") == "alert")
    assert summary["tabindex"] == "-1"
    assert "autofocus" in summary
    assert "hidden" not in summary
    assert [one["href"] for one in tags(text, "a")] == ["#form-contact-name", "#form-contact-x"]
    assert f">Which address? {say('form.error.email')}</a>" in text
    assert text.index("form-summary") < text.index("<label")


def test_a_form_without_errors_is_silent() -> None:
    text = html(FormField("x"))
    assert all("hidden" in one for one in tags(text, "p") if one.get("class") == "error")
    assert "hidden" in next(one for one in tags(text, "div") if one.get("role") == "alert")
    assert "aria-invalid" not in text
    assert "autofocus" not in text


def test_its_own_fields_go_along() -> None:
    one = form(FormField("x"))
    text = form_html(one, "/_ob/f/contact", say, hidden={"_ob_page": "a.md", "_ob_instance": "k"})
    assert control(text, "_ob_version")["value"] == one.version
    assert control(text, "_ob_page")["value"] == "a.md"
    assert control(text, "_ob_instance")["value"] == "k"
    assert control(text, "_ob_elapsed")["value"] == ""


def test_the_trap_is_of_no_interest_to_people_and_autofill() -> None:
    text = html(FormField("x"))
    trap = control(text, "_ob_trap")
    assert (trap["type"], trap["tabindex"], trap["autocomplete"]) == ("text", "-1", "off")
    assert {"data-1p-ignore", "data-lpignore", "data-bwignore", "data-form-type"} <= set(trap)
    assert '<p class="form-trap" aria-hidden="true">' in text


def test_a_heading_opens_a_group() -> None:
    text = html(FormField("a"), FormField("h", "heading", label="More"), FormField("b"))
    start = text.index('<fieldset class="form-group"><legend class="form-heading">More</legend>')
    assert text.index('name="a"') < start < text.index('name="b"') < text.index("</fieldset>")


def test_only_what_a_field_can_get_wrong_is_told_to_the_script() -> None:
    told = {name for name in wrapper(html(FormField("x", "number", min=1, whole=True))) if name.startswith("data-")}
    assert told == {"data-field", "data-label", "data-type", "data-whole", "data-too-small"}


def test_a_page_knows_no_day_and_leaves_today_to_the_script() -> None:
    day = control(html(FormField("x", "date", earliest="2026-05-01", latest="today")))
    assert (day["min"], day["data-max"]) == ("2026-05-01", "today")
    assert "max" not in day
    moment = control(html(FormField("x", "datetime", earliest="today", latest="2026-05-31")))
    assert (moment["data-min"], moment["max"]) == ("todayT00:00", "2026-05-31T23:59")


GERMAN = {"date": "{day}. {month} {year}", "month.3": "März", "form.error.too-early": "Bitte ab dem {min}."}


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_a_day_out_of_bounds_is_told_as_the_language_writes_days(kind: str) -> None:
    def sagen(key: str, **values: Any) -> str:
        return {**WORDS, **GERMAN}[key].format(**values)

    field = FormField("x", kind, earliest="2026-03-01", latest="2026-12-31")
    (early,), (late,) = (check(form(field), {"x": [f"{day}T10:00"[: 10 if kind == "date" else None]]}).errors
                         for day in ("2026-02-28", "2027-01-01"))  # fmt: skip
    told = wrapper(form_html(form(field), "/", sagen))
    assert (error_text(early, form(field), sagen), told["data-too-small"]) == ("Bitte ab dem 1. März 2026.",) * 2
    english = wrapper(html(field))
    assert error_text(late, form(field), say) == english["data-too-great"]
    assert english["data-too-great"] == "Please give 31 December 2026 or an earlier day."


def test_words_of_an_older_release_that_know_no_days_still_tell_which() -> None:
    def old(key: str, **values: Any) -> str:
        return WORDS[key].format(**values) if key.startswith("form.") else key

    said = error_text(Error("x", "too-early", {"min": date(2026, 3, 1)}), form(FormField("x", "date")), old)
    assert said == "Please give 2026-03-01 or a later day."


def test_money_says_its_currency() -> None:
    assert "An amount in EUR." in html(FormField("x", "money", help="Roughly.", currency="EUR"))


def test_every_code_has_a_word_that_says_more_than_no() -> None:
    params = {"min": 2.0, "max": 2000.0, "help": "Three capitals.", "name": "a.pdf", "kinds": "PDF"}
    one = form(FormField("x"))
    for code in ERROR_CODES:
        text = error_text(Error("x", code, params), one, say)
        assert "{" not in text
        assert len(text.split()) > 3
        assert not re.search(r"(?i)invalid|error|\d\.0\b", text)


@pytest.mark.parametrize(
    "kind, said",
    [("choice", "Please choose one."), ("choices", "Please choose at least one."), ("text", "Please fill this in.")],
)
def test_a_missing_answer_is_asked_for_by_its_kind(kind: str, said: str) -> None:
    assert error_text(Error("x", "required"), form(FormField("x", kind)), say) == said


def test_a_code_from_elsewhere_has_a_word_too() -> None:
    assert error_text(Error("x", "from-a-newer-program"), form(), say) == say("form.error.unknown")


def test_every_word_of_forms_is_said() -> None:
    source = (ROOT / "obverse/forms/html.py").read_text("utf-8")
    said = {key for key in WORDS if key.startswith("form.")}
    names = {"form." + name for name in re.findall(r"""["']([a-z-]+)["'. ]""", source)}
    names |= {f"form.{one}" for one in re.findall(r'"form\.([\w.-]+)"', source)}
    names |= {
        f"form.error.{code}"
        for code in (*ERROR_CODES, "unknown", "required-choice", "required-choices", "required-box", "required-file")
    }
    names |= {f"form.required.{one}" for one in ("all", "some", "none")}
    assert said - names - {f"form.{one}" for one in "sending sent offline retry wait changed".split()} == set()


@pytest.mark.parametrize("name, most", [("form", 5000), ("uploads", 2000), ("drafts", 1500)])
def test_the_scripts_are_small_and_from_here(name: str, most: int) -> None:
    script = (ROOT / f"templates/assets/{name}.js").read_bytes()
    assert len(gzip.compress(script, mtime=0)) < most
    assert name == "drafts" or b"sessionStorage" not in script
    assert not re.search(rb"localStorage|cookie|innerHTML|eval\(|[?|&]{2}=|\bhttp:", script)


HOSTILE = (
    """"><script>alert(1)</script><img src=x onerror=alert(1)>' autofocus onfocus=alert(1) {{ 7*7 }} </textarea>\0"""
)


def test_nothing_typed_is_markup() -> None:
    fields = [
        FormField(f"f{kind}", kind, label=HOSTILE, help=HOSTILE, text=HOSTILE, options={HOSTILE: HOSTILE, "b": HOSTILE})
        for kind in TYPES
    ]
    fields += [FormField("long", rows=4, label=HOSTILE)]
    one = Form(HOSTILE, "en", HOSTILE, HOSTILE, tuple(fields))
    values = {field.name: HOSTILE for field in fields}
    errors = [Error(field.name, "pattern", {"help": HOSTILE}) for field in fields]
    text = form_html(one, HOSTILE, say, hidden={"_ob_page": HOSTILE}, values=values, errors=errors)
    assert not tags(text, "script")
    assert not tags(text, "img")
    assert not any(name.startswith("on") or name == "style" for _, one in Tags(text).found for name in one)


@given(
    st.dictionaries(st.sampled_from("abc"), st.none() | st.booleans() | st.floats() | st.lists(st.text()) | st.text())
)
def test_any_value_gives_html_that_parses(values: dict[str, Any]) -> None:
    fields = (FormField("a"), FormField("b", rows=2), FormField("c", "number"))
    text = html(*fields, values=values, errors=[Error("a", "required")])
    text.encode()
    parser = html5lib.HTMLParser()
    parser.parseFragment(text)
    wrong = [
        code for _, code, _ in parser.errors if code not in ("invalid-codepoint", "control-character-in-input-stream")
    ]
    assert wrong == []


def test_what_a_form_sends_as_it_stands_is_what_the_checks_read() -> None:
    """The values that boxes and options have in HTML are those that `check` takes."""
    fields = (
        FormField("box", "boolean"),
        FormField("terms", "consent", required=True, text="I agree."),
        FormField("size", "choice", options={"s": "S", "l": "L"}),
    )
    text = html(*fields)
    sent = {name: [str(control(text, name)["value"])] for name in ("box", "terms", "size")}
    checked = check(form(*fields), sent)
    assert checked.errors == ()
    assert checked.values == {"box": True, "terms": True, "size": "s"}


def test_a_condition_travels_with_its_field_and_the_browser_insists_on_nothing() -> None:
    written = html(
        FormField("kind", "choice", options={"a": "A", "b": "B"}, required=True),
        FormField("x", required=True, when=("==", "kind", "a")),
        FormField("part", "heading", label="Part", when=("!=", "kind", "b")),
        FormField("terms", "consent", text="Yes.", required=True),
        FormField("seats", "number"),
    )
    assert wrapper(written)["data-when"] == '["==","kind","a"]'
    assert wrapper(written, "terms")["data-when"] == '["!=","kind","b"]'
    assert [one.get("data-when") for one in tags(written, "fieldset") if one["class"] == "form-group"] == [
        '["!=","kind","b"]'
    ]
    assert "required" not in control(written) | control(written, "terms")
    assert "required" in control(written, "kind")
    assert wrapper(written)["data-required"]
    assert wrapper(written, "seats")["data-kind"] == "number"
    assert WORDS["form.required.some"].split("“")[0] in written
    assert "data-when" not in html(FormField("x", required=True))


def test_who_is_asked_for_a_proof_sees_the_whole_form() -> None:
    stepped = Form(
        "contact", "en", "T", "", (FormField("a", "heading"), FormField("x"), FormField("b", "heading")), steps=True
    )
    assert 'data-step="Step {n} of {all}"' in form_html(stepped, "/", say)
    assert "data-step" not in form_html(stepped, "/", say, hidden={"_ob_challenge": "t"})
