"""How lines become blocks: kinds, extents, and what a block holds."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obverse.markup import lines
from obverse.markup.blocks import (
    Block,
    Code,
    Definitions,
    Foreign,
    Heading,
    Html,
    Item,
    List,
    Note,
    Quote,
    Reference,
    Rule,
    Table,
    Text,
    Wrapped,
)
from obverse.markup.normalise import read

MARKS = ["", "  ", "    ", "\t", "> ", "- ", "1. ", "   ", "* ", ">", "- - ", ": ", "10) "]
PIECES = [
    *("", "a", "# b", "```", "~~~ x", "---", "===", "| a |", "|---|", "<div>", "</div>", "<!--", "[a]: b", "[^1]: c"),
    *("!!! note", "??? x", '=== "t"', "/// note", "///", '<div markdown="1">', "*[A]: b", ": c", "- ", "é\u3000"),
]
LINES = st.lists(st.tuples(st.sampled_from(MARKS), st.sampled_from(PIECES)).map("".join), max_size=12).map("\n".join)


def test_blocks_know_their_lines() -> None:
    text = "# a\n\nb\nc\n\n- d\n\n  e\n- f\n\n```\ng\n```\n> h\n\n| i |\n|---|\n| j |\n\n---\n    k"
    kinds = [(type(one), one.start, one.end) for one in read(text)]
    assert kinds == [
        *((Heading, 0, 0), (Text, 2, 3), (List, 5, 8), (Code, 10, 12), (Quote, 13, 13)),
        *((Table, 15, 17), (Rule, 19, 19), (Code, 20, 20)),
    ]


def test_a_list_holds_its_items() -> None:
    [found] = read("3) a\n   - b\n4) c")
    assert isinstance(found, List)
    assert (found.first, found.marker, found.tight(), len(found.items)) == (3, ")", True, 2)
    assert found.items[0].children == [Text(0, 0, "a"), List(1, 1, "-", None, [Item(1, 1, [Text(1, 1, "b")])])]


@pytest.mark.parametrize(
    "text,tight",
    [
        ("- a\n- b", True),
        ("- a\n\n- b", False),
        ("- a\n\n  b", False),
        ("- a\n  ```\n\n  ```\n- b", True),
        ("- a\n  - b\n\n    c\n- d", True),
        ("- a\n\n\nb", True),
        ("- a\n\n  [r]: x", True),
        ("- a\n\n  [r]: x\n- b", False),
        ("- > a\n  >\n  > b\n- c", True),
    ],
)
def test_looseness(text: str, tight: bool) -> None:
    [found] = read(text)[:1]
    assert isinstance(found, List)
    assert found.tight() is tight


def test_code_is_kept_as_it_is_written() -> None:
    assert read("```a b\n\tx\n\n y\n```") == [Code(0, 4, "a b", "\tx\n\n y")]
    assert read("- ```\n  \tx\n  ```") == [List(0, 2, "-", None, [Item(0, 2, [Code(0, 2, "", "\tx")])])]
    assert read("\tx\n\n\t\ty\n\n") == [Code(0, 2, None, "x\n\n\ty")]
    assert read("> ~~~\n> a\nb") == [Quote(0, 1, [Code(0, 1, "", "a")]), Text(2, 2, "b")]


def test_a_tab_reaches_to_the_next_stop() -> None:
    assert lines.indent("\ta") == lines.indent("  \ta") == lines.indent("    a") == 4
    assert lines.indent("\ta", 2) == 2
    assert lines.cut("\ta", 0, 2) == "  a"
    assert lines.cut("  \t\ta", 0, 4) == "\ta"
    assert lines.cut("  a", 0, 4) == "a"


def test_html_ends_where_its_kind_ends() -> None:
    assert read("<div>\na\n\nb") == [Html(0, 1, "<div>\na"), Text(3, 3, "b")]
    assert read("<pre>\n\na</pre>\nb") == [Html(0, 2, "<pre>\n\na</pre>"), Text(3, 3, "b")]
    assert read("<!-- a\n\n--> b\nc") == [Html(0, 2, "<!-- a\n\n--> b"), Text(3, 3, "c")]
    assert read("a\n<span>") == [Text(0, 1, "a\n<span>")]


def test_markdown_within_html() -> None:
    assert read('<div class="a b" id=c markdown="1">\n# d\n</div>\ne') == [
        Wrapped(0, 2, "div", [("class", "a b"), ("id", "c")], False, [Heading(1, 1, 1, "d")]),
        Text(3, 3, "e"),
    ]
    assert read('<td markdown="1">*a*</td>') == [Wrapped(0, 0, "td", [], True, [Text(0, 0, "*a*")])]
    assert read('<div markdown="1">\n```\n</div>\n```\n</div>') == [
        Wrapped(0, 4, "div", [], False, [Code(1, 3, "", "</div>")])
    ]
    assert read('- <div markdown="1">\n  a\n  </div>\n- b')[0].end == 3


def test_what_only_extensions_know_stays_text() -> None:
    assert read('!!! note "a"\n    b\nc') == [Foreign(0, 1, '!!! note "a"', "", [Text(1, 1, "b")]), Text(2, 2, "c")]
    assert read("!!! Wow\nc") == [Text(0, 1, "!!! Wow\nc")]
    assert read("/// a | b\nc\n///\nd") == [Foreign(0, 2, "/// a | b", "///", [Text(1, 1, "c")]), Text(3, 3, "d")]
    assert read("/// a\nb") == [Text(0, 1, "/// a\nb")]
    assert read("[^a]: b\n    c\n\nd") == [Note(0, 1, "a", [Text(0, 1, "b\nc")]), Text(3, 3, "d")]


def test_definitions() -> None:
    assert read("a\n: b\n\nc\nd\n:   e\n: f") == [
        Definitions(
            0,
            6,
            [
                (["a"], [(Item(1, 1, [Text(1, 1, "b")]), False)]),
                (["c", "d"], [(Item(5, 5, [Text(5, 5, "e")]), False), (Item(6, 6, [Text(6, 6, "f")]), False)]),
            ],
        )
    ]
    assert read(": a") == [Text(0, 0, ": a")]
    assert read("# a\n: b") == [Heading(0, 0, 1, "a"), Text(1, 1, ": b")]


def test_references() -> None:
    assert read("[a]: <b c> 'd'\n[e]:\n  f\ng") == [
        Reference(0, 0, "a", "b c", "d"),
        Reference(1, 2, "e", "f", ""),
        Text(3, 3, "g"),
    ]
    assert read('[a]: b "c" d') == [Text(0, 0, '[a]: b "c" d')]
    assert read("[a]: b\n'c") == [Reference(0, 0, "a", "b", ""), Text(1, 1, "'c")]


@pytest.mark.parametrize(
    "row,wanted",
    [
        ("| a | b |", ["a", "b"]),
        ("a|b", ["a", "b"]),
        ("| a \\| b |", ["a | b"]),
        ("|", [""]),
        ("| a \\|", ["a |"]),
        ("||", [""]),
        ("| `a\\|b` | |", ["`a|b`", ""]),
    ],
)
def test_cells(row: str, wanted: list[str]) -> None:
    assert lines.cells(row) == wanted


@settings(max_examples=400, deadline=None)
@given(LINES | st.text(max_size=300))
def test_any_text_is_read_and_blocks_stay_in_order(text: str) -> None:
    last = text.count("\n")
    _ordered(read(text), 0, last)


def _ordered(blocks: list[Block], first: int, last: int) -> None:
    past = first
    for block in blocks:
        assert past <= block.start <= max(block.start, block.end) <= last
        past = block.start
        for children in _held(block):
            _ordered(children, block.start, last)


def _held(block: Block) -> list[list[Block]]:
    if isinstance(block, List):
        return [item.children for item in block.items]
    if isinstance(block, Definitions):
        return [item.children for _, items in block.groups for item, _ in items]
    return [block.children] if isinstance(block, Quote | Note | Wrapped | Foreign) else []


@pytest.mark.parametrize("text", ["> " * 500, "- " * 500, "".join("  " * n + "- a\n" for n in range(300)), "1. " * 500])
def test_deep_nesting_is_cut_off(text: str) -> None:
    def depth(blocks: list[Block]) -> int:
        return max((1 + depth(children) for block in blocks for children in _held(block)), default=0)

    assert depth(read(text + "a")) == 40


def test_reading_a_long_text_is_quick() -> None:
    text = "# a\n\n" + "Some prose that goes on for a line.\n" * 4_000 + "- a\n  - b\n\n    c\n" * 2_000
    begun = time.process_time()
    read(text)
    assert time.process_time() - begun < 1.0


def test_no_expression_holds_a_possessive_group() -> None:
    # Python 3.11.2 matches some of them wrongly; the same text must give the same site on every Python.
    package = Path(lines.__file__).parent
    for file in [*sorted(package.glob("*.py")), package.parent / "survey.py"]:
        assert not re.search(r"[^\\\[]\)(?:[*+?]|\{[\d,]+\})\+(?![\"'])", file.read_text(encoding="utf-8")), file
