"""What the server and its builder say to each other, a JSON object a line: an `Order` goes, an `Outcome` comes back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from obverse.clock import NEVER
from obverse.problems import Level, Problem, as_json, problem

if TYPE_CHECKING:  # the server does not load what only its builder needs
    from obverse.build import Report


@dataclass(frozen=True, slots=True)
class Order:
    """One preview to build: from `root` into `out`, for `base_url`, by the function `builder` ("module:function").

    `first` are the files of the preview that somebody looks at: they may be told of before the rest.
    """

    root: str
    out: str
    base_url: str
    builder: str
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a build went. `crashed` when the builder itself failed, which is never the fault of a page.

    `partial` when it made no more than what somebody looks at: the outcome of the rest is on its way.
    """

    problems: tuple[Problem, ...] = ()
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    total: int = 0
    blocked: bool = False
    next_due: datetime = NEVER
    seconds: float = 0.0
    crashed: bool = False
    partial: bool = False


def order_line(order: Order) -> bytes:
    """The order as one line."""
    return json.dumps(asdict(order)).encode() + b"\n"


def read_order(line: bytes) -> Order:
    """The order a line holds."""
    values = json.loads(line)
    return Order(**values | {"first": tuple(values["first"])})


def report_line(report: Report) -> bytes:
    """A build's report as one line."""
    return _line(
        problems=as_json(report.problems),
        written=list(report.written),
        removed=list(report.removed),
        total=report.total,
        blocked=report.blocked,
        next_due=report.next_due.isoformat(),
        seconds=report.seconds,
        crashed=False,
        partial=report.partial,
    )


def outcome_line(outcome: Outcome) -> bytes:
    """An outcome as one line."""
    values = {name: getattr(outcome, name) for name in Outcome.__slots__}
    return _line(**values | {"problems": as_json(outcome.problems), "next_due": outcome.next_due.isoformat()})


def read_outcome(line: bytes) -> Outcome:
    """The outcome a line holds."""
    values = json.loads(line)
    values["problems"] = tuple(_problem(one) for one in values["problems"])
    values["next_due"] = datetime.fromisoformat(values["next_due"])
    values["written"], values["removed"] = tuple(values["written"]), tuple(values["removed"])
    return Outcome(**values)


def crash(message: str, *, path: str = "", line: int = 0, excerpt: str = "", hint: str = "") -> Outcome:
    """The outcome of a build that ended without a report."""
    found = problem("builder-crashed", path, message, line=line, excerpt=excerpt, hint=hint)
    return Outcome(problems=(found,), blocked=True, crashed=True)


def _line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _problem(values: dict[str, Any]) -> Problem:
    return Problem(**values | {"level": Level(values["level"])})
