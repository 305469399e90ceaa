"""The build, as a story: read_sources -> parse -> survey -> index -> plan -> run -> commit.

Reading is total, rendering is pure, writing is last: every problem of the site is gathered before anything is written,
and when one of them is an error the output folder stays as it was.
"""

from __future__ import annotations

import gc
import os
import shutil
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from obverse import ledger_file as ledgers
from obverse.bundled import bundled
from obverse.clock import Clock, moment
from obverse.commit import roll_forward
from obverse.excerpts import quoted
from obverse.garbage import RARELY
from obverse.keep import Keep
from obverse.ledger import Ledger, Outline, touched
from obverse.lock import locked
from obverse.options import RELEASE, BuildOptions, Report
from obverse.problems import Problem, StoppedError, errors, problem
from obverse.sources import SETTINGS, Sources, read_sources, recorded
from obverse.verify import differences
from obverse.versions import rules

if TYPE_CHECKING:
    from pathlib import Path

    from obverse.site import Site

__all__ = ["BuildOptions", "Keep", "Report", "build", "disk", "no_site", "refused", "site_of"]

_kept: Keep | None = None


def build(options: BuildOptions, at: Clock | None = None, keep: Keep | None = None) -> Report:
    """Build a site. Never raises for a site's mistakes: they are in the report, and the output folder is as it was.

    `at` is the moment to build for; without it `SOURCE_DATE_EPOCH` or the real time. `keep` is what a process that
    builds the same site again and again gives to every build.
    """
    began = time.monotonic()
    gc.set_threshold(*RARELY)
    keep = keep or _last()
    refusal = refused(options.root)
    if refusal:
        return Report((refusal,), blocked=True)
    try:
        with locked(options.workshop, options.on_wait):
            roll_forward(options.workshop)
            report = _build(options, at, keep)
            if options.verify and not report.blocked:
                report = _verified(options, report, at)
    except StoppedError as error:
        report = Report((error.problem,), blocked=True)
    except OSError as error:
        report = Report((disk(error),), blocked=True)
    problems = quoted(report.problems, options.root, bundled("templates"))
    return replace(report, problems=problems, seconds=time.monotonic() - began)


def _last() -> Keep:
    """What keeps the one build of a process: it is not let go of before that ends."""
    global _kept  # noqa: PLW0603 - it is not to be used again
    _kept = Keep(ends=True)
    return _kept


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
    hint = "make it readable and writable, or free the way" if error.filename else ""
    return problem("disk", str(error.filename or ""), (error.strerror or str(error)).lower(), hint=hint)


def no_site(root: Path) -> Problem:
    """The problem of a folder that is no site."""
    hint = "go to a site's folder, or make one with: obverse new site DIR"
    return problem("no-site", "", f"there is no {SETTINGS} in {root}", hint=hint)


def _build(options: BuildOptions, at: Clock | None, keep: Keep) -> Report:
    known = Outline() if options.clean else keep.outline(options.ledger_file)
    sources = read_sources(options.root, bundled("templates"), known.sources, time.time_ns())
    unchanged = _nothing_to_do(options, known, sources, at)
    if unchanged:
        if not options.dry:
            _refresh_stamps(options, known, sources, keep)
        return unchanged
    from obverse.pipeline import make_site  # everything heavier than a look at the disk

    old = Ledger() if options.clean else keep.ledger(options.ledger_file)
    if known.stamps and not old.stamps:  # what was not looked at yet is damaged, and nothing of it counts
        sources = read_sources(options.root, bundled("templates"), old.sources, time.time_ns())
    return make_site(options, old, sources, at, keep)


def site_of(options: BuildOptions, at: Clock | None = None) -> tuple[Site | None, tuple[Problem, ...]]:
    """The site as it would be built, without rendering or writing anything; None when its settings are wrong."""
    old = ledgers.load(options.ledger_file)
    sources = read_sources(options.root, bundled("templates"), old.sources, time.time_ns())
    from obverse.pipeline import look

    options.workshop.mkdir(parents=True, exist_ok=True)
    return look(options, old, sources, at)


def _nothing_to_do(options: BuildOptions, old: Outline, sources: Sources, at: Clock | None) -> Report | None:
    """The report of a build in which nothing at all has changed, or None when something may have."""
    if not old.stamps or sources.problems or old.setting != options.setting:
        return None
    if sources.changed:
        return None
    if old.rules != rules(sources):
        return None
    now = moment(at, "UTC").now
    due = datetime.fromisoformat(old.next_due)
    if not datetime.fromisoformat(old.built_at) <= now < due:
        return None
    if touched(options.folder, options.release_folder, old.stamps):
        return None
    total = sum(not path.startswith(RELEASE) for path in old.stamps)
    return Report(old.told, total=total, next_due=due)


def _refresh_stamps(options: BuildOptions, known: Outline, sources: Sources, keep: Keep) -> None:
    """Remember stats that may be trusted by now, so that those files need not be read again."""
    if sources.unsure:
        old = keep.ledger(options.ledger_file)
        new = replace(old, sources=recorded(sources, known.sources))
        target, data = ledgers.save(old, new, options.ledger_file)
        fresh = target.with_name(target.name + ".fresh")
        fresh.write_bytes(data)
        os.replace(fresh, target)
        ledgers.settle(target)
        keep.remember(options.ledger_file, new)


def _verified(options: BuildOptions, report: Report, at: Clock | None) -> Report:
    """The report with a problem for every output that a clean build beside it makes differently."""
    folder = options.workshop / "verify"
    shutil.rmtree(folder, ignore_errors=True)
    clean = replace(options, out=folder, clean=True, verify=False, dry=False)
    try:
        fresh = _build(clean, at, Keep())
        both = ((options.folder, folder), (options.release_folder, clean.release_folder))
        found = () if fresh.blocked else tuple(one for pair in both for one in differences(*pair))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(clean.release_folder, ignore_errors=True)
        ledgers.remove(clean.ledger_file)
    problems = (*report.problems, *(fresh.problems if fresh.blocked else ()), *found)
    return replace(report, problems=problems, blocked=bool(errors(problems)))
