"""Front matter that is read without YAML is what YAML makes of it, value by value and place by place."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obverse.frontmatter import split
from obverse.schema import Document, Node
from obverse.yaml_document import FAST, PURE, read_yaml
from obverse.yaml_plain import LONGEST, plain_front, plain_yaml

ARTICLE = """\
# of the week
title: "Pricing: how we do it #1"
description: 'What it costs, and why?'
date: 2024-01-05T06:00:00Z
updated: 2024-02-29
expires: 2034-02-28 07:08:09 +01:00
draft: false
weight: 12
tags: [pricing, "case study", 'a, b', 2024, x-y ]
authors:
  - anna

  - "Bo 'the' Po"
category:
slug: how-we-price
image: images/desk.jpg
image_alt: A desk, “tidy” — for once; it's Anna's!
toc: no
series: null
aliases: []
extra:
"""

KEYS = ["title", "tags", "a", "y", "null", "x-y", "T2", "_"]
VALUES = [
    *(
        "word",
        "two words",
        "",
        '""',
        "''",
        '"q"',
        "'q'",
        '"a: b # c"',
        "'a, [b]'",
        '"it\'s"',
        "'say \"a\"'",
        "é",
        "漢字",
    ),
    *("true", "no", "null", "NULL", "Null", "~", "nan", "y", "2024-01-05", "2024-1-5", "0", "007", "12", "1.5"),
    *("-1", "2024-01-05 10:00", "12:30", "1_000", "0x1f", "[]", "[ ]", "[a]", "[a, b]", "[a,b]", '[ a , "b" ]'),
    *("[a", "[a, ]", "[a, [b]]", "[1, 2024-01-05]", "[null, true]", "{a: b}", "a: b", "a # c", "a #c", "a#c", "a:b"),
    *("a:", ": a", "- a", "-a", "? a", "a?", "[a?]", "!a", "a !b", "*a", "&a b", "|", ">", "@a", "`a`", "%a", '"a'),
    *("'a", '"a" b', '"a\\tb"', "'it''s'", "a\tb", "\ta", "a\u00a0b", "a\u2028b", "a\x85b", "\u202ea", "a'b"),
    *("a, b; c", "ends -", "a - b", "a…", "‘a’", "“a”", "(a)", "a/b.c+d%e&f", "1st", "e5", "a" * 60, "<<", "=", "😀"),
    *("2024-01-05T06:00:00Z", "2024-01-05t06:00:00", "2024-01-05 06:00:00", "2024-01-05 6:00:00", "2024-01-05T06:00Z"),
    *("2024-01-05T06:00:00+01:00", "2024-01-05 06:00:00 -0400", "2024-01-05 06:00:00 Z", "2024-99-99T99:99:99"),
    *("a\ufeffb", "a\x00b", "a\ufdd0b", ""),
]
BARE = ["", " ", "  ", " a ", "a", "   a"]
OTHERS = ["", "  ", "# c", "  # c", "#c: d", "-", "  -", "---", "...", "<<: a", "? a", "  a", '"k": v', "k", "\t"]
LINES = st.one_of(
    st.builds("{}: {}".format, st.sampled_from(KEYS), st.sampled_from(VALUES)),
    st.builds("{}:{}".format, st.sampled_from(KEYS), st.sampled_from(BARE)),
    st.builds("{}- {}".format, st.sampled_from(["", "  ", "    "]), st.sampled_from(VALUES)),
    st.sampled_from(OTHERS),
)
TEXTS = st.lists(LINES, max_size=7).map("\n".join)


def assert_same(text: str) -> bool:
    """Compare with both of YAML's loaders; whether it was read without them."""
    made = plain_yaml(text, 3)
    for loader in {FAST, PURE} if made else ():
        assert (made, ()) == read_yaml(text, Document.of("a.md", text), "front-matter", 3, loader), text
    return made is not None


def test_an_article_is_read_without_yaml() -> None:
    assert assert_same(ARTICLE)
    assert assert_same(ARTICLE.rstrip("\n"))


@pytest.mark.parametrize("value", VALUES)
def test_values(value: str) -> None:
    assert_same(f"k: {value}")
    assert_same(f"k:\n  - {value}\n  - a\nl: b")
    assert_same(f"k: [a, {value}, b]")


@given(TEXTS)
@settings(max_examples=1500, deadline=None)
@example("a:\n- b\n-  c\nd:\n    - e\n  \n    - f\n")
@example("a:\n  - b\n - c\n")
@example("a: b\na: c")
@example("a:\n  - b\nc")
def test_made_up_texts(text: str) -> None:
    assert_same(text)


@given(st.text(st.characters(codec="utf-8"), max_size=12), st.booleans())
@settings(max_examples=500, deadline=None)
def test_odd_characters(text: str, quoted: bool) -> None:
    assert_same(f'a: "{text}"\nb: c' if quoted else f"a: b{text}\n# {text}")


OPENINGS = st.sampled_from(["---\n", "--- \n", "+++\n", "\n---\n", "----\n"])
CLOSINGS = st.sampled_from(["\n---\n", "\n...\n", "---\n", "\n--- \n", ""])


@given(OPENINGS, TEXTS, CLOSINGS)
@settings(max_examples=300, deadline=None)
@example("---\n", "a: b", "\n---\n")
@example("---\n", "", "---\n")
@example("---\n", "a: b\n---\nc: d", "\n---\n")
def test_files(opening: str, block: str, closing: str) -> None:
    text = f"{opening}{block}{closing}body\n\n---\n"
    made = plain_front(text)
    if made is not None:
        front = split(text, "a.md")
        assert made == (front.node, front.body, front.body_line)
        assert not front.problems


def test_what_may_be_too_large_is_left_to_yaml() -> None:
    assert plain_yaml(f"a: {'b' * LONGEST}", 1) is None
    assert isinstance(plain_yaml(f"a: {'b' * (LONGEST - 3)}", 1), Node)


def test_a_usual_article_needs_no_yaml_library() -> None:
    code = (
        "import sys; from obverse.config import load; from obverse.parse import parse;"
        "page = parse('a.md', sys.argv[1].encode(), load('')[0]);"
        "print(page.matter.title, page.body, page.body_line, {'yaml', 'frontmatter'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"---\n{ARTICLE}---\nB"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"Pricing: how we do it #1 B {ARTICLE.count(chr(10)) + 3} set()\n"
