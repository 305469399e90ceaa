"""The engine's own commands: words on a command line -> a build, its checks, a new site; printed, and an exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from obverse import __version__

if TYPE_CHECKING:
    from obverse.build import BuildOptions, Report
    from obverse.problems import Problem

SETTINGS = "obverse.toml"


class Command(NamedTuple):
    """One command: its name, one sentence of help, how it adds its options, and what it does."""

    name: str
    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def site_root(given: argparse.Namespace) -> Path:
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


def add_root(one: argparse.ArgumentParser) -> None:
    """Let a command be told of which site it is."""
    one.add_argument("--root", metavar="DIR", help="the site's folder (default: here, or the nearest above)")


def _add_build(one: argparse.ArgumentParser) -> None:
    add_root(one)
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
        "root": site_root(given),
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
        "released": list(report.released),
        "total": report.total,
        "blocked": report.blocked,
        "next_due": None if report.next_due == NEVER else report.next_due.isoformat(),
        "seconds": round(report.seconds, 3),
    }
    print(json.dumps(rows, ensure_ascii=False, indent=2))


def _print_report(report: Report, options: BuildOptions, verb: str) -> None:
    print_problems(report.problems)
    if report.blocked:
        from obverse.problems import tally

        untouched = "" if options.dry else f"; {_shown(options.folder)} is as it was"
        print(f"{tally(report.problems)}{untouched}", file=sys.stderr)
        return
    if not report.written and not report.removed:
        what = "the release alone has changed" if report.released else "nothing to do"
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


def print_problems(problems: tuple[Problem, ...], stream: IO[str] | None = None) -> None:
    """Print problems as text, on standard error unless told otherwise."""
    from obverse.problems import as_text

    if problems:
        print(as_text(problems) + "\n", file=stream or sys.stderr)


def _add_check(one: argparse.ArgumentParser) -> None:
    add_root(one)
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
        print_problems(report.problems, sys.stdout)
        print(tally(report.problems))
    return 1 if report.blocked or (given.strict and report.problems) else 0


def _add_new(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to make", dest="kind", metavar="KIND", required=True)
    site = kinds.add_parser("site", help="a new site, with the starter to change")
    site.add_argument("folder", metavar="DIR")
    site.add_argument("--title", help="what the site is called")
    article = kinds.add_parser("article", help="a new article, as a draft")
    article.add_argument("title", metavar="TITLE")
    article.add_argument("--section", metavar="FOLDER", help="the dated section it belongs to")
    article.add_argument("--author", metavar="NAME", action="append", default=[], help="an author's file name")
    add_root(article)


def _new(given: argparse.Namespace) -> int:
    return _new_site(given) if given.kind == "site" else _new_article(given)


def _new_site(given: argparse.Namespace) -> int:
    from obverse.new import new_site

    made = new_site(Path(given.folder), given.title or "")
    return told(made, f"a site in {given.folder}; next: cd {given.folder} && obverse serve")


def _new_article(given: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from obverse.build import no_site
    from obverse.config import Articles, load
    from obverse.new import new_article

    root = site_root(given)
    settings = root / SETTINGS
    if not settings.is_file():
        return told(no_site(root), "")
    config, _ = load(settings.read_text(encoding="utf-8-sig", errors="replace"), SETTINGS)
    dated = config.articles.sections or Articles().sections
    section = (given.section or dated[0]).strip("/")
    if not any(section == one or section.startswith(f"{one}/") for one in dated) or ".." in section.split("/"):
        return told(_undated(section, dated), "")
    return told(new_article(root, given.title, datetime.now(UTC), section, tuple(given.author)), "")


def _undated(section: str, dated: tuple[str, ...]) -> Problem:
    from obverse.problems import nearest, problem

    hint = nearest(section, dated) or "the dated sections are " + ", ".join(dated)
    return problem("bad-value", SETTINGS, f"'{section}' is not a dated section", hint=hint)


def told(made: object, otherwise: str) -> int:
    """Print a problem, or what was made."""
    from obverse.problems import Problem

    if isinstance(made, Problem):
        print_problems((made,))
        return 1
    print(otherwise or _shown(Path(str(made))))
    return 0


def _add_why(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument("url", metavar="URL", help="an address of the site, or a file under its output folder")


def _why(given: argparse.Namespace) -> int:
    from obverse.build import BuildOptions
    from obverse.why import why

    text, code = why(BuildOptions(site_root(given), dry=True), given.url)
    print(text)
    return code


def _add_list(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument("--state", choices=("published", "draft", "scheduled", "expired"), help="only pages in this state")
    one.add_argument("--json", action="store_true", help="print the pages as JSON")


def _list(given: argparse.Namespace) -> int:
    from obverse.build import BuildOptions, refused, site_of
    from obverse.listing import as_table, pages_of

    root = site_root(given)
    if refusal := refused(root):
        return told(refusal, "")
    site, problems = site_of(BuildOptions(root))
    if site is None:
        print_problems(problems)
        return 1
    rows = pages_of(site, given.state)
    print(json.dumps(rows, ensure_ascii=False, indent=2) if given.json else as_table(rows))
    return 0


ENGINE = (
    Command("build", "Build the site.", _add_build, _build),
    Command("check", "Run the build's checks without writing anything.", _add_check, _check),
    Command("new", "Make a new site or article.", _add_new, _new),
    Command("why", "Say why an output was written, or would be.", _add_why, _why),
    Command("list", "List the pages and their state.", _add_list, _list),
)
