"""What makes the default engine fast changes none of its bytes: it is compared with the same engine left unguarded.

The long variant reads real files: `OBVERSE_MARKDOWN_CORPUS=folder:folder pytest -m long tests/engine/test_guards.py`.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from typing import Any
from xml.etree.ElementTree import Element

import markdown
import pygments
import pymdownx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor, Pattern
from markdown.treeprocessors import InlineProcessor as Walk

from benchmarks.markdown import bodies
from obverse.markup import MarkupOptions, colours, engine, guards, render, tree
from obverse.markup.fences import Fence
from obverse.markup.tested import known
from obverse.markup.tree import unreserved
from tests.engine.structure import cases

CASES = [text for _, text in cases("github.txt")] + [
    text.split("\n---->\n")[0].rstrip("\n") for _, text in cases("own.txt")
]
PIECES = st.sampled_from(
    [
        *("*", "**", "***", "_", "__", "~~", "^^", "==", "++", "`", "``", "\\", "[", "]", "![", "](", ")", "<", ">"),
        *("a", "b c", " ", "  \n", "\\\n", "\n", "\n\n", "# ", "- ", "1. ", "> ", "    ", "&", "!", "'", '"', ":"),
        *("[a]: /x\n\n", "[^1]", "\n\n[^1]: note", "*[ab]: AB\n\n", "ab", "<b>", "</b>", "<https://a.b/c>"),
        *("https://a.b/c_d_e", "www.a.bc", "a@b.cd", "<a@b.cd>", "&amp;", "&#42;", "++ctrl+c++", "[x] "),
        *("{: .c }", "{#i}", "{", "}", "| a | b |\n|---|:-:|\n| c | d |", "<div>\n", "</div>\n\n", "\t"),
        *("```py\nx = 1\n```\n", "!!! note\n    a\n", '=== "t"\n    b\n', "> [!NOTE]\n> c\n"),
        *("é", "“", "”", "。", "\u200b", "\x02", "\x03", "\x02klzzwxh:0001\x03", "\x0242\x03"),
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)


@functools.cache
def converters() -> tuple[Markdown, Markdown]:
    """The engine as it is used, and the same without what makes it fast."""
    return engine.converter(()), engine.converter((), guarded=False)


def both(text: str) -> tuple[str, str]:
    """What the two make of a text."""
    guarded, unguarded = (one.reset().convert(unreserved(text)) for one in converters())
    return guarded, unguarded


def assert_same(text: str) -> None:
    guarded, unguarded = both(text)
    assert guarded == unguarded, text


def test_there_is_something_to_compare() -> None:
    guarded, unguarded = converters()
    assert type(unguarded.treeprocessors["inline"]) is Walk
    assert type(guarded.treeprocessors["inline"]) is guards.GuardedWalk


@pytest.mark.parametrize("text", CASES)
def test_constructs(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize("step", [1, 5, 17])
def test_constructs_in_each_other(step: int) -> None:
    for first, second in zip(CASES, CASES[step:], strict=False):
        assert_same(f"{first}\n\n{second}")
        assert_same(f"- {second}\n\n> {first}\n")
        assert_same(f"{first}[x](y) *{second}")


@given(TEXTS)
@settings(max_examples=400, deadline=None)
@example("*a [b](c) _d `e` f_ g* h")
@example("[a ![b *c*](d) **e**](f) <b>*g*</b>")
@example("# a `b` *c*\n\n*[c]: d\n\n- *e*\n  f **g *h* i** j\n\n| *k* |\n|---|\n| **l `m` n** |")
def test_made_up_texts(text: str) -> None:
    assert_same(text)


@given(st.text(st.sampled_from(list("ab1 \n\t*_`~#>-+=|[](){}<>!\\/:.&;\"'^@")), max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_characters(text: str) -> None:
    assert_same(text)


@pytest.mark.long
def test_real_files() -> None:
    folders = os.environ.get("OBVERSE_MARKDOWN_CORPUS", "")
    if not folders:
        pytest.skip("OBVERSE_MARKDOWN_CORPUS names no folders")
    count = 0
    for body in bodies(folders.split(os.pathsep)):
        assert_same(body)
        count += 1
    assert count


@pytest.mark.parametrize("expression", guards.TRIGGERS, ids=range(len(guards.TRIGGERS)))
@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
def test_no_expression_matches_without_its_trigger(expression: str, text: str) -> None:
    for trigger in guards.TRIGGERS[expression]:
        text = text.replace(trigger, trigger[0] if len(trigger) > 1 else "")
    if not any(trigger in text for trigger in guards.TRIGGERS[expression]):
        assert re.compile(expression, re.DOTALL).search(text) is None


def test_every_pattern_in_use_has_a_trigger() -> None:
    patterns = converters()[0].inlinePatterns
    assert {one.getCompiledRegExp().pattern for one in patterns} == set(guards.TRIGGERS)


@pytest.mark.parametrize("version", ["3.10.9", "3.12", "4.0.1rc2"])
def test_another_version_of_markdown_goes_its_own_way(version: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(markdown, "__version__", version)
    made = engine.converter(())
    assert type(made.treeprocessors["inline"]) is Walk
    assert made.convert("*a*") == "<p><em>a</em></p>"


@pytest.mark.parametrize(
    "library,version", [(pymdownx, "11.9"), (pymdownx, "13.0"), (pygments, "2.20.0"), (pygments, "3")]
)
def test_another_version_colours_code_itself(library: Any, version: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(library, "__version__", version)
    monkeypatch.setattr(tree, "coloured", lambda *_: pytest.fail("ours was asked"))
    assert '<span class="n">x</span>' in engine.converter(()).convert("```py\nx\n```")


def test_versions_that_were_compared() -> None:
    assert all(known(one) for one in (markdown, pymdownx, pygments)), "compare the new version, then extend TESTED"


INFOS = [
    *("", "py", "PY", "text", "nosuch", "js {1,3}", "{2}", 'py title="a <b> &"', "html hl_lines=1", "console", "c++"),
    *("js:app.js", "python linenums=3", "sh showLineNumbers", "yaml {1-99}", "jinja", "{.ruby title=' x '}"),
]
WORDS = ["a", "def f(x):", "\n", "\n\n", "  ", "<b>", "&amp;", '"s', "'", "# c", "é", "\ufeff", "\t", "/*", "{", "$ ls"]
SOURCES = st.lists(st.sampled_from(WORDS), max_size=20).map("".join)


@given(st.sampled_from(INFOS), SOURCES)
@settings(max_examples=400, deadline=None)
@example("", "\ufeffa")
@example("py", "x = 1\n\n")
def test_code_is_coloured_as_by_the_library(info: str, source: str) -> None:
    assert_same(f"~~~ {info}\n{source}\n~~~\n")


def test_blocks_are_coloured_once_and_forgotten_in_time() -> None:
    colours._kept.cache_clear()
    for number in range(colours.KEPT + 9):
        for _ in range(2):
            colours.coloured(f"x = {number}\n", Fence("py"))
    colours.coloured("x" * colours.LONGEST + "\n", Fence("py"))
    held = colours._kept.cache_info()
    assert (held.hits, held.misses, held.currsize) == (colours.KEPT + 9, colours.KEPT + 9, colours.KEPT)


def test_plain_code_needs_no_library() -> None:
    code = (
        "import sys; from obverse.markup.colours import coloured; from obverse.markup.fences import Fence;"
        "print(coloured('a < b\\n', Fence()), {'pygments', 'markdown', 'pymdownx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == '<div class="highlight"><pre><span></span><code>a &lt; b\n</code></pre></div> set()\n'


class _Shouts(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: N802
        element = Element("b")
        element.text = m[1].upper()
        return element, m.start(), m.end()


class _Shouting(Extension):
    """A site's own pattern, whose expression nobody here knows."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.inlinePatterns.register(_Shouts(r"%(\w+)%"), "shouts", 55)


