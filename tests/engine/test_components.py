"""Components: declared arguments, typed values, and every mistake told at the call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from obverse.components import bind, signature
from obverse.facts import Call
from obverse.problems import as_text
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example/b"\n'
DECLARED = """\
{#-
text = {type = "text", required = true}
count = {type = "number"}
to = {type = "reference"}
src = {type = "image"}
-#}
"""
SHOWN = "{{ args.text }}|{{ args.count }}|{{ args.to }}|{{ args.src }}|{{ page.title }}\n"


def called(*positional: object, **named: object) -> Call:
    return Call("note", positional, tuple(named.items()), block=True)


def bound(*positional: object, **named: object) -> tuple[dict[str, object], list[str]]:
    fields, problems = signature(DECLARED + SHOWN, "templates/components/note.html")
    assert problems == ()
    values, found = bind(called(*positional, **named), fields)
    assert {one.code for one in found} <= {"component-arguments"}
    return values, [one.message for one in found]


def test_arguments_go_by_order_and_by_name() -> None:
    wanted = ({"text": "a", "count": 2, "to": "b.md", "src": ""}, [])
    assert bound("a", 2, "b.md") == wanted
    assert bound("a", to="b.md", count=2) == wanted
    assert bound(text="a", to="b.md", count=2) == wanted


def test_what_is_not_given_is_empty() -> None:
    assert bound("a") == ({"text": "a", "count": None, "to": "", "src": ""}, [])


@pytest.mark.parametrize(
    "positional, named, told",
    [
        ((), {}, "note(): 'text' is required"),
        (("a", 1, "b", "c", "d"), {}, "note() takes at most 4, but was given 5"),
        (("a",), {"text": "b"}, "note() was given 'text' twice"),
        (("a", "many"), {}, "note(): 'count' must be a number, not 'many'"),
        (("a",), {"cuont": 1}, "note(): unknown key 'cuont'; did you mean 'count'?"),
    ],
)
def test_a_call_that_does_not_fit(positional: tuple[object, ...], named: dict[str, object], told: str) -> None:
    assert bound(*positional, **named)[1] == [told]


@pytest.mark.parametrize("text", ["", "{{ args }}", "<p>{# not at the top #}</p>"])
def test_a_template_without_a_declaration_takes_nothing(text: str) -> None:
    assert signature(text, "x.html") == ({}, ())


@pytest.mark.parametrize("opening", ["{# {} #}", "{#- {} -#}", "\n\n{#\n{}\n#}", "\ufeff{# {} #}"])
def test_the_first_comment_declares_however_it_is_written(opening: str) -> None:
    text = opening.replace("{}", 'a = {type = "text"}').removeprefix("\ufeff")
    fields, problems = signature(text, "x.html")
    assert (list(fields), problems) == (["a"], ())


def note(call: str, template: str = DECLARED + SHOWN) -> dict[str, str]:
    body = f"---\ntitle: A & <B>\n---\n{call}\n"
    return {
        "content/a.md": body,
        "content/x/b.md": "---\ntitle: B\n---\n## Here\n",
        "content/i.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="3" height="4"/>',
        "templates/components/note.html": template,
        "templates/page.html": "{{ page.body }}",
    }


def test_values_are_escaped_and_references_resolved(site_dir: Make) -> None:
    site = site_dir(note('{{ note("<b>&", 2, to="x/b.md#here", src="i.svg") }}'), SETTINGS)
    site.good_build()
    assert site.read("site/a/index.html").strip() == "&lt;b&gt;&amp;|2|/b/x/b/#here|/b/i.svg|A &amp; &lt;B&gt;"


def test_a_picture_knows_its_size(site_dir: Make) -> None:
    site = site_dir(
        note('{{ note("", src="i.svg") }}', DECLARED + "{{ args.src.width }}x{{ args.src.height }}"), SETTINGS
    )
    site.replace("content/a.md", '""', '"x"')
    site.good_build()
    assert site.read("site/a/index.html").strip() == "3x4"


@pytest.mark.parametrize(
    "call, code",
    [
        ('{{ note("a", to="nope.md") }}', "broken-link"),
        ('{{ note("a", to="x/b.md#nope") }}', "broken-anchor"),
        ('{{ note("a", src="nope.svg") }}', "broken-image"),
        ('{{ note("a", to="javascript:alert(1)") }}', "link-scheme"),
        ("{{ note(page.title) }}", "component-arguments"),
        ('{{ note("a" + "b") }}', "component-arguments"),
        ("{{ note(__import__('os')) }}", "component-arguments"),
    ],
)
def test_a_mistake_in_a_call_is_told_at_the_call(call: str, code: str, site_dir: Make) -> None:
    report = site_dir(note(f"\nText\n\n{call}"), SETTINGS).build()
    assert report.blocked
    assert [(one.code, one.path, one.line) for one in report.problems] == [(code, "content/a.md", 7)]


@pytest.mark.parametrize(
    "template, code, line",
    [
        ("{# #}\n{{ args.nothing }}", "template-undefined", 2),
        ("\n\n{{ 1 // 0 }}", "template-error", 3),
        ("\n{% if %}", "template-syntax", 2),
        ("{{ link('nope.md') }}", "broken-link", 1),
    ],
)
def test_a_mistake_in_a_component_is_told_at_the_component(template: str, code: str, line: int, site_dir: Make) -> None:
    report = site_dir(note("{{ note() }}", template), SETTINGS).build()
    assert report.blocked
    assert [(one.code, one.path, one.line) for one in report.problems] == [
        (code, "templates/components/note.html", line)
    ]


def test_a_body_is_never_a_template(site_dir: Make) -> None:
    body = "{% set x = 1 %} {{ 7 * 7 }} {{ view.today }} {{ nobody(1) }} {# gone? #} `{{ note('x') }}`"
    site = site_dir(note(body), SETTINGS)
    site.good_build()
    html = site.read("site/a/index.html")
    for kept in ("{% set x = 1 %}", "{{ 7 * 7 }}", "{{ view.today }}", "{{ nobody(1) }}", "{# gone? #}"):
        assert kept in html
    assert "49" not in html


def test_a_word_of_an_argument_is_never_called_again(site_dir: Make) -> None:
    site = site_dir(note('{{ note("{{ note(1) }} {% x %}") }}'), SETTINGS)
    site.good_build()
    assert "{{ note(1) }} {% x %}|" in site.read("site/a/index.html")


def test_a_component_that_changes_is_shown_in_the_pages_that_call_it(site_dir: Make) -> None:
    site = site_dir({**note('{{ note("x") }}'), "content/plain.md": "Plain\n"}, SETTINGS)
    site.good_build()
    site.write("templates/components/note.html", DECLARED + "changed")
    report = site.good_build()
    assert report.written == ("a/index.html",)
    assert "changed" in site.read("site/a/index.html")


def test_a_component_in_a_draft_only_warns(site_dir: Make) -> None:
    site = site_dir(note('{{ note("a", to="nope.md") }}'), SETTINGS)
    site.replace("content/a.md", "title:", "draft: true\ntitle:")
    report = site.good_build(drafts=True)
    assert "warning: 'nope.md' leads nowhere" in as_text(report.problems)
