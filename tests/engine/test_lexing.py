"""A lexer that was quickened: the same tokens as Pygments finds, whatever the language and the text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pygments
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexer import RegexLexer
from pygments.lexers import get_all_lexers, get_lexer_by_name

from obverse.markup.firsts import ASCII, firsts
from obverse.markup.lexing import quickened

ROOT = Path(__file__).parents[2]
READABLE = {".py", ".html", ".css", ".js", ".xml", ".svg", ".toml", ".md"}
OFTEN = "python bash js sql html css toml yaml json md jinja rust go c java php ruby diff console ts".split()
TEXTS = [
    'def a(b: int = 10, *c) -> str:\n    """Doc."""\n    return f"{b!r:>{10}} \\n" if b >= 0x1F else None  # é\n',
    "#!/bin/sh\nfor a in \"$HOME\"/*.txt; do\n  grep -c 'b' $a | sort -n > /tmp/c.log && echo $((1 + 2))\ndone\n",
    "const a = async (b) => { return `x${b.c ? /d+/g : '\\u00e9'}`; } // e\n/* f */ class G extends H { #i = 1n; }\n",
    "SELECT a, count(*) AS b FROM \"c\" WHERE d > 1.5e3 AND e = 'f''g' -- h\nGROUP BY a; /* i */\n",
    "<!doctype html>\n<a href=\"b\" c='d' e>f &amp; g</a><script>let h = 1;</script><style>i > j { k: #fff }</style>\n",
    '[a."b"]\nc = [1, 2.0, 1979-05-27T07:32:00Z, "d\\te"]\n- f: {g: *h, i: !!str j}\n  k: |\n    l\n',
    'fn a<\'b>(c: &\'b mut Vec<u8>) -> Option<!> { let d = r#"e"#; match f { 0..=9 => g!("{}", h), _ => () } }\n',
    "<?php namespace A; $b = ['c' => fn($d) => $d ?? 'e']; echo \"f {$b['c']}\"; ?>\n#include <g.h>\n%h = <<~I\nj\nI\n",
    "--- a\n+++ b\n@@ -1 +1 @@\n-c\n+d\n$ ls -l\ne\n>>> f\n1\nTraceback (most recent call last):\n  G\n",
    "\\begin{a}$b^{c}_d$ % e\n\\end{a}\n# F\n\n* g **h** `i`\n\n```j\nk\n```\n{% if l %}{{ m|n('o') }}{# p #}",
    "\x00\x1c\x1f\x7f ÀÉſKıİ ﬁ 价格 😀\u2028\t\r\n\"'`\\@#$%^&*()[]{}<>?!.,;:~|+-=/_\n\n\n",
]


def same(name: str, text: str) -> None:
    plain, quick = (get_lexer_by_name(name, stripnl=False) for _ in range(2))
    assert list(quickened(quick).get_tokens(text)) == list(plain.get_tokens(text))


@pytest.mark.parametrize("name", OFTEN)
def test_the_tokens_are_those_of_pygments(name: str) -> None:
    for text in TEXTS:
        same(name, text)


@given(st.sampled_from(OFTEN), st.lists(st.sampled_from("".join(TEXTS).split(" ")), max_size=30).map(" ".join))
@settings(max_examples=150, deadline=None)
def test_so_they_are_for_any_mixture(name: str, text: str) -> None:
    same(name, text)


@pytest.mark.long
def test_so_they_are_for_all_languages_and_for_our_own_files() -> None:
    files = [
        *ROOT.glob("obverse/*.py"),
        *ROOT.glob("templates/**/*.*"),
        *ROOT.glob("*.toml"),
        *ROOT.glob("docs/**/*.md"),
    ]
    texts = [*TEXTS, *(file.read_text("utf-8")[:2_000] for file in files[::7] if file.suffix != ".png")]
    names = [names[0] for _, names, _, _ in get_all_lexers() if names]
    assert len(names) > 500
    for name in names:
        for text in texts:
            same(name, text)


@pytest.mark.long
def test_no_rule_of_any_lexer_begins_otherwise() -> None:
    for name in (names[0] for _, names, _, _ in get_all_lexers() if names):
        rules_begin_as_said(get_lexer_by_name(name))


@pytest.mark.parametrize("name", OFTEN[:8])
def test_no_rule_begins_otherwise(name: str) -> None:
    rules_begin_as_said(get_lexer_by_name(name))


def rules_begin_as_said(lexer: Any) -> None:
    for rules in getattr(lexer, "_tokens", {}).values():
        for matches, _, _ in rules:
            pattern = getattr(matches, "__self__", None)
            if isinstance(pattern, re.Pattern):
                said = firsts(pattern.pattern, pattern.flags)
                for char in ASCII - said:
                    assert not any(matches(char + more) for more in ("", char, "a", "1", " ", "=", '"', "\n")), pattern
                assert "" in said or not matches(""), pattern


@pytest.mark.parametrize(
    "pattern,flags,chars",
    [
        ("ab", 0, "a"),
        ("a*b", 0, "ab"),
        ("a+b", 0, "a"),
        ("(?:a|bc|)d", 0, "abd"),
        ("(?<!x)(?=y)a", 0, "a"),
        (r"^\ba$", re.MULTILINE, "a"),
        ("a", re.IGNORECASE, "aA"),
        ("(?i:a)|b", 0, "aAb"),
        ("[a-c]", 0, "abc"),
        ("[^\x00-y]", 0, "z{|}~\x7f\x1c\x1d\x1e\x1f"),
        (r"\d", 0, "0123456789\x1c\x1d\x1e\x1f"),
        ("é", 0, ""),
        ("[é-ü]x", 0, ""),
        ("(?>a)", 0, "a"),
        ("  a # b", re.VERBOSE, "a"),
    ],
)
def test_what_an_expression_begins_with(pattern: str, flags: int, chars: str) -> None:
    assert firsts(pattern, re.compile(pattern, flags).flags) == frozenset(chars)


@pytest.mark.parametrize("pattern", ["a*", "a?", "", "$", r"(a)?\1", "(?=a)", r"\b"])
def test_what_can_be_empty_begins_with_anything(pattern: str) -> None:
    assert firsts(pattern, re.compile(pattern).flags) == ASCII | {""}


@pytest.mark.parametrize(
    "text", ["ſ", "K", "ı", "[^ſ]", "[ſ]", "[a-ſ]", "[^é-ſ]", r"\S", r"[^\s]", r"\W", r"[^\W]", "."]
)
@pytest.mark.parametrize("flags", [0, re.IGNORECASE, re.ASCII, re.IGNORECASE | re.ASCII, re.DOTALL])
def test_what_is_not_sure_counts_as_possible(text: str, flags: int) -> None:
    pattern = re.compile(text, flags)
    assert {char for char in ASCII if pattern.match(char)} <= firsts(text, pattern.flags)


def test_a_lexer_that_walks_in_its_own_way_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "get_tokens_unprocessed" in vars(quickened(get_lexer_by_name("html")))
    for name in ("html+php", "csharp"):  # one has its own walk, the other rules of its own
        assert "get_tokens_unprocessed" not in vars(quickened(get_lexer_by_name(name)))
    monkeypatch.setattr(pygments, "__version__", "2.22.0")
    assert "get_tokens_unprocessed" not in vars(quickened(get_lexer_by_name("html")))


class Odd(RegexLexer):
    """Goes to and fro, too far too."""

    tokens: ClassVar = {
        "root": [
            ("a", pygments.token.Name, ("b", "#push")),
            ("b", pygments.token.Text, "#pop:3"),
            (" ", pygments.token.Text),
        ],
        "b": [
            ("c", pygments.token.Number, "#push"),
            ("d", pygments.token.Text, ("#pop", "#pop", "root")),
            ("", pygments.token.Text, "#pop"),
        ],
    }


@given(st.text(st.sampled_from("abcd \né"), max_size=30))
def test_states_are_left_and_come_to_as_pygments_does(text: str) -> None:
    assert list(quickened(Odd()).get_tokens(text)) == list(Odd().get_tokens(text))
