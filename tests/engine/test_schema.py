"""The schema: nodes in, typed values and located problems out."""

# ruff: noqa: DTZ001 - dates without a zone are what is read here

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.problems import Problem
from obverse.schema import (
    EMPTIES,
    Document,
    Entry,
    Field,
    Node,
    Table,
    from_plain,
    json_schema,
    plain,
    read,
    read_fields,
    read_moment,
    read_toml,
    read_value,
)


def document(text: str) -> Document:
    return Document.of("a.toml", text)


def tree(text: str) -> Node:
    node, problems = read_toml(text, document(text), "config-syntax")
    assert node is not None, problems
    return node


def values(fields: dict[str, Field], text: str, **options: bool) -> dict[str, object]:
    found, problems = read(fields, tree(text), document(text), **options)
    assert not problems
    return found


def problems(fields: dict[str, Field], text: str, **options: bool) -> list[str]:
    _, found = read(fields, tree(text), document(text), **options)
    return [f"{one.line}:{one.column} {one.code}: {one.message}" for one in found]


def value(one: Field, raw: object) -> object:
    found, told = read_value("x", one, from_plain(raw), document(""))
    assert not told
    return found


def complaint(one: Field, raw: object) -> str:
    found, (told,) = read_value("x", one, from_plain(raw), document(""))
    assert found == one.empty
    assert told.code == "bad-value"
    return told.message


# Types


