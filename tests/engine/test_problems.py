"""Problems: one printer for people, two for machines, and levels that settings may change."""

from __future__ import annotations

import json
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.ledger import problems_in, problems_out
from obverse.problems import (
    ALWAYS,
    CODES,
    Level,
    Problem,
    as_json,
    as_sarif,
    as_text,
    errors,
    levelled,
    nearest,
    problem,
    softened,
    tally,
)

ONE = problem(
    "broken-link", "content/a b.md", "it leads nowhere", line=3, column=5, excerpt="abc [x](y)", hint="mend it"
)


def test_a_problem_as_people_read_it() -> None:
    assert as_text([ONE]) == (
        "content/a b.md:3:5 error: it leads nowhere [broken-link]\n  3 | abc [x](y)\n    |     ^\n  hint: mend it"
    )


@pytest.mark.parametrize(
    "found, text",
    [
        (problem("no-site", "", "no site"), "obverse error: no site [no-site]"),
        (problem("nul", "a.md", "NULs"), "a.md warning: NULs [nul]"),
        (problem("nul", "a.md", "NULs", line=2, excerpt="x"), "a.md:2 warning: NULs [nul]\n  2 | x"),
    ],
)
def test_what_is_not_known_is_not_told(found: Problem, text: str) -> None:
    assert as_text([found]) == text


@given(st.text(alphabet=st.characters(exclude_characters="\n")), st.integers(1, 300), st.integers(1, 10**6))
def test_the_caret_stands_under_its_column(excerpt: str, column: int, line: int) -> None:
    found = problem("broken-link", "a.md", "m", line=line, column=column, excerpt=excerpt or "x")
    _, shown, caret = as_text([found]).split("\n")
    margin = f"  {line} | "
    assert shown.startswith(margin)
    assert caret.endswith("^")
    assert caret.index("|") == shown.index("|")
    assert len(shown) <= len(margin) + 100
    if len(excerpt) <= 100 and column <= len(excerpt) and excerpt[column - 1].isprintable():
        assert shown[len(caret) - 1] == excerpt[column - 1]


@given(st.text(), st.text(), st.text())
def test_nothing_in_a_problem_moves_the_cursor(path: str, message: str, hint: str) -> None:
    text = as_text([problem("broken-link", path, message, line=1, column=1, excerpt=message, hint=hint)])
    assert not [char for char in text if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_problems_come_file_by_file_and_each_once() -> None:
    places = [("b.md", 1), ("a.md", 10), ("a.md", 9), ("a.md", 9)]
    found = levelled([problem("broken-link", path, "m", line=line) for path, line in places], {})
    assert [(one.path, one.line) for one in found] == [("a.md", 9), ("a.md", 10), ("b.md", 1)]


@pytest.mark.parametrize("code", sorted(CODES))
def test_settings_choose_a_level_but_not_of_what_cannot_be_let_pass(code: str) -> None:
    one = problem(code, "a.md", "m")
    for level in Level:
        found = levelled([one], {code: level})
        wanted = one.level if code in ALWAYS else level
        assert [each.level for each in found] == ([] if wanted is Level.OFF else [wanted])


@pytest.mark.parametrize("code", ["broken-link", "missing-alt"])
def test_a_spared_problem_never_blocks(code: str) -> None:
    spared = softened([problem(code, "a.md", "m")])
    for level in (Level.ERROR, Level.WARNING):
        assert errors(levelled(levelled(spared, {code: level}), {code: level})) == ()
        assert len(levelled(spared, {code: level})) == 1
    assert levelled(spared, {code: Level.OFF}) == ()


def test_a_code_that_is_not_known_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        problem("no-such-code", "a.md", "m")


def test_problems_survive_the_ledger() -> None:
    found = (ONE, *softened([ONE]))
    assert problems_in(problems_out(found)) == found


def test_json_has_every_field_for_others() -> None:
    (row,) = json.loads(json.dumps(as_json([ONE])))
    assert row == {
        "code": "broken-link",
        "path": "content/a b.md",
        "message": "it leads nowhere",
        "line": 3,
        "column": 5,
        "excerpt": "abc [x](y)",
        "hint": "mend it",
        "level": "error",
    }


def test_sarif_has_what_its_standard_requires() -> None:
    """SARIF 2.1.0: the required properties of a log, run, tool, driver, rule, result, message and location."""
    found = [ONE, problem("no-site", "", "none"), problem("nul", "content/ä.md", "NULs", line=2)]
    log = json.loads(as_sarif(found, "1.2.3"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("Obverse", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["broken-link", "no-site", "nul"]
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    for result, one in zip(run["results"], found, strict=True):
        assert result["ruleId"] == one.code
        assert result["level"] in {"error", "warning", "note", "none"}
        assert result["message"]["text"].startswith(one.message)
        assert ("locations" in result) == bool(one.path)
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 3, "startColumn": 5}
    assert place["artifactLocation"]["uri"] == "content/a%20b.md"
    uri = run["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert unquote(uri) == "content/ä.md"


def test_no_problems_is_a_sarif_log_too() -> None:
    assert json.loads(as_sarif([], "1"))["runs"][0]["results"] == []


@pytest.mark.parametrize(
    "levels, said",
    [
        ([], "no problems"),
        (["error"], "1 error"),
        (["warning"] * 2, "2 warnings"),
        (["warning", "error"], "1 error, 1 warning"),
    ],
)
def test_a_tally_counts_by_level(levels: list[str], said: str) -> None:
    codes = {"error": "broken-link", "warning": "nul"}
    assert tally([problem(codes[level], "", "m") for level in levels]) == said


def test_the_nearest_name_is_named_or_none() -> None:
    assert nearest("titel", ["title", "date"]) == "did you mean 'title'?"
    assert nearest("quite else", ["title", "date"]) == ""
