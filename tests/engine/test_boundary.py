"""The boundaries between the parts, held by reading every import there is, and by looking at what a process loads."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What capture may know of the engine; these need the standard library only.
SHARED = ("problems", "config", "schema", "forms")

# A module imports from its own layer and from those before it.
LAYERS = (
    {
        "garbage",
        "problems",
        "addresses",
        "clock",
        "compiled",
        "bundled",
        "late",
        "lock",
        "memo",
        "names",
        "progress",
        "rows",
        "security",
    }
    | {"workers"},
    {"schema", "config", "forms", "facts", "page", "sources", "moves", "excerpts", "versions", "options", "new"},
    {"ledger", "ledger_file", "keep"},
    {"markup", "yaml_plain", "yaml_document", "frontmatter", "parse", "survey", "data", "theme"},
    {
        "shelves",
        "site",
        "orders",
        "jobs",
        "pictures",
        "hooks",
        "links",
        "placing",
        "publishing",
        "standing",
        "index",
        "form_files",
    },
    {"questions", "cells", "answers", "plan", "listing", "pages"},
    {"commit", "crew", "making", "view"},
    {"printing", "bytecode", "references", "templates", "head", "components", "resolve", "release", "run"},
    {"desk"},
    {"gather", "rendering"},
    {"writing"},
    {"pipeline", "verify"},
    {"build", "why"},
    {"serve", "commands"},
    {"cli"},
    {"__main__", "__init__"},
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

# What a build that has nothing to do must not load: each costs more than the whole of that build.
HEAVY = (
    "jinja2", "markdown", "yaml", "pygments", "pymdownx", "tornado", "PIL", "frontmatter", "flask", "sqlite3",
    "capture", "sqlalchemy", "alembic", "waitress",
)  # fmt: skip

Modules = Mapping[str, str]


def modules_in(package: str) -> dict[str, str]:
    """The source of every module of a package by its dotted name; none when the package is not there."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts): file.read_text("utf-8") for file in files}


def imports(source: str, package: str) -> Iterator[tuple[str, bool]]:
    """(imported module, whether inside a function) for every import; relative ones count from `package`."""
    tree = ast.parse(source)
    deep = {
        (node.lineno, node.col_offset)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, (node.lineno, node.col_offset) in deep
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: -node.level + 1 or None]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            for alias in node.names:
                yield f"{base}.{alias.name}", (node.lineno, node.col_offset) in deep
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in {"__import__", "import_module"} and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value), True


def crossings(modules: Modules) -> list[str]:
    """Where the boundary between the engine and capture is crossed."""
    found = []
    for name, source in modules.items():
        for imported, deferred in imports(source, name.rpartition(".")[0]):
            parts = imported.split(".")
            if name.startswith("obverse") and parts[0] == "capture" and not (name == "obverse.cli" and deferred):
                found.append(f"{name} imports {imported}")
            if name.startswith("capture") and parts[0] == "obverse" and (parts[1:2] or ["all of it"])[0] not in SHARED:
                found.append(f"{name} imports {imported}")
    return found


def unlayered(modules: Modules) -> list[str]:
    """Imports from a later layer, and modules that have none."""
    found = []
    for name, source in modules.items():
        own = name.split(".")[1]
        if own not in RANK:
            found.append(f"{name} has no layer")
            continue
        for imported, _ in imports(source, name.rpartition(".")[0]):
            parts = imported.split(".")
            if parts[0] == "obverse" and parts[1] in RANK and RANK[parts[1]] > RANK[own]:
                found.append(f"{name} imports {parts[1]}")
    return found


def test_the_engine_and_capture_keep_to_their_sides() -> None:
    engine = modules_in("obverse")
    assert len(engine) > 40
    assert crossings({**engine, **modules_in("capture")}) == []


