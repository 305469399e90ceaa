"""Front matter: strict fences, YAML and TOML with places, alike with and without libyaml."""

import importlib.util
import sys
import time

import frontmatter
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import obverse.yaml_document
from obverse.frontmatter import HANDLERS, FrontMatter, Strict, Toml, Yaml, split
from obverse.problems import as_text
from obverse.schema import Document, Node, Table, plain
from obverse.yaml_document import FAST, PURE, read_yaml


class PureYaml(Yaml):
    loader = PURE


LOADERS = pytest.mark.parametrize("handlers", [HANDLERS, (PureYaml(), Toml())], ids=["libyaml", "pure"])


def good(text: str, handlers: tuple[Strict, ...] = HANDLERS) -> FrontMatter:
    found = split(text, "content/a.md", handlers)
    assert not found.problems, as_text(found.problems)
    return found


def told(text: str, handlers: tuple[Strict, ...] = HANDLERS) -> list[str]:
    found = split(text, "content/a.md", handlers)
    assert {one.code for one in found.problems} <= {"front-matter"}
    assert {one.path for one in found.problems} <= {"content/a.md"}
    return [f"{one.line}:{one.column} {one.message}" for one in found.problems]


def yaml_values(text: str, loader: object = FAST) -> object:
    node, problems = read_yaml(text, Document.of("a", text), "front-matter", 1, loader)
    assert not problems, as_text(problems)
    return None if node is None else plain(node)


def test_this_machine_has_both_loaders() -> None:
    assert FAST is not None
    assert FAST is not PURE


# Fences


@LOADERS
@pytest.mark.parametrize(
    "text,body,line",
    [
        ("---\ntitle: x\n---\nBody\n", "Body\n", 4),
        ("---\ntitle: x\n...\nBody\n", "Body\n", 4),
        ("--- \t\ntitle: x\n---  \n\n    code", "\n    code", 4),
        ("+++\ntitle = 'x'\n+++\nBody", "Body", 4),
        ("\ufeff---\ntitle: x\n---\nBody", "Body", 4),
        ("\n \n---\ntitle: x\n---\nBody", "Body", 6),
        ("---\ntitle: x\n---", "", 3),
        ("---\ntitle: x\n---\n\n---\nnot: front\n---\n", "\n---\nnot: front\n---\n", 4),
        ("---\ntitle: x\ntext: |\n  a\n  ---\n  b\n---\nBody", "Body", 8),
    ],
)
def test_a_fence_parts_front_matter_and_body(text: str, body: str, line: int, handlers: tuple[Strict, ...]) -> None:
    found = good(text, handlers)
    assert found.node is not None
    assert plain(found.node)["title"] == "x"
    assert (found.body, found.body_line) == (body, line)
    if body:
        assert text.split("\n")[line - 1] == body.split("\n", maxsplit=1)[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# Heading\n\nText",
        "Text\n---\nmore: text\n---\n",
        "Note: this is a sentence.\n\nAnd more.",
        "Title: of a sentence that goes\non without a header",
        "- a list",
        "***\n\nrule",
        "* * *",
        "> quote",
        "{{ cta() }}",
        "+ item",
        "-- a dash",
        "1. one",
        "| a | b |\n|---|---|",
        "[x]: /a",
        "http: //x\n",
    ],
)
def test_a_file_without_front_matter_is_all_body(text: str) -> None:
    assert good(text) == FrontMatter(None, text, 1)


@pytest.mark.parametrize("block", ["", "# a comment\n", "\n\n", "~\n", "null\n"])
def test_an_empty_block_is_no_front_matter_and_no_mistake(block: str) -> None:
    found = good(f"---\n{block}---\nBody")
    assert (found.node, found.body) == (None, "Body")


ODD_FENCE = "write exactly ---; for a horizontal rule write ***"


