from __future__ import annotations

import json

import pytest

from obverse.forms import Form
from obverse.forms.fields import KEYS, readable
from obverse.forms.form import TYPES
from obverse.forms.limits import DEFAULTS, GREATEST
from obverse.forms.reading import read_form, read_variant
from obverse.forms.when import conditions
from obverse.frontmatter import split
from obverse.problems import Problem
from obverse.schema import Document

CONTACT = """\
title: Talk to us
submit: Send
notify: [sales@example.com]
fields:
  about: {type: heading, label: About you}
  name:
    label: Your name
    required: true
    max: 120
  email: {type: email, label: E-mail, required: true}
  budget:
    type: choice
    options: {small: "under 5k", large: "over 20k"}
  message: {rows: 6, required: true}
  news: {type: consent, label: Newsletter, text: "I agree to one letter a month."}
"""


def read(yaml: str, name: str = "contact") -> tuple[Form | None, tuple[Problem, ...]]:
    text = f"---\n{yaml}---\nThank you.\n"
    path = f"content/forms/{name}.md"
    matter = split(text, path)
    assert matter.problems == ()
    return read_form(name, "en", matter.node, Document.of(path, text))


def good(yaml: str) -> Form:
    form, problems = read(yaml)
    assert problems == ()
    assert form is not None
    return form


def field(yaml: str) -> str:
    """A form with one field, called `f`, in flow style; a good one beside it."""
    return f"title: T\nfields:\n  ok:\n  f: {{{yaml}}}\n"


def told(problems: tuple[Problem, ...]) -> list[str]:
    return [f"{one.line}:{one.column} {one.message} [{one.code}]" for one in problems]


def only(yaml: str) -> Problem:
    form, problems = read(yaml)
    assert form is None
    assert len(problems) == 1, told(problems)
    return problems[0]


# --- what is read ---


def test_a_form_file_is_read_whole() -> None:
    form = good(CONTACT)
    assert (form.name, form.lang, form.title, form.submit) == ("contact", "en", "Talk to us", "Send")
    assert form.notify == ("sales@example.com",)
    assert form.thanks == ()
    assert [one.name for one in form.fields] == ["about", "name", "email", "budget", "message", "news"]
    name, email = form.fields[1:3]
    assert (name.label, name.required, name.max, name.rows) == ("Your name", True, 120, 0)
    assert (email.type, email.max) == ("email", 254)
    assert form.fields[3].options == {"small": "under 5k", "large": "over 20k"}
    assert form.fields[5].text == "I agree to one letter a month."
    assert Form.from_plain(form.to_plain()) == form


def test_a_field_may_be_no_more_than_its_name() -> None:
    (one,) = good("title: T\nfields:\n  full_name:\n").fields
    assert (one.type, one.label, one.max, one.required) == ("text", "Full name", 200, False)


def test_names_that_yaml_takes_for_values_are_names() -> None:
    form = good('title: T\nfields:\n  no:\n  on: {label: no}\n  c: {type: choice, options: [no, "yes", 1.10, 010]}\n')
    assert [one.name for one in form.fields] == ["no", "on", "c"]
    assert form.fields[1].label == "no"
    assert list(form.fields[2].options) == ["no", "yes", "1.10", "010"]


def test_submit_and_notify_may_be_missing_and_one_address_is_a_list() -> None:
    assert good("title: T\nfields:\n  a:\n").submit == ""
    assert good("title: T\nfields:\n  a:\n").notify == ()
    assert good("title: T\nnotify: a@b.example\nfields:\n  a:\n").notify == ("a@b.example",)
    assert good("title: T\nnotify: a@b.example, c@d.example\nfields:\n  a:\n").notify == ("a@b.example", "c@d.example")


@pytest.mark.parametrize("kind", sorted(DEFAULTS))
def test_every_text_has_an_end(kind: str) -> None:
    more = "rows: 3" if kind == "rows" else f"type: {kind}"
    assert good(field(more)).fields[1].max == DEFAULTS[kind]
    assert good(field(f"{more}, max: {GREATEST[kind]}")).fields[1].max == GREATEST[kind]
    assert only(field(f"{more}, max: {GREATEST[kind] + 1}")).code == "bad-value"