@pytest.mark.parametrize(
    "name, source, crossed",
    [
        ("obverse.build", "import capture", True),
        ("obverse.build", "def f():\n    from capture.store import save", True),
        ("obverse.serve.desk", "import os, capture.app as app", True),
        ("obverse.build", "if True:\n    from capture import app", True),
        ("obverse.cli", "from capture import app", True),
        ("obverse.cli", "def run():\n    from capture import app", False),
        ("obverse.cli", "async def run():\n    import capture.app", False),
        ("obverse.build", "def f():\n    __import__('capture.app')", True),
        ("obverse.build", "import importlib\nimportlib.import_module('capture')", True),
        ("obverse.build", "import captured", False),
        ("capture.app", "from obverse.problems import problem", False),
        ("capture.app", "from obverse import forms, schema", False),
        ("capture.app", "from obverse import build", True),
        ("capture.app", "import obverse", True),
        ("capture.app", "from obverse.markup.tags import x", True),
        ("capture.app", "def f():\n    import obverse.cli", True),
        ("capture.mail.sender", "from ..app import x", False),
    ],
)
def test_the_boundary_test_bites(name: str, source: str, crossed: bool) -> None:
    assert bool(crossings({name: source})) == crossed


def test_every_module_of_the_engine_keeps_to_its_layer() -> None:
    assert unlayered(modules_in("obverse")) == []


@pytest.mark.parametrize(
    "name, source, wrong",
    [
        ("obverse.links", "from obverse.view import View", True),
        ("obverse.links", "def f():\n    import obverse.build", True),
        ("obverse.schema.read", "from ..config import load", False),
        ("obverse.schema.read", "from ..view import View", True),
        ("obverse.schema.read", "from . import node", False),
        ("obverse.view", "from obverse.links import target", False),
        ("obverse.brand_new", "", True),
    ],
)
def test_the_layer_test_bites(name: str, source: str, wrong: bool) -> None:
    assert bool(unlayered({name: source})) == wrong


def loaded_by(script: str, *words: str) -> set[str]:
    """The top-level modules a process has loaded after a script."""
    tail = "\nimport json, sys\nprint('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    command = [sys.executable, "-c", script + tail, *words]
    # What measures coverage in child processes brings modules of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_what_capture_shares_needs_the_standard_library_only() -> None:
    shared = [name for name in SHARED if (ROOT / "obverse" / name).exists() or (ROOT / f"obverse/{name}.py").exists()]
    assert {"problems", "config", "schema"} <= set(shared)
    before = loaded_by("")
    script = "import " + ", ".join(f"obverse.{name}" for name in shared)
    script += (
        '\nobverse.config.load(\'[site]\\ntitle = "T"\\ntimezone = "Europe/Berlin"\\nurl = "https://t.example"\\n\')'
    )
    loaded = loaded_by(script) - before - set(sys.stdlib_module_names) - {"obverse"}
    strangers = {
        name for name in loaded if not name.startswith("_sysconfigdata")
    }  # the library's own, named by platform
    # The zone's data may come from a package of data alone.
    assert strangers <= {"tzdata"}


def site(folder: Path) -> Path:
    folder.mkdir()
    (folder / "obverse.toml").write_text('[site]\ntitle = "T"\nurl = "https://t.example"\n', encoding="utf-8")
    (folder / "content/articles").mkdir(parents=True)
    (folder / "content/index.md").write_text("---\ntitle: Home\n---\n# Home\n\n```python\nx\n```\n", encoding="utf-8")
    (folder / "content/articles/a.md").write_text("---\ntitle: A\ndate: 2024-01-01\n---\nText\n", encoding="utf-8")
    return folder


BUILD = "import sys\nfrom obverse.cli import main\nassert main(['build', '--root', sys.argv[1]]) == 0"


def test_a_build_with_nothing_to_do_loads_nothing_heavy(tmp_path: Path) -> None:
    root = site(tmp_path / "desk")
    first = loaded_by(BUILD, str(root))
    assert {"jinja2", "markdown", "yaml"} <= first, "the test looks at the wrong names"
    before = (root / "site/index.html").stat().st_mtime_ns
    again = loaded_by(BUILD, str(root))
    assert again.isdisjoint(HEAVY), sorted(again.intersection(HEAVY))
    assert (root / "site/index.html").stat().st_mtime_ns == before


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["build", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    script = (
        f"from obverse.cli import main\ntry:\n    main({words!r})\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    assert loaded_by(script).isdisjoint(HEAVY)
