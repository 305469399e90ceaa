"""What real writers' front matter and files look like: one test for each thing that was found in the wild.

The parts of other stages (folders, links, bodies) have their tests there.
"""

import time
from datetime import UTC, datetime

import pytest

from obverse.config import Config, Site
from obverse.page import Page
from obverse.parse import dated_name, parse
from obverse.problems import errors

SITE = Config(site=Site(title="x", languages=("de",)))
TITLED = "---\ntitle: Found\ndraft: true\n---\nBody\n"


def read(text: str | bytes, path: str = "blog/a.md") -> Page:
    return parse(path, text if isinstance(text, bytes) else text.encode(), SITE)


def found(text: str | bytes, path: str = "blog/a.md") -> Page:
    """The page of a file that is well."""
    page = read(text, path)
    assert page.problems == ()
    return page


# Front matter


def test_yaml_front_matter() -> None:
    page = found(TITLED)
    assert (page.matter.title, page.matter.draft, page.body) == ("Found", True, "Body\n")


def test_toml_front_matter_is_not_printed() -> None:
    page = found('+++\ntitle = "Found"\ndraft = true\n+++\nBody\n')
    assert (page.matter.title, page.matter.draft, page.body) == ("Found", True, "Body\n")


def test_no_front_matter() -> None:
    page = found("# Found\n\nBody\n")
    assert (page.matter.title, page.body) == ("", "# Found\n\nBody\n")


def test_header_lines_without_a_fence_are_not_printed() -> None:
    page = read("Title: Found\nStatus: draft\nDate: 2014-02-03 10:20\n\nBody\n")
    assert [one.code for one in errors(page.problems)] == ["front-matter"]
    assert page.body == ""


def test_a_byte_order_mark_hides_no_fence() -> None:
    assert found(b"\xef\xbb\xbf" + TITLED.encode()).matter.draft


def test_yaml_closed_by_dots() -> None:
    page = found(TITLED.replace("---\nBody", "...\nBody"))
    assert (page.matter.draft, page.body) == (True, "Body\n")


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: Found\ndraft: true\n\nBody\n",
        "---\ntitle: Found\ndraft: true\n----\nBody\n",
        "---\ntitle: Found\n draft: true\n---\nBody\n",
        "---\n- title: Found\n- draft: true\n---\nBody\n",
        "---\ntitle Found\n---\nBody\n",
        "----\ntitle: Found\ndraft: true\n----\nBody\n",
        "++++++\ntitle = 'Found'\ndraft = true\n++++++\nBody\n",
        "+++\ntitle = Found\ndraft = true\n+++\nBody\n",
        '{"title": "Found", "draft": true}\nBody\n',
    ],
)
def test_front_matter_that_cannot_be_read_is_always_an_error(text: str) -> None:
    page = read(text)
    assert [one.code for one in errors(page.problems)] == ["front-matter"]
    assert "Found" not in page.body


def test_a_key_given_twice() -> None:
    page = read("---\ntitle: One\ntitle: Two\n---\n")
    assert [(one.code, one.line) for one in errors(page.problems)] == [("duplicate-key", 3)]


@pytest.mark.parametrize("null", ["", " ~", " null", " Null"])
def test_null_is_not_given(null: str) -> None:
    keys = (
        "title",
        "description",
        "date",
        "draft",
        "tags",
        "authors",
        "category",
        "weight",
        "image",
        "aliases",
        "extra",
    )
    page = found("---\n" + "".join(f"{key}:{null}\n" for key in keys) + "---\nBody\n")
    assert page.matter == found("Body\n").matter


@pytest.mark.parametrize("written", ["a, b c", "[a, b c]", "\n  - a\n  - b c", '"a,b c,"'])
def test_tags_as_a_text_or_a_list(written: str) -> None:
    assert found(f"---\ntags: {written}\n---\n").matter.tags == ("a", "b c")


@pytest.mark.parametrize("written", ["7", '"7"', "'7'", "+7"])
def test_weight_as_a_text(written: str) -> None:
    assert found(f"---\nweight: {written}\n---\n").matter.weight == 7


@pytest.mark.parametrize(
    "written",
    [
        "author: Jo",
        "author: {name: Jo, mail: x}",
        "author:\n  name: Jo",
        "author: [Jo]",
        "authors:\n  - name: Jo",
        "authors: Jo",
    ],
)
def test_author_as_a_text_a_list_or_a_table(written: str) -> None:
    assert found(f"---\n{written}\n---\n").matter.authors == ("Jo",)


@pytest.mark.parametrize(
    "written,slug",
    [("/a-b", "a-b"), ("'a-b '", "a-b"), ("/a-b/", "a-b"), ("größe", "größe"), ("料金", "料金"), ("a b", "a-b")],
)
def test_odd_slugs_are_mended(written: str, slug: str) -> None:
    assert found(f"---\nslug: {written}\n---\n").matter.slug == slug


@pytest.mark.parametrize(
    "written",
    ["https://elsewhere.example/a/", "//elsewhere.example/a/", "/%2e%2e/%2e%2e/etc/passwd", "/../x", "/x?p=1"],
)
def test_a_permalink_stays_on_the_site(written: str) -> None:
    page = read(f"---\npermalink: {written}\n---\n")
    assert [(one.code, one.line, one.column) for one in errors(page.problems)] == [("unsafe-url", 2, 12)]
    assert page.matter.url == ""