def test_a_whole_bound_is_a_whole_number() -> None:
    one = good(field("type: number, min: 1.0, max: 2.5")).fields[1]
    assert (one.min, one.max) == (1, 2.5)
    assert isinstance(one.min, int)


def test_toml_front_matter_is_read_alike() -> None:
    text = '+++\ntitle = "T"\n[fields.age]\ntype = "number"\nmax = 120\nwhole = true\ndefault = 18\n+++\n'
    matter = split(text, "f.md")
    form, problems = read_form("f", "en", matter.node, Document.of("f.md", text))
    assert problems == ()
    assert form is not None
    assert (form.fields[0].max, form.fields[0].whole, form.fields[0].default) == (120, True, "18")


def test_words_stand_on_one_line_in_normal_form() -> None:
    form = good('title: "Talk\\n to  us"\nfields:\n  a:\n    help: |\n      one\n      two\n    label: "e\\u0301"\n')
    assert form.title == "Talk to us"
    assert (form.fields[0].help, form.fields[0].label) == ("one two", "\u00e9")


@pytest.mark.parametrize(
    "name, label",
    [
        ("full_name", "Full name"),
        ("fullName", "Full name"),
        ("phone-number", "Phone number"),
        ("VAT_number", "VAT number"),
        ("a", "A"),
        ("no", "No"),
    ],
)
def test_names_are_made_readable(name: str, label: str) -> None:
    assert readable(name) == label


@pytest.mark.parametrize(
    "name, more, token",
    [
        ("email", "type: email", "email"),
        ("x", "type: tel", "tel"),
        ("site", "type: url", "url"),
        ("name", "", "name"),
        ("Company", "", "organization"),
        ("organisation", "", "organization"),
        ("first_name", "", "given-name"),
        ("name", "rows: 2", ""),
        ("topic", "", ""),
        ("name", "autocomplete: off", "off"),
        ("x", "autocomplete: Section-a  shipping work EMAIL", "section-a shipping work email"),
        ("x", "type: choice, options: [a], autocomplete: country", "country"),
    ],
)
def test_what_a_browser_may_fill_in(name: str, more: str, token: str) -> None:
    assert good(f"title: T\nfields:\n  {name}: {{{more}}}\n").fields[0].autocomplete == token


@pytest.mark.parametrize(
    "more, default",
    [
        ("default: ' Berlin '", "Berlin"),
        ("type: choice, options: [a, b], default: b", "b"),
        ("type: choices, options: [a, b], min: 2, default: b", "b"),
        ("type: boolean, default: yes", "true"),
        ("type: boolean, default: no", ""),
        ("type: number, default: 1.50", "1.50"),
        ("type: hidden, default: ' as it is '", " as it is "),
        ("required: true, default: a", "a"),
    ],
)
def test_defaults(more: str, default: str) -> None:
    assert good(field(more)).fields[1].default == default


# --- what is refused, and where ---


