"""The `obverse` command: words on a command line -> one of its commands, printed and as an exit code.

The one module that may compose both sides of Obverse. Each command imports what it needs when it runs. Exit codes: 0
well, 1 problems, 2 a command line that makes no sense.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from obverse import __version__

if TYPE_CHECKING:
    from obverse.build import BuildOptions, Report
    from obverse.problems import Problem

SETTINGS = "obverse.toml"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, one sentence of help, how it adds its options, and what it does."""

    name: str
    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(words: Sequence[str] | None = None) -> int:
    """Run the command these words name (those of the process when None). Returns the exit code."""
    _never_fail_to_print()
    given = parser().parse_args(words)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`obverse list | head`); there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        from obverse.build import disk

        code = _told(disk(error), "")
        _give_up_printing()
        return code


def _run(given: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = given.run
    code = run(given)
    if sys.stdout:  # none was given to a command that starts with it closed
        sys.stdout.flush()  # here a reader that has gone is noticed, not while Python ends
    return code


def _give_up_printing() -> None:
    """Let go of what cannot be printed: on a full disk Python would try again, and fail, while it ends."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _never_fail_to_print() -> None:
    """A title may hold what the terminal's encoding lacks: show it escaped rather than fail."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def parser() -> argparse.ArgumentParser:
    """The command line as argparse reads it."""
    made = argparse.ArgumentParser(
        prog="obverse", description="A folder of Markdown becomes a fast site, and every reader who writes, an inquiry."
    )
    made.add_argument("--version", action="version", version=f"obverse {__version__}")
    commands = made.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help, description=command.help)
        command.options(one)
        one.set_defaults(run=command.run)
    return made


def _root(given: argparse.Namespace) -> Path:
    """The site's folder: `--root`, the nearest folder above with an obverse.toml, or the one `build.py` lies in."""
    if given.root:
        return Path(given.root).absolute()
    here = Path.cwd()
    found = next((folder for folder in (here, *here.parents) if (folder / SETTINGS).is_file()), None)
    return found or Path(os.environ.get("OBVERSE_SITE", here)).absolute()


def _address(text: str) -> str:
    """An address for the whole site, as argparse checks a value."""
    from obverse.config import Config

    try:
        return Config().with_base_url(text).site.url
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_root(one: argparse.ArgumentParser) -> None:
    one.add_argument("--root", metavar="DIR", help="the site's folder (default: here, or the nearest above)")


def _add_build(one: argparse.ArgumentParser) -> None:
    _add_root(one)
    one.add_argument("--drafts", action="store_true", help="also build drafts and what is not due yet")
    one.add_argument("--out", metavar="DIR", help="the folder to write (default: site)")
    one.add_argument("--base-url", metavar="URL", type=_address, help="the address to build for, not [site] url")
    one.add_argument("--verify", action="store_true", help="build cleanly beside it and compare every byte")
    one.add_argument("--json", action="store_true", help="print the report as JSON")


def _build(given: argparse.Namespace) -> int:
    from obverse.build import build

    options = _build_options(given)
    refused = _foreign_folder(options)
    report = refused or build(options)
    if given.json:
        _print_json(report)
    else:
        _print_report(report, options, "built")
    return 1 if report.blocked else 0


def _build_options(given: argparse.Namespace, **more: object) -> BuildOptions:
    from obverse.build import BuildOptions
    from obverse.progress import progress_to

    values: dict[str, object] = {
        "root": _root(given),
        "out": Path(given.out).absolute() if given.out else None,
        "drafts": given.drafts,
        "base_url": given.base_url,
        "verify": getattr(given, "verify", False),
        "progress": progress_to(sys.stderr),
        "on_wait": lambda: print("waiting for another build of this site …", file=sys.stderr),
    }
    return BuildOptions(**{**values, **more})  # type: ignore[arg-type]


def _foreign_folder(options: BuildOptions) -> Report | None:
    """A refusal to write into a folder that holds something else than an earlier build's output."""
    from obverse.build import Report
    from obverse.problems import problem

    out = options.folder
    if any(out.is_relative_to(options.root / name) for name in ("content", "templates", "var", ".git")):
        hint = "name a folder outside of content/ and templates/"
        refused = problem("not-empty", str(out), "the site is not written into its sources", hint=hint)
        return Report((refused,), blocked=True)
    if options.out is None or options.ledger_file.is_file() or options.ledger_file.name.startswith("site."):
        return None
    if not out.is_dir() or not any(out.iterdir()):
        return None
    hint = "name an empty folder, or one an earlier build wrote"
    return Report((problem("not-empty", str(out), "this folder holds something else", hint=hint),), blocked=True)


def _print_json(report: Report) -> None:
    from obverse.clock import NEVER
    from obverse.problems import as_json

    rows = {
        "problems": as_json(report.problems),
        "written": list(report.written),
        "removed": list(report.removed),
        "total": report.total,
        "blocked": report.blocked,
        "next_due": None if report.next_due == NEVER else report.next_due.isoformat(),
        "seconds": round(report.seconds, 3),
    }
    print(json.dumps(rows, ensure_ascii=False, indent=2))


def _print_report(report: Report, options: BuildOptions, verb: str) -> None:
    _print_problems(report.problems)
    if report.blocked:
        from obverse.problems import tally

        untouched = "" if options.dry else f"; {_shown(options.folder)} is as it was"
        print(f"{tally(report.problems)}{untouched}", file=sys.stderr)
        return
    if not report.written and not report.removed:
        what = "nothing to do"
    else:
        removed = f", {len(report.removed)} removed" if report.removed else ""
        what = f"{verb} {len(report.written)} of {report.total} files{removed}"
    if options.verify:
        what += "; a clean build is the same, byte for byte"
    print(f"{_shown(options.folder)}: {what} ({report.seconds:.2f} s)")


