"""The second Markdown engine: CommonMark by its own examples, GitHub by ours, and HTML of the first engine's shape."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obverse import config
from obverse.build import BuildOptions, build
from obverse.clock import Clock
from obverse.markup import ENGINES, MarkupOptions, codeblocks, colours, commonmark, render
from obverse.problems import as_text
from tests.engine.sites import tree
from tests.engine.structure import cases, github, structure

ROOT = Path(__file__).resolve().parents[2]
MOMENT = Clock(datetime(2026, 12, 24, 12, tzinfo=UTC), ZoneInfo("UTC"))

ENGINE = MarkupOptions("commonmark")
OWN = {name: text.rstrip("\n").split("\n---->\n") for name, text in cases("own.txt")}
DIALECT = {name: text.rstrip("\n") for name, text in cases("dialect.txt")}
GITHUB = cases("github.txt")
# Section, Markdown, HTML; see NOTICE.md beside it.
SPEC = json.loads((Path(__file__).parent / "commonmark_spec" / "examples.json").read_text(encoding="utf-8"))
# Where GitHub means to differ from CommonMark: addresses that stand bare are links.
LINKED = [602, 608, 611, 612]
# What addresses, notes and all else may be made of, and pieces of what they begin with.
PIECES = (
    *(
        "a",
        "w",
        "ww",
        "www.",
        "x.com",
        ":",
        "/",
        "//",
        "http",
        "https:",
        "ftp",
        "@",
        "\\@",
        "&#64;",
        "&commat;",
        "mailto:",
    ),
    *(
        "[^",
        "^1",
        "]",
        "]: ",
        "[",
        "(b)",
        "![",
        "*",
        "_",
        "`",
        "~",
        "|",
        "\n|-|\n",
        "\n",
        "\n\n",
        "- ",
        "> ",
        "# ",
        "<",
    ),
    *("<b>", "<a href='", "'>", "</a>", "<!--", "-->", " ", "\t", "---", "```\n", ".", "é", "😀", "WWW.", "\n[a]: c\n"),
)
MARKDOWN = st.text(
    st.sampled_from(list("ab \n\t*_`~#>-+=|[](){}<>!\\/:.&;\"'1^%x")) | st.characters(codec="utf-8"), max_size=400
)


# -- what it reads


@pytest.mark.parametrize("number", range(1, 653))
def test_examples_of_the_specification(number: int) -> None:
    _, text, html = SPEC[number - 1]
    assert commonmark.plain(text) == html


def test_all_examples_are_there_and_all_but_bare_addresses_hold_with_everything_on() -> None:
    assert len(SPEC) == 652
    different = [at for at, (_, text, html) in enumerate(SPEC, 1) if structure(render(text, ENGINE)) != structure(html)]
    assert different == LINKED
    for number in LINKED:
        assert '<a href="' in render(SPEC[number - 1][1], ENGINE)


@pytest.mark.parametrize("text", [text for _, text in GITHUB], ids=[name for name, _ in GITHUB])
def test_construct_reads_as_on_github(text: str) -> None:
    assert structure(render(text, ENGINE)) == structure(github(text))


@pytest.mark.parametrize("step", [1, 7, 31])
def test_constructs_in_a_row(step: int) -> None:
    for at in range(len(GITHUB) - step):
        first, second = GITHUB[at][1], GITHUB[at + step][1]
        text = f"{first}\n\n{second}"
        assert structure(render(text, ENGINE)) == structure(github(text)), text


@pytest.mark.parametrize("name", [name for name in OWN if name not in DIALECT])
def test_the_same_html_as_the_default_engine(name: str) -> None:
    text, html = OWN[name]
    assert render(text, ENGINE) == html == render(text, MarkupOptions())


@pytest.mark.parametrize("name", DIALECT)
def test_what_only_the_default_engine_knows_stays_text(name: str) -> None:
    assert render(OWN[name][0], ENGINE) == DIALECT[name]


# -- the shape of its HTML


@pytest.mark.parametrize(
    "text,html",
    [
        ("- [ ] a\n\n  b\n- [x] c", '<p><input type="checkbox" disabled/> a</p>\n<p>b</p>'),
        ("> [!NOTE]  \n> a", '<div class="admonition note">\n<p class="admonition-title">Note</p>\n<p>a</p>\n</div>'),
        ("> [!NOTE]", '<div class="admonition note">\n<p class="admonition-title">Note</p>\n</div>'),
        ("> [!see-also]\n> > [!TIP]\n> > a", '<p class="admonition-title">See also</p>\n<div class="admonition tip">'),
        ("> [!faq]+ *a*\n> b", '<details class="faq" open>\n<summary><em>a</em></summary>\n<p>b</p>\n</details>'),
        ("> [!NOTE] *a\n> b*", "<blockquote>\n<p>[!NOTE] <em>a\nb</em></p>\n</blockquote>"),
        ("> \\[!NOTE] a", "<blockquote>\n<p>[!NOTE] a</p>\n</blockquote>"),
        ("<blockquote>\n\n> [!NOTE]\n> a", "<blockquote>\n<blockquote>\n<p>[!NOTE]\na</p>\n</blockquote>"),
        ("`\\[!a]`", "<p><code>\\[!a]</code></p>"),
        ("```\n\\[!a] &#1;\n```", "<code>\\[!a] &amp;#1;\n</code>"),
        ("&#1;&#x1f; `&#1;` &#xfffe;", "<p>\ufffd\ufffd <code>&amp;#1;</code> \ufffd</p>"),
        ("[a](ü.md) [b](%C3%A4.md) [c](<a b.md>)", '<a href="ü.md">a</a> <a href="%C3%A4.md">b</a> <a href="a b.md">c'),
        ("![ü](ö.png)", '<img src="ö.png" alt="ü" />'),
        ("[a](x%20y.md)", '<a href="x%20y.md">a</a>'),
        ('[a](<x"y&z.md>)', '<a href="x&quot;y&amp;z.md">a</a>'),
        ("a  \nb\n\n***", "<p>a<br>\nb</p>\n<hr>"),
        ('```\na "b" < c\n```', '<div class="highlight"><pre><span></span><code>a "b" &lt; c\n</code></pre></div>'),
        ("```\n```", '<div class="highlight"><pre><span></span><code>\n</code></pre></div>'),
        ("a[^ü]\n\n[^ü]: b", '<sup id="fnref:ü"><a class="footnote-ref" href="#fn:ü">1</a></sup>'),
        ('a[^"b]\n\n[^"b]: c', '<li id="fn:&quot;b">'),
        ("a[^1-2] b[^1] c[^1]\n\n[^1]: d\n[^1-2]: e", '<sup id="fnref2:1">'),
        ("Term\n: a\n\nb: c", "<dl>\n<dt>Term</dt>\n<dd>a</dd>\n</dl>\n<p>b: c</p>"),
        ("> A\n> B\n> : c\n>\n>   d", "<dt>A</dt>\n<dt>B</dt>\n<dd>\n<p>c</p>\n<p>d</p>\n</dd>"),
        ("```\nT\n: a\n\n  b\n```", "<code>T\n: a\n\n  b\n</code>"),
        ("<dt>a\nb</dt>\n\nc\n: d", "<dt>a\nb</dt>"),
        ("[\U0010f400](x)\x02\x03\U0010f411", '<a href="x">\U0010f400</a></p>'),
        ("[a](\U0010f4000\U0010f401)", '<a href="\U0010f4000\U0010f401">'),
    ],
)
def test_shapes(text: str, html: str) -> None:
    assert html in render(text, ENGINE)


def test_a_block_that_the_writer_wrote_as_html_stays_as_it_is() -> None:
    written = '<pre><code class="language-python">a = 1\n</code></pre>'
    html = render(f"{written}\n\n```python\na = 1\n```\n\n- [x] b\n\n| a |\n|:-:|\n", ENGINE)
    assert html.startswith(f'{written}\n<div class="language-python highlight"><pre><span></span><code><span class=')
    assert "sourcepos" not in html
    assert '<th class="center">a</th>' in html
    assert '<ul class="task-list">' in html


def test_ids_of_footnotes_lead_to_each_other() -> None:
    html = render("a[^x] b[^y] c[^x]\n\n[^x]: d[^y]\n[^y]:\n    e\n\n    > f", ENGINE)
    ids = re.findall(r' id="([^"]*)"', html)
    assert sorted(ids) == sorted({*ids})
    assert {link[1:] for link in re.findall(r' href="([^"]*)"', html)} == {*ids}


def test_nesting_beyond_reason_is_text() -> None:
    html = render("> " * 100 + "a", ENGINE)
    assert html.count("<blockquote>") == 40
    assert "&gt; &gt;" in html
    assert render("- " * 60, ENGINE) == "<hr>"
    assert render("1. " * 60 + "a", ENGINE).count("<ol>") == 40


# -- code


def test_a_block_is_coloured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import pygments

    colours._kept.cache_clear()
    seen: list[str] = []
    real = pygments.highlight
    monkeypatch.setattr("pygments.highlight", lambda source, *rest: seen.append(source) or real(source, *rest))
    once = render("```python\na = 1\n```", ENGINE)
    assert render("```python\na = 1\n```", ENGINE) == once
    assert seen == ["a = 1\n"]


def test_plain_code_loads_neither_pygments_nor_the_default_engine() -> None:
    code = (
        "import sys; from obverse.markup import MarkupOptions, render;"
        "render('a[^1]\\n\\n```\\nb\\n```\\n\\n- [ ] c\\n\\n[^1]: d', MarkupOptions('commonmark'));"
        "print([name for name in ('markdown', 'pymdownx', 'pygments') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_lexer_that_stumbles_costs_only_the_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_args: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(colours, "coloured", stumble)
    assert codeblocks.made("a < b\n", "python") == '<div class="highlight"><pre><code>a &lt; b\n</code></pre></div>'


# -- pure, sturdy and quick


def test_the_same_bytes_in_every_process() -> None:
    text = '```python {1} title="x"\na = 1\n```\n\n- [x] b\n\na[^1] c[^1]\n\n[^1]: d\n'
    code = f"from obverse.markup import MarkupOptions, render; print(render({text!r}, MarkupOptions('commonmark')))"
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(6)
    }
    assert told == {render(text, ENGINE) + "\n"}


def test_two_threads_do_not_disturb_each_other() -> None:
    texts = [f"# {n}\n\n- a{n}\n\n[x{n}]\n\n[x{n}]: y{n}\n" * 20 for n in range(4)]
    found: dict[int, list[str]] = {}
    work = [
        threading.Thread(target=lambda n=n: found.update({n: [render(texts[n], ENGINE) for _ in range(20)]}))
        for n in range(4)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert found == {n: [render(text, ENGINE)] * 20 for n, text in enumerate(texts)}


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | MARKDOWN)
def test_what_a_text_does_not_hold_need_not_be_looked_for(text: str) -> None:
    chosen = commonmark._extensions

    def everything(listed: bool, _linked: bool, _noted: bool, _tabled: bool) -> object:
        return chosen(listed, True, True, True)

    with mock.patch.object(commonmark, "_extensions", everything):
        html = render(text, ENGINE)
    assert render(text, ENGINE) == html


@settings(max_examples=400, deadline=None)
@given(MARKDOWN)
def test_any_text_has_html(text: str) -> None:
    html = render(text, ENGINE)
    assert not re.search("[\U0010f410-\U0010f412]", html)
    assert "sourcepos" not in html
    assert render(text, ENGINE) == html


@pytest.mark.parametrize(
    "piece",
    [
        *("[", "![", "(", ">", "> ", "- ", "1. ", "* ", "`", "`a ", "*", "**a ", "_a ", "~~a ", "<", "<a ", "<div>"),
        *("<!--", "&", "&#1; ", "\\", "\\[!", "http://", "www.", "a@", "a@b.c ", "[a](b", "[a](ü) ", "[[", "[^1] "),
        *("|", "\n", "\t", " ", "# a\n", "a\n===\n", "```\n", "```python\n", "> [!NOTE]\n\n", "> [!NOTE] <b>", "- a\n"),
        *("- [ ] a\n", "- [ ] a\n\n  b\n", "[^a]: [^b]: ", "x[y](z)[", "<blockquote>", "<pre>\n", "<code>", "| a |\n"),
        *("a\n: b\n", "a\n\n: b\n\n", ": a\nb\n", "a\n: b\n\n  c\n", ": ", "\n:"),
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        render(piece * count + "\n\nx[^1]\n\n> [!NOTE]\n\n[^1]: y", ENGINE)
        return time.process_time() - begun

    seconds(10)
    # Ten times the text: a hundred times the time would betray a square. Short times say nothing.
    assert seconds(8_000) < max(0.5, 40 * seconds(800))


# -- sites


def _starter(root: Path, engine: str) -> dict[str, str]:
    """The HTML files of the starter, built by an engine."""
    shutil.copytree(ROOT / "content", root / "content")
    chosen = f'\n[markdown]\nengine = "{engine}"\n'
    (root / "obverse.toml").write_text((ROOT / "obverse.toml").read_text("utf-8") + chosen, "utf-8")
    report = build(BuildOptions(root), MOMENT)
    assert as_text(report.problems) == ""
    return {path: data.decode() for path, data in tree(root / "site").items() if path.endswith(".html") and data}


def _faults(html: str) -> list[str]:
    """What a reader of HTML finds wrong with a page."""
    parser = html5lib.HTMLParser()
    parser.parse(html)
    return [code for _, code, _ in parser.errors]


def test_the_starter_is_the_same_site_with_either_engine(tmp_path: Path) -> None:
    made = {engine: _starter(tmp_path / engine, engine) for engine in ENGINES}
    assert sorted(made["markdown"]) == sorted(made["commonmark"])
    assert len(made["markdown"]) > 30
    for path, html in made["commonmark"].items():
        assert structure(html) == structure(made["markdown"][path]), path
        assert _faults(html) == _faults(made["markdown"][path]), path
        assert "style=" not in html


# -- the setting


def test_the_setting_asks_for_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[site]\ntitle = "a"\nurl = "https://example.com"\n\n[markdown]\nengine = "commonmark"\n'
    made, problems = config.load(text)
    assert (made.markdown.engine, problems) == ("commonmark", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    [problem] = config.load(text)[1]
    assert (problem.line, problem.level) == (6, "error")
    assert problem.message == (
        "'engine' must be 'markdown' until the other is installed (pip install 'obverse[commonmark]'), not 'commonmark'"
    )