@pytest.mark.parametrize(
    "text,place,message,hint",
    [
        (
            "---\ntitle: x\ndraft: true\n\nBody",
            "1:1",
            "the front matter that opens here is never closed by ---",
            "put --- on a line of its own after the last key; for a horizontal rule write ***",
        ),
        (
            "\n---\ntitle: x\n----\nBody",
            "2:1",
            "the front matter that opens here is never closed by ---",
            "write --- instead of '----' on line 4",
        ),
        (
            "---\ntitle: x\n—\nBody",
            "1:1",
            "the front matter that opens here is never closed by ---",
            "write --- instead of '—' on line 3",
        ),
        (
            "+++\ntitle = 'x'\n---\nBody",
            "1:1",
            "the front matter that opens here is never closed by +++",
            "write +++ instead of '---' on line 3",
        ),
        (
            "---\n\nA text under a rule.\n\nMore.",
            "1:1",
            "the front matter that opens here is never closed by ---",
            None,
        ),
        (
            "---\n\nA text between rules.\n\n---\n\nMore.",
            "3:1",
            "the front matter is not keys and values",
            "write each as key: value; for a horizontal rule at the top of a page write ***",
        ),
        ("---\n- title\n- x\n---\n", "2:1", "the front matter is a list; it must be keys and values", ""),
        ("----\ntitle: x\n----\n", "1:1", "'----' is not a front matter fence", ODD_FENCE),
        ("--\ntitle: x\n--\n", "1:1", "'--' is not a front matter fence", ODD_FENCE),
        ("—\ntitle: x\n—\n", "1:1", "'—' is not a front matter fence", ODD_FENCE),
        (" ---\ntitle: x\n ---\n", "1:2", "'---' is not a front matter fence", ODD_FENCE),
        ("---yaml\ntitle: x\n---\n", "1:1", "'---yaml' is not a front matter fence", ODD_FENCE),
        ("--- # top\ntitle: x\n---\n", "1:1", "'--- # top' is not a front matter fence", ODD_FENCE),
        (
            "++++++\ntitle = 'x'\ndraft = true\n++++++\n",
            "1:1",
            "'++++++' is not a front matter fence",
            "write exactly +++; for a horizontal rule write ***",
        ),
        (
            "Title: A page\nDate: 2014-01-01\nTags: a,\n   b\n\nBody",
            "1:1",
            "header lines without a fence",
            "put a line --- before line 1 and another after line 4",
        ),
        (
            "Status: draft",
            "1:1",
            "header lines without a fence",
            "put a line --- before line 1 and another after line 1",
        ),
        ("title: x\ndraft: true\n---\nBody", "1:1", "header lines without a fence", "put a line --- before line 1"),
        ("layout: post\ntitle: x\n---\nBody", "1:1", "header lines without a fence", "put a line --- before line 1"),
        (
            '{\n  "title": "x",\n  "draft": true\n}\nBody',
            "1:1",
            "front matter in JSON has no fence",
            "put a line --- before the block and another after it",
        ),
        ('{"title": "x"}\n', "1:1", "front matter in JSON has no fence", None),
    ],
)
def test_what_looks_like_front_matter_is_an_error_and_never_printed(
    text: str, place: str, message: str, hint: str | None
) -> None:
    found = split(text, "content/a.md")
    (problem,) = found.problems
    assert (f"{problem.line}:{problem.column}", problem.message) == (place, message)
    assert problem.excerpt == text.split("\n")[problem.line - 1]
    assert hint is None or problem.hint == hint
    assert found.node is None
    assert "title" not in found.body
    assert "draft" not in found.body


def test_the_mend_of_json_is_right() -> None:
    found = good('---\n{\n  "title": "x",\n  "draft": true\n}\n---\nBody')
    assert found.node is not None
    assert plain(found.node) == {"title": "x", "draft": True}


# YAML


@LOADERS
def test_keys_and_values_know_their_places(handlers: tuple[Strict, ...]) -> None:
    text = "\n---\ntitle: Été 😀 x\ntags: [a,\n  'b c']\nextra:\n  list:\n    - x: 1\n---\n"
    found = good(text, handlers)
    rows = text.split("\n")

    def check(node: Node | None) -> None:
        assert node is not None
        if isinstance(node.value, Table):
            for entry in node.value.entries:
                assert rows[entry.line - 1][entry.column - 1 :].startswith(entry.key + ":")
                check(entry.node)
        elif isinstance(node.value, tuple):
            for item in node.value:
                check(item)
        else:
            assert rows[node.line - 1][node.column - 1 :].removeprefix("'").startswith(str(node.value))

    check(found.node)


@LOADERS
def test_scalars_stay_as_they_are_written(handlers: tuple[Strict, ...]) -> None:
    node = good("---\nv: 1.10\nc: no\nt: 12:30\nd: 2024-01-05\nq: '1'\nn: ~\ne:\ns: \"\"\n---\n", handlers).node
    assert node is not None
    assert isinstance(node.value, Table)
    assert [(one.key, one.node.value, one.node.quoted) for one in node.value.entries] == [
        ("v", "1.10", False),
        ("c", "no", False),
        ("t", "12:30", False),
        ("d", "2024-01-05", False),
        ("q", "1", True),
        ("n", None, False),
        ("e", None, False),
        ("s", "", True),
    ]


