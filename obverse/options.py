"""What to build, and what came of it: the order a build is given, and its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from obverse.clock import NEVER
from obverse.problems import Problem
from obverse.sources import digest_of

WORKSHOP = ".obverse"
PREVIEW = "preview"

# Outputs under this path belong to the release: they lie beside the ledger, never under the output folder. No URL
# makes such a path, since the path of every other output begins with a name.
RELEASE = "/release/"

Progress = Callable[[str, int, int], None]


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Progress nobody looks at."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What to build and where. `out` None is `site/`, or the preview folder when `mode` is "preview".

    `drafts` also shows drafts and what is not due; `base_url` stands in for `[site] url`; `dry` writes nothing;
    `clean` remembers nothing of earlier builds. `first` are output paths that somebody looks at: when a great many are
    to be made, a build makes these, says that it is `partial`, and leaves the rest to the next one. `workers` is the
    number of processes that do the work, 0 for as many as there are processors to use.
    """

    root: Path
    out: Path | None = None
    mode: str = "site"
    drafts: bool = False
    base_url: str | None = None
    verify: bool = False
    dry: bool = False
    clean: bool = False
    first: frozenset[str] = frozenset()
    workers: int = 0
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
    def release_folder(self) -> Path:
        """Where the release lies: `.obverse/release/` for the site, a folder of its own for every other output."""
        stem = self.ledger_file.stem
        return self.workshop / ("release" if stem == "site" else f"{stem}.release")

    @property
    def setting(self) -> str:
        """What tells one way of building a folder from another."""
        return repr((self.mode, self.drafts, self.base_url))


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a build.

    `written` and `removed` are output paths, `released` those of the release's files that were written or removed,
    `total` counts all outputs under the output folder, `blocked` says that errors kept it
    from being written, `next_due` is when the site changes by itself, `because` tells why each file was written.
    `partial` says that no more was made than what somebody looks at, and the rest waits for the next build.
    """

    problems: tuple[Problem, ...]
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    total: int = 0
    blocked: bool = False
    next_due: datetime = NEVER
    seconds: float = 0.0
    because: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False