def _shown(folder: Path) -> str:
    """A folder as people would name it from where they stand."""
    try:
        return str(folder.relative_to(Path.cwd())) or "."
    except ValueError:
        return str(folder)


def _print_problems(problems: tuple[Problem, ...], stream: IO[str] | None = None) -> None:
    from obverse.problems import as_text

    if problems:
        print(as_text(problems) + "\n", file=stream or sys.stderr)


def _add_check(one: argparse.ArgumentParser) -> None:
    _add_root(one)
    one.add_argument("--drafts", action="store_true", help="also check drafts and what is not due yet")
    one.add_argument("--base-url", metavar="URL", type=_address, help="the address to check for, not [site] url")
    formats = one.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print the problems as JSON")
    formats.add_argument("--sarif", action="store_true", help="print the problems as SARIF 2.1.0")
    one.add_argument("--strict", action="store_true", help="let warnings fail, too")


def _check(given: argparse.Namespace) -> int:
    from obverse.build import build
    from obverse.problems import as_json, as_sarif, tally

    given.out = None
    report = build(_build_options(given, dry=True))
    if given.json:
        print(json.dumps(as_json(report.problems), ensure_ascii=False, indent=2))
    elif given.sarif:
        print(as_sarif(report.problems, __version__), end="")
    else:
        _print_problems(report.problems, sys.stdout)
        print(tally(report.problems))
    return 1 if report.blocked or (given.strict and report.problems) else 0


def _add_serve(one: argparse.ArgumentParser) -> None:
    _add_root(one)
    one.add_argument("--host", metavar="HOST", help="the address to listen on (default: [serve] host, 127.0.0.1)")
    one.add_argument("--port", metavar="PORT", type=int, help="the port to listen on (default: [serve] port, 8000)")
    one.add_argument("--open", action="store_true", help="open the browser")


def _serve(given: argparse.Namespace) -> int:
    from obverse.serve import ServeOptions, serve

    root = _root(given)
    return serve(ServeOptions(root, given.host, given.port, open_browser=given.open))


def _add_new(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to make", dest="kind", metavar="KIND", required=True)
    site = kinds.add_parser("site", help="a new site, with the starter to change")
    site.add_argument("folder", metavar="DIR")
    site.add_argument("--title", help="what the site is called")
    article = kinds.add_parser("article", help="a new article, as a draft")
    article.add_argument("title", metavar="TITLE")
    article.add_argument("--section", metavar="FOLDER", help="the dated section it belongs to")
    article.add_argument("--author", metavar="NAME", action="append", default=[], help="an author's file name")
    _add_root(article)


def _new(given: argparse.Namespace) -> int:
    return _new_site(given) if given.kind == "site" else _new_article(given)


def _new_site(given: argparse.Namespace) -> int:
    from obverse.new import new_site

    made = new_site(Path(given.folder), given.title or "")
    return _told(made, f"a site in {given.folder}; next: cd {given.folder} && obverse serve")


def _new_article(given: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from obverse.build import no_site
    from obverse.config import Articles, load
    from obverse.new import new_article

    root = _root(given)
    settings = root / SETTINGS
    if not settings.is_file():
        return _told(no_site(root), "")
    config, _ = load(settings.read_text(encoding="utf-8-sig", errors="replace"), SETTINGS)
    dated = config.articles.sections or Articles().sections
    section = (given.section or dated[0]).strip("/")
    if not any(section == one or section.startswith(f"{one}/") for one in dated) or ".." in section.split("/"):
        return _told(_undated(section, dated), "")
    return _told(new_article(root, given.title, datetime.now(UTC), section, tuple(given.author)), "")


def _undated(section: str, dated: tuple[str, ...]) -> Problem:
    from obverse.problems import nearest, problem

    hint = nearest(section, dated) or "the dated sections are " + ", ".join(dated)
    return problem("bad-value", SETTINGS, f"'{section}' is not a dated section", hint=hint)


def _told(made: object, otherwise: str) -> int:
    """Print a problem, or what was made."""
    from obverse.problems import Problem

    if isinstance(made, Problem):
        _print_problems((made,))
        return 1
    print(otherwise or _shown(Path(str(made))))
    return 0


def _add_why(one: argparse.ArgumentParser) -> None:
    _add_root(one)
    one.add_argument("url", metavar="URL", help="an address of the site, or a file under its output folder")


def _why(given: argparse.Namespace) -> int:
    from obverse.build import BuildOptions
    from obverse.why import why

    text, code = why(BuildOptions(_root(given), dry=True), given.url)
    print(text)
    return code


def _add_list(one: argparse.ArgumentParser) -> None:
    _add_root(one)
    one.add_argument("--state", choices=("published", "draft", "scheduled", "expired"), help="only pages in this state")
    one.add_argument("--json", action="store_true", help="print the pages as JSON")


def _list(given: argparse.Namespace) -> int:
    from obverse.build import BuildOptions, refused, site_of
    from obverse.listing import as_table, pages_of

    root = _root(given)
    if refusal := refused(root):
        return _told(refusal, "")
    site, problems = site_of(BuildOptions(root))
    if site is None:
        _print_problems(problems)
        return 1
    rows = pages_of(site, given.state)
    print(json.dumps(rows, ensure_ascii=False, indent=2) if given.json else as_table(rows))
    return 0


COMMANDS = (
    Command("build", "Build the site.", _add_build, _build),
    Command("serve", "Serve a preview that follows every save.", _add_serve, _serve),
    Command("check", "Run the build's checks without writing anything.", _add_check, _check),
    Command("new", "Make a new site or article.", _add_new, _new),
    Command("why", "Say why an output was written, or would be.", _add_why, _why),
    Command("list", "List the pages and their state.", _add_list, _list),
)