@pytest.mark.parametrize("loader", [FAST, PURE])
@pytest.mark.parametrize(
    "text,expected",
    [
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("a: why?\nb: [who?, what? is]", {"a": "why?", "b": ["who?", "what? is"]}),
        ("{a?b: c}", {"a?b": "c"}),
        ("? a\n: b", {"a": "b"}),
        ("a:\tb\t\nc: d\te", {"a": "b", "c": "d e"}),
        ("a: x\x85y\u2028z", {"a": "x y z"}),
        ("a: !!str 12\nb: !!int '7'", {"a": "12", "b": "7"}),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y", {"a": "x\ny\n", "b": "x y"}),
        ("a: C# # note", {"a": "C#"}),
        ("a: http://x/?y=1#z", {"a": "http://x/?y=1#z"}),
        ("1: a\ntrue: b\n~: c", {"1": "a", "true": "b", "~": "c"}),
        ("a: \U0001f600\u200b", {"a": "\U0001f600\u200b"}),
        ("a: ''", {"a": ""}),
        ("", None),
    ],
)
def test_yaml_reads_alike_with_both_loaders(text: str, expected: object, loader: object) -> None:
    assert yaml_values(text, loader) == expected


@LOADERS
@pytest.mark.parametrize(
    "block,place,message,hint",
    [
        (
            "title: a: b",
            "2:9",
            "not valid YAML: mapping values are not allowed here",
            "put a value that holds ': ' in quotes, and indent all keys alike",
        ),
        (
            "a: 1\ntitle: @x",
            "3:8",
            "not valid YAML: found character '@' that cannot start any token",
            "put a value that starts with this character in quotes",
        ),
        ("title: 'x\ndraft: true", "2:8", "not valid YAML: found unexpected end of stream", "close the quotes"),
        (
            "title: x\ntext",
            "3:1",
            "not valid YAML: could not find expected ':'",
            "a key needs a ':' and a space after it; is the closing --- missing?",
        ),
        (
            'title: "x" y',
            "2:12",
            "not valid YAML: expected <block end>, but found '<scalar>'",
            "indent all keys alike; put the whole of a value in quotes, or none of it",
        ),
        (
            "title: *x",
            "2:8",
            "not valid YAML: found undefined alias 'x'",
            "put a value that starts with '*' in quotes",
        ),
        ("\ttitle: x", "2:1", "a tab indents this line", "indent with spaces"),
        ("extra:\n \ta: 1", "3:2", "a tab indents this line", "indent with spaces"),
        ("title: a\x07b", "2:9", "invisible character U+0007", "delete it"),
        ("title: a\ufeffb", "2:9", "invisible character U+FEFF", "delete it"),
        ('title: "a\\ud800"', "2:8", "holds the control character U+D800", "delete it"),
        ('title: "a\\x01"', "2:8", "holds the control character U+0001", "delete it"),
        (
            "a: !!python/object:os.system x",
            "2:4",
            "the tag !!python/object:os.system is not supported",
            "write the plain value",
        ),
        ("a: !x y", "2:4", "the tag !x is not supported", "write the plain value"),
        ("a: !!set {b}", "2:4", "the tag !!set is not supported", "write the plain value"),
        ("a: !!binary eA==", "2:4", "the tag !!binary is not supported", "write the plain value"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "4:3", "'<<' is not supported", "write the keys out"),
        ("? [a]\n: b", "2:3", "a key must be text", "put it in quotes"),
        ("a: &x [*x]", "2:4", "too large or too deep for front matter, or it holds itself", ""),
    ],
)
def test_broken_yaml_is_told_at_its_place(
    block: str, place: str, message: str, hint: str, handlers: tuple[Strict, ...]
) -> None:
    found = split(f"---\n{block}\n---\nBody", "content/a.md", handlers)
    (problem,) = found.problems
    assert (f"{problem.line}:{problem.column}", problem.message, problem.hint) == (place, message, hint)
    assert found.body == "Body"


def test_several_mistakes_of_a_block_are_told_together() -> None:
    assert told("---\na: !x 1\nb: x\x07\nc: !y 2\n---\n") == [
        "3:5 invisible character U+0007",
        "2:4 the tag !x is not supported",
        "4:4 the tag !y is not supported",
    ]


def test_keys_given_twice_are_both_there_for_the_schema_to_tell() -> None:
    node = good("---\na: 1\na: 2\n---\n").node
    assert node is not None
    assert isinstance(node.value, Table)
    assert [entry.line for entry in node.value.entries] == [2, 3]