@pytest.mark.parametrize(
    "kind,raw,expected",
    [
        ("text", " a b ", "a b"),
        ("text", 7, "7"),
        ("text", True, "true"),
        ("text", date(2024, 1, 5), "2024-01-05"),
        ("markdown", "  code", "  code"),
        ("hidden", " x ", " x "),
        ("email", " jo@example.com ", "jo@example.com"),
        ("email", "jö+tag@müller.example", "jö+tag@müller.example"),
        ("url", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("tel", "+49 (0)30 123-456 ext. 7", "+49 (0)30 123-456 ext. 7"),
        ("number", "7", 7),
        ("number", "-7.5", -7.5),
        ("number", 7, 7),
        ("number", "1e3", 1000.0),
        ("money", "1200", "1200.00"),
        ("money", "0.5", "0.50"),
        ("date", "2024/1/5", date(2024, 1, 5)),
        ("datetime", "2024-01-05", datetime(2024, 1, 5)),
        ("boolean", "yes", True),
        ("boolean", "Off", False),
        ("boolean", False, False),
        ("consent", "on", True),
        ("reference", " about.md ", "about.md"),
        ("image", "/a.png", "/a.png"),
        ("file", "terms.pdf", "terms.pdf"),
    ],
)
def test_a_type_reads_what_people_write(kind: str, raw: object, expected: object) -> None:
    found = value(Field(kind), raw)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "one,raw,message",
    [
        (Field(max=3), "four", "'x' must be at most 3 characters long, not 4"),
        (Field(min=3), "ab", "'x' must be at least 3 characters long, not 2"),
        (Field(pattern="[a-z]+"), "A1", "'x' must match the pattern [a-z]+, not 'A1'"),
        (Field(), "a\x07b", "'x' must not hold control characters, not 'a\ufffdb'"),
        (Field(), "a\ud800", "'x' must not hold control characters, not 'a\ufffd'"),
        (Field(), ["a"], "'x' must be text, not a list"),
        (Field(), {"a": 1}, "'x' must be text, not a table"),
        (
            Field("email"),
            "a" * 250 + "@b.de",
            f"'x' must be an e-mail address such as name@example.com, not '{'a' * 39}…'",
        ),
        (Field("email"), "jo@", "'x' must be an e-mail address such as name@example.com, not 'jo@'"),
        (Field("email"), "a@b@c.de", "'x' must be an e-mail address such as name@example.com, not 'a@b@c.de'"),
        (
            Field("url"),
            "example.com",
            "'x' must be a web address that begins with https:// or http://, not 'example.com'",
        ),
        (
            Field("url"),
            "javascript:x",
            "'x' must be a web address that begins with https:// or http://, not 'javascript:x'",
        ),
        (
            Field("url"),
            "https://[::1",
            "'x' must be a web address that begins with https:// or http://, not 'https://[::1'",
        ),
        (Field("tel"), "call me", "'x' must be a telephone number such as +1 555 0100, not 'call me'"),
        (Field("number"), "many", "'x' must be a number, not 'many'"),
        (Field("number"), "nan", "'x' must be a number, not 'nan'"),
        (Field("number"), "1e999", "'x' must be a number that is not endless, not '1e999'"),
        (Field("number", whole=True), "1.5", "'x' must be a whole number, not '1.5'"),
        (Field("number", min=1), "0", "'x' must be 1 or more, not '0'"),
        (Field("number", max=9), "10", "'x' must be 9 or less, not '10'"),
        (Field("money"), "12,50", "'x' must be an amount such as 1200 or 1200.50, not '12,50'"),
        (Field("date"), "2024-02-30", "'x' must be a date such as 2024-01-05, not '2024-02-30'"),
        (Field("date"), "2024-01-05 10:00", "'x' must be a date such as 2024-01-05, not '2024-01-05 10:00'"),
        (Field("datetime"), "5.1.2024", "'x' must be a date such as 2024-01-05 or 2024-01-05 14:30, not '5.1.2024'"),
        (Field("boolean"), "maybe", "'x' must be true or false, not 'maybe'"),
        (Field("boolean"), ["true"], "'x' must be true or false, not a list"),
        (Field("consent", required=True), "no", "'x' must be agreed to, not 'no'"),
        (Field("choice", options=("a", "b")), "c", "'x' must be 'a' or 'b', not 'c'"),
        (Field("choice", options=("a", "b", "c")), {}, "'x' must be 'a', 'b' or 'c', not a table"),
        (Field("heading"), "y", "'x' is a heading and takes no value, not 'y'"),
        (Field("object", fields={}), "y", "'x' must be a table of keys and values, not 'y'"),
        (Field("list", max=1), ["a", "b"], "'x' holds 2 values; at most 1 is allowed"),
        (Field("list", min=2), ["a"], "'x' holds 1 values; at least 2 are needed"),
        (Field(), "x" * 50 + "\x00", f"'x' must not hold control characters, not '{'x' * 39}…'"),
    ],
)
def test_a_type_says_what_a_value_must_be(one: Field, raw: object, message: str) -> None:
    assert complaint(one, raw) == message


def test_a_wrong_choice_gets_the_nearest_one() -> None:
    _, (told,) = read_value("x", Field("choice", options=("warning", "error")), from_plain("warnin"), document(""))
    assert told.hint == "did you mean 'warning'?"


def test_a_type_that_does_not_exist_is_refused_at_its_declaration() -> None:
    with pytest.raises(ValueError, match="no field type 'strnig'"):
        Field("strnig")