@pytest.mark.parametrize(
    "marked, message",
    [
        ("type: →emial", "'type' must be 'text', 'email'"),
        ("type: choice", "'options' is required for a field of type 'choice' [missing-key]"),
        ("type: choice, →options: ", "'options' is required [missing-key]"),
        ("type: choice, options: [a, →a]", "the option 'a' is there twice"),
        ("type: choice, options: [' a', →'a ']", "the option 'a' is there twice"),
        ("type: choice, options: [→'']", "an option must be a text of 1 to 200 characters"),
        ("type: choice, options: [→[a]]", "an option must be text, not a list"),
        ("type: choice, options: →a", "'options' must be a list, or values with labels, not 'a'"),
        ("type: choice, options: [a], default: →b", "'default' must be 'a', not 'b'"),
        ("type: choices, options: [a, b], →min: 3", "'min' asks for 3 of 2 options"),
        ("type: number, →rows: 3", "'rows' makes no sense for a field of type 'number'"),
        ("→options: [a]", "'options' makes no sense for a field of type 'text'"),
        ("type: choice, options: [a], →pattern: a", "'pattern' makes no sense for a field of type 'choice'"),
        ("type: heading, →required: true", "'required' makes no sense for a field of type 'heading'"),
        ("type: hidden, →required: true", "'required' makes no sense for a field of type 'hidden'"),
        ("type: consent", "'text' is required: the sentence that is agreed to [missing-key]"),
        ("type: consent, text: T, →default: true", "'default' makes no sense for a field of type 'consent'"),
        ("type: consent, text: T, confirm: →maybe", "'confirm' must be true or false, not 'maybe'"),
        ("type: consent, text: T, confirm: →true", "'confirm' needs a field of type 'email' in the form"),
        ("type: boolean, →confirm: true", "'confirm' makes no sense for a field of type 'boolean'"),
        ("→text: T", "'text' makes no sense for a field of type 'text'"),
        ("→max: 5, min: 6", "'max' (5) is less than 'min' (6)"),
        ("→min: 300", "'max' (200) is less than 'min' (300)"),
        ("type: number, →max: -5, min: 5", "'max' (-5) is less than 'min' (5)"),
        ("max: →0", "'max' must be a whole number, 1 or more, not '0'"),
        ("max: →2.5", "'max' must be a whole number, 1 or more, not '2.5'"),
        ("max: →lots", "'max' must be a number, not 'lots'"),
        ("type: number, whole: true, min: →0.5", "'min' must be a whole number too, not '0.5'"),
        ("type: money, max: →1.005", "'max' must have no more than two decimals, not '1.005'"),
        ("type: money, →max: -1", "'max' (-1) is less than 'min' (0)"),
        ("type: money, currency: →Euro", "'currency' must match the pattern [A-Z]{3}"),
        ("type: number, →currency: EUR", "'currency' makes no sense for a field of type 'number'"),
        ("type: date, earliest: →tomorrow", "'earliest' must be a date such as 2026-05-31, not 'tomorrow'"),
        ("type: date, earliest: 2026-05-02, →latest: 2026-05-01", "'latest' (2026-05-01) is before 'earliest'"),
        ("type: date, →min: 3", "'min' makes no sense for a field of type 'date'"),
        ("type: date, default: →soon", "'default' is no answer that the field would take, not 'soon'"),
        ("type: image, →accept: [png, pdf]", "'accept' names 'pdf', which is no picture"),
        ("rows: →61", "'rows' must be 60 or less, not '61'"),
        ("rows: 2, →pattern: a", "'pattern' and 'rows' do not go together"),
        ("pattern: →'(a+)+'", "'pattern' repeats a group that can match in several ways"),
        ("pattern: →'('", "'pattern' opens a group with '(' that is never closed"),
        ("pattern: '[0-9]+', default: →abc", "'default' is no answer that the field would take, not 'abc'"),
        ("type: hidden, max: 2, default: →abc", "'default' must be at most 2 characters long"),
        ("autocomplete: →givn-name", "'autocomplete' must be 'off' or an HTML autocomplete token"),
        ("autocomplete: →home name", "'autocomplete' must be 'off' or an HTML autocomplete token"),
        ("required: →maybe", "'required' must be true or false, not 'maybe'"),
        ("when: →ok", "'when' needs a comparison after `ok`"),
        ("when: →'okay == 1'", "'when' asks for 'okay', which is no field"),
        ("when: →ok > 3", "'when' puts 'ok' in an order with `>`; only a field of type 'number' or 'money' has one"),
        ("when: →'f != \"\"'", "no field of a circle would ever be asked: 'f' waits for 'f'"),
        ("type: hidden, →when: ok == ''", "'when' makes no sense for a field of type 'hidden'"),
    ],
)
def test_a_mistake_in_a_field_is_told_at_its_place(marked: str, message: str) -> None:
    """An arrow marks the place; without one it is the field's own."""
    more = marked.replace("→", "")
    column = len("  f: {") + marked.index("→") + 1 if "→" in marked else len("  f")
    found = only(field(more))
    assert found.message.startswith(message.removesuffix(" [missing-key]"))
    assert (found.line, found.column) == (5, column)
    assert found.code == ("missing-key" if message.endswith("[missing-key]") else "bad-value")


