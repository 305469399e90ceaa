"""What survey finds in a body: parts, facts, problems with their places, and records of them."""

from __future__ import annotations

import marshal
import re
import time
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

from obverse.facts import Call, Heading, Image, Link, Part, Place, Survey
from obverse.markup import MarkupOptions, render
from obverse.markup.cutter import cut, cut_unseen
from obverse.markup.places import Source, mask
from obverse.problems import Problem
from obverse.survey import (
    facts_from_record,
    parts_from_record,
    places,
    places_from_record,
    places_record,
    survey,
    survey_record,
)

ONLY = "only text, numbers, true, false, none and lists may stand here"
STYLES = "the site's policy allows no inline styles"
NAMES = frozenset({"cta", "form", "figure", "quote", "articles"})
PIECES = [
    *("# a\n", "## b\n\n", "text ", "\n\n", "[a](b.md)", "![](c.png)", "<img src=d>", "`", "```\n", "{{ cta(", '"x"'),
    *(") }}", "<script>", "</script>", "<style>", "<a href='e' onclick=f style='g'>", "</a>", "| a |\n|---|\n"),
    *("- [ ] h\n", "> ", "<table>", "</table>", "<h2 id=i>", "</h2>", "<!--", "-->", "<p id='j'>", "\x00", "\u202e"),
    *("&#0;", "é", "😀"),
]


RUNNING = ["markdown"]


@pytest.fixture(scope="module", params=["markdown", "commonmark"], autouse=True)
def engine(request: pytest.FixtureRequest) -> str:
    """Whatever engine runs, survey finds the same."""
    RUNNING[0] = request.param
    return RUNNING[0]


def options() -> MarkupOptions:
    return MarkupOptions(RUNNING[0])


def surveyed(body: str, line: int = 1) -> Survey:
    return survey(body, line, "content/a.md", options(), NAMES)


def parts(body: str) -> tuple[Part, ...]:
    return surveyed(body).parts


def placed(body: str, line: int = 1) -> tuple[Place, ...]:
    return places(body, line, "content/a.md", options(), NAMES)


def told(body: str) -> list[str]:
    problems = surveyed(body, 10).facts.problems
    return [f"{one.line}:{one.column} {one.level} {one.code}: {one.message}" for one in problems]


def only(body: str, kind: type) -> list[Part]:
    return [one for one in parts(body) if isinstance(one, kind)]


def test_html_is_cut_at_what_depends_on_the_site() -> None:
    body = 'See [plans](pricing.md#plans "All") and ![A desk](desk.jpg).'
    assert parts(body) == (
        '<p>See <a href="',
        Link("a", "href", "pricing.md#plans"),
        '" title="All">plans</a> and ',
        Image("desk.jpg", "A desk", ()),
        ".</p>",
    )
    assert placed(body) == (Place(1, 13, body), Place(1, 51, body))


@pytest.mark.parametrize(
    "html,slots",
    [
        ('<a href="a.md">x</a>', [("a", "href", "a.md")]),
        ("<A HREF=a.md>x</A>", [("a", "href", "a.md")]),
        ("<a title='\"' href='a.md?b&amp;c'>x</a>", [("a", "href", "a.md?b&c")]),
        ("<video poster=a.jpg src=b.mp4></video>", [("video", "poster", "a.jpg"), ("video", "src", "b.mp4")]),
        ("<audio><source src=a.mp3><track src=b.vtt></audio>", [("source", "src", "a.mp3"), ("track", "src", "b.vtt")]),
        ('<form action="/x"></form>', [("form", "action", "/x")]),
        ('<map><area href="a.md"></map>', [("area", "href", "a.md")]),
        ('<svg><use href="a.svg#b"/></svg>', [("use", "href", "a.svg#b")]),
        ("<pre><a href=a.md>x</a></pre>", [("a", "href", "a.md")]),
        ("<!-- <a href=a.md> -->", []),
        ("<textarea><a href=a.md></textarea>", []),
        ("`<a href=a.md>`", []),
        ("    <a href=a.md>", []),
    ],
)
def test_places_in_raw_html(html: str, slots: list[tuple[str, str, str]]) -> None:
    found = [one for one in parts(f"<div>\n{html}\n</div>" if html[0] == "<" else html) if isinstance(one, Link)]
    assert [(one.tag, one.attribute, one.destination) for one in found] == slots


