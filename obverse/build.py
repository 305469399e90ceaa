"""The build, as a story: read_sources -> parse -> survey -> index -> plan -> run -> commit.

Reading is total, rendering is pure, writing is last: every problem of the site is gathered before anything is written,
and when one of them is an error the output folder stays as it was.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from obverse import ledger as ledgers
from obverse.bundled import bundled
from obverse.clock import NEVER, Clock, clock
from obverse.commit import CannotWriteError, roll_forward
from obverse.ledger import Ledger
from obverse.lock import locked
from obverse.problems import Problem, errors, problem
from obverse.sources import SETTINGS, Sources, digest_of, read_sources
from obverse.versions import versions_stamp

if TYPE_CHECKING:
    from obverse.site import Site

WORKSHOP = ".obverse"
PREVIEW = "preview"

Progress = Callable[[str, int, int], None]


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Progress nobody looks at."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What to build and where. `out` None is `site/`, or the preview folder when `mode` is "preview".

    `drafts` also shows drafts and what is not due; `base_url` stands in for `[site] url`; `dry` writes nothing;
    `clean` remembers nothing of earlier builds.
    """

    root: Path
    out: Path | None = None
    mode: str = "site"
    drafts: bool = False
    base_url: str | None = None
    verify: bool = False
    dry: bool = False
    clean: bool = False
    progress: Progress = _quiet
    on_wait: Callable[[], None] = lambda: None

    @property
    def folder(self) -> Path:
        """The output folder, absolute."""
        default = self.root / WORKSHOP / PREVIEW if self.mode == PREVIEW else self.root / "site"
        return Path(os.path.abspath(self.out or default))

    @property
    def workshop(self) -> Path:
        """The folder for ledgers and memos."""
        return self.root / WORKSHOP

    @property
    def ledger_file(self) -> Path:
        """The ledger of this output folder."""
        names = {self.root / "site": "site", self.root / WORKSHOP / PREVIEW: PREVIEW}
        absolute = {Path(os.path.abspath(folder)): name for folder, name in names.items()}
        name = absolute.get(self.folder) or "out-" + digest_of(os.fsencode(self.folder))[:12]
        return self.workshop / f"{name}.ledger"

    @property
    def setting(self) -> str:
        """What tells one way of building a folder from another."""
        return repr((self.mode, self.drafts, self.base_url))


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a build.

    `written` and `removed` are output paths, `total` counts all outputs there are, `blocked` says that errors kept it
    from being written, `next_due` is when the site changes by itself, `because` tells why each file was written.
    """

    problems: tuple[Problem, ...]
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    total: int = 0
    blocked: bool = False
    next_due: datetime = NEVER
    seconds: float = 0.0
    because: Mapping[str, str] = field(default_factory=dict)


def build(options: BuildOptions, at: Clock | None = None) -> Report:
    """Build a site. Never raises for a site's mistakes: they are in the report, and the output folder is as it was.

    `at` is the moment to build for; without it `SOURCE_DATE_EPOCH` or the real time.
    """
    began = time.monotonic()
    refusal = refused(options.root)
    if refusal:
        return Report((refusal,), blocked=True)
    try:
        with locked(options.workshop, options.on_wait):
            roll_forward(options.workshop)
            report = _build(options, at)
            if options.verify and not report.blocked:
                report = _verified(options, report, at)
    except CannotWriteError as error:
        report = Report((error.problem,), blocked=True)
    except OSError as error:
        report = Report((disk(error),), blocked=True)
    return replace(report, problems=_quoted(report.problems, options.root), seconds=time.monotonic() - began)


def _quoted(problems: Iterable[Problem], root: Path) -> tuple[Problem, ...]:
    """The problems with the source line each of them is about, where they did not bring it along."""
    return tuple(
        replace(one, excerpt=_line_of(_file_of(one.path, root), one.line))
        if one.line and not one.excerpt and one.code not in _NEVER_QUOTED
        else one
        for one in problems
    )


# The line would print a secret into logs and overlays.
_NEVER_QUOTED = frozenset({"secret"})


def _file_of(path: str, root: Path) -> Path:
    """The file a problem's path names; the bundled theme's are "theme/..."."""
    folder, _, name = path.partition("/")
    return bundled("templates") / name if folder == "theme" else root / path


def _line_of(file: Path, line: int) -> str:
    try:
        with open(file, encoding="utf-8-sig", errors="replace", newline=None) as stream:
            return next(itertools.islice(stream, line - 1, None), "").rstrip("\n")
    except OSError:
        return ""


def refused(root: Path) -> Problem | None:
    """Why nothing can be built here at all: there is no site, or no telling what time it is."""
    if not (root / SETTINGS).is_file():
        return no_site(root)
    try:
        moment(None, "UTC")
    except (ValueError, OverflowError, OSError):
        message = f"SOURCE_DATE_EPOCH is '{os.environ.get('SOURCE_DATE_EPOCH')}'"
        return problem("bad-value", "", message, hint="set it to a whole number of seconds since 1970, or take it away")
    return None


def disk(error: OSError) -> Problem:
    """The problem of a disk that refused."""
    return problem("disk", str(error.filename or ""), (error.strerror or str(error)).lower())


def no_site(root: Path) -> Problem:
    """The problem of a folder that is no site."""
    hint = "go to a site's folder, or make one with: obverse new site DIR"
    return problem("no-site", "", f"there is no {SETTINGS} in {root}", hint=hint)


def _build(options: BuildOptions, at: Clock | None) -> Report:
    old = Ledger() if options.clean else ledgers.load(options.ledger_file)
    sources = read_sources(options.root, bundled("templates"), old.sources, time.time_ns())
    unchanged = _nothing_to_do(options, old, sources, at)
    if unchanged:
        return unchanged
    from obverse.pipeline import make_site  # everything heavier than a look at the disk

    return make_site(options, old, sources, at)


def moment(at: Clock | None, zone: str) -> Clock:
    """The build's clock in the site's time zone."""
    return at or clock(os.environ, datetime.now(UTC), ZoneInfo(zone))


def site_of(options: BuildOptions, at: Clock | None = None) -> tuple[Site | None, tuple[Problem, ...]]:
    """The site as it would be built, without rendering or writing anything; None when its settings are wrong."""
    old = ledgers.load(options.ledger_file)
    sources = read_sources(options.root, bundled("templates"), old.sources, time.time_ns())
    from obverse.pipeline import look

    options.workshop.mkdir(parents=True, exist_ok=True)
    return look(options, old, sources, at)


def _nothing_to_do(options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None) -> Report | None:
    """The report of a build in which nothing at all has changed, or None when something may have."""
    if not old.outputs or sources.problems or old.setting != options.setting:
        return None
    digests = {path: source.digest for path, source in sources.files.items()}
    if digests != {path: digest for path, (_, digest) in old.sources.items()}:
        return None
    if old.rules != rules(sources):
        return None
    now = moment(at, "UTC").now
    due = datetime.fromisoformat(old.next_due)
    if not datetime.fromisoformat(old.built_at) <= now < due:
        return None
    stamps = ledgers.stamps_of(options.folder, old.outputs)
    if any(stamps.get(path) != written.stamp for path, written in old.outputs.items()):
        return None
    if not options.dry:
        _refresh_stamps(options, old, sources)
    return Report(old.told, total=len(old.outputs), next_due=due)


def _refresh_stamps(options: BuildOptions, old: Ledger, sources: Sources) -> None:
    """Remember stats that may be trusted by now, so that those files need not be read again."""
    stamps = {path: (source.stamp, source.digest) for path, source in sources.files.items()}
    if stamps != old.sources:
        old.sources = stamps
        fresh = options.ledger_file.with_suffix(".fresh")
        fresh.write_bytes(ledgers.dump(old))
        os.replace(fresh, options.ledger_file)


def rules(sources: Sources) -> str:
    """What every output depends on besides the site: this program, its libraries, Python, and the site's hooks."""
    hooks = sources.files.get("hooks.py")
    return f"{versions_stamp()} {hooks.digest if hooks else ''}"


