"""The seam to Markdown: what it reads besides what GitHub reads, and that it is pure, sturdy and quick."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from xml.etree.ElementTree import Element, SubElement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Extension, Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.preprocessors import Preprocessor

from obverse.markup import MarkupOptions, render, versions
from obverse.markup.fences import Fence, understood
from obverse.markup.slugs import label, slug, unique
from tests.engine.structure import cases

OPTIONS = MarkupOptions()
OWN = [(name, *text.rstrip("\n").split("\n---->\n")) for name, text in cases("own.txt")]
MARKDOWN = st.text(
    st.sampled_from(list("ab \n\t*_`~#>-+=|[](){}<>!\\/:.&;\"'1")) | st.characters(codec="utf-8"), max_size=400
)


@pytest.mark.parametrize("text,html", [case[1:] for case in OWN], ids=[case[0] for case in OWN])
def test_own_constructs(text: str, html: str) -> None:
    assert render(text, OPTIONS) == html


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown Markdown engine 'pandoc'"):
        render("a", MarkupOptions(engine="pandoc"))


def test_versions_name_the_engine_and_its_libraries() -> None:
    shared = r"pygments 2\.[\d.]+ pymdown-extensions 12\.[\d.]+"
    default, other = rf"markdown 3\.[\d.]+ {shared}", rf"comrak 0\.[\d.]+ {shared}"
    assert re.fullmatch(rf"obverse-markup [0-9a-f]{{16}} markdown: {default}", versions("markdown"))
    assert re.fullmatch(rf"obverse-markup [0-9a-f]{{16}} commonmark: {other}", versions("commonmark"))
    every = rf"comrak 0\.[\d.]+ {default}"
    assert re.fullmatch(rf"obverse-markup [0-9a-f]{{16}} markdown/commonmark: {every}", versions())


def test_importing_the_seam_imports_no_library() -> None:
    code = (
        "import sys; import obverse.survey; from obverse.markup import versions; versions();"
        "print([name for name in ('markdown', 'pymdownx', 'pygments', 'importlib.metadata') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nothing_is_kept_from_one_text_to_the_next() -> None:
    first = '# a\n\n[r] b[^1]\n\n[r]: x\n[^1]: note\n*[b]: abbr\n\n=== "t"\n    u\n'
    fresh = render("[r] b[^1]", OPTIONS)
    once = render(first, OPTIONS)
    assert render("[r] b[^1]", OPTIONS) == fresh == "<p>[r] b[^1]</p>"
    assert render(first, OPTIONS) == once


def test_two_threads_do_not_disturb_each_other() -> None:
    texts = [f"# {n}\n\n- a{n}\n\n[x{n}]\n\n[x{n}]: y{n}\n" * 20 for n in range(4)]
    wanted = [render(text, OPTIONS) for text in texts]
    found: dict[int, list[str]] = {n: [] for n in range(4)}

    def work(n: int) -> None:
        found[n] = [render(texts[n], OPTIONS) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(found[n] == [wanted[n]] * 5 for n in range(4))


@settings(max_examples=300, deadline=None)
@given(MARKDOWN)
def test_any_text_has_html_without_inline_styles(text: str) -> None:
    html = render(text, OPTIONS)
    assert "style=" not in re.sub(r">[^<]*", ">", html) or "style" in text
    assert not re.search("[\U0010f410-\U0010f412]", html)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "[",
            "![",
            "(",
            ">",
            "> ",
            "- ",
            "1. ",
            "* ",
            "`",
            "`a ",
            "*",
            "**a ",
            "_a ",
            "~~a ",
            "==a ",
            "<",
            "<a ",
            "<div>",
        ),
        *(
            "<!--",
            "&",
            "\\",
            "http://",
            "www.",
            "a@",
            "a@b.c ",
            "[a](b",
            "[[",
            "x[y](z)[",
            "|",
            "\n",
            "\t",
            " ",
            "{.a ",
        ),
        *("[^1] ", "# a\n", "a\n===\n", "```\n", "> a\n\n", "- a\n", "- a\n\n", "a\n: b\n", "/// a\n", "<pre>\n"),
        '<div markdown="1">\n',
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        render(piece * count + "\n\nx", OPTIONS)
        return time.process_time() - begun

    seconds(10)
    # Ten times the text: a hundred times the time would betray a square. Short times say nothing.
    assert seconds(8_000) < max(1.0, 40 * seconds(800))


def test_nesting_beyond_reason_is_text() -> None:
    html = render("> " * 100 + "a", OPTIONS)
    assert html.count("<blockquote>") == 40
    assert "&gt; &gt;" in html


class Shout(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        return [line.replace("shout", "SHOUT") for line in lines]


class Box(BlockProcessor):
    def test(self, parent: Element, block: str) -> bool:
        return block.startswith("@@")

    def run(self, parent: Element, blocks: list[str]) -> None:
        SubElement(parent, "section").text = blocks.pop(0)[2:].strip()


class Added(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.preprocessors.register(Shout(md), "shout", 50)
        md.parser.blockprocessors.register(Box(md.parser), "box", 200)


def test_a_site_adds_extensions_of_its_own() -> None:
    options = MarkupOptions(extensions=(Added(),))
    assert render("shout\n\n- @@ *a*", options) == "<p>SHOUT</p>\n<ul>\n<li>@@ <em>a</em></li>\n</ul>"
    assert render("@@ *a*\n\nb", options) == "<section><em>a</em></section>\n<p>b</p>"
    assert render("@@ a", OPTIONS) == "<p>@@ a</p>"


def test_a_site_adds_fences_of_its_own() -> None:
    from pymdownx.superfences import SuperFencesCodeExtension, fence_div_format

    fence = {"name": "mermaid", "class": "mermaid", "format": fence_div_format}
    options = MarkupOptions(extensions=(SuperFencesCodeExtension(custom_fences=[fence]),))
    assert render("```mermaid\na --> b\n```", options) == '<div class="mermaid">a --&gt; b</div>'
    assert 'class="language-python highlight"' in render("```python\na\n```", options)


def test_a_lexer_that_stumbles_costs_only_the_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_args: object, **_named: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("obverse.markup.tree.coloured", stumble)
    monkeypatch.setattr("pymdownx.highlight.Highlight.highlight", stumble)
    assert render("```python\na < b\n```", OPTIONS) == '<div class="highlight"><pre><code>a &lt; b\n</code></pre></div>'


@pytest.mark.parametrize(
    "info,fence",
    [
        ("", Fence()),
        ("js", Fence("js")),
        ('js {1,3} title="a b"', Fence("js", (1, 3), "a b")),
        ("js{1-3}", Fence("js", (1, 2, 3))),
        ("jsx,copy", Fence("jsx")),
        ('{.python hl_lines="1 3"}', Fence("python", (1, 3))),
        ("{r, echo=FALSE}", Fence("r")),
        ("{python}", Fence("python")),
        ("js:app.js", Fence("js", (), "app.js")),
        ("ts showLineNumbers", Fence("ts", (), "", 1)),
        ('python linenums="5"', Fence("python", (), "", 5)),
        ("python linenums=true", Fence("python", (), "", 1)),
        ("toml filename='a.toml'", Fence("toml", (), "a.toml")),
        ('title="a"', Fence("", (), "a")),
        ("c++", Fence("c++")),
        ("html {highlight:[1]}", Fence("html")),
        ("py {999999999999}", Fence("py", (999999,))),
    ],
)
def test_fences_are_understood(info: str, fence: Fence) -> None:
    assert understood(info) == fence


@pytest.mark.parametrize(
    "text,wanted",
    [
        ("What's new in 2.0?", "whats-new-in-20"),
        ("  A  B ", "a--b"),
        ("Überschrift & mehr", "überschrift--mehr"),
        ("价格 和 计划", "价格-和-计划"),
        ("مرحبا بالعالم", "مرحبا-بالعالم"),
        ("snake_case-name", "snake_case-name"),
        ("!?", "section"),
    ],
)
def test_slugs_keep_letters_of_every_script(text: str, wanted: str) -> None:
    assert slug(text) == wanted


def test_ids_and_labels_are_told_apart() -> None:
    taken = {"a-1": 0}
    assert [unique("a", taken) for _ in range(3)] == ["a", "a-2", "a-3"]
    names: set[str] = set()
    assert [label("", names), label("Plans", names), label("", names), label("Plans", names)] == [
        "Table",
        "Plans",
        "Table 2",
        "Plans 2",
    ]
