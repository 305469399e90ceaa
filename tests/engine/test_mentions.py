"""The templates that a template mentions: never fewer than Jinja finds in all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, meta

from obverse.templates import references_in

THEME = Path(__file__).parents[2] / "templates"


def all_of(text: str) -> tuple[str, ...]:
    found = meta.find_referenced_templates(Environment(autoescape=True).parse(text))
    return tuple(sorted({"*" if name is None else name for name in found}))


@pytest.mark.parametrize("file", sorted(THEME.rglob("*.html")), ids=lambda file: file.relative_to(THEME).as_posix())
def test_those_of_the_theme_are_those_that_jinja_finds(file: Path) -> None:
    assert references_in(file.read_text("utf-8")) == all_of(file.read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{%- include 'a' ignore missing +%}{%extends 'b'%}", ("a", "b")),
        ("{% include ['a', 'b'] %}{% if x %}{% from 'c' import d with context %}{% endif %}", ("a", "b", "c")),
        ("{%\nimport\n'a'\nas b %}{% for a in b %}{% block c %}{{ super() }}{% endblock %}{% endfor %}", ("a",)),
        ("{% include a %}", ("*",)),
        ("{% include 'a' if b else 'c' %}", ("*",)),
        ("{% macro from() %}{% endmacro %}{% set include = 'a' %}", ()),
    ],
)
def test_what_is_mentioned(text: str, found: tuple[str, ...]) -> None:
    assert references_in(text) == found == all_of(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{# {% include 'a' %} #}", ("a",)),  # one more than need be
        ("{# {% include 'a' #}{% include 'b' %}", ("*",)),
        ("{% include 'a%}b' %}", ("*",)),
        ("{% shown 'a' %}", ("*",)),  # of a hook's, which may mention any
        ("{% raw %}{% shown 'a' %}{% endraw %}", ()),
        ("{% trans %}", ("*",)),
    ],
)
def test_what_is_hard_to_tell_may_be_more(text: str, found: tuple[str, ...]) -> None:
    assert references_in(text) == found