@pytest.mark.parametrize("text", ["[k: ]", "{a: , b: }", "a:\nb: ", "- \n- a:", "---\na: 1", "--- x", "--- "])
def test_what_is_absent_stands_at_the_same_place_with_both_loaders(text: str) -> None:
    document = Document.of("a", text)
    assert read_yaml(text, document, "front-matter", 1, FAST) == read_yaml(text, document, "front-matter", 1, PURE)


LAUGHS = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(12))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "[" * 50_000,
        "{" * 50_000,
        "- " * 50_000,
        "a: [x, " * 10_000,
        "\n".join(" " * n + "k:" for n in range(1_000)),
    ],
    ids=["laughs", "lists", "tables", "dashes", "mixed", "indent"],
)
def test_a_block_that_means_harm_is_one_problem_soon(text: str) -> None:
    start = time.perf_counter()
    _, problems = read_yaml(text, Document.of("a", text), "front-matter")
    assert len(problems) == 1
    assert "too deep" in problems[0].message
    assert time.perf_counter() - start < 20


PIECES = st.sampled_from(
    [
        *("a", "b", "key:", "k: ", "- ", "-", "?", "? ", ": ", "\n", "\n", "\n  ", "[", "]", "{", "}", ", ", "'", '"'),
        *("#", " #", "|", "|\n", ">", "|-\n  ", "&a ", "*a", "!!str ", "!x ", "!", "%", "@", "~", "null", "1.10", "no"),
        *("<<: ", "''", "12:30", "\t", "é", "中", "😀", "\ufeff", "\x85", "\u2028", "\x07", "\x7f", "\ud800"),
        *("http://x", "a:b", "--- ", "...", "\\", "\\u0041", "\\ud800", "|2\n", "\xa0", "key: value\n"),
        *("tags: [a, b]\n", 'x: "y"\n', "\ufdd0", "who?"),
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=16).map("".join))
def test_both_loaders_read_any_text_alike_and_never_raise(text: str) -> None:
    document = Document.of("a", text)
    assert read_yaml(text, document, "front-matter", 1, FAST) == read_yaml(text, document, "front-matter", 1, PURE)


@given(st.text() | st.lists(PIECES, max_size=16).map(lambda pieces: "---\n" + "".join(pieces) + "\n---\nbody"))
def test_no_text_makes_it_raise_and_none_of_it_is_lost_silently(text: str) -> None:
    found = split(text, "content/a.md")
    assert (
        found.problems
        or found.node is not None
        or found.body == text.removeprefix("\ufeff")
        or text.lstrip()[:3] in "---+++"
    )
    assert text.endswith(found.body)


def test_it_works_where_libyaml_is_not_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    spec = importlib.util.spec_from_file_location("yaml_document_again", obverse.yaml_document.__file__)
    assert spec is not None
    assert spec.loader is not None
    yaml_document = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "yaml_document_again", yaml_document)
    spec.loader.exec_module(yaml_document)
    assert yaml_document.FAST is None
    text = "title: x\nv: 1.10"
    node, problems = yaml_document.read_yaml(text, Document.of("a", text), "front-matter", 1, yaml_document.FAST)
    assert node is not None
    assert (plain(node), problems) == ({"title": "x", "v": "1.10"}, ())


# python-frontmatter's own functions work with our handlers


def test_our_handlers_serve_the_library_itself() -> None:
    assert frontmatter.loads("---\ntitle: x\nv: 1.10\n...\nBody", handler=Yaml()).metadata == {
        "title": "x",
        "v": "1.10",
    }
    assert frontmatter.loads("+++\ntitle = 'x'\nn = 7\n+++\nBody", handler=Toml()).metadata == {"title": "x", "n": 7}
    with pytest.raises(ValueError, match="not keys and values"):
        frontmatter.loads("---\n- a\n---\nBody", handler=Yaml())
    with pytest.raises(ValueError, match="not valid TOML"):
        frontmatter.loads("+++\na\n+++\nBody", handler=Toml())


def test_toml_is_read_and_told_in_the_files_own_lines() -> None:
    found = good("+++\ntitle = 'x'\n[extra]\nv = 1.10\n+++\nBody")
    assert found.node is not None
    assert plain(found.node) == {"title": "x", "extra": {"v": "1.10"}}
    assert told("+++\ntitle = x\n+++\n") == ["2:9 not valid TOML: invalid value"]
    assert told("+++\na = 1\na = 2\n+++\n") == ["3:6 not valid TOML: cannot overwrite a value"]