def test_a_mistake_that_has_a_near_name_gets_it() -> None:
    assert "did you mean 'label'?" in read(field("lable: X"))[1][0].message
    assert only(field("type: emial")).hint == "did you mean 'email'?"
    assert only(field("autocomplete: givn-name")).hint == "did you mean 'given-name'?"


def test_an_unknown_key_is_told_and_the_form_is_there_still() -> None:
    form, problems = read("title: T\nnotifi: a@b.example\nfields:\n  a: {lable: X}\n")
    assert told(problems) == [
        "3:1 unknown key 'notifi'; did you mean 'notify'? [unknown-key]",
        "5:7 unknown key 'lable'; did you mean 'label'? [unknown-key]",
    ]
    assert form is not None


def test_what_is_there_twice_is_told_once_and_the_first_one_counts() -> None:
    form, problems = read("title: T\nfields:\n  a: {max: 5, max: 6}\n  b:\n  a: {max: 7}\n")
    assert sorted(told(problems)) == [
        "4:15 'max' is already given on line 4 [duplicate-key]",
        "6:3 'a' is already given on line 4 [duplicate-key]",
    ]
    assert form is not None
    assert [(one.name, one.max) for one in form.fields] == [("a", 5), ("b", 200)]


@pytest.mark.parametrize(
    "name, message",
    [
        ("_ob_page", "begins with '_ob_'"),
        ("_OB_x", "begins with '_ob_'"),
        ("9x", "cannot be the name of a field"),
        ("_x", "cannot be the name of a field"),
        ("a b", "cannot be the name of a field"),
        ("é", "cannot be the name of a field"),
        ("a" * 65, "cannot be the name of a field"),
        ('"a\\n"', "cannot be the name of a field"),
    ],
)
def test_names_a_field_cannot_have(name: str, message: str) -> None:
    found = only(f"title: T\nfields:\n  ok:\n  {name}:\n")
    assert message in found.message
    assert (found.code, found.line, found.column) == ("bad-value", 5, 3)


def test_the_longest_name_is_good() -> None:
    assert good(f"title: T\nfields:\n  {'a' * 64}:\n")


@pytest.mark.parametrize(
    "yaml, message",
    [
        ("fields:\n  a:\n", "2:1 'title' is required [missing-key]"),
        ("title: T\n", "2:1 'fields' needs at least one field"),
        ("title: T\nfields:\n", "3:1 'fields' needs at least one field"),
        ("title: T\nfields: {h: {type: heading}, x: {type: hidden}}\n", "3:1 'fields' needs at least one field"),
        ("title: T\nfields: [a, b]\n", "3:9 'fields' must be a table of names, not a list [bad-value]"),
        ("title: T\nfields:\n  a: Your name\n", "4:6 'a' must be a table of keys and values, not 'Your name'"),
        (
            "title: T\nsteps: true\nfields:\n  a:\n  b: {type: heading}\n",
            "3:1 'steps' needs a heading before the first",
        ),
        ("title: T\nfields: {a: {type: heading}, b: }\nsteps: yes\n", "4:1 'steps' needs a heading before the first"),
        ("title: T\nauto_reply: true\nfields:\n  a:\n", "3:1 'auto_reply' needs a field of type 'email'"),
        ("title: T\nnotify: [a@b.example, nobody]\nfields:\n  a:\n", "3:23 'notify' must be an e-mail address"),
        (f"title: T\nsubmit: {'T' * 81}\nfields:\n  a:\n", "3:9 'submit' must be at most 80 characters long"),
    ],
)
def test_a_mistake_in_the_form_is_told_at_its_place(yaml: str, message: str) -> None:
    (line,) = told((only(yaml),))
    assert line.startswith(message)


CONDITIONS = """\
title: T
fields:
  kind: {type: choice, options: [person, company]}
  more: {type: heading, when: kind == "company"}
  seats: {type: number, required: true}
  plan: {when: seats > 10}
  over: {type: heading}
  message:
"""


def test_a_condition_is_a_rule_of_the_form_and_a_heading_s_is_that_of_what_follows() -> None:
    form = good(CONDITIONS)
    company = ("==", "kind", "company")
    assert [one.when for one in form.fields] == [(), company, (), (">", "seats", 10), (), ()]
    assert conditions(form.fields) == {"seats": company, "plan": ("and", company, (">", "seats", 10))}
    assert form.rules != good(CONDITIONS.replace("seats > 10", "seats > 11")).rules
    assert form.rules == good(CONDITIONS.replace("seats > 10", "(seats>10)")).rules