def test_dates_of_all_kinds_can_be_sorted_together() -> None:
    written = ["2024-01-06", "2024-01-05 10:00", "2024-01-05T10:00:00Z", "2024-01-05T10:00:00+02:00", '"2024-01-04"']
    written += ["2015-12-01 8:42:48 -0400", "2018/02/09 17:03:23 +0000"]
    dates = [found(f"---\ndate: {one}\n---\n").matter.date for one in written]
    assert sorted(filter(None, dates)) == [
        datetime(2015, 12, 1, 12, 42, 48, tzinfo=UTC),
        datetime(2018, 2, 9, 17, 3, 23, tzinfo=UTC),
        datetime(2024, 1, 4, tzinfo=UTC),
        datetime(2024, 1, 5, 8, tzinfo=UTC),
        datetime(2024, 1, 5, 10, tzinfo=UTC),
        datetime(2024, 1, 5, 10, tzinfo=UTC),
        datetime(2024, 1, 6, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "title", ["<b> & co", "AT&T", '"quoted"', "it's", "a < b", "&amp;", "{{ x }}", "%d {0}", "👋 hi"]
)
def test_titles_hold_what_html_would_take_for_its_own(title: str) -> None:
    escaped = title.replace("\\", "\\\\").replace('"', '\\"')
    assert found(f'---\ntitle: "{escaped}"\n---\n').matter.title == title


@pytest.mark.parametrize("written", ["no", "1.10", "12:30", "007", "1e3", "on", "2024-01-05", "0x1F", "1_000", "true"])
def test_a_title_is_what_was_written(written: str) -> None:
    page = found(f"---\ntitle: {written}\ntags: [{written}]\n---\n")
    assert (page.matter.title, page.matter.tags) == (written, (written,))


def test_values_of_ones_own_are_what_was_written() -> None:
    page = found("---\nextra: {country: no, version: 1.10, time: 12:30}\n---\n")
    assert page.matter.extra == {"country": "no", "version": "1.10", "time": "12:30"}


# Files


@pytest.mark.parametrize("ends", [("\r\n",), ("\r",), ("\n", "\r\n"), ("\r", "\n", "\r\n")])
def test_line_ends_of_all_kinds(ends: tuple[str, ...]) -> None:
    lines = ["---", "title: Found", "draft: true", "---", "One", "Two", ""]
    text = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines[:-1]))
    page = found(text)
    assert (page.matter.title, page.matter.draft, page.body, page.body_line) == ("Found", True, "One\nTwo\n", 5)


def test_nul_characters_are_left_out_and_told() -> None:
    page = read(b"---\ntitle: Fo\x00und\n---\nBo\x00dy\n")
    assert (page.matter.title, page.body) == ("Found", "Body\n")
    assert [(one.code, str(one.level), one.line, one.column) for one in page.problems] == [("nul", "warning", 2, 10)]


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n", b" \n\t\n", b"\xef\xbb\xbf", b"---\n---\n", b"---\r\n---"])
def test_an_empty_file_is_an_empty_page(data: bytes) -> None:
    page = found(data)
    assert (page.body.strip(), page.matter.title) == ("", "")


def test_names_and_slugs_that_are_not_composed() -> None:
    page = found(
        "---\nslug: Gro\u0308\u00dfe\ntags: [Gro\u0308\u00dfe, Gr\u00f6\u00dfe]\n---\n", "blog/Gro\u0308\u00dfe.md"
    )
    assert (page.path, page.name) == ("blog/Gr\u00f6\u00dfe.md", "blog/Gr\u00f6\u00dfe")
    assert (page.matter.slug, page.matter.tags) == ("Gr\u00f6\u00dfe", ("Gr\u00f6\u00dfe",))


@pytest.mark.parametrize("character", ["\x01", "\x0b", "\x1f", "\x7f", "\x85x", "\ufeff"])
def test_control_characters_in_front_matter_reach_no_page(character: str) -> None:
    page = read(f"---\ntitle: Fo{character}und\n---\nBody\n")
    assert not any(ord(one) < 32 or one in "\x7f\x85\ufeff" for one in page.matter.title)
    assert [one.code for one in page.problems] == ([] if "\x85" in character else ["front-matter"])


def test_zero_width_marks_are_kept_and_loose_direction_marks_told() -> None:
    assert found("---\ntitle: a\u200db\u200e\n---\n").matter.title == "a\u200db\u200e"
    page = read("---\ntitle: a\u202eb\n---\n")
    assert [(one.code, str(one.level), one.line) for one in page.problems] == [("bidi-mark", "warning", 2)]


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "with.dot",
        "with'quote",
        'with"quote',
        "100%",
        "a%20b",
        "größe",
        "料金",
        "a" * 120,
        "#hash",
        "q?",
        "(x)",
    ],
)
def test_odd_file_names(name: str) -> None:
    page = found(TITLED, f"blog/{name}.md")
    assert (page.path, page.name, page.lang) == (f"blog/{name}.md", f"blog/{name}", "en")


def test_date_prefixes_in_names() -> None:
    page = found("Body", "blog/2024-01-05-a-title.md")
    assert page.matter.date == datetime(2024, 1, 5, tzinfo=UTC)
    assert dated_name("2024-01-05-a-title")[1] == "a-title"


def test_eight_levels_deep() -> None:
    page = found(TITLED, "a/b/c/d/e/f/g/h/page.de.md")
    assert (page.name, page.lang) == ("a/b/c/d/e/f/g/h/page", "de")


def test_a_page_of_half_a_megabyte_is_read_soon() -> None:
    text = TITLED + "A line of words that goes on.\n" * 18_600
    start = time.perf_counter()
    page = found(text)
    assert len(page.body) > 544_000
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("body", ["{{ x }}", "{% raw %}", "{# y", "{{ form('contact') }}"])
def test_braces_are_text_to_the_parser(body: str) -> None:
    assert found(f"---\ntitle: '{body.replace(chr(39), chr(39) * 2)}'\n---\n{body}").matter.title == body
