"""What the open pages are told: which build the preview is, what changed in it, and the problems that stand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from obverse.problems import Problem, as_json, tally
from obverse.serve.preview import is_page
from obverse.serve.wire import Outcome

SHOWN = 100  # problems an overlay lists; the terminal has them all

# Feeds and data are read by no open page, and have nothing to reload.
_UNSEEN = (".json", ".txt", ".xml")


@dataclass(frozen=True, slots=True)
class Changed:
    """What a build touched, as far as a browser treats it differently."""

    pages: bool = False
    styles: bool = False
    files: bool = False

    def __bool__(self) -> bool:
        return self.pages or self.styles or self.files


@dataclass(frozen=True, slots=True)
class State:
    """Where the preview stands.

    `builds` counts the previews that were written, `changed` is what the last of them touched; `serial` counts the
    builds that were tried, `blocked` and `problems` are what the last of those came to.
    """

    instance: str
    builds: int = 0
    serial: int = 0
    changed: Changed = Changed()
    blocked: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether a build has ended yet."""
        return self.serial > 0

    @property
    def build(self) -> str:
        """The name of the preview on disk, unlike any other of this or another server."""
        return f"{self.instance}-{self.builds}"

    def after(self, outcome: Outcome) -> State:
        """The state when one more build has ended."""
        changed = changes((*outcome.written, *outcome.removed))
        # The first build counts even if it wrote nothing: a page may have been served while it ran.
        committed = not outcome.blocked and bool(outcome.written or outcome.removed or not self.builds)
        return State(
            self.instance,
            self.builds + committed,
            self.serial + 1,
            changed if committed else self.changed,
            outcome.blocked,
            outcome.problems,
        )

    def message(self) -> dict[str, Any]:
        """The state as plain values, for the browser."""
        return {
            "build": self.build,
            "since": f"{self.instance}-{self.builds - 1}",
            "serial": self.serial,
            "changed": {"pages": self.changed.pages, "styles": self.changed.styles, "files": self.changed.files},
            "blocked": self.blocked,
            "tally": tally(self.problems),
            "total": len(self.problems),
            "problems": [
                values | {"place": one.place}
                for one, values in zip(self.problems[:SHOWN], as_json(self.problems[:SHOWN]), strict=True)
            ],
        }


def changes(paths: Iterable[str]) -> Changed:
    """What kinds of file are among the paths."""
    pages = styles = files = False
    for path in paths:
        suffix = os.path.splitext(path)[1].lower()
        if is_page(path):
            pages = True
        elif suffix == ".css":
            styles = True
        elif suffix not in _UNSEEN:
            files = True
    return Changed(pages, styles, files)