def _verified(options: BuildOptions, report: Report, at: Clock | None) -> Report:
    """The report with a problem for every output that a clean build beside it makes differently."""
    folder = options.workshop / "verify"
    shutil.rmtree(folder, ignore_errors=True)
    clean = replace(options, out=folder, clean=True, verify=False, dry=False)
    try:
        fresh = _build(clean, at)
        found = () if fresh.blocked else tuple(_differences(options.folder, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        clean.ledger_file.unlink(missing_ok=True)
    problems = (*report.problems, *(fresh.problems if fresh.blocked else ()), *found)
    return replace(report, problems=problems, blocked=bool(errors(problems)))


def _differences(out: Path, clean: Path) -> Iterator[Problem]:
    mine, theirs = _files_in(out), _files_in(clean)
    hint = "please report this; `obverse build` after deleting .obverse/ mends it"
    for path in sorted(mine | theirs):
        if path not in theirs:
            yield problem("verify", f"{out.name}/{path}", "a clean build would not make this file", hint=hint)
        elif path not in mine:
            yield problem("verify", f"{out.name}/{path}", "a clean build would make this file", hint=hint)
        elif (out / path).read_bytes() != (clean / path).read_bytes():
            yield problem("verify", f"{out.name}/{path}", "a clean build makes other bytes", hint=hint)


def _files_in(folder: Path) -> set[str]:
    found = set()
    for inner, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = os.path.relpath(inner, folder)
        found |= {os.path.normpath(os.path.join(relative, name)) for name in files if not name.startswith(".")}
    return {path.replace(os.sep, "/") for path in found}
