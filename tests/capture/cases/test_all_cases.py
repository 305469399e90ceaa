"""The seventy-six attack and fault cases: each has a file of its own here, or a line that says what it waits for."""

import ast
import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
CASES = set(range(1, 77))

# The capability that a case is about, where that is not here yet. Who builds it writes the file and takes the line out.
WAITING = {
    18: "goals for the time to an answer, in business hours",
    52: "full-text search, which has a syntax",
    64: "roles",
    65: "tokens for programs, with scopes",
}


def files() -> Counter[int]:
    """How many files each case has."""
    return Counter(int(path.name.split("_")[2]) for path in HERE.glob("test_case_*.py"))


def test_every_case_has_a_file_or_waits_for_a_capability() -> None:
    known = files()
    assert CASES - known.keys() - WAITING.keys() == set(), "neither has a file nor waits"
    assert known.keys() & WAITING.keys() == set(), "has a file by now: take its line out of WAITING"
    assert (known.keys() | WAITING.keys()) - CASES == set(), "is none of the cases"
    assert {number for number, count in known.items() if count > 1} == set(), "has two files"
    assert all(WAITING.values())


def test_each_file_says_its_case_and_tests_it() -> None:
    for path in HERE.glob("test_case_*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        assert (ast.get_docstring(tree) or "").startswith(f"Case {int(path.name.split('_')[2])}: "), path.name
        assert any(isinstance(one, ast.FunctionDef) and one.name.startswith("test_") for one in tree.body), path.name


def test_the_tests_that_a_case_points_to_are_there() -> None:
    """Where a case is also tested elsewhere its file names the test, which may be renamed one day."""
    tests = {
        found
        for path in HERE.parents[1].rglob("test_*.py")
        for found in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    for path in HERE.glob("test_case_*.py"):
        named = re.findall(r"`(?:\w+::)?(test_\w+)`", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
        assert set(named) <= tests, path.name