@pytest.mark.parametrize(
    "text,expected",
    [
        ("2024-01-05", datetime(2024, 1, 5)),
        ("2024-01-05 14:30", datetime(2024, 1, 5, 14, 30)),
        ("2024-01-05T14:30:10", datetime(2024, 1, 5, 14, 30, 10)),
        ("2024-01-05T10:00Z", datetime(2024, 1, 5, 10, tzinfo=UTC)),
        ("2024-01-05t10:00:00.25z", datetime(2024, 1, 5, 10, 0, 0, 250000, UTC)),
        ("2024-01-05 10:00:00.123456789 UTC", datetime(2024, 1, 5, 10, 0, 0, 123456, UTC)),
        ("2015-12-01 8:42:48 -0400", datetime(2015, 12, 1, 8, 42, 48, tzinfo=timezone(timedelta(hours=-4)))),
        ("2018/02/09 17:03:23 +0000", datetime(2018, 2, 9, 17, 3, 23, tzinfo=UTC)),
        ("2024-01-05 10:00 +05:30", datetime(2024, 1, 5, 10, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("2024-01-05 10:00:00 +0000 UTC", datetime(2024, 1, 5, 10, tzinfo=UTC)),
        ("2024-01-05T10:00-03", datetime(2024, 1, 5, 10, tzinfo=timezone(timedelta(hours=-3)))),
        (" 2024-1-5 ", datetime(2024, 1, 5)),
    ],
)
def test_dates_are_read_in_all_the_ways_people_write_them(text: str, expected: datetime) -> None:
    found = read_moment(text)
    assert found == expected
    assert found is not None
    assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2024",
        "2024-13-01",
        "2024-01-32",
        "01-05-2024",
        "5 January 2024",
        "2024-01/05",
        "20240105",
        "0024-01-05",
        "9999-01-05",
        "2024-01-05 25:00",
        "2024-01-05 10:61",
        "2024-01-05 10:00 EST",
        "2024-01-05 10:00 +25:00",
        "٢٠٢٤-٠١-٠٥",
    ],
)
def test_what_is_no_date_is_not_guessed_at(text: str) -> None:
    assert read_moment(text) is None


@given(st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)))
def test_every_date_is_read_as_iso_writes_it(moment: datetime) -> None:
    assert read_moment(moment.isoformat()) == moment
    assert read_moment(moment.isoformat(" ")) == moment


@given(st.sampled_from(sorted(EMPTIES)), st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text()))
def test_no_value_makes_a_type_raise(kind: str, raw: object) -> None:
    read_value("x", Field(kind, options=("a",)), from_plain(raw), document(""))


# Tables


FIELDS = {
    "title": Field(required=True, help="The name."),
    "summary": Field(also=("abstract",)),
    "tags": Field("list", commas=True),
    "draft": Field("boolean"),
    "weight": Field("number", default=5),
    "who": Field("list", of=Field(name_key="name")),
    "place": Field("object", fields={"city": Field(required=True), "zip": Field()}),
    "free": Field("object"),
}


def test_all_that_is_wrong_is_told_at_once_each_at_its_place() -> None:
    text = """
titel = "x"
sumary = "y"
draft = "maybe"
tags = ["a", {b = 1}]

[place]
citty = "z"
"""
    assert problems(FIELDS, text) == [
        "2:1 unknown-key: unknown key 'titel'; did you mean 'title'?",
        "3:1 unknown-key: unknown key 'sumary'; did you mean 'summary'?",
        "4:9 bad-value: 'draft' must be true or false, not 'maybe'",
        "5:14 bad-value: 'tags' must be text, not a table",
        "8:1 unknown-key: unknown key 'citty' in [place]; did you mean 'city'?",
        "7:1 missing-key: 'city' in [place] is required",
        "1:1 missing-key: 'title' is required",
    ]


def test_a_problem_shows_the_line_and_the_help_of_the_field() -> None:
    text = 'title = ""\n'
    _, (told,) = read(FIELDS, tree(text), document(text))
    assert told == Problem("missing-key", "a.toml", "'title' is required", 1, 9, 'title = ""', "The name.")


def test_what_is_not_given_has_its_empty_value() -> None:
    expected = {"summary": "", "tags": (), "draft": False, "weight": 5, "who": (), "place": {}, "free": {}}
    assert values(FIELDS, 'title = "x"') == {"title": "x", **expected}


def test_null_is_not_given() -> None:
    node = from_plain({"title": "x", "draft": None, "weight": None, "tags": [None, "a"]})
    found, told = read(FIELDS, node, document(""))
    assert (found["draft"], found["weight"], found["tags"], told) == (False, 5, ("a",), ())


def test_a_required_null_is_missing() -> None:
    _, (told,) = read(FIELDS, from_plain({"title": None}), document(""))
    assert told.message == "'title' is required"


