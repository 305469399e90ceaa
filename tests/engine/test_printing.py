"""Printing: the text is Jinja's own, to the byte."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from obverse.printing import PlainContext, Printer, escaped, printed
from obverse.view import View


class _Said:
    def __str__(self) -> str:
        return "<said & done>"


class _Safe:
    def __html__(self) -> str:
        return "<b>safe</b>"


class _Sub(str):
    __slots__ = ()


VALUES = {
    "text": "a < b & c > d ' \"",
    "plain": "plain",
    "empty": "",
    "safe": Markup("<i>safe</i> & so on"),
    "html": _Safe(),
    "object": _Said(),
    "number": 12,
    "float": 1.5,
    "true": True,
    "none": None,
    "list": ["<", Markup("<")],
    "sub": _Sub("<sub>"),
    "odd": "\ud800\u202e\x00",
}

SHAPES = {
    "alone": "{{ value }}",
    "joined": "{{ value ~ '<' }}{{ '<' ~ value }}{{ value ~ 1 ~ value }}{{ 'a' ~ 1 ~ none }}{{ '&' ~ 2 }}",
    "mixed": "{% macro m(x, y=2) %}{{ x ~ y }}{% endmacro %}{{ m(value) }}{{ m(value, y=3) }}{{ m(*[value, 4]) }}"
    "{{ m(**{'x': value}) }}{% autoescape false %}{{ m(value) }}{% macro n(x) %}{{ m(x) }}<{% endmacro %}{{ n(value) }}"
    "{% endautoescape %}{{ m(value) }}{% set kept = namespace() %}"
    "{% autoescape false %}{% set kept.one = m('<') %}{% endautoescape %}{{ kept.one }}"
    "{{ dict(**{'class': value})['class'] }}{{ dict(class=1).class }}",
    "macro": "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(value) }}{{ m(m(value)) }}{{ m(value)|upper }}",
    "set": "{% set x %}<p>{{ value }}</p>{% endset %}{{ x }}{{ x|length }}",
    "filter": "{% filter upper %}{{ value }}{% endfilter %}{{ value|string|replace('s', '<') }}",
    "call": "{% macro m() %}({{ caller() }}){% endmacro %}{% call m() %}{{ value }}{% endcall %}",
    "loop": "{% for one in [value, value] %}{{ one }}{{ loop.index }}{% endfor %}",
    "deep": "{% for one in [[value], value] recursive %}{% if one is sequence and one is not string %}[{{ loop(one) }}]"
    "{% else %}{{ one }}{% endif %}{% endfor %}",
    "raw": "{% autoescape false %}{{ value }}{% endautoescape %}{{ value }}",
    "volatile": "{% autoescape chosen %}{{ value }}{{ value ~ '&' }}{% endautoescape %}",
    "block": "{% block b %}{{ value }}{% endblock %}{{ self.b() }}",
}


def _environments() -> tuple[Environment, Environment]:
    theirs, ours = (Environment(autoescape=True, undefined=StrictUndefined) for _ in range(2))
    ours.code_generator_class, ours.context_class = Printer, PlainContext
    ours.printed, ours.escaped = printed, escaped  # type: ignore[attr-defined]
    return theirs, ours


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", VALUES)
def test_every_value_is_printed_as_jinja_prints_it(kind: str, shape: str) -> None:
    theirs, ours = (one.from_string(SHAPES[shape]) for one in _environments())
    for chosen in (True, False):
        values: dict[str, Any] = {"value": VALUES[kind], "chosen": chosen}
        assert ours.render(values) == theirs.render(values)


FAMILY = {
    "base": "1{% block a %}2{% block b scoped %}3{% endblock %}4{% endblock %}5{% include 'within' %}6"
    "{% for i in [1, 2] %}[{% block c scoped %}{{ i }}{% endblock %}]{% endfor %}7"
    "{% include 'apart' without context %}8",
    "within": "<{{ value }}{% block d %}d{% endblock %}>",
    "apart": "({{ 1 + 1 }}{% block e %}e{% endblock %})",
    "child": "{% extends 'base' %}out{% set value = 'v' %}{% block a %}a{{ super() }}{% include 'within' %}"
    "{% include 'apart' without context %}z{% endblock %}{% block c %}{{ i }}{{ self.b() }}{% endblock %}",
    "outside": "{% extends 'base' %}x{% include 'within' %}y{% include 'apart' without context %}z",
    "perhaps": "before{% if chosen %}{% extends 'base' %}{% endif %}{% block b %}{{ value }}{% endblock %}after",
    "none": "{% include ['nowhere', 'within'] %}{% include 'nowhere' ignore missing %}-{% block b %}{% endblock %}.",
    "nested": "{% macro m() %}<{% include 'within' %}>{% endmacro %}a{{ m() }}"
    "{% set x %}b{% include 'within' %}{% endset %}{% filter upper %}c{% include 'within' %}{% endfilter %}{{ x }}",
}


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize("name", FAMILY)
def test_what_blocks_and_templates_print_comes_in_its_order(name: str, chosen: bool) -> None:
    made = []
    for one in _environments():
        one.loader = DictLoader(FAMILY)
        made.append(one.get_template(name).render(value="<", chosen=chosen))
    assert made[0] == made[1]


def test_what_is_not_there_is_still_told() -> None:
    for one in _environments():
        with pytest.raises(UndefinedError, match="'nothing' is undefined"):
            one.from_string("{{ nothing }}").render()


def test_the_compiler_is_the_one_that_is_used() -> None:
    _, ours = _environments()
    source = ours.compile("{{ value }}", raw=True)
    assert "escaped(text) if type(text := " in source
    assert "escape(" not in source.replace("import", "")


def test_a_function_that_wants_the_context_gets_it() -> None:
    @pass_context
    def asks(context: Context, more: str) -> str:
        return f"{context['value']} {more}"

    for one in _environments():
        made = one.from_string("{% for i in [1] %}{{ asks('more') }}{{ bound.get('a') }}{% endfor %}")
        assert made.render(asks=asks, value="<v>", bound={"a": "&"}) == "&lt;v&gt; more&amp;"


def test_a_method_of_the_view_is_called_with_what_the_template_gives_and_nothing_else() -> None:
    view = object.__new__(View)
    view._words = {"hello": "Hello, {name}"}
    _, ours = _environments()
    made = ours.from_string(
        "{% block b %}{% for i in [1, 2] %}{% set x = i %}{{ t('hello', name=i) }};{% endfor %}{% endblock %}"
    )
    assert made.render(t=view.t, other=SimpleNamespace()) == "Hello, 1;Hello, 2;"


def test_what_templates_define_goes_with_their_view() -> None:
    seen: list[weakref.ref[Context]] = []

    @pass_context
    def look(context: Context) -> str:
        seen.append(weakref.ref(context))
        return ""

    view, (_, ours) = _view(), _environments()
    gc.disable()
    try:
        ours.from_string("{% macro m() %}{{ look() }}{% endmacro %}{{ m() }}{{ look() }}").render(view=view, look=look)
        assert [one() is None for one in seen] == [False, False]
        view.close()
        assert [one() is None for one in seen] == [True, True]
    finally:
        gc.enable()


def test_what_is_imported_without_context_stays_for_the_next_view() -> None:
    _, ours = _environments()
    ours.loader = DictLoader(
        {
            "pieces": "{% set word = 'kept' %}{% macro m() %}{% include 'inner' %}{% endmacro %}",
            "inner": "{{ word }}",
            "page": "{% from 'pieces' import m %}{{ m() }}",
        }
    )
    for view in (_view(), _view()):
        assert ours.get_template("page").render(view=view) == "kept"
        view.close()


def _view() -> View:
    view = object.__new__(View)
    view.defined = []
    return view