class _Old(Pattern):
    """A pattern of the library's older kind, which matches a whole text."""

    def handleMatch(self, m: re.Match[str]) -> Element:  # noqa: N802
        element = Element("i")
        element.text = m[2]
        return element


class _Elder(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.inlinePatterns.register(_Old(r"%%([^%]+)%%"), "old", 72)


# What a site's hook may well add.
ADDED: tuple[object, ...] = (
    *("markdown.extensions.smarty", "markdown.extensions.toc", "markdown.extensions.wikilinks", "pymdownx.magiclink"),
    *("pymdownx.arithmatex", "pymdownx.critic", "pymdownx.smartsymbols", "pymdownx.mark", "pymdownx.escapeall"),
)


@functools.cache
def extended() -> tuple[Markdown, Markdown]:
    """Both, with extensions of a site's own."""
    first = engine.converter((*ADDED, _Shouting(), _Elder()))
    return first, engine.converter((*ADDED, _Shouting(), _Elder()), guarded=False)


@given(st.lists(PIECES | st.sampled_from(["%a%", "%%b *c*%%", "[[w]]", "$x$", "{++y++}", "(c)", "#1", "--"])))
@settings(max_examples=200, deadline=None)
@example(CASES[:60])
@example(CASES[60:])
@example(["*a %b% %%c %d%%%*", "\n\n", "%e%"])
def test_with_extensions_of_a_site(pieces: list[str]) -> None:
    text = "".join(pieces)
    guarded, unguarded = (one.reset().convert(unreserved(text)) for one in extended())
    assert guarded == unguarded, text


def test_nothing_of_a_text_is_kept() -> None:
    render("Some *secret*\n\n`code`\n\n```py\nx\n```\n", MarkupOptions())
    kept = engine._kept(())
    assert not kept.htmlStash.rawHtmlBlocks
    walk: Any = kept.treeprocessors["inline"]
    assert not walk.stashed_nodes
    assert not len(kept.parser.root)
    builder: Any = kept.parser.blockprocessors["obverse"]
    assert (builder.source, builder.literals, builder._groups) == ("", [], [])


def test_a_pattern_of_a_hook_is_tried_on_every_text() -> None:
    made = render("plain %loud% *and %loud%*\n\n- %loud%", MarkupOptions(extensions=(_Shouting(),)))
    assert made.count("<b>LOUD</b>") == 3
