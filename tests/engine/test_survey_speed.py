"""The short cuts of survey: each says what the long way says, on every text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from obverse import survey
from obverse.markup import MarkupOptions, depth, places, policy, prose, render, tags

TEXTS = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "B",
                "é",
                "漢",
                "か",
                "_",
                "1",
                " ",
                "  ",
                "\n",
                "\n\n",
                "\t",
                "\x1c",
                "\x85",
                "\u3000",
                "-",
                "--",
                "…",
            ),
            *("`", "``", "\\", "\\`", "&amp;", "<b>", "</b>", "<pre>", "</pre>", "<PRE x>", '<div class="footnote">'),
            *("<!-- c -->", '<a href="x">', "<a title='>'>", '<td class="left">', "</td>", "<h2>", "</h2 >", "<", ">"),
            *(
                "<Table>",
                "</TABLE>",
                "</title>",
                "<br />",
                "<hr/>",
                '"',
                "'",
                "\u202e",
                "\u2069",
                "\x00",
                "\ufffe",
                "\ud800",
            ),
            *("\U0010f400", "\U0010f4ff", "\U0010f500", "> ", "- ", "1. ", ">" * 41, "- " * 41, "—", "ſ", "<ſtyle>"),
        ]
    ),
    max_size=40,
).map("".join)


def counted(html: str) -> int:
    """Words, one by one."""
    text = re.sub(
        r"(?s)<!--.*?(?:-->|\Z)|</?[a-zA-Z!?](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", "", prose._UNREAD.sub(" ", html)
    )
    halves = len(prose._cjk().findall(text))
    running = prose._cjk().sub(" ", text).split()
    return sum(bool(re.search(r"\w", word)) for word in running) + (halves + 1) // 2


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_words_are_tokens_with_a_letter(text: str) -> None:
    assert prose.words(text) == counted(text)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_an_ordinary_text_has_nothing_to_be_told_of(text: str) -> None:
    odd = survey._ILLEGAL.search(text) or survey._BIDI.search(text)
    assert survey._ordinary(text) is (odd is None)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_deep_line_is_never_overlooked(text: str) -> None:
    assert depth.maybe_deep(text) or not survey._DEEP.search(text)


SIGNS = (
    *(
        "[",
        "see ",
        " ",
        "](y.md)",
        "https://x.com",
        "www.q.org",
        "a@b.com",
        "![a](b.png)",
        "[r]",
        "\n[r]: http://r.org\n",
    ),
    *("\n", "\n\n", "> ", "- ", "| |x|\n|-|-|\n|1|2|\n", "&#65;", "&#1;", "[^1]", "\n[^1]: note https://n.org\n"),
    *("<b>", "*x*", "`c`", "# H [l](m.md)\n", "~~s~~", "term\n: def\n", "\\["),
)


@given(st.lists(st.sampled_from(SIGNS), max_size=14).map("".join), st.sampled_from(["markdown", "commonmark"]))
@example("[\n[r]: http://r.org\n](y.md)", "commonmark")
@settings(max_examples=400, deadline=None)
def test_what_a_text_shows_no_sign_of_need_not_be_mended(text: str, engine: str) -> None:
    options = MarkupOptions(engine)
    html = render(text, options)
    assert survey._mended(html, text, options) == survey._mended(html, "<|&", options)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_simple_code_spans_are_code_spans(text: str) -> None:
    simple = places._without_simple_spans(text)
    assert simple is None or simple == places._blank(text, sorted(places._spans(text)))


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_passing_over_plain_tags_changes_no_other(text: str) -> None:
    """All tags are read one after the other; those passed over have no attribute but a class, and are no table's."""
    pattern = tags.TAG.pattern.replace(f"(?!{tags._PLAIN})", "")
    assert pattern != tags.TAG.pattern
    every = {one.start(): one for one in re.compile(pattern, tags.TAG.flags).finditer(text)}
    found = {one.start(): one.group() for one in tags.TAG.finditer(text)}
    assert found == {at: every[at].group() for at in found}
    for at in every.keys() - found.keys():
        name = (every[at]["name"] or "").lower()
        assert [one.name for one in tags.attributes(every[at]["attributes"] or "")] in ([], ["class"])
        assert name not in ("h1", "h2", "h3", "h4", "h5", "h6", "table", "img", "input", "title") or every[at]["close"]
        assert name != "table"


@pytest.mark.parametrize("text", ["javascript", "data", "vbscript", "data/a", "javascript.md"])
def test_a_page_may_be_called_like_a_scheme(text: str) -> None:
    assert policy.scheme(text) is None
    assert policy.scheme(f" {text}:x") is not None or "/" in text or "." in text