def test_an_image_in_html_keeps_its_attributes() -> None:
    [found] = only('<img class="wide" src="a.png" alt="" width=300 hidden align="right">', Image)
    assert isinstance(found, Image)
    assert (found.source, found.alt) == ("a.png", "")
    assert found.attributes == (("width", "300"), ("hidden", None), ("class", "wide right"))


@pytest.mark.parametrize(
    "body,written",
    [
        ("[a](x.md) [b](x.md)", [(1, 5), (1, 15)]),
        ("`[a](x.md)`\n\n[a](x.md)", [(3, 5)]),
        ("```\n[a](x.md)\n```\n[a](x.md)", [(4, 5)]),
        ("[a][r]\n\n[b](y.md)\n\n[r]: x.md", [(5, 6), (3, 5)]),
        ("[r], [r]\n\n[r]: x.md", [(3, 6), (3, 6)]),
        ("<https://a.example/b>", [(1, 2)]),
        ("See https://a.example/b.", [(1, 5)]),
        ("www.example.com", [(1, 1)]),
        ("a@example.com", [(1, 1)]),
        ('<a href="x.md">a</a>', [(1, 10)]),
        ("xx.md [a](x.md)", [(1, 11)]),
        ("[a](x.md?a&b)", [(1, 5)]),
        ("[a](<x y.md>)", [(1, 6)]),
        ("- a\n\n  > [b](x.md)", [(3, 9)]),
        ("| [a](x.md) |\n|---|\n| [b](x.md) |", [(1, 7), (3, 7)]),
    ],
)
def test_links_are_found_where_they_are_written(body: str, written: list[tuple[int, int]]) -> None:
    assert [(one.line, one.column) for one in placed(body)] == written


def test_lines_are_those_of_the_file() -> None:
    assert placed("a\n\n[b](c.md)", 7) == (Place(9, 5, "[b](c.md)"),)


def test_a_first_heading_is_the_title() -> None:
    found = surveyed("# All *about* `it` [now](x.md) &amp; then\n\nText\n\n# Again")
    assert found.facts.title == "All about it now & then"
    assert "".join(one for one in found.parts if isinstance(one, str)).count("<h1") == 1
    assert surveyed("Text\n\n# Late").facts.title == ""
    assert surveyed("<!-- a -->\n\n# Title").facts.title == "Title"
    assert surveyed("# ![only a picture](a.png)").facts.title == ""


def test_headings() -> None:
    body = "## What's *new*[^1] in `2.0`?\n\n### A [link](a.md)\n\n## Same\n\n## Same\n"
    body += "\n[^1]: x"
    assert surveyed(body, 3).facts.headings == (
        Heading(2, "whats-new-in-20", "What's new in 2.0?", "What's <em>new</em> in <code>2.0</code>?"),
        Heading(3, "a-link", "A link", "A link"),
        Heading(2, "same", "Same", "Same"),
        Heading(2, "same-1", "Same", "Same"),
    )


def test_ids_and_asides_in_the_default_engines_dialect(engine: str) -> None:
    if engine != "markdown":
        assert [one.text for one in surveyed("## Own {#plans}").facts.headings] == ["Own {#plans}"]
        return
    found = surveyed("# T {#top}\n\nText {#no}\n\n## Own {#plans}").facts
    assert (found.title, found.headings) == ("T", (Heading(2, "plans", "Own", "Own"),))
    assert told("## a {#x}\n\n<p id=x>b</p>") == ["12:4 error duplicate-id: the id 'x' is used twice"]
    assert surveyed("!!! note\n    x\n\nText").facts.excerpt == "Text"
    assert surveyed("a `b c` [d](e f.md)").facts.words == 4


def test_lines_of_headings_of_every_kind() -> None:
    body = "A\n===\n\n> ## b\n\n- ## c\n\n```\n## no\n```\n\nD\n---\n\n<h2>e</h2>\n\n## b"
    source = Source(body, 1)
    assert [one.text for one in surveyed(body).facts.headings] == ["b", "c", "D", "e", "b"]
    assert [source.heading(2).line for _ in range(5)] == [4, 6, 12, 15, 17]


def test_an_id_of_the_writers_own_is_never_taken() -> None:
    found = surveyed("## Plans\n\n<p id='plans'>x</p>\n\n<a name='old'></a>").facts
    assert [one.id for one in found.headings] == ["plans-1"]
    assert found.ids == ("old", "plans", "plans-1")
    assert not found.problems