def test_steps_are_no_rule_and_travel_with_the_form() -> None:
    yaml = "title: T\nfields:\n  one: {type: heading}\n  a:\n  two: {type: heading}\n  b:\n"
    plain, stepped = good(yaml), good(yaml + "steps: true\n")
    assert (plain.rules, plain.words) == (stepped.rules, stepped.words)
    assert Form.from_plain(json.loads(json.dumps(stepped.to_plain()))) == stepped
    assert "steps" not in plain.to_plain()


def test_a_circle_through_a_heading_is_told() -> None:
    yaml = CONDITIONS.replace("{type: choice, options: [person, company]}", "{when: seats > 2}").replace(
        '"company"', '"c"'
    )
    problem = only(yaml)
    assert problem.message == "no field of a circle would ever be asked: 'kind' waits for 'seats' waits for 'kind'"
    assert (problem.line, problem.column) == (4, 16)


def test_too_many_fields_and_options() -> None:
    fields = "".join(f"  a{n}:\n" for n in range(101))
    assert "holds 101 fields" in only(f"title: T\nfields:\n{fields}").message
    options = ", ".join(f"a{n}" for n in range(301))
    assert "holds 301 values" in only(field(f"type: choice, options: [{options}]")).message


def test_a_file_without_front_matter_is_no_form() -> None:
    form, problems = read_form("contact", "en", None, Document.of("content/forms/contact.md", "Thanks"))
    assert form is None
    assert [one.code for one in problems] == ["missing-key", "missing-key"]


def test_a_form_whose_name_fits_no_address() -> None:
    form, problems = read("title: T\nfields:\n  a:\n", "über uns")
    assert form is None
    assert [one.code for one in problems] == ["file-name"]


@pytest.mark.parametrize("kind", TYPES)
def test_every_key_is_known_to_every_type(kind: str) -> None:
    """A key is either good for a type or told as senseless, never unknown, and never breaks the reading."""
    needed = {"consent": ", text: T", "choice": ", options: [a]", "choices": ", options: [a]"}.get(kind, "")
    values = {"options": "[a]", "text": "T", "required": "true", "whole": "true", "default": "a", "pattern": "a"}
    for key in KEYS.keys() - {"type"}:
        if f" {key}:" in needed:
            continue
        _, problems = read(field(f"type: {kind}{needed}, {key}: {values.get(key, '1')}"))
        assert all("unknown" not in one.message and one.line for one in problems), (key, told(problems))


DAYS_AND_MORE = """\
title: T
fields:
  day: {type: date, earliest: today, latest: 2027-01-31}
  worth: {type: money, currency: EUR, max: 99.5}
  photo: {type: image}
  logo: {type: image, accept: [png]}
"""


def test_days_amounts_and_pictures_are_read_with_their_bounds() -> None:
    form = good(DAYS_AND_MORE)
    day, worth, photo, logo = form.fields
    assert (day.earliest, day.latest) == ("today", "2027-01-31")
    assert (worth.currency, worth.min, worth.max) == ("EUR", 0, 99.5)
    assert (photo.type, photo.accept) == ("file", ("png", "jpeg", "webp", "gif"))
    assert logo.accept == ("png",)
    assert Form.from_plain(json.loads(json.dumps(form.to_plain()))) == form
    rules = {form.rules}
    for old, new in (("earliest: today, ", ""), ("2027-01-31", "2027-02-28"), ("EUR", "USD")):
        rules.add(good(DAYS_AND_MORE.replace(old, new)).rules)
    assert len(rules) == 4


CONFIRMED = """\
title: T
fields:
  email: {type: email}
  news: {type: consent, text: I agree.}
"""


def test_a_consent_that_is_confirmed_by_mail_is_another_rule_and_survives_the_release() -> None:
    plain, form = good(CONFIRMED), good(CONFIRMED.replace("agree.", "agree., confirm: true"))
    assert [one.confirm for one in form.fields] == [False, True]
    assert (form.rules == plain.rules, form.words == plain.words) == (False, True)
    assert Form.from_plain(form.to_plain()) == form
    assert all("confirm" not in one for one in plain.to_plain()["fields"])


