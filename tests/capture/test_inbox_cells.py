import csv
import io

import pytest

from capture.inbox.cells import csv_line, headings, safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        "  =1",
        "\u200b=1",
        "+",
    ],
)
def test_what_begins_a_formula_is_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize(
    "given, wanted",
    [
        ("+44 20 7946 0018", "+44 20 7946 0018"),
        ("+1 (518) 555-0142", "+1 518 555 0142"),
        ("+1-518-555-0142", "+1 518 555 0142"),
        ("+15185550142", "+1518555 0142"),
        ("(518) 555-0142", "(518) 555-0142"),
        ("", ""),
        ("plain = text", "plain = text"),
        (None, ""),
        (-5, "-5"),
        (2.5, "2.5"),
        (True, "yes"),
        (("a", "b"), "a, b"),
        (("=a", "b"), "'=a, b"),
        ("a\0b", "ab"),
    ],
)
def test_cells(given: object, wanted: str) -> None:
    assert safe_cell(given) == wanted


@pytest.mark.parametrize("text", ["+1+1", "+1", "+1-2", "+1 2 3 4*5 6 7 8", "+12345678901234567"])
def test_what_only_looks_like_a_telephone_number_is_none(text: str) -> None:
    assert safe_cell(text).startswith("'")


def test_headings_that_collide_are_all_kept() -> None:
    given = [("Name", "a"), ("Name", "b"), ("", "c"), ("Name (b)", "d"), ("Name", "b")]
    assert headings(given) == ["Name", "Name (b)", "c", "Name (b) (d)", "Name (b) 2"]


def test_a_record_survives_being_read_again() -> None:
    values = ['say "hello"', "two\r\nlines", "a,b", "", "Ünïcode"]
    assert next(csv.reader(io.StringIO(csv_line(values), newline=""))) == values
    assert csv_line(["a", "b"]).endswith("b\r\n")


def test_a_heading_is_no_formula_either() -> None:
    assert csv_line(headings([("=1+1", "x")])) == "'=1+1\r\n"