@pytest.mark.parametrize(
    "body,wanted",
    [
        ("# T\n\nFirst *para* &amp; `code`[^1].\n\nSecond\n\n[^1]: x", "First para & code."),
        ("> quote\n\n- item\n\n| t |\n|---|\n\n> [!NOTE]\n> x\n\nText", "Text"),
        ("<div>\n\nin a div\n\n</div>", "in a div"),
        ("![](a.png)\n\n{{ cta() }}\n\nText", "Text"),
        ("> only a quote", ""),
        ("a\nb  \nc", "a b c"),
    ],
)
def test_excerpt(body: str, wanted: str) -> None:
    assert surveyed(body).facts.excerpt == wanted


@pytest.mark.parametrize(
    "body,count",
    [
        ("One two, three - four.", 4),
        ("It's a well-known fact", 4),
        ("```\nnot counted\n```\n\ncounted", 1),
        ("a `b c` [d](<e f.md>)", 4),
        ("价格和计划", 3),
        ("a 价格", 2),
        ("a[^1]\n\n[^1]: not counted", 1),
        ("", 0),
    ],
)
def test_words(body: str, count: int) -> None:
    assert surveyed(body).facts.words == count


def test_tables_can_be_reached_and_have_names() -> None:
    text = "| a |\n|---|\n"
    html = "".join(one for one in parts(f"{text}\n## Plans\n\n{text}\nx\n\n{text}") if isinstance(one, str))
    region = '<div class="table" role="region" tabindex="0" aria-label="{}"><table>'
    assert [html.count(region.format(name)) for name in ("Table", "Plans", "Plans 2")] == [1, 1, 1]
    assert html.count("</table></div>") == 3
    [captioned] = parts("<table>\n<caption>A &amp; <b>B</b></caption>\n<tr><td><table></table></td></tr>\n</table>")
    assert isinstance(captioned, str)
    assert captioned.startswith(region.format("A &amp; B"))
    assert captioned.count("<div") == 1


def test_boxes_of_tasks_have_names() -> None:
    [html] = parts("- [ ] call **Ann**\n  - [x] mail\n- [ ] \n")
    assert isinstance(html, str)
    assert '<input type="checkbox" disabled aria-label="call Ann"> call <strong>Ann</strong>' in html
    assert '<input type="checkbox" disabled checked aria-label="mail">' in html


# -- calls


def test_calls_become_slots() -> None:
    body = 'a {{ cta("x") }} b\n\n{{ figure("a.jpg", caption=\'It\\\'s\', n=-1.5, on=true, off=None, l=[1, ["b"]]) }}\n'
    assert parts(body) == (
        "<p>a ",
        Call("cta", ("x",), (), False),
        " b</p>\n",
        Call(
            "figure",
            ("a.jpg",),
            (("caption", "It's"), ("n", -1.5), ("on", True), ("off", None), ("l", [1, ["b"]])),
            True,
        ),
    )
    assert placed(body) == (Place(1, 3, 'a {{ cta("x") }} b'), Place(3, 1, body.split("\n")[2]))


@pytest.mark.parametrize(
    "body,blocks",
    [
        ("{{ cta() }}", [True]),
        ("{{cta()}}", [True]),
        ("{{ cta() }}\n{{ form('a') }}", [True, True]),
        ("{{ cta(\n  'a',\n  b='c'\n) }}", [True]),
        ("- {{ cta() }}", [False]),
        ("- {{ cta() }}\n\n  b", [True]),
        ("## {{ cta() }}", [False]),
        ("{{ cta('}}', \"{{ cta() }}\") }}", [True]),
        ("**{{ cta() }}**", [False]),
        ("| {{ cta() }} |\n|---|", [False]),
        ("> {{ cta() }}", [True]),
    ],
)
def test_calls_wherever_they_stand(body: str, blocks: list[bool]) -> None:
    assert [one.block for one in only(body, Call) if isinstance(one, Call)] == blocks
    assert not surveyed(body).facts.problems