# --- language variants ---


def variant(yaml: str, base: str = CONTACT) -> tuple[Form, Form | None, tuple[Problem, ...]]:
    text = f"---\n{yaml}---\n"
    path = "content/forms/contact.de.md"
    form = good(base)
    made, problems = read_variant(form, "de", split(text, path).node, Document.of(path, text))
    return form, made, problems


def test_a_variant_has_other_words_and_the_same_rules() -> None:
    base, made, problems = variant(
        "title: Schreiben Sie uns\nsubmit: Senden\nfields:\n"
        "  name: {label: Ihr Name, help: Wie wir Sie ansprechen}\n"
        "  budget: {options: {large: über 20k}}\n"
        "  news: {text: Ja.}\n"
    )
    assert problems == ()
    assert made is not None
    assert (made.name, made.lang, made.title, made.submit) == ("contact", "de", "Schreiben Sie uns", "Senden")
    assert (made.fields[1].label, made.fields[1].help) == ("Ihr Name", "Wie wir Sie ansprechen")
    assert list(made.fields[3].options.items()) == [("small", "under 5k"), ("large", "über 20k")]
    assert made.fields[5].text == "Ja."
    assert made.fields[2] == base.fields[2]
    assert made.notify == base.notify
    assert made.rules == base.rules
    assert made.words != base.words


def test_a_variant_that_says_nothing_is_the_base_in_its_language() -> None:
    base = good(CONTACT)
    made, problems = read_variant(base, "de", None, Document.of("content/forms/contact.de.md", "Danke"))
    assert problems == ()
    assert made is not None
    assert (made.lang, made.title, made.fields) == ("de", base.title, base.fields)


@pytest.mark.parametrize(
    "yaml, message",
    [
        ("notify: a@b.example\n", "2:1 'notify' belongs to the base file content/forms/contact.md [bad-value]"),
        ("steps: true\n", "2:1 'steps' belongs to the base file content/forms/contact.md [bad-value]"),
        ("fields: {name: {max: 5}}\n", "2:17 'max' belongs to the base file content/forms/contact.md"),
        ("fields: {name: {required: no}}\n", "2:17 'required' belongs to the base file"),
        ("fields: {name: {when: a}}\n", "2:17 'when' belongs to the base file"),
        ("fields: {budget: {options: {huge: X}}}\n", "2:29 the option 'huge' belongs to the base file"),
        ("fields: {budget: {options: [small]}}\n", "2:28 'options' must be values with labels, not a list"),
        ("fields: {name: {text: X}}\n", "2:17 'text' makes no sense for a field of type 'text'"),
        ("fields: {name: {options: {a: b}}}\n", "2:17 'options' makes no sense for a field of type 'text'"),
        ("fields: {name: Ihr Name}\n", "2:16 'name' must be a table of keys and values, not 'Ihr Name'"),
        ("fields: [name]\n", "2:9 'fields' must be a table of names, not a list"),
        ("title: [a]\n", "2:8 'title' must be text, not a list"),
        ("fields: {name: {label: {a: b}}}\n", "2:24 'label' must be text, not a table"),
    ],
)
def test_what_a_variant_may_not_say(yaml: str, message: str) -> None:
    _, made, problems = variant(yaml)
    assert made is None
    (line,) = told(problems)
    assert line.startswith(message)


def test_names_a_variant_gets_wrong_have_the_nearest() -> None:
    _, made, problems = variant(
        "titel: X\nfields:\n  nam: {label: X}\n  name: {lable: X}\n  budget: {options: {smal: X}}\n"
    )
    assert made is not None
    assert told(problems) == [
        "2:1 unknown key 'titel'; did you mean 'title'? [unknown-key]",
        "4:3 the form has no field 'nam'; did you mean 'name'? [unknown-key]",
        "5:10 unknown key 'lable'; did you mean 'label'? [unknown-key]",
        "6:22 'budget' has no option 'smal'; did you mean 'small'? [unknown-key]",
    ]
