"""Parse: a file's bytes in, a page and its problems out."""

import marshal
import pickle
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.config import Config, Site
from obverse.page import Matter, Page
from obverse.parse import MATTER_FIELDS, dated_name, from_record, parse, to_record
from obverse.problems import Level, as_text

SITE = Config(site=Site(title="x", language="en", languages=("de", "pt-BR"), timezone="Europe/Berlin"))
CET, CEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))


def read(text: str | bytes, path: str = "articles/a.md") -> Page:
    return parse(path, text.encode() if isinstance(text, str) else text, SITE)


def page(matter: str, path: str = "articles/a.md") -> Page:
    found = read(f"---\n{matter}\n---\nBody\n", path)
    assert not found.problems, as_text(found.problems)
    return found


def told(matter: str, path: str = "articles/a.md") -> list[str]:
    found = read(f"---\n{matter}\n---\nBody\n", path)
    assert {one.path for one in found.problems} <= {f"content/{path}"}
    return [f"{one.line}:{one.column} {one.code}: {one.message}" for one in found.problems]


def quoted(text: str) -> str:
    """A text as a YAML scalar, whatever it holds."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


FULL = """title: A title
description: What it says.
date: 2024-01-05 14:30
updated: 2024-07-05
expires: 2030-01-01T00:00Z
draft: true
authors: [Jo, Ann]
tags: [a, B c]
category: News
series: A series
image: a.png
image_alt: A picture
form: contact
cta: pricing
slug: a-slug
url: /a/b.html
aliases: [/old/, older]
template: special
type: page
weight: 3
toc: false
noindex: true
canonical: https://example.com/a
extra:
  n: 7
  v: 1.10
  list: [a, {b: true}]
  day: 2024-01-05"""


def test_every_core_key_is_read() -> None:
    assert page(FULL).matter == Matter(
        title="A title",
        description="What it says.",
        date=datetime(2024, 1, 5, 14, 30, tzinfo=CET),
        updated=datetime(2024, 7, 5, tzinfo=CEST),
        expires=datetime(2030, 1, 1, tzinfo=UTC),
        draft=True,
        authors=("Jo", "Ann"),
        tags=("a", "B c"),
        category="News",
        series="A series",
        image="a.png",
        image_alt="A picture",
        form="contact",
        cta="pricing",
        slug="a-slug",
        url="/a/b.html",
        aliases=("/old/", "/older"),
        template="special",
        type="page",
        weight=3,
        toc=False,
        noindex=True,
        canonical="https://example.com/a",
        extra={"n": 7, "v": "1.10", "list": ["a", {"b": True}], "day": "2024-01-05"},
    )


def test_the_example_above_leaves_no_key_out() -> None:
    found = page(FULL)
    assert set(found.places) == set(MATTER_FIELDS) == {one.name for one in fields(Matter)}
    empty = Matter()
    assert all(getattr(found.matter, key) != getattr(empty, key) for key in MATTER_FIELDS)


def test_a_page_is_what_its_file_says() -> None:
    found = read("---\ntitle: x\n---\n\nBody\n", "articles/a.md")
    assert replace(found, matter=Matter(title="x", extra={})) == found
    assert (found.path, found.name, found.lang, found.body, found.body_line) == (
        "articles/a.md",
        "articles/a",
        "en",
        "\nBody\n",
        4,
    )
    assert found.places == {"title": (2, 1)}


def test_a_file_without_front_matter_is_a_page() -> None:
    found = read("# Hello\n\nText\n", "about.md")
    assert (found.matter, found.body, found.body_line, found.places) == (Matter(extra={}), "# Hello\n\nText\n", 1, {})


def test_every_key_has_a_sentence_of_help() -> None:
    assert all(one.help.endswith(".") for one in MATTER_FIELDS.values())


# What users of other generators wrote


@pytest.mark.parametrize(
    "matter,key,expected",
    [
        ("Title: x", "title", "x"),
        ("author: Jo", "authors", ("Jo",)),
        ("author: {name: Jo, url: x}", "authors", ("Jo",)),
        ("authors:\n  - name: Jo\n  - Ann", "authors", ("Jo", "Ann")),
        ("author: 'Smith, Jo'", "authors", ("Smith, Jo",)),
        ("tags: a, b ,a", "tags", ("a", "b")),
        ("tags: one tag", "tags", ("one tag",)),
        ("tag: a", "tags", ("a",)),
        ("tags: [2024, 1.10, no]", "tags", ("2024", "1.10", "no")),
        ("tags:", "tags", ()),
        ("categories: [News]", "category", "News"),
        ("categories: News", "category", "News"),
        ("category: [News]", "category", "News"),
        ("summary: x", "description", "x"),
        ("excerpt: x", "description", "x"),
        ("lastmod: 2024-01-05", "updated", datetime(2024, 1, 5, tzinfo=CET)),
        ("Modified: 2024-01-05", "updated", datetime(2024, 1, 5, tzinfo=CET)),
        ("last_modified_at: 2024-01-05", "updated", datetime(2024, 1, 5, tzinfo=CET)),
        ("publishDate: 2024-01-05", "date", datetime(2024, 1, 5, tzinfo=CET)),
        ("expiryDate: 2024-01-05", "expires", datetime(2024, 1, 5, tzinfo=CET)),
        ("permalink: /x/", "url", "/x/"),
        ("redirect_from: /x/", "aliases", ("/x/",)),
        ("alias: [/x/, /y/, /x/]", "aliases", ("/x/", "/y/")),
        ("aliases: [/x/, x/, /%78/]", "aliases", ("/x/",)),
        ("layout: post", "template", ""),
        ("layout: landing", "template", "landing"),
        ("template: landing.html", "template", "landing"),
        ("template: cases/one", "template", "cases/one"),
        ("published: false", "draft", True),
        ("published: true", "draft", False),
        ("status: draft", "draft", True),
        ("status: hidden", "noindex", True),
        ("draft: yes", "draft", True),
        ("draft: 'true'", "draft", True),
        ("weight: '12'", "weight", 12),
        ("weight: -1", "weight", -1),
        ("toc: ", "toc", None),
        ("toc: on", "toc", True),
        ("image-alt: x", "image_alt", "x"),
        ("title: 2024", "title", "2024"),
        ("title: 1.10", "title", "1.10"),
        ("title: no", "title", "no"),
        ("title: 12:30", "title", "12:30"),
        ("title: null", "title", ""),
        ("title: >\n  Two\n  lines", "title", "Two lines"),
        ("title: \"<b> & 'x'\"", "title", "<b> & 'x'"),
        ("series: '  A   B '", "series", "A B"),
        ("tags: [Cafe\u0301]", "tags", ("Café",)),
        ("slug: ' /a b/ '", "slug", "a-b"),
        ("slug: Cafe\u0301", "slug", "Café"),
        ("url: about", "url", "/about"),
        ("url: /caf%C3%A9/", "url", "/café/"),
        ("url: /", "url", "/"),
        ("url: /.well-known/x", "url", "/.well-known/x"),
        ("canonical: /other/", "canonical", "/other/"),
    ],
)
def test_what_people_write_is_understood(matter: str, key: str, expected: object) -> None:
    assert getattr(page(matter).matter, key) == expected


def test_places_go_by_the_name_of_the_core_key() -> None:
    assert page("Author: Jo\npublishDate: 2024-01-05").places == {"authors": (2, 1), "date": (3, 1)}


@pytest.mark.parametrize(
    "written,expected",
    [
        ("2024-01-05", datetime(2024, 1, 5, tzinfo=CET)),
        ("2024-07-05", datetime(2024, 7, 5, tzinfo=CEST)),
        ("'2024-01-05'", datetime(2024, 1, 5, tzinfo=CET)),
        ("2024-01-05 14:30", datetime(2024, 1, 5, 14, 30, tzinfo=CET)),
        ("2024-01-05T10:00Z", datetime(2024, 1, 5, 10, tzinfo=UTC)),
        ("2015-12-01 8:42:48 -0400", datetime(2015, 12, 1, 8, 42, 48, tzinfo=timezone(timedelta(hours=-4)))),
        ("2018/02/09 17:03:23 +0000", datetime(2018, 2, 9, 17, 3, 23, tzinfo=UTC)),
        ("2024-03-31 02:30", datetime(2024, 3, 31, 2, 30, tzinfo=CET)),  # an hour that was skipped
        ("2024-10-27 02:30", datetime(2024, 10, 27, 2, 30, tzinfo=CEST)),  # an hour that came twice: the first
    ],
)
def test_a_date_has_the_zone_it_says_or_the_sites(written: str, expected: datetime) -> None:
    found = page(f"date: {written}").matter.date
    assert found is not None
    assert (found, found.utcoffset()) == (expected, expected.utcoffset())
    assert isinstance(found.tzinfo, timezone)


def test_toml_dates_are_dates() -> None:
    text = "+++\ndate = 2024-01-05\nupdated = 2024-01-05T10:00:00Z\nexpires = 2025-01-05 10:00:00\n+++\n"
    found = read(text)
    assert found.problems == ()
    assert found.matter == Matter(
        date=datetime(2024, 1, 5, tzinfo=CET),
        updated=datetime(2024, 1, 5, 10, tzinfo=UTC),
        expires=datetime(2025, 1, 5, 10, tzinfo=CET),
        extra={},
    )


# Names


@pytest.mark.parametrize(
    "name,day,rest",
    [
        ("2024-01-05-a-title", date(2024, 1, 5), "a-title"),
        ("2024-01-05_title", date(2024, 1, 5), "title"),
        ("2024-01-05 title", date(2024, 1, 5), "title"),
        ("2024-01-05", date(2024, 1, 5), "2024-01-05"),
        ("2024-01-05-", date(2024, 1, 5), "2024-01-05-"),
        ("2024-02-30-title", None, "2024-02-30-title"),
        ("2024-01-051", None, "2024-01-051"),
        ("title-2024-01-05", None, "title-2024-01-05"),
        ("title", None, "title"),
        ("", None, ""),
    ],
)
def test_a_name_may_begin_with_a_date(name: str, day: date | None, rest: str) -> None:
    assert dated_name(name) == (day, rest)


@pytest.mark.parametrize(
    "path,expected",
    [
        ("articles/2024-01-05-x.md", datetime(2024, 1, 5, tzinfo=CET)),
        ("articles/2024-01-05-x/index.md", datetime(2024, 1, 5, tzinfo=CET)),
        ("articles/2024-01-05-x/index.de.md", datetime(2024, 1, 5, tzinfo=CET)),
        ("articles/2024-01-05-x/_index.md", None),
        ("articles/2024-01-05-x/other.md", None),
        ("0024-01-05-x.md", None),
    ],
)
def test_a_date_in_the_name_counts_where_front_matter_has_none(path: str, expected: datetime | None) -> None:
    assert read("Body", path).matter.date == expected
    assert page("title: x", path).matter.date == expected
    assert page("date: 2020-01-01", path).matter.date == datetime(2020, 1, 1, tzinfo=CET)


@pytest.mark.parametrize(
    "path,name,lang",
    [
        ("pricing.md", "pricing", "en"),
        ("pricing.de.md", "pricing", "de"),
        ("pricing.en.md", "pricing", "en"),
        ("pricing.fr.md", "pricing.fr", "en"),
        ("pricing.PT-br.md", "pricing", "pt-BR"),
        ("a/index.de.md", "a/index", "de"),
        ("a/_index.de.md", "a/_index", "de"),
        ("a.b/c.md", "a.b/c", "en"),
        ("a.de/c.md", "a.de/c", "en"),
        ("v1.0.md", "v1.0", "en"),
        (".de.md", ".de", "en"),
        ("a/.de.md", "a/.de", "en"),
        ("a.markdown", "a", "en"),
        ("Cafe\u0301.de.md", "Café", "de"),
    ],
)
def test_the_language_of_a_name_is_one_the_site_has(path: str, name: str, lang: str) -> None:
    found = read("x", path)
    assert (found.name, found.lang) == (name, lang)


# What is wrong


@pytest.mark.parametrize(
    "matter,expected",
    [
        ("sumary: x", ["2:1 unknown-key: unknown key 'sumary'; did you mean 'summary'?"]),
        ("colour: x", ["2:1 unknown-key: unknown key 'colour'"]),
        ("draft: maybe", ["2:8 bad-value: 'draft' must be true or false, not 'maybe'"]),
        ("published: nope", ["2:12 bad-value: 'published' must be true or false, not 'nope'"]),
        (
            "date: tomorrow",
            ["2:7 bad-value: 'date' must be a date such as 2024-01-05 or 2024-01-05 14:30, not 'tomorrow'"],
        ),
        ("title: [x]", ["2:8 bad-value: 'title' must be text, not a list"]),
        ("weight: heavy", ["2:9 bad-value: 'weight' must be a whole number, not 'heavy'"]),
        ("extra: x", ["2:8 bad-value: 'extra' must be a table of keys and values, not 'x'"]),
        ("categories: [a, b]", ["2:13 bad-value: 'categories' holds 2 values; at most 1 is allowed"]),
        ("status: drafty", ["2:9 bad-value: 'status' must be 'published', 'draft' or 'hidden', not 'drafty'"]),
        (
            "template: ../x",
            ["2:11 bad-value: 'template' must match the pattern [\\w-]+(?:/[\\w-]+)*(?:\\.html)?, not '../x'"],
        ),
        ("title: x\ntitle: y", ["3:1 duplicate-key: 'title' is already given on line 2"]),
        ("title: x\nTitle: y", ["3:1 duplicate-key: 'Title' says the same as 'title' on line 2"]),
        ("author: x\nauthors: [y]", ["3:1 duplicate-key: 'authors' says the same as 'author' on line 2"]),
        ("extra: {a: 1, a: 2}", ["2:15 duplicate-key: 'a' is already given on line 2"]),
        ("date: 2024-01-05\nexpires: 2023-01-05", ["3:10 bad-value: 'expires' must be later than 'date'"]),
        ("date: 2024-01-05\nexpires: 2024-01-05 00:00", ["3:10 bad-value: 'expires' must be later than 'date'"]),
        ("date: 2024-01-05\nexpires: 2024-01-05 00:01", []),
        ("slug: a/b", ["2:7 unsafe-url: 'slug' must be one part of an address, without '/'"]),
        ("slug: ..", ["2:7 unsafe-url: 'slug' must not hold '..', '.' or '//'"]),
        ("slug: .git", ["2:7 unsafe-url: 'slug' must not begin with a dot"]),
        (
            "slug: a%2fb",
            ["2:7 unsafe-url: 'slug' must not hold control characters, backslashes or doubly encoded characters"],
        ),
        ("slug: a?b", ["2:7 unsafe-url: 'slug' must not hold '?', '#' or ':'"]),
        (f"slug: {'ü' * 101}", ["2:7 unsafe-url: 'slug' is too long"]),
        ("canonical: there", ["2:12 bad-value: 'canonical' must be an address, not 'there'"]),
        ("title: \u202eevil", ["2:8 bidi-mark: the direction mark U+202E has no partner in 'title'"]),
        ("tags: [ok, \u2066x]", ["2:12 bidi-mark: the direction mark U+2066 has no partner in 'tags'"]),
        ("title: x\u202c", ["2:8 bidi-mark: the direction mark U+202C has no partner in 'title'"]),
        ("title: \u2067x\u202c", ["2:8 bidi-mark: the direction mark U+202C has no partner in 'title'"]),
        ("title: \u2067x\u2069 \u202by\u202c", []),
    ],
)
def test_a_mistake_is_told_at_its_place(matter: str, expected: list[str]) -> None:
    assert told(matter) == expected


@pytest.mark.parametrize(
    "address,why",
    [
        ("https://evil.example/a", "must be an address on this site, without a host"),
        ("//evil.example/a", "must be an address on this site, without a host"),
        ("/\\evil.example", "must not hold control characters, backslashes or doubly encoded characters"),
        ("\\\\evil", "must be an address on this site, without a host"),
        ("mailto:x", "must be an address on this site, without a host"),
        ("javascript:x", "must be an address on this site, without a host"),
        ("/a/../../etc", "must not hold '..', '.' or '//'"),
        ("/%2e%2e/%2E%2E/etc", "must not hold '..', '.' or '//'"),
        ("/%252e%252e/etc", "must not hold control characters, backslashes or doubly encoded characters"),
        ("/a//b", "must not hold '..', '.' or '//'"),
        ("/./a", "must not hold '..', '.' or '//'"),
        ("/.git/config", "must not begin with a dot"),
        ("/a?b=1", "must not hold a query or a fragment"),
        ("/a#b", "must not hold a query or a fragment"),
        ("/%3fp=1", "must not hold a query or a fragment"),
        ("/:year/:title/", "must not hold ':'"),
        ("/a%00b", "must not hold control characters, backslashes or doubly encoded characters"),
        ("/a%0ab", "must not hold control characters, backslashes or doubly encoded characters"),
        ("/" + "x" * 201, "is too long"),
    ],
)
def test_an_address_stays_on_the_site(address: str, why: str) -> None:
    found = read(f"---\nurl: {quoted(address)}\naliases:\n  - /fine\n  - {quoted(address)}\n---\n")
    assert (found.matter.url, found.matter.aliases) == ("", ("/fine",))
    assert [f"{one.line}:{one.column} {one.code}: {one.message}" for one in found.problems] == [
        f"2:6 unsafe-url: 'url' {why}: '{address}'",
        f"5:5 unsafe-url: 'aliases' {why}: '{address}'",
    ]


def test_all_problems_of_a_file_are_told_at_once_in_order() -> None:
    assert told("slug: a/b\ntitel: x\ndate: never\nweight: !x 3\nexpires: soon") == [
        "2:7 unsafe-url: 'slug' must be one part of an address, without '/'",
        "3:1 unknown-key: unknown key 'titel'; did you mean 'title'?",
        "4:7 bad-value: 'date' must be a date such as 2024-01-05 or 2024-01-05 14:30, not 'never'",
        "5:9 front-matter: the tag !x is not supported",
        "6:10 bad-value: 'expires' must be a date such as 2024-01-05 or 2024-01-05 14:30, not 'soon'",
    ]


def test_a_key_of_ones_own_is_told_where_it_belongs() -> None:
    (problem,) = read("---\ncolour: x\n---\n").problems
    assert problem.hint == "values of your own belong under 'extra'"


def test_what_is_wrong_has_its_empty_value_and_the_rest_is_read() -> None:
    found = read("---\ntitle: x\ndate: never\ndraft: true\n---\nBody")
    assert (found.matter.title, found.matter.date, found.matter.draft, found.body) == ("x", None, True, "Body")


def test_a_draft_with_an_open_fence_is_an_error_and_prints_nothing() -> None:
    found = read("---\ntitle: Secret\ndraft: true\n\nThe body.\n")
    assert as_text(found.problems) == (
        "content/articles/a.md:1:1 error: the front matter that opens here is never closed by --- [front-matter]\n"
        "  1 | ---\n"
        "    | ^\n"
        "  hint: put --- on a line of its own after the last key; for a horizontal rule write ***"
    )
    assert found.body == ""


# Bytes


@pytest.mark.parametrize(
    "data,line,column,message,hint,excerpt",
    [
        (b"---\ntitle: caf\xe9\n---\n", 2, 11, "not UTF-8: byte 0xE9", "save the file as UTF-8", "title: caf\ufffd"),
        ("a\r\né\rü".encode() + b"\xff", 3, 2, "not UTF-8: byte 0xFF", "save the file as UTF-8", "ü\ufffd"),
        ("Title".encode("utf-16"), 1, 1, "not UTF-8: byte 0xFF", "the file is UTF-16; save it as UTF-8", None),
    ],
)
def test_bytes_that_are_no_utf8_are_told_at_their_place(
    data: bytes, line: int, column: int, message: str, hint: str, excerpt: str | None
) -> None:
    found = read(data)
    (problem,) = found.problems
    assert (problem.code, problem.line, problem.column, problem.message) == ("unreadable", line, column, message)
    assert problem.hint == hint
    assert excerpt is None or problem.excerpt == excerpt
    assert (found.body, found.matter) == ("", Matter(extra={}))


# Records


def test_a_page_comes_back_from_its_record_without_its_body() -> None:
    for text in (f"---\n{FULL}\n---\nBody", "Body", "---\ntitel: x\ndate: never\n---\nBody", "---\nopen: x"):
        found = read(text, "articles/2024-01-05-a.de.md")
        record = marshal.loads(marshal.dumps(to_record(found)))
        back = from_record(record)
        assert back == replace(found, body="")
        assert to_record(back) == to_record(found)
        assert [type(one.level) for one in back.problems] == [Level] * len(found.problems)


def test_dates_come_back_with_the_very_offset() -> None:
    found = page("date: 2024-01-05\nupdated: 2024-07-05T10:00Z\nexpires: 2030-01-01 00:00 -03:30").matter
    back = from_record(marshal.loads(marshal.dumps(to_record(page("date: 2024-01-05"))))).matter
    assert found.date is not None
    assert back.date is not None
    assert found.date.strftime("%c %z %Z") == back.date.strftime("%c %z %Z")


def test_a_page_goes_to_another_process_and_back() -> None:
    assert pickle.loads(pickle.dumps(page(FULL))) == page(FULL)


LINES = st.sampled_from(
    [
        *(
            "---",
            "...",
            "+++",
            "----",
            "",
            "  ",
            "title: x",
            "title: [a",
            "draft: true",
            "date: 2024-01-05",
            "tags: a, b",
        ),
        *(
            "date: !!python/x y",
            "extra: {a: 1}",
            "extra:",
            "  a: 1",
            "url: /%2e%2e/",
            "slug: \x00",
            "\ufeff",
            "# Heading",
        ),
        *(
            "Title: x",
            "weight: 99999999999999999999",
            "aliases: [{a: b}, [c]]",
            "author: {name: [x]}",
            "title = 'x'",
            "\r",
        ),
        *(
            "expires: 1000-01-01",
            "date: 1000-01-01 00:00 +23:59",
            "expires: 9998-12-31 23:59 -23:59",
            "toc: ~",
            "a: *b",
        ),
    ]
)


@given(st.binary() | st.lists(LINES, max_size=8).map(lambda lines: "\n".join(lines).encode()))
def test_no_file_makes_it_raise_and_every_page_has_a_record(data: bytes) -> None:
    found = read(data)
    back = from_record(marshal.loads(marshal.dumps(to_record(found))))
    assert back == replace(found, body="")
    assert found.problems == tuple(sorted(found.problems, key=lambda one: one.sort_key))


@given(st.text(max_size=30))
def test_no_address_that_is_taken_leaves_the_site(text: str) -> None:
    url = read(f"---\nurl: {quoted(text)}\n---\n").matter.url
    if url:
        assert url.startswith("/")
        assert not url.startswith("//")
        parts = url[1:].split("/")
        assert ".." not in parts
        assert "\\" not in url
        assert "?" not in url