@pytest.mark.parametrize(
    "body",
    [
        "`{{ cta() }}`",
        "```\n{{ cta() }}\n```",
        "    {{ cta() }}",
        "- a\n\n      {{ cta() }}",
        "<!-- {{ cta() }} -->",
        '<p title="{{ cta() }}">x</p>',
        "<pre>\n{{ cta('a') }}\n</pre>",
        "<code>{{ cta(1) }}</code>",
        "{{ cta }}",
        "{{ page.title }}",
        "{% cta() %}",
        "{{ cta() | upper }}",
        "{{ other() }}",
        "{{ cta(a\n\nb) }}",
        "{{ cta() }",
    ],
)
def test_anything_else_is_text(body: str) -> None:
    assert not only(body, Call)
    shown = "".join(one for one in parts(body) if isinstance(one, str))
    assert "\U0010f400" not in shown
    assert "{" in shown
    assert not surveyed(body).facts.problems


def test_a_call_in_an_address_is_the_writers_text() -> None:
    [link] = only('[a]({{cta("x")}})', Link)
    assert isinstance(link, Link)
    assert link.destination == '{{cta("x")}}'


def test_a_name_nearly_right_is_told() -> None:
    assert told("a {{ ctaa() }}") == ["10:3 warning component-unknown: there is no component 'ctaa'"]
    assert surveyed("{{ forms() }}").facts.problems[0].hint == "did you mean 'form'?"
    assert parts("{{ forms(<b>) }}") == ("<p>{{ forms(&lt;b&gt;) }}</p>",)


@pytest.mark.parametrize(
    "body,wanted",
    [
        ("{{ cta(pricing) }}", "10:8 error component-arguments: cta: 'pricing' is not a value; text stands in quotes"),
        ("é {{ cta('é', b=x) }}", "10:17 error component-arguments: cta: 'x' is not a value; text stands in quotes"),
        ("{{ cta(“a”) }}", "10:8 error component-arguments: cta: text stands in straight quotes, not curly ones"),
        ("{{ cta('a' 'b', ) c) }}", "10:8 error component-arguments: cta: the arguments cannot be read"),
        ("{{ cta(\n 'a',\n b\n) }}", "12:2 error component-arguments: cta: 'b' is not a value; text stands in quotes"),
        ("{{ cta(1 + 1) }}", f"10:8 error component-arguments: cta: {ONLY}"),
        ("{{ cta(f'a') }}", f"10:8 error component-arguments: cta: {ONLY}"),
        ("{{ cta(a=1, a=2) }}", "10:15 error component-arguments: cta: 'a' is given twice"),
        ("{{ cta(**a) }}", "10:10 error component-arguments: cta: '**' cannot be used here"),
        ("{{ cta(1e999) }}", f"10:8 error component-arguments: cta: {ONLY}"),
        ("{{ cta(a)(b) }}", "10:8 error component-arguments: cta: the arguments cannot be read"),
    ],
)
def test_arguments_that_are_no_values_are_told(body: str, wanted: str) -> None:
    assert told(body) == [wanted]
    assert not only(body, Call)


# -- problems