@pytest.mark.parametrize(
    "written,expected",
    [
        ('"one"', ("one",)),
        ('"one, two ,, one"', ("one", "two")),
        ('["a, b", "c", "", "c"]', ("a, b", "c")),
        ("[2024, 1.10, true]", ("2024", "1.10", "true")),
        ('""', ()),
    ],
)
def test_one_text_is_a_list_of_one_or_of_what_stands_between_commas(written: str, expected: tuple[str, ...]) -> None:
    assert values(FIELDS, f'title = "x"\ntags = {written}')["tags"] == expected


def test_a_table_with_a_name_stands_for_the_name() -> None:
    found = values(FIELDS, 'title = "x"\nwho = [{name = "Jo", mail = "x"}, "Ann"]')
    assert found["who"] == ("Jo", "Ann")


def test_a_table_without_the_name_is_refused() -> None:
    assert problems(FIELDS, 'title = "x"\nwho = {mail = "x"}') == [
        "2:7 bad-value: 'who' must be text, or a table with the key 'name'",
    ]


def test_another_name_of_a_key_is_taken_for_it_and_both_together_are_one_too_many() -> None:
    assert values(FIELDS, 'title = "x"\nabstract = "y"')["summary"] == "y"
    assert problems(FIELDS, 'title = "x"\nabstract = "y"\nsummary = "z"') == [
        "3:1 duplicate-key: 'summary' says the same as 'abstract' on line 2",
    ]


def test_a_loose_reading_takes_keys_in_other_letters() -> None:
    fields = {"image_alt": Field(), "publishdate": Field()}
    found = values(fields, '"Image-Alt" = "x"\npublishDate = "y"', loose=True)
    assert found == {"image_alt": "x", "publishdate": "y"}
    assert problems(fields, 'Image_Alt = "x"') == [
        "1:1 unknown-key: unknown key 'Image_Alt'; did you mean 'image_alt'?"
    ]


def test_a_key_given_twice_is_told_at_any_depth_and_the_first_counts() -> None:
    twice = Table((Entry("a", Node("1"), 1, 1), Entry("a", Node("2"), 2, 1)))
    node = Node(Table((Entry("title", Node("x"), 1, 1), Entry("free", Node((Node(twice),)), 1, 9))))
    found, told = read({"title": Field(), "free": Field("list", of=Field("object"))}, node, document(""))
    assert found["free"] == ({"a": 1},)
    assert [(one.code, one.message, one.line) for one in told] == [
        ("duplicate-key", "'a' is already given on line 1", 2)
    ]


def test_an_object_of_one_type_keeps_the_order_and_the_line() -> None:
    item = Field("object", fields={"x": Field()}, placed=True)
    found = values(
        {"menus": Field("object", of=Field("list", of=item))}, '[menus]\nz = [{x = "1"}]\na = [\n {x = "2"}]'
    )
    assert found == {"menus": {"z": ({"x": "1", "line": 2},), "a": ({"x": "2", "line": 4},)}}
    assert list(found["menus"]) == ["z", "a"]  # type: ignore[call-overload]


def test_a_check_has_the_last_word() -> None:
    one = Field(check=lambda text: "must rhyme" if text != "time" else "")
    assert value(one, "time") == "time"
    assert complaint(one, "cat") == "'x' must rhyme, not 'cat'"


def test_a_document_that_is_no_table_is_one_problem() -> None:
    found, (told,) = read({"a": Field()}, Node(()), document(""))
    assert (found, told.message) == ({"a": ""}, "must be a table of keys and values")


# Plain values


@pytest.mark.parametrize(
    "text,expected",
    [
        ("7", 7),
        ("-7", -7),
        ("1.5", 1.5),
        ("1.10", "1.10"),
        ("007", "007"),
        ("1e5", "1e5"),
        ("-0", "-0"),
        ("12:30", "12:30"),
        ("no", "no"),
        ("true", True),
        ("True", "True"),
        ("99999999999999999999", "99999999999999999999"),
        ("2024-01-05", "2024-01-05"),
    ],
)
def test_plain_text_becomes_a_number_only_when_it_prints_back_as_written(text: str, expected: object) -> None:
    found = plain(Node(text))
    assert (found, type(found)) == (expected, type(expected))
    assert plain(Node(text, quoted=True)) == text


