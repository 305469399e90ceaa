"""The reference of the manual, made from the code: commands, settings, front matter, templates, hooks, problems.

    python tools/write_reference.py          writes docs/content/reference.md
    python tools/write_reference.py --check  exits with 1 when the file is not what would be written

Everything a person may type has its sentence beside the code that reads it; this puts them on one page.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from obverse import cli, hooks, templates, view  # noqa: E402 - found beside this file
from obverse.config import CONFIG_FIELDS  # noqa: E402
from obverse.head import Head  # noqa: E402
from obverse.parse import MATTER_FIELDS  # noqa: E402
from obverse.problems import CODES  # noqa: E402
from obverse.schema import UNSET, Field  # noqa: E402
from obverse.site import Card  # noqa: E402

TARGET = ROOT / "docs" / "content" / "reference.md"

_HEADER = """\
---
title: Reference
description: Every command, setting, front matter key, template name, hook and problem of Obverse, made from the code.
weight: 40
---
This page is made by `tools/write_reference.py`; do not edit it by hand.
"""


def reference() -> str:
    """The whole page as Markdown."""
    parts = (
        _HEADER,
        "## Commands\n\nExit codes: 0 well, 1 problems, 2 a command line that makes no sense.\n",
        *_commands(cli.parser()),
        "## Settings\n\n`obverse.toml`, in TOML. Secrets never stand in it.\n",
        *_settings(),
        "## Front matter\n\nBetween two lines of `---`, in YAML; or of `+++`, in TOML.\n",
        _table(("key", "type", "meaning"), _rows(MATTER_FIELDS)),
        "## Templates\n",
        *_template_names(),
        "## Hooks\n\nFunctions in the site's `hooks.py`: value in, value out.\n",
        _table(("function", "meaning"), _hooks()),
        "## Addresses\n\nWhat answers beside the pages, under the site's own path. `GET` answers `HEAD` too.\n",
        _table(("address", "methods", "answer"), _addresses()),
        "## Problems\n\nThe level of each can be set in `[checks]`: `error`, `warning` or `off`.\n",
        _table(("code", "level", "meaning"), _problems()),
    )
    return "\n".join(parts)


def _hooks() -> Iterator[tuple[str, str]]:
    return ((_call(hooks.Hooks, name), _first(hooks.Hooks, name)) for name in hooks.NAMES)


def _addresses() -> Iterator[tuple[str, str, str]]:
    """Every address of the application, each once; the words are those of the function that answers."""
    from capture.app import create_app
    from capture.setup import Setup

    house = SimpleNamespace(setup=Setup(Path("var"), "https://example.com", preview=True))
    app = create_app(house)  # type: ignore[arg-type]  # no address is asked for anything
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ())))
    rows = {}
    for rule in rules:
        methods = rule.methods or set()
        # What takes every method does so to refuse all but one.
        shown = "POST" if "DELETE" in methods else " ".join(sorted(methods & {"GET", "POST"}))
        rows[rule.rule, shown] = _sentence(app.view_functions[rule.endpoint])
    return ((f"`{rule}`", methods, said) for (rule, methods), said in rows.items())


def _problems() -> Iterator[tuple[str, str, str]]:
    return ((f"`{code}`", str(one.level), one.meaning) for code, one in CODES.items())


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for name, command in _subcommands(parser).items():
        yield f"### obverse {name}\n\n{command.description or command.format_usage()}\n"
        nested = _subcommands(command)
        for kind, one in nested.items():
            yield _table((f"`obverse {name} {kind}`", ""), _options(one))
        if not nested:
            yield _table(("option", "meaning"), _options(command))


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]  # noqa: SLF001
    return dict(actions[0].choices) if actions else {}


def _options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
        if action.dest == "help":
            continue
        metavar = str(action.metavar or "")
        choices = "\\|".join(action.choices) if action.choices else metavar
        shown = " ".join((*action.option_strings[:1], *([choices] if choices else [])))
        yield f"`{shown or action.dest}`", action.help or ""


def _settings() -> Iterator[str]:
    for name, field in CONFIG_FIELDS.items():
        yield f"### [{name}]\n\n{field.help}\n"
        if field.fields:
            yield _table(("key", "type", "meaning"), _rows(field.fields))


def _rows(schema: Mapping[str, Field]) -> Iterator[tuple[str, str, str]]:
    for key, field in schema.items():
        kind = f"{field.type} of {field.of.type}" if field.of else field.type
        default = "" if field.default in (UNSET, None, ()) else f" Default: `{_plain(field.default)}`."
        also = f" Also: {', '.join(f'`{one}`' for one in field.also)}." if field.also else ""
        required = " Required." if field.required else ""
        yield f"`{key}`", kind, f"{field.help}{default}{required}{also}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _template_names() -> Iterator[str]:
    yield "### view\n\nThe only door from a template to the site. `link`, `asset` and `t` also stand by themselves.\n"
    for_code = ("ask", "close", "note", "wrapped", "body", "inside", "settings")
    yield _table(("name", "meaning"), _members(view.View, skip=for_code))
    yield "### page\n\nWhat an output is about. A card, as lists give it, has all of these but the second table.\n"
    names = [one.name for one in fields(Card) if one.init]
    yield "Fields: " + ", ".join(f"`{name}`" for name in names) + ".\n"
    yield _table(("name", "meaning"), _members(view.PageView, skip=("card", "folder"), own=True))
    yield "### site\n"
    yield _table(("name", "meaning"), _members(view.SiteView))
    yield "### head\n"
    yield _table(("name", "meaning"), _members(Head))
    yield "### list\n\n" + inspect.getdoc(view.ListPage).split("\n")[0] + "\n"  # type: ignore[union-attr]
    yield "Fields: " + ", ".join(f"`{one.name}`" for one in fields(view.ListPage)) + ".\n"
    yield "### Filters\n"
    yield _table(("filter", "meaning"), ((f"`{name}`", _sentence(one)) for name, one in templates.FILTERS.items()))


def _members(owner: type, skip: tuple[str, ...] = (), *, own: bool = False) -> Iterator[tuple[str, str]]:
    for name, member in inspect.getmembers(owner):
        if name.startswith("_") or name in skip or not (callable(member) or isinstance(member, property)):
            continue
        if own and name not in vars(owner):
            continue
        shown = f"`{name}`" if isinstance(member, property) else _call(owner, name)
        yield shown, _first(owner, name)


def _call(owner: type, name: str) -> str:
    parameters = list(inspect.signature(getattr(owner, name)).parameters.values())[1:]
    return f"`{name}({', '.join(_parameter(one) for one in parameters)})`"


def _parameter(one: inspect.Parameter) -> str:
    if one.kind is inspect.Parameter.VAR_KEYWORD:
        return f"**{one.name}"
    return one.name if one.default is inspect.Parameter.empty else f"{one.name}={one.default!r}"


def _first(owner: type, name: str) -> str:
    return _sentence(getattr(owner, name))


def _sentence(thing: object) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> int:
    """Write the page, or compare it."""
    text = reference()
    if "--check" in words:
        return 0 if TARGET.is_file() and TARGET.read_text("utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
