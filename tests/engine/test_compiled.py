"""What was compiled before is what Python would compile, and nothing but that is believed."""

from __future__ import annotations

import marshal
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from pygments.regexopt import regex_opt

from obverse.compiled import Compiled
from obverse.markup.colours import joining

# Patterns of all kinds, and what they find; a data class, a named tuple; and how many patterns had to be compiled.
PROBE = r"""
import re, sys
from pathlib import Path
from obverse.compiled import Compiled
compiled = Compiled(Path(sys.argv[1]))
compiled.begin()
inner, made = re._compiler._code, []
re._compiler._code = lambda *parts: made.append(1) or inner(*parts)
from collections import namedtuple
from dataclasses import dataclass
from typing import ForwardRef, NamedTuple, get_type_hints
patterns = (r"(?P<a>x+)(y)?", "[a-z\u0416-\u0436]+(?i:Q)", b"[\x80-\xff]+?z", "(?x) a # b")
for pattern in patterns:
    for flags in (0, re.IGNORECASE):
        one = re.compile(pattern, flags)
        text = b"\xfe\xffz" if isinstance(pattern, bytes) else "axxyz \u0416\u0436q"
        print(one.flags, one.groups, sorted(one.groupindex.items()), one.findall(text))

@dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int = 2
print(Point(1), Point(1) < Point(2), hash(Point(1)) == hash(Point(1, 2)), namedtuple("Pair", "a b")(1, b=2))

class Told(NamedTuple):
    a: "int"
    b: "list[str] | None" = None
print(Told(1), Told.__annotations__, get_type_hints(Told))
try:
    ForwardRef("1 +")
except SyntaxError as error:
    print(error)
print(len(made), len(compiled.known), file=sys.stderr)
compiled.keep()
"""


def probed(file: Path) -> tuple[str, int, int]:
    """What a process prints that keeps what it compiles in `file`, how much it compiled, and how much it then knew."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONUTF8": "1"},
    )
    compiled, known = map(int, done.stderr.split())
    return done.stdout, compiled, known


def test_what_is_kept_is_as_good_as_new(tmp_path: Path) -> None:
    file = tmp_path / "compiled"
    first, compiled, known = probed(file)
    assert compiled >= 8
    assert file.exists()
    again, compiled, same = probed(file)
    assert (again, compiled, same) == (first, 0, known)


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "other"])
def test_what_is_damaged_or_another_pythons_is_not_believed(tmp_path: Path, harm: str) -> None:
    file = tmp_path / "compiled"
    first, compiled, _ = probed(file)
    data = file.read_bytes()
    flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    other = data.replace(sys.version.encode(), sys.version[::-1].encode())
    file.write_bytes({"cut": data[:-1], "flip": flipped, "empty": b"", "other": other}[harm])
    assert Compiled(file).known == {}
    assert probed(file)[:2] == (first, compiled)


def test_patterns_without_end_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "compiled"
    monkeypatch.setattr("obverse.compiled.MOST", 3)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    one = Compiled(file)
    for number in range(5):
        one.evaluate(f"{number}")
        one.keep()
    assert len(Compiled(file).known) == 3


@pytest.mark.parametrize("words", [["b", "ab", "abc"], ("abc", "b", "ab"), {"ab", "abc", "b"}, ["caf\udce9"]])
def test_words_are_joined_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Iterable[str]) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    one = Compiled(tmp_path / "compiled")
    monkeypatch.setattr("obverse.compiled._used", one)
    others = [joining(regex_opt)(words, *ends) for ends in (("", ""), ("", "x"), ("x", ""))]
    assert others == [regex_opt(words, *ends) for ends in (("", ""), ("", "x"), ("x", ""))]
    one.keep()
    monkeypatch.setattr("obverse.compiled._used", Compiled(tmp_path / "compiled"))
    assert joining(_never)(words, "", "x") == others[1]


def _never(*_: object) -> str:
    raise AssertionError("it was joined before")


def test_a_mistake_is_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        Compiled(tmp_path / "compiled").evaluate("1 +")
    assert re.compile("a").fullmatch("a")


LATER = r"""
import sys
from obverse.compiled import begun
begun()
import obverse.build, obverse.pipeline
print("inspect" in sys.modules)
from dataclasses import dataclass

@dataclass
class Point:
    x: int = 1

import inspect
print(Point.__doc__, inspect is sys.modules["inspect"], inspect.getdoc(Point))
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="later data classes ask that module about each class")
def test_what_data_classes_hardly_ask_is_not_loaded_for_them() -> None:
    command = [sys.executable, "-c", LATER]
    done = subprocess.run(command, check=True, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["False", "Point(x: int = 1) True Point(x: int = 1)"]


THREADS = r"""
import re, sys, threading
from pathlib import Path
from obverse.compiled import Compiled
compiled = Compiled(Path(sys.argv[1]))
compiled.begin()
maker = re._compiler._sre
inner = maker._compile
def interrupted(text, flags=0):
    made = inner(text, flags)
    if text == "first":
        other = threading.Thread(target=re.compile, args=("second",))
        other.start()
        other.join()
    return made
maker._compile = interrupted
re.compile("first")
compiled.keep()
"""


def test_threads_that_compile_at_once_keep_each_its_own(tmp_path: Path) -> None:
    file = tmp_path / "compiled"
    command = [sys.executable, "-c", THREADS, str(file)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], env={"PYTHONUTF8": "1"})
    compiler = re._compiler  # type: ignore[attr-defined]
    for text in ("first", "second"):
        kept = Compiled(file).known[0, text]
        assert compiler._sre.compile(text, *marshal.loads(kept)).fullmatch(text)