def test_plain_values_are_what_a_template_expects() -> None:
    node = tree('a = [1, 1.10, "x"]\nb = {c = 2024-01-05, d = 10:30:00, e = 2024-01-05T10:00:00Z}\nf = true')
    assert plain(node) == {
        "a": [1, "1.10", "x"],
        "b": {"c": "2024-01-05", "d": "10:30:00", "e": "2024-01-05T10:00:00+00:00"},
        "f": True,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_plain_values_survive_the_way_through_nodes(raw: object) -> None:
    assert plain(from_plain(raw)) == raw


# TOML and its places


EXAMPLE = '''# comment [x] a = 1
top = "a # b"   # c
"quoted key" = 'it'
dotted . "k=e.y" = 1
multi = """
line = "no key"
end\\""""
lit = \'\'\'
'' x = 1\'\'\'
list = [ 1, # one = 2
  [2, "]"],
  {a = "}", b.c = 3},
]
when = 1979-05-27 07:32:00
far = -1_000.5e3

[site]
title="x"
[ deep . er ]
k = true
[[many]]
n = 1
[many.sub]
s = 1
[[many]]
n = 2
[[many.list]]
m = 3
'''


def places(node: Node, path: str = "") -> list[tuple[str, int, int, int, int]]:
    if isinstance(node.value, Table):
        found = []
        for one in node.value.entries:
            here = f"{path}/{one.key}"
            found += [(here, one.line, one.column, one.node.line, one.node.column), *places(one.node, here)]
        return found
    if isinstance(node.value, tuple):
        return [place for n, item in enumerate(node.value) for place in places(item, f"{path}/{n}")]
    return []


def test_toml_keys_and_values_know_their_places() -> None:
    assert places(tree(EXAMPLE)) == [
        ("/top", 2, 1, 2, 7),
        ("/quoted key", 3, 1, 3, 16),
        ("/dotted", 4, 1, 4, 20),
        ("/dotted/k=e.y", 4, 10, 4, 20),
        ("/multi", 5, 1, 5, 9),
        ("/lit", 8, 1, 8, 7),
        ("/list", 10, 1, 10, 8),
        ("/list/2/a", 12, 4, 12, 8),
        ("/list/2/b", 12, 13, 12, 19),
        ("/list/2/b/c", 12, 15, 12, 19),
        ("/when", 14, 1, 14, 8),
        ("/far", 15, 1, 15, 7),
        ("/site", 17, 1, 17, 1),
        ("/site/title", 18, 1, 18, 7),
        ("/deep", 19, 1, 19, 1),
        ("/deep/er", 19, 1, 19, 1),
        ("/deep/er/k", 20, 1, 20, 5),
        ("/many", 21, 1, 21, 1),
        ("/many/0/n", 22, 1, 22, 5),
        ("/many/0/sub", 23, 1, 23, 1),
        ("/many/0/sub/s", 24, 1, 24, 5),
        ("/many/1/n", 26, 1, 26, 5),
        ("/many/1/list", 27, 1, 27, 1),
        ("/many/1/list/0/m", 28, 1, 28, 5),
    ]


KEY = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=4
)
SCALAR = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=8),
    st.integers(-(10**9), 10**9),
    st.booleans(),
)


def basic(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\' else c for c in text) + '"'


def inline(raw: object) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, str):
        return f"'{raw}'" if re.fullmatch(r"[^'\x00-\x1f]*", raw) else basic(raw)
    if isinstance(raw, list):
        return "[\n " + ", # c ]\n ".join(map(inline, raw)) + "]" if raw else "[]"
    if isinstance(raw, dict):
        return "{" + ", ".join(f"{basic(key)} = {inline(item)}" for key, item in raw.items()) + "}"
    return str(raw)