@pytest.mark.parametrize(
    "body,wanted",
    [
        (
            'a\n\n<p style="color: red">b</p>',
            [f"12:4 warning inline-style: the attribute 'style' was left out: {STYLES}"],
        ),
        ("<td style='text-align: center'>a</td>", []),
        ("<style>a { b: c }</style>", ["10:1 error style-element: a <style> does not apply under the site's policy"]),
        (
            "<script>a()</script>",
            ["10:1 error inline-script: a <script> in a body does not run under the site's policy"],
        ),
        ('<script type="application/ld+json">{}</script>', []),
        (
            "<script src='https://cdn.example.com/a.js'></script>",
            ["10:1 error third-party: a visitor's browser would contact cdn.example.com"],
        ),
        (
            '<b onclick="a()">b</b>',
            ["10:4 error inline-script: the handler 'onclick' does not run under the site's policy"],
        ),
        (
            "[a](javascript:b())",
            ["10:5 error inline-script: 'javascript:' in an address does not run under the site's policy"],
        ),
        (
            '<a href="java&#10;script:b()">a</a>',
            ["10:10 error inline-script: 'javascript:' in an address does not run under the site's policy"],
        ),
        (
            "![a](data:image/png;base64,AAAA)",
            ["10:6 error data-url: 'data:' addresses do not load under the site's policy"],
        ),
        (
            "![a](https://img.example.com/a.png)",
            ["10:6 error third-party: a visitor's browser would contact img.example.com"],
        ),
        (
            "![a](//img.example.com/a.png)",
            ["10:6 error third-party: a visitor's browser would contact img.example.com"],
        ),
        (
            '<iframe src="https://video.example.com/x"></iframe>',
            ["10:14 error third-party: a visitor's browser would contact video.example.com"],
        ),
        ('<iframe src="/x.html"></iframe>', ["10:1 error frame: <iframe> does not show under the site's policy"]),
        ("<embed src=a.pdf>", ["10:1 error frame: <embed> does not show under the site's policy"]),
        (
            '<form action="https://forms.example.com/x"></form>',
            ["10:15 error third-party: this form would send what a visitor types to forms.example.com"],
        ),
        (
            "<video src='https://v.example.com/a.mp4'></video>",
            ["10:13 error third-party: a visitor's browser would contact v.example.com"],
        ),
        (
            '<link rel="stylesheet" href="https://fonts.example.com/a">',
            ["10:30 error third-party: a visitor's browser would contact fonts.example.com"],
        ),
        ('<link rel="canonical" href="https://example.com/a">', []),
        ('<a href="https://example.com/a">a</a>', []),
        ("<base href='/'>", ["10:1 error forbidden-tag: <base> in a body changes the page around it"]),
        (
            "<meta http-equiv='refresh' content='0'>",
            ["10:1 error forbidden-tag: <meta> in a body changes the page around it"],
        ),
        ('<img src="a.png" alt="b" srcset="c 2x">', ["10:11 warning srcset: 'srcset' was left out"]),
        (
            "a\x07b\x00c",
            ["10:2 warning control-character: U+0007 cannot be shown and was left out, as were 1 more like it"],
        ),
        (
            "a\n\n\u202eb\n\nc\u202c",
            [
                "12:1 warning bidi-mark: the direction mark U+202E has no partner in its paragraph",
                "14:2 warning bidi-mark: the direction mark U+202C has no partner in its paragraph",
            ],
        ),
        ("\u2067a\u2069 \u202eb\u202c", []),
        ("# a\n\n# b", ["12:1 warning second-h1: a page has one level-1 heading, its title"]),
        ("# a\n\n## b\n\n#### c\n\n## d", ["14:1 warning heading-jump: a level-4 heading follows level 2"]),
        ("# a\n\n### b", ["12:1 warning heading-jump: a level-3 heading follows level 1"]),
        ("<p id=x>a</p>\n\n<p id=x>b</p>", ["12:4 error duplicate-id: the id 'x' is used twice"]),
        ("![](a.png)", ["10:5 warning missing-alt: an image without a text for those who cannot see it"]),
        ("<img src=a.png>", ["10:10 warning missing-alt: an image without a text for those who cannot see it"]),
        ('<img src="a.png" alt="">', []),
        ("> " * 41 + "a", ["10:1 warning too-deep: lists and quotes are read 40 deep; what is deeper is text"]),
        ("- " * 60, []),
    ],
)
def test_problems_are_told_at_their_place(body: str, wanted: list[str]) -> None:
    assert told(body) == wanted


def test_what_the_policy_forbids_is_not_printed() -> None:
    body = "<style>a</style><script>b</script>\n\n<p style='c' onclick='d' class=e>f</p>\n\n"
    body += "<base href=g><img src=h alt=i srcset=j onload=k>"
    shown = "".join(one for one in parts(body) if isinstance(one, str))
    assert re.sub(r"\s+", " ", shown) == " <p class=e>f</p> "
    [image] = only(body, Image)
    assert isinstance(image, Image)
    assert image.attributes == ()


def test_characters_that_xml_cannot_carry_are_replaced() -> None:
    [html] = parts("a&#0; &#x1F;b &#x10F400;0&#x10F401; `&#x1F;` &#65;")
    assert isinstance(html, str)
    assert unescape(html.replace("&amp;", "&amp;amp;")) == "<p>a� �b �0� <code>&amp;#x1F;</code> A</p>"


def test_a_link_within_a_link_is_mended() -> None:
    found = parts('<a href="a.md">see https://example.com and www.example.org</a>')
    assert [one for one in found if not isinstance(one, str)] == [found[1]]
    assert found[2] == '">see https://example.com and www.example.org</a></p>'


# -- records


def test_records_come_back_at_another_line_of_another_file() -> None:
    body = '# t\n\n## h\n\n[a](b.md) ![](c.png) {{ cta(["x"], n=1) }}\n\n{{ cta(y) }}'
    before = survey(body, 5, "content/a.md", options(), NAMES)
    after = survey(body, 9, "content/b.md", options(), NAMES)
    kept_parts, kept_facts = marshal.loads(marshal.dumps(survey_record(before, 5)))
    assert parts_from_record(kept_parts) == after.parts
    kept = marshal.loads(marshal.dumps(places_record(placed(body, 5), 5)))
    assert places_from_record(kept, 9) == placed(body, 9)
    assert len(kept) == 3
    assert facts_from_record(kept_facts, "content/b.md", 9) == after.facts
    assert {type(one) for one in after.facts.problems} == {Problem}


