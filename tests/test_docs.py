"""The manual says what is true: everything a person can type is in it, and it builds without a problem."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from capture.inbox.pages import KEYS
from obverse import cli, hooks, templates, view
from obverse.build import BuildOptions, build
from obverse.config import CONFIG_FIELDS
from obverse.head import Head
from obverse.parse import MATTER_FIELDS
from obverse.problems import CODES
from obverse.run import CONTEXTS

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "docs" / "content"


def _reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "tools" / "write_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _text(*names: str) -> str:
    return "\n".join((CONTENT / name).read_text("utf-8") for name in names)


def test_the_reference_is_what_the_code_says() -> None:
    assert _reference().TARGET.read_text("utf-8") == _reference().reference(), "run tools/write_reference.py"


def test_the_manual_builds_without_a_problem(tmp_path: Path) -> None:
    report = build(BuildOptions(ROOT / "docs", out=tmp_path / "site", dry=True))
    assert report.problems == ()


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_every_command_is_in_the_guides(name: str) -> None:
    assert f"obverse {name}" in _text("writers.md", "sales.md", "operators.md", "index.md")


@pytest.mark.parametrize(
    "name",
    [
        *(f"{table}" for table in CONFIG_FIELDS),
        *MATTER_FIELDS,
        *hooks.NAMES,
        *CODES,
    ],
)
def test_every_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"(`|\[){re.escape(name)}\b", _text("reference.md"))


def test_every_address_says_what_it_answers() -> None:
    rows = re.findall(r"^\| `(/[^`]*)` \| (?:GET|POST) \| (.*) \|$", _text("reference.md"), re.MULTILINE)
    assert {"/_ob/f/<name>", "/_ob/t/<receipt>", "/inbox/", "/api/v1/report", "/healthz"} <= {path for path, _ in rows}
    assert [path for path, said in rows if len(said) < 10] == []


@pytest.mark.parametrize("key", [key for keys, _ in KEYS for key in keys])
def test_every_key_of_the_inbox_is_in_the_manual(key: str) -> None:
    assert re.search(rf"(`{re.escape(key)}`|\b{re.escape(key)}\b)", _text("sales.md"))


def _template_names() -> list[str]:
    owners = (view.View, view.PageView, view.SiteView, Head)
    hidden = {"ask", "close", "note", "wrapped", "body_of", "card", "folder", "inside", "settings"}
    hidden |= {"defined", "problems", "wants", "reads", "job"}
    names = {name for owner in owners for name in vars(owner) if not name.startswith("_")} - hidden
    names |= {one.name for one in fields(view.ListPage)} | set(view.MenuItem._fields)
    return sorted(names | set(templates.FILTERS) | {name for context in CONTEXTS.values() for name in context})


@pytest.mark.parametrize("name", _template_names())
def test_every_template_name_is_in_the_designers_manual(name: str) -> None:
    """A name a template may use and no manual speaks of is red."""
    assert re.search(rf"`[^`]*\b{re.escape(name)}\b[^`]*`", _text("designers.md"))


def test_the_designers_manual_speaks_of_no_name_that_is_not_there() -> None:
    used = set(re.findall(r"\bview\.(\w+)", _text("designers.md")))
    assert used <= set(dir(view.View))


@pytest.mark.parametrize("path", sorted((ROOT / "templates" / "components").glob("*.html")), ids=lambda path: path.stem)
def test_every_component_and_argument_is_documented(path: Path) -> None:
    declared = re.findall(r"^(\w+) = \{", path.read_text("utf-8").split("#}")[0], re.MULTILINE)
    manual = _text("designers.md")
    assert f"`{path.stem}(" in manual
    for name in declared:
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", manual)