@given(
    st.dictionaries(KEY, st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3)), max_size=4),
    st.dictionaries(KEY, st.dictionaries(KEY, SCALAR, max_size=3), max_size=3),
)
def test_every_toml_place_is_where_the_key_and_the_value_stand(
    pairs: dict[str, object], tables: dict[str, object]
) -> None:
    tables = {f"t{key}": table for key, table in tables.items()}
    pairs = {f"p{key}": item for key, item in pairs.items()}
    lines = [f"{basic(key)} = {inline(item)}" for key, item in pairs.items()]
    for name, table in tables.items():
        lines += [f"[{basic(name)}]", *(f"{basic(key)}={inline(item)}" for key, item in table.items())]  # type: ignore[attr-defined]
    text = "\n".join(lines)
    rows = text.split("\n")

    def check(node: Node, raw: object) -> None:
        if isinstance(node.value, Table):
            assert isinstance(raw, dict)
            for one in node.value.entries:
                start = rows[one.line - 1][one.column - 1 :]
                assert start.startswith((basic(one.key), f"[{basic(one.key)}]"))
                check(one.node, raw[one.key])
        elif isinstance(node.value, tuple):
            assert isinstance(raw, list)
            for item, part in zip(node.value, raw, strict=True):
                check(item, part)
        else:
            assert rows[node.line - 1][node.column - 1 :].startswith(inline(raw).split("\n")[0])

    check(tree(text), pairs | tables)


@pytest.mark.parametrize(
    "text,line,column,message,hint",
    [
        (
            "a = 1\nb = x",
            2,
            5,
            "not valid TOML: invalid value",
            "put text in quotes; write true and false in small letters",
        ),
        (
            "a = 1\n\nb\n",
            3,
            2,
            "not valid TOML: expected '=' after a key in a key/value pair",
            "a setting is written: key = value",
        ),
        ('a = "x', 1, 7, "not valid TOML: unterminated string", ""),
    ],
)
def test_broken_toml_is_told_at_its_place(text: str, line: int, column: int, message: str, hint: str) -> None:
    node, (told,) = read_toml(text, document(text), "config-syntax")
    assert node is None
    assert (told.line, told.column, told.message, told.hint) == (line, column, message, hint)
    assert told.excerpt == text.split("\n")[line - 1]


def test_toml_inside_a_file_counts_the_files_lines() -> None:
    text = "+++\na = x\n+++"
    _, (told,) = read_toml("a = x\n", document(text), "config-syntax", first_line=2)
    assert (told.line, told.excerpt) == (2, "a = x")


def test_toml_that_is_nested_without_end_is_one_problem() -> None:
    node, (told,) = read_toml("a = " + "[" * 100_000, document(""), "config-syntax")
    assert node is None
    assert told.message == "not valid TOML: nested too deep"


@given(st.text())
def test_no_text_makes_the_toml_reader_raise(text: str) -> None:
    read_toml(text, document(text), "config-syntax")


# Declarations


def declared(text: str) -> tuple[dict[str, Field], list[str]]:
    fields, told = read_fields(tree(text), document(text))
    return fields, [f"{one.line}:{one.column} {one.message}" for one in told]


def test_a_site_declares_fields_of_its_own_in_order() -> None:
    text = """
to = {type = "text"}
label = {type = "text", required = true, max = 40}
size = {type = "choice", options = ["small", "large"], default = "small"}
kind = {type = "choice", options = {a = "An A", b = "A B"}}
count = "number"
items = {type = "list", of = {type = "object", fields = {x = "date"}}}
"""
    fields, told = declared(text)
    assert told == []
    assert fields == {
        "to": Field(),
        "label": Field(required=True, max=40),
        "size": Field("choice", options=("small", "large"), default="small"),
        "kind": Field("choice", options={"a": "An A", "b": "A B"}),
        "count": Field("number"),
        "items": Field("list", of=Field("object", fields={"x": Field("date")})),
    }
    assert list(fields) == ["to", "label", "size", "kind", "count", "items"]