# -- sturdiness


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=200))
def test_any_text_can_be_surveyed(body: str) -> None:
    found = survey(body, 3, "content/a.md", options(), NAMES)
    lines = body.split("\n")
    for one in found.parts:
        if isinstance(one, str):
            assert not re.search("[\x00-\x08\U0010f400-\U0010f4ff]", one)
    for problem in found.facts.problems:
        assert 3 <= problem.line <= len(lines) + 2
    assert len({one.id for one in found.facts.headings}) == len(found.facts.headings) or "duplicate-id" in {
        problem.code for problem in found.facts.problems
    }
    record = survey_record(found, 3)
    assert parts_from_record(record[0]) == found.parts
    slots = placed(body, 3)
    assert len(slots) == sum(not isinstance(one, str) for one in found.parts)
    assert all(3 <= one.line <= len(lines) + 2 for one in slots)
    assert facts_from_record(record[1], "content/a.md", 3) == found.facts


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_what_is_seen_in_the_source_changes_no_part(body: str) -> None:
    html = render(body, options())
    seen, unseen = cut(html, Source(body, 1), "content/a.md", [], NAMES), cut_unseen(html, "content/a.md", [], NAMES)
    assert (seen.parts, seen.title, seen.headings, seen.ids) == (
        *(unseen.parts, unseen.title, unseen.headings, unseen.ids),
    )
    assert unseen.problems or not seen.problems


def test_a_picture_without_a_text_is_told_wherever_it_is_written() -> None:
    """An empty alt is a mistake in Markdown and a decision in HTML: only the source tells which of them it is."""
    assert [one.split(":")[0] for one in told('![](a.png)\n\n<img src="b.png" alt="">')] == ["10"]
    assert not told('<img src="b.png" alt="">')


@given(st.text(st.sampled_from("ab\n"), max_size=40), st.lists(st.integers(0, 40), max_size=12))
def test_places_are_right_in_any_order(text: str, offsets: list[int]) -> None:
    source = Source(text, 7)
    for offset in (min(one, len(text)) for one in offsets):
        before = text[:offset].split("\n")
        line = text.split("\n")[len(before) - 1]
        assert source.place(offset) == Place(6 + len(before), len(before[-1]) + 1, line)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("`~a\n<!-- >"), max_size=60))
def test_masking_keeps_every_offset(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(one in (other, "\0") for one, other in zip(masked, text, strict=True))
    assert [len(line) for line in masked.split("\n")] == [len(line) for line in text.split("\n")]


@pytest.mark.parametrize(
    "piece",
    [
        *("[a](b.md) ", "![a](b.png)\n", "{{ cta(", '{{ cta("a") }} ', "# a\n\n", "<h2>\n\n", "<p id=a>\n\n", "`a` "),
        *("<script>\n", "<pre>", "<!--", "<a ", "<p style=a>\n\n", "| a |\n", "- [ ] a\n", "\u202e a\n\n", "<img>"),
        "<table>\n\n",
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        surveyed(piece * count)
        return time.process_time() - begun

    seconds(10)
    assert seconds(5_000) < max(1.5, 40 * seconds(500))


def test_an_extension_that_fails_is_a_problem_not_a_traceback() -> None:
    class Broken(Preprocessor):
        def run(self, lines: list[str]) -> list[str]:
            return [lines[9]]

    class Adds(Extension):
        def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
            md.preprocessors.register(Broken(md), "broken", 50)

    found = survey("a", 4, "content/a.md", MarkupOptions(extensions=(Adds(),)), NAMES)
    assert found.parts == ()
    [problem] = found.facts.problems
    assert (problem.code, problem.line) == ("markdown", 4)
    assert problem.message == "the Markdown could not be read: IndexError: list index out of range"


def test_an_empty_corner_of_a_table_is_no_header() -> None:
    html = "".join(one for one in parts("| | a |\n|---|---|\n| b | c |\n") if isinstance(one, str))
    assert "<td></td>" in html
    assert "<th></th>" not in html
