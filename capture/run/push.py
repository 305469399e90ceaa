"""The release of the last build -> a shelf of releases: this machine's, a mounted one of another, or one to rsync."""

from __future__ import annotations

import sys
from pathlib import Path

from capture.release import ReleaseError, take_in
from obverse.problems import Problem, as_text, problem

RELEASE = Path(".obverse", "release")
_HINT = "run obverse build first"


def push(root: Path, target: Path) -> int:
    """Take the release of the site at `root` into `target`, a `var/releases`. Prints what was added; returns 0 or 1."""
    if not (root / RELEASE / "site.json").is_file():
        return _refused(problem("run-release", RELEASE.as_posix(), "there is no release yet", hint=_HINT))
    before = _files(target)
    try:
        take_in(root / RELEASE, target)
    except ReleaseError as error:
        return _refused(problem("run-release", RELEASE.as_posix(), str(error), hint=_HINT))
    except OSError as error:
        return _refused(problem("disk", str(target), f"the release cannot be written: {error.strerror or error}"))
    added = sorted(_files(target) - before)
    print(f"{target}: {_added(added)}")
    return 0


def _files(target: Path) -> set[str]:
    return {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}


def _added(names: list[str]) -> str:
    if not names:
        return "this release was there already"
    forms = [name for name in names if name.startswith("forms/")]
    return f"a new release, {len(names)} files added" + (f" ({len(forms)} of forms)" if forms else "")


def _refused(one: Problem) -> int:
    print(as_text((one,)), file=sys.stderr)
    return 1