def test_a_wrong_declaration_is_told_at_its_place() -> None:
    text = """
a = {type = "txt"}
b = {typ = "text"}
c = {type = "number", default = "many"}
d = {type = "choice"}
e = {pattern = "["}
f = {of = {type = "x"}}
"""
    _, told = declared(text)
    assert [one for one in told if "must be 'text'" not in one] == [
        "3:6 unknown key 'typ'; did you mean 'type'?",
        "4:33 'default' must be a number, not 'many'",
        "5:1 'd' needs options",
        "6:5 'pattern' is not a regular expression: unterminated character set at position 0",
    ]
    assert [one.split(" ")[0] for one in told if "must be 'text'" in one] == ["2:13", "7:19"]


def test_a_declaration_that_is_no_table_is_one_problem() -> None:
    fields, (problem,) = read_fields(from_plain(["a"]), document(""))
    assert (fields, problem.message) == ({}, "fields must be a table of names")


def test_declared_fields_read_a_call() -> None:
    fields, _ = declared('to = "reference"\nlabel = {required = true}')
    call = from_plain({"to": "a.md", "lable": "x"}, 7, 3)
    found, told = read(fields, call, document(""))
    assert found == {"to": "a.md", "label": ""}
    assert [(one.line, one.column, one.message) for one in told] == [
        (7, 3, "unknown key 'lable'; did you mean 'label'?"),
        (7, 3, "'label' is required"),
    ]


# JSON Schema


def test_fields_write_a_json_schema() -> None:
    fields = {
        "title": Field(required=True, help="The name.", max=80),
        "weight": Field("number", whole=True, min=0, default=3),
        "author": Field("list", of=Field(name_key="name"), also=("by",), help="Who."),
        "kind": Field("choice", options=("a", "b")),
        "day": Field("date", required=True),
        "inner": Field("object", fields={"x": Field("boolean", required=True)}, required=True),
        "map": Field("object", of=Field("url")),
        "rest": Field("object"),
        "sizes": Field("choices", options=("s", "l"), max=2),
        "head": Field("heading"),
    }
    text = {"type": ["string", "number"]}
    person = {"anyOf": [text, {"type": "object", "properties": {"name": text}, "required": ["name"]}]}
    people = {"anyOf": [person, {"type": "array", "items": person}, {"type": "null"}]}
    size = {"enum": ["s", "l"]}
    assert json_schema(fields, "A page") == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A page",
        "type": "object",
        "properties": {
            "title": {"type": ["string", "number"], "maxLength": 80, "description": "The name."},
            "weight": {"type": ["integer", "null"], "minimum": 0, "default": 3},
            "author": people | {"description": "Who."},
            "kind": {"enum": ["a", "b", None]},
            "day": {"type": "string", "pattern": "^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}$"},
            "inner": {
                "type": "object",
                "properties": {"x": {"type": "boolean"}},
                "additionalProperties": False,
                "required": ["x"],
            },
            "map": {
                "type": ["object", "null"],
                "additionalProperties": {"type": "string", "format": "uri", "pattern": "^https?://"},
            },
            "rest": {"type": ["object", "null"]},
            "sizes": {"anyOf": [size, {"type": "array", "items": size, "maxItems": 2}, {"type": "null"}]},
            "by": people | {"description": "Another name of author. Who."},
        },
        "additionalProperties": False,
        "required": ["title", "day", "inner"],
    }


@pytest.mark.parametrize("kind", sorted(set(EMPTIES) - {"heading"}))
def test_every_type_writes_json_schema(kind: str) -> None:
    assert json_schema({"x": Field(kind, options=("a",))}, "t")["properties"]["x"]
