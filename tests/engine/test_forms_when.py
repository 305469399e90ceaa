"""The expressions of `when:`: what they mean, and that none of them, however odd, does more than be refused."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obverse.forms import Form, FormField
from obverse.forms.checking import check
from obverse.forms.json_schema import form_schema
from obverse.forms.when import DEEPEST, LONGEST, Tree, circle, fit, holds, names, parse
from obverse.schema import Refused

ANSWERS = {"budget": "large", "seats": 12, "news": True, "topics": ("price", "help")}

LITERALS = st.one_of(st.booleans(), st.integers(-99, 99), st.text("abc é", max_size=4))
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.sampled_from("abc"), LITERALS),
        st.tuples(st.just("in"), st.sampled_from("abc"), st.lists(LITERALS, min_size=1, max_size=3).map(tuple)),
    ),
    lambda inner: st.one_of(
        inner.map(lambda one: ("not", one)),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    ),
    max_leaves=6,
)


def _form(tree: Tree) -> Form:
    return Form("f", "en", "F", "", (FormField("x", when=tree),))


def literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def text_of(tree: Tree) -> str:
    """A tree written as an expression, every part in parentheses."""
    match tree[0]:
        case "and" | "or":
            return f" {tree[0]} ".join(f"({text_of(one)})" for one in tree[1:])
        case "not":
            return f"not ({text_of(tree[1])})"
        case "in":
            return f"{tree[1]} in [{', '.join(map(literal, tree[2]))}]"
        case sign:
            return f"{tree[1]} {sign} {literal(tree[2])}"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('budget == "large"', True),
        ("budget != 'large'", False),
        ('budget in ["small", "large"]', True),
        ("seats >= 12", True),
        ("seats > 12", False),
        ("seats < 12.5", True),
        ("news == true", True),
        ("news == 1", False),
        ("seats == true", False),
        ('topics == "help"', True),
        ('topics != "help"', False),
        ('topics in ["other"]', False),
        ('absent == "x"', False),
        ('absent != "x"', True),
        ("absent < 5", False),
        ("budget < 5", False),
        ('seats < "99"', False),
        ('not budget == "small" and seats > 1', True),
        ('budget == "large" or seats > 99 and news == false', True),
        ('(budget == "large" or seats > 99) and news == false', False),
    ],
)
def test_an_expression_is_true_or_false_of_the_answers(text: str, verdict: bool) -> None:
    assert holds(parse(text), ANSWERS) is verdict


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs the name of a field before its end"),
        ("budget", "needs a comparison after `budget`"),
        ("budget ==", "needs a value"),
        ("budget = 1", "cannot be read from `= 1` on"),
        ("budget == large", "needs a value"),
        ("a == 1 b == 2", "ends before `b`"),
        ("(a == 1", "needs `)` before its end"),
        ("a in []", "needs a value"),
        ("and == 1", "needs the name of a field"),
        ("__import__('os')", "needs a comparison"),
        ("not " * (DEEPEST + 2) + "a == 1", "is nested deeper"),
        ("a == 1" + " " * LONGEST, "is longer than"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert says in str(refused.value)


def test_the_names_are_those_asked_for() -> None:
    assert names(parse('a == 1 and not (b in ["x"] or c < 2)')) == {"a", "b", "c"}


@settings(max_examples=60, deadline=None)
@given(TREES, st.dictionaries(st.sampled_from("abc"), LITERALS))
def test_a_tree_is_data_and_means_what_its_text_means(tree: Tree, values: dict[str, Any]) -> None:
    read = parse(text_of(tree))
    assert Form.from_plain(json.loads(json.dumps(_form(read).to_plain()))) == _form(read)
    assert names(read) == names(tree)
    assert holds(read, values) is holds(tree, values)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("ab()[]<>=!\"', 19notrdi", max_size=60)))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        tree = parse(text)
    except Refused:
        return
    assert isinstance(holds(tree, {}), bool)


FIELDS = {
    one.name: one
    for one in (
        FormField("budget", "choice", options={"small": "under 5k", "large": "over 20k"}),
        FormField("seats", "number"),
        FormField("news", "consent"),
        FormField("company"),
        FormField("part", "heading"),
    )
}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('budgte == "large"', "asks for 'budgte', which is no field"),
        ('part == "x"', "asks for 'part', which is no field"),
        ('company < "x"', "only a field of type 'number' or 'money' has one"),
        ('seats == "12"', "is not a number"),
        ("seats == true", "is not a number"),
        ("news == 1", "is not true or false"),
        ("company == 1", "is not text in quotes"),
        ('not (seats > 1 and budget in ["small", "huge"])', "with 'huge', which is none of its options"),
    ],
)
def test_what_can_never_be_true_of_a_form_is_refused(text: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        fit(parse(text), FIELDS)
    assert says in str(refused.value)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(Refused) as refused:
        fit(parse('budgte == "large"'), FIELDS)
    assert refused.value.hint == "did you mean 'budget'?"


def test_what_fits_a_form_passes() -> None:
    fit(parse('budget == "large" and seats >= 2.5 or news == true and not company in ["x"]'), FIELDS)


@pytest.mark.parametrize(
    ("waits", "found"),
    [
        ({"a": "b", "b": "c"}, ()),
        ({"a": "b", "c": "b", "b": "d"}, ()),
        ({"a": "a"}, ("a",)),
        ({"x": "a", "a": "b", "b": "a"}, ("a", "b")),
    ],
)
def test_fields_that_wait_for_each_other_are_found(waits: dict[str, str], found: tuple[str, ...]) -> None:
    assert circle({name: parse(f"{other} == 1") for name, other in waits.items()}) == found


# --- in a form: what is asked, and what is sent for what is not ---------------------------------------------------

KIND = FormField("kind", "choice", options={"person": "P", "company": "C"})
COMPANY = Form(
    "f",
    "en",
    "F",
    "",
    (
        FormField("plan", when=(">", "seats", 10), required=True),
        KIND,
        FormField("part", "heading", when=("==", "kind", "company")),
        FormField("seats", "number", required=True),
        FormField("terms", "consent", text="Yes.", required=True),
    ),
)


def test_what_is_not_asked_is_not_required() -> None:
    done = check(COMPANY, {"kind": ["person"]})
    assert done.errors == ()
    assert done.values == {"plan": "", "kind": "person", "seats": None, "terms": False}


def test_what_is_asked_is_required_and_may_ask_for_more() -> None:
    def wrong(**sent: str) -> list[str]:
        return [one.field for one in check(COMPANY, {name: [text] for name, text in sent.items()}).errors]

    assert wrong(kind="company") == ["seats", "terms"]
    assert wrong(kind="company", seats="10", terms="yes") == []
    assert wrong(kind="company", seats="11", terms="yes") == ["plan"]
    assert wrong(kind="company", seats="many", terms="yes") == ["seats"]


def test_what_was_sent_for_a_field_that_is_not_asked_is_kept_beside_the_answers() -> None:
    done = check(COMPANY, {"kind": ["person"], "seats": ["no number", "12"], "plan": ["gold"], "other": ["x"]})
    assert done.errors == ()
    assert (done.values["plan"], done.values["seats"]) == ("", None)
    assert done.extra == {"plan": ("gold",), "seats": ("no number", "12"), "other": ("x",)}


def test_a_circle_that_no_reader_let_in_still_ends() -> None:
    one, two = FormField("a", when=("!=", "b", "x")), FormField("b", when=("==", "a", "y"))
    assert check(Form("f", "en", "F", "", (one, two)), {"a": ["y"], "b": ["x"]}).errors == ()


OPTIONS = {"x": "X", "y": "Y"}
ASKED = (
    FormField("a", "choice", options=OPTIONS),
    FormField("b", "number"),
    FormField("c", "choices", options=OPTIONS),
    FormField("d", "boolean"),
)
LEAVES = st.one_of(
    st.tuples(st.sampled_from(["==", "!="]), st.just("a"), st.sampled_from(["x", "y"])),
    st.tuples(st.just("in"), st.just("c"), st.sampled_from([("x",), ("x", "y")])),
    st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.just("b"), st.integers(0, 2)),
    st.tuples(st.sampled_from(["==", "!="]), st.just("d"), st.booleans()),
)
FITTING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda one: ("not", one)), st.tuples(st.sampled_from(["and", "or"]), inner, inner)
    ),
    max_leaves=5,
)
SENT = st.fixed_dictionaries(
    {},
    optional={
        "a": st.sampled_from(["", "x", "y"]),
        "b": st.integers(0, 2),
        "c": st.lists(st.sampled_from(["x", "y"]), unique=True),
        "d": st.booleans(),
    },
)


@settings(max_examples=300, deadline=None)
@given(FITTING, FITTING, SENT)
def test_the_schema_requires_what_the_check_does(first: Tree, second: Tree, sent: dict[str, Any]) -> None:
    """`e` is asked on one condition that asks for `d`, which is itself asked on another."""
    if "d" in names(first):
        first = ("==", "a", "x")
    asked = (*ASKED[:3], FormField("d", "boolean", when=first), FormField("e", required=True, when=second))
    form = Form("f", "en", "F", "", asked)
    texts = {
        name: [str(one) for one in (value if isinstance(value, list) else [value])] for name, value in sent.items()
    }
    lacks = any(one.field == "e" for one in check(form, texts).errors)
    (rule,) = form_schema(form)["allOf"]
    assert fits(sent, rule["if"]) is lacks
    assert not fits(sent, rule["then"])


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is valid by what conditions use of JSON Schema (draft 2020-12, 10 and 6)."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    bounds: dict[str, Callable[[Any, Any], bool]] = {
        "minimum": operator.ge,
        "maximum": operator.le,
        "exclusiveMinimum": operator.gt,
        "exclusiveMaximum": operator.lt,
    }
    rules: dict[str, Callable[[Any], bool]] = {
        "allOf": lambda parts: all(fits(value, part) for part in parts),
        "anyOf": lambda parts: any(fits(value, part) for part in parts),
        "not": lambda part: not fits(value, part),
        "required": lambda wanted: all(name in value for name in wanted),
        "properties": lambda parts: all(fits(value[name], part) for name, part in parts.items() if name in value),
        "contains": lambda part: any(fits(one, part) for one in value),
        "enum": lambda those: any(type(one) is type(value) and one == value for one in those),
        "type": lambda kind: kind != "number" or number,
        "minLength": lambda _: True,
        "maxLength": lambda _: True,
    }
    return all(
        (bounds[key](value, wanted) if number else True) if key in bounds else rules[key](wanted)
        for key, wanted in schema.items()
    )
